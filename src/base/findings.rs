//! A base and the support of what is in it to findings of the kinds `base` and `eol`.

use jiff::civil::Date;

use super::identify::{Evidence, Holds, Identity, Match, Source};
use super::lifecycle::{Standing, Support};
use super::name::familiar;
use super::staleness::{Newer, from_line};
use crate::advisory::model::Severity;
use crate::facts::purl::{purl, purl_without_version};
use crate::facts::{InstalledPackage, Inventory};
use crate::finding::{Finding, Kind, Location};

/// A rule of this room: its id and one line.
pub type Rule = (&'static str, &'static str);

/// The base is not the newest of its line.
pub const BEHIND: Rule = ("base-behind", "the base image is not the newest of its line");
/// The base is not what the image says.
pub const CONTRADICTED: Rule = ("base-contradicted", "the image says that it stands on a base whose layers it has not");
/// The base was taken by a tag.
pub const UNPINNED: Rule = ("base-unpinned", "the base image was taken by a tag that moves");
/// The base is nobody's.
pub const UNOFFICIAL: Rule =
    ("base-unofficial", "the base image is neither one of Docker's official images nor one of yours");
/// The base is not signed.
pub const UNSIGNED: Rule = ("base-unsigned", "no signature hangs on the base image");
/// Something gets no more fixes.
pub const END_OF_LIFE: Rule = ("end-of-life", "the distribution or a runtime gets no more fixes, or soon will not");

/// All rules, in the order of the docs.
pub const RULES: [Rule; 6] = [BEHIND, CONTRADICTED, UNPINNED, UNOFFICIAL, UNSIGNED, END_OF_LIFE];

/// Where a finding about a base is: it is the image as a whole.
fn place() -> Location {
    Location::Config("base".into())
}

/// What there is to say of an image's base. `fixes` is how many of the image's vulnerabilities the newer base has not.
#[must_use]
pub fn of_base(identity: &Identity<'_>, newer: Option<&Newer<'_>>, fixes: usize) -> Vec<Finding> {
    let mut findings: Vec<Finding> = identity.contradicted().map(contradicted).collect();
    if let Some(base) = identity.base.as_ref().filter(|base| base.is_proven) {
        findings.extend(newer.map(|newer| behind(base, newer, fixes)));
        findings.extend((!base.name.of.official).then(|| unofficial(base)));
        let signed = base.name.of.roots.get(base.name.root).and_then(|root| root.signed);
        findings.extend((signed == Some(false)).then(|| unsigned(base)));
    }
    findings.extend(unpinned(identity));
    findings
}

fn behind(base: &Match<'_>, newer: &Newer<'_>, fixes: usize) -> Finding {
    let releases = if newer.releases == 1 { "1 release".to_owned() } else { format!("{} releases", newer.releases) };
    let days = newer.days.map(|days| format!(" and {days} days")).unwrap_or_default();
    let severity = if fixes > 0 { Severity::Medium } else { Severity::Low };
    let title = format!("{} is {releases}{days} behind {}:{}", base.name.full(), familiar(newer.repository), newer.tag);
    let mut finding = Finding::new(Kind::Base, BEHIND.0, severity, title, base.name.repository).at(place());
    finding.evidence = Some(match fixes {
        0 => "the newer one fixes nothing that is known".to_owned(),
        1 => "1 vulnerability of the image is not in the newer one".to_owned(),
        fixes => format!("{fixes} vulnerabilities of the image are not in the newer one"),
    });
    finding.advise(format!("build on it: {}", newer.from_line()))
}

fn contradicted(evidence: &Evidence) -> Finding {
    let name = evidence.name.clone().unwrap_or_default();
    let identity = if name.is_empty() { evidence.source.name().to_owned() } else { name };
    let title = format!("the image {}", evidence.detail);
    let finding = Finding::new(Kind::Base, CONTRADICTED.0, Severity::Medium, title, identity).at(place());
    finding.advise("find out who built it, and of what; whoever goes by that word judges another image")
}

/// What an image was built from is told by its builder, or not at all.
fn unpinned(identity: &Identity<'_>) -> Option<Finding> {
    let is_base = |evidence: &&Evidence| match &identity.base {
        Some(base) if base.is_proven => evidence.holds == Holds::Confirmed || named_like(evidence, base),
        _ => evidence.source == Source::History,
    };
    let told = identity.evidence.iter().filter(is_base).find(|evidence| evidence.pinned.is_some())?;
    if told.pinned == Some(true) {
        return None;
    }
    let name = told.name.clone()?;
    let title = format!("the base was taken as `{name}`, which is another image tomorrow");
    let finding = Finding::new(Kind::Base, UNPINNED.0, Severity::Low, title, name).at(place());
    let line = identity.base.as_ref().map(|base| from_line(base.name.repository, base.name.tag, base.name.root));
    Some(finding.advise(match line {
        Some(line) => format!("name it by its digest: {line}"),
        None => "name it by its digest, FROM name:tag@sha256:…".to_owned(),
    }))
}

fn named_like(evidence: &Evidence, base: &Match<'_>) -> bool {
    evidence
        .name
        .as_deref()
        .is_some_and(|name| name.strip_prefix(base.name.repository).is_some_and(|rest| rest.starts_with(':')))
}

fn unofficial(base: &Match<'_>) -> Finding {
    let title = format!("nobody vouches for the base {}", familiar(base.name.repository));
    let finding = Finding::new(Kind::Base, UNOFFICIAL.0, Severity::Negligible, title, base.name.repository).at(place());
    finding.advise("take one of Docker's official images, or declare it yours: `imgguard base index --official`")
}

fn unsigned(base: &Match<'_>) -> Finding {
    let title = format!("no signature was found on the base {}", base.name.full());
    let finding = Finding::new(Kind::Base, UNSIGNED.0, Severity::Low, title, base.name.repository).at(place());
    finding.advise("take a base whose publisher signs it, or sign what you checked: `imgguard sign`")
}

/// What there is to say of the support of an image's distribution and runtimes.
///
/// `place` is where a package is, or the distribution names itself.
#[must_use]
pub fn of_support(
    support: &[Support],
    inventory: &Inventory,
    at: Date,
    place: &dyn Fn(Option<&InstalledPackage>) -> Location,
) -> Vec<Finding> {
    let finding = |support: &Support| {
        let package = support.package.and_then(|number| inventory.packages.get(number));
        Some(end_of_life(support, package, inventory, at)?.at(place(package)))
    };
    support.iter().filter_map(finding).collect()
}

fn end_of_life(
    support: &Support,
    package: Option<&InstalledPackage>,
    inventory: &Inventory,
    at: Date,
) -> Option<Finding> {
    let name = format!("{} {}", support.product, support.cycle);
    let extended = support.extended_until(at);
    let on = support.ends_on().map(|end| format!(" on {end}"));
    let (severity, title) = match support.standing(at) {
        Standing::Supported => return None,
        Standing::EndsSoon => {
            (Severity::Low, format!("{name} gets no more fixes from{} on", on?.trim_start_matches(" on")))
        }
        Standing::Ended => {
            let severity = if extended.is_some() { Severity::Medium } else { Severity::High };
            (severity, format!("{name} reached its end of life{}", on.unwrap_or_default()))
        }
    };
    let os = inventory.os.as_ref();
    let identity = package.map_or_else(|| support.product.clone(), |package| purl_without_version(&package.fact, os));
    let mut finding = Finding::new(Kind::Eol, END_OF_LIFE.0, severity, title, format!("{identity} {}", support.cycle));
    finding.packages.extend(package.map(|package| purl(&package.fact, os)));
    finding.evidence = Some(match extended {
        Some(until) => {
            format!("endoflife.date; extended support, which may have to be paid or asked for, goes on until {until}")
        }
        None => "endoflife.date".to_owned(),
    });
    let advice = if package.is_some() { "move to a version" } else { "build on a release" };
    Some(finding.advise(format!("{advice} of {} that is maintained", support.product)))
}
