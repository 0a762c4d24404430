//! An archive of a layout ▸ the layout in a folder of ours.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::blob_name;
use super::entries::Entries;
use crate::digest::Digest;
use crate::source::layout::open_regular;
use crate::source::{MAX_MANIFEST_BYTES, SourceError};

/// Bytes that are moved at a time.
const WINDOW: usize = 64 << 10;

/// Unpacks the layout in the uncompressed archive `path` into the empty folder `to`: its two files, and every blob under the digest that it has. Other entries are passed over, and names decide
/// nothing but that: a blob whose name is not its digest is refused. So the folder gets no more bytes than the archive has.
///
/// # Errors
/// When it is no such archive, or a blob is not what its name says, or the folder cannot be written.
pub fn unpack_layout(path: &Path, to: &Path) -> Result<(), SourceError> {
    let place = path.display().to_string();
    let entries = Entries::scan(open_regular(path)?, &place)?;
    let failed = |source| SourceError::Io { path: to.to_owned(), source };
    for name in ["oci-layout", "index.json"] {
        fs::write(to.join(name), entries.read(name, MAX_MANIFEST_BYTES)?).map_err(failed)?;
    }
    let blobs = to.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(failed)?;
    for digest in entries.names().filter_map(digest_of) {
        let mut hasher = digest.hasher();
        let mut content = entries.section(entries.find(&blob_name(&digest))?);
        let mut file = File::create(blobs.join(digest.hex())).map_err(failed)?;
        copy(&mut content, &mut |chunk| {
            hasher.update(chunk);
            file.write_all(chunk)
        })
        .map_err(failed)?;
        let actual = hasher.finish();
        if actual != digest {
            return Err(SourceError::DigestMismatch { what: format!("a blob of `{place}`"), expected: digest, actual });
        }
    }
    Ok(())
}

/// The digest that an entry's name is of.
fn digest_of(name: &str) -> Option<Digest> {
    let digest: Digest = format!("sha256:{}", name.strip_prefix("blobs/sha256/")?).parse().ok()?;
    Some(digest)
}

fn copy(from: &mut dyn io::Read, each: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut window = vec![0; WINDOW];
    loop {
        let count = from.read(&mut window)?;
        match window.get(..count).filter(|chunk| !chunk.is_empty()) {
            Some(chunk) => each(chunk)?,
            None => return Ok(()),
        }
    }
}

/// Packs a layout into an uncompressed archive: the same layout gives the same bytes.
///
/// # Errors
/// When the folder cannot be read, or the archive not be written.
pub fn pack_layout(layout: &Path, to: &mut dyn io::Write) -> io::Result<()> {
    let mut names = vec!["oci-layout".to_owned(), "index.json".to_owned()];
    let mut blobs: Vec<String> = fs::read_dir(layout.join("blobs/sha256"))?
        .map(|entry| Ok(format!("blobs/sha256/{}", entry?.file_name().display())))
        .collect::<io::Result<_>>()?;
    blobs.sort();
    names.append(&mut blobs);
    let mut archive = tar::Builder::new(to);
    for name in names {
        let file = File::open(layout.join(&name))?;
        let mut header = tar::Header::new_ustar();
        header.set_size(file.metadata()?.len());
        header.set_mode(0o644);
        header.set_mtime(0);
        archive.append_data(&mut header, &name, file)?;
    }
    archive.into_inner()?.flush()
}

/// Makes an empty layout in a folder.
///
/// # Errors
/// When the folder cannot be written.
pub fn empty_layout(folder: &Path) -> Result<(), SourceError> {
    let index = format!(r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[]}}"#, crate::source::repository::INDEX);
    let write = || {
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        fs::write(folder.join("index.json"), index)
    };
    write().map_err(|source| SourceError::Io { path: folder.to_owned(), source })
}
