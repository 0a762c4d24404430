//! A bounded second read of a layer for files that only a link gives a name by which an inspector asks for them: `var/lib/dpkg -> /opt/db`, or a `package.json` that is a
//! hard link into a package manager's store.

use std::collections::{BTreeMap, BTreeSet};

use crate::facts::merge::UnreadFile;
use crate::facts::{Effect, FileFacts, FilePath, LayerFacts, Unknown};
use crate::inspect::{HEAD_BYTES, INSPECTORS};
use crate::layer::view::MAX_FILE_BYTES;
use crate::layer::{Entry, EntryKind, Gather, LayerError, PassOptions, ReadAt as _, Visitor, read_layer};
use crate::source::{Blobs, Content, Layer, rootfs};

/// Reads the files that `wanted` names from `layer` and adds what their inspectors say to `facts`, as if they stood where they are known.
///
/// # Errors
/// When the layer cannot be read or verified again.
pub(super) fn read_again(
    blobs: &dyn Blobs,
    layer: &Layer,
    wanted: &[UnreadFile],
    facts: &mut LayerFacts,
) -> Result<(), LayerError> {
    let mut by_path: BTreeMap<FilePath, Vec<Names>> = BTreeMap::new();
    for file in wanted {
        let names = Names { known_as: file.known_as.clone(), keep_at: file.keep_at.clone() };
        by_path.entry(file.path.clone()).or_default().push(names);
    }
    let mut picker = Picker::new(by_path);
    match blobs.open(layer)? {
        Content::Bytes(reader) => drop(read_layer(reader, layer, PassOptions::default(), &mut picker)?),
        Content::Tree(root) => drop(rootfs::walk(&root, &mut picker)?),
    }
    facts.files.extend(picker.files);
    facts.unknowns.extend(picker.unknowns);
    // What is no file is told once, so that it is not looked for again.
    let missing = picker.wanted.into_iter().filter(|(path, _)| !picker.seen.contains(path));
    for names in missing.flat_map(|(_, names)| names) {
        let reason = "a link names it as a package database, but it is not one".to_owned();
        let path = Some(names.keep_at);
        facts.unknowns.push(Unknown { effect: Effect::Optional, path, by: "layer".into(), reason });
    }
    Ok(())
}

/// What a wanted file is called besides its name in the layer.
#[derive(Clone)]
struct Names {
    known_as: FilePath,
    keep_at: FilePath,
}

/// Takes the wanted files out of the stream.
struct Picker {
    wanted: BTreeMap<FilePath, Vec<Names>>,
    gather: Gather,
    current: Option<FilePath>,
    seen: BTreeSet<FilePath>,
    files: Vec<FileFacts>,
    unknowns: Vec<Unknown>,
}

impl Picker {
    fn new(wanted: BTreeMap<FilePath, Vec<Names>>) -> Self {
        let (gather, seen) = (Gather::default(), BTreeSet::new());
        Self { wanted, gather, current: None, seen, files: Vec::new(), unknowns: Vec::new() }
    }

    fn inspect(&mut self, names: &Names) {
        let unknown = |effect, by: &str, reason| {
            let path = Some(names.keep_at.clone());
            Unknown { effect, path, by: by.to_owned(), reason }
        };
        let entry = Entry { path: names.known_as.as_bytes(), ..FILE };
        let view = match self.gather.view(entry) {
            Ok(view) => view,
            Err(error) => return self.unknowns.push(unknown(Effect::Required, "layer", error.to_string())),
        };
        let mut head = [0; HEAD_BYTES];
        let n = view.read_at(0, &mut head).unwrap_or(0);
        let head = head.get(..n).unwrap_or_default();
        let Some(inspector) = INSPECTORS.iter().find(|inspector| inspector.wants(&view.entry, head)) else {
            let reason = "no inspector knows its format".to_owned();
            return self.unknowns.push(unknown(Effect::Required, "os/database", reason));
        };
        let (meta, mut facts) = (inspector.meta(), Vec::new());
        if let Err(error) = inspector.inspect(&view, &mut facts) {
            let effect = if meta.required { Effect::Required } else { Effect::Optional };
            self.unknowns.push(unknown(effect, meta.name, error.to_string()));
        }
        self.files.push(FileFacts { path: names.keep_at.clone(), inspector: meta.name.to_owned(), facts });
    }
}

/// Metadata that no inspector looks at.
const FILE: Entry<'_> =
    Entry { path: b"", kind: EntryKind::File, size: 0, mode: 0, uid: 0, gid: 0, link: b"", capability: None };

impl Visitor for Picker {
    fn entry(&mut self, entry: &Entry<'_>) {
        let path = FilePath::new(entry.path);
        let is_wanted = self.wanted.contains_key(&path) && entry.is_file() && entry.size <= MAX_FILE_BYTES;
        self.current = is_wanted.then(|| {
            self.gather.start(entry.size);
            path
        });
    }

    fn data(&mut self, bytes: &[u8]) {
        if self.current.is_some() {
            self.gather.push(bytes);
        }
    }

    fn hole(&mut self, length: u64) {
        let mut left = length;
        while left > 0 && self.current.is_some() {
            let n = left.min(4096);
            self.data([0; 4096].get(..usize::try_from(n).unwrap_or(0)).unwrap_or_default());
            left -= n;
        }
    }

    fn end(&mut self) {
        let Some(path) = self.current.take() else { return };
        // Of several files with one name the last stands.
        for names in self.wanted.get(&path).cloned().unwrap_or_default() {
            self.inspect(&names);
        }
        self.seen.insert(path);
    }

    fn skipped(&mut self, _path: &[u8], _reason: &str) {
        self.current = None;
    }
}
