//! `cosign.key`: a private key under a password.
//!
//! PEM whose body is JSON: a scrypt salt and cost, a NaCl secretbox nonce, and the sealed PKCS#8 key. cosign reads what we write, and we read what it wrote.
//!
//! Source: cosign `pkg/cosign/keys.go`; `secure-systems-lab/go-securesystemslib` `encrypted`; NaCl `crypto_secretbox`.

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto_secretbox::aead::Aead as _;
use crypto_secretbox::{KeyInit as _, XSalsa20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyError, PrivateKey};

/// The label that is written; the other is read, too.
const LABEL: &str = "ENCRYPTED SIGSTORE PRIVATE KEY";
const OLD_LABEL: &str = "ENCRYPTED COSIGN PRIVATE KEY";

/// Costs of scrypt that known tools write (`N`); each needs 128·N·r bytes of memory, 64 MiB for the larger.
const COSTS: [u32; 2] = [32_768, 65_536];
const BLOCK_SIZE: u32 = 8;
const PARALLELISM: u32 = 1;
const SALT_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

#[derive(Serialize, Deserialize)]
struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Params,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Params {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// Whether these bytes look like a key file that [`open`] reads.
#[must_use]
pub fn is_encrypted(pem: &[u8]) -> bool {
    matches!(pem_rfc7468::decode_label(pem), Ok(LABEL | OLD_LABEL))
}

/// Opens a key file with its password, which may be empty.
///
/// # Errors
/// When it is something else, has parameters that no known tool writes, or the password is not right.
pub fn open(pem: &[u8], password: &[u8]) -> Result<PrivateKey, KeyError> {
    let malformed = |detail: &str| KeyError::Format { wanted: "cosign.key", detail: detail.into() };
    let (label, body) = pem_rfc7468::decode_vec(pem).map_err(|error| malformed(&error.to_string()))?;
    if label != LABEL && label != OLD_LABEL {
        return Err(malformed("its PEM label is another; `imgguard import-key-pair` makes one of a plain private key"));
    }
    // The parser's own words would quote what it read.
    let sealed: Sealed = serde_json::from_slice(&body).map_err(|_| malformed("its content is not the JSON of one"))?;
    let decode = |text: &str| BASE64.decode(text).map_err(|_| malformed("its content is not base64"));
    check(&sealed)?;
    let nonce: [u8; NONCE_BYTES] =
        decode(&sealed.cipher.nonce)?.try_into().map_err(|_| malformed("its nonce has not 24 bytes"))?;
    let cipher = cipher(password, &decode(&sealed.kdf.salt)?, sealed.kdf.params.n)?;
    let text = decode(&sealed.ciphertext)?;
    let key = cipher.decrypt(&nonce.into(), text.as_slice()).map(Zeroizing::new).map_err(|_| KeyError::Password)?;
    PrivateKey::from_pkcs8(&key)
}

/// A key file that holds `pkcs8` under `password`, and the public key beside it.
///
/// # Errors
/// When `pkcs8` is no key, or there is no randomness.
pub fn seal(pkcs8: &[u8], password: &[u8]) -> Result<(String, PrivateKey), KeyError> {
    let key = PrivateKey::from_pkcs8(pkcs8)?;
    let failed = |_| KeyError::Library("drawing random numbers");
    let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
    rand::fill(&mut salt).map_err(failed)?;
    rand::fill(&mut nonce).map_err(failed)?;
    let [_, cost] = COSTS;
    let ciphertext = cipher(password, &salt, cost)?
        .encrypt(&nonce.into(), pkcs8)
        .map_err(|_| KeyError::Library("encrypting a key"))?;
    let sealed = Sealed {
        kdf: Kdf {
            name: "scrypt".into(),
            params: Params { n: cost, r: BLOCK_SIZE, p: PARALLELISM },
            salt: BASE64.encode(salt),
        },
        cipher: Cipher { name: "nacl/secretbox".into(), nonce: BASE64.encode(nonce) },
        ciphertext: BASE64.encode(ciphertext),
    };
    let body = serde_json::to_vec(&sealed).map_err(|_| KeyError::Library("writing a key"))?;
    let pem = pem_rfc7468::encode_string(LABEL, pem_rfc7468::LineEnding::LF, &body)
        .map_err(|_| KeyError::Library("writing a key"))?;
    Ok((pem, key))
}

/// Refuses what no known tool writes, before any memory is taken.
fn check(sealed: &Sealed) -> Result<(), KeyError> {
    let Kdf { name, params, .. } = &sealed.kdf;
    if name != "scrypt" || sealed.cipher.name != "nacl/secretbox" {
        return Err(KeyError::Parameters("not scrypt and nacl/secretbox".into()));
    }
    if !COSTS.contains(&params.n) || params.r != BLOCK_SIZE || params.p != PARALLELISM {
        return Err(KeyError::Parameters(format!("N={}, r={}, p={}", params.n, params.r, params.p)));
    }
    Ok(())
}

fn cipher(password: &[u8], salt: &[u8], cost: u32) -> Result<XSalsa20Poly1305, KeyError> {
    let log_cost = u8::try_from(cost.ilog2()).map_err(|_| KeyError::Library("deriving a key"))?;
    let params =
        scrypt::Params::new(log_cost, BLOCK_SIZE, PARALLELISM).map_err(|_| KeyError::Library("deriving a key"))?;
    let mut key = Zeroizing::new([0; 32]);
    scrypt::scrypt(password, salt, &params, key.as_mut_slice()).map_err(|_| KeyError::Library("deriving a key"))?;
    Ok(XSalsa20Poly1305::new((&*key).into()))
}
