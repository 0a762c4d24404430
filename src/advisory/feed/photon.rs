//! Photon OS: one row a CVE and package. Source: <https://packages.broadcom.com/photon/photon_cve_metadata/>.
//!
//! The release is in the file's name, and in the suffix of every version (`.ph5`).

use serde::Deserialize;

use super::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft, json,
};
use crate::advisory::error::RecordError;
use crate::advisory::model::{Rating, Row};
use crate::advisory::severity;
use crate::advisory::store::Data;

/// The feed.
pub(super) struct Photon;

static META: Meta = Meta {
    name: "Photon OS metadata",
    upstream: Upstream {
        name: "photon",
        base: "https://packages.broadcom.com/photon/photon_cve_metadata/",
        files: Files::Plain(&["cve_data_photon{release}.json"]),
        speaks_for: SpeaksFor::One("Photon OS"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::FixedOnly),
};

#[derive(Deserialize)]
struct Entry {
    cve_id: String,
    pkg: String,
    cve_score: Option<f64>,
    /// Fixed version, or `NA`.
    res_ver: String,
    /// `Fixed` or `Not Affected`; absent in files from before 2022, which only know fixes.
    status: Option<String>,
}

impl Feed for Photon {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("\"cve_id\"") && head.has("\"res_ver\"")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let named = release_of_name(document.name);
        json::each_in_list(document, "cves", &mut |found| {
            let json::Found::Item(_, raw) = found else { return };
            out(match json::item::<Entry>(raw).and_then(|entry| record(&entry, named.as_deref())) {
                Ok(draft) => Item::Record(Translated::Kept(Box::new(draft))),
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            });
        })
    }
}

/// `5.0` of `cve_data_photon5.0.json`.
fn release_of_name(name: &str) -> Option<String> {
    let (_, rest) = name.rsplit_once("photon")?;
    let release: String = rest.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let release = release.trim_end_matches('.');
    release.contains('.').then(|| release.to_owned())
}

/// `5.0` of `7.88.1-4.ph5`.
fn release_of_version(version: &str) -> Option<String> {
    let (_, number) = version.rsplit_once(".ph")?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| format!("{number}.0"))
}

fn record(entry: &Entry, named: Option<&str>) -> Result<Draft, RecordError> {
    // Ids such as `UNK-1`, `Re` and `CVE-2019-3828-0001` lead nowhere; Black Duck's are at least ids.
    let is_id =
        draft::cve_of(&entry.cve_id).is_some_and(|cve| cve == entry.cve_id) || entry.cve_id.starts_with("BDSA-");
    let flaw = Some(entry.cve_id.as_str()).filter(|_| is_id).ok_or(RecordError::Id)?;
    let mut draft = Draft::new(&META, &format!("PHOTON-{flaw}"), [flaw]).ok_or(RecordError::Id)?;
    let release = release_of_version(&entry.res_ver)
        .or_else(|| named.map(str::to_owned))
        .ok_or(RecordError::Shape("neither file name nor version tell the release"))?;
    let ecosystem = format!("Photon OS:{release}");
    draft.advisory.rating = rating(entry.cve_score);
    match (entry.status.as_deref(), entry.res_ver.as_str()) {
        (Some("Not Affected"), _) => draft.state(&ecosystem, &entry.pkg, Row::not_affected()),
        (None | Some("Fixed"), "NA" | "") => draft.losses.without_versions += 1,
        (None | Some("Fixed"), version) => draft.state(&ecosystem, &entry.pkg, Row::fixed_in(version)),
        (Some(_), _) => return Err(RecordError::Shape("its status is not known")),
    }
    Ok(draft)
}

fn rating(score: Option<f64>) -> Rating {
    let tenths = score.filter(|score| (0.0..=10.0).contains(score)).map(|score| (score * 10.0).round() as u8);
    Rating { severity: tenths.map(severity::from_tenths).unwrap_or_default(), cvss_tenths: tenths }
}
