//! Findings to a verdict: gates are data (`policies/gates/*.toml`, or the user's file), and a gate fails on every finding that it selects.
//!
//! In: the findings of one subject and whether its platforms were read completely. Out: a [`Verdict`]. A policy parses no image, and a subject that is not
//! complete never passes.

pub mod baseline;
pub mod gitleaks_ignore;
pub mod signature;
pub mod suppress;
pub mod vex;
pub mod waiver;

use std::path::Path;

use serde::Deserialize;
use signature::SignatureDemand;
use waiver::{RawWaiver, Waiver};

use crate::advisory::model::Severity;
use crate::base;
use crate::check;
use crate::facts::Confidence;
use crate::finding::{Finding, Kind};
use crate::lint;
use crate::secret;

/// The built-in policies.
static BUILTIN: &[(&str, &str)] = &[
    ("local", include_str!("../../policies/gates/local.toml")),
    ("secrets", include_str!("../../policies/gates/secrets.toml")),
];

/// Largest policy file, in bytes.
pub const MAX_POLICY_BYTES: u64 = 1 << 20;

/// A policy, checked.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Name.
    pub name: String,
    /// Its gates, in the order of the file.
    pub gates: Vec<Gate>,
    /// Signatures that it demands.
    pub signatures: Vec<SignatureDemand>,
    /// Its waivers.
    pub waivers: Vec<Waiver>,
}

/// One condition. All fields that are set must fit for a finding to be selected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Name, for reports.
    pub name: String,
    /// One line.
    #[serde(default)]
    pub summary: String,
    /// Fails when something required could not be read.
    #[serde(default)]
    complete: bool,
    /// Kinds of findings.
    #[serde(default)]
    kinds: Vec<String>,
    /// Rules.
    #[serde(default)]
    rules: Vec<String>,
    /// Least severity; an unknown one counts as medium.
    #[serde(default)]
    min_severity: Option<Severity>,
    /// Least confidence.
    #[serde(default)]
    min_confidence: Option<Confidence>,
    /// Only vulnerabilities that have a fix (true) or have none (false).
    #[serde(default)]
    fixable: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPolicy {
    name: String,
    #[serde(default)]
    #[expect(dead_code, reason = "documentation inside the file")]
    summary: String,
    #[serde(default)]
    gate: Vec<Gate>,
    #[serde(default)]
    signature: Vec<SignatureDemand>,
    #[serde(default)]
    waiver: Vec<RawWaiver>,
}

/// Why a policy cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// No built-in policy has that name.
    #[error("there is no policy and no file `{name}`; built in are: {known}")]
    Unknown {
        /// Asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The file does not parse.
    #[error("line {line} of the policy: {reason}")]
    Malformed {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A policy without gates would let everything pass.
    #[error("the policy has no gates")]
    Empty,
    /// A gate that selects nothing would never refuse.
    #[error("gate `{gate}` demands nothing; set complete, kinds, rules, min_severity or fixable")]
    Idle {
        /// The gate.
        gate: String,
    },
    /// A rule that nothing reports.
    #[error(
        "gate `{gate}` names the rule `{rule}`, which is no check, no rule for secrets or files, and no advisory id"
    )]
    Rule {
        /// The gate.
        gate: String,
        /// What it names.
        rule: String,
    },
    /// A file of waivers does not parse.
    #[error("line {line}: {reason}")]
    Waivers {
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A waiver that says too little.
    #[error("the waiver of `{waiver}`: {reason}")]
    Waiver {
        /// What it names.
        waiver: String,
        /// What is wrong.
        reason: String,
    },
    /// A kind that no finding has.
    #[error("gate `{gate}` names the kind `{kind}`, which does not exist")]
    Kind {
        /// The gate.
        gate: String,
        /// What it names.
        kind: String,
    },
}

/// What a policy says of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The whole of it.
    pub result: Outcome,
    /// Each gate with the ids of the findings that fail it.
    pub gates: Vec<GateVerdict>,
}

/// The outcome of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Every gate passed on a complete answer.
    Pass,
    /// A gate failed.
    Fail,
    /// No gate failed, but the answer is not complete.
    Incomplete,
}

/// The outcome of one gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateVerdict {
    /// The gate's name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// Ids of the findings that fail it.
    pub findings: Vec<String>,
}

impl Policy {
    /// The built-in policy of that name.
    ///
    /// # Errors
    /// When there is none.
    pub fn builtin(name: &str) -> Result<Self, PolicyError> {
        let known = || BUILTIN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let text = BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
        Self::parse(text.ok_or_else(|| PolicyError::Unknown { name: name.to_owned(), known: known() })?)
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// When it is malformed or could never refuse anything.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let raw: RawPolicy = toml::from_str(text).map_err(|error| malformed(text, &error))?;
        if raw.gate.is_empty() && raw.signature.is_empty() {
            return Err(PolicyError::Empty);
        }
        raw.gate.iter().try_for_each(Gate::check)?;
        let waivers = raw.waiver.into_iter().map(Waiver::try_from).collect::<Result<_, _>>()?;
        Ok(Self { name: raw.name, gates: raw.gate, signatures: raw.signature, waivers })
    }

    /// A policy with the one gate that `--fail-on SEVERITY` means.
    #[must_use]
    pub fn fail_on(severity: Severity) -> Self {
        let gate = Gate {
            name: "fail-on".into(),
            summary: String::new(),
            complete: false,
            kinds: Vec::new(),
            rules: Vec::new(),
            min_severity: Some(severity),
            min_confidence: None,
            fixable: None,
        };
        Self { name: "fail-on".into(), gates: vec![gate], signatures: Vec::new(), waivers: Vec::new() }
    }

    /// What `--fail-on SEVERITY` means where only secrets are looked for: what is of low confidence is told and refuses nothing.
    #[must_use]
    pub fn fail_on_secrets(severity: Severity) -> Self {
        let mut policy = Self::fail_on(severity);
        for gate in &mut policy.gates {
            gate.kinds = vec![Kind::Secret.name().to_owned()];
            gate.min_confidence = Some(Confidence::Medium);
        }
        policy
    }

    /// Whether a gate is about secrets, so that a scan that does not look for them says nothing about it.
    #[must_use]
    pub fn demands_secrets(&self) -> bool {
        self.demands(Kind::Secret, |rule| secret::rule(rule).is_some())
    }

    /// Whether a gate is about secrets or the configuration, so that a bill of materials says nothing about it.
    #[must_use]
    pub fn demands_files(&self) -> bool {
        let is_check = |rule: &str| {
            // The rules about Dockerfiles are put to the history, too.
            check::metas().any(|meta| meta.name == rule) || lint::rule(rule).is_some()
        };
        self.demands_secrets() || self.demands(Kind::Config, is_check)
    }

    fn demands(&self, kind: Kind, has_rule: impl Fn(&str) -> bool) -> bool {
        let about = |gate: &Gate| {
            gate.kinds.iter().any(|known| known == kind.name()) || gate.rules.iter().any(|rule| has_rule(rule))
        };
        self.gates.iter().any(about)
    }

    /// Takes files that the policy names as lying in the folder of the policy.
    pub fn beside(&mut self, folder: &Path) {
        self.signatures.iter_mut().for_each(|demand| demand.beside(folder));
    }

    /// Judges the findings of one subject.
    #[must_use]
    pub fn judge(&self, findings: &[(String, Finding)], complete: bool) -> Verdict {
        let judge = |gate: &Gate| {
            let selected: Vec<String> =
                findings.iter().filter(|(_, finding)| gate.selects(finding)).map(|(id, _)| id.clone()).collect();
            let passed = selected.is_empty() && (complete || !gate.complete);
            GateVerdict { name: gate.name.clone(), passed, findings: selected }
        };
        let signed = |demand: &SignatureDemand| {
            let is_unmet = |finding: &Finding| {
                finding.rule == signature::RULE && finding.identity == demand.name && finding.set_aside.is_none()
            };
            let unmet = findings.iter().filter(|(_, finding)| is_unmet(finding));
            let unmet: Vec<String> = unmet.map(|(id, _)| id.clone()).collect();
            GateVerdict { name: demand.name.clone(), passed: unmet.is_empty(), findings: unmet }
        };
        let gates: Vec<GateVerdict> = self.gates.iter().map(judge).chain(self.signatures.iter().map(signed)).collect();
        let result = match (gates.iter().any(|gate| !gate.findings.is_empty()), complete) {
            (true, _) => Outcome::Fail,
            (false, false) => Outcome::Incomplete,
            (false, true) => Outcome::Pass,
        };
        Verdict { result, gates }
    }
}

impl Gate {
    /// Refuses what could only be a mistake.
    fn check(&self) -> Result<(), PolicyError> {
        let kinds = Kind::ALL.map(Kind::name);
        if let Some(kind) = self.kinds.iter().find(|kind| !kinds.contains(&kind.as_str())) {
            return Err(PolicyError::Kind { gate: self.name.clone(), kind: kind.clone() });
        }
        if let Some(rule) = self.rules.iter().find(|rule| !is_rule(rule)) {
            return Err(PolicyError::Rule { gate: self.name.clone(), rule: rule.clone() });
        }
        if !self.complete && !self.is_selective() {
            return Err(PolicyError::Idle { gate: self.name.clone() });
        }
        Ok(())
    }

    fn is_selective(&self) -> bool {
        !self.kinds.is_empty() || !self.rules.is_empty() || self.min_severity.is_some() || self.fixable.is_some()
    }

    fn selects(&self, finding: &Finding) -> bool {
        let is_vulnerability = matches!(finding.kind, Kind::Vulnerability | Kind::Informational);
        self.is_selective()
            && finding.set_aside.is_none()
            && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == finding.kind.name()))
            && (self.rules.is_empty() || self.rules.contains(&finding.rule))
            && self.min_severity.is_none_or(|least| counted(finding.severity) >= counted(least))
            && self.min_confidence.is_none_or(|least| finding.confidence >= least)
            && self.fixable.is_none_or(|fixable| is_vulnerability && fixable != finding.fixed_in.is_empty())
    }
}

fn malformed(text: &str, error: &toml::de::Error) -> PolicyError {
    PolicyError::Malformed { line: line_of(text, error), reason: error.message().to_owned() }
}

/// The line that an error is about, from 1.
fn line_of(text: &str, error: &toml::de::Error) -> usize {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

/// Whether something may report under that name. Ids of advisories have capitals, which names of our rules have not.
fn is_rule(name: &str) -> bool {
    name.bytes().any(|byte| byte.is_ascii_uppercase())
        || check::metas().any(|meta| meta.name == name)
        || secret::rule(name).is_some()
        || lint::rule(name).is_some()
        || base::findings::RULES.iter().any(|(rule, _)| *rule == name)
        || name == signature::RULE
}

/// An unknown severity counts as medium.
fn counted(severity: Severity) -> Severity {
    if severity == Severity::Unknown { Severity::Medium } else { severity }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(kind: Kind, rule: &str, severity: Severity) -> (String, Finding) {
        let finding = Finding::new(kind, rule, severity, "", rule);
        (finding.id(), finding)
    }

    #[test]
    fn builtin_policies_parse_and_refuse() {
        for (name, _) in BUILTIN {
            assert_eq!(Policy::builtin(name).unwrap().name, *name);
        }
        let local = Policy::builtin("local").unwrap();
        assert_eq!(local.judge(&[], true).result, Outcome::Pass);
        assert_eq!(local.judge(&[], false).result, Outcome::Incomplete, "a partial scan never passes");
        let root = finding(Kind::Config, "root-user", Severity::High);
        let verdict = local.judge(std::slice::from_ref(&root), true);
        assert_eq!(verdict.result, Outcome::Fail);
        assert_eq!(verdict.gates.iter().find(|gate| gate.name == "root-user").unwrap().findings, [root.0]);
    }

    #[test]
    fn a_definite_no_is_not_softened_by_an_incomplete_answer() {
        let found = [finding(Kind::Secret, "github-pat", Severity::Critical)];
        assert_eq!(Policy::builtin("local").unwrap().judge(&found, false).result, Outcome::Fail);
    }

    #[test]
    fn fixable_and_unknown_severities() {
        let local = Policy::builtin("local").unwrap();
        let mut vulnerability = finding(Kind::Vulnerability, "CVE-1", Severity::High);
        assert_eq!(local.judge(std::slice::from_ref(&vulnerability), true).result, Outcome::Pass, "no fix");
        vulnerability.1.fixed_in.push("2".into());
        assert_eq!(local.judge(&[vulnerability], true).result, Outcome::Fail);
        let unknown = [finding(Kind::Vulnerability, "CVE-2", Severity::Unknown)];
        assert_eq!(Policy::fail_on(Severity::Medium).judge(&unknown, true).result, Outcome::Fail);
        assert_eq!(Policy::fail_on(Severity::High).judge(&unknown, true).result, Outcome::Pass);
    }

    #[test]
    fn malformed_policies_are_refused() {
        assert!(matches!(Policy::parse("name = 'x'"), Err(PolicyError::Empty)));
        assert!(
            matches!(
                Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nkind = ['secret']"),
                Err(PolicyError::Malformed { line: 4, .. })
            ),
            "a misspelt field must not be passed over"
        );
        assert!(matches!(
            Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nkinds = ['secrets']"),
            Err(PolicyError::Kind { .. })
        ));
        assert!(matches!(
            Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nrules = ['root-usr']"),
            Err(PolicyError::Rule { .. })
        ));
        assert!(Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nrules = ['root-user', 'CVE-2030-1']").is_ok());
        assert!(matches!(
            Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nmin_confidence = 'high'"),
            Err(PolicyError::Idle { .. })
        ));
        assert!(matches!(Policy::builtin("nope"), Err(PolicyError::Unknown { .. })));
    }

    #[test]
    fn fixable_is_said_of_vulnerabilities_only() {
        let unfixed = Policy::parse("name = 'x'\n[[gate]]\nname = 'a'\nfixable = false").unwrap();
        let secret = finding(Kind::Secret, "github-pat", Severity::Critical);
        assert_eq!(unfixed.judge(&[secret], true).result, Outcome::Pass);
        let vulnerability = finding(Kind::Vulnerability, "CVE-1", Severity::Low);
        assert_eq!(unfixed.judge(&[vulnerability], true).result, Outcome::Fail);
    }
}
