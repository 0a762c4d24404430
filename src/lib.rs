//! imgguard reads container images and tells what is in them.
//!
//! The rooms, in the order data flows; a room knows only those above it (`tests/layering.rs` holds that):

pub mod advisory;
pub mod artifact;
pub mod base;
pub mod check;
pub mod cli;
pub mod diagnostics;
pub mod digest;
pub mod dockerfile;
pub mod facts;
pub mod finding;
pub mod harden;
pub mod inspect;
pub mod layer;
pub mod lint;
pub mod nested;
pub mod net;
pub mod oci;
pub mod policy;
pub mod reference;
pub mod report;
pub mod scan;
pub mod secret;
pub mod shell;
pub mod sign;
pub mod source;
pub mod version;
pub mod workload;
