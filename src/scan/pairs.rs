//! Private keys and the certificates that belong to them, over all layers and platforms of an image: who else trusts a leaked key.

use std::collections::BTreeMap;

use super::run::ScannedPlatform;
use crate::facts::{CertificateFact, FilePath, SecretFact};

/// Most certificates that are named for one key.
const MAX_NAMED: usize = 3;

/// The image's certificates, by the SHA-256 of their keys.
pub(super) struct Certificates<'a>(BTreeMap<&'a str, Vec<(&'a FilePath, &'a CertificateFact)>>);

impl<'a> Certificates<'a> {
    /// Those of all platforms.
    pub(super) fn new(platforms: &'a [ScannedPlatform]) -> Self {
        let mut by_key: BTreeMap<&str, Vec<_>> = BTreeMap::new();
        for found in platforms.iter().flat_map(|platform| &platform.inventory.certificates) {
            let pair = (&found.path, &found.certificate);
            let known = by_key.entry(found.certificate.key.as_str()).or_default();
            if !known.contains(&pair) {
                known.push(pair);
            }
        }
        Self(by_key)
    }

    /// What to say of the certificates of a private key; none where there are none.
    pub(super) fn of(&self, secret: &SecretFact) -> Option<String> {
        let found = self.0.get(secret.fingerprint.as_deref()?)?;
        let one = |(path, certificate): &(&FilePath, &CertificateFact)| {
            let until = jiff::Timestamp::from_second(i64::try_from(certificate.not_after).unwrap_or(i64::MAX));
            let until = until.map(|until| format!(", valid until {}", until.strftime("%F"))).unwrap_or_default();
            format!("{path} ({}{until})", certificate.subject)
        };
        let named: Vec<String> = found.iter().take(MAX_NAMED).map(one).collect();
        let more = found.len().saturating_sub(MAX_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!("; key of the certificate {}{more}", named.join(", ")))
    }
}
