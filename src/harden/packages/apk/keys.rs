//! Keys that packages of Alpine are signed with, and the check of a signature.
//!
//! A signature names its key by the file name that the key has in `/etc/apk/keys`. Alpine still signs with SHA-1 (`.SIGN.RSA.`); the data of a package is bound by a SHA-256 in what is signed, so
//! a forger would have to find a second text for an existing SHA-1, which nobody can.
//!
//! Source: apk-tools 2.14 `src/package.c` (`apk_sign_ctx_process_file`); `abuild-sign(1)`.

use std::collections::BTreeMap;

use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512,
    RsaParameters, UnparsedPublicKey,
};

/// Largest key file.
const MAX_KEY_BYTES: usize = 64 << 10;

/// Keys by the names of their files.
#[derive(Clone, Default, Debug)]
pub struct Keys {
    by_name: BTreeMap<String, Vec<u8>>,
}

/// A signature as a package has it.
pub(super) struct Signature {
    /// `.SIGN.RSA.alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub`.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Keys {
    /// Adds a key (PEM, `BEGIN PUBLIC KEY`) under the name of its file.
    ///
    /// # Errors
    /// When it is no such key.
    pub fn add(&mut self, name: &str, pem: &[u8]) -> Result<(), String> {
        if pem.len() > MAX_KEY_BYTES {
            return Err(format!("it has more than {MAX_KEY_BYTES} bytes"));
        }
        let (label, der) = pem_rfc7468::decode_vec(pem).map_err(|error| format!("it is no PEM public key: {error}"))?;
        if label != "PUBLIC KEY" {
            return Err(format!("it is a {label}, not a PUBLIC KEY"));
        }
        self.by_name.insert(name.to_owned(), der);
        Ok(())
    }

    /// The name of the key that made one of the signatures over `signed`.
    pub(super) fn verify(&self, signatures: &[Signature], signed: &[u8]) -> Result<String, String> {
        let mut unknown = Vec::new();
        for signature in signatures {
            let Some((parameters, name)) = scheme(&signature.name) else { continue };
            let Some(key) = self.by_name.get(name) else {
                unknown.push(name.to_owned());
                continue;
            };
            return match UnparsedPublicKey::new(parameters, key).verify(signed, &signature.bytes) {
                Ok(()) => Ok(name.to_owned()),
                Err(_) => Err(format!("the signature of {name} does not fit: the file was changed")),
            };
        }
        if unknown.is_empty() {
            return Err("it has no signature of a kind that is known here".to_owned());
        }
        Err(format!(
            "it is signed with {}, which is not among the given keys; add it with --keyring",
            unknown.join(", ")
        ))
    }
}

fn scheme(name: &str) -> Option<(&'static RsaParameters, &str)> {
    let schemes: [(&str, &'static RsaParameters); 3] = [
        (".SIGN.RSA.", &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY),
        (".SIGN.RSA256.", &RSA_PKCS1_2048_8192_SHA256),
        (".SIGN.RSA512.", &RSA_PKCS1_2048_8192_SHA512),
    ];
    schemes.into_iter().find_map(|(prefix, scheme)| Some((scheme, name.strip_prefix(prefix)?)))
}
