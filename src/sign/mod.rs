//! Signatures and attestations of images: found, checked and made, as cosign and Sigstore do.

pub mod bundle;
pub mod engine;
pub mod identity;
pub mod keys;
pub mod predicate;
mod rejection;

pub use engine::{Engine, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES, Proof, Signed, Signer, Trust};
pub use rejection::Rejection;
