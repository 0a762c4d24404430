//! The image is named by a tag that moves.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind, Location};

/// `latest-tag`.
pub(super) struct LatestTag;

static META: Meta = Meta {
    name: "latest-tag",
    summary: "the image is taken by the tag latest, or by none",
    doc: "**Reads** the reference of an image in a registry or a local engine, as the user wrote it.\n\n**Reports** the tag `latest`, and a name with neither tag nor digest, which means the same: whoever deploys it so gets another image tomorrow.\n\n\
          **Cannot see** by which name it is deployed elsewhere.\n\n**Since** 0.3.0",
    aliases: &["DKL-DI-0006"],
    needs_config: false,
};

impl Check for LatestTag {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let Some(reference) = subject.reference.filter(|reference| is_latest(reference)) else { return Vec::new() };
        let title = format!("`{reference}` is another image tomorrow");
        let finding = Finding::new(Kind::Config, META.name, Severity::Negligible, title, "tag");
        vec![finding.at(Location::Config("reference".into())).advise("name a version, or the digest")]
    }
}

/// Whether a name has the tag `latest`, or neither a tag nor a digest.
fn is_latest(reference: &str) -> bool {
    let name = reference.strip_prefix("docker-daemon:").unwrap_or(reference);
    let last = name.rsplit('/').next().unwrap_or_default();
    !name.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

#[cfg(test)]
mod tests {
    use super::is_latest;

    #[test]
    fn a_port_is_no_tag() {
        for (reference, expected) in [
            ("alpine", true),
            ("registry.example:5000/a", true),
            ("docker-daemon:a:latest", true),
            ("registry.example:5000/a:1", false),
            ("a@sha256:00", false),
            ("a:latest@sha256:00", false),
        ] {
            assert_eq!(is_latest(reference), expected, "{reference}");
        }
    }
}
