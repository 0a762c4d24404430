//! The errata of an rpm repository: list of mirrors ▸ `repodata/repomd.xml` ▸ `updateinfo`, whose name changes with its content.
//!
//! A list of mirrors names whole addresses. Only those below the publisher's own base are followed, and below the copy's where a copy stands in its place, so that no
//! list leads elsewhere. Sources: createrepo_c(8); yum.conf(5), `mirrorlist`.

use serde::Deserialize;

use super::mirror::{Change, Session, UpdateError};
use crate::digest::{Digest, Hasher};

/// Largest list of mirrors, and largest `repomd.xml`; real ones have some kilobytes.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// Largest `updateinfo`; Amazon's have some 10 MB.
const MAX_ERRATA_BYTES: u64 = 1 << 30;

#[derive(Deserialize)]
struct Repomd {
    #[serde(default)]
    data: Vec<Data>,
}

/// `<data type="updateinfo">`.
#[derive(Deserialize)]
struct Data {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(default)]
    checksum: Option<Checksum>,
    location: Location,
}

#[derive(Deserialize)]
struct Checksum {
    #[serde(rename = "@type")]
    kind: String,
    #[serde(rename = "$text", default)]
    value: String,
}

#[derive(Deserialize)]
struct Location {
    #[serde(rename = "@href")]
    href: String,
}

/// Where a mirror keeps the errata of a repository that is known by its list of mirrors.
pub(super) fn file_of(list: &str) -> String {
    let folder = list.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/updateinfo")
}

/// The list of mirrors that leads to a file of [`file_of`].
pub(super) fn list_of(file: &str) -> Option<String> {
    file.strip_suffix("/updateinfo").map(|folder| format!("{folder}/mirror.list"))
}

/// Brings a repository's errata up to date.
pub(super) fn update(session: &mut Session<'_>) -> Result<Change, UpdateError> {
    let list = session.wanted.path.to_owned();
    let local = file_of(&list);
    let mirrors = small(session, &list)?;
    let base = session.wanted.upstream.base;
    let mirror = mirrors.lines().find_map(|line| line.trim().strip_prefix(base));
    let mirror = mirror.ok_or_else(|| session.malformed(format!("its list names no mirror below {base}")))?;
    let root = mirror.trim_end_matches('/');
    let repomd = small(session, &format!("{root}/repodata/repomd.xml"))?;
    let repomd: Repomd = quick_xml::de::from_str(&repomd)
        .map_err(|error| session.malformed(format!("its repomd.xml cannot be read: {error}")))?;
    let errata = repomd.data.into_iter().find(|data| data.kind == "updateinfo");
    let errata = errata.ok_or_else(|| session.malformed("the repository has no errata"))?;
    let digest = errata.checksum.filter(|checksum| checksum.kind == "sha256");
    let digest = digest.and_then(|checksum| format!("sha256:{}", checksum.value.trim()).parse::<Digest>().ok());
    let digest = digest.ok_or_else(|| session.malformed("its repomd.xml gives no SHA-256 of the errata"))?;
    if hash(session, &local) == Some(digest.clone()) {
        return Ok(Change::Unchanged);
    }
    let change = session.fetch(&format!("{root}/{}", errata.location.href), &local, MAX_ERRATA_BYTES)?;
    if hash(session, &local).as_ref() != Some(&digest) {
        let _ = std::fs::remove_file(session.local(&local));
        session.forget(&local)?;
        return Err(session.malformed("the errata are not those of its repomd.xml"));
    }
    Ok(change)
}

fn small(session: &Session<'_>, path: &str) -> Result<String, UpdateError> {
    let url = session.url(path)?;
    let fetched = session.transport.block_on(session.transport.fetch(&url, MAX_LIST_BYTES, "updating advisories"));
    let bytes = fetched.map_err(|source| session.failed(source))?;
    String::from_utf8(bytes).map_err(|_| session.malformed(format!("`{path}` is no text")))
}

fn hash(session: &Session<'_>, path: &str) -> Option<Digest> {
    let mut file = std::fs::File::open(session.local(path)).ok()?;
    let mut hasher = Hasher::sha256();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).ok()? {
            0 => return Some(hasher.finish()),
            length => hasher.update(buffer.get(..length)?),
        }
    }
}
