//! PKCS #12 keystores (RFC 7292): what they hold, and whether a password that everybody knows opens them.
//!
//! The MAC over the content tells whether a password is right. Keys under PBES2 (RFC 8018), which all tools write today, are then opened to tell
//! which they are; those under the older 3DES and RC2 schemes are told without their kind.

use std::borrow::Cow;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{
    AES_128, AES_128_KEY_LEN, AES_256, AES_256_KEY_LEN, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey,
};
use aws_lc_rs::{digest, hmac, pbkdf2};
use zeroize::Zeroizing;

use super::file::Held;
use super::tlv::{BMP_STRING, CONTEXT_0, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, Values, sequence, small};
use super::{KNOWN_PASSWORDS, Structure, der};

/// Most keys of a store that are told.
const MAX_KEYS: usize = 200;

/// Iterations of key derivation that are spent on one store; Java and OpenSSL ask for 10,000 and 2,048 a password. A hostile store asks for
/// four billion.
const MAX_ITERATIONS: u32 = 400_000;

const STORE: &str = "a PKCS #12 keystore";

/// 1.2.840.113549.1.7.1 and 6: data and encryptedData (RFC 5652).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
/// 1.2.840.113549.1.12.10.1, then the kind of bag.
const BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
/// 1.2.840.113549.1.9.20: friendlyName (RFC 2985).
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// 1.2.840.113549.1.5.13: PBES2.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];

/// The private keys of a keystore; a store that is locked as a whole, so that nothing of it is told, counts as one.
pub(super) fn read(bytes: &[u8]) -> Option<Vec<Held>> {
    let mut store = sequence(bytes)?;
    store.of(INTEGER)?;
    let content = data(store.inside(SEQUENCE)?)?;
    let password = store.inside(SEQUENCE).and_then(|mac| Mac::read(mac)?.known_password(&content));
    let mut opener = Opener { password, left: MAX_ITERATIONS };
    let (mut keys, mut locked) = (Vec::new(), false);
    let mut parts = sequence(&content)?;
    while let Some(part) = parts.inside(SEQUENCE) {
        match part.clone().of(OBJECT_ID)? {
            DATA => bags(&data(part)?, &mut opener, &mut keys),
            ENCRYPTED_DATA => match opener.encrypted_data(part) {
                Some(inner) => bags(&inner, &mut opener, &mut keys),
                None => locked = true,
            },
            _ => locked = true,
        }
    }
    if keys.is_empty() && locked && password.is_none() {
        // There may be only certificates in it.
        let mut held = Held::stored(String::new(), Structure::sealed(), b"", STORE, None);
        held.confidence = crate::facts::Confidence::Low;
        return Some(vec![held]);
    }
    let held = |Bag { name, structure, sealed }| Held::stored(name, structure, &sealed, STORE, password);
    Some(keys.into_iter().map(held).collect())
}

/// The octets of a `ContentInfo` of kind data.
fn data(mut info: Values<'_>) -> Option<Cow<'_, [u8]>> {
    info.of(OBJECT_ID).filter(|kind| *kind == DATA)?;
    info.inside(CONTEXT_0)?.octets(OCTET_STRING)
}

struct Bag {
    name: String,
    structure: Structure,
    /// As it stands in the store.
    sealed: Vec<u8>,
}

/// Adds the keys among the bags of `SafeContents`.
fn bags(contents: &[u8], opener: &mut Opener, keys: &mut Vec<Bag>) {
    const KEY: u8 = 1;
    const SHROUDED_KEY: u8 = 2;
    let Some(mut contents) = sequence(contents) else { return };
    while let Some(mut bag) = contents.inside(SEQUENCE).filter(|_| keys.len() < MAX_KEYS) {
        let Some([kind]) = bag.of(OBJECT_ID).and_then(|kind| kind.strip_prefix(BAG)) else { continue };
        let Some(value) = bag.of(CONTEXT_0) else { continue };
        let structure = match *kind {
            KEY => der::pkcs8(value),
            SHROUDED_KEY => opener.key(value).or_else(|| der::encrypted_pkcs8(value)),
            _ => continue,
        };
        let name = bag.inside(SET).and_then(friendly_name).unwrap_or_default();
        keys.extend(structure.map(|structure| Bag { name, structure, sealed: value.to_vec() }));
    }
}

fn friendly_name(mut attributes: Values<'_>) -> Option<String> {
    while let Some(mut attribute) = attributes.inside(SEQUENCE) {
        if attribute.of(OBJECT_ID)? == FRIENDLY_NAME {
            let units = attribute.inside(SET)?.of(BMP_STRING)?.as_chunks::<2>().0;
            let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
            return Some(String::from_utf16_lossy(&units));
        }
    }
    None
}

/// `MacData`.
struct Mac<'a> {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    value: &'a [u8],
    salt: &'a [u8],
    iterations: u32,
}

impl<'a> Mac<'a> {
    fn read(mut values: Values<'a>) -> Option<Self> {
        let mut info = values.inside(SEQUENCE)?;
        let (digest, hmac) = match info.inside(SEQUENCE)?.of(OBJECT_ID)? {
            [0x2b, 0x0e, 3, 2, 0x1a] => (&digest::SHA1_FOR_LEGACY_USE_ONLY, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => (&digest::SHA256, hmac::HMAC_SHA256),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => (&digest::SHA384, hmac::HMAC_SHA384),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => (&digest::SHA512, hmac::HMAC_SHA512),
            _ => return None,
        };
        let (value, salt) = (info.of(OCTET_STRING)?, values.of(OCTET_STRING)?);
        let iterations = values.of(INTEGER).map_or(Some(1), small)?;
        Some(Self { digest, hmac, value, salt, iterations })
    }

    /// The well-known password under which the MAC of `content` is right.
    fn known_password(&self, content: &[u8]) -> Option<&'static str> {
        let passwords = u32::try_from(KNOWN_PASSWORDS.len()).ok()?;
        let affordable = (1..=MAX_ITERATIONS / passwords).contains(&self.iterations) && self.salt.len() <= 256;
        let opens = |password: &&&str| {
            let key = hmac::Key::new(self.hmac, &self.key(password));
            hmac::verify(&key, content, self.value).is_ok()
        };
        KNOWN_PASSWORDS.iter().filter(|_| affordable).find(opens).copied()
    }

    /// RFC 7292, B.2, for the one block that a MAC key needs (ID 3).
    fn key(&self, password: &str) -> Zeroizing<Vec<u8>> {
        const MAC_KEY: u8 = 3;
        let block = self.digest.block_len;
        let bmp: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
        let filled = |text: &[u8]| -> Vec<u8> {
            text.iter().copied().cycle().take(text.len().div_ceil(block) * block).collect()
        };
        let input = [vec![MAC_KEY; block], filled(self.salt), filled(&bmp)].concat();
        let mut key = Zeroizing::new(digest::digest(self.digest, &input).as_ref().to_vec());
        for _ in 1..self.iterations {
            *key = digest::digest(self.digest, &key).as_ref().to_vec();
        }
        key
    }
}

/// Opens what stands under a password that is known.
struct Opener {
    password: Option<&'static str>,
    /// Iterations that may still be spent.
    left: u32,
}

impl Opener {
    /// The content of `encryptedData`.
    fn encrypted_data(&mut self, mut info: Values<'_>) -> Option<Vec<u8>> {
        const IMPLICIT_OCTETS: u8 = 0x80;
        info.of(OBJECT_ID)?;
        let mut data = info.inside(CONTEXT_0)?.inside(SEQUENCE)?;
        data.of(INTEGER)?;
        let mut content = data.inside(SEQUENCE)?;
        content.of(OBJECT_ID)?;
        let algorithm = content.inside(SEQUENCE)?;
        let sealed = content.octets(IMPLICIT_OCTETS)?;
        self.open(algorithm, &sealed).map(|opened| opened.to_vec())
    }

    /// The key of an `EncryptedPrivateKeyInfo`.
    fn key(&mut self, value: &[u8]) -> Option<Structure> {
        let mut info = sequence(value)?;
        let algorithm = info.inside(SEQUENCE)?;
        let sealed = info.octets(OCTET_STRING)?;
        der::pkcs8(&self.open(algorithm, &sealed)?)
    }

    /// Decrypts what PBES2 sealed.
    fn open(&mut self, mut algorithm: Values<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let password = self.password?;
        algorithm.of(OBJECT_ID).filter(|id| *id == PBES2)?;
        let mut parameters = algorithm.inside(SEQUENCE)?;
        let mut derivation = parameters.inside(SEQUENCE)?;
        let mut encryption = parameters.inside(SEQUENCE)?;
        // PBKDF2 is the only derivation of PKCS #5 in use.
        derivation.of(OBJECT_ID)?;
        let mut derivation = derivation.inside(SEQUENCE)?;
        let salt = derivation.of(OCTET_STRING)?;
        let iterations = small(derivation.of(INTEGER)?)?;
        derivation.of(INTEGER);
        let function = pseudorandom(derivation.inside(SEQUENCE))?;
        let (cipher, length) = match encryption.of(OBJECT_ID)? {
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2] => (&AES_128, AES_128_KEY_LEN),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42] => (&AES_256, AES_256_KEY_LEN),
            _ => return None,
        };
        let vector: [u8; 16] = encryption.of(OCTET_STRING)?.try_into().ok()?;
        self.left = self.left.checked_sub(iterations)?;
        let mut key = Zeroizing::new([0; 32]);
        let key = key.get_mut(..length)?;
        pbkdf2::derive(function, NonZeroU32::new(iterations)?, salt, password.as_bytes(), key);
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(cipher, key).ok()?).ok()?;
        let mut opened = Zeroizing::new(sealed.to_vec());
        let length = key.decrypt(&mut opened, DecryptionContext::Iv128(vector.into())).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// The function of PBKDF2: 1.2.840.113549.2.7 to 11; HMAC with SHA-1 where none is named.
fn pseudorandom(named: Option<Values<'_>>) -> Option<pbkdf2::Algorithm> {
    let Some(mut named) = named else { return Some(pbkdf2::PBKDF2_HMAC_SHA1) };
    Some(match named.of(OBJECT_ID)?.strip_prefix(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2])? {
        [7] => pbkdf2::PBKDF2_HMAC_SHA1,
        [9] => pbkdf2::PBKDF2_HMAC_SHA256,
        [10] => pbkdf2::PBKDF2_HMAC_SHA384,
        [11] => pbkdf2::PBKDF2_HMAC_SHA512,
        _ => return None,
    })
}
