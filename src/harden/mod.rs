//! A new image out of an old one: what can be mended without building it again.
//!
//! In: an opened [`crate::source::Image`], what a scan said of it, and what the user wants. Out: first a [`plan`], then the new image, staged on this machine and written to its destination only when
//! the caller has looked at it. The old image is never changed; what no step touches keeps its bytes and its digest.
//!
//! The transforms are the steps, one file each. A transform works on the [`draft`] of one platform: it drops entries of layers, changes their headers, puts entries into a new layer
//! on top, edits the configuration, and says each time what it does and what it cannot do. Planning runs the transforms; [`image`] does what the drafts say: so a plan and its result cannot
//! differ.

pub mod config;
pub mod draft;
pub mod entry;
pub mod image;
pub mod index;
mod manifest;
pub mod mask;
pub mod packages;
pub mod plan;
pub mod rebase;
pub mod records;
pub mod rewrite;
mod squash;
pub mod stage;
pub mod survey;
#[cfg(test)]
mod tests;
pub mod transform;
pub mod work;
pub mod write;

pub use config::Config;
pub use draft::{Draft, DraftLayer};
pub use entry::{NewContent, NewEntry, NewKind, SharedFile};
pub use plan::{Change, Plan, Step};
pub use rewrite::{Edit, Editor, LayerEdits, Rewritten};
pub use stage::{Packing, Stage, StagedLayer};

use std::path::PathBuf;

use crate::layer::LayerError;
use crate::source::SourceError;

/// Why an image could not be hardened.
#[derive(Debug, thiserror::Error)]
pub enum HardenError {
    /// A layer of the old image could not be read.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The old image or the destination failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The new image could not be put aside on this machine.
    #[error("`{path}` could not be written")]
    Stage {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Something of the old image that cannot be written again.
    #[error("{what} cannot be written again: {why}")]
    Unfit {
        /// Which part.
        what: String,
        /// Why.
        why: String,
    },
    /// What was asked for could not be done right; nothing was made.
    #[error("{what} is refused: {}", reasons.join("; "))]
    Refused {
        /// What.
        what: String,
        /// Why, each a sentence for people.
        reasons: Vec<String>,
    },
    /// The result is not what was planned; nothing was published.
    #[error("the new image is not what was planned: {0}")]
    Differs(String),
    /// The destination changed since the plan was made; nothing was published.
    #[error("the destination changed while the new image was made")]
    Moved,
}
