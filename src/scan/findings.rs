//! One platform's facts to findings: secrets in layers and in the configuration, advisories, checks.

use std::collections::BTreeSet;

use super::run::ScannedPlatform;
use crate::advisory::ecosystem::OsRelease as AdvisoryOs;
use crate::advisory::model::{Severity, Urgency};
use crate::advisory::severity;
use crate::advisory::{
    AdvisoryError, Candidate, Inventory as AdvisoryInventory, Match, Store, Undetermined, coverage, is_foreign,
    match_inventory,
};
use crate::check;
use crate::facts::purl::{purl, purl_without_version};
use crate::facts::{Confidence, Evidence, FoundSecret, Inventory, PackageFact, SecretFact, SecretState};
use crate::finding::{Finding, Kind, Location, SetAside};
use crate::secret::{self, RuleInfo, Scanner};
use crate::source::Image;

/// Most build arguments of one step that are looked at one by one; of more, the rest counts as part of the command.
const MAX_ARGUMENTS: usize = 256;

/// What was found on one platform.
pub(super) struct Found {
    /// Findings.
    pub findings: Vec<Finding>,
    /// How far each ecosystem could be checked.
    pub coverage: Vec<crate::advisory::Coverage>,
    /// Packages that no advisory could be matched to, with the reason.
    pub undetermined: Vec<(usize, String)>,
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
    secrets: bool,
) -> Result<Found, AdvisoryError> {
    let name = platform.manifest.platform.to_string();
    let subject =
        check::Subject { manifest: &platform.manifest, inventory: &platform.inventory, has_config: image.has_config() };
    let mut findings = check::run(&subject);
    findings.extend(platform.inventory.secrets.iter().map(|found| file_secret(&subject, found)));
    if secrets {
        let found = config_secrets(image, platform);
        // What is known to be a secret needs no guess by its name.
        findings.retain(|finding| finding.rule != check::SECRET_NAME || !is_among(finding, &found));
        findings.extend(found);
    }
    let (candidates, os) = candidates(&platform.inventory);
    let inventory = AdvisoryInventory { packages: &candidates, os };
    let outcome = match_inventory(store, &inventory)?;
    let coverage = coverage(store, &inventory, &outcome.suppressed, evaluated_at);
    findings.extend(outcome.matches.iter().map(|found| vulnerability(&subject, found)));
    for finding in &mut findings {
        finding.seen_on(&name);
    }
    let undetermined =
        outcome.undetermined.iter().map(|Undetermined { package, reason }| (*package, reason.to_string())).collect();
    Ok(Found { findings, coverage, undetermined })
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
        ubuntu_pro: false,
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

fn vulnerability(subject: &check::Subject<'_>, found: &Match) -> Finding {
    let inventory = subject.inventory;
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
        finding.set_aside = Some(SetAside { state: "suppressed", by: found.source.clone(), reason });
    }
    match installed {
        Some(package) => finding.at(subject.place(&package.place(), package.layer)),
        None => finding,
    }
}

fn file_secret(subject: &check::Subject<'_>, found: &FoundSecret) -> Finding {
    let state = match found.state {
        SecretState::Present => "present",
        SecretState::Deleted { .. } => "deleted",
        SecretState::Overwritten { .. } => "overwritten",
    };
    let inside = found.inside.as_ref().map(|inside| format!("!{inside}")).unwrap_or_default();
    let identity = format!("{}{inside}:{}", found.path, found.secret.key.as_deref().unwrap_or_default());
    let mut finding = secret_finding(&found.secret, &identity);
    if is_published(found) && secret::rule(&found.secret.rule).is_some_and(RuleInfo::goes_by_context) {
        finding.confidence = Confidence::Low;
    }
    let Location::File { path, layer, layer_index, instruction, .. } = subject.place(&found.path, found.layer) else {
        return finding;
    };
    let path = path + &inside;
    finding.at(Location::File { path, layer, layer_index, line: found.secret.line, state, instruction })
}

/// What a distribution publishes in a package is an example or a default, unless it has the form of a token. Only below `/usr`, where nobody but the package
/// manager writes: configuration files are owned by packages too, and are there to be changed.
fn is_published(found: &FoundSecret) -> bool {
    found.owner.is_some() && found.state == SecretState::Present && found.path.as_bytes().starts_with(b"usr/")
}

fn secret_finding(fact: &SecretFact, place: &str) -> Finding {
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

/// A text of the configuration that may hold a secret.
struct ConfigText {
    /// As the report names it: `env:NAME`, `history:INDEX:NAME`.
    place: String,
    /// What stays the same when a build step is added before it: the place without the step's index.
    identity: String,
    name: String,
    value: String,
    /// A build argument; no check looks at its name, as one does at a variable's.
    is_argument: bool,
}

impl ConfigText {
    fn new(place: String, name: &str, value: &str) -> Self {
        Self { identity: place.clone(), place, name: name.to_owned(), value: value.to_owned(), is_argument: false }
    }
}

/// Environment, labels, history with build arguments, and annotations. Of several with one name each is looked at: all of them are published.
fn config_texts(image: &Image, platform: &ScannedPlatform) -> Vec<ConfigText> {
    let manifest = &platform.manifest;
    let config = &manifest.config.config;
    let mut texts = Vec::new();
    let env = config.env.iter().filter_map(|pair| pair.split_once('='));
    texts.extend(env.map(|(name, value)| ConfigText::new(format!("env:{name}"), name, value)));
    texts.extend(config.labels.iter().map(|(name, value)| ConfigText::new(format!("label:{name}"), name, value)));
    let annotations = image.annotations.iter().chain(&manifest.annotations);
    texts.extend(annotations.map(|(name, value)| ConfigText::new(format!("annotation:{name}"), name, value)));
    for (place, words) in [("entrypoint", &config.entrypoint), ("cmd", &config.cmd), ("onbuild", &config.on_build)] {
        texts.push(ConfigText::new(place.to_owned(), "", &words.join(" ")));
    }
    if let Some(check) = &config.healthcheck {
        texts.push(ConfigText::new("healthcheck".to_owned(), "", &check.test.join(" ")));
    }
    for (index, step) in manifest.config.history.iter().enumerate() {
        let (arguments, rest) = build_arguments(&step.created_by);
        for (name, value) in arguments {
            let identity = format!("history:{name}");
            let place = format!("history:{index}:{name}");
            texts.push(ConfigText { identity, is_argument: true, ..ConfigText::new(place, name, value) });
        }
        let rest = ConfigText::new(format!("history:{index}"), "", rest);
        texts.push(ConfigText { identity: "history".to_owned(), ..rest });
    }
    texts
}

fn config_secrets(image: &Image, platform: &ScannedPlatform) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in config_texts(image, platform) {
        let scanner = Scanner::builtin();
        let facts = if text.is_argument {
            scanner.scan_argument(&text.name, &text.value)
        } else {
            scanner.scan_value(&text.name, &text.value)
        };
        for fact in facts {
            findings.push(secret_finding(&fact, &text.identity).at(Location::Config(text.place.clone())));
        }
    }
    findings
}

/// A step's build arguments, and what is left of it. Docker's classic builder writes `|2 NAME=value OTHER=value /bin/sh -c …`, BuildKit
/// puts `RUN ` before that; both write `ARG NAME=value` (the classic one behind `#(nop) `).
fn build_arguments(created_by: &str) -> (Vec<(&str, &str)>, &str) {
    let step = created_by.strip_prefix("/bin/sh -c #(nop)").unwrap_or(created_by).trim_start();
    if let Some(argument) = step.strip_prefix("ARG ") {
        return (argument.trim().split_once('=').into_iter().collect(), "");
    }
    let Some((count, mut rest)) =
        step.strip_prefix("RUN ").unwrap_or(step).strip_prefix('|').and_then(|rest| rest.split_once(' '))
    else {
        return (Vec::new(), created_by);
    };
    let mut arguments = Vec::new();
    for _ in 0..count.parse::<usize>().unwrap_or(0).min(MAX_ARGUMENTS) {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        arguments.extend(word.split_once('='));
        rest = after;
    }
    (arguments, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_arguments_stand_in_front_of_the_command() {
        for step in
            ["|2 TOKEN=abc MODE=x /bin/sh -c make TARGET=all", "RUN |2 TOKEN=abc MODE=x /bin/sh -c make TARGET=all"]
        {
            assert_eq!(build_arguments(step), (vec![("TOKEN", "abc"), ("MODE", "x")], "/bin/sh -c make TARGET=all"));
        }
        for step in ["ARG TOKEN=a b", "/bin/sh -c #(nop)  ARG TOKEN=a b"] {
            assert_eq!(build_arguments(step), (vec![("TOKEN", "a b")], ""));
        }
        assert_eq!(build_arguments("ARG TOKEN"), (vec![], ""));
        for step in ["/bin/sh -c A=b", "RUN /bin/sh -c A=b # buildkit", "|", "|x"] {
            assert_eq!(build_arguments(step), (vec![], step));
        }
    }
}
