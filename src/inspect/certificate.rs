//! X.509 certificates (RFC 5280) in PEM (RFC 7468) or DER: what tells whose a private key is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::BasicConstraints;

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{CertificateFact, Fact};
use crate::layer::{Entry, FileView};

/// Certificates in files of their own, and bundles of them.
pub(super) struct Certificates;

static META: Meta = Meta {
    name: "certificates",
    summary: "X.509 certificates",
    required: false,
    doc: "**Reads** files that begin with a certificate in PEM, or are named `*.pem`, `*.crt`, `*.cer`, `*.cert` or `*.der`, up to 1 MiB.\n\n**Reports** \
          the fingerprint of the public key, subject, issuer and validity of at most 1000 certificates a file, so that a private key can be told by its \
          certificate.\n\n**Cannot see** certificates in keystores and inside other files.\n\n**Since** 0.2.0",
};

/// Largest file; the bundle of all public authorities has 220 KB.
const MAX_BYTES: u64 = 1 << 20;

/// Most certificates of a file; the bundle has 150.
const MAX_CERTIFICATES: usize = 1000;

/// Longest name that is kept, in bytes.
const MAX_NAME: usize = 256;

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const END: &[u8] = b"-----END CERTIFICATE-----";

const NAMES: &[&[u8]] = &[b".pem", b".crt", b".cer", b".cert", b".der"];

impl Inspector for Certificates {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        let is_named = NAMES.iter().any(|end| entry.path.ends_with(end));
        entry.size <= MAX_BYTES && (is_named || head.starts_with(BEGIN))
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let bytes = whole(file, MAX_BYTES)?;
        // What a file of such a name holds else (keys, lists, parameters) is none of ours; nor is a damaged certificate anybody's key.
        let found = match bytes {
            [0x30, 0x82, _, _, 0x30, ..] => read(bytes).into_iter().collect::<Vec<_>>(),
            _ => bodies(bytes).take(MAX_CERTIFICATES).filter_map(|der| read(&der)).collect(),
        };
        facts.extend(found.into_iter().map(Fact::Certificate));
        Ok(())
    }
}

/// The decoded bodies of a PEM file's certificates.
fn bodies(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = memchr::memmem::find(rest, BEGIN)? + BEGIN.len();
        let body = rest.get(begin..)?;
        let end = memchr::memmem::find(body, END)?;
        rest = body.get(end + END.len()..)?;
        let base64: Vec<u8> = body.get(..end)?.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        Some(STANDARD.decode(base64).unwrap_or_default())
    })
}

fn read(der: &[u8]) -> Option<CertificateFact> {
    let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
    let key = certificate.subject_public_key_info.to_der().ok()?;
    let constraints = certificate.get::<BasicConstraints>().ok().flatten();
    let seconds = |time: x509_cert::time::Time| time.to_unix_duration().as_secs();
    Some(CertificateFact {
        key: Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect(),
        subject: name(&certificate.subject),
        issuer: name(&certificate.issuer),
        not_before: seconds(certificate.validity.not_before),
        not_after: seconds(certificate.validity.not_after),
        is_authority: constraints.is_some_and(|(_, constraints)| constraints.ca),
    })
}

fn name(name: &x509_cert::name::Name) -> String {
    let mut text = name.to_string();
    text.truncate(text.floor_char_boundary(MAX_NAME));
    text
}
