//! A baseline: what an earlier report already told, so that only what is new counts.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::finding::Finding;

/// Largest report that is read as a baseline, in bytes; that of an image with 5000 packages has 20 MB.
pub const MAX_BASELINE_BYTES: u64 = 256 << 20;

/// The findings of an earlier report.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    ids: BTreeSet<String>,
}

/// The part of the report contract (`docs/schema/report-1.0.json`) that a baseline needs, of one subject or several.
#[derive(Deserialize)]
struct Known {
    schema_version: String,
    #[serde(default)]
    findings: Vec<KnownFinding>,
    #[serde(default)]
    reports: Vec<KnownReport>,
}

#[derive(Deserialize)]
struct KnownReport {
    findings: Vec<KnownFinding>,
}

#[derive(Deserialize)]
struct KnownFinding {
    id: String,
}

/// Why a file is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is not what `--format json` writes.
    #[error("it is no JSON report of imgguard")]
    Format(#[from] serde_json::Error),
    /// It is of a version that is not known.
    #[error("it is a report of version {0}, and versions 1.x can be read")]
    Version(String),
}

impl Baseline {
    /// Reads a report that `--format json` wrote.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, BaselineError> {
        let known: Known = serde_json::from_slice(bytes)?;
        if !known.schema_version.starts_with("1.") {
            return Err(BaselineError::Version(known.schema_version));
        }
        let all = known.findings.into_iter().chain(known.reports.into_iter().flat_map(|report| report.findings));
        Ok(Self { ids: all.map(|finding| finding.id).collect() })
    }

    /// Whether it has this finding, under its own id or under another id of the same flaw.
    #[must_use]
    pub fn has(&self, id: &str, finding: &Finding) -> bool {
        let known_as = |rule: &String| self.ids.contains(&finding.id_as(rule));
        self.ids.contains(id) || finding.aliases.iter().any(known_as)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Severity;
    use crate::finding::Kind;

    #[test]
    fn a_finding_is_known_by_its_id_and_its_aliases() {
        let mut finding = Finding::new(Kind::Vulnerability, "CVE-1", Severity::High, "", "pkg:deb/debian/a");
        let known = Finding { rule: "GHSA-1".into(), ..finding.clone() }.id();
        let one = format!(r#"{{"schema_version": "1.0", "findings": [{{"id": "{known}", "kind": "vulnerability"}}]}}"#);
        let several = format!(r#"{{"schema_version": "1.0", "reports": [{one}]}}"#);
        for text in [one, several] {
            let baseline = Baseline::parse(text.as_bytes()).unwrap();
            finding.aliases.clear();
            assert!(!baseline.has(&finding.id(), &finding));
            finding.aliases.push("GHSA-1".into());
            assert!(baseline.has(&finding.id(), &finding));
        }
        assert!(matches!(Baseline::parse(b"{}"), Err(BaselineError::Format(_))));
        assert!(matches!(Baseline::parse(br#"{"schema_version": "2.0"}"#), Err(BaselineError::Version(_))));
    }
}
