//! Whether an image says where it comes from.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind, Location};

/// `missing-label`.
pub(super) struct MissingLabels;

static META: Meta = Meta {
    name: "missing-label",
    summary: "the image does not say what it is, where it comes from, or under which licence",
    doc: "**Reads** labels of the image configuration, and annotations of the manifest and the index.\n\n**Reports** in one finding which of `org.opencontainers.image.title`, `.source`, `.revision`, `.licenses` and `.created` none of them has; the configuration's own date of creation counts.\n\n\
          **Cannot see** whether they are true, and what an attestation says instead.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

/// What somebody needs who has only the image.
const WANTED: &[&str] = &["created", "licenses", "revision", "source", "title"];

impl Check for MissingLabels {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let config = &subject.manifest.config;
        let places = [&config.config.labels, &subject.manifest.annotations, subject.annotations];
        let is_there = |name: &str| {
            let key = format!("org.opencontainers.image.{name}");
            let is_said = places.iter().any(|place| place.get(&key).is_some_and(|value| !value.trim().is_empty()));
            is_said || (name == "created" && config.created.is_some())
        };
        let missing: Vec<&str> = WANTED.iter().copied().filter(|name| !is_there(name)).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let title = format!("no label tells {}", missing.join(", "));
        let finding = Finding::new(Kind::Config, META.name, Severity::Negligible, title, "labels");
        let advice = "set org.opencontainers.image.* when the image is built (`--label`, or docker/metadata-action)";
        vec![finding.at(Location::Config("labels".into())).advise(advice)]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::tests::{manifest, subject};
    use super::*;
    use crate::facts::Inventory;

    #[test]
    fn a_label_or_an_annotation_is_enough() {
        let mut manifest = manifest(
            r#"{"created":"2026-01-01T00:00:00Z","config":{"Labels":{"org.opencontainers.image.source":"https://example.org","org.opencontainers.image.licenses":" "}}}"#,
        );
        manifest.annotations.insert("org.opencontainers.image.revision".into(), "abc".into());
        let annotations = BTreeMap::from([("org.opencontainers.image.title".to_owned(), "app".to_owned())]);
        let inventory = Inventory::default();
        let subject = Subject { annotations: &annotations, ..subject(&manifest, &inventory) };
        let found = MissingLabels.run(&subject);
        assert_eq!(found.iter().map(|finding| finding.title.as_str()).collect::<Vec<_>>(), ["no label tells licenses"]);
    }
}
