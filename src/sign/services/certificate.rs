//! A certificate for a key of the moment: the authority (Fulcio) checks the token, and that the key is ours, and says whose it is.
//!
//! The key lives in memory for one run and is never written; that is what "keyless" means.
//!
//! Source: `sigstore/fulcio`, `fulcio.proto` (`CreateSigningCertificate`); RFC 2986 (PKCS#10); RFC 5758 §3.2 (ECDSA with SHA-256).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pem_rfc7468::LineEnding;
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;
use x509_cert::der::asn1::{BitString, SetOfVec};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, Version};
use x509_cert::spki::{AlgorithmIdentifierOwned, ObjectIdentifier, SubjectPublicKeyInfoOwned};

use super::{JSON, Message, ServiceError, Token, endpoint, send};
use crate::net::Transport;
use crate::sign::keys::{KeyError, PrivateKey, Signer as _, private};

const SERVICE: &str = "certificate authority";
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// Most certificates of a chain that is answered.
const MAX_CHAIN: usize = 16;

/// A key of the moment, and the certificate that says whose it is.
pub struct Certified {
    /// The key.
    pub key: PrivateKey,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// What is between it and the root, DER. Bundles do not carry it; cosign 2's annotations do.
    pub chain: Vec<Vec<u8>>,
}

/// Makes a key and has it certified.
///
/// # Errors
/// When the authority does not take the token, or its answer is none.
pub fn request(transport: &Transport, authority: &Url, token: &Token) -> Result<Certified, ServiceError> {
    let key = PrivateKey::from_pkcs8(&private::generate()?)?;
    let request = signing_request(&key)?;
    let body = json!({
        "credentials": {"oidcIdentityToken": token.secret()},
        "certificateSigningRequest": BASE64.encode(request),
    });
    let url = endpoint(authority, "api/v2/signingCert")?;
    let body = Some((JSON, body.to_string().into_bytes()));
    let answer = send(transport, Message { service: SERVICE, url, body, accept: JSON, bearer: None })?;
    let mut chain = certificates(&answer)?;
    let certificate = chain.remove(0);
    Ok(Certified { key, certificate, chain })
}

/// A request that proves that the key is ours, PEM. Its subject is empty: the name comes from the token.
fn signing_request(key: &PrivateKey) -> Result<String, ServiceError> {
    let failed = |_| ServiceError::Key(KeyError::Library("writing a certificate request"));
    let info = CertReqInfo {
        version: Version::V1,
        subject: Name::default(),
        public_key: SubjectPublicKeyInfoOwned::from_der(key.public_key().spki()).map_err(failed)?,
        attributes: SetOfVec::new(),
    };
    let signature = key.sign(&info.to_der().map_err(failed)?)?;
    let request = CertReq {
        info,
        algorithm: AlgorithmIdentifierOwned { oid: ECDSA_WITH_SHA256, parameters: None },
        signature: BitString::from_bytes(&signature).map_err(failed)?,
    };
    let der = request.to_der().map_err(failed)?;
    pem_rfc7468::encode_string("CERTIFICATE REQUEST", LineEnding::LF, &der)
        .map_err(|_| ServiceError::Key(KeyError::Library("writing a certificate request")))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    signed_certificate_embedded_sct: Option<Signed>,
    #[serde(default)]
    signed_certificate_detached_sct: Option<Signed>,
}

#[derive(Deserialize)]
struct Signed {
    chain: Chain,
}

#[derive(Deserialize)]
struct Chain {
    certificates: Vec<String>,
}

/// The certificates of an answer, the new one first.
fn certificates(answer: &[u8]) -> Result<Vec<Vec<u8>>, ServiceError> {
    let wrong = |detail: &str| ServiceError::answer(SERVICE, detail);
    let answer: Answer = serde_json::from_slice(answer).map_err(|error| ServiceError::answer(SERVICE, error))?;
    let signed = match (answer.signed_certificate_embedded_sct, answer.signed_certificate_detached_sct) {
        (Some(signed), _) => signed,
        // A bundle has no place for it.
        (None, Some(_)) => return Err(wrong("its certificate's log entry is not in the certificate")),
        (None, None) => return Err(wrong("it has no certificate")),
    };
    let pems = signed.chain.certificates;
    if pems.is_empty() || pems.len() > MAX_CHAIN {
        return Err(wrong("it has no chain of certificates"));
    }
    let der = |pem: &String| match pem_rfc7468::decode_vec(pem.trim().as_bytes()) {
        Ok(("CERTIFICATE", der)) => Ok(der),
        // Not every authority wraps its lines as RFC 7468 has it.
        _ => unwrapped(pem).ok_or_else(|| wrong("its certificates are no PEM")),
    };
    pems.iter().map(der).collect()
}

fn unwrapped(pem: &str) -> Option<Vec<u8>> {
    let body = pem.trim().strip_prefix("-----BEGIN CERTIFICATE-----")?.strip_suffix("-----END CERTIFICATE-----")?;
    BASE64.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_proves_that_the_key_is_ours() {
        let key = PrivateKey::from_pkcs8(&private::generate().unwrap()).unwrap();
        let pem = signing_request(&key).unwrap();
        let (label, der) = pem_rfc7468::decode_vec(pem.as_bytes()).unwrap();
        let request = CertReq::from_der(&der).unwrap();
        assert_eq!(label, "CERTIFICATE REQUEST");
        let signature = request.signature.as_bytes().unwrap();
        assert!(key.public_key().verifies(&request.info.to_der().unwrap(), signature));
    }

    #[test]
    fn answers_of_an_authority() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        let answer = |field: &str, chain: &[&str]| json!({field: {"chain": {"certificates": chain}}}).to_string();
        let good = answer("signedCertificateEmbeddedSct", &[pem, pem]);
        assert_eq!(certificates(good.as_bytes()).unwrap(), [[1, 2, 3], [1, 2, 3]]);
        let many = [pem; 17];
        for wrong in [
            answer("signedCertificateDetachedSct", &[pem]),
            answer("signedCertificateEmbeddedSct", &[]),
            answer("signedCertificateEmbeddedSct", &["-----BEGIN CERTIFICATE-----"]),
            answer("signedCertificateEmbeddedSct", &many),
            "{}".to_owned(),
            "no JSON".to_owned(),
        ] {
            assert!(matches!(certificates(wrong.as_bytes()), Err(ServiceError::Answer { .. })), "{wrong}");
        }
    }
}
