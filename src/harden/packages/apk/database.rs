//! apk's list of installed packages in an image, with every file of theirs.
//!
//! Source: apk-tools 2.14 `src/database.c` (`apk_db_fdb_write`); Alpine wiki, "Apk spec".

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::super::paragraphs::ranges;
use super::super::relation::Key;
use super::super::solve::Installed;
use super::super::stage::Stage;
use super::super::unpack::{Kind, Member};
use super::super::{Entry, PackagesError, Root};
use super::record::Record;
use crate::facts::path::{join, parent};
use crate::layer::path;

/// Largest list.
const MAX_BYTES: u64 = 64 << 20;

/// Where apk 2 has it, and apk 3 where `/usr` is merged.
const PLACES: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];

/// All records of an image.
pub(super) struct Database {
    /// Where the list is.
    place: Vec<u8>,
    /// In their order.
    records: Vec<Record>,
    by_key: BTreeMap<Key, (usize, Installed)>,
}

impl Database {
    pub(super) fn read(root: &dyn Root) -> Result<Self, PackagesError> {
        let stage = Stage::over(root);
        let failed = |reason: &str| PackagesError::Records {
            path: "/lib/apk/db/installed".to_owned(),
            reason: reason.to_owned(),
        };
        let found = PLACES.iter().find_map(|place| Some((stage.follow(place)?, stage.read(place, MAX_BYTES)?)));
        let (place, text) = found.ok_or_else(|| failed("there is none"))?;
        let text = text.map_err(|error| failed(&error.to_string()))?;
        let (mut records, mut by_key) = (Vec::new(), BTreeMap::new());
        for part in paragraphs(&text) {
            let record = Record::parse(part).ok_or_else(|| failed("a line is not `letter:value`"))?;
            let member = record.member().ok_or_else(|| failed("a record has no name, no version, or an odd field"))?;
            // Tags of partly failed installations: `f:` (apk-tools `apk_db_fdb_write`).
            let is_fixed = (!record.get(b'f').is_empty()).then_some("its installation is not complete in the image");
            by_key.insert(member.key(), (records.len(), Installed { member, is_fixed }));
            records.push(record);
        }
        Ok(Self { place, records, by_key })
    }

    pub(super) fn installed(&self) -> BTreeMap<Key, Installed> {
        self.by_key.iter().map(|(key, (_, installed))| (key.clone(), installed.clone())).collect()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        self.by_key.get(key).and_then(|(index, _)| self.records.get(*index))
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.iter()
    }

    /// The list with other records in the place of some, and new ones behind.
    pub(super) fn write(&self, stage: &mut Stage<'_>, updates: &[(Key, Record)]) {
        let mut text = Vec::new();
        let mut put = |record: &Record| {
            text.extend_from_slice(&record.text());
            text.push(b'\n');
        };
        for record in &self.records {
            let is_it = |(name, arch): &Key| name == record.get(b'P') && arch == record.get(b'A');
            put(updates.iter().find(|(key, _)| is_it(key)).map_or(record, |(_, new)| new));
        }
        updates.iter().filter(|(key, _)| !self.by_key.contains_key(key)).for_each(|(_, new)| put(new));
        stage.put(self.place.clone(), Entry::record(text));
    }
}

/// Records without the empty lines between them.
fn paragraphs(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    ranges(text).into_iter().filter_map(|range| text.get(range))
}

/// A file or folder of a record: its path, and the checksum of a file.
pub(super) struct Owned {
    pub(super) path: Vec<u8>,
    pub(super) is_folder: bool,
    pub(super) checksum: Option<String>,
}

/// What a record says it has.
pub(super) fn files(record: &Record) -> Vec<Owned> {
    let (mut folder, mut found): (&str, Vec<Owned>) = ("", Vec::new());
    for (letter, value) in record.lines() {
        match letter {
            b'F' => {
                folder = value;
                found.push(Owned { path: value.as_bytes().to_vec(), is_folder: true, checksum: None });
            }
            b'R' => {
                let path = join(folder.as_bytes(), value.as_bytes());
                found.push(Owned { path, is_folder: false, checksum: None });
            }
            b'Z' => {
                if let Some(last) = found.last_mut() {
                    last.checksum = Some(value.to_owned());
                }
            }
            _ => {}
        }
    }
    found.retain(|owned| path::is_normal(&owned.path));
    found
}

/// Adds what the package has to its record: each folder with the files in it, owners and modes where they are not the usual ones.
pub(super) fn add_files(record: &mut Record, members: &[Member]) -> Result<(), String> {
    let mut folders: Vec<&[u8]> = Vec::new();
    let mut by_folder: BTreeMap<&[u8], Vec<&Member>> = BTreeMap::new();
    let mut own: BTreeMap<&[u8], &Member> = BTreeMap::new();
    for member in members.iter().filter(|member| !member.path.is_empty()) {
        let folder = if matches!(member.kind, Kind::Directory) {
            own.insert(&member.path, member);
            &member.path
        } else {
            let folder = parent(&member.path).unwrap_or_default();
            by_folder.entry(folder).or_default().push(member);
            folder
        };
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    let text = |path: &[u8]| {
        let is_line = !path.contains(&b'\n');
        std::str::from_utf8(path).ok().filter(|_| is_line).map(str::to_owned).ok_or("a name in it is no line of text")
    };
    for folder in folders {
        record.push(b'F', text(folder)?);
        if let Some(Member { uid, gid, mode, .. }) =
            own.get(folder).filter(|one| (one.uid, one.gid, one.mode) != (0, 0, 0o755))
        {
            record.push(b'M', format!("{uid}:{gid}:{mode:o}"));
        }
        for member in by_folder.get(folder).into_iter().flatten() {
            let name = member.path.get(if folder.is_empty() { 0 } else { folder.len() + 1 }..).unwrap_or_default();
            record.push(b'R', text(name)?);
            if (member.uid, member.gid, member.mode) != (0, 0, 0o644) {
                record.push(b'a', format!("{}:{}:{:o}", member.uid, member.gid, member.mode));
            }
            record.push(b'Z', checksum(member, members)?);
        }
    }
    Ok(())
}

/// `Q1` and base64 of the SHA-1 of a file or of a link's target.
fn checksum(member: &Member, members: &[Member]) -> Result<String, String> {
    let sum = match &member.kind {
        Kind::File(_, sum) => sum.clone(),
        Kind::Symlink(target) => Sha1::digest(target).to_vec(),
        Kind::HardLink(target) => {
            let named = members.iter().find(|other| other.path == *target);
            match named.map(|other| &other.kind) {
                Some(Kind::File(_, sum)) => sum.clone(),
                _ => return Err("a hard link in it names no file of its own".to_owned()),
            }
        }
        Kind::Directory => Vec::new(),
    };
    Ok(format!("Q1{}", STANDARD.encode(sum)))
}
