//! Packages of Alpine and its kin: from a folder or mirror whose files are signed, into an image with apk's records.
//!
//! The way of a file: a key of the user's signs the control part of each package (`archive`, `keys`), which has the SHA-256 of its files; an index, where there is one, is signed as well
//! (`repository`). `install` puts the files over the image, `database` writes the records. A package with scripts or triggers is refused, and so is one that would set off a trigger of another.

mod archive;
mod database;
mod install;
mod keys;
mod record;
mod repository;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

pub use keys::Keys;
pub use repository::Repository;

use self::archive::Signed;
use self::database::{Database, add_files};
use self::install::Install;
use self::record::{Record, compare, relation};
use super::relation::Key;
use super::solve::{Choice, Solving};
use super::stage::Stage;
use super::unpack::{Member, Spool};
use super::update::{self, Manager, Notes, Packages, Refusal};
use super::{Layer, PackagesError, Plan, Root, Wanted};
use crate::digest::hex;
use crate::facts::FilePath;
use crate::inspect::control::lines;
use crate::layer::ReadAt as _;

/// Largest of apk's own files that are looked at.
const MAX_CONFIG_BYTES: u64 = 8 << 20;

/// The trigger of busybox makes links for its applets, which are there already.
const HARMLESS: &[&str] = &["busybox"];

/// Brings what is wanted to the newest version that is there. The layer is none when nothing changes. `spool` is an empty file for the new contents.
///
/// # Errors
/// When the image's records cannot be read, or the temporary file fails. What cannot be done for a single package is a [`Refused`](super::Refused) of the plan.
pub fn update(
    root: &dyn Root,
    repository: &Repository,
    wanted: &[Wanted],
    arch: &str,
    spool: File,
) -> Result<(Plan, Option<Layer>), PackagesError> {
    let database = Database::read(root)?;
    let installed = database.installed();
    let offers = |name: &str, arch: &str| repository.candidates(name, arch);
    let solving = Solving::new(&installed, &offers, arch, compare);
    let image = Image::read(root)?;
    let apk = Apk { root, repository, database: &database, image: &image };
    Ok(update::run(&apk, solving, wanted, &repository.trust, spool))
}

/// A package that was fetched, verified and read.
struct Prepared {
    record: Record,
    files: Vec<Member>,
    sha256: String,
}

/// What apk would look at.
struct Apk<'r, 'd> {
    root: &'r dyn Root,
    repository: &'d Repository,
    database: &'d Database,
    image: &'d Image,
}

impl<'r> Manager<'r> for Apk<'r, '_> {
    type Package = Prepared;

    fn read(&self, choice: &Choice, spool: &mut Spool) -> Result<Prepared, String> {
        let candidate = &choice.candidate;
        let mut package = self.repository.open(candidate).map_err(|error| format!("its file: {error}"))?;
        let sha256 = hex(package.sha256());
        let view = package.view().map_err(|error| error.to_string())?;
        let signed = Signed::open(&view, self.repository.keys()).map_err(|error| error.to_string())?;
        if signed.checksum != candidate.proof {
            return Err("its file is not the one that the index lists".to_owned());
        }
        let mut record = signed.record(view.len()).map_err(|error| error.to_string())?;
        let member = &candidate.member;
        let is_it =
            (record.get(b'P'), record.get(b'V'), record.get(b'A')) == (&*member.name, &*member.version, &*member.arch);
        if !is_it {
            return Err(format!("its file is {} {} for {}", record.get(b'P'), record.get(b'V'), record.get(b'A')));
        }
        if let Some(script) = signed.scripts().map_err(|error| error.to_string())?.into_iter().next() {
            return Err(format!("it has the script `{}`", script.trim_start_matches('.')));
        }
        let files = signed.members(spool).map_err(|error| error.to_string())?;
        add_files(&mut record, &files)?;
        Ok(Prepared { record, files, sha256 })
    }

    fn apply(
        &self,
        packages: &Packages<Prepared>,
        chosen: &BTreeMap<Key, Choice>,
    ) -> Result<(Stage<'r>, Notes), Refusal> {
        let Self { database, image, .. } = *self;
        let mut stage = Stage::over(self.root);
        let updated: BTreeSet<String> = chosen.keys().map(|(name, _)| name.clone()).collect();
        let (mut written, mut notes) = (Vec::new(), Notes::new());
        for (key, choice) in chosen {
            let Some(new) = packages.get(choice) else { continue };
            let version = &choice.candidate.member.version;
            let refused = |reason: String| (key.clone(), version.clone(), reason);
            let old = database.get(key);
            if old.is_some_and(|old| image.has_script(old)) {
                return Err(refused("the installed version has scripts".to_owned()));
            }
            if image.pins(&key.0, version) {
                return Err(refused("/etc/apk/world asks for another version".to_owned()));
            }
            let mut install = Install { stage: &mut stage, database, updated: &updated, notes: Vec::new() };
            let touched = install.run(&key.0, old, &new.files).map_err(refused)?;
            notes.insert(key.clone(), install.notes);
            triggered(database, image, &touched).map_err(refused)?;
            written.push((key.clone(), new.record.clone()));
        }
        if !written.is_empty() {
            database.write(&mut stage, &written);
        }
        Ok((stage, notes))
    }

    fn sha256(&self, _choice: &Choice, package: &Prepared) -> String {
        package.sha256.clone()
    }
}

/// What apk would look at in the image besides its list.
struct Image {
    /// Folders with the checksum of the package that is told of changes in them; a `*` at the end of a part is any name.
    triggers: Vec<(String, String)>,
    /// `name-version.checksum` of installed scripts.
    scripts: Vec<u8>,
    /// What the administrator asked for, with versions at times.
    world: String,
}

impl Image {
    fn read(root: &dyn Root) -> Result<Self, PackagesError> {
        let stage = Stage::over(root);
        let read = |name: &str| {
            let failed =
                |error: std::io::Error| PackagesError::Records { path: format!("/{name}"), reason: error.to_string() };
            stage.read(name.as_bytes(), MAX_CONFIG_BYTES).map_or(Ok(Vec::new()), |text| text.map_err(failed))
        };
        let text = |name: &str| read(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let own = stage.follow(b"etc/apk/protected_paths.d").map(|folder| root.names(&folder)).unwrap_or_default();
        if own.iter().any(|name| name.ends_with(b".list")) {
            let path = "/etc/apk/protected_paths.d".to_owned();
            return Err(PackagesError::Records {
                path,
                reason: "protected paths of the image's own are not followed here".to_owned(),
            });
        }
        let mut triggers = Vec::new();
        for line in lines(text("lib/apk/db/triggers")?.as_bytes()).filter_map(|line| std::str::from_utf8(line).ok()) {
            let mut words = line.split_ascii_whitespace();
            let Some(package) = words.next() else { continue };
            triggers.extend(words.map(|folder| (folder.trim_matches('/').to_owned(), package.to_owned())));
        }
        Ok(Self { triggers, scripts: read("lib/apk/db/scripts.tar")?, world: text("etc/apk/world")? })
    }

    /// Whether a script of the installed version is kept there.
    fn has_script(&self, record: &Record) -> bool {
        let name = format!("{}-{}.{}", record.get(b'P'), record.get(b'V'), record.get(b'C'));
        memchr::memmem::find(&self.scripts, name.as_bytes()).is_some()
    }

    /// Whether the administrator wants another version.
    fn pins(&self, name: &str, version: &str) -> bool {
        let pins = self.world.split_ascii_whitespace().filter_map(relation).filter(|one| one.name == name);
        pins.into_iter().any(|one| !one.allows(version, compare))
    }
}

/// Whether a script of another package would be told of the changes.
fn triggered(database: &Database, image: &Image, touched: &BTreeSet<Vec<u8>>) -> Result<(), String> {
    for folder in touched {
        let text = String::from_utf8_lossy(folder);
        let hit = image.triggers.iter().find(|(pattern, package)| {
            let owner = database.records().find(|record| record.get(b'C') == package).map(|record| record.get(b'P'));
            fits(pattern, &text) && !owner.is_some_and(|owner| HARMLESS.contains(&owner))
        });
        if let Some((_, package)) = hit {
            let owner = database.records().find(|record| record.get(b'C') == package).map(|record| record.get(b'P'));
            return Err(format!(
                "a change in `{}` triggers a script of {}",
                FilePath::new(folder),
                owner.unwrap_or(package)
            ));
        }
    }
    Ok(())
}

/// A folder like `usr/lib/*/gio`: part for part (apk uses fnmatch(3) with `FNM_PATHNAME`).
fn fits(pattern: &str, folder: &str) -> bool {
    let (pattern, folder): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), folder.split('/').collect());
    let is_like = |(pattern, part): (&&str, &&str)| match pattern.split_once('*') {
        Some((before, after)) => {
            part.len() >= before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
        }
        None => pattern == part,
    };
    pattern.len() == folder.len() && pattern.iter().zip(&folder).all(is_like)
}

/// As for dpkg's records, of apk's `installed`.
#[must_use]
pub fn newly_broken(before: &[u8], after: &[u8]) -> Vec<String> {
    let members = |installed: &[u8]| -> Vec<super::relation::Member> {
        let texts = super::paragraphs::ranges(installed).into_iter().filter_map(|range| installed.get(range));
        texts.filter_map(|text| Record::parse(text)?.member()).collect()
    };
    super::relation::newly_broken(&members(before), &members(after))
}

/// Files of a record without its folders, with their checksums as apk writes them; none of a record that cannot be read.
pub(in crate::harden) fn files(record: &[u8]) -> Vec<(Vec<u8>, Option<String>)> {
    let owned = Record::parse(record.trim_ascii_end()).map(|record| database::files(&record)).unwrap_or_default();
    owned.into_iter().filter(|one| !one.is_folder).map(|one| (one.path, one.checksum)).collect()
}
