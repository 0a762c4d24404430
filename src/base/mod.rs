//! What an image stands on, how old that is, and until when it gets fixes.
//!
//! In: a platform's image with what was read of it, a base catalogue where there is one, an advisory store, a date. Out: the base with its evidence, what a newer one is, and findings.
//!
//! | member | what it does |
//! |---|---|
//! | [`catalogue`] | known base images, their tags' history and their packages, in one file; a [`crate::artifact::Payload`] |
//! | [`identify`](identify()) | an image ▸ its base, with everything that speaks for and against it |
//! | [`staleness`] | a base ▸ the newer one of its line |
//! | [`lifecycle`] | distribution and runtimes ▸ the end of their support |
//! | [`findings`] | all of that ▸ findings of the kinds `base` and `eol` |
//!
//! Nothing here reads an image or a registry, or knows the clock. A name without proof is never taken for one: see [`identify`](identify()).

pub mod catalogue;
pub mod findings;
mod identify;
pub mod lifecycle;
pub mod name;
mod payload;
pub mod staleness;
pub mod tag;

pub use catalogue::{Catalogue, CatalogueError};
pub use identify::{Claim, Evidence, Holds, Identity, LayerRead, Match, Source, Subject, chain_id, identify};
