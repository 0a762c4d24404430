//! One layer's entries to its [`LayerFacts`]: every file is offered to the inspectors and to the secret scan as it streams by.

use std::collections::HashMap;
use std::io::Read;

use super::modes;
use super::secrets::SecretPass;
use crate::facts::access::{AccessNotes, MAX_NOTED};
use crate::facts::loading::LoadingFile;
use crate::facts::tree::{Node, TreeBuilder};
use crate::facts::{Effect, Fact, FileFacts, FilePath, LayerFacts, Unknown};
use crate::inspect::{HEAD_BYTES, INSPECTORS, Inspector, wanted_by_name};
use crate::layer::path::{Whiteout, whiteout};
use crate::layer::view::{MAX_FILE_BYTES, Reservation};
use crate::layer::{Budget, Entry, EntryKind, FileView, Gather, LayerError, PassOptions, Slice, Visitor, read_layer};
use crate::nested::Form;
use crate::secret::Scratch;
use crate::source::Layer;

/// Most unknowns that are kept of one layer; a layer of a million broken files is one fact, not a million.
const MAX_UNKNOWNS: usize = 1000;

/// What to look for.
#[derive(Clone, Copy, Debug, Default)]
pub struct CollectOptions {
    /// Scan for secrets.
    pub secrets: bool,
    /// Keep the secrets in clear, for a run that shows or verifies them. Facts from a cache have none, so such a run reads every layer.
    pub reveal: bool,
    /// Of a folder's `.git`, look only at the files right in it (`config` may hold a password); its objects are for git to read.
    pub checkout: bool,
}

/// What a worker keeps from layer to layer.
#[derive(Default)]
pub(super) struct Worker {
    gather: Gather,
    scratch: Scratch,
}

/// Reads one layer and states its facts, which are true of exactly the bytes that the layer's digest names.
///
/// # Errors
/// When the layer cannot be read to its end or verified; then nothing of it is told.
pub(super) fn collect_layer(
    reader: Box<dyn Read + Send>,
    layer: &Layer,
    pass: PassOptions,
    options: CollectOptions,
    worker: &mut Worker,
    budget: &Budget,
) -> Result<LayerFacts, LayerError> {
    let mut collector = Collector::new(worker, budget, options);
    let pass = read_layer(reader, layer, pass, &mut collector)?;
    let mut facts = collector.finish();
    facts.stored_bytes = pass.stored_bytes;
    facts.unpacked_bytes = pass.unpacked_bytes;
    facts.compression = Some(pass.compression);
    facts.diff_id = pass.diff_id;
    Ok(facts)
}

/// The entry whose content is streaming by.
struct Current {
    path: Vec<u8>,
    kind: EntryKind,
    size: u64,
    mode: u32,
    uid: u64,
    gid: u64,
    /// First bytes, until the inspectors were asked.
    head: Vec<u8>,
    asked: bool,
    inspector: Option<&'static dyn Inspector>,
    /// What files it holds, where the secret scan is to look into them.
    form: Option<Form>,
    _reservation: Option<Reservation>,
}

impl Current {
    /// Its content is put together for somebody who reads it when it is complete.
    fn is_gathered(&self) -> bool {
        self.inspector.is_some() || self.form.is_some()
    }

    fn entry(&self) -> Entry<'_> {
        Entry {
            path: &self.path,
            kind: self.kind,
            size: self.size,
            mode: self.mode,
            uid: self.uid,
            gid: self.gid,
            link: b"",
            capability: None,
        }
    }
}

/// Collects facts while a layer streams by. Also fed by folders.
pub(super) struct Collector<'w> {
    gather: &'w mut Gather,
    secret_pass: Option<SecretPass<'w>>,
    budget: &'w Budget,
    tree: TreeBuilder,
    facts: LayerFacts,
    access: AccessNotes,
    /// What was inspected, with the index of its facts in [`LayerFacts::files`] where it had any.
    inspected: HashMap<FilePath, Option<usize>>,
    current: Option<Current>,
    checkout: bool,
}

impl<'w> Collector<'w> {
    /// A collector that knows nothing yet.
    pub(super) fn new(worker: &'w mut Worker, budget: &'w Budget, options: CollectOptions) -> Self {
        let secret_pass = options.secrets.then(|| SecretPass::new(&mut worker.scratch, options.reveal));
        Self {
            gather: &mut worker.gather,
            secret_pass,
            budget,
            tree: TreeBuilder::default(),
            facts: LayerFacts::default(),
            access: AccessNotes::default(),
            inspected: HashMap::new(),
            current: None,
            checkout: options.checkout,
        }
    }

    /// The facts of all entries.
    #[must_use]
    pub(super) fn finish(mut self) -> LayerFacts {
        if self.access.is_cut() {
            let reason =
                format!("more than {MAX_NOTED} entries of the layer have modes that matter; no others are judged");
            self.keep(Unknown { effect: Effect::Optional, path: None, by: "modes".into(), reason });
        }
        let mut facts = self.facts;
        facts.tree = self.tree.build();
        facts.access = self.access.build();
        facts
    }

    fn unknown(&mut self, effect: Effect, path: &[u8], by: &str, reason: String) {
        self.keep(Unknown { effect, path: Some(FilePath::new(path)), by: by.to_owned(), reason });
    }

    fn keep(&mut self, unknown: Unknown) {
        if self.facts.unknowns.len() < MAX_UNKNOWNS {
            self.facts.unknowns.push(unknown);
        } else if self.facts.unknowns.len() == MAX_UNKNOWNS {
            let reason =
                format!("more than {MAX_UNKNOWNS} files of the layer could not be read; the others are not listed");
            self.facts.unknowns.push(Unknown { effect: Effect::Required, path: None, by: "layer".into(), reason });
        }
    }

    /// Notes the entry in the tree; false for whiteouts, which are nothing else.
    fn note(&mut self, entry: &Entry<'_>) -> bool {
        match whiteout(entry.path) {
            Whiteout::Opaque { folder } => self.tree.add_opaque(folder),
            Whiteout::Of { folder, name } => {
                let path = if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() };
                self.tree.add(&path, Node::Whiteout, b"", 0);
            }
            Whiteout::Metadata => {}
            Whiteout::None => {
                let target =
                    if matches!(entry.kind, EntryKind::HardLink | EntryKind::Symlink) { entry.link } else { b"" };
                if !entry.path.is_empty() {
                    self.tree.add(entry.path, entry.kind.into(), target, entry.size);
                }
                return true;
            }
        }
        false
    }

    /// Another name of a file that streamed by: an inspector may want it for this name, or it says the same under any name.
    fn note_hard_link(&mut self, entry: &Entry<'_>) {
        let target = FilePath::new(entry.link);
        let read = self.inspected.get(&target).copied().flatten().and_then(|index| self.facts.files.get(index));
        let wanted = wanted_by_name(entry.path).map(|inspector| inspector.meta().name);
        let says_the_same = |file: &FileFacts| match wanted {
            Some(wanted) => wanted == file.inspector,
            None => wanted_by_name(entry.link).is_none(),
        };
        match read {
            Some(file) if says_the_same(file) => {
                let file = FileFacts { path: FilePath::new(entry.path), ..file.clone() };
                self.facts.files.push(file);
            }
            _ if wanted.is_some() => self.facts.links.push(FilePath::new(entry.path)),
            _ => {}
        }
    }

    /// Asks the inspectors once the file's first bytes are there, and whether it holds other files.
    fn ask(&mut self) {
        let Some(current) = &mut self.current else { return };
        current.asked = true;
        let head = current.head.get(..current.head.len().min(HEAD_BYTES)).unwrap_or_default();
        let inspector = INSPECTORS.iter().copied().find(|inspector| inspector.wants(&current.entry(), head));
        let form = self.secret_pass.as_ref().and_then(|_| Form::detect(&current.path, head));
        if inspector.is_none() && form.is_none() {
            return;
        }
        if current.size > MAX_FILE_BYTES {
            let is_required = inspector.is_some_and(|inspector| inspector.meta().required);
            let by = inspector.map_or("secrets", |inspector| inspector.meta().name);
            let (path, size) = (current.path.clone(), current.size);
            let effect = if is_required { Effect::Required } else { Effect::Optional };
            let reason = format!("the file has {size} bytes; more than {MAX_FILE_BYTES} are not read");
            return self.unknown(effect, &path, by, reason);
        }
        current._reservation = Some(self.budget.reserve(current.size.min(crate::layer::view::MEMORY_BYTES)));
        (current.inspector, current.form) = (inspector, form);
        self.gather.start(current.size);
        self.gather.push(&current.head);
    }

    fn inspect(&mut self, current: &Current, inspector: &'static dyn Inspector, view: Result<&FileView<'_>, &str>) {
        let mut found: Vec<Fact> = Vec::new();
        let outcome = match view {
            Ok(view) => inspector.inspect(view, &mut found).map_err(|error| describe(&error)),
            Err(reason) => Err(reason.to_owned()),
        };
        let meta = inspector.meta();
        if let Err(reason) = outcome {
            let effect = if meta.required { Effect::Required } else { Effect::Optional };
            self.unknown(effect, &current.path, meta.name, reason);
        }
        let (loading, found): (Vec<Fact>, Vec<Fact>) =
            found.into_iter().partition(|fact| matches!(fact, Fact::Loading(_)));
        for fact in loading {
            let Fact::Loading(loading) = fact else { continue };
            self.facts.loading.push(LoadingFile { path: FilePath::new(&current.path), loading });
        }
        let is_kept = !found.is_empty() || meta.required;
        self.inspected.insert(FilePath::new(&current.path), is_kept.then_some(self.facts.files.len()));
        if is_kept {
            self.facts.files.push(FileFacts {
                path: FilePath::new(&current.path),
                inspector: meta.name.to_owned(),
                facts: found,
            });
        }
    }

    fn finish_secrets(&mut self, current: &Current, view: Option<Result<&FileView<'_>, &str>>) {
        let container = match (current.form, view) {
            (Some(form), Some(Ok(view))) => Some((form, Slice::whole(view))),
            (Some(_), Some(Err(reason))) => {
                self.unknown(Effect::Optional, &current.path, "secrets", reason.to_owned());
                None
            }
            _ => None,
        };
        let Some(pass) = &mut self.secret_pass else { return };
        let found_before = self.facts.secrets.len();
        for unknown in pass.end(&current.path, container, &mut self.facts.secrets) {
            self.keep(unknown);
        }
        if self.facts.secrets.len() > found_before {
            modes::note_secret_file(&mut self.access, &current.entry());
        }
    }
}

impl Visitor for Collector<'_> {
    fn enters(&self, folder: &[u8]) -> bool {
        let parent = folder.rsplitn(2, |byte| *byte == b'/').nth(1).unwrap_or_default();
        !(self.checkout && (parent == b".git" || parent.ends_with(b"/.git")))
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        self.current = None;
        if !self.note(entry) {
            return;
        }
        self.facts.privileged.extend(modes::privileges(entry));
        modes::note_access(&mut self.access, entry);
        if entry.kind == EntryKind::HardLink {
            self.note_hard_link(entry);
        }
        if !entry.is_file() {
            return;
        }
        if let Some(pass) = &mut self.secret_pass {
            pass.begin(entry.path, entry.size);
        }
        let (path, kind, size) = (entry.path.to_vec(), entry.kind, entry.size);
        let current = Current {
            path,
            kind,
            size,
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            head: Vec::new(),
            asked: false,
            inspector: None,
            form: None,
            _reservation: None,
        };
        self.current = Some(current);
    }

    fn data(&mut self, bytes: &[u8]) {
        let Some(current) = &mut self.current else { return };
        if let Some(pass) = &mut self.secret_pass {
            pass.feed(bytes);
        }
        if current.asked {
            if current.is_gathered() {
                self.gather.push(bytes);
            }
            return;
        }
        // The first window nearly always has enough; only a file split near its start is put together.
        current.head.extend_from_slice(bytes);
        if current.head.len() >= HEAD_BYTES || current.head.len() as u64 >= current.size {
            self.ask();
            if let Some(current) = &mut self.current {
                current.head = Vec::new();
            }
        }
    }

    fn hole(&mut self, length: u64) {
        const ZEROS: [u8; 4096] = [0; 4096];
        let wants_bytes = self.current.as_ref().is_some_and(|current| !current.asked || current.is_gathered());
        if !wants_bytes {
            if let Some(pass) = &mut self.secret_pass {
                pass.skip(length);
            }
            return;
        }
        let mut left = length;
        while left > 0 {
            let n = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            self.data(ZEROS.get(..n).unwrap_or_default());
            left -= n as u64;
        }
    }

    fn end(&mut self) {
        if self.current.as_ref().is_some_and(|current| !current.asked) {
            self.ask();
        }
        let Some(current) = self.current.take() else { return };
        if !current.is_gathered() {
            return self.finish_secrets(&current, None);
        }
        let mut gather = std::mem::take(self.gather);
        let view = gather.view(current.entry()).map_err(|error| format!("no temporary file could be written: {error}"));
        let view = view.as_ref().map_err(String::as_str);
        if let Some(inspector) = current.inspector {
            self.inspect(&current, inspector, view);
        }
        self.finish_secrets(&current, Some(view));
        *self.gather = gather;
    }

    fn skipped(&mut self, path: &[u8], reason: &str) {
        // The raw name is kept for display only; it is no path of the tree.
        self.unknown(
            Effect::Required,
            path.get(..path.len().min(4096)).unwrap_or_default(),
            "layer",
            reason.to_owned(),
        );
        self.current = None;
    }
}

/// An error with its causes, in one line.
pub(super) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
