//! One layer rewritten: its tar stream goes past an [`Editor`], which says of each entry what becomes of it.
//!
//! In: the stored bytes of a layer, whose digest, size and diff ID are verified on the way. Out: a [`StagedLayer`], and whether anything changed: if not, the layer should keep its bytes. Memory does
//! not depend on the layer's size.
//!
//! - An entry that is kept is copied byte for byte, with its extended headers, its sparse map and its padding; so names, times and attributes that nobody here reads stay as they were.
//! - Where a header changes, [`change_header`] leaves all its other bytes alone.
//! - A hard link to a file that is dropped is dropped with it: it would be the same content under another name, or point nowhere. Of several entries with one name, all are dropped.
//! - Whiteouts are entries like any other and stay: what they remove from lower layers may be more than what is dropped there.
//! - What follows the end mark is not copied, since no engine unpacks it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::ControlFlow;

use super::HardenError;
use super::entry::{END_MARK, NewEntry};
use super::stage::{LayerWriter, Packing, Stage, StagedLayer};
use crate::facts::FilePath;
use crate::layer::tar::{Header, HeaderChange, Parser, Sink, Span, change_header};
use crate::layer::{Entry, EntryKind, LayerError, MAX_ENTRIES, Names, PassOptions, TarSink, read_tar};
use crate::source::Layer;

/// Most bytes of the headers of one entry. Three extended headers and a sparse map have 4 MiB at most; only a crafted stream repeats them.
const MAX_HEADER_BYTES: usize = 8 << 20;

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stays as it is.
    Keep,
    /// It goes.
    Drop,
    /// Its headers change, its content stays.
    Change(HeaderChange),
    /// Another entry takes its place.
    Replace(Box<NewEntry>),
}

/// Decides about the entries of one layer.
pub trait Editor {
    /// What becomes of an entry; asked once for each, in the order of the stream.
    fn edit(&mut self, entry: &Entry<'_>) -> Edit;

    /// Entries that follow the last one.
    fn appended(&mut self) -> Vec<NewEntry> {
        Vec::new()
    }
}

/// Edits of one layer by the names that its entries have there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LayerEdits {
    /// Entries that go; what is below a folder is listed with it.
    pub drop: BTreeSet<FilePath>,
    /// Headers that change.
    pub change: BTreeMap<FilePath, HeaderChange>,
    /// Entries in whose place another comes.
    pub replace: BTreeMap<FilePath, NewEntry>,
}

impl LayerEdits {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.drop.is_empty() && self.change.is_empty() && self.replace.is_empty()
    }
}

impl Editor for LayerEdits {
    fn edit(&mut self, entry: &Entry<'_>) -> Edit {
        let path = FilePath::new(entry.path);
        if self.drop.contains(&path) {
            return Edit::Drop;
        }
        if entry.kind == EntryKind::HardLink && self.drop.contains(&FilePath::new(entry.link)) {
            // So that links to this one go, too.
            self.drop.insert(path);
            return Edit::Drop;
        }
        if let Some(new) = self.replace.get(&path) {
            return Edit::Replace(Box::new(new.clone()));
        }
        match self.change.get(&path) {
            // A symbolic link has no mode of its own.
            Some(change) if entry.kind == EntryKind::Symlink => Edit::Change(HeaderChange { mode: None, ..*change }),
            Some(change) => Edit::Change(*change),
            None => Edit::Keep,
        }
    }
}

/// A layer as it went past an editor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// What was written.
    pub staged: StagedLayer,
    /// Whether the editor changed anything.
    pub changed: bool,
}

/// Rewrites `layer`, whose stored bytes `reader` gives.
///
/// # Errors
/// When the layer cannot be read or is not what manifest and configuration say, or the new one cannot be written.
pub fn rewrite_layer(
    reader: Box<dyn Read + Send>,
    layer: &Layer,
    editor: &mut dyn Editor,
    stage: &Stage,
    packing: Packing,
) -> Result<Rewritten, HardenError> {
    let mut new = stage.layer(packing)?;
    let changed = rewrite_into(reader, layer, editor, &mut new)?;
    new.write(&END_MARK)?;
    Ok(Rewritten { staged: new.finish()?, changed })
}

/// Writes the entries of a layer into a new one, which may have others before and after them. Returns whether the editor changed anything.
///
/// # Errors
/// As for [`rewrite_layer`].
pub fn rewrite_into(
    reader: Box<dyn Read + Send>,
    layer: &Layer,
    editor: &mut dyn Editor,
    new: &mut LayerWriter<'_>,
) -> Result<bool, HardenError> {
    let decided = Decided { editor, names: Names::default(), edits: Vec::new(), entries: 0 };
    let output = Output { layer: new, held: Vec::new(), offset: 0, region: None, changed: false };
    let mut rewriter = Rewriter { parser: Parser::new(), decided, output };
    read_tar(reader, layer, PassOptions { split: true, verify_diff_id: true }, &mut rewriter)?;
    Ok(rewriter.output.changed)
}

struct Rewriter<'e, 'l, 's> {
    parser: Parser,
    decided: Decided<'e>,
    output: Output<'l, 's>,
}

impl TarSink for Rewriter<'_, '_, '_> {
    type Error = HardenError;

    fn push(&mut self, window: &[u8]) -> Result<(), HardenError> {
        if self.parser.is_ended() {
            return Ok(());
        }
        self.parser.push(window, &mut self.decided).map_err(LayerError::from)?;
        if self.decided.entries > MAX_ENTRIES {
            return Err(LayerError::TooManyEntries { limit: MAX_ENTRIES }.into());
        }
        self.output.take(window, &mut self.decided.edits)?;
        if self.parser.is_ended() {
            self.output.held.clear();
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), HardenError> {
        self.parser.finish().map_err(LayerError::from)?;
        let appended = self.decided.editor.appended();
        self.output.finish(&appended)
    }
}

/// Asks the editor about each entry that the parser finds.
struct Decided<'e> {
    editor: &'e mut dyn Editor,
    names: Names,
    /// What was decided and not yet done.
    edits: Vec<(Span, Edit)>,
    entries: u64,
}

impl Sink for Decided<'_> {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        self.entries += 1;
        // An entry whose name no file system takes is nobody's to change.
        let edit = self.names.entry(header).map_or(Edit::Keep, |entry| self.editor.edit(&entry));
        self.edits.push((header.span, edit));
        ControlFlow::Continue(())
    }

    fn data(&mut self, _bytes: &[u8]) {}

    fn hole(&mut self, _length: u64) {}

    fn end_entry(&mut self) {}
}

/// What is done with the content of the entry at hand.
#[derive(Clone, Copy)]
struct Region {
    until: u64,
    keep: bool,
}

/// The writing half: the stream's bytes, as far as it is known what becomes of them.
struct Output<'l, 's> {
    layer: &'l mut LayerWriter<'s>,
    /// Bytes before `offset` that belong to headers of an entry that is not complete.
    held: Vec<u8>,
    /// Bytes of the stream that were taken or are held.
    offset: u64,
    region: Option<Region>,
    changed: bool,
}

impl Output<'_, '_> {
    /// Takes a window, with what was decided about the entries whose headers end in it.
    fn take(&mut self, window: &[u8], edits: &mut Vec<(Span, Edit)>) -> Result<(), HardenError> {
        let mut rest = self.content(window)?;
        for (span, edit) in edits.drain(..) {
            // Bytes of the window up to the content; those before are held.
            let n = usize::try_from(span.content.saturating_sub(self.offset)).unwrap_or(usize::MAX);
            let (headers, behind) = rest.split_at_checked(n).unwrap_or((rest, &[]));
            self.offset += headers.len() as u64;
            if self.held.is_empty() {
                self.apply(headers, &span, edit)?;
            } else {
                let mut held = std::mem::take(&mut self.held);
                held.extend_from_slice(headers);
                self.apply(&held, &span, edit)?;
                held.clear();
                self.held = held;
            }
            rest = self.content(behind)?;
        }
        self.held.extend_from_slice(rest);
        self.offset += rest.len() as u64;
        if self.held.len() > MAX_HEADER_BYTES {
            let what = format!("the entry at byte {} of a layer", self.offset - self.held.len() as u64);
            let why = format!("its headers have more than {MAX_HEADER_BYTES} bytes");
            return Err(HardenError::Unfit { what, why });
        }
        Ok(())
    }

    /// Does with the content at the start of `bytes` what was decided; returns what follows it.
    fn content<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], HardenError> {
        let Some(Region { until, keep }) = self.region else { return Ok(bytes) };
        let n = usize::try_from(until - self.offset).unwrap_or(usize::MAX).min(bytes.len());
        let (content, rest) = bytes.split_at_checked(n).unwrap_or_default();
        if keep {
            self.layer.write(content)?;
        }
        self.offset += n as u64;
        if self.offset == until {
            self.region = None;
        }
        Ok(rest)
    }

    /// Writes the headers of an entry, or what comes in their place. `bytes` end with them; global headers may stand in front.
    fn apply(&mut self, bytes: &[u8], span: &Span, edit: Edit) -> Result<(), HardenError> {
        let length = usize::try_from(span.content - span.start).unwrap_or(usize::MAX).min(bytes.len());
        let (before, headers) = bytes.split_at_checked(bytes.len() - length).unwrap_or((&[], bytes));
        self.layer.write(before)?;
        let mut keep = true;
        match edit {
            Edit::Keep => self.layer.write(headers)?,
            Edit::Change(change) => {
                let mut changed = Vec::with_capacity(headers.len());
                change_header(headers, &change, &mut changed).map_err(LayerError::from)?;
                self.changed |= changed != headers;
                self.layer.write(&changed)?;
            }
            Edit::Drop => (self.changed, keep) = (true, false),
            Edit::Replace(entry) => {
                (self.changed, keep) = (true, false);
                entry.write(self.layer)?;
            }
        }
        self.region = (span.end > span.content).then_some(Region { until: span.end, keep });
        Ok(())
    }

    fn finish(&mut self, appended: &[NewEntry]) -> Result<(), HardenError> {
        // A stream may end inside its last padding.
        if let Some(Region { until, keep: true }) = self.region {
            let missing = usize::try_from(until - self.offset).unwrap_or(0);
            self.layer.write([0; 512].get(..missing).unwrap_or_default())?;
        }
        self.changed |= !appended.is_empty();
        appended.iter().try_for_each(|entry| entry.write(self.layer))
    }
}
