//! The files of one package put over the image, as apk would leave them.
//!
//! Source: apk-tools 2.14 `src/database.c` (`apk_db_install_archive_entry`, `apk_db_migrate_files`, `apk_db_purge_pkg`); apk-protected_paths(5).

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::super::stage::{Stage, looped};
use super::super::unpack::{Kind, Member};
use super::super::{Entry, Found};
use super::database::{Database, files};
use super::record::Record;
use crate::facts::FilePath;
use crate::facts::path::parent;

/// Largest file of `etc/` that is compared.
const MAX_PROTECTED_BYTES: u64 = 16 << 20;

/// Files below it are the administrator's: apk's built-in list. An image with a list of its own is refused.
const PROTECTED: &[u8] = b"etc/";

/// What is put where.
pub(super) struct Install<'s, 'i, 'r> {
    pub(super) stage: &'s mut Stage<'r>,
    pub(super) database: &'i Database,
    /// Packages that are updated in this run, by name.
    pub(super) updated: &'i BTreeSet<String>,
    pub(super) notes: Vec<String>,
}

impl Install<'_, '_, '_> {
    /// Puts the new version in the place of the old one. Returns folders in which something changed.
    pub(super) fn run(
        &mut self,
        name: &str,
        old: Option<&Record>,
        members: &[Member],
    ) -> Result<BTreeSet<Vec<u8>>, String> {
        let before = old.map(files).unwrap_or_default();
        let sums: BTreeMap<&[u8], Option<&str>> =
            before.iter().filter(|one| !one.is_folder).map(|one| (&*one.path, one.checksum.as_deref())).collect();
        let (mut landed, mut touched) = (BTreeSet::new(), BTreeSet::new());
        for member in members.iter().filter(|member| !member.path.is_empty()) {
            let place = self.stage.landing(&member.path).ok_or_else(|| looped(&member.path))?;
            landed.insert(place.clone());
            if !matches!(member.kind, Kind::Directory) {
                touched.insert(parent(&place).unwrap_or_default().to_vec());
            }
            self.member(name, member, place, &sums)?;
        }
        let mut gone: Vec<(Vec<u8>, bool)> = Vec::new();
        for one in &before {
            let place = self.stage.landing(&one.path).ok_or_else(|| looped(&one.path))?;
            if landed.contains(&place) || self.stage.at(&place).is_none() {
                continue;
            }
            let is_edited = one.path.starts_with(PROTECTED) && self.is_edited(&place, one.checksum.as_deref())?;
            if !is_edited || one.is_folder {
                gone.push((place, one.is_folder));
            }
        }
        let others = self.others(gone.iter().map(|(place, _)| place.as_slice()), name);
        gone.sort();
        for (place, is_folder) in gone.iter().rev().filter(|(place, _)| !others.contains_key(place)) {
            if !is_folder || self.stage.is_empty(place) {
                touched.insert(parent(place).unwrap_or_default().to_vec());
                self.stage.remove(place);
            }
        }
        Ok(touched)
    }

    fn member(
        &mut self,
        name: &str,
        member: &Member,
        place: Vec<u8>,
        before: &BTreeMap<&[u8], Option<&str>>,
    ) -> Result<(), String> {
        let shown = FilePath::new(&member.path);
        let there = self.stage.at(&place);
        let Some(node) = self.stage.node(member, &place)? else { return Ok(()) };
        if there.is_some() && !before.contains_key(&*member.path) && !matches!(member.kind, Kind::Directory) {
            let others = self.others([member.path.as_slice(), place.as_slice()].into_iter(), name);
            if let Some(owner) = others.into_values().next() {
                return Err(format!("it takes `{shown}` from {owner}"));
            }
        }
        let Member { mode, uid, gid, mtime, .. } = *member;
        let entry = Entry { node, mode, uid, gid, mtime, capability: member.capability.clone() };
        let recorded = before.get(&*member.path).copied().flatten();
        let is_protected = member.path.starts_with(PROTECTED) && there == Some(Found::File);
        if is_protected && self.is_edited(&place, recorded)? {
            if !self.is_same(&place, &member.kind)? {
                self.notes
                    .push(format!("{shown} was changed in the image and is kept; the new one is {shown}.apk-new"));
                self.stage.put([&place, &b".apk-new"[..]].concat(), entry);
            }
            return Ok(());
        }
        self.stage.put(place, entry);
        Ok(())
    }

    /// Whether a file of the image is not as its package brought it.
    fn is_edited(&self, place: &[u8], recorded: Option<&str>) -> Result<bool, String> {
        Ok(recorded.is_none() || self.sum(place)?.as_deref() != recorded)
    }

    fn is_same(&self, place: &[u8], kind: &Kind) -> Result<bool, String> {
        let Kind::File(_, sum) = kind else { return Ok(false) };
        Ok(self.sum(place)?.is_some_and(|own| own == format!("Q1{}", STANDARD.encode(sum))))
    }

    fn sum(&self, place: &[u8]) -> Result<Option<String>, String> {
        let bytes = match self.stage.at(place) {
            Some(Found::Symlink(target)) => target,
            _ => match self.stage.read(place, MAX_PROTECTED_BYTES) {
                Some(bytes) => bytes.map_err(|error| format!("`{}`: {error}", FilePath::new(place)))?,
                None => return Ok(None),
            },
        };
        Ok(Some(format!("Q1{}", STANDARD.encode(Sha1::digest(&bytes)))))
    }

    /// Which of the places packages have that stay as they are, by their own or by their landing's name.
    fn others<'p>(&self, places: impl Iterator<Item = &'p [u8]>, but: &str) -> BTreeMap<Vec<u8>, String> {
        let wanted: BTreeSet<&[u8]> = places.collect();
        let mut owners = BTreeMap::new();
        if wanted.is_empty() {
            return owners;
        }
        let stay = |record: &&Record| record.get(b'P') != but && !self.updated.contains(record.get(b'P'));
        for record in self.database.records().filter(stay) {
            for one in files(record) {
                let place = self.stage.landing(&one.path).unwrap_or_default();
                for path in [place, one.path] {
                    if wanted.contains(&*path) {
                        owners.insert(path, record.get(b'P').to_owned());
                    }
                }
            }
        }
        owners
    }
}
