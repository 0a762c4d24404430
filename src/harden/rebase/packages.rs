//! The package manager's records of three versions to one, and whose files count.
//!
//! A package that only one side changed is that side's, with its files. Of one that both changed the newer version counts: applications run `apt-get upgrade`, and the new base has done the same since. The files
//! of a version that does not count go from the application's layers, unless something else changed them.
//!
//! Sources: dpkg's `status` and `info/` (dpkg-query(1), deb-control(5)); apk-tools' `installed` (apk-package(5)).

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::formats::{ended, field, paragraphs};
use super::three_way::{Clash, Record, Versions, Winner, by_key, merge};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::facts::FilePath;
use crate::facts::file_digest::{Algorithm, FileDigest};
use crate::facts::merge::DATABASES;
use crate::harden::packages::{apk, deb};
use crate::harden::survey::View;
use crate::version;

/// dpkg's folder of what belongs to packages.
const INFO: &[u8] = b"var/lib/dpkg/info/";

/// Where each package manager keeps its records.
const DPKG: &[u8] = b"var/lib/dpkg/status";
const APK: [&[u8]; 2] = [b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];

/// A package manager whose records are text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manager {
    Dpkg,
    Apk,
}

impl Manager {
    /// The one whose records are at a path of the view.
    pub(super) fn of(path: &[u8]) -> Option<Self> {
        if path == DPKG { Some(Self::Dpkg) } else { APK.contains(&path).then_some(Self::Apk) }
    }

    /// How it hashes files.
    pub(super) fn algorithm(self) -> Algorithm {
        match self {
            Self::Dpkg => Algorithm::Md5,
            Self::Apk => Algorithm::Sha1,
        }
    }

    /// What the packages of the image have, and would not have with the merged records.
    pub(super) fn newly_broken(self, app: &[u8], merged: &[u8]) -> Vec<String> {
        match self {
            Self::Dpkg => deb::newly_broken(app, merged),
            Self::Apk => apk::newly_broken(app, merged),
        }
    }

    fn key(self, record: &[u8]) -> Vec<u8> {
        let names: &[&str] = match self {
            Self::Dpkg => &["Package", "Architecture"],
            Self::Apk => &["P"],
        };
        let values: Vec<&[u8]> = names.iter().filter_map(|name| field(record, name)).collect();
        values.join(&b':')
    }

    fn version(self, record: &[u8]) -> Option<&str> {
        let name = if self == Self::Dpkg { "Version" } else { "V" };
        std::str::from_utf8(field(record, name)?).ok()
    }

    fn compare(self, a: &[u8], b: &[u8]) -> Option<Ordering> {
        let scheme = if self == Self::Dpkg { "deb" } else { "apk" };
        version::by_name(scheme)?.compare(self.version(a)?, self.version(b)?).ok()
    }
}

/// Whether a path is one of rpm's databases, which cannot be merged.
pub(super) fn is_rpm(path: &[u8]) -> bool {
    DATABASES.iter().any(|database| database.as_bytes() == path && database.contains("/rpm/"))
}

/// What becomes of packages that both sides have to do with.
#[derive(Debug, Default)]
pub(super) struct Packages {
    /// The merged records.
    pub(super) records: Vec<u8>,
    /// Files of the application's layers that belong to a version that does not count, with the digest that the package manager knows, where it knows one.
    pub(super) superseded: BTreeMap<FilePath, Option<FileDigest>>,
    /// Files of the new base that belong to a version that does not count, or to a package that the application removed.
    pub(super) removed: BTreeSet<FilePath>,
    /// Files that belong to packages that are the application's.
    pub(super) own: BTreeSet<FilePath>,
    /// Lines for people: `libssl3 3.0.11-1 to 3.0.15-1`.
    pub(super) told: Vec<String>,
}

/// Decides about every package.
pub(super) fn decide(manager: Manager, path: &[u8], views: Versions<&View>) -> Result<Packages, Clash> {
    let records = |view: Option<&View>| -> Vec<Record> {
        let content = view.and_then(|view| view.content(path));
        let all = content.map(|content| paragraphs(content)).unwrap_or_default();
        all.into_iter().map(|record| Record { key: manager.key(record), bytes: ended(record) }).collect()
    };
    let (old, app, new) = (records(views.old), records(views.app), records(views.new));
    let mut deciding = Deciding { manager, views, packages: Packages::default() };
    let versions = Versions { old: Some(&*old), app: Some(&*app), new: Some(&*new) };
    let merged = merge(versions, &mut |_, versions| Ok(deciding.both(versions)))?;
    deciding.packages.records = merged.concat();
    deciding.one_sided(versions);
    Ok(deciding.packages)
}

struct Deciding<'a> {
    manager: Manager,
    views: Versions<&'a View>,
    packages: Packages,
}

impl Deciding<'_> {
    /// A package that both sides changed.
    fn both(&mut self, versions: Versions<&[u8]>) -> Option<Vec<u8>> {
        let winner = match (versions.app, versions.new) {
            (Some(app), Some(new)) => match self.manager.compare(new, app) {
                Some(Ordering::Less) => Winner::App,
                _ => Winner::New,
            },
            // The application removed what the new base has in another version: it stays removed.
            (None, _) => Winner::App,
            // The new base dropped what the application changed.
            (_, None) => Winner::App,
        };
        self.settle(winner, versions);
        let chosen = if winner == Winner::App { versions.app } else { versions.new };
        chosen.map(<[u8]>::to_vec)
    }

    /// Takes the files of the version that does not count out of the way, and notes those of the application's.
    fn settle(&mut self, winner: Winner, versions: Versions<&[u8]>) {
        let files = |view: Option<&View>, record: Option<&[u8]>| match (view, record) {
            (Some(view), Some(record)) => self.manager.files(record, view),
            _ => BTreeMap::new(),
        };
        let app = files(self.views.app, versions.app);
        let new = files(self.views.new, versions.new);
        if winner == Winner::New {
            self.tell(versions);
            self.packages.superseded.extend(app);
        } else {
            self.packages.removed.extend(new.into_keys().filter(|path| !app.contains_key(path)));
            self.packages.own.extend(app.into_keys());
        }
    }

    fn tell(&mut self, versions: Versions<&[u8]>) {
        let (Some(app), Some(new)) = (versions.app, versions.new) else { return };
        let (Some(before), Some(after)) = (self.manager.version(app), self.manager.version(new)) else { return };
        if before != after {
            let name = String::from_utf8_lossy(&self.manager.key(app)).into_owned();
            self.packages.told.push(format!("{name} {before} of the application's layers gives way to {after}"));
        }
    }

    /// Packages that the application added, changed or removed alone.
    fn one_sided(&mut self, versions: Versions<&[Record]>) {
        let (old, app, new) = (by_key(versions.old), by_key(versions.app), by_key(versions.new));
        let keys: BTreeSet<&[u8]> = old.keys().chain(app.keys()).chain(new.keys()).copied().collect();
        for key in keys {
            let (old, app, new) = (old.get(key).copied(), app.get(key).copied(), new.get(key).copied());
            let versions = Versions { old, app, new };
            if versions.winner() == Some(Winner::App) {
                self.settle(Winner::App, versions);
            }
        }
    }
}

impl Manager {
    /// The files of a package where they are in a view, with the digests that are known of them. Configuration that people change has none.
    fn files(self, record: &[u8], view: &View) -> BTreeMap<FilePath, Option<FileDigest>> {
        match self {
            Self::Dpkg => dpkg_files(record, view),
            Self::Apk => apk_files(record, view),
        }
    }
}

/// Where a path of a package's list is in a view: its folder may be a link.
fn place(view: &View, path: &[u8]) -> Option<FilePath> {
    let at = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at_checked(at)?;
    let folder = view.follow(folder.strip_suffix(b"/").unwrap_or(folder))?;
    Some(FilePath::new(&crate::facts::path::join(&folder, name)))
}

fn dpkg_files(record: &[u8], view: &View) -> BTreeMap<FilePath, Option<FileDigest>> {
    let (name, arch) =
        (field(record, "Package").unwrap_or_default(), field(record, "Architecture").unwrap_or_default());
    let stem = [[name, b":", arch].concat(), name.to_vec()]
        .into_iter()
        .find(|stem| view.content(&[INFO, stem, b".list"].concat()).is_some());
    let Some(stem) = stem else { return BTreeMap::new() };
    let content = |suffix: &str| view.content(&[INFO, &stem, suffix.as_bytes()].concat()).cloned().unwrap_or_default();
    let mut files = BTreeMap::new();
    for line in content(".list").split(|byte| *byte == b'\n') {
        let path = line.strip_prefix(b"/").unwrap_or(line);
        let Some(place) = place(view, path).filter(|_| !path.is_empty()) else { continue };
        // Folders are many packages'.
        if view.get(place.as_bytes()).is_some_and(|entry| entry.kind != crate::layer::EntryKind::Directory) {
            files.insert(place, None);
        }
    }
    let mut sum = |digest: &[u8], path: &[u8]| {
        let known = place(view, path.strip_prefix(b"/").unwrap_or(path)).and_then(|place| files.get_mut(&place));
        if let (Some(known), Some(digest)) = (known, FileDigest::from_hex(Algorithm::Md5, digest)) {
            *known = Some(digest);
        }
    };
    for line in content(".md5sums").split(|byte| *byte == b'\n') {
        if let Some((digest, path)) = line.split_at_checked(32) {
            sum(digest, path.trim_ascii());
        }
    }
    for (path, digest) in deb::conffiles(record) {
        sum(digest.as_bytes(), &path);
    }
    // What dpkg keeps of the package goes with it.
    let kept = view.below(INFO.strip_suffix(b"/").unwrap_or(INFO)).map(|(path, _)| path.clone());
    let is_own = |path: &FilePath| {
        let name = path.as_bytes().strip_prefix(INFO).unwrap_or_default();
        name.strip_prefix(&*stem).is_some_and(|rest| rest.starts_with(b"."))
    };
    files.extend(kept.filter(is_own).map(|path| (path, None)));
    files
}

fn apk_files(record: &[u8], view: &View) -> BTreeMap<FilePath, Option<FileDigest>> {
    let files = apk::files(record).into_iter();
    files.filter_map(|(path, checksum)| Some((place(view, &path)?, checksum.as_deref().and_then(sha1)))).collect()
}

/// apk's `Q1` and the SHA-1 in base64.
fn sha1(checksum: &str) -> Option<FileDigest> {
    FileDigest::from_bytes(&BASE64.decode(checksum.strip_prefix("Q1")?).ok()?)
}
