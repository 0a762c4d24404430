//! The controls of CIS Docker Benchmark 1.6.0, section 4 (container images and build files), each decided by what a run found and what it could look at.
//!
//! A control fails by an open finding about it. It passes only where everything that could have failed it was looked at; else nobody knows.

use std::collections::BTreeSet;
use std::fmt;

use Evidence::{Advisories, Attestations, Configuration, Files, History, Secrets, Signature, TrustedBase};

use super::metas;
use crate::advisory::model::Status;
use crate::base::findings as base;
use crate::facts::Confidence;
use crate::finding::{Finding, Kind};

/// What a control is decided by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Evidence {
    /// The image configuration.
    Configuration,
    /// All files of all platforms.
    Files,
    /// The build steps that made every layer.
    History,
    /// Secrets were looked for.
    Secrets,
    /// All packages were matched with current advisories.
    Advisories,
    /// The base of every platform is proven and vouched for, or a signature of it was verified in this run.
    TrustedBase,
    /// A signature of the image was verified in this run.
    Signature,
    /// Attestations of the image were verified in this run.
    Attestations,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "the image configuration",
            Self::Files => "every file of every platform",
            Self::History => "a build step of every layer",
            Self::Secrets => "the look for secrets",
            Self::Advisories => "current advisories for all packages",
            Self::TrustedBase => "a base that is proven and vouched for, or a verified signature of it",
            Self::Signature => "a verified signature",
            Self::Attestations => "a verified attestation",
        })
    }
}

/// What a control is.
#[derive(Debug)]
pub struct Meta {
    /// `CIS-4.1`.
    pub id: &'static str,
    /// What it asks for, in our words.
    pub summary: &'static str,
    /// Names of the same control elsewhere.
    pub aliases: &'static [&'static str],
    /// All that it takes to say that it passes.
    pub needs: &'static [Evidence],
}

const fn meta(
    id: &'static str,
    summary: &'static str,
    aliases: &'static [&'static str],
    needs: &'static [Evidence],
) -> Meta {
    Meta { id, summary, aliases, needs }
}

/// The controls of section 4.
pub static CONTROLS: &[Meta] = &[
    meta("CIS-4.1", "the image runs as a user of its own", &["CIS-DI-0001"], &[Configuration, Files]),
    meta("CIS-4.2", "its base is one that is trusted", &["CIS-DI-0002"], &[TrustedBase]),
    meta("CIS-4.3", "it has no packages that it does not need", &["CIS-DI-0003"], &[Files]),
    meta("CIS-4.4", "it was scanned, and built again with the fixes", &["CIS-DI-0004"], &[Files, Advisories]),
    meta("CIS-4.5", "it is signed, and the signature was verified", &["CIS-DI-0005"], &[Signature]),
    meta("CIS-4.6", "it has a health check", &["CIS-DI-0006"], &[Configuration]),
    meta("CIS-4.7", "no build step updates package lists alone", &["CIS-DI-0007"], &[History]),
    meta("CIS-4.8", "no file gives rights that nobody needs", &["CIS-DI-0008"], &[Files]),
    meta("CIS-4.9", "files are copied, not added from elsewhere", &["CIS-DI-0009"], &[History]),
    meta("CIS-4.10", "no secret is in it", &["CIS-DI-0010"], &[Configuration, Files, Secrets]),
    meta("CIS-4.11", "only packages that can be verified were installed", &["CIS-DI-0011"], &[Files, History]),
    meta("CIS-4.12", "what was signed about it was verified", &[], &[Attestations]),
];

/// Rules about bases that speak against a control. That nobody signed a base does not: hardly anybody does.
pub const BASE_RULES: &[(&str, &str)] = &[
    (base::BEHIND.0, "CIS-4.4"),
    (base::END_OF_LIFE.0, "CIS-4.4"),
    (base::CONTRADICTED.0, "CIS-4.2"),
    (base::UNOFFICIAL.0, "CIS-4.2"),
    (base::UNPINNED.0, "CIS-4.2"),
];

/// What is known of a control.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Everything was looked at and nothing is open.
    Pass,
    /// Something is open.
    Fail,
    /// Not everything could be looked at.
    Unknown,
}

/// One control of one image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Control {
    /// `CIS-4.1`.
    pub id: &'static str,
    /// What is known.
    pub decision: Decision,
    /// Ids of all findings about it, those that are set aside too.
    pub findings: Vec<String>,
}

/// Decides every control by the findings of all platforms, each with its id, and by what there was to look at.
#[must_use]
pub fn decide(findings: &[(String, Finding)], seen: &BTreeSet<Evidence>) -> Vec<Control> {
    let control = |meta: &Meta| {
        let about: Vec<&(String, Finding)> =
            findings.iter().filter(|(_, finding)| is_about(finding, meta.id)).collect();
        let decision = if about.iter().any(|(_, finding)| finding.set_aside.is_none()) {
            Decision::Fail
        } else if meta.needs.iter().all(|need| seen.contains(need)) {
            Decision::Pass
        } else {
            Decision::Unknown
        };
        Control { id: meta.id, decision, findings: about.into_iter().map(|(id, _)| id.clone()).collect() }
    };
    CONTROLS.iter().map(control).collect()
}

/// Whether a finding speaks against a control.
fn is_about(finding: &Finding, control: &str) -> bool {
    match (finding.kind, control) {
        // What may be a secret as well as not fails nobody; what is one fails whoever put it there.
        (Kind::Secret, "CIS-4.10") => finding.confidence > Confidence::Low,
        // A patch that nobody made cannot be taken.
        (Kind::Vulnerability, "CIS-4.4") => !finding.fixed_in.is_empty() && finding.status != Some(Status::NotAffected),
        (Kind::Base | Kind::Eol, _) => BASE_RULES.contains(&(finding.rule.as_str(), control)),
        _ => {
            let check = metas().find(|meta| meta.name == finding.rule);
            let is_named = |aliases: &[&str]| aliases.contains(&control);
            finding.aliases.iter().any(|alias| alias == control) || check.is_some_and(|meta| is_named(meta.aliases))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisory::model::Severity;
    use crate::finding::SetAside;

    const ALL: [Evidence; 8] =
        [Configuration, Files, History, Secrets, Advisories, TrustedBase, Signature, Attestations];

    fn decision(control: &str, findings: Vec<Finding>, seen: &[Evidence]) -> Decision {
        let findings: Vec<_> = findings.into_iter().map(|finding| ("id".to_owned(), finding)).collect();
        let controls = decide(&findings, &seen.iter().copied().collect());
        controls.iter().find(|decided| decided.id == control).unwrap().decision
    }

    #[test]
    fn nothing_passes_unseen() {
        for Meta { id: control, needs, .. } in CONTROLS {
            assert_eq!(decision(control, Vec::new(), &ALL), Decision::Pass, "{control}");
            for need in *needs {
                let others: Vec<Evidence> = ALL.into_iter().filter(|seen| seen != need).collect();
                assert_eq!(decision(control, Vec::new(), &others), Decision::Unknown, "{control} without {need:?}");
            }
        }
    }

    #[test]
    fn a_finding_fails_its_control_alone_and_a_waived_one_none() {
        let root = || Finding::new(Kind::Config, "root-user", Severity::High, "t", "user");
        assert_eq!(decision("CIS-4.1", vec![root()], &[]), Decision::Fail);
        assert_eq!(decision("CIS-4.6", vec![root()], &ALL), Decision::Pass);
        let aside = SetAside { state: "waived", by: String::new(), reason: String::new(), expires: None };
        let waived = Finding { set_aside: Some(aside), ..root() };
        assert_eq!(decision("CIS-4.1", vec![waived.clone()], &ALL), Decision::Pass);
        assert_eq!(decision("CIS-4.1", vec![waived], &[]), Decision::Unknown);
    }

    #[test]
    fn a_base_speaks_of_two_controls() {
        let behind = || vec![Finding::new(Kind::Base, base::BEHIND.0, Severity::Low, "t", "a")];
        assert_eq!(decision("CIS-4.4", behind(), &ALL), Decision::Fail);
        assert_eq!(decision("CIS-4.2", behind(), &ALL), Decision::Pass);
        let unsigned = Finding::new(Kind::Base, base::UNSIGNED.0, Severity::Low, "t", "a");
        assert_eq!(decision("CIS-4.2", vec![unsigned], &ALL), Decision::Pass);
        let old = Finding::new(Kind::Eol, base::END_OF_LIFE.0, Severity::High, "t", "a");
        assert_eq!(decision("CIS-4.4", vec![old], &ALL), Decision::Fail);
    }

    #[test]
    fn guesses_and_flaws_without_a_fix_fail_nothing() {
        let secret = |confidence| {
            let finding = Finding::new(Kind::Secret, "generic-secret", Severity::High, "t", "a");
            vec![Finding { confidence, ..finding }]
        };
        assert_eq!(decision("CIS-4.10", secret(Confidence::Low), &ALL), Decision::Pass);
        assert_eq!(decision("CIS-4.10", secret(Confidence::Medium), &ALL), Decision::Fail);
        let flaw = |fixed_in: &[&str]| {
            let finding = Finding::new(Kind::Vulnerability, "CVE-1", Severity::Low, "t", "a");
            vec![Finding { fixed_in: fixed_in.iter().map(|version| (*version).to_owned()).collect(), ..finding }]
        };
        assert_eq!(decision("CIS-4.4", flaw(&[]), &ALL), Decision::Pass);
        assert_eq!(decision("CIS-4.4", flaw(&["2"]), &ALL), Decision::Fail);
    }
}
