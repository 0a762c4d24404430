//! A base image comes from a registry that is not among the trusted ones.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::image_name::ImageName;
use crate::lint::{Check, Meta, Problems, Rule};

/// `untrusted-registry`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "untrusted-registry",
        severity: Severity::High,
        summary: "a base image comes from a registry that is not among the trusted ones",
        why: "Whoever can push to the registry of a base decides what runs in the image.",
        advice: "take the base from a registry of --trusted-registry, or add this one there",
        aliases: &["DL3026", "CIS-4.2"],
        sources: &["CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let trusted = &subject.around.options.trusted_registries;
    if trusted.is_empty() {
        return;
    }
    for stage in &subject.file.stages {
        let Some(image) = stage.base.image() else { continue };
        let registry = ImageName::parse(image).registry.unwrap_or("docker.io");
        if !trusted.iter().any(|pattern| fits(pattern, registry)) {
            problems.add(
                &stage.base.word.span,
                registry,
                format!("`{image}` comes from {registry}, which is not a trusted registry"),
            );
        }
    }
}

/// A host, or `*.` and a domain, which stands for all hosts under it.
fn fits(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(domain) => host.ends_with(domain),
        None => pattern == host,
    }
}
