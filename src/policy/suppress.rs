//! What sets findings aside besides VEX: waivers, a baseline, `.gitleaksignore`, comments in the files. Nothing is dropped: a finding stays in
//! the report with who said so and why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::baseline::Baseline;
use super::gitleaks_ignore::GitleaksIgnore;
use super::waiver::Waiver;
use crate::finding::{Finding, SetAside};

/// Everything that may set a finding aside.
#[derive(Clone, Debug, Default)]
pub struct Suppressions {
    /// Waivers, in the order of their files.
    pub waivers: Vec<Waiver>,
    /// An earlier report, with its name.
    pub baseline: Option<(String, Baseline)>,
    /// By reference, the list that the checkout has itself.
    pub gitleaks_ignore: BTreeMap<String, GitleaksIgnore>,
    /// Believe comments in the files that were scanned.
    pub inline_allow: bool,
}

impl Suppressions {
    /// Sets aside what somebody answers for in the findings of one subject; the numbers of the waivers that fit a finding.
    #[must_use]
    pub fn apply(&self, findings: &mut [(String, Finding)], reference: &str, today: Date) -> BTreeSet<usize> {
        let mut used = BTreeSet::new();
        for (id, finding) in findings.iter_mut() {
            for (number, waiver) in self.waivers.iter().enumerate() {
                if !waiver.covers(id, finding) {
                    continue;
                }
                used.insert(number);
                if waiver.has_expired(today) {
                    let lapsed = waiver.decision();
                    let reason = format!("the waiver has expired: {}", lapsed.reason);
                    finding.lapsed = Some(SetAside { reason, ..lapsed });
                } else if finding.set_aside.is_none() {
                    finding.set_aside = Some(waiver.decision());
                }
            }
            if finding.set_aside.is_none() {
                finding.set_aside = self.otherwise(id, finding, reference);
            }
        }
        used
    }

    fn otherwise(&self, id: &str, finding: &Finding, reference: &str) -> Option<SetAside> {
        let suppressed = |by: &str, reason: &str| SetAside {
            state: "suppressed",
            by: by.to_owned(),
            reason: reason.to_owned(),
            expires: None,
        };
        if self.gitleaks_ignore.get(reference).is_some_and(|ignore| ignore.covers(finding)) {
            return Some(suppressed(".gitleaksignore", "its fingerprint is listed"));
        }
        if self.inline_allow && finding.allowed_inline {
            return Some(suppressed("--inline-allow", "a comment on its line allows it"));
        }
        let (name, baseline) = self.baseline.as_ref()?;
        baseline
            .has(id, finding)
            .then(|| SetAside { state: "baseline", ..suppressed(name, "the earlier report has it already") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Severity;
    use crate::finding::Kind;
    use crate::policy::{Outcome, Policy, waiver};

    fn secrets() -> Vec<(String, Finding)> {
        let one = |identity: &str| Finding::new(Kind::Secret, "github-pat", Severity::Critical, "", identity);
        ["a", "b"].map(one).into_iter().map(|finding| (finding.id(), finding)).collect()
    }

    fn waive(id: &str, expires: &str) -> Waiver {
        let text = format!("[[waiver]]\nfinding = '{id}'\nreason = 'r'\nowner = 'o'\nexpires = {expires}\n");
        waiver::parse(&text).unwrap().remove(0)
    }

    #[test]
    fn a_waiver_counts_until_its_day_and_for_its_finding_only() {
        let policy = Policy::builtin("local").unwrap();
        let today: Date = "2026-11-25".parse().unwrap();
        let mut found = secrets();
        let waivers = vec![
            waive(&found[0].0, "2026-11-25"),
            waive(&found[1].0, "2026-11-24"),
            waive(&"0".repeat(16), "2030-01-01"),
        ];
        let suppressions = Suppressions { waivers, ..Suppressions::default() };
        assert_eq!(suppressions.apply(&mut found, "", today), [0, 1].into(), "the third fits nothing");
        assert_eq!(found[0].1.set_aside.as_ref().unwrap().state, "waived");
        assert!(found[1].1.set_aside.is_none() && found[1].1.lapsed.is_some());
        let verdict = policy.judge(&found, true);
        assert_eq!(verdict.result, Outcome::Fail);
        let failed: Vec<&String> = verdict.gates.iter().flat_map(|gate| &gate.findings).collect();
        assert_eq!(failed, [&found[1].0], "an expired waiver does not count");
    }

    #[test]
    fn comments_count_only_when_asked_for() {
        let mut found = secrets();
        found[0].1.allowed_inline = true;
        let today: Date = "2026-11-25".parse().unwrap();
        let _ = Suppressions::default().apply(&mut found, "", today);
        assert!(found[0].1.set_aside.is_none());
        let _ = Suppressions { inline_allow: true, ..Suppressions::default() }.apply(&mut found, "", today);
        assert!(found[0].1.set_aside.is_some() && found[1].1.set_aside.is_none());
    }
}
