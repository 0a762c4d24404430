//! What platforms stand on to the contract.

use std::collections::BTreeMap;

use crate::advisory::STALE_AFTER_DAYS;
use crate::base::lifecycle::{Standing as Support, Support as Cycle};
use crate::base::staleness::from_line;
use crate::base::{Evidence, Identity, Match};
use crate::facts::Confidence;
use crate::report::contract;
use crate::scan::bases::Standing;
use crate::scan::findings::Found;

/// Adds to a report what its platforms stand on, which findings come with that, and until when there are fixes.
pub(in crate::scan) fn stand(report: &mut contract::Report, found: &[Found], standings: &[Standing<'_>]) {
    let at = report.evaluated_at.parse().unwrap_or(jiff::civil::Date::MAX);
    let mut depths = BTreeMap::new();
    for ((platform, standing), found) in report.platforms.iter_mut().zip(standings).zip(found) {
        depths.insert(platform.platform.clone(), standing.identity.proven_layers());
        platform.support = found.support.iter().map(|cycle| support(cycle, at)).collect();
        platform.base = base(standing, &platform.support, at);
    }
    for finding in &mut report.findings {
        finding.in_base = is_in_base(finding, &depths);
    }
}

/// Whether all places of a finding are in layers of the base, on every platform that has it.
fn is_in_base(finding: &contract::Finding, depths: &BTreeMap<String, usize>) -> bool {
    let is_below = |location: &contract::Location| {
        let platforms = if location.platforms.is_empty() { &finding.platforms } else { &location.platforms };
        let depth = platforms.iter().map(|platform| depths.get(platform).copied().unwrap_or(0)).min();
        location.layer_index.zip(depth).is_some_and(|(index, depth)| index < depth)
    };
    !finding.locations.is_empty() && finding.locations.iter().all(is_below)
}

fn support(cycle: &Cycle, at: jiff::civil::Date) -> contract::Support {
    contract::Support {
        product: cycle.product.clone(),
        cycle: cycle.cycle.clone(),
        status: match cycle.standing(at) {
            Support::Supported => "supported",
            Support::EndsSoon => "ends_soon",
            Support::Ended => "ended",
        }
        .to_owned(),
        ends: cycle.ends_on().map(|day| day.to_string()),
        extended: cycle.extended_until(at).map(|day| day.to_string()),
    }
}

/// The base, or what is claimed of one; none where nothing speaks of any.
fn base(standing: &Standing<'_>, support: &[contract::Support], at: jiff::civil::Date) -> Option<contract::Base> {
    let identity = &standing.identity;
    let best = identity.evidence.iter().find(|evidence| evidence.holds != crate::base::Holds::Contradicted);
    let evidence = best.or(identity.evidence.first())?;
    let proven = identity.base.as_ref().filter(|base| base.is_proven);
    let ended = support.iter().any(|cycle| cycle.status == "ended");
    let status = match (proven, &standing.newer) {
        (None, _) => "unknown",
        (Some(_), _) if ended => "eol",
        (Some(_), Some(_)) => "behind",
        // What nobody looked at for a month may have moved.
        (Some(base), None) => {
            if was_seen(base, at) {
                "current"
            } else {
                "unknown"
            }
        }
    };
    let known = identity.base.as_ref();
    let claimed = best.filter(|_| known.is_none());
    Some(contract::Base {
        name: known.map(|base| base.name.full()).or_else(|| claimed.and_then(|claim| claim.name.clone())),
        digest: known
            .map(|base| base.name.root.to_string())
            .or_else(|| claimed.and_then(|claim| claim.digest.as_ref().map(ToString::to_string))),
        status: status.to_owned(),
        evidence: evidence.detail.clone(),
        verified: proven.is_some(),
        confidence: confidence(evidence.confidence),
        layers: identity.proven_layers(),
        official: known.map(|base| base.name.of.official),
        signed: known.and_then(|base| base.name.of.roots.get(base.name.root)?.signed),
        from: proven.map(|base| from_line(base.name.repository, base.name.tag, base.name.root)),
        below: below(identity),
        newer: standing.newer.as_ref().map(|newer| contract::NewerBase {
            name: format!("{}:{}", newer.repository, newer.tag),
            digest: newer.root.to_string(),
            releases: newer.releases,
            days: newer.days,
            fixes: ids(&standing.change.fixes),
            adds: ids(&standing.change.adds),
            from: newer.from_line(),
        }),
        statements: identity.evidence.iter().map(statement).collect(),
    })
}

/// Whether somebody lately looked at what the base's tag points to.
fn was_seen(base: &Match<'_>, at: jiff::civil::Date) -> bool {
    let seen = base.name.tag.and_then(|tag| base.name.of.current(tag)).map(|held| held.until);
    let days = seen.and_then(|seen| at.since(seen).ok()).map(|span| span.get_days());
    days.is_some_and(|days| days <= STALE_AFTER_DAYS)
}

fn below(identity: &Identity<'_>) -> Vec<contract::LowerBase> {
    let lower = |base: &Match<'_>| contract::LowerBase {
        name: base.name.full(),
        digest: base.name.root.to_string(),
        layers: base.layers,
    };
    identity.below.iter().map(lower).collect()
}

/// The advisories, each once: several packages may share one.
fn ids(changes: &BTreeMap<String, String>) -> Vec<contract::Change> {
    let change =
        |(finding, rule): (&String, &String)| contract::Change { finding: finding.clone(), rule: rule.clone() };
    let mut changes: Vec<contract::Change> = changes.iter().map(change).collect();
    changes.sort();
    changes
}

fn statement(evidence: &Evidence) -> contract::Statement {
    contract::Statement {
        source: evidence.source.name().to_owned(),
        name: evidence.name.clone(),
        digest: evidence.digest.as_ref().map(ToString::to_string),
        confidence: confidence(evidence.confidence),
        holds: evidence.holds.name().to_owned(),
        detail: evidence.detail.clone(),
    }
}

fn confidence(confidence: Confidence) -> String {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
    .to_owned()
}
