//! A bounded second read of a layer for databases that a link gives a name no inspector asks for, such as `var/lib/dpkg -> /opt/db`.

use std::collections::BTreeMap;

use crate::facts::merge::UnreadDatabase;
use crate::facts::{Effect, FileFacts, FilePath, LayerFacts, Unknown};
use crate::inspect::{HEAD_BYTES, INSPECTORS};
use crate::layer::view::MAX_FILE_BYTES;
use crate::layer::{Entry, EntryKind, Gather, LayerError, PassOptions, Visitor, read_layer};
use crate::source::{Blobs, Content, Layer, rootfs};

/// Reads the files that `wanted` names from `layer` and adds what their inspectors say to `facts`, as if they stood at their well-known places.
///
/// # Errors
/// When the layer cannot be read or verified again.
pub(super) fn read_again(
    blobs: &dyn Blobs,
    layer: &Layer,
    wanted: &[UnreadDatabase],
    facts: &mut LayerFacts,
) -> Result<(), LayerError> {
    let wanted = wanted.iter().map(|database| (database.path.clone(), database.known_as)).collect();
    let mut picker =
        Picker { wanted, gather: Gather::default(), current: None, files: Vec::new(), unknowns: Vec::new() };
    match blobs.open(layer)? {
        Content::Bytes(reader) => drop(read_layer(reader, layer, PassOptions::default(), &mut picker)?),
        Content::Tree(root) => drop(rootfs::walk(&root, &mut picker)?),
    }
    facts.files.extend(picker.files);
    facts.unknowns.extend(picker.unknowns);
    // What no inspector wanted is told once, so that it is not looked for again.
    for path in picker.wanted.into_keys() {
        let reason = "a link names it as a package database, but it is not one".to_owned();
        facts.unknowns.push(Unknown { effect: Effect::Optional, path: Some(path), by: "layer".into(), reason });
    }
    Ok(())
}

/// Takes the wanted files out of the stream.
struct Picker {
    wanted: BTreeMap<FilePath, &'static str>,
    gather: Gather,
    current: Option<(FilePath, &'static str, u64)>,
    files: Vec<FileFacts>,
    unknowns: Vec<Unknown>,
}

impl Visitor for Picker {
    fn entry(&mut self, entry: &Entry<'_>) {
        let path = FilePath::new(entry.path);
        self.current = match self.wanted.get(&path) {
            Some(known_as) if entry.is_file() && entry.size <= MAX_FILE_BYTES => {
                self.gather.start(entry.size);
                Some((path, known_as, entry.size))
            }
            _ => None,
        };
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
        let Some((path, known_as, size)) = self.current.take() else { return };
        let entry = Entry {
            path: known_as.as_bytes(),
            kind: EntryKind::File,
            size,
            mode: 0,
            uid: 0,
            gid: 0,
            link: b"",
            capability: None,
        };
        let mut facts = Vec::new();
        let outcome = self.gather.view(entry).map_err(|error| error.to_string()).and_then(|view| {
            let mut head = [0; HEAD_BYTES];
            let n = view.read_at(0, &mut head).map_err(|error| error.to_string())?;
            let head = head.get(..n).unwrap_or_default();
            let inspector = INSPECTORS
                .iter()
                .find(|inspector| inspector.wants(&view.entry, head))
                .ok_or_else(|| "no inspector knows its format".to_owned())?;
            inspector.inspect(&view, &mut facts).map_err(|error| error.to_string())?;
            Ok(inspector.meta().name)
        });
        self.wanted.remove(&path);
        match outcome {
            Ok(name) => self.files.push(FileFacts { path, inspector: name.to_owned(), facts }),
            Err(reason) => self.unknowns.push(Unknown {
                effect: Effect::Required,
                path: Some(path),
                by: "os/database".into(),
                reason,
            }),
        }
    }

    fn skipped(&mut self, _path: &[u8], _reason: &str) {
        self.current = None;
    }
}
