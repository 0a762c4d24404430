//! Arch Linux's vulnerability groups. Source: <https://security.archlinux.org/all.json>. The distribution rolls, so there is one release.

use serde::Deserialize;

use super::{Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, json};
use crate::advisory::error::RecordError;
use crate::advisory::model::{Rating, Row, Status};
use crate::advisory::severity;
use crate::advisory::store::Data;

/// The feed.
pub(super) struct Arch;

static META: Meta = Meta {
    name: "Arch Linux AVG",
    upstream: Upstream {
        name: "arch",
        base: "https://security.archlinux.org/",
        files: Files::Plain(&["all.json"]),
        speaks_for: SpeaksFor::One("Arch Linux"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::Full),
};

/// A group: the same flaws in packages that are built together.
#[derive(Deserialize)]
struct Group {
    name: String,
    packages: Vec<String>,
    /// `Vulnerable`, `Testing`, `Fixed`, `Not affected` or `Unknown`.
    status: String,
    severity: String,
    fixed: Option<String>,
    #[serde(default)]
    issues: Vec<String>,
    #[serde(default)]
    advisories: Vec<String>,
}

impl Feed for Arch {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("\"AVG-") && head.has("\"packages\"")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_list(document, "groups", &mut |found| {
            let json::Found::Item(_, raw) = found else { return };
            out(match json::item::<Group>(raw).and_then(|group| record(&group)) {
                Ok(draft) => Item::Record(Translated::Kept(Box::new(draft))),
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            });
        })
    }
}

fn record(group: &Group) -> Result<Draft, RecordError> {
    let flaws = group.issues.iter().chain(&group.advisories).map(String::as_str);
    let mut draft = Draft::new(&META, &group.name, flaws).ok_or(RecordError::Id)?;
    draft.advisory.rating =
        Rating { severity: severity::from_word(&group.severity).unwrap_or_default(), cvss_tenths: None };
    let fixed = group.fixed.as_deref().map(Row::fixed_in);
    let row = match (group.status.as_str(), fixed) {
        ("Not affected", _) => Row::not_affected(),
        // The fix of a group under test is the version in the testing repository.
        ("Fixed" | "Testing" | "Vulnerable", Some(row)) => row,
        ("Vulnerable" | "Testing", None) => Row::unfixed(Status::Affected),
        ("Unknown", Some(row)) => Row { status: Status::UnderInvestigation, ..row },
        ("Unknown", None) => Row::unfixed(Status::UnderInvestigation),
        _ => return Err(RecordError::Shape("its status is not known, or it is fixed in no version")),
    };
    for package in &group.packages {
        draft.state("Arch Linux", package, row.clone());
    }
    Ok(draft.settled())
}
