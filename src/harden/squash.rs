//! All layers of a platform as one: the merged view, whiteouts applied.
//!
//! Each layer goes once past an editor that keeps what is left of it in the view, so entries keep their bytes. A folder may come after what is in it; an engine makes it first and gives it its mode then.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::Arc;

use super::HardenError;
use super::entry::END_MARK;
use super::rewrite::{Edit, Editor, rewrite_into};
use super::stage::{Packing, Stage, StagedLayer};
use super::survey::{Origin, View};
use crate::facts::FilePath;
use crate::layer::{Entry, EntryKind};
use crate::source::Layer;

/// Opens the layer of that number.
pub(super) type Open<'a> = dyn Fn(usize) -> Result<Box<dyn Read + Send>, HardenError> + 'a;

/// Makes one layer of `layers`, of which `view` is the merged view.
///
/// # Errors
/// When a layer cannot be read or written, or a file is left whose content is not.
pub(super) fn squash(
    layers: &[Layer],
    open: &Open<'_>,
    view: &View,
    stage: &Stage,
    packing: Packing,
) -> Result<StagedLayer, HardenError> {
    let live: Arc<BTreeSet<Origin>> = Arc::new(view.origins().collect());
    if let Some(path) = view.cut_links().next() {
        let why = "it is a hard link to a file that a later layer replaces or removes".to_owned();
        return Err(HardenError::Unfit { what: path.to_string(), why });
    }
    let mut new = stage.layer(packing)?;
    for (number, layer) in layers.iter().enumerate() {
        let mut keeper = Keeper { live: live.clone(), next: Origin { layer: number, entry: 0 } };
        rewrite_into(open(number)?, layer, &mut keeper, &mut new)?;
    }
    new.write(&END_MARK)?;
    new.finish()
}

/// Keeps what is left of a layer.
struct Keeper {
    live: Arc<BTreeSet<Origin>>,
    next: Origin,
}

impl Editor for Keeper {
    fn edit(&mut self, _entry: &Entry<'_>) -> Edit {
        let is_left = self.live.contains(&self.next);
        self.next.entry += 1;
        if is_left { Edit::Keep } else { Edit::Drop }
    }
}

impl View {
    /// The entries of which the view is made.
    fn origins(&self) -> impl Iterator<Item = Origin> {
        self.iter().filter_map(|(path, _)| self.origin(path.as_bytes()))
    }

    /// Hard links whose file is not in the view.
    fn cut_links(&self) -> impl Iterator<Item = &FilePath> {
        let links = self.iter().filter(|(_, entry)| entry.kind == EntryKind::HardLink);
        links
            .filter(|(path, _)| !self.names_of(path.as_bytes()).iter().any(|name| self.is_content(name)))
            .map(|(path, _)| path)
    }

    fn is_content(&self, path: &FilePath) -> bool {
        self.get(path.as_bytes()).is_some_and(|entry| entry.kind == EntryKind::File)
    }
}
