//! OpenPGP signatures, only verified: those of Debian's archive files and of rpm packages.
//!
//! A signature counts when it is made by a key of the keyring that may sign, was neither revoked nor expired at the time of judging, and uses a digest that nobody can
//! collide. The keyring is the user's word for whom to trust; what it says about its own keys (subkeys, expiry, revocation) counts only where the key itself signed it.
//!
//! Source: RFC 9580; `gpgv(1)`, whose answer `tests/packages.rs` compares with. The library is rPGP (`pgp`), here without anything that decrypts or signs.

use jiff::Timestamp;
use pgp::composed::{
    CleartextSignedMessage, Deserializable as _, DetachedSignature, SignedPublicKey, SignedPublicSubKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{Signature, SignatureType};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, PublicParams, Tag, VerifyingKey};

/// Largest keyring, and largest file of signatures. Debian's own keyring with all releases has 60 KiB, an `InRelease` 4 signatures in 3 KiB.
pub const MAX_KEYRING_BYTES: usize = 4 << 20;
const MAX_SIGNATURE_BYTES: usize = 1 << 20;

/// Most keys of all keyrings, and most signatures of one file: each signature is tried with the keys that it names.
const MAX_KEYS: usize = 4096;
const MAX_SIGNATURES: usize = 64;

/// Shortest RSA key in bits. NIST SP 800-131A disallows shorter ones since 2014; apt and `sq` refuse them too.
const MIN_RSA_BITS: usize = 2048;

/// How far in the future a signature may be: clocks differ.
const CLOCK_SKEW_SECONDS: i64 = 24 * 60 * 60;

/// Keys that are trusted.
#[derive(Clone, Default, Debug)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// Who made a good signature.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Signer {
    /// Fingerprint of the key or subkey, upper-case hex.
    pub fingerprint: String,
    /// The first name of its owner, as the key says.
    pub user: String,
}

/// Why a keyring cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// Longer than [`MAX_KEYRING_BYTES`].
    #[error("the keyring has more than {MAX_KEYRING_BYTES} bytes")]
    TooLarge,
    /// Neither OpenPGP keys nor their armor.
    #[error("it is not a keyring of OpenPGP keys, binary or armored: {0}")]
    Damaged(String),
    /// It has none.
    #[error("the keyring has no key")]
    Empty,
    /// More than `MAX_KEYS`.
    #[error("the keyrings have more than {MAX_KEYS} keys")]
    TooMany,
}

/// Why there is no good signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not a signature at all.
    #[error("it is not an OpenPGP signature: {0}")]
    Damaged(String),
    /// There is none.
    #[error("it has no signature")]
    None,
    /// Larger than what is read.
    #[error("it has more than {MAX_SIGNATURES} signatures, or they have more than {MAX_SIGNATURE_BYTES} bytes")]
    TooLarge,
    /// Only keys that are not in the keyring.
    #[error("it is signed by {}, which no given keyring has; add the keyring with --keyring", .0.join(", "))]
    UnknownKey(Vec<String>),
    /// What is signed is something else.
    #[error("the signature of {0} does not fit: the file was changed")]
    Bad(String),
    /// The digest can be collided.
    #[error("the signature of {key} uses {digest}, for which collisions can be made")]
    WeakDigest {
        /// The key.
        key: String,
        /// The digest.
        digest: String,
    },
    /// The key can be factored.
    #[error("the key {0} is RSA of less than {MIN_RSA_BITS} bits")]
    WeakKey(String),
    /// The key may not sign, or no binding that it made itself says so.
    #[error("the key {0} is not made for signing")]
    NotForSigning(String),
    /// Its owner revoked it.
    #[error("the key {0} is revoked")]
    Revoked(String),
    /// The time of the key or of the signature is over.
    #[error("the key or signature of {key} expired on {on}")]
    Expired {
        /// The key.
        key: String,
        /// The day.
        on: String,
    },
    /// Made later than now.
    #[error("the signature of {0} is from the future; is the clock right?")]
    Future(String),
}

impl Keyring {
    /// Adds the keys of a file, binary or armored.
    ///
    /// # Errors
    /// When it cannot be read, or has no key.
    pub fn add(&mut self, bytes: &[u8]) -> Result<(), KeyringError> {
        if bytes.len() > MAX_KEYRING_BYTES {
            return Err(KeyringError::TooLarge);
        }
        let damaged = |error: pgp::errors::Error| KeyringError::Damaged(error.to_string());
        let before = self.keys.len();
        if is_armored(bytes) {
            let (keys, _) = SignedPublicKey::from_armor_many(bytes).map_err(damaged)?;
            self.extend(keys)?;
        } else {
            self.extend(SignedPublicKey::from_bytes_many(bytes).map_err(damaged)?)?;
        }
        if self.keys.len() == before { Err(KeyringError::Empty) } else { Ok(()) }
    }

    fn extend(&mut self, keys: impl Iterator<Item = pgp::errors::Result<SignedPublicKey>>) -> Result<(), KeyringError> {
        for key in keys {
            self.keys.push(key.map_err(|error| KeyringError::Damaged(error.to_string()))?);
            if self.keys.len() > MAX_KEYS {
                return Err(KeyringError::TooMany);
            }
        }
        Ok(())
    }

    /// The text of a message with its signature in one file (`InRelease`), and who signed it. Only what was signed is given out, with lines that end in CR LF.
    ///
    /// # Errors
    /// When no signature counts, or one of a known key does not fit.
    pub fn verify_cleartext(&self, message: &[u8], at: Timestamp) -> Result<(String, Vec<Signer>), SignatureError> {
        let damaged = |error: pgp::errors::Error| SignatureError::Damaged(error.to_string());
        let (message, _) = CleartextSignedMessage::from_armor(message).map_err(damaged)?;
        let text = message.signed_text();
        let signers = self.judge(message.signatures(), text.as_bytes(), at)?;
        Ok((text, signers))
    }

    /// Who signed `data`; `signatures` is binary or armored.
    ///
    /// # Errors
    /// As [`Keyring::verify_cleartext`].
    pub fn verify_detached(
        &self,
        data: &[u8],
        signatures: &[u8],
        at: Timestamp,
    ) -> Result<Vec<Signer>, SignatureError> {
        if signatures.len() > MAX_SIGNATURE_BYTES {
            return Err(SignatureError::TooLarge);
        }
        let damaged = |error: pgp::errors::Error| SignatureError::Damaged(error.to_string());
        let parsed = if is_armored(signatures) {
            DetachedSignature::from_armor_many(signatures).map_err(damaged)?.0
        } else {
            DetachedSignature::from_bytes_many(signatures).map_err(damaged)?
        };
        let parsed: Result<Vec<Signature>, _> =
            parsed.take(MAX_SIGNATURES + 1).map(|one| one.map(|one| one.signature)).collect();
        self.judge(&parsed.map_err(damaged)?, data, at)
    }

    /// One good signature is enough, unless one of a known key does not fit: then somebody changed the file.
    fn judge(&self, signatures: &[Signature], data: &[u8], at: Timestamp) -> Result<Vec<Signer>, SignatureError> {
        if signatures.len() > MAX_SIGNATURES {
            return Err(SignatureError::TooLarge);
        }
        let (mut good, mut unknown, mut failed) = (Vec::new(), Vec::new(), None);
        for signature in signatures {
            match self.judge_one(signature, data, at) {
                Ok(Some(signer)) => good.push(signer),
                Ok(None) => unknown.push(issuer(signature)),
                Err(bad @ SignatureError::Bad(_)) => return Err(bad),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        good.sort();
        good.dedup();
        match failed {
            _ if !good.is_empty() => Ok(good),
            Some(error) => Err(error),
            None if unknown.is_empty() => Err(SignatureError::None),
            None => Err(SignatureError::UnknownKey(unknown)),
        }
    }

    /// None when the keyring does not have the key.
    fn judge_one(&self, signature: &Signature, data: &[u8], at: Timestamp) -> Result<Option<Signer>, SignatureError> {
        for key in &self.keys {
            if names(signature, &key.primary_key) {
                check(signature, &key.primary_key, data, at)?;
                primary_may_sign(key, at)?;
                return Ok(Some(signer(key, &key.primary_key)));
            }
            if let Some(subkey) = key.public_subkeys.iter().find(|subkey| names(signature, &subkey.key)) {
                check(signature, &subkey.key, data, at)?;
                subkey_may_sign(key, subkey, at)?;
                return Ok(Some(signer(key, &subkey.key)));
            }
        }
        Ok(None)
    }
}

fn is_armored(bytes: &[u8]) -> bool {
    // A packet's first byte has its highest bit set (RFC 9580 §4.2).
    bytes.trim_ascii_start().starts_with(b"-----BEGIN ")
}

fn hex(key: &impl KeyDetails) -> String {
    key.fingerprint().to_string().to_uppercase()
}

fn signer(key: &SignedPublicKey, part: &impl KeyDetails) -> Signer {
    let user = key.details.users.first().map(|user| String::from_utf8_lossy(user.id.id()).into_owned());
    Signer { fingerprint: hex(part), user: user.unwrap_or_default() }
}

fn issuer(signature: &Signature) -> String {
    let by_fingerprint = signature.issuer_fingerprint().first().map(|one| one.to_string().to_uppercase());
    let by_id = || signature.issuer_key_id().first().map(|one| one.to_string().to_uppercase());
    by_fingerprint.or_else(by_id).unwrap_or_else(|| "a key that it does not name".to_owned())
}

/// Whether the signature says that it is of this key. One that names nobody is nobody's.
fn names(signature: &Signature, key: &impl KeyDetails) -> bool {
    signature.issuer_fingerprint().iter().any(|one| **one == key.fingerprint())
        || signature.issuer_key_id().iter().any(|one| **one == key.legacy_key_id())
}

/// Whether `signature` was made by `key` over `data`, with means that still count.
fn check<K: VerifyingKey + KeyDetails>(
    signature: &Signature,
    key: &K,
    data: &[u8],
    at: Timestamp,
) -> Result<(), SignatureError> {
    let name = hex(key);
    if !matches!(signature.typ(), Some(SignatureType::Binary | SignatureType::Text)) {
        return Err(SignatureError::Damaged("it signs no file".to_owned()));
    }
    if !is_strong(signature) {
        let digest = signature.hash_alg().map(|digest| digest.to_string()).unwrap_or_default();
        return Err(SignatureError::WeakDigest { key: name, digest });
    }
    if let PublicParams::RSA(parameters) = key.public_params()
        && rsa_bits(parameters) < MIN_RSA_BITS
    {
        return Err(SignatureError::WeakKey(name));
    }
    signature.verify(key, data).map_err(|_| SignatureError::Bad(name.clone()))?;
    let created = signature.created().map_or(0, |created| i64::from(created.as_secs()));
    if created > at.as_second().saturating_add(CLOCK_SKEW_SECONDS) {
        return Err(SignatureError::Future(name));
    }
    not_expired(&name, created, signature.signature_expiration_time().map(|time| time.as_secs()), at)
}

fn rsa_bits(parameters: &pgp::types::RsaPublicParams) -> usize {
    // An MPI: its length in bits, then its bytes (RFC 9580 §3.2). The modulus comes first.
    let bytes = parameters.to_bytes().unwrap_or_default();
    bytes.first_chunk().map_or(0, |bits| usize::from(u16::from_be_bytes(*bits)))
}

fn is_strong(signature: &Signature) -> bool {
    use HashAlgorithm::{Sha3_256, Sha3_512, Sha256, Sha384, Sha512};
    matches!(signature.hash_alg(), Some(Sha256 | Sha384 | Sha512 | Sha3_256 | Sha3_512))
}

/// `seconds` after `from`; none and 0 mean never.
fn not_expired(key: &str, from: i64, seconds: Option<u32>, at: Timestamp) -> Result<(), SignatureError> {
    let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else { return Ok(()) };
    let end = from.saturating_add(i64::from(seconds));
    if at.as_second() < end {
        return Ok(());
    }
    let on = Timestamp::from_second(end).map(|end| end.strftime("%F").to_string()).unwrap_or_default();
    Err(SignatureError::Expired { key: key.to_owned(), on })
}

/// The newest of the signatures that `fits`.
fn newest<'s>(
    signatures: impl Iterator<Item = &'s Signature>,
    fits: impl Fn(&Signature) -> bool,
) -> Option<&'s Signature> {
    signatures.filter(|signature| fits(signature)).max_by_key(|signature| signature.created().map(|at| at.as_secs()))
}

/// What the primary key says of itself: not revoked, not expired, made for signing.
fn primary_may_sign(key: &SignedPublicKey, at: Timestamp) -> Result<(), SignatureError> {
    let statement = primary_is_alive(key, at)?;
    let flags = statement.key_flags();
    // A key without flags may do what its algorithm can (RFC 9580 §5.2.3.29 leaves it open; GnuPG does so).
    let has_flags = flags.to_bytes().is_ok_and(|bytes| bytes.iter().any(|byte| *byte != 0));
    if has_flags && !flags.sign() { Err(SignatureError::NotForSigning(hex(&key.primary_key))) } else { Ok(()) }
}

/// The newest statement of the key about itself, when that leaves it alive.
fn primary_is_alive(key: &SignedPublicKey, at: Timestamp) -> Result<&Signature, SignatureError> {
    let (primary, details) = (&key.primary_key, &key.details);
    let name = hex(primary);
    if details.revocation_signatures.iter().any(|revocation| revocation.verify_key(primary).is_ok()) {
        return Err(SignatureError::Revoked(name));
    }
    let certifications = details.users.iter().filter_map(|user| {
        newest(user.signatures.iter(), |one| {
            one.typ() != Some(SignatureType::CertRevocation)
                && one.verify_certification(primary, Tag::UserId, &user.id).is_ok()
        })
    });
    let direct = newest(details.direct_signatures.iter(), |one| one.verify_key(primary).is_ok());
    let statement = newest(certifications.chain(direct), |_| true);
    let statement = statement.ok_or_else(|| SignatureError::NotForSigning(name.clone()))?;
    let lifetime = statement.key_expiration_time().map(|time| time.as_secs());
    not_expired(&name, i64::from(primary.created_at().as_secs()), lifetime, at)?;
    Ok(statement)
}

/// A subkey signs for its primary key when both say so.
fn subkey_may_sign(key: &SignedPublicKey, subkey: &SignedPublicSubKey, at: Timestamp) -> Result<(), SignatureError> {
    primary_is_alive(key, at)?;
    let (primary, name) = (&key.primary_key, hex(&subkey.key));
    let is_kind =
        |one: &Signature, kind| one.typ() == Some(kind) && one.verify_subkey_binding(primary, &subkey.key).is_ok();
    if subkey.signatures.iter().any(|one| is_kind(one, SignatureType::SubkeyRevocation)) {
        return Err(SignatureError::Revoked(name));
    }
    let binding = newest(subkey.signatures.iter(), |one| is_strong(one) && is_kind(one, SignatureType::SubkeyBinding));
    let binding = binding.filter(|one| one.key_flags().sign());
    let back = binding.and_then(Signature::embedded_signature).filter(|back| is_strong(back));
    match (binding, back) {
        (Some(binding), Some(back)) if back.verify_primary_key_binding(&subkey.key, primary).is_ok() => {
            let lifetime = binding.key_expiration_time().map(|time| time.as_secs());
            not_expired(&name, i64::from(subkey.key.created_at().as_secs()), lifetime, at)
        }
        _ => Err(SignatureError::NotForSigning(name)),
    }
}
