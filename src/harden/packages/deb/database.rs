//! dpkg's records in an image: read, and written as dpkg writes them.
//!
//! A whole dpkg has `status` and a folder `info` with lists of files; a distroless image has one control file a package in `status.d`, with the checksums of its files beside it.
//!
//! Source: dpkg(1) "Files"; dpkg's `lib/dpkg/parse.c` and `dump.c` for the order of fields.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::paragraphs::ranges;
use super::super::relation::{Key, Member};
use super::super::solve::Installed;
use super::super::stage::Stage;
use super::super::{Entry, PackagesError, Root};
use super::archive::Control;
use super::control::Paragraph;
use super::fields;
use crate::facts::FilePath;
use crate::facts::path::join;
use crate::inspect::control::lines;
use crate::inspect::is_dpkg_control_file;
use crate::layer::path;

/// Largest `status`, and largest file of `info`.
const MAX_STATUS_BYTES: u64 = 64 << 20;
const MAX_INFO_BYTES: u64 = 64 << 20;

const STATUS: &[u8] = b"var/lib/dpkg/status";
const STATUS_DIR: &[u8] = b"var/lib/dpkg/status.d";
const INFO: &str = "var/lib/dpkg/info";

/// Fields that dpkg knows, in the order in which it writes them; others follow in their own.
const ORDER: &[&str] = &[
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
    "Enhances",
    "Conffiles",
    "Description",
];

/// A package that is recorded.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) paragraph: Paragraph,
    pub(super) member: Member,
    place: Place,
    /// Third word of `Status`: `installed`; that too where there is no such field.
    state: String,
    /// The first word: `hold` for a package that is to stay as it is.
    want: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    /// In `status`.
    Status(Range<usize>),
    /// A file of `status.d`, by its path.
    Own(Vec<u8>),
}

/// All records of an image.
pub(super) struct Database {
    /// `status`, and where it is.
    status: Option<(Vec<u8>, Vec<u8>)>,
    records: BTreeMap<Key, Record>,
}

impl Record {
    fn of(paragraph: Paragraph, place: Place) -> Result<Self, String> {
        let member = fields::member(&paragraph)
            .map_err(|field| format!("the package {} has no readable {field}", paragraph.text("Package")))?;
        let mut words = paragraph.text("Status").split_ascii_whitespace();
        let want = words.next().unwrap_or("install").to_owned();
        let state = words.nth(1).unwrap_or("installed").to_owned();
        Ok(Self { member, place, state, want, paragraph })
    }

    /// Why it must not be changed.
    pub(super) fn is_fixed(&self) -> Option<&'static str> {
        match (self.want.as_str(), self.state.as_str()) {
            ("hold", _) => Some("it is on hold in the image"),
            (_, "installed") => None,
            _ => Some("its installation is not complete in the image"),
        }
    }

    /// Its configuration files, as they were installed: path without a slash, MD5 in hex, and whether the package has it no more.
    pub(super) fn conffiles(&self) -> Vec<(Vec<u8>, String, bool)> {
        conffiles(&self.paragraph).collect()
    }

    /// Whether it is recorded in a folder of its own (distroless).
    pub(super) fn is_own_file(&self) -> bool {
        matches!(self.place, Place::Own(_))
    }
}

/// As for [`Record::conffiles`].
pub(super) fn conffiles(paragraph: &Paragraph) -> impl Iterator<Item = (Vec<u8>, String, bool)> {
    paragraph.text("Conffiles").lines().filter_map(conffile)
}

fn conffile(line: &str) -> Option<(Vec<u8>, String, bool)> {
    let line = line.trim_start();
    let (line, is_obsolete) = line.strip_suffix(" obsolete").map_or((line, false), |line| (line, true));
    let (path, sum) = line.strip_prefix('/')?.rsplit_once(' ')?;
    path::is_normal(path.as_bytes()).then(|| (path.as_bytes().to_vec(), sum.to_owned(), is_obsolete))
}

impl Database {
    /// The records of an image; empty when it has none.
    pub(super) fn read(root: &dyn Root) -> Result<Self, PackagesError> {
        let stage = Stage::over(root);
        let mut database = Self { status: None, records: BTreeMap::new() };
        if let Some(text) = stage.read(STATUS, MAX_STATUS_BYTES) {
            let failed = |reason: String| PackagesError::Records { path: "/var/lib/dpkg/status".to_owned(), reason };
            let text = text.map_err(|error| failed(error.to_string()))?;
            for range in ranges(&text) {
                let paragraph = Paragraph::parse(text.get(range.clone()).unwrap_or_default());
                let paragraph = paragraph.map_err(|error| failed(error.to_string()))?;
                database.add(Record::of(paragraph, Place::Status(range)).map_err(failed)?);
            }
            database.status = Some((stage.follow(STATUS).unwrap_or_default(), text));
        }
        let folder = stage.follow(STATUS_DIR).unwrap_or_default();
        for name in root.names(&folder) {
            let path = join(&folder, &name);
            if is_dpkg_control_file(&name) {
                continue;
            }
            let Some(text) = stage.read(&path, MAX_INFO_BYTES) else { continue };
            let shown = FilePath::new(&path).to_string();
            let failed = |reason: String| PackagesError::Records { path: shown.clone(), reason };
            let text = text.map_err(|error| failed(error.to_string()))?;
            let paragraph = Paragraph::parse(&text).map_err(|error| failed(error.to_string()))?;
            database.add(Record::of(paragraph, Place::Own(path)).map_err(failed)?);
        }
        Ok(database)
    }

    /// What was removed, with or without its configuration, is no package of the image.
    fn add(&mut self, record: Record) {
        if !matches!(record.state.as_str(), "config-files" | "not-installed") {
            self.records.insert(record.member.key(), record);
        }
    }

    /// The packages, as far as it matters for what goes with what.
    pub(super) fn installed(&self) -> BTreeMap<Key, Installed> {
        let records = self.records.iter();
        let installed = |record: &Record| Installed { member: record.member.clone(), is_fixed: record.is_fixed() };
        records.map(|(key, record)| (key.clone(), installed(record))).collect()
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Record> {
        self.records.get(key)
    }

    /// Paths of a package, without a slash, as its list has them; none where there is no list.
    pub(super) fn files(&self, stage: &Stage<'_>, record: &Record) -> Option<Vec<Vec<u8>>> {
        match &record.place {
            Place::Status(_) => Some(paths(&self.info(stage, record, "list")?)),
            Place::Own(path) => {
                let sums = stage.read(&[path, &b".md5sums"[..]].concat(), MAX_INFO_BYTES)?.ok()?;
                let names = lines(&sums).filter_map(|line| line.get(34..));
                Some(names.filter(|name| path::is_normal(name)).map(<[u8]>::to_vec).collect())
            }
        }
    }

    /// A control file of an installed package, as the image has it.
    pub(super) fn info(&self, stage: &Stage<'_>, record: &Record, name: &str) -> Option<Vec<u8>> {
        let member = &record.member;
        let (plain, qualified) = (member.name.clone(), format!("{}:{}", member.name, member.arch));
        [qualified, plain].iter().find_map(|stem| {
            let path = format!("{INFO}/{stem}.{name}");
            stage.read(path.as_bytes(), MAX_INFO_BYTES)?.ok()
        })
    }

    /// Writes the records of updated packages: one new `status`, and their files in `info`.
    pub(super) fn write(&self, stage: &mut Stage<'_>, updates: &[Written<'_>]) {
        if let Some((place, text)) = &self.status {
            let mut by_start: BTreeMap<usize, (usize, Vec<u8>)> = BTreeMap::new();
            let mut new = Vec::new();
            for update in updates {
                match update.old.map(|old| &old.place) {
                    Some(Place::Status(range)) => drop(by_start.insert(range.start, (range.end, status(update)))),
                    Some(Place::Own(_)) => {}
                    None => new.push(status(update)),
                }
            }
            stage.put(place.clone(), Entry::record(replaced(text, &by_start, &new)));
        }
        for update in updates {
            match update.old.map(|old| &old.place) {
                Some(Place::Own(path)) => write_own(stage, path.clone(), update),
                None if self.status.is_none() => {
                    let path = [STATUS_DIR, b"/", update.new.name.as_bytes()].concat();
                    write_own(stage, path, update);
                }
                _ => self.write_info(stage, update),
            }
        }
    }

    fn write_info(&self, stage: &mut Stage<'_>, update: &Written<'_>) {
        let member = update.new;
        let is_same = update.control.paragraph.text("Multi-Arch") == "same";
        let stem = if is_same { format!("{}:{}", member.name, member.arch) } else { member.name.clone() };
        let folder = stage.follow(INFO.as_bytes()).unwrap_or_else(|| INFO.as_bytes().to_vec());
        let names = stage.root().names(&folder);
        // Control files that the new version has no more, under either name.
        for old in [member.name.clone(), format!("{}:{}", member.name, member.arch)] {
            let prefix = format!("{old}.");
            // `python3.11.list` is not of `python3`.
            let extension = |name: &[u8]| name.strip_prefix(prefix.as_bytes()).map(|rest| !rest.contains(&b'.'));
            let own = names.iter().filter(|name| extension(name) == Some(true) && is_dpkg_control_file(name));
            own.for_each(|name| stage.remove(&join(&folder, name)));
        }
        let mut put = |name: &str, bytes: Vec<u8>, mode: u32| {
            let path = join(&folder, format!("{stem}.{name}").as_bytes());
            stage.put(path, Entry { mode, ..Entry::record(bytes) });
        };
        for (name, (bytes, mode)) in &update.control.files {
            put(name, bytes.clone(), mode & 0o7777);
        }
        if !update.control.files.contains_key("md5sums") {
            put("md5sums", update.sums.clone(), 0o644);
        }
        put("list", update.list.clone(), 0o644);
    }
}

/// What is recorded of an update.
pub(super) struct Written<'w> {
    pub(super) old: Option<&'w Record>,
    pub(super) new: &'w Member,
    pub(super) control: &'w Control,
    /// `info/NAME.list`.
    pub(super) list: Vec<u8>,
    /// Checksums of the files, for a package that brings none.
    pub(super) sums: Vec<u8>,
    /// Lines of the field `Conffiles`.
    pub(super) conffiles: Vec<String>,
}

/// `status.d`: the control file as the package has it, and its checksums.
fn write_own(stage: &mut Stage<'_>, path: Vec<u8>, update: &Written<'_>) {
    let sums = update.control.files.get("md5sums").map_or(&update.sums, |(bytes, _)| bytes);
    let place = stage.landing(&path).unwrap_or(path);
    stage.put([&place, &b".md5sums"[..]].concat(), Entry::record(sums.clone()));
    stage.put(place, Entry::record(update.control.raw.clone()));
}

/// Lines of a list as normal paths, without the root.
fn paths(list: &[u8]) -> Vec<Vec<u8>> {
    let relative = lines(list).filter_map(|line| line.strip_prefix(b"/"));
    relative.filter(|path| path::is_normal(path)).map(<[u8]>::to_vec).collect()
}

/// A paragraph of `status`, as dpkg writes it.
fn status(update: &Written<'_>) -> Vec<u8> {
    let paragraph = &update.control.paragraph;
    let conffiles: String = update.conffiles.iter().map(|line| format!("\n {line}")).collect();
    let mut text = String::new();
    let mut write = |name: &str, value: &str| {
        let space = if value.starts_with('\n') || value.is_empty() { "" } else { " " };
        text.push_str(&format!("{name}:{space}{value}\n"));
    };
    for name in ORDER {
        match (*name, paragraph.get(name)) {
            ("Status", _) => write("Status", "install ok installed"),
            ("Conffiles", _) if !conffiles.is_empty() => write("Conffiles", &conffiles),
            ("Conffiles", _) => {}
            (_, Some(value)) => write(name, value),
            _ => {}
        }
    }
    let is_known = |name: &str| ORDER.iter().any(|known| known.eq_ignore_ascii_case(name));
    paragraph.fields().filter(|(name, _)| !is_known(name)).for_each(|(name, value)| write(name, value));
    text.into_bytes()
}

/// The text with other paragraphs in the place of some, by their start, and new ones behind.
fn replaced(text: &[u8], by_start: &BTreeMap<usize, (usize, Vec<u8>)>, new: &[Vec<u8>]) -> Vec<u8> {
    let (mut written, mut at) = (Vec::with_capacity(text.len()), 0);
    for (start, (end, paragraph)) in by_start {
        written.extend_from_slice(text.get(at..*start).unwrap_or_default());
        written.extend_from_slice(paragraph);
        at = *end;
    }
    written.extend_from_slice(text.get(at..).unwrap_or_default());
    for paragraph in new {
        if !written.is_empty() && !written.ends_with(b"\n\n") {
            written.extend_from_slice(if written.ends_with(b"\n") { b"\n" } else { b"\n\n" });
        }
        written.extend_from_slice(paragraph);
    }
    written
}
