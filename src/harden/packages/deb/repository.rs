//! Packages that may be used: those that a signed Release file pins, or those of a plain folder whose SHA-256 the user gives.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::ops::Range;

use jiff::Timestamp;

use super::super::PackagesError;
use super::super::openpgp::{Keyring, Signer};
use super::super::paragraphs::ranges;
use super::super::solve::Candidate;
use super::super::store::{Package, Store, StoreError};
use super::archive::Archive;
use super::control::Paragraph;
use super::fields::{compare, member};
use super::release::Release;
use crate::nested::stream::{self, Compression};

/// Largest Release file; Debian's have 200 KiB.
const MAX_RELEASE_BYTES: u64 = 16 << 20;

/// Largest list of packages, stored and unpacked. Debian's main has 9 MiB and 50 MiB.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// Largest list of digests.
const MAX_DIGESTS_BYTES: usize = 64 << 20;

/// A package as its paragraph tells it; its proof is the SHA-256 of its file.
fn candidate(paragraph: &Paragraph, store: usize, file: &str, sha256: &str) -> Option<Candidate> {
    let member = member(paragraph).ok()?;
    let source_version = source_version(paragraph);
    Some(Candidate { member, source_version, file: (store, file.to_owned()), proof: sha256.to_ascii_lowercase() })
}

/// Version of the source that a package was built from: `Source: name (version)`, else its own.
fn source_version(paragraph: &Paragraph) -> String {
    let field = paragraph.text("Source").split_once('(').and_then(|(_, rest)| rest.trim_end().strip_suffix(')'));
    field.unwrap_or(paragraph.text("Version")).trim().to_owned()
}

/// Packages of all stores, by name.
#[derive(Default)]
pub struct Repository {
    stores: Vec<Store>,
    lists: Vec<List>,
    /// Of plain folders.
    plain: BTreeMap<String, Vec<Candidate>>,
    /// What proves the packages, for people.
    pub(super) trust: Vec<String>,
}

/// A list of packages, as text with the places of its paragraphs.
struct List {
    store: usize,
    text: Vec<u8>,
    by_name: BTreeMap<String, Vec<Range<usize>>>,
}

/// What the packages are for.
#[derive(Clone, Debug)]
pub struct Target {
    /// dpkg's name of the architecture.
    pub arch: String,
    /// `VERSION_CODENAME` of the image's os-release, where it has one.
    pub codename: Option<String>,
    /// When signatures and dates are judged.
    pub at: Timestamp,
}

impl Repository {
    /// Adds the signed repositories of a store: the store itself where it has a Release file, and each folder in `dists/`.
    ///
    /// # Errors
    /// When there is none, it is not signed by a key of the keyring, too old, of another release than the image, or a list is not what it pins.
    pub fn add_signed(&mut self, store: Store, keyring: &Keyring, target: &Target) -> Result<(), PackagesError> {
        let folders = releases(&store)?;
        let index = self.stores.len();
        for folder in folders {
            self.add_release(&store, index, &folder, keyring, target)?;
        }
        self.stores.push(store);
        Ok(())
    }

    fn add_release(
        &mut self,
        store: &Store,
        index: usize,
        folder: &str,
        keyring: &Keyring,
        target: &Target,
    ) -> Result<(), PackagesError> {
        let (text, name, signers) = read_release(store, folder, keyring, target.at)?;
        let refused = |reason: String| PackagesError::Index { file: name.clone(), reason };
        let release = Release::parse(&text, target.at).map_err(|error| refused(error.to_string()))?;
        fits(&release, target).map_err(refused)?;
        for (path, digest, length) in release.lists(&target.arch) {
            let file = format!("{folder}{path}");
            let failed = |reason: String| PackagesError::Index { file: file.clone(), reason };
            let limit = length.min(MAX_LIST_BYTES);
            let stored = match store.read_proved(&file, digest, limit) {
                Ok(stored) => stored,
                // A folder need not have every component that the Release file lists.
                Err(StoreError::Missing) => continue,
                Err(error) => return Err(failed(error.to_string())),
            };
            let text = unpacked(&stored).map_err(failed)?;
            self.lists.push(List::of(index, text));
        }
        let by: Vec<String> = signers.iter().map(|one| format!("{} ({})", one.user, one.fingerprint)).collect();
        self.trust.push(format!("{name} of {} {}, signed by {}", release.origin, release.codename, by.join(", ")));
        Ok(())
    }

    /// Adds the packages of a plain folder that `digests` names, lines of `sha256sum`.
    ///
    /// # Errors
    /// When the digests cannot be read, or a package that is there has another digest or is none.
    pub fn add_plain(&mut self, store: Store, digests: &[u8], name: &str) -> Result<(), PackagesError> {
        let sums = parse_digests(digests).map_err(|reason| PackagesError::Index { file: name.to_owned(), reason })?;
        let index = self.stores.len();
        let mut count = 0;
        for file in store.list("").map_err(|error| unreadable(&store.name(), error))? {
            let Some(sha256) = sums.get(file.as_str()).filter(|_| file.ends_with(".deb")) else { continue };
            let refused = |reason: String| PackagesError::Index { file: file.clone(), reason };
            let mut package = store.package(&file, sha256).map_err(|error| refused(error.to_string()))?;
            let view = package.view().map_err(PackagesError::Spool)?;
            let control = Archive::open(&view).and_then(|archive| archive.control());
            let control = control.map_err(|error| refused(error.to_string()))?;
            if let Some(candidate) = candidate(&control.paragraph, index, &file, sha256) {
                self.plain.entry(candidate.member.name.clone()).or_default().push(candidate);
                count += 1;
            }
        }
        self.trust.push(format!("{count} packages of {} by the digests in {name}", store.name()));
        self.stores.push(store);
        Ok(())
    }

    /// Every version of a package for an architecture or for all, newest first.
    pub(super) fn candidates(&self, name: &str, arch: &str) -> Vec<Candidate> {
        let listed = self.lists.iter().flat_map(|list| list.candidates(name));
        let plain = self.plain.get(name).into_iter().flatten().cloned();
        let mut all: Vec<Candidate> =
            listed.chain(plain).filter(|one| one.member.arch == arch || one.member.arch == "all").collect();
        all.sort_by(|a, b| compare(&b.member.version, &a.member.version).unwrap_or(std::cmp::Ordering::Equal));
        all
    }

    /// The file of a candidate, proved.
    pub(super) fn open(&self, candidate: &Candidate) -> Result<Package, StoreError> {
        let (store, name) = &candidate.file;
        self.stores.get(*store).ok_or(StoreError::Missing)?.package(name, &candidate.proof)
    }
}

impl List {
    fn of(store: usize, text: Vec<u8>) -> Self {
        let mut by_name: BTreeMap<String, Vec<Range<usize>>> = BTreeMap::new();
        for range in ranges(&text) {
            let paragraph = text.get(range.clone()).unwrap_or_default();
            let name = paragraph.strip_prefix(b"Package:").and_then(|rest| rest.split(|b| *b == b'\n').next());
            let Some(name) = name.and_then(|name| std::str::from_utf8(name.trim_ascii()).ok()) else { continue };
            by_name.entry(name.to_owned()).or_default().push(range);
        }
        Self { store, text, by_name }
    }

    fn candidates(&self, name: &str) -> impl Iterator<Item = Candidate> {
        let ranges = self.by_name.get(name).into_iter().flatten();
        ranges.filter_map(|range| {
            let paragraph = Paragraph::parse(self.text.get(range.clone())?).ok()?;
            let file = paragraph.text("Filename");
            let file = file.strip_prefix("./").unwrap_or(file);
            candidate(&paragraph, self.store, file, paragraph.get("SHA256")?)
        })
    }
}

/// Folders of Release files in a store, with their slash. Names of packages are relative to the store.
fn releases(store: &Store) -> Result<Vec<String>, PackagesError> {
    // A mirror has no list of its folders, so its address names the one.
    if let Store::Mirror { release, .. } = store {
        return Ok(vec![release.clone()]);
    }
    let failed = |error| unreadable(&store.name(), error);
    let has = |folder: &str| -> Result<bool, PackagesError> {
        for name in ["InRelease", "Release"] {
            match store.read(&format!("{folder}{name}"), MAX_RELEASE_BYTES) {
                Ok(_) => return Ok(true),
                Err(StoreError::Missing) => {}
                Err(error) => return Err(unreadable(&format!("{}/{folder}{name}", store.name()), error)),
            }
        }
        Ok(false)
    };
    let mut found = Vec::new();
    if has("")? {
        found.push(String::new());
    }
    for suite in store.list("dists").map_err(failed)? {
        let folder = format!("dists/{suite}/");
        if has(&folder)? {
            found.push(folder);
        }
    }
    if found.is_empty() { Err(PackagesError::NothingProves(store.name())) } else { Ok(found) }
}

/// What was signed, the file's name, and by whom.
fn read_release(
    store: &Store,
    folder: &str,
    keyring: &Keyring,
    at: Timestamp,
) -> Result<(Vec<u8>, String, Vec<Signer>), PackagesError> {
    let read = |name: &str| match store.read(&format!("{folder}{name}"), MAX_RELEASE_BYTES) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(StoreError::Missing) => Ok(None),
        Err(error) => Err(unreadable(&format!("{}/{folder}{name}", store.name()), error)),
    };
    let refused = |file: &str| {
        let file = file.to_owned();
        move |source| PackagesError::Signature { file, source }
    };
    let name = format!("{}/{folder}InRelease", store.name());
    if let Some(message) = read("InRelease")? {
        let (text, signers) = keyring.verify_cleartext(&message, at).map_err(refused(&name))?;
        return Ok((text.into_bytes(), name, signers));
    }
    let name = format!("{}/{folder}Release", store.name());
    match (read("Release")?, read("Release.gpg")?) {
        (Some(text), Some(signature)) => {
            let signers = keyring.verify_detached(&text, &signature, at).map_err(refused(&name))?;
            Ok((text, name, signers))
        }
        _ => Err(PackagesError::NothingProves(format!("{}/{folder}", store.name()))),
    }
}

/// Packages of another release of the distribution would fit by their names and versions, and break the image.
fn fits(release: &Release, target: &Target) -> Result<(), String> {
    let Some(codename) = target.codename.as_deref().filter(|_| matches!(&*release.origin, "Debian" | "Ubuntu")) else {
        return Ok(());
    };
    let of = release.codename.split(['-', '/']).next().unwrap_or_default();
    if of == codename { Ok(()) } else { Err(format!("it is for {of}, and the image is {codename}")) }
}

fn unreadable(path: &str, error: StoreError) -> PackagesError {
    PackagesError::Index { file: path.to_owned(), reason: error.to_string() }
}

fn unpacked(stored: &[u8]) -> Result<Vec<u8>, String> {
    let Some(compression) = Compression::detect(stored) else { return Ok(stored.to_vec()) };
    let mut text = Vec::new();
    let stream = stream::open(compression, stored).map_err(|error| error.to_string())?;
    stream.take(MAX_LIST_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_LIST_BYTES {
        return Err(format!("it unpacks to more than {MAX_LIST_BYTES} bytes"));
    }
    Ok(text)
}

/// `sha256sum`'s lines: a digest, two spaces or a space and an asterisk, a name. Folders in names do not matter.
fn parse_digests(text: &[u8]) -> Result<BTreeMap<&str, &str>, String> {
    if text.len() > MAX_DIGESTS_BYTES {
        return Err(format!("it has more than {MAX_DIGESTS_BYTES} bytes"));
    }
    let text = std::str::from_utf8(text).map_err(|_| "it is not UTF-8".to_owned())?;
    let mut sums = BTreeMap::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong =
            || format!("line {} is not a SHA-256 in hex and a file's name, as sha256sum writes them", number + 1);
        let (digest, name) = line.split_at_checked(64).ok_or_else(wrong)?;
        let name = name.strip_prefix("  ").or(name.strip_prefix(" *")).ok_or_else(wrong)?;
        if !digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let name = name.rsplit('/').next().unwrap_or_default();
        if sums.insert(name, digest).is_some_and(|other| other != digest) {
            return Err(format!("it has two digests of `{name}`"));
        }
    }
    Ok(sums)
}
