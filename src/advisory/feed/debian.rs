//! The Debian security tracker's JSON: `{source package: {CVE: {releases: {codename: …}}}}`.
//!
//! It is the one source that tells of every release of Debian also what has no fix and what never had the flaw. Sources:
//! <https://security-tracker.debian.org/tracker/data/json>, <https://security-team.debian.org/security_tracker.html>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, json};
use crate::advisory::error::RecordError;
use crate::advisory::model::{Rating, Row, Severity, Status, Urgency};
use crate::advisory::osv::{Text, specific};
use crate::advisory::store::Data;

/// The feed.
pub(super) struct Tracker;

static META: Meta = Meta {
    name: "Debian security tracker",
    upstream: Upstream {
        name: "debian",
        base: "https://security-tracker.debian.org/tracker/data/",
        files: Files::Plain(&["json"]),
        speaks_for: SpeaksFor::One("Debian"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::Full),
};

/// Codenames and version numbers of releases (<https://www.debian.org/releases/>). sid has none and is filed under its name.
const RELEASES: [(&str, &str); 11] = [
    ("wheezy", "7"),
    ("jessie", "8"),
    ("stretch", "9"),
    ("buster", "10"),
    ("bullseye", "11"),
    ("bookworm", "12"),
    ("trixie", "13"),
    ("forky", "14"),
    ("duke", "15"),
    ("sid", "sid"),
    ("experimental", "experimental"),
];

/// What the tracker says of one flaw of one package.
#[derive(Deserialize)]
struct Flaw<'a> {
    /// By codename; an empty list where there is nothing to say.
    #[serde(borrow, default)]
    releases: Option<&'a RawValue>,
}

/// What it says of one release.
#[derive(Deserialize)]
struct Release<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default)]
    fixed_version: Option<Text<'a>>,
    #[serde(borrow, default)]
    urgency: Option<Text<'a>>,
    #[serde(borrow, default)]
    nodsa_reason: Option<Text<'a>>,
}

impl Feed for Tracker {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("\"releases\"") && head.has("\"repositories\"")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_map(document, None, &mut |found| {
            let json::Found::Item(package, raw) = found else { return };
            match json::item::<BTreeMap<Text<'_>, Flaw<'_>>>(raw) {
                Ok(flaws) => flaws.iter().for_each(|(id, flaw)| out(record(&package, id.as_str(), flaw))),
                Err(error) => out(Item::Malformed { name: package.into_owned(), error }),
            }
        })
    }
}

/// Flaws without a CVE have temporary ids, which are kept as they are.
fn record(package: &str, flaw_id: &str, flaw: &Flaw<'_>) -> Item {
    let id = if flaw_id.starts_with("CVE-") { format!("DEBIAN-{flaw_id}") } else { flaw_id.to_owned() };
    let Some(mut draft) = Draft::new(&META, &id, [flaw_id]) else {
        return Item::Malformed { name: package.to_owned(), error: RecordError::Id };
    };
    for (codename, release) in specific::<BTreeMap<Text<'_>, Release<'_>>>(flaw.releases) {
        match RELEASES.iter().find(|(known, _)| *known == codename.as_str()) {
            None => draft.losses.other_products += 1,
            Some((_, number)) => match statement(&release) {
                Some(row) => draft.state(&format!("Debian:{number}"), package, row),
                None => draft.losses.without_versions += 1,
            },
        }
    }
    Item::Record(Translated::Kept(Box::new(draft.settled())))
}

fn statement(release: &Release<'_>) -> Option<Row> {
    let (urgency, end_of_life) = urgency(release.urgency.as_ref().map_or("", Text::as_str));
    let reason = release.nodsa_reason.as_ref().map_or("", Text::as_str);
    let row = match (release.status.as_str(), release.fixed_version.as_ref().map(Text::as_str)) {
        ("resolved", Some("0")) => Row::not_affected(),
        ("resolved", Some(version)) => Row::fixed_in(version),
        ("undetermined", _) => Row::unfixed(Status::UnderInvestigation),
        ("open", _) if end_of_life => Row::unfixed(Status::EndOfLife),
        ("open", _) if reason == "ignored" => Row::unfixed(Status::WontFix),
        ("open", _) if reason == "postponed" => Row::unfixed(Status::Deferred),
        ("open", _) => Row::unfixed(Status::Affected),
        _ => return None,
    };
    Some(Row { urgency, rating: rating(urgency), ..row })
}

/// Debian's urgency (`high**` is one that a program guessed), and whether it really says that nobody cares for the release any more.
fn urgency(word: &str) -> (Urgency, bool) {
    let urgency = match word.trim_end_matches('*') {
        "unimportant" => Urgency::Unimportant,
        "low" => Urgency::Low,
        "medium" => Urgency::Medium,
        "high" => Urgency::High,
        _ => Urgency::Unassigned,
    };
    (urgency, word == "end-of-life")
}

fn rating(urgency: Urgency) -> Option<Rating> {
    let severity = match urgency {
        Urgency::Unassigned => return None,
        Urgency::Unimportant => Severity::Negligible,
        Urgency::Low => Severity::Low,
        Urgency::Medium => Severity::Medium,
        Urgency::High => Severity::High,
    };
    Some(Rating { severity, cvss_tenths: None })
}
