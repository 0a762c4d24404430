//! The files of one package put over the image, as dpkg would leave them.
//!
//! Source: dpkg's `src/main/archives.c` and `unpack.c` (what happens to files, links and folders that are there already), `configure.c` (configuration files); dpkg(1) for `--path-exclude`.

use std::collections::{BTreeMap, BTreeSet};

use md5::{Digest as _, Md5};

use super::super::relation;
use super::super::stage::{Stage, looped};
use super::super::unpack::{Kind, Member};
use super::super::{Body, Entry, Found, Node};
use super::archive::Control;
use super::database::{Database, Record, Written};
use super::filter::Filter;

use crate::digest::hex;
use crate::facts::FilePath;
use crate::facts::path::parent;
use crate::inspect::control::lines;
use crate::layer::path;

/// Largest configuration file that is compared.
const MAX_CONFFILE_BYTES: u64 = 16 << 20;

/// Largest of dpkg's tables of diversions, overrides and triggers.
const MAX_TABLE_BYTES: u64 = 8 << 20;

/// A package whose archive was read.
pub(super) struct Prepared {
    pub(super) member: relation::Member,
    pub(super) control: Control,
    pub(super) files: Vec<Member>,
}

/// What is put where.
pub(super) struct Install<'s, 'i, 'r> {
    pub(super) stage: &'s mut Stage<'r>,
    pub(super) database: &'i Database,
    /// Packages that are updated in this run, by name: their lists do not count any more.
    pub(super) updated: &'i BTreeSet<String>,
    pub(super) filter: &'i Filter,
    pub(super) notes: Vec<String>,
}

impl<'i> Install<'_, 'i, '_> {
    /// Puts the new version in the place of the old one; the error says why that cannot be done, and leaves the stage half changed.
    pub(super) fn run(&mut self, old: Option<&'i Record>, new: &'i Prepared) -> Result<Written<'i>, String> {
        let old_files = match old {
            Some(record) => self.database.files(self.stage, record).ok_or("the image has no list of its files")?,
            None => Vec::new(),
        };
        let names = conffile_names(new.control.text("conffiles"))?;
        let conffiles: BTreeSet<&[u8]> = names.iter().map(Vec::as_slice).collect();
        self.check_tables(&old_files, new)?;
        let old_set: BTreeSet<&[u8]> = old_files.iter().map(Vec::as_slice).collect();
        let mut landed = BTreeSet::new();
        let mut recorded = BTreeMap::new();
        for member in new.files.iter().filter(|member| !member.path.is_empty()) {
            let place = self.stage.landing(&member.path).ok_or_else(|| looped(&member.path))?;
            landed.insert(place.clone());
            if let (true, Kind::File(body, sum)) = (conffiles.contains(&*member.path), &member.kind) {
                let installed = hex(sum);
                self.conffile(member, &place, body, &installed, old)?;
                recorded.insert(member.path.as_slice(), installed);
            } else if !self.filter.skips(&member.path, matches!(member.kind, Kind::Directory | Kind::Symlink(_))) {
                self.member(member, place, &old_set, &new.member)?;
            }
        }
        let obsolete = self.remove_old(old, &old_files, &landed, &conffiles)?;
        let line = |path: &[u8], sum: &str| format!("/{} {sum}", String::from_utf8_lossy(path));
        // In the order of the package's own list, as dpkg records them.
        let own = names.iter().filter_map(|path| Some(line(path, recorded.get(path.as_slice())?)));
        let kept = obsolete.iter().map(|(path, sum)| format!("{} obsolete", line(path, sum)));
        let recorded = own.chain(kept).collect();
        Ok(Written {
            old,
            new: &new.member,
            control: &new.control,
            list: list(&new.files, &obsolete),
            sums: self.sums(&new.files),
            conffiles: recorded,
        })
    }

    /// What has tables of its own in dpkg, which nobody but its programs can keep: refused.
    fn check_tables(&self, old: &[Vec<u8>], new: &Prepared) -> Result<(), String> {
        let mut paths: BTreeSet<&[u8]> = old.iter().map(Vec::as_slice).collect();
        paths.extend(new.files.iter().filter(|member| !matches!(member.kind, Kind::Directory)).map(|one| &*one.path));
        let table = |name: &str| {
            let text = self.stage.read(format!("var/lib/dpkg/{name}").as_bytes(), MAX_TABLE_BYTES);
            text.map_or(Ok(Vec::new()), |text| text.map_err(|error| format!("/var/lib/dpkg/{name}: {error}")))
        };
        for line in lines(&table("diversions")?).filter_map(|line| line.strip_prefix(b"/")) {
            if paths.contains(line) {
                return Err(format!("`{}` is diverted (dpkg-divert)", FilePath::new(line)));
            }
        }
        for line in lines(&table("statoverride")?) {
            let path = line.splitn(4, |byte| *byte == b' ').nth(3).and_then(|path| path.strip_prefix(b"/"));
            if let Some(path) = path.filter(|path| paths.contains(path)) {
                return Err(format!(
                    "the owner or mode of `{}` is overridden (dpkg-statoverride)",
                    FilePath::new(path)
                ));
            }
        }
        for line in lines(&table("triggers/File")?) {
            let mut words = line.split(|byte| *byte == b' ');
            let (Some(path), Some(package)) = (words.next().and_then(|path| path.strip_prefix(b"/")), words.next())
            else {
                continue;
            };
            let package = String::from_utf8_lossy(package).trim_end_matches("/noawait").to_owned();
            let is_below = |other: &&&[u8]| other.strip_prefix(path).is_some_and(|rest| rest.first() == Some(&b'/'));
            if package != new.member.name
                && !INDEXES_ONLY.contains(&package.as_str())
                && let Some(hit) = paths.iter().find(is_below)
            {
                return Err(format!("`{}` triggers a script of {package}", FilePath::new(hit)));
            }
        }
        Ok(())
    }

    /// One member that is no configuration file.
    fn member(
        &mut self,
        member: &Member,
        place: Vec<u8>,
        old: &BTreeSet<&[u8]>,
        new: &relation::Member,
    ) -> Result<(), String> {
        let there = self.stage.at(&place);
        let Some(node) = self.stage.node(member, &place)? else { return Ok(()) };
        if there.is_some() && !old.contains(&*member.path) && !matches!(member.kind, Kind::Directory) {
            self.check_owner(&member.path, &place, &new.name)?;
        }
        let Member { mode, uid, gid, mtime, .. } = *member;
        self.stage.put(place, Entry { node, mode, uid, gid, mtime, capability: None });
        Ok(())
    }

    /// A file that the old version did not have must be nobody else's.
    fn check_owner(&self, path: &[u8], place: &[u8], name: &str) -> Result<(), String> {
        let owner = self.owners(&[path.to_vec(), place.to_vec()], name).into_iter().next();
        match owner {
            Some((_, owner)) => Err(format!("it takes `{}` from {owner}", FilePath::new(path))),
            None => Ok(()),
        }
    }

    /// Which of the paths other packages have that stay as they are, under the same name or that of before the merge of `/usr`.
    fn owners(&self, paths: &[Vec<u8>], but: &str) -> BTreeMap<Vec<u8>, String> {
        let plain = |path: &[u8]| path.strip_prefix(b"usr/").unwrap_or(path).to_vec();
        let wanted: BTreeSet<Vec<u8>> = paths.iter().map(|path| plain(path)).collect();
        let mut owners = BTreeMap::new();
        let others = self.database.records().filter(|record| record.member.name != but);
        for record in others.filter(|record| !self.updated.contains(&record.member.name)) {
            for path in self.database.files(self.stage, record).unwrap_or_default() {
                let path = plain(&path);
                if wanted.contains(&path) {
                    owners.insert(path, record.member.name.clone());
                }
            }
        }
        owners
    }

    /// What dpkg records as checksums of a package that brings none: every file that was put there, under each of its names.
    fn sums(&self, files: &[Member]) -> Vec<u8> {
        let by_path: BTreeMap<&[u8], &Member> = files.iter().map(|member| (&*member.path, member)).collect();
        let mut text = Vec::new();
        for member in files.iter().filter(|member| !self.filter.skips(&member.path, false)) {
            let named = match &member.kind {
                Kind::HardLink(target) => by_path.get(target.as_slice()).copied().unwrap_or(member),
                _ => member,
            };
            if let Kind::File(_, sum) = &named.kind {
                text.extend_from_slice(format!("{}  ", hex(sum)).as_bytes());
                text.extend_from_slice(&member.path);
                text.push(b'\n');
            }
        }
        text
    }

    /// A configuration file: the new one comes where nobody changed the old one, and beside it as `.dpkg-dist` where somebody did.
    fn conffile(
        &mut self,
        member: &Member,
        place: &[u8],
        body: &Body,
        new_sum: &str,
        old: Option<&Record>,
    ) -> Result<(), String> {
        let shown = FilePath::new(&member.path);
        let recorded = old.into_iter().flat_map(Record::conffiles).find(|(path, ..)| *path == member.path);
        let recorded = recorded.map(|(_, sum, _)| sum);
        let end = self.stage.follow(place).ok_or_else(|| looped(place))?;
        let current = match self.stage.at(&end) {
            None => None,
            Some(Found::File) => {
                let bytes = self.stage.read(&end, MAX_CONFFILE_BYTES).transpose().map_err(|error| error.to_string())?;
                let bytes = bytes.ok_or_else(|| format!("`{shown}` is in two packages"))?;
                Some(md5(&bytes))
            }
            Some(_) => return Err(format!("the configuration file `{shown}` is no file in the image")),
        };
        let Member { mode, uid, gid, mtime, .. } = *member;
        let entry = Entry { node: Node::File(body.clone()), mode, uid, gid, mtime, capability: None };
        match (current.as_deref(), recorded.as_deref()) {
            (Some(current), _) if current == new_sum => {}
            (None, None) => self.stage.put(end, entry),
            (Some(current), Some(recorded)) if current == recorded => self.stage.put(end, entry),
            // Changed or removed on purpose, and the package's own is as before.
            (_, Some(recorded)) if recorded == new_sum => {}
            (None, Some(_)) => {
                self.notes
                    .push(format!("{shown} was removed in the image and stays away; the new one is {shown}.dpkg-dist"));
                self.stage.put([&end, &b".dpkg-dist"[..]].concat(), entry);
            }
            (Some(_), _) => {
                self.notes
                    .push(format!("{shown} was changed in the image and is kept; the new one is {shown}.dpkg-dist"));
                self.stage.put([&end, &b".dpkg-dist"[..]].concat(), entry);
            }
        }
        Ok(())
    }

    /// Takes away what the new version has no more. Returns the configuration files among it, which stay, with their checksums.
    fn remove_old(
        &mut self,
        old: Option<&Record>,
        old_files: &[Vec<u8>],
        landed: &BTreeSet<Vec<u8>>,
        conffiles: &BTreeSet<&[u8]>,
    ) -> Result<Vec<(Vec<u8>, String)>, String> {
        let Some(old) = old else { return Ok(Vec::new()) };
        let mut obsolete: Vec<(Vec<u8>, String)> = Vec::new();
        for (path, sum, _) in old.conffiles() {
            let is_there = self.stage.follow(&path).is_some_and(|end| self.stage.at(&end).is_some());
            if !conffiles.contains(&*path) && !landed.contains(&path) && is_there {
                obsolete.push((path, sum));
            }
        }
        let kept: BTreeSet<&[u8]> = obsolete.iter().map(|(path, _)| path.as_slice()).collect();
        let mut gone = Vec::new();
        for path in old_files.iter().filter(|path| !kept.contains(path.as_slice())) {
            let place = self.stage.landing(path).ok_or_else(|| looped(path))?;
            if !landed.contains(&place) && self.stage.at(&place).is_some() {
                gone.push((path.clone(), place));
            }
        }
        if gone.is_empty() {
            return Ok(obsolete);
        }
        let both: Vec<Vec<u8>> = gone.iter().flat_map(|(path, place)| [path.clone(), place.clone()]).collect();
        let owners = self.owners(&both, &old.member.name);
        let plain = |path: &[u8]| path.strip_prefix(b"usr/").unwrap_or(path).to_vec();
        // What is in a folder stands behind it, so the last ones go first.
        gone.sort();
        for (path, place) in gone.iter().rev() {
            let is_owned = owners.contains_key(&plain(path)) || owners.contains_key(&plain(place));
            let is_folder = self.stage.at(place) == Some(Found::Directory);
            if !is_owned && (!is_folder || self.stage.is_empty(place)) {
                self.stage.remove(place);
            }
        }
        Ok(obsolete)
    }
}

/// Packages whose triggers only renew an index for people: of manual pages, of GNU info.
const INDEXES_ONLY: &[&str] = &["man-db", "install-info"];

fn md5(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// The names in `conffiles`.
fn conffile_names(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let names = lines(text).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    names
        .map(|line| {
            let name = line.strip_prefix(b"/").filter(|name| path::is_normal(name));
            // With a flag it is to be removed, which only the package manager should do.
            name.map(<[u8]>::to_vec).ok_or_else(|| {
                format!(
                    "its list of configuration files has `{}`, which is not known here",
                    String::from_utf8_lossy(line)
                )
            })
        })
        .collect()
}

/// `info/NAME.list`: the root, then the members in their order, then the configuration files that stay.
fn list(files: &[Member], obsolete: &[(Vec<u8>, String)]) -> Vec<u8> {
    let mut text = b"/.\n".to_vec();
    let members = files.iter().map(|member| &member.path).filter(|path| !path.is_empty());
    for path in members.chain(obsolete.iter().map(|(path, _)| path)) {
        text.push(b'/');
        text.extend_from_slice(path);
        text.push(b'\n');
    }
    text
}

/// The folder of a library that the dynamic linker searches without being told.
pub(super) fn is_searched(path: &[u8]) -> bool {
    let folder = parent(path).unwrap_or_default();
    let folder = folder.strip_prefix(b"usr/").unwrap_or(folder);
    let depth = folder.split(|byte| *byte == b'/').count();
    let first = folder.split(|byte| *byte == b'/').next().unwrap_or_default();
    let is_triplet = |folder: &[u8]| folder.windows(7).any(|part| part == b"-linux-");
    matches!(first, b"lib" | b"lib32" | b"lib64" | b"libx32") && (depth == 1 || (depth == 2 && is_triplet(folder)))
}
