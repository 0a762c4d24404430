//! imgguard reads container images and tells what is in them.
//!
//! The rooms, in the order data flows; a room knows only those above it (`tests/layering.rs` holds that):

pub mod digest;
pub mod version;
pub mod oci;
pub mod source;
pub mod layer;
pub mod facts;
pub mod inspect;
pub mod advisory;
pub mod finding;
pub mod check;
pub mod policy;
