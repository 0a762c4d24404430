//! When a signature existed, as a timestamp authority says.
//!
//! Source: RFC 3161 §2.4; `sigstore/protobuf-specs`, `RFC3161SignedTimestamp` (a bundle carries the whole answer).

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use reqwest::Url;
use sha2::Digest as _;

use super::{Message, ServiceError, send};
use crate::net::Transport;
use crate::sign::keys::KeyError;

const SERVICE: &str = "timestamp authority";

/// DER of `AlgorithmIdentifier { id-sha256, NULL }`.
const SHA256: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 2;
const OCTETS: u8 = 4;
const BOOLEAN: u8 = 1;

/// A timestamp over a signature: the authority's answer, DER. The address is that of the service itself, with its path.
///
/// # Errors
/// When the authority does not answer.
pub fn request(transport: &Transport, authority: &Url, signature: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let mut nonce = [0; 8];
    let failed = |_| ServiceError::Key(KeyError::Library("drawing a random number"));
    SystemRandom::new().fill(&mut nonce).map_err(failed)?;
    let body = Some(("application/timestamp-query", query(signature, nonce)));
    let accept = "application/timestamp-reply";
    send(transport, Message { service: SERVICE, url: authority.clone(), body, accept, bearer: None })
}

/// A `TimeStampReq` over the SHA-256 of a signature that asks for the authority's certificate, too.
fn query(signature: &[u8], mut nonce: [u8; 8]) -> Vec<u8> {
    // A positive number of eight bytes, which DER has just one form of.
    nonce[0] = (nonce[0] & 0x7f) | 0x40;
    let imprint = [SHA256, &element(OCTETS, &sha2::Sha256::digest(signature))].concat();
    let parts =
        [element(INTEGER, &[1]), element(SEQUENCE, &imprint), element(INTEGER, &nonce), element(BOOLEAN, &[0xff])];
    element(SEQUENCE, &parts.concat())
}

/// An element whose content is shorter than 128 bytes, as all of a query's are.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    debug_assert!(content.len() < 0x80, "the length has one byte");
    let mut der = vec![tag, content.len() as u8];
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use x509_cert::der::asn1::{Any, ObjectIdentifier};
    use x509_cert::der::{Decode as _, Encode as _, Tag, Tagged};

    use super::*;

    #[test]
    fn a_query_is_der() {
        let der = query(b"signature", [0; 8]);
        let parts: Vec<Any> = Vec::from_der(&der).unwrap();
        let tags: Vec<Tag> = parts.iter().map(Tagged::tag).collect();
        assert_eq!(tags, [Tag::Integer, Tag::Sequence, Tag::Integer, Tag::Boolean]);
        let imprint: Vec<Any> = Vec::from_der(&parts[1].to_der().unwrap()).unwrap();
        let algorithm: Vec<Any> = Vec::from_der(&imprint[0].to_der().unwrap()).unwrap();
        let oid = algorithm[0].decode_as::<ObjectIdentifier>().unwrap();
        assert_eq!(oid.to_string(), "2.16.840.1.101.3.4.2.1");
        assert_eq!(imprint[1].value(), sha2::Sha256::digest(b"signature").as_slice());
    }
}
