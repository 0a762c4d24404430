//! endoflife.date: its API's list of products, and the front matter of its product files as JSON. Source: <https://endoflife.date/docs/api/v1/>.

use serde::Deserialize;
use serde_json::Value;

use super::{Document, Documents, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Upstream, json};
use crate::advisory::error::RecordError;
use crate::advisory::exploitation::days;
use crate::advisory::lifecycle::{Cycle, End, Lifecycle};
use crate::advisory::osv::is_plain_id;

/// The feed.
pub(super) struct EndOfLife;

static META: Meta = Meta {
    name: "endoflife.date",
    upstream: Upstream {
        name: "eol",
        base: "https://endoflife.date/api/v1/products/",
        files: Files::Plain(&["full"]),
        speaks_for: SpeaksFor::Every,
    },
    license: "MIT",
    redistributable: true,
    documents: Documents::Collections,
    data: None,
};

/// A product in either form.
#[derive(Deserialize)]
struct Product {
    #[serde(alias = "product")]
    name: String,
    /// `{"type": "purl", "id": "pkg:…"}` in the API, `{"purl": "pkg:…"}` in product files.
    #[serde(default)]
    identifiers: Vec<serde_json::Map<String, Value>>,
    releases: Vec<Release>,
}

/// A release in either form: the API says `isEol` and `eolFrom`, product files `eol` as a date or a boolean.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Release {
    #[serde(alias = "releaseCycle")]
    name: String,
    release_date: Option<String>,
    is_lts: Option<bool>,
    lts: Option<Value>,
    is_eoas: Option<bool>,
    eoas_from: Option<String>,
    eoas: Option<Value>,
    is_eol: Option<bool>,
    eol_from: Option<String>,
    eol: Option<Value>,
    is_eoes: Option<bool>,
    eoes_from: Option<String>,
    eoes: Option<Value>,
}

impl Feed for EndOfLife {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let api = head.has("\"result\"") && head.has("\"releases\"") && head.has("\"isEol\"");
        head.is_json() && (api || (head.has("\"product\"") && head.has("\"permalink\"")))
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let bytes = document.bytes()?;
        if memchr::memmem::find(&bytes, b"\"releaseCycle\"").is_some() {
            let product: Product = serde_json::from_slice(&bytes).map_err(RecordError::Json)?;
            out(lifecycle(product));
            return Ok(());
        }
        let mut bytes = bytes.as_slice();
        json::each_in_list(&mut Document::new(document.name, &mut bytes), "result", &mut |found| {
            let json::Found::Item(_, raw) = found else { return };
            out(match json::item::<Product>(raw) {
                Ok(product) => lifecycle(product),
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            });
        })
    }
}

fn lifecycle(product: Product) -> Item {
    if !is_plain_id(&product.name) {
        return Item::Malformed { name: "a product".to_owned(), error: RecordError::Id };
    }
    let texts = product.identifiers.iter().flat_map(|identifier| identifier.values()).filter_map(Value::as_str);
    let mut identifiers: Vec<String> =
        texts.filter(|text| is_plain_id(text) && text.contains(':')).map(str::to_owned).collect();
    identifiers.sort();
    identifiers.dedup();
    let cycles = product.releases.iter().map(cycle).collect();
    Item::Lifecycle(Lifecycle { product: product.name, identifiers, cycles })
}

fn cycle(release: &Release) -> Cycle {
    let lts = release.lts.as_ref().is_some_and(|lts| lts.as_bool().unwrap_or(lts.is_string()));
    Cycle {
        name: release.name.clone(),
        released: release.release_date.as_deref().and_then(days),
        long_term: release.is_lts.unwrap_or(lts),
        active: end(release.is_eoas, release.eoas_from.as_deref(), release.eoas.as_ref()),
        security: end(release.is_eol, release.eol_from.as_deref(), release.eol.as_ref()),
        extended: end(release.is_eoes, release.eoes_from.as_deref(), release.eoes.as_ref()),
    }
}

/// A day says more than a boolean that was computed from it.
fn end(over: Option<bool>, from: Option<&str>, either: Option<&Value>) -> End {
    let day = from.or_else(|| either.and_then(Value::as_str)).and_then(days);
    match (day, over.or_else(|| either.and_then(Value::as_bool))) {
        (Some(day), _) => End::On(day),
        (None, Some(true)) => End::Ended,
        (None, Some(false)) => End::Open,
        (None, None) => End::Unstated,
    }
}
