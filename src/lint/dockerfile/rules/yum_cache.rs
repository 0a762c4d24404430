//! Yum leaves its cache in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `yum-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "yum-cache",
        severity: Severity::Low,
        summary: "yum leaves its cache in the layer",
        why: "Downloaded packages and metadata are of no use in the image, and take up to hundreds of megabytes.",
        advice: "end the RUN with yum clean all",
        aliases: &["DL3032", "DS-0015", "KICS-00481784"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::leaves_cache(subject, problems, &packages::YUM, &["/var/cache/yum", "/var/cache/dnf"], "yum clean all");
}
