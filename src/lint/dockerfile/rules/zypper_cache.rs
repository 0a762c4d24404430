//! Zypper leaves its cache in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Meta, Problems, Rule};

/// `zypper-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "zypper-cache",
        severity: Severity::Low,
        summary: "zypper leaves its cache in the layer",
        why: "Downloaded packages and metadata are of no use in the image, and take up to hundreds of megabytes.",
        advice: "end the RUN with zypper clean --all",
        aliases: &["DL3036", "DS-0020", "KICS-38300d1a"],
        sources: &["https://docs.docker.com/build/building/best-practices/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    packages::leaves_cache(subject, problems, &packages::ZYPPER, &["/var/cache/zypp"], "zypper clean --all");
}
