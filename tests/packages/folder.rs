//! A folder as an image, and a layer unpacked over it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};

use imgguard::digest::Digest;
use imgguard::harden::packages::{Body, Found, Layer, Node, Root};

/// A root filesystem.
pub(crate) struct Folder(pub(crate) PathBuf);

fn path(root: &Path, name: &[u8]) -> PathBuf {
    root.join(std::ffi::OsStr::from_bytes(name))
}

impl Root for Folder {
    fn at(&self, name: &[u8]) -> Option<Found> {
        let path = path(&self.0, name);
        let meta = fs::symlink_metadata(&path).ok()?;
        Some(match meta.file_type() {
            kind if kind.is_dir() => Found::Directory,
            kind if kind.is_file() => Found::File,
            kind if kind.is_symlink() => Found::Symlink(fs::read_link(&path).unwrap().into_os_string().into_vec()),
            _ => Found::Special,
        })
    }

    fn names(&self, folder: &[u8]) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(path(&self.0, folder)).into_iter().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_vec()).collect();
        names.sort();
        names
    }

    fn read(&self, name: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let bytes = fs::read(path(&self.0, name))?;
        if bytes.len() as u64 > limit { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(bytes) }
    }
}

/// Puts a layer over a folder.
pub(crate) fn unpack(layer: &Layer, root: &Path) {
    for (name, entry) in &layer.entries {
        let path = path(root, name);
        let there = fs::symlink_metadata(&path).ok();
        match (&entry.node, &there) {
            (Node::Directory, Some(meta)) if meta.is_dir() => {}
            (_, Some(meta)) if meta.is_dir() => fs::remove_dir_all(&path).unwrap(),
            (_, Some(_)) => fs::remove_file(&path).unwrap(),
            (_, None) => {}
        }
        match &entry.node {
            Node::Whiteout => {
                assert!(there.is_some(), "{} is there to be taken away", path.display());
                continue;
            }
            Node::Directory => fs::create_dir_all(&path).unwrap(),
            Node::Symlink(target) => symlink(std::ffi::OsStr::from_bytes(target), &path).unwrap(),
            Node::HardLink(target) => fs::hard_link(self::path(root, target), &path).unwrap(),
            Node::File(body) => fs::write(&path, content(body, &layer.spool)).unwrap(),
        }
        let (uid, gid) = (u32::try_from(entry.uid).unwrap(), u32::try_from(entry.gid).unwrap());
        if matches!(entry.node, Node::Symlink(_)) {
            lchown(&path, Some(uid), Some(gid)).unwrap();
        } else {
            chown(&path, Some(uid), Some(gid)).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode)).unwrap();
        }
    }
}

fn content(body: &Body, spool: &File) -> Vec<u8> {
    match body {
        Body::Bytes(bytes) => bytes.clone(),
        Body::Spooled { at, length } => {
            let mut bytes = vec![0; usize::try_from(*length).unwrap()];
            spool.read_exact_at(&mut bytes, *at).unwrap();
            bytes
        }
    }
}

/// Every path with what is there, but for what dpkg keeps for itself: locks, copies, its log.
pub(crate) fn tree(root: &Path) -> BTreeMap<String, String> {
    const OWN: &[&str] = &[
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/lock",
        "var/lib/dpkg/lock-frontend",
        "var/lib/dpkg/triggers/Lock",
        "var/lib/dpkg/triggers/Unincorp",
        "var/lib/dpkg/available",
        "var/lib/dpkg/info/format",
    ];
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            if OWN.contains(&name.as_str()) || name.starts_with("var/log") {
                continue;
            }
            let meta = fs::symlink_metadata(&path).unwrap();
            let what = if meta.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else if meta.is_dir() {
                folders.push(path.clone());
                format!("folder {:o}", meta.mode())
            } else if name == "var/lib/dpkg/status" || name.ends_with(".list") {
                // Shown whole where they differ.
                fs::read_to_string(&path).unwrap()
            } else {
                format!("file {:o} {}", meta.mode(), Digest::sha256(&fs::read(&path).unwrap()))
            };
            found.insert(name, format!("{}:{} {what}", meta.uid(), meta.gid()));
        }
    }
    found
}

/// Fails with what differs.
#[track_caller]
pub(crate) fn same(native: &Path, ours: &Path) {
    let (native, ours) = (tree(native), tree(ours));
    let names: std::collections::BTreeSet<_> = native.keys().chain(ours.keys()).collect();
    let differing: Vec<_> = names
        .into_iter()
        .filter(|name| native.get(*name) != ours.get(*name))
        .map(|name| format!("{name}\n  dpkg: {:?}\n  ours: {:?}", native.get(name), ours.get(name)))
        .collect();
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(!native.is_empty());
}
