//! CISA's catalogue of vulnerabilities that are known to be exploited. Source: <https://www.cisa.gov/known-exploited-vulnerabilities-catalog>.

use serde::Deserialize;

use super::{Document, Documents, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Upstream, draft, json};
use crate::advisory::error::RecordError;
use crate::advisory::exploitation::{Exploited, days};
use crate::advisory::osv::Text;

/// The feed.
pub(super) struct Kev;

static META: Meta = Meta {
    name: "CISA KEV",
    upstream: Upstream {
        name: "kev",
        base: "https://www.cisa.gov/sites/default/files/feeds/",
        files: Files::Plain(&["known_exploited_vulnerabilities.json"]),
        speaks_for: SpeaksFor::Every,
    },
    license: "CC0-1.0",
    redistributable: true,
    documents: Documents::Collections,
    data: None,
};

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, rename = "cveID")]
    cve: Text<'a>,
    #[serde(borrow, rename = "dateAdded")]
    added: Text<'a>,
    #[serde(borrow, default, rename = "dueDate")]
    due: Option<Text<'a>>,
    /// `Known` or `Unknown`.
    #[serde(borrow, default, rename = "knownRansomwareCampaignUse")]
    ransomware: Option<Text<'a>>,
}

impl Feed for Kev {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("catalogVersion") && head.has("Known Exploited")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_list(document, "vulnerabilities", &mut |found| match found {
            json::Found::Item(_, raw) => out(match json::item::<Entry<'_>>(raw).and_then(exploited) {
                Ok((cve, entry)) => Item::Exploited(cve, entry),
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            }),
            json::Found::Scalar("count", number) => {
                if let Ok(number) = number.parse() {
                    out(Item::Expected(number));
                }
            }
            json::Found::Scalar("dateReleased", date) => {
                if let Some(seconds) = draft::unix_seconds(&date) {
                    out(Item::Made(seconds));
                }
            }
            json::Found::Scalar(..) => {}
        })
    }
}

fn exploited(entry: Entry<'_>) -> Result<(String, Exploited), RecordError> {
    let cve = draft::cve_of(entry.cve.as_str()).ok_or(RecordError::Id)?;
    let added = days(entry.added.as_str()).ok_or(RecordError::Shape("its date cannot be read"))?;
    let ransomware = entry.ransomware.is_some_and(|word| word.as_str() == "Known");
    Ok((cve.to_owned(), Exploited { added, due: entry.due.and_then(|due| days(due.as_str())), ransomware }))
}
