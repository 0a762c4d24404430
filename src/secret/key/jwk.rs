//! JSON Web Keys (RFC 7517, RFC 7518, RFC 8037) with their private half.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::spki::{self, Curve};
use super::{Key, MAX_KEY, Structure, judge};

/// The member that every key has.
pub(super) const MARK: &[u8] = b"\"kty\"";

/// Members that may stand before it, in bytes: those of an RSA key of 4096 bits. What a search keeps behind it is no longer.
const MAX_BEFORE: usize = 4 << 10;

/// Least bytes of a private member; a symmetric key of 128 bits has 16.
const MIN_PRIVATE: usize = 16;

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
    k: Option<String>,
}

/// The key whose `"kty"` stands at `at`; none for a public one.
pub(super) fn read(bytes: &[u8], at: usize) -> Option<Key> {
    let from = at.saturating_sub(MAX_BEFORE);
    let open = from + memchr::memrchr(b'{', bytes.get(from..at)?)?;
    let text = bytes.get(open..bytes.len().min(open + MAX_KEY))?;
    let mut documents = serde_json::Deserializer::from_slice(text).into_iter::<Jwk>();
    let jwk = documents.next()?.ok()?;
    let end = open + documents.byte_offset();
    let decode = |member: &Option<String>| URL_SAFE_NO_PAD.decode(member.as_deref()?.trim_end_matches('=')).ok();
    let private = decode(&jwk.d).or_else(|| decode(&jwk.k))?;
    if private.len() < MIN_PRIVATE {
        return None;
    }
    let structure = structure(&jwk, decode)?;
    Some(judge(open..end, "JSON Web Key", private, Some(structure)))
}

fn structure(jwk: &Jwk, decode: impl Fn(&Option<String>) -> Option<Vec<u8>>) -> Option<Structure> {
    let clear = |algorithm, size, public| Some(Structure::clear(algorithm, size, public));
    match jwk.kty.as_str() {
        "RSA" => {
            let (modulus, exponent) = (decode(&jwk.n)?, decode(&jwk.e)?);
            clear("RSA", format!("{} bits", super::tlv::bits(&modulus)), spki::rsa(&modulus, &exponent))
        }
        "EC" => {
            let curve = Curve::named(jwk.crv.as_deref()?)?;
            let point = [&[4][..], &decode(&jwk.x)?, &decode(&jwk.y)?].concat();
            clear("EC", curve.name().to_owned(), spki::ec(curve, &point))
        }
        "OKP" => {
            let public = decode(&jwk.x)?;
            match jwk.crv.as_deref()? {
                "Ed25519" => clear("Ed25519", String::new(), spki::ed25519(&public)),
                "X25519" => clear("X25519", String::new(), spki::x25519(&public)),
                "Ed448" => clear("Ed448", String::new(), None),
                "X448" => clear("X448", String::new(), None),
                _ => None,
            }
        }
        "oct" => clear("symmetric", String::new(), None),
        _ => None,
    }
}
