//! One platform's facts to findings: secrets in layers and in the configuration, advisories, checks.

use std::collections::BTreeSet;

use super::collect::CollectOptions;
use super::pairs::Certificates;
use super::places::{attached_secrets, config_secrets};
use super::run::{ScannedImage, ScannedPlatform};
use crate::advisory::ecosystem::OsRelease as AdvisoryOs;
use crate::advisory::model::{Severity, Urgency};
use crate::advisory::severity;
use crate::advisory::{
    AdvisoryError, Candidate, Inventory as AdvisoryInventory, Match, Store, Undetermined, coverage, is_foreign,
    match_inventory,
};
use crate::base;
use crate::base::lifecycle::{self, Support};
use crate::check;
use crate::facts::purl::{purl, purl_without_version};
use crate::facts::{
    Confidence, Evidence, FoundSecret, InstalledPackage, Inventory, PackageFact, SecretFact, SecretState, Unknown,
};
use crate::finding::{Finding, Kind, Location, SetAside};
use crate::secret::{self, RuleInfo};
use crate::source::Image;

/// Where os-release(5) looks, in that order.
const OS_RELEASE: &str = "etc/os-release";
const VENDOR_RELEASE: &str = "usr/lib/os-release";

/// What was found on one platform.
pub(super) struct Found {
    /// Findings.
    pub findings: Vec<Finding>,
    /// How far each ecosystem could be checked.
    pub coverage: Vec<crate::advisory::Coverage>,
    /// Packages that no advisory could be matched to, with the reason.
    pub undetermined: Vec<(usize, String)>,
    /// Until when the distribution and the runtimes get fixes.
    pub support: Vec<Support>,
    /// What checks could not judge.
    pub unjudged: Vec<Unknown>,
}

/// Everything that is to be said of one platform.
///
/// # Errors
/// When the advisory store is damaged.
pub(super) fn findings(
    image: &Image,
    platform: &ScannedPlatform,
    store: &Store,
    evaluated_at: jiff::civil::Date,
    certificates: &Certificates<'_>,
    collect: CollectOptions,
) -> Result<Found, AdvisoryError> {
    let name = platform.manifest.platform.to_string();
    let subject = subject(image, platform);
    let mut findings = check::run(&subject);
    findings.extend(check::expired_certificates(&subject, evaluated_at));
    findings.extend(platform.inventory.secrets.iter().map(|found| file_secret(&subject, certificates, found)));
    if collect.secrets {
        let mut found = config_secrets(image, platform, collect.reveal);
        found.extend(attached_secrets(image, collect.reveal));
        // What is known to be a secret needs no guess by its name.
        findings.retain(|finding| finding.rule != check::SECRET_NAME || !is_among(finding, &found));
        findings.extend(found);
    }
    let (candidates, os) = candidates(&platform.inventory);
    let inventory = AdvisoryInventory { packages: &candidates, os };
    let outcome = match_inventory(store, &inventory)?;
    let coverage = coverage(store, &inventory, &outcome.suppressed, evaluated_at);
    findings.extend(outcome.matches.iter().map(|found| vulnerability_at(&subject, found)));
    let support = lifecycle::support(store, &platform.inventory)?;
    let place = |package: Option<&InstalledPackage>| match package {
        Some(package) => subject.place(&package.place(), package.layer),
        None => subject.well_known(if platform.inventory.live.contains_key(OS_RELEASE) {
            OS_RELEASE
        } else {
            VENDOR_RELEASE
        }),
    };
    findings.extend(base::findings::of_support(&support, &platform.inventory, evaluated_at, &place));
    for finding in &mut findings {
        finding.seen_on(&name);
    }
    let undetermined =
        outcome.undetermined.iter().map(|Undetermined { package, reason }| (*package, reason.to_string())).collect();
    let unjudged = check::unknowns(&subject);
    Ok(Found { findings, coverage, undetermined, support, unjudged })
}

/// What checks look at.
fn subject<'a>(image: &'a Image, platform: &'a ScannedPlatform) -> check::Subject<'a> {
    let is_named = matches!(image.transport, "registry" | "docker-daemon");
    check::Subject {
        manifest: &platform.manifest,
        inventory: &platform.inventory,
        reference: is_named.then_some(image.reference.as_str()),
        has_config: image.has_config(),
        annotations: &image.annotations,
    }
}

/// What the platforms of an image do not have in common.
pub(super) fn across(scanned: &ScannedImage) -> Vec<Finding> {
    // A platform that was not read whole differs in what was not read.
    let complete = scanned.platforms.iter().filter(|platform| platform.complete);
    let subjects: Vec<check::Subject<'_>> = complete.map(|platform| subject(&scanned.image, platform)).collect();
    check::differences(&subjects, &scanned.image.offered)
}

/// Only the secrets of one platform, in its files and its configuration.
pub(super) fn secrets(
    image: &Image,
    platform: &ScannedPlatform,
    certificates: &Certificates<'_>,
    collect: CollectOptions,
) -> Found {
    let subject = subject(image, platform);
    let mut findings: Vec<Finding> =
        platform.inventory.secrets.iter().map(|found| file_secret(&subject, certificates, found)).collect();
    findings.extend(config_secrets(image, platform, collect.reveal));
    findings.extend(attached_secrets(image, collect.reveal));
    let name = platform.manifest.platform.to_string();
    findings.iter_mut().for_each(|finding| finding.seen_on(&name));
    Found { findings, coverage: Vec::new(), undetermined: Vec::new(), support: Vec::new(), unjudged: Vec::new() }
}

/// Whether a finding is at a place of one of the others.
fn is_among(finding: &Finding, others: &[Finding]) -> bool {
    let sure = others.iter().filter(|other| other.confidence > Confidence::Low);
    sure.flat_map(|other| other.locations.keys()).any(|place| finding.locations.contains_key(place))
}

pub(super) fn candidates(inventory: &Inventory) -> (Vec<Candidate<'_>>, Option<AdvisoryOs<'_>>) {
    let os = inventory.os.as_ref().map(|os| AdvisoryOs {
        id: &os.id,
        version_id: Some(os.version_id.as_str()).filter(|version| !version.is_empty()),
        version: Some(os.pretty_name.as_str()).filter(|name| !name.is_empty()),
        channels: &inventory.channels,
    });
    // A third party's package (Docker's, NVIDIA's) is no business of the distribution, nor are the language packages in it.
    let is_own = |fact: &&PackageFact| fact.kind.is_os() && !os.as_ref().is_some_and(|os| is_foreign(fact, os));
    let own: BTreeSet<&str> =
        inventory.packages.iter().map(|package| &package.fact).filter(is_own).map(|fact| fact.name.as_str()).collect();
    let candidates = inventory.packages.iter().map(|package| Candidate {
        package: &package.fact,
        owned_by_os: package.owner.as_deref().is_some_and(|owner| own.contains(owner)),
        main_module: package.is_program,
    });
    (candidates.collect(), os)
}

/// A vulnerability of a package, at the package's place.
fn vulnerability_at(subject: &check::Subject<'_>, found: &Match) -> Finding {
    let finding = vulnerability(subject.inventory, found);
    match subject.inventory.packages.get(found.package) {
        Some(package) => finding.at(subject.place(&package.place(), package.layer)),
        None => finding,
    }
}

/// A vulnerability of a package.
pub(super) fn vulnerability(inventory: &Inventory, found: &Match) -> Finding {
    let installed = inventory.packages.get(found.package);
    let os = inventory.os.as_ref();
    let (name, purl, identity) = installed.map_or_else(Default::default, |package| {
        (
            format!("{} {}", package.fact.name, package.fact.version),
            purl(&package.fact, os),
            purl_without_version(&package.fact, os),
        )
    });
    let kind = if found.informational.is_some() { Kind::Informational } else { Kind::Vulnerability };
    let fix = found.fixed_in.first();
    let title = match (found.informational, fix) {
        (Some(class), _) => format!("{name}: {}", format!("{class:?}").to_ascii_lowercase()),
        (None, Some(fix)) => format!("{name}: fixed in {fix}"),
        (None, None) => match found.subscription_fixes.first() {
            Some(fix) => format!("{name}: fixed in {fix}, for Ubuntu Pro only"),
            None => format!("{name}: no fix known"),
        },
    };
    let mut finding = Finding::new(kind, &found.id, found.severity, title, identity);
    finding.packages.insert(purl);
    finding.status = Some(found.status);
    finding.fixed_in.clone_from(&found.fixed_in);
    finding.aliases.clone_from(&found.aliases);
    finding.cvss = found.cvss;
    finding.exploitation = found.exploitation;
    finding.informational = found.informational;
    finding.confidence = match found.confidence {
        crate::advisory::Confidence::High => Confidence::High,
        crate::advisory::Confidence::Medium => Confidence::Medium,
        crate::advisory::Confidence::Low => Confidence::Low,
    };
    // What nobody recorded as installed may not be there.
    if installed.is_some_and(|package| package.fact.evidence == Evidence::Listed) {
        finding.confidence = Confidence::Low;
    }
    finding.evidence = Some(format!("{}: {}", found.source, found.range));
    finding.remediation = match (fix, found.subscription_fixes.first()) {
        (Some(fix), _) => Some(format!("update to {fix} or later")),
        (None, Some(fix)) => {
            Some(format!("attach the build to Ubuntu Pro and update to {fix} or later, or move to a newer release"))
        }
        (None, None) => None,
    };
    if found.urgency == Urgency::Unimportant {
        let reason = "unimportant: no security problem as the distribution builds the package".to_owned();
        finding.set_aside = Some(SetAside { state: "suppressed", by: found.source.clone(), reason, expires: None });
    }
    finding
}

fn file_secret(subject: &check::Subject<'_>, certificates: &Certificates<'_>, found: &FoundSecret) -> Finding {
    let state = match found.state {
        SecretState::Present => "present",
        SecretState::Deleted { .. } => "deleted",
        SecretState::Overwritten { .. } => "overwritten",
    };
    let inside = found.inside.as_ref().map(|inside| format!("!{inside}")).unwrap_or_default();
    let identity = place_identity(&format!("{}{inside}", found.path), &found.secret);
    let mut finding = secret_finding(&found.secret, &identity);
    if is_published(found) && secret::rule(&found.secret.rule).is_some_and(RuleInfo::goes_by_context) {
        finding.confidence = Confidence::Low;
    }
    if let (Some(evidence), Some(more)) = (&mut finding.evidence, certificates.of(&found.secret)) {
        evidence.push_str(&more);
    }
    let Location::File { path, layer, layer_index, instruction, .. } = subject.place(&found.path, found.layer) else {
        return finding;
    };
    let path = path + &inside;
    finding.at(Location::File { path, layer, layer_index, line: found.secret.line, state, instruction })
}

/// What identifies a secret in a file that has no fingerprint: the place with the key's name or, where it has none, with what may be shown of the
/// secret, so that two of them in one file are two. It says no more than the report.
pub(super) fn place_identity(place: &impl std::fmt::Display, fact: &SecretFact) -> String {
    format!("{place}:{}", fact.key.as_deref().unwrap_or(&fact.masked))
}

/// What a distribution publishes in a package is an example or a default, unless it has the form of a token. Only below `/usr`, where nobody but the package
/// manager writes: configuration files are owned by packages too, and are there to be changed.
fn is_published(found: &FoundSecret) -> bool {
    found.owner.is_some() && found.state == SecretState::Present && found.path.as_bytes().starts_with(b"usr/")
}

pub(super) fn secret_finding(fact: &SecretFact, place: &str) -> Finding {
    let rule = secret::rule(&fact.rule);
    let title = rule.map_or_else(|| fact.rule.clone(), |rule| rule.title.clone());
    let severity = rule.and_then(|rule| severity::from_word(&rule.severity)).unwrap_or(Severity::High);
    // The value itself identifies a secret only where nobody could guess it from its hash.
    let identity = fact.fingerprint.clone().unwrap_or_else(|| place.to_owned());
    let mut finding = Finding::new(Kind::Secret, &fact.rule, severity, title, identity);
    finding.confidence = fact.confidence;
    let decoded = fact.encoding.map(|encoding| format!(", decoded from {}", encoding.name())).unwrap_or_default();
    finding.evidence = Some(match fact.key.as_deref() {
        None | Some("") => format!("{}{decoded}", fact.masked),
        Some(key) => format!("{key} = {}{decoded}", fact.masked),
    });
    finding.remediation = Some(remediation(rule));
    finding.allowed_inline = fact.allowed_inline;
    finding.values.extend(fact.value.clone());
    finding
}

/// What to do about a leaked secret: what always helps, what the rule adds, and where to rotate it.
fn remediation(rule: Option<&RuleInfo>) -> String {
    let mut text = secret::REMEDIATION.to_owned();
    let Some(rule) = rule else { return text };
    for (lead, more) in [("; ", &rule.remediation), ("; rotate at ", &rule.rotation)] {
        if !more.is_empty() {
            text.push_str(lead);
            text.push_str(more);
        }
    }
    text
}
