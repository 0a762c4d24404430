//! Keys: public ones that signatures are checked with, private ones that sign, and the files that hold them.
//!
//! | member | what it is |
//! |---|---|
//! | [`public`] | a PEM public key, and the check of a signature with it |
//! | [`private`] | the [`Signer`] trait, and private keys in memory |
//! | [`program`] | keys that another program holds: key management services |
//! | [`pkcs11`] | names of keys in tokens, which the program `imgguard-pkcs11` holds |
//! | [`mod@file`] | `cosign.key`: a private key under a password |
//!
//! Nothing here prints or keeps a password or private key: what holds one is zeroized when it is dropped, and its `Debug` says nothing.

pub mod file;
pub mod pkcs11;
pub mod private;
pub mod program;
pub mod public;

pub use private::{PrivateKey, Signer};
pub use public::PublicKey;

/// Largest key file, in bytes. An encrypted RSA-4096 key has 3.4 KiB.
pub const MAX_KEY_BYTES: u64 = 64 << 10;

/// Why a key cannot be used. No message quotes what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not PEM, or PEM of something else.
    #[error("it is not a {wanted}: {detail}")]
    Format {
        /// What was expected.
        wanted: &'static str,
        /// What is wrong.
        detail: String,
    },
    /// A kind of key that is not supported.
    #[error(
        "keys of this kind are not supported ({0}); there are ECDSA P-256, P-384 and P-521, Ed25519, and RSA of 2048 to 4096 bits"
    )]
    Unsupported(String),
    /// The private key is encrypted, and the password is not right.
    #[error("the password does not open it")]
    Password,
    /// Parameters of the encryption that no known tool writes; larger ones would take memory at will.
    #[error("it is encrypted with parameters that are not accepted ({0})")]
    Parameters(String),
    /// The cryptographic library refused to make a key or a signature.
    #[error("the cryptographic library failed while {0}")]
    Library(&'static str),
    /// The program that holds the key did not do what it was asked for.
    #[error("the program `{program}`, which holds the key: {detail}")]
    Program {
        /// Which.
        program: String,
        /// What happened.
        detail: String,
    },
}
