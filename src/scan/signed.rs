//! The signatures that a policy demands: what was found, as findings where a demand is not met and as entries of the report.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::advisory::model::Severity;
use crate::check::controls::Evidence;
use crate::finding::{Finding, Kind, Location};
use crate::policy::Policy;
use crate::policy::signature::{Of, RULE, SignatureDemand};
use crate::sign::verify::{Judged, Verified};

/// By image, as its report names it: what became of each demand, in the order of the policy.
pub type Signatures = BTreeMap<String, Vec<Signed>>;

/// What became of one demand.
pub struct Signed {
    /// The demand's name.
    pub demand: String,
    /// Whether it is met.
    pub is_met: bool,
    /// Everything that was found.
    pub verified: Vec<Verified>,
    /// Why it is not met, where that is not for want of signatures.
    pub obstacle: Option<String>,
}

/// The demands that are not met. One that nobody looked at is none that is met.
pub(super) fn findings(policy: &Policy, signed: &[Signed]) -> Vec<Finding> {
    let outcome = |demand: &SignatureDemand| signed.iter().find(|signed| signed.demand == demand.name);
    let unmet = policy.signatures.iter().map(|demand| (demand, outcome(demand)));
    unmet
        .filter(|(_, signed)| signed.is_none_or(|signed| !signed.is_met))
        .map(|(d, signed)| finding(d, signed))
        .collect()
}

fn finding(demand: &SignatureDemand, signed: Option<&Signed>) -> Finding {
    let what = if demand.predicate_type.is_some() { "attested" } else { "signed" };
    let title = format!("not {what} as `{}` demands", demand.name);
    let mut finding = Finding::new(Kind::Signature, RULE, Severity::High, title, &demand.name);
    finding.aliases = control(demand).iter().map(|alias| (*alias).to_owned()).collect();
    finding.evidence = Some(signed.map_or_else(|| "nothing was looked at".to_owned(), reasons));
    finding.remediation = Some(format!("have it {what} by who is named there, or see `imgguard verify --explain`"));
    finding.at(Location::Config("signature".to_owned()))
}

/// The control that a demand is about: a trusted base, content trust, or attestations.
fn control(demand: &SignatureDemand) -> &'static [&'static str] {
    match (demand.of, &demand.predicate_type) {
        (Of::Base, _) => &["CIS-4.2", "CIS-DI-0002"],
        (Of::Image, None) => &["CIS-4.5", "CIS-DI-0005"],
        (Of::Image, Some(_)) => &["CIS-4.12"],
    }
}

/// What was verified in this run.
pub(super) fn evidence(policy: &Policy, signed: &[Signed]) -> impl Iterator<Item = Evidence> {
    let is_met = |demand: &&SignatureDemand| signed.iter().any(|signed| signed.demand == demand.name && signed.is_met);
    policy.signatures.iter().filter(is_met).map(|demand| match (demand.of, &demand.predicate_type) {
        (Of::Base, _) => Evidence::TrustedBase,
        (Of::Image, None) => Evidence::Signature,
        (Of::Image, Some(_)) => Evidence::Attestations,
    })
}

/// Why what was found is not enough.
fn reasons(signed: &Signed) -> String {
    let refused = signed.verified.iter().flat_map(|verified| &verified.candidates);
    let mut reasons: Vec<String> = signed.obstacle.iter().cloned().collect();
    for judged in refused {
        let Err(rejection) = &judged.outcome else { continue };
        let reason = format!("{}: {rejection}", judged.place);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() { "nothing was found".to_owned() } else { reasons.join("; ") }
}

/// What the report lists.
pub(super) fn entries(signed: &[Signed]) -> Vec<Value> {
    let of = |signed: &Signed, verified: &Verified| -> Vec<Value> {
        verified.candidates.iter().map(|judged| entry(&signed.demand, verified, judged)).collect()
    };
    signed.iter().flat_map(|signed| signed.verified.iter().flat_map(|verified| of(signed, verified))).collect()
}

fn entry(demand: &str, verified: &Verified, judged: &Judged) -> Value {
    let identity = judged.outcome.as_ref().ok().map(|accepted| accepted.proof.signer().to_string());
    json!({
        "kind": judged.place.name(), "demand": demand, "digest": verified.digest,
        "platform": verified.platform.as_ref().map(ToString::to_string),
        "identity": identity, "verified": judged.outcome.is_ok(),
        "reason": judged.outcome.as_ref().err().map(ToString::to_string),
    })
}
