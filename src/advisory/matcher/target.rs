//! Under which ecosystem, name and version a package is looked up.

use std::borrow::Cow;

use super::{Candidate, Reason, foreign};
use crate::advisory::ecosystem::{self, NameKind, OsRelease};
use crate::facts::{PackageFact, PackageKind};

/// One look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::advisory) struct Target<'a> {
    pub(in crate::advisory) ecosystem: Cow<'a, str>,
    pub(in crate::advisory) name: &'a str,
    pub(in crate::advisory) version: Cow<'a, str>,
    pub(in crate::advisory) role: Role,
}

/// What a look-up is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::advisory) enum Role {
    /// Rows of the package's own release.
    Ordinary,
    /// A channel that the image takes besides its release. Its rows replace those of the same record in other look-ups, and where it has a fix that is installed, records
    /// about no other flaws are not believed of the release: Ubuntu Pro, Red Hat's EUS, SUSE's LTSS, Amazon's extras.
    Overriding,
    /// Its fixes cannot be installed, but they tell of flaws: Ubuntu Pro's fixes on an image without Pro. Comes after the ordinary ones.
    Subscription,
}

/// Texts that build tools write where they know no version.
const UNKNOWN_VERSIONS: [&str; 6] = ["", "unknown", "UNKNOWN", "(unknown)", "none", "None"];

/// The look-ups of a package; none where the operating system's data is about other packages.
pub(in crate::advisory) fn targets<'a>(
    candidate: &Candidate<'a>,
    os: Option<&OsRelease<'_>>,
    ecosystem: Option<&'a str>,
    streams: &'a [String],
) -> Result<Vec<Target<'a>>, Reason> {
    let package = candidate.package;
    if UNKNOWN_VERSIONS.contains(&package.version.trim()) {
        return Err(Reason::NoVersion);
    }
    if let Some(language) = ecosystem::of_language(package.kind) {
        let version = language_version(candidate)?;
        return Ok(vec![Target { ecosystem: language.into(), name: &package.name, version, role: Role::Ordinary }]);
    }
    let ecosystem =
        ecosystem.filter(|ecosystem| ecosystem::manages(ecosystem, package.kind)).ok_or(Reason::NoRelease)?;
    if foreign::is_foreign(package, ecosystem) {
        return Err(Reason::Foreign);
    }
    let mut targets = os_targets(package, ecosystem);
    let pro =
        os.is_some_and(OsRelease::has_ubuntu_pro) || is_esm(&package.version) || is_esm(package.source_or_self().1);
    if let Some(ecosystem) = ecosystem::ubuntu_pro(ecosystem) {
        let role = if pro { Role::Overriding } else { Role::Subscription };
        let of_pro = |target: &Target<'a>| Target { ecosystem: ecosystem.clone().into(), role, ..target.clone() };
        targets.extend(targets.iter().map(of_pro).collect::<Vec<_>>());
    }
    for stream in streams {
        let of_stream = |target| Target { ecosystem: stream.into(), role: Role::Overriding, ..target };
        targets.extend(os_targets(package, ecosystem).into_iter().map(of_stream));
    }
    Ok(targets)
}

/// The look-ups of a package that is not judged, to tell what they would have found.
pub(in crate::advisory) fn regardless<'a>(candidate: &Candidate<'a>, ecosystem: Option<&'a str>) -> Vec<Target<'a>> {
    let package = candidate.package;
    match (ecosystem::of_language(package.kind), ecosystem) {
        (Some(language), _) => vec![Target {
            ecosystem: language.into(),
            name: &package.name,
            version: package.version.as_str().into(),
            role: Role::Ordinary,
        }],
        (None, Some(ecosystem)) if ecosystem::manages(ecosystem, package.kind) => os_targets(package, ecosystem),
        (None, _) => Vec::new(),
    }
}

/// Whether a build comes from Ubuntu Pro: `4.3.0-6ubuntu0.10+esm1`, `1:4.0.34-1ubuntu0.1~esm2`.
fn is_esm(version: &str) -> bool {
    version.contains("+esm") || version.contains("~esm")
}

fn language_version<'a>(candidate: &Candidate<'a>) -> Result<Cow<'a, str>, Reason> {
    let version = candidate.package.version.trim();
    match candidate.package.kind {
        PackageKind::Go => go_version(version, candidate.main_module),
        // A branch has no place among versions: Composer itself matches it with no range.
        PackageKind::Composer if version.starts_with("dev-") => Err(Reason::Development),
        _ => Ok(version.into()),
    }
}

fn go_version(version: &str, main_module: bool) -> Result<Cow<'_, str>, Reason> {
    if version == "(devel)" || (main_module && is_untagged_pseudo_version(version)) {
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
    let target = |name, version| Target { ecosystem: ecosystem.into(), name, version, role: Role::Ordinary };
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
