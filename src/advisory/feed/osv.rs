//! One OSV record ▸ the store's model, with the rules of the databases that publish in OSV.
//!
//! Here stand the rules that were learned from real records: Go's `custom_ranges`, GHSA's `last_known_affected_version_range`, Debian's
//! urgencies, errata titles, licences by id. What a rule leaves out is counted in [`Losses`], never silent.

mod rows;

use super::draft::{cve_of, sorted};
use super::{
    Document, Documents, Draft, Feed, Files, Head, Item, Losses, Meta, Output, SpeaksFor, Translated, Upstream, draft,
    errata,
};
use crate::advisory::error::RecordError;
use crate::advisory::model::{Advisory, Informational, Severity};
use crate::advisory::osv::{Affected, AffectedSpecific, Record, RecordSpecific, Text, is_plain_id, specific};
use crate::advisory::severity;

/// The feed: osv.dev's `all.zip` files, GitHub's and other databases' folders of records.
pub(crate) struct Osv;

/// Each zip file or folder is a source of its own, named after it; each record says by its id what its licence is.
static META: Meta = Meta {
    name: "OSV",
    upstream: Upstream {
        name: "osv",
        base: "https://osv-vulnerabilities.storage.googleapis.com/",
        files: Files::Osv,
        speaks_for: SpeaksFor::LanguagesAnd(&[
            "AlmaLinux",
            "Red Hat",
            "Rocky Linux",
            "SUSE",
            "Ubuntu",
            "openEuler",
            "openSUSE",
        ]),
    },
    license: "",
    redistributable: true,
    documents: Documents::Records,
    data: None,
};

impl Feed for Osv {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let own = || head.has("\"affected\"") || head.has("\"aliases\"") || head.has("\"withdrawn\"");
        let dated = || head.has("\"id\"") && head.has("\"modified\"");
        head.is_json() && (dated() || head.has("\"schema_version\"")) && own()
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let bytes = document.bytes()?;
        out(Item::Record(translate(&Record::parse(&bytes)?)));
        Ok(())
    }
}

/// Whether a document that no feed recognises is to be read as an OSV record: a broken record is counted where it belongs, instead of being
/// passed over.
pub(crate) fn is_named_like_a_record(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".json")
}

/// Longest CVSS vector accepted, in bytes.
const MAX_VECTOR_BYTES: usize = 1024;

/// Licences that a database states for all its records, by id prefix. Others carry none.
const LICENSES: [(&str, &str); 18] = [
    ("ALBA-", "MIT"),
    ("ALEA-", "MIT"),
    ("ALSA-", "MIT"),
    ("BIT-", "Apache-2.0"),
    ("CGA-", "LicenseRef-Chainguard-advisories"),
    ("GHSA-", "CC-BY-4.0"),
    ("GO-", "CC-BY-4.0"),
    ("MAL-", "Apache-2.0"),
    ("PYSEC-", "CC-BY-4.0"),
    ("RHBA-", "CC-BY-4.0"),
    ("RHEA-", "CC-BY-4.0"),
    ("RHSA-", "CC-BY-4.0"),
    ("RUSTSEC-", "CC0-1.0"),
    ("UBUNTU-", "CC-BY-SA-4.0"),
    ("USN-", "CC-BY-SA-4.0"),
    ("LSN-", "CC-BY-SA-4.0"),
    ("x_FOP-", "Unlicense"),
    ("x_NSWG-", "MIT"),
];

/// Licence of records taken from the Ruby advisory database: dedicated to the public domain, for which SPDX has no id.
const RUBYSEC_LICENSE: &str = "LicenseRef-rubysec-public-domain";

/// Turns one record into the store's model.
pub(crate) fn translate(record: &Record<'_>) -> Translated {
    let modified = record.modified.as_ref().and_then(unix_seconds);
    if let Some(withdrawn) = &record.withdrawn {
        return Translated::Withdrawn { id: record.id.as_str().to_owned(), modified, at: unix_seconds(withdrawn) };
    }
    if errata::is_not_security(record.id.as_str()) && !record.related.iter().any(|id| id.as_str().starts_with("CVE-")) {
        return Translated::NotSecurity { modified };
    }
    let title = errata::title(record.summary.as_ref().map_or("", Text::as_str));
    let (rows, losses) = rows::rows(record, title);
    Translated::Kept(Box::new(Draft { advisory: advisory(record, title, modified), rows, losses }))
}

/// Whether a record may not be handed on: Chainguard's terms forbid it for its records (`CGA-…`), OSVDB's for what came from there, which
/// rubysec marks by id or file name.
fn is_restricted(record: &Record<'_>) -> bool {
    let ids = std::iter::once(&record.id).chain(&record.aliases).chain(&record.related);
    let sources = record
        .affected
        .iter()
        .filter_map(|affected| specific::<AffectedSpecific<'_>>(affected.database_specific).source);
    record.id.as_str().starts_with("CGA-") || ids.cloned().chain(sources).any(|text| text.as_str().contains("OSVDB"))
}

fn advisory(record: &Record<'_>, title: errata::Title<'_>, modified: Option<i64>) -> Advisory {
    let id = record.id.as_str();
    let own: RecordSpecific<'_> = specific(record.database_specific);
    let aliases = plain_ids(&record.aliases);
    let upstream = plain_ids(&record.upstream);
    let vectors = vectors_of_record(record);
    let title_word = title.severity.filter(|_| errata::is_erratum(id));
    let word = ubuntu_priority(&record.severity)
        .or(title_word)
        .or_else(|| own.severity.as_ref().and_then(|word| severity::from_word(word.as_str())));
    let related = if errata::is_erratum(id) { plain_ids(&record.related) } else { Vec::new() };
    let all_ids = std::iter::once(id).chain(aliases.iter().chain(&upstream).chain(&related).map(String::as_str));
    let cves = sorted(all_ids.filter_map(cve_of).map(str::to_owned).collect());
    Advisory {
        id: id.to_owned(),
        group: 0,
        cves,
        published: record.published.as_ref().and_then(unix_seconds),
        modified,
        rating: severity::rate(word, vectors.iter().map(String::as_str)),
        informational: record.affected.iter().find_map(informational),
        license: license(record, own.license.as_ref()),
        source: 0,
        restricted: is_restricted(record),
        aliases,
        upstream,
        vectors,
    }
}

fn plain_ids(ids: &[Text<'_>]) -> Vec<String> {
    sorted(ids.iter().map(Text::as_str).filter(|id| is_plain_id(id)).map(str::to_owned).collect())
}

/// The record's vectors, else those that all its affected entries share (Bitnami writes them there).
fn vectors_of_record(record: &Record<'_>) -> Vec<String> {
    let own = cvss_vectors(&record.severity);
    if !own.is_empty() {
        return own;
    }
    let mut entries = record.affected.iter().map(|affected| cvss_vectors(&affected.severity));
    let first = entries.next().unwrap_or_default();
    if entries.all(|other| other == first) { first } else { Vec::new() }
}

fn cvss_vectors(severities: &[crate::advisory::osv::Severity<'_>]) -> Vec<String> {
    let vectors = severities
        .iter()
        .filter(|severity| severity.kind.as_str().starts_with("CVSS_"))
        .map(|severity| severity.score.as_str());
    sorted(
        vectors.filter(|vector| vector.len() <= MAX_VECTOR_BYTES && is_plain_id(vector)).map(str::to_owned).collect(),
    )
}

fn ubuntu_priority(severities: &[crate::advisory::osv::Severity<'_>]) -> Option<Severity> {
    severities
        .iter()
        .find(|severity| severity.kind.as_str() == "Ubuntu")
        .and_then(|severity| severity::from_word(severity.score.as_str()))
}

fn informational(affected: &Affected<'_>) -> Option<Informational> {
    match specific::<AffectedSpecific<'_>>(affected.database_specific).informational?.as_str() {
        "unmaintained" => Some(Informational::Unmaintained),
        "unsound" => Some(Informational::Unsound),
        _ => Some(Informational::Notice),
    }
}

fn license(record: &Record<'_>, own: Option<&Text<'_>>) -> String {
    if let Some(own) = own.filter(|own| is_plain_id(own.as_str())) {
        return own.as_str().to_owned();
    }
    let rubysec = |affected: &Affected<'_>| {
        specific::<AffectedSpecific<'_>>(affected.database_specific)
            .source
            .is_some_and(|source| source.as_str().contains("rubysec/ruby-advisory-db"))
    };
    if record.affected.iter().any(rubysec) {
        return RUBYSEC_LICENSE.to_owned();
    }
    let by_prefix = LICENSES.iter().find(|(prefix, _)| record.id.as_str().starts_with(prefix));
    by_prefix.map_or("", |(_, license)| license).to_owned()
}

fn unix_seconds(text: &Text<'_>) -> Option<i64> {
    draft::unix_seconds(text.as_str())
}

#[cfg(test)]
mod tests;
