//! The advisory store, and the base catalogue, as signed artifacts of a registry: published, fetched, and never believed unsigned.
//!
//! In: a repository ([`crate::source::repository::Repository`]), a file ([`Payload`]), and who signs or is trusted. Out: a tag under which everybody finds the newest file, or a file that was replaced as
//! a whole. Nothing here opens a socket of its own or knows the clock.
//!
//! | member | what it does |
//! |---|---|
//! | `published` | the artifact's manifest: what it says, read and written |
//! | [`payload`](Payload) | what is shipped: a store here, a base catalogue in its own room |
//! | [`publish`](publish()) | a file ▸ the artifact under a tag, signed before the tag points to it |
//! | [`fetch`](consult()) | the artifact ▸ a store file: signature, date, deltas or the whole, then the renaming |
//! | [`origin`](Origin) | what is remembered of the artifact that a store came from |
//!
//! The manifest is what is signed, and it names everything else by digest. That of a store:
//!
//! ```text
//! manifest    artifact type application/vnd.imgguard.advisories; annotations: date, the store's root digest, sources with dates, licences
//! layers      application/vnd.imgguard.advisories.store.v2: the store file as it is (its blocks are compressed)
//!             application/vnd.imgguard.advisories.delta.v1: what turns the store of the day before into it, and so on backwards
//! referrers   the signature, a Sigstore bundle
//! ```
//!
//! For a closed network the same artifact is an OCI layout in one file, with policies, a trusted root and a base catalogue as further layers; layers of types that are not known are passed over and counted, so that
//! more can follow.
//!
//! A publisher may put stores of several formats into one manifest; a reader takes the one it understands and says so where there are only newer ones.

mod error;
mod fetch;
mod origin;
mod payload;
mod publish;
mod published;

pub use error::ArtifactError;
pub use fetch::{Brought, Freshness, Place, bring, consult};
pub use origin::Origin;
pub use payload::{Kind, Payload};
pub use publish::{Publication, Pushed, publish};
pub use published::{Delta, Extra, ExtraKind, Published, is_plain};
