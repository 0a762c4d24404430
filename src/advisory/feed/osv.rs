//! One OSV record ▸ the store's model, with the rules of the databases that publish in OSV.
//!
//! Here stand the rules that were learned from real records: Go's `custom_ranges`, GHSA's `last_known_affected_version_range`, Debian's
//! urgencies, errata titles, licences by id. What a rule leaves out is counted in [`Losses`], never silent.

mod rows;

use super::{Draft, Losses, Translated, errata};
use crate::advisory::model::{Advisory, Informational, Severity};
use crate::advisory::osv::{Affected, AffectedSpecific, Record, RecordSpecific, Text, is_plain_id, specific};
use crate::advisory::severity;

/// Longest package name or version accepted, in bytes; the longest in the data we tested with have 92 and 69.
const MAX_TEXT_BYTES: usize = 1024;

/// Dates before this are placeholders (git copies of Go's database carry year 1): 1990-01-01, Unix seconds.
const EARLIEST_DATE: i64 = 631_152_000;

/// Licences that a database states for all its records, by id prefix. Others carry none.
const LICENSES: [(&str, &str); 17] = [
    ("ALBA-", "MIT"),
    ("ALEA-", "MIT"),
    ("ALSA-", "MIT"),
    ("BIT-", "Apache-2.0"),
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

/// Turns one record into the store's model. With `redistributable_only`, records with OSVDB content are left out.
pub(crate) fn translate(record: &Record<'_>, redistributable_only: bool) -> Translated {
    let modified = record.modified.as_ref().and_then(unix_seconds);
    if let Some(withdrawn) = &record.withdrawn {
        return Translated::Withdrawn { id: record.id.as_str().to_owned(), modified, at: unix_seconds(withdrawn) };
    }
    if errata::is_not_security(record.id.as_str()) && !record.related.iter().any(|id| id.as_str().starts_with("CVE-")) {
        return Translated::NotSecurity { modified };
    }
    if redistributable_only && has_osvdb_content(record) {
        return Translated::NotRedistributable { modified };
    }
    let title = errata::title(record.summary.as_ref().map_or("", Text::as_str));
    let (rows, losses) = rows::rows(record, title);
    Translated::Kept(Box::new(Draft { advisory: advisory(record, title, modified), rows, losses }))
}

/// OSVDB's terms forbid reuse; rubysec marks what came from it by id or file name.
fn has_osvdb_content(record: &Record<'_>) -> bool {
    let ids = std::iter::once(&record.id).chain(&record.aliases).chain(&record.related);
    let sources = record
        .affected
        .iter()
        .filter_map(|affected| specific::<AffectedSpecific<'_>>(affected.database_specific).source);
    ids.cloned().chain(sources).any(|text| text.as_str().contains("OSVDB"))
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
        aliases,
        upstream,
        vectors,
    }
}

fn plain_ids(ids: &[Text<'_>]) -> Vec<String> {
    sorted(ids.iter().map(Text::as_str).filter(|id| is_plain_id(id)).map(str::to_owned).collect())
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts.dedup();
    texts.shrink_to_fit(); // they stay in memory for the whole import
    texts
}

/// The CVE that an id is or, in the form `DEBIAN-CVE-…`, `ALPINE-CVE-…`, `UBUNTU-CVE-…`, is derived from.
fn cve_of(id: &str) -> Option<&str> {
    let at = if id.starts_with("CVE-") { 0 } else { id.find("-CVE-")? + 1 };
    let cve = id.get(at..)?;
    let (year, number) = cve.strip_prefix("CVE-")?.split_once('-')?;
    let digits = |text: &str| text.len() >= 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(year) && digits(number)).then_some(cve)
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
    sorted(vectors.filter(|vector| vector.len() <= MAX_TEXT_BYTES && is_plain_id(vector)).map(str::to_owned).collect())
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

/// Unix seconds of an RFC 3339 time; placeholders and garbage are no time.
fn unix_seconds(text: &Text<'_>) -> Option<i64> {
    let timestamp: jiff::Timestamp = text.as_str().trim().parse().ok()?;
    Some(timestamp.as_second()).filter(|seconds| *seconds >= EARLIEST_DATE)
}

#[cfg(test)]
mod tests;
