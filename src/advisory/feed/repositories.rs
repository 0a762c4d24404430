//! Red Hat's map of repositories to the CPEs of the products they serve: from an image's content sets to the streams whose advisories apply.
//!
//! Source: <https://security.access.redhat.com/data/meta/v1/repository-to-cpe.json>; claircore's `rhel` package uses it the same way.

use serde::Deserialize;

use super::{Document, Documents, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Upstream, json};
use crate::advisory::error::RecordError;
use crate::advisory::osv::is_plain_id;

/// The feed.
pub(super) struct RedHatRepositories;

static META: Meta = Meta {
    name: "Red Hat repositories",
    upstream: Upstream {
        name: "redhat-repositories",
        base: "https://security.access.redhat.com/data/meta/v1/",
        files: Files::Plain(&["repository-to-cpe.json"]),
        speaks_for: SpeaksFor::One("Red Hat"),
    },
    license: "CC-BY-4.0",
    redistributable: true,
    documents: Documents::Collections,
    data: None,
};

#[derive(Deserialize)]
struct Repository {
    #[serde(default)]
    cpes: Vec<String>,
}

impl Feed for RedHatRepositories {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("\"cpes\"") && head.has("cpe:/")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_map(document, Some("data"), &mut |found| {
            let json::Found::Item(id, raw) = found else { return };
            out(match json::item::<Repository>(raw) {
                Ok(mut repository) if is_plain_id(&id) => {
                    repository.cpes.retain(|cpe| is_plain_id(cpe));
                    repository.cpes.sort();
                    repository.cpes.dedup();
                    Item::Repository(id.into_owned(), repository.cpes)
                }
                Ok(_) => Item::Malformed { name: json::excerpt(raw), error: RecordError::Id },
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            });
        })
    }
}
