//! Bills of materials: what is installed where. One folder a standard, and what both need.
//!
//! Both name what is asked of every bill (NTIA, "The Minimum Elements For a Software Bill of Materials", 2021): supplier, component, version, other identifiers,
//! relationships, author, time. What a package does not tell is left out (CycloneDX) or `NOASSERTION` (SPDX), never guessed; so there is no CPE.

pub(super) mod cyclonedx;
mod license;
mod properties;
pub(super) mod spdx;
pub(super) mod subject;

use super::RenderOptions;
use super::contract::Reports;
use crate::digest::Digest;

/// When the document says that it was made: what `SOURCE_DATE_EPOCH` asked for, else the date of evaluation.
fn timestamp(reports: &Reports, options: &RenderOptions) -> Option<String> {
    let evaluated = || reports.reports.first().map(|report| format!("{}T00:00:00Z", report.evaluated_at));
    options.created.map(|created| created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).or_else(evaluated)
}

/// A UUID of version 8 (RFC 9562, section 5.8) from the SHA-256 of what was scanned, with what, and when it was judged.
pub(super) fn uuid(reports: &Reports) -> String {
    let mut text = String::new();
    for report in &reports.reports {
        let subject = &report.subject;
        let digest = subject.digest.as_deref().unwrap_or_default();
        let parts = [
            &subject.reference,
            digest,
            &report.tool.version,
            report.advisories.digest.as_str(),
            report.evaluated_at.as_str(),
        ];
        text.push_str(&parts.join("\0"));
        text.push('\n');
    }
    let hex = Digest::sha256(text.as_bytes()).hex().to_owned();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // The variant's two bits are 10: of the sixteen digits, 8.
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
