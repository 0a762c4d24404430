//! Debian packages: from a signed repository or a folder with digests, into an image with dpkg's records.
//!
//! The way of a file: `InRelease` (`release`, its signature by `openpgp`) pins the lists of packages, these pin the packages (`repository`), a package's own control file must say the
//! same (`archive`). `solve` picks versions, `scripts` tells what would run, `install` puts the files over the image, `database` writes the records.

mod alternatives;
mod archive;
mod control;
mod database;
mod fields;
mod filter;
mod install;
mod release;
mod repository;
mod scripts;
mod shell;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

pub use repository::{Repository, Target};

use self::archive::{Archive, Control};
use self::control::Paragraph;
use self::database::{Database, Record};
use self::fields::compare;
use self::filter::Filter;
use self::install::{Install, Prepared, is_searched};
use self::scripts::Call;
use super::relation::Key;
use super::solve::{Choice, Solving};
use super::stage::Stage;
use super::unpack::{Kind, Spool};
use super::update::{self, Manager, Notes, Packages, Refusal};
use super::{Layer, PackagesError, Plan, Root, Wanted, relation};
use crate::facts::FilePath;
use crate::inspect::control::lines;

/// Brings what is wanted to the newest version that is there. The layer is none when nothing changes. `spool` is an empty file for the new contents.
///
/// # Errors
/// When the image's records cannot be read, or the temporary file fails. What cannot be done for a single package is a [`Refused`](super::Refused) of the plan.
pub fn update(
    root: &dyn Root,
    repository: &Repository,
    wanted: &[Wanted],
    target: &Target,
    spool: File,
) -> Result<(Plan, Option<Layer>), PackagesError> {
    let database = Database::read(root)?;
    let filter =
        Filter::read(root).map_err(|reason| PackagesError::Records { path: "/etc/dpkg".to_owned(), reason })?;
    let installed = database.installed();
    let offers = |name: &str, arch: &str| repository.candidates(name, arch);
    let solving = Solving::new(&installed, &offers, &target.arch, compare);
    let dpkg = Dpkg { root, repository, database: &database, filter: &filter };
    Ok(update::run(&dpkg, solving, wanted, &repository.trust, spool))
}

/// What dpkg would look at.
struct Dpkg<'r, 'd> {
    root: &'r dyn Root,
    repository: &'d Repository,
    database: &'d Database,
    filter: &'d Filter,
}

impl<'r> Manager<'r> for Dpkg<'r, '_> {
    type Package = Prepared;

    fn read(&self, choice: &Choice, spool: &mut Spool) -> Result<Prepared, String> {
        let candidate = &choice.candidate;
        let mut package = self.repository.open(candidate).map_err(|error| format!("its file: {error}"))?;
        let view = package.view().map_err(|error| error.to_string())?;
        let archive = Archive::open(&view).map_err(|error| error.to_string())?;
        let control = archive.control().map_err(|error| error.to_string())?;
        let says = |field: &str| control.paragraph.text(field).to_owned();
        let member = &candidate.member;
        let is_it = (says("Package"), says("Version"), says("Architecture"))
            == (member.name.clone(), member.version.clone(), member.arch.clone());
        if !is_it {
            return Err(format!("its file is {} {} for {}", says("Package"), says("Version"), says("Architecture")));
        }
        let files = archive.members(spool).map_err(|error| error.to_string())?;
        Ok(Prepared { member: member.clone(), control, files })
    }

    fn apply(
        &self,
        packages: &Packages<Prepared>,
        chosen: &BTreeMap<Key, Choice>,
    ) -> Result<(Stage<'r>, Notes), Refusal> {
        let Self { database, filter, .. } = *self;
        let mut stage = Stage::over(self.root);
        let updated: BTreeSet<String> = chosen.keys().map(|(name, _)| name.clone()).collect();
        let (mut written, mut notes) = (Vec::new(), Notes::new());
        for (key, choice) in chosen {
            let Some(new) = packages.get(choice) else { continue };
            let old = database.get(key);
            let refused = |reason: String| (key.clone(), new.member.version.clone(), reason);
            let mut own = examine(&stage, database, old, new).map_err(refused)?;
            let mut install = Install { stage: &mut stage, database, updated: &updated, filter, notes: Vec::new() };
            written.push(install.run(old, new).map_err(refused)?);
            own.append(&mut install.notes);
            notes.insert(key.clone(), own);
        }
        if !written.is_empty() {
            database.write(&mut stage, &written);
        }
        Ok((stage, notes))
    }

    fn sha256(&self, choice: &Choice, _package: &Prepared) -> String {
        choice.candidate.proof.clone()
    }
}

/// Whether the package can come without anything being run; what is left undone otherwise.
fn examine(
    stage: &Stage<'_>,
    database: &Database,
    old: Option<&Record>,
    new: &Prepared,
) -> Result<Vec<String>, String> {
    let installed = old.map(|old| old.member.version.as_str());
    let package = new.member.name.as_str();
    let call = |script, arguments| Call { script, arguments, installed, package };
    let to = new.member.version.as_str();
    let old_script = |name: &str| old.and_then(|old| database.info(stage, old, name));
    // The calls of an upgrade, else of a first installation (Debian Policy 6.6).
    let calls = match installed {
        Some(from) => vec![
            (old_script("prerm"), call("prerm", vec!["upgrade", to])),
            (script(&new.control, "preinst"), call("preinst", vec!["upgrade", from, to])),
            (old_script("postrm"), call("postrm", vec!["upgrade", to])),
            (script(&new.control, "postinst"), call("postinst", vec!["configure", from])),
        ],
        None => vec![
            (script(&new.control, "preinst"), call("preinst", vec!["install"])),
            (script(&new.control, "postinst"), call("postinst", vec!["configure"])),
        ],
    };
    for (text, call) in calls {
        if let Some(effect) = text.and_then(|text| scripts::effect(&text, &call, stage)) {
            return Err(effect);
        }
    }
    triggers(stage, database, old, new)
}

fn script(control: &Control, name: &str) -> Option<Vec<u8>> {
    control.files.get(name).map(|(bytes, _)| bytes.clone())
}

/// What the package triggers in others. The cache of libraries may be left as it is, since the dynamic linker looks into the usual folders all the same.
fn triggers(
    stage: &Stage<'_>,
    database: &Database,
    old: Option<&Record>,
    new: &Prepared,
) -> Result<Vec<String>, String> {
    let interests = |text: &[u8]| -> BTreeSet<Vec<u8>> {
        let lines = lines(text).map(<[u8]>::trim_ascii);
        lines.filter(|line| line.starts_with(b"interest")).map(<[u8]>::to_vec).collect()
    };
    let before = old.and_then(|old| database.info(stage, old, "triggers")).unwrap_or_default();
    let text = new.control.text("triggers");
    if old.is_none_or(|old| !old.is_own_file()) && interests(&before) != interests(text) {
        return Err("it wants to be told of other changes than before (triggers)".to_owned());
    }
    let mut notes = Vec::new();
    for line in lines(text).map(<[u8]>::trim_ascii).filter(|line| line.starts_with(b"activate")) {
        let name = line.rsplit(u8::is_ascii_whitespace).next().unwrap_or_default();
        let shown = String::from_utf8_lossy(name).into_owned();
        if name == b"ldconfig" {
            notes.extend(libraries(stage, database, old, new)?);
        } else if stage.at(format!("var/lib/dpkg/triggers/{shown}").as_bytes()).is_some() {
            return Err(format!("it triggers `{shown}`, for which a script of another package would run"));
        }
    }
    Ok(notes)
}

/// Libraries by other names than before: told where the linker finds them without its cache, refused where it does not.
fn libraries(
    stage: &Stage<'_>,
    database: &Database,
    old: Option<&Record>,
    new: &Prepared,
) -> Result<Option<String>, String> {
    let is_library = |path: &[u8]| {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        name.starts_with(b"lib") && (name.ends_with(b".so") || name.windows(4).any(|part| part == b".so."))
    };
    // By where they are: a library that only moves from `/lib` to `/usr/lib` stays where it is in an image that merged them.
    let before = old.and_then(|old| database.files(stage, old)).unwrap_or_default();
    let before: BTreeSet<Vec<u8>> = before.iter().filter_map(|path| stage.landing(path)).collect();
    let files = new.files.iter().filter(|one| !matches!(one.kind, Kind::Directory) && is_library(&one.path));
    let added: Vec<Vec<u8>> =
        files.filter_map(|one| stage.landing(&one.path)).filter(|path| !before.contains(path)).collect();
    if stage.at(b"etc/ld.so.cache").is_none() || added.is_empty() {
        return Ok(None);
    }
    match added.iter().find(|path| !is_searched(path)) {
        Some(path) => Err(format!("`{}` is found by programs only after ldconfig has run", FilePath::new(path))),
        None => Ok(Some("/etc/ld.so.cache does not have its new files; programs find them without it".to_owned())),
    }
}

/// What the packages of one `status` need and did have in another one, and now have not; also what they are in the way of. Records that cannot be read count as absent.
#[must_use]
pub fn newly_broken(before: &[u8], after: &[u8]) -> Vec<String> {
    let members = |status: &[u8]| -> Vec<relation::Member> {
        let texts = super::paragraphs::ranges(status).into_iter().filter_map(|range| status.get(range));
        let installed = texts.filter_map(|text| Paragraph::parse(text).ok()).filter(|paragraph| {
            paragraph.get("Status").is_none_or(|status| status.split_ascii_whitespace().nth(2) == Some("installed"))
        });
        installed.filter_map(|paragraph| fields::member(&paragraph).ok()).collect()
    };
    relation::newly_broken(&members(before), &members(after))
}

/// Paths of a record's configuration files, with the MD5 in hex of what the package brought; none of a record that cannot be read.
pub(in crate::harden) fn conffiles(record: &[u8]) -> Vec<(Vec<u8>, String)> {
    let paragraph = Paragraph::parse(record.trim_ascii_end()).ok();
    let all = paragraph.iter().flat_map(database::conffiles);
    all.map(|(path, digest, _)| (path, digest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_files_of_a_record() {
        let sum = "0".repeat(32);
        let record = format!("Package: a\nConffiles:\n /etc/a {sum}\n /etc/b c {sum} obsolete\nVersion: 1\n\n");
        assert_eq!(conffiles(record.as_bytes()), [(b"etc/a".to_vec(), sum.clone()), (b"etc/b c".to_vec(), sum)]);
        assert_eq!(conffiles(b"no paragraph"), []);
    }
}
