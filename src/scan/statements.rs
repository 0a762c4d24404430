//! Findings that a VEX statement sets aside.

use std::str::FromStr as _;

use crate::digest::Digest;
use crate::finding::{Finding, Kind, SetAside};
use crate::policy::vex::{Decision, Subject, Vex};
use crate::reference::{ImageName, Reference};
use crate::source::Image;

/// Sets aside the vulnerabilities of which statements say, for every package and platform that has them, that they are none here.
pub(super) fn set_aside(findings: &mut [(String, Finding)], image: &Image, vex: &Vex) {
    if vex.is_empty() {
        return;
    }
    let repository = repository(&image.reference);
    for (_, finding) in
        findings.iter_mut().filter(|(_, finding)| finding.set_aside.is_none() && finding.kind == Kind::Vulnerability)
    {
        finding.set_aside = decide(finding, image, &repository, vex).map(|decision| SetAside {
            state: "vex",
            by: decision.by,
            reason: decision.reason,
            expires: None,
        });
    }
}

fn decide(finding: &Finding, image: &Image, repository: &str, vex: &Vex) -> Option<Decision> {
    let ids: Vec<&str> =
        std::iter::once(finding.rule.as_str()).chain(finding.aliases.iter().map(String::as_str)).collect();
    let mut decision = None;
    for manifest in &image.manifests {
        if !finding.platforms.contains(&manifest.platform.to_string()) {
            continue;
        }
        let digests: Vec<String> = image.digest.iter().chain(&manifest.digest).map(Digest::to_string).collect();
        for package in &finding.packages {
            decision = Some(vex.decide(&ids, package, &Subject { digests: &digests, repository })?);
        }
    }
    decision
}

/// `registry.example/team/app`, where the reference names a repository.
fn repository(reference: &str) -> String {
    let name = match Reference::from_str(reference) {
        Ok(Reference::Registry { name, .. }) => Some(name),
        Ok(Reference::DockerDaemon(name) | Reference::ContainersStorage(name)) => ImageName::from_str(&name).ok(),
        _ => None,
    };
    name.map(|name| format!("{}/{}", name.registry, name.repository)).unwrap_or_default()
}
