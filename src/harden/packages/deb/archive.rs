//! A Debian package's file: what its control part says, and its members.
//!
//! Source: deb(5), deb-control(5), deb-md5sums(5), deb-conffiles(5), deb-triggers(5).

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::super::unpack::{self, Kind, Member, Recorded, Spool, UnpackError};
use super::control::{ControlError, Paragraph};
use crate::layer::{ReadAt, Slice};
use crate::nested::ar::Members;
use crate::nested::stream::{self, Compression};
use crate::nested::{NestedError, reader};

/// Largest control part, unpacked. The largest of Debian lists 100,000 checksums in 10 MB.
const MAX_CONTROL_PART_BYTES: u64 = 64 << 20;

/// Largest `control` file: descriptions and dependencies have a few KiB.
const MAX_CONTROL_BYTES: usize = 1 << 20;

/// Names of control files that dpkg keeps (`info/NAME.*`). Others are kept by it too, but nothing here knows what they are for.
const KNOWN: &[&str] = &[
    "conffiles",
    "config",
    "control",
    "isinstallable",
    "md5sums",
    "postinst",
    "postrm",
    "preinst",
    "prerm",
    "shlibs",
    "symbols",
    "templates",
    "triggers",
];

/// The control part of a package.
#[derive(Clone, Debug)]
pub(super) struct Control {
    pub(super) paragraph: Paragraph,
    /// The same as it is written.
    pub(super) raw: Vec<u8>,
    /// The other files of it, with their modes.
    pub(super) files: BTreeMap<String, (Vec<u8>, u32)>,
}

impl Control {
    /// A control file, empty where there is none.
    pub(super) fn text(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], |(bytes, _)| bytes)
    }
}

/// Why a file is no package that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ArchiveError {
    #[error("it is not a Debian package: {0}")]
    Form(&'static str),
    #[error("it is not a Debian package: {0}")]
    Ar(#[from] NestedError),
    #[error("its control file is refused: {0}")]
    Control(#[from] ControlError),
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    #[error("it has the control file `{0}`, which is not known here")]
    Unknown(String),
}

impl From<io::Error> for ArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Unpack(error.into())
    }
}

/// The two archives of a package.
pub(super) struct Archive<'s> {
    control: Part<'s>,
    data: Part<'s>,
}

struct Part<'s> {
    content: Slice<'s>,
    compression: Option<Compression>,
}

impl<'s> Archive<'s> {
    /// The package in `file`: `debian-binary`, `control.tar`, `data.tar`, in this order and each once. Members whose names begin with `_` are for others.
    pub(super) fn open(file: &'s dyn ReadAt) -> Result<Self, ArchiveError> {
        let mut head = [0; 8];
        file.read_exact_at(0, &mut head)?;
        if head != *b"!<arch>\n" {
            return Err(ArchiveError::Form("no ar archive"));
        }
        let mut members = Members::new(Slice::whole(file));
        let mut next = || loop {
            match members.next()? {
                Some(member) if member.name.starts_with(b"_") => {}
                Some(member) => return Ok::<_, ArchiveError>(member),
                None => return Err(ArchiveError::Form("a member is missing")),
            }
        };
        let version = next()?;
        let mut text = [0; 2];
        version.content.read_exact_at(0, &mut text)?;
        if version.name != b"debian-binary" || text != *b"2." {
            return Err(ArchiveError::Form("not of version 2"));
        }
        let (control, data) = (next()?, next()?);
        Ok(Self {
            control: Part::of(&control.name, b"control.tar", control.content)?,
            data: Part::of(&data.name, b"data.tar", data.content)?,
        })
    }

    /// The control part.
    pub(super) fn control(&self) -> Result<Control, ArchiveError> {
        let mut spool = Spool::temporary()?;
        let mut stream = self.control.open()?.take(MAX_CONTROL_PART_BYTES + 1);
        let members = unpack::members(&mut stream, Recorded::Md5, &mut spool)?;
        if stream.limit() == 0 {
            return Err(UnpackError::TooLarge(MAX_CONTROL_PART_BYTES).into());
        }
        let mut files = BTreeMap::new();
        for Member { path, kind, mode, .. } in members {
            let name = String::from_utf8_lossy(&path).into_owned();
            match kind {
                Kind::Directory if path.is_empty() => {}
                Kind::File(body, _) if KNOWN.contains(&name.as_str()) => {
                    drop(files.insert(name, (spool.read(&body)?, mode)));
                }
                _ => return Err(ArchiveError::Unknown(name)),
            }
        }
        let (control, _) = files.remove("control").ok_or(ControlError::None)?;
        if control.len() > MAX_CONTROL_BYTES {
            return Err(UnpackError::TooLarge(MAX_CONTROL_BYTES as u64).into());
        }
        Ok(Control { paragraph: Paragraph::parse(&control)?, raw: control, files })
    }

    /// The files, links and folders; contents go to `spool`.
    pub(super) fn members(&self, spool: &mut Spool) -> Result<Vec<Member>, ArchiveError> {
        Ok(unpack::members(&mut self.data.open()?, Recorded::Md5, spool)?)
    }
}

impl<'s> Part<'s> {
    fn of(name: &[u8], stem: &[u8], content: Slice<'s>) -> Result<Self, ArchiveError> {
        let compression = match name.strip_prefix(stem) {
            Some(b"") => None,
            Some(b".gz") => Some(Compression::Gzip),
            Some(b".xz") => Some(Compression::Xz),
            Some(b".zst") => Some(Compression::Zstd),
            Some(b".bz2") => Some(Compression::Bzip2),
            _ => return Err(ArchiveError::Form("its members are not control.tar and data.tar in a known compression")),
        };
        Ok(Self { content, compression })
    }

    fn open(&self) -> io::Result<Box<dyn Read + 's>> {
        let stored = reader(self.content);
        match self.compression {
            Some(compression) => stream::open(compression, stored),
            None => Ok(Box::new(stored)),
        }
    }
}
