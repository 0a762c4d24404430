//! Records of installed packages that are written again: dpkg's status and lists, apk's installed file.
//!
//! Only whole records are taken out; all others keep their bytes.
//!
//! Sources: deb-control(5), dpkg(1) ("Files"); apk-tools `doc/apk-v2.5.scd` ("Installed database").

use std::collections::BTreeSet;

use super::draft::Draft;
use super::survey::View;
use crate::facts::FilePath;

const DPKG_STATUS: &[u8] = b"var/lib/dpkg/status";
const DPKG_INFO: &[u8] = b"var/lib/dpkg/info/";
const APK_INSTALLED: &[&[u8]] = &[b"lib/apk/db/installed", b"usr/lib/apk/db/installed"];
const APK_WORLD: &[u8] = b"etc/apk/world";

/// Folders of rpm's database, old and new.
const RPM: &[&[u8]] = &[b"var/lib/rpm", b"usr/lib/sysimage/rpm"];

/// The records of an image.
pub struct Records {
    family: Family,
    /// Where the records are.
    path: Vec<u8>,
    content: Vec<u8>,
    /// Files of dpkg that go with the records.
    gone: BTreeSet<FilePath>,
    /// Names that were removed.
    names: Vec<String>,
    /// By package of dpkg: the files whose names are the package's and an end.
    info: Vec<FilePath>,
    lists: Vec<(String, Vec<u8>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Dpkg,
    Apk,
}

/// A package that was taken out.
pub struct Removed {
    /// Its files, as they were listed, without a leading slash.
    pub files: Vec<FilePath>,
    /// Its version.
    pub version: String,
}

impl Records {
    /// Whether a survey should keep the file: one of those that are read here.
    #[must_use]
    pub fn reads(path: &[u8]) -> bool {
        let is_list = path.strip_prefix(DPKG_INFO).is_some_and(|name| name.ends_with(b".list"));
        path == DPKG_STATUS || is_list || APK_INSTALLED.contains(&path) || path == APK_WORLD
    }

    /// Whether the image has packages of rpm.
    #[must_use]
    pub fn is_rpm(view: &View) -> bool {
        RPM.iter().any(|folder| view.below(folder).next().is_some())
    }

    /// The records of a draft; none where there are none that could be read.
    #[must_use]
    pub fn read(draft: &Draft) -> Option<Self> {
        let new = |family, path: &[u8], content: &[u8]| Self {
            family,
            path: path.to_vec(),
            content: content.to_vec(),
            gone: BTreeSet::new(),
            names: Vec::new(),
            info: Vec::new(),
            lists: Vec::new(),
        };
        if let Some(status) = draft.read(DPKG_STATUS) {
            let mut records = new(Family::Dpkg, DPKG_STATUS, &status);
            let folder = DPKG_INFO.strip_suffix(b"/").unwrap_or(DPKG_INFO);
            for (path, _) in draft.view.below(folder) {
                records.info.push(path.clone());
                let name = path.as_bytes().strip_prefix(DPKG_INFO).and_then(|name| name.strip_suffix(b".list"));
                if let (Some(name), Some(content)) = (name, draft.read(path.as_bytes())) {
                    records.lists.push((String::from_utf8_lossy(name).into_owned(), content.to_vec()));
                }
            }
            return Some(records);
        }
        APK_INSTALLED.iter().find_map(|path| Some(new(Family::Apk, path, &draft.read(path)?)))
    }

    /// Takes a package out, if it is there.
    pub fn remove(&mut self, name: &str) -> Option<Removed> {
        let key = if self.family == Family::Dpkg { "Package: " } else { "P:" };
        let content = std::mem::take(&mut self.content);
        let records = stanzas(&content);
        let is_it = |record: &&[u8]| field(record, key).as_deref() == Some(name);
        let Some(found) = records.iter().copied().find(is_it) else {
            self.content = content;
            return None;
        };
        let version = field(found, if self.family == Family::Dpkg { "Version: " } else { "V:" }).unwrap_or_default();
        let files = match self.family {
            Family::Dpkg => self.listed(name),
            Family::Apk => apk_files(found),
        };
        let kept: Vec<&[u8]> = records.into_iter().filter(|record| !is_it(record)).collect();
        self.content = kept.concat();
        self.names.push(name.to_owned());
        Some(Removed { files, version })
    }

    /// The files of a package of dpkg; its own files in the folder of lists go, too.
    fn listed(&mut self, name: &str) -> Vec<FilePath> {
        let is_of = |stem: &str| stem == name || stem.strip_prefix(name).is_some_and(|rest| rest.starts_with(':'));
        let lists = self.lists.iter().filter(|(stem, _)| is_of(stem));
        let lines = lists.flat_map(|(_, content)| content.split(|byte| *byte == b'\n'));
        let files = lines.filter_map(|line| line.strip_prefix(b"/")).filter(|line| !line.is_empty() && *line != b".");
        let files = without_folders(files.map(FilePath::new).collect());
        let of_package = self.info.iter().filter(|path| {
            let file = path.as_bytes().strip_prefix(DPKG_INFO).unwrap_or_default();
            let stem = String::from_utf8_lossy(file);
            stem.rsplit_once('.').is_some_and(|(stem, _)| is_of(stem))
        });
        self.gone.extend(of_package.cloned());
        files
    }

    /// Writes what is left into the draft.
    pub fn write(self, draft: &mut Draft) {
        draft.write(&self.path, self.content, 0o644);
        draft.erase(&self.gone);
        if let (Family::Apk, Some(world)) = (self.family, draft.read(APK_WORLD)) {
            let keeps = |line: &&[u8]| {
                let name = line.split(|byte| b"=<>~@".contains(byte)).next().unwrap_or_default();
                !self.names.iter().any(|gone| gone.as_bytes() == name)
            };
            let kept: Vec<&[u8]> = world.split(|byte| *byte == b'\n').filter(keeps).collect();
            draft.write(APK_WORLD, kept.join(&b'\n'), 0o644);
        }
    }
}

/// dpkg lists the folders of a package as well, and some of these are symbolic links in the image (`/lib`): what has something below it is none of the package's files.
fn without_folders(listed: BTreeSet<FilePath>) -> Vec<FilePath> {
    let has_more = |path: &&FilePath| {
        let prefix = [path.as_bytes(), b"/"].concat();
        let next = listed.range(FilePath::new(&prefix)..).next();
        next.is_some_and(|next| next.as_bytes().starts_with(&prefix))
    };
    listed.iter().filter(|path| !has_more(path)).cloned().collect()
}

/// Records with the empty line that ends each.
fn stanzas(content: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut rest = content;
    while let Some(end) = memchr::memmem::find(rest, b"\n\n") {
        let (record, behind) = rest.split_at_checked(end + 2).unwrap_or((rest, &[]));
        found.push(record);
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// The value of the first line that begins with `key`.
fn field(record: &[u8], key: &str) -> Option<String> {
    let value = record.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(key.as_bytes()))?;
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

/// `F:` names a folder, each `R:` a file in it.
fn apk_files(record: &[u8]) -> Vec<FilePath> {
    let mut folder: &[u8] = b"";
    let mut files = Vec::new();
    for line in record.split(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(b"F:") {
            folder = name;
        } else if let Some(name) = line.strip_prefix(b"R:") {
            let path = if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() };
            files.push(FilePath::new(&path));
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_out_whole() {
        let status = b"Package: a\nVersion: 1\n\nPackage: ab\nVersion: 2\n\nPackage: b\nVersion: 3\n";
        let found = stanzas(status);
        assert_eq!(found.concat(), status);
        let names: Vec<_> = found.iter().filter_map(|record| field(record, "Package: ")).collect();
        assert_eq!(names, ["a", "ab", "b"]);
    }

    #[test]
    fn folders_of_a_package_are_not_its_files() {
        let listed = ["lib", "lib-x", "lib/a", "usr", "usr/bin", "usr/bin/dpkg"];
        let files = without_folders(listed.iter().map(|path| FilePath::new(path.as_bytes())).collect());
        let files: Vec<String> = files.iter().map(ToString::to_string).collect();
        assert_eq!(files, ["/lib-x", "/lib/a", "/usr/bin/dpkg"]);
    }

    #[test]
    fn apk_names_files_by_folder() {
        let files = apk_files(b"P:busybox\nV:1\nF:\nF:bin\nR:busybox\na:0:0:755\nF:etc\nR:x\nR:y\n");
        let files: Vec<String> = files.iter().map(ToString::to_string).collect();
        assert_eq!(files, ["/bin/busybox", "/etc/x", "/etc/y"]);
    }
}
