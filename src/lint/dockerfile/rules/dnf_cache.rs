//! Dnf leaves its cache in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dnf-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dnf-cache",
        severity: Severity::Low,
        summary: "dnf leaves its cache in the layer",
        why: "Downloaded packages and metadata are of no use in the image, and take up to hundreds of megabytes.",
        advice: "end the RUN with dnf clean all",
        aliases: &["DL3040", "DS-0019", "DS-0027", "KICS-295acb63"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::leaves_cache(
        subject,
        problems,
        &packages::DNF,
        &["/var/cache/dnf", "/var/cache/yum", "/var/cache/libdnf5"],
        "dnf clean all",
    );
}
