//! Under which ecosystem, name and version a package is looked up.

use std::borrow::Cow;

use super::{Candidate, Reason, foreign};
use crate::advisory::ecosystem::{self, NameKind, OsRelease};
use crate::facts::{PackageFact, PackageKind};

/// One look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) ecosystem: Cow<'a, str>,
    pub(super) name: &'a str,
    pub(super) version: Cow<'a, str>,
    /// Its rows replace those of the same record in targets without this mark (Ubuntu Pro's fixes, where they can be installed).
    pub(super) overrides: bool,
}

/// Texts that build tools write where they know no version.
const UNKNOWN_VERSIONS: [&str; 6] = ["", "unknown", "UNKNOWN", "(unknown)", "none", "None"];

/// The look-ups of a package; none where the operating system's data is about other packages.
pub(super) fn targets<'a>(
    candidate: &Candidate<'a>,
    os: Option<&OsRelease<'_>>,
    ecosystem: Option<&'a str>,
) -> Result<Vec<Target<'a>>, Reason> {
    let package = candidate.package;
    if UNKNOWN_VERSIONS.contains(&package.version.trim()) {
        return Err(Reason::NoVersion);
    }
    if let Some(language) = ecosystem::of_language(package.kind) {
        let version = language_version(candidate)?;
        return Ok(vec![Target { ecosystem: language.into(), name: &package.name, version, overrides: false }]);
    }
    let ecosystem =
        ecosystem.filter(|ecosystem| ecosystem::manages(ecosystem, package.kind)).ok_or(Reason::NoRelease)?;
    if foreign::is_foreign(package, ecosystem) {
        return Err(Reason::Foreign);
    }
    let mut targets = os_targets(package, ecosystem);
    let pro = os.is_some_and(|os| os.ubuntu_pro)
        || package.version.contains("+esm")
        || package.source_or_self().1.contains("+esm");
    if let Some(pro) = ecosystem::ubuntu_pro(ecosystem).filter(|_| pro) {
        let mut esm = targets.clone();
        esm.iter_mut().for_each(|target| (target.ecosystem, target.overrides) = (pro.clone().into(), true));
        targets.extend(esm);
    }
    Ok(targets)
}

fn language_version<'a>(candidate: &Candidate<'a>) -> Result<Cow<'a, str>, Reason> {
    let version = candidate.package.version.trim();
    if candidate.package.kind != PackageKind::Go {
        return Ok(version.into());
    }
    if version == "(devel)" || (candidate.main_module && is_untagged_pseudo_version(version)) {
        return Err(Reason::Development);
    }
    // Go writes experiments and vendor marks after a space: `go1.22.3 X:boringcrypto`.
    Ok(version.split(' ').next().unwrap_or(version).into())
}

/// `v0.0.0-20240102150405-abcdefabcdef`: a commit that no tag precedes. For a main module that is where the build ran, not a release.
fn is_untagged_pseudo_version(version: &str) -> bool {
    version.trim_start_matches('v').starts_with("0.0.0-")
}

fn os_targets<'a>(package: &'a PackageFact, ecosystem: &'a str) -> Vec<Target<'a>> {
    let target = |name, version| Target { ecosystem: ecosystem.into(), name, version, overrides: false };
    let own = || target(package.name.as_str(), package.version.as_str().into());
    let (name, version) = package.source_or_self();
    let source = || target(name, source_version(package, version));
    match ecosystem::name_kind(ecosystem) {
        NameKind::Binary => vec![own()],
        NameKind::Source => vec![source()],
        NameKind::Both if name == package.name => vec![own()],
        NameKind::Both => vec![own(), source()],
    }
}

/// rpm writes no epoch into the name of the source package, but the source has the epoch that its packages show.
fn source_version<'a>(package: &'a PackageFact, version: &'a str) -> Cow<'a, str> {
    let epoch = package.version.split_once(':').map(|(epoch, _)| epoch);
    match epoch.filter(|_| package.kind == PackageKind::Rpm && !version.contains(':')) {
        Some(epoch) => format!("{epoch}:{version}").into(),
        None => version.into(),
    }
}
