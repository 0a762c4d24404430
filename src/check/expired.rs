//! A certificate of a service has expired.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::{Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::{FilePath, FoundCertificate};
use crate::finding::{Finding, Kind};

/// `expired-certificate`. It needs a date, which checks of a platform alone have not.
pub(super) static META: Meta = Meta {
    name: "expired-certificate",
    summary: "a certificate of a service has expired",
    doc: "**Reads** X.509 certificates of all layers, in PEM files and beside keys.\n\n**Reports** one that names a service or a person, and whose validity ended before the day of the scan. Of several under one path the newest counts.\n\n\
          **Cannot see** whether the service still uses it, or a later layer removed it. Authorities are not judged, nor what packages bring: lists of them hold expired ones on purpose.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

/// Folders of what packages bring.
const FOREIGN: &[&str] = &[
    "usr/lib/",
    "usr/lib64/",
    "usr/share/",
    "usr/local/lib/",
    "usr/local/share/",
    "usr/local/go/",
    "etc/ssl/certs/",
    "etc/pki/",
    "etc/ca-certificates/",
    "lib/",
];

/// The certificates that have expired.
#[must_use]
pub fn expired_certificates(subject: &Subject<'_>, today: Date) -> Vec<Finding> {
    let mut newest: BTreeMap<&FilePath, &FoundCertificate> = BTreeMap::new();
    let own = subject.inventory.certificates.iter().filter(|found| is_own(found));
    for found in own {
        let known = newest.entry(&found.path).or_insert(found);
        if (found.layer, found.certificate.not_after) > (known.layer, known.certificate.not_after) {
            *known = found;
        }
    }
    newest.into_values().filter_map(|found| expired(subject, found, today)).collect()
}

fn is_own(found: &FoundCertificate) -> bool {
    let path = String::from_utf8_lossy(found.path.as_bytes());
    let path = path.trim_start_matches('/');
    let is_foreign = FOREIGN.iter().any(|folder| path.starts_with(folder))
        || ["/site-packages/", "/node_modules/", "/gems/", "/vendor/"].iter().any(|part| path.contains(part));
    !found.certificate.is_authority && !is_foreign && !crate::secret::is_illustrative(path.as_bytes())
}

fn expired(subject: &Subject<'_>, found: &FoundCertificate, today: Date) -> Option<Finding> {
    let end = i64::try_from(found.certificate.not_after).ok().and_then(|at| Timestamp::from_second(at).ok())?;
    let end = Zoned::new(end, TimeZone::UTC).date();
    if end >= today {
        return None;
    }
    let name = &found.certificate.subject;
    let title = format!("the certificate for {name} ended on {end}");
    let identity = format!("{}\0{name}", String::from_utf8_lossy(found.path.as_bytes()));
    let finding = Finding::new(Kind::Config, META.name, Severity::Medium, title, identity);
    let advice = "renew it, and give it to the container when it starts instead of building it in";
    Some(finding.at(subject.place(&found.path, found.layer)).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{manifest, subject};
    use super::*;
    use crate::facts::{CertificateFact, Inventory};

    fn found(path: &str, layer: usize, not_after: u64, is_authority: bool) -> FoundCertificate {
        let certificate = CertificateFact {
            key: "00".into(),
            subject: "CN=app".into(),
            issuer: "CN=ca".into(),
            not_before: 0,
            not_after,
            is_authority,
        };
        FoundCertificate { path: FilePath::new(path.as_bytes()), layer, certificate }
    }

    #[test]
    fn what_ended_before_the_day() {
        let (past, future) = (1_700_000_000, 1_900_000_000);
        let certificates = vec![
            found("srv/tls.crt", 0, past, false),
            found("srv/renewed.crt", 0, past, false),
            found("srv/renewed.crt", 1, future, false),
            found("srv/ca.crt", 0, past, true),
            found("etc/ssl/certs/a.pem", 0, past, false),
            found("srv/tests/b.pem", 0, past, false),
        ];
        let inventory = Inventory { certificates, ..Inventory::default() };
        let manifest = manifest(r#"{"os":"linux","architecture":"amd64"}"#);
        let subject = subject(&manifest, &inventory);
        let titles = |day: &str| -> Vec<String> {
            expired_certificates(&subject, day.parse().unwrap()).into_iter().map(|finding| finding.title).collect()
        };
        assert_eq!(titles("2026-11-25"), ["the certificate for CN=app ended on 2023-11-14"]);
        assert!(titles("2023-11-14").is_empty());
    }
}
