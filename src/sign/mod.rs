//! Signatures and attestations of images: found, checked and made, as cosign and Sigstore do.
//!
//! In: a repository ([`crate::source::repository::Repository`]), what is meant in it, and whom to trust or who signs. Out: a verdict with everything that was found, or signatures that
//! hang on the image. Nothing here opens a socket of its own.
//!
//! | member | what it does |
//! |---|---|
//! | [`keys`] | public and private keys, `cosign.key` |
//! | [`identity`] | who may sign without a key |
//! | [`predicate`] | statements, predicate types, SLSA provenance |
//! | [`bundle`], [`legacy`] | the two forms: Sigstore bundles, and what cosign 2 wrote |
//! | [`engine`] | whether a bundle holds |
//! | [`discover`] | every place where signatures may be |
//! | [`subject`] | the manifests that a reference means |
//! | [`verify`] | the verdict |
//! | [`services`] | certificate authority, log and timestamp authority |
//! | [`tuf`] | trusted roots and signing configurations of an instance |
//! | [`author`] | who signs, and what vouches for it |
//! | [`make`] | signatures and attestations, made and stored |

pub mod author;
pub mod bundle;
pub mod discover;
pub mod engine;
pub mod identity;
pub mod keys;
pub mod legacy;
pub mod make;
pub mod predicate;
mod rejection;
pub mod services;
pub mod subject;
pub mod tuf;
pub mod verify;

pub use engine::{Engine, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES, Proof, Signed, Signer, Trust};
pub use rejection::Rejection;
