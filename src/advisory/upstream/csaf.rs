//! A CSAF provider: the archive of all documents once, then only those that changed.
//!
//! Beside the archive a zip file keeps the documents that are newer; an import takes these in place of the archive's. Sources: OASIS CSAF 2.0, section 7.1.13
//! (`changes.csv`: path and time, newest first); Red Hat's `deletions.csv` has the same form.

use std::collections::BTreeMap;
use std::fs;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;

use super::mirror::{Change, Session, UpdateError};
use super::records;
use super::{Archive, Provider};
use crate::advisory::feed::DOCUMENTS;
use crate::advisory::import::{ARCHIVE, NEWER};

/// Largest list of changes. A line has some 60 bytes, Red Hat has 300,000 documents in twenty years.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// Largest archive; Red Hat's and SUSE's have some hundred megabytes.
const MAX_ARCHIVE_BYTES: u64 = 8 << 30;

/// Longest name of an archive that a file tells.
const MAX_NAME_BYTES: u64 = 256;

/// Most documents that are fetched one by one, and most that are kept beside the archive; above, a new archive is quicker.
const MAX_CHANGES: usize = 2000;
const MAX_NEWER: usize = 20_000;

/// The archive is made while documents change: what changed up to a day before it was finished is fetched again.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Brings a provider's documents up to date.
pub(super) fn update(session: &mut Session<'_>, provider: Provider) -> Result<Change, UpdateError> {
    let list = format!("{}changes.csv", provider.folder);
    let archive = format!("{DOCUMENTS}/{ARCHIVE}");
    // The lists come first: what changes between the downloads is in the next update.
    let listed = session.file(&list, MAX_LIST_BYTES)?;
    let deleted = deletions(session, provider)?;
    let synced = session.synced().filter(|_| session.local(&archive).is_file());
    if listed == Change::Unchanged && synced.is_some() {
        return Ok(Change::Unchanged);
    }
    // Until the documents are in, the list counts as unread.
    let outcome = read_list(session, &list).and_then(|changes| bring_in(session, provider, &changes, &deleted, synced));
    if outcome.is_err() {
        session.forget(&list)?;
    }
    outcome
}

/// Paths of documents with the time of their last change.
type Changes = BTreeMap<String, Timestamp>;

fn deletions(session: &mut Session<'_>, provider: Provider) -> Result<Changes, UpdateError> {
    if !provider.tells_deletions {
        return Ok(Changes::new());
    }
    let list = format!("{}deletions.csv", provider.folder);
    session.file(&list, MAX_LIST_BYTES)?;
    read_list(session, &list)
}

fn read_list(session: &Session<'_>, path: &str) -> Result<Changes, UpdateError> {
    let text = fs::read_to_string(session.local(path)).map_err(|error| session.malformed(error.to_string()))?;
    let mut changes = Changes::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let fields = line
            .split_once(',')
            .and_then(|(path, time)| Some((path.trim_matches('"'), time.trim_matches('"').parse::<Timestamp>().ok()?)));
        let (path, time) = fields
            .filter(|(path, _)| is_document(path))
            .ok_or_else(|| session.malformed(format!("`{path}` has a line that is none")))?;
        let known = changes.entry(path.to_owned()).or_insert(time);
        *known = time.max(*known);
    }
    Ok(changes)
}

/// `2023/cve-2023-6212.json`: paths become parts of addresses, their last parts names in a zip file.
fn is_document(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    path.len() <= 256 && path.ends_with(".json") && path.split('/').all(plain)
}

/// A document's name: that of its file, without folder and `.json`.
fn name(path: &str) -> &str {
    path.rsplit('/').next().and_then(|file| file.strip_suffix(".json")).unwrap_or(path)
}

/// Brings the changes in, or replaces all.
fn bring_in(
    session: &mut Session<'_>,
    provider: Provider,
    changes: &Changes,
    deleted: &Changes,
    synced: Option<Timestamp>,
) -> Result<Change, UpdateError> {
    let newest = *changes.values().max().ok_or_else(|| session.malformed("its list of changes is empty"))?;
    let whole = match synced {
        None => Some(whole(session, provider)?),
        Some(_) => None,
    };
    let Some(since) = session.synced() else {
        // Without the time of the archive nothing tells what is newer; the next change makes it come again.
        return Ok(whole.unwrap_or(Change::Unchanged));
    };
    let is_gone = |path: &str, time: Timestamp| deleted.get(path).is_some_and(|deleted| *deleted >= time);
    let newer = |changes: &Changes| -> Vec<String> {
        changes.iter().filter(|(_, time)| **time >= since).map(|(path, _)| path.clone()).collect()
    };
    let changed: Vec<String> = newer(changes).into_iter().filter(|path| !is_gone(path, changes[path])).collect();
    let beside = format!("{DOCUMENTS}/{NEWER}");
    let held = records::ids_in(&session.local(&beside)).map_or(0, |ids| ids.len());
    if whole.is_none() && (changed.len() > MAX_CHANGES || held > MAX_NEWER) {
        session.unsync()?;
        return bring_in(session, provider, changes, deleted, None);
    }
    let urls = changed
        .iter()
        .map(|path| Ok((name(path), session.url(&format!("{}{path}", provider.folder))?)))
        .collect::<Result<Vec<(&str, Url)>, UpdateError>>()?;
    let mut fetched = records::fetch(session, &urls, is_document_of)?;
    let count = fetched.len();
    fetched.extend(newer(deleted).iter().filter(|path| !changed.contains(path)).map(|path| taken_back(name(path))));
    let path = session.local(&beside);
    if !fetched.is_empty() {
        records::rewrite(&path, &fetched, |_| true)
            .map_err(|source| UpdateError::Folder { path: path.clone(), source })?;
    }
    session.set_synced(newest.max(since))?;
    Ok(whole.unwrap_or(Change::Records(count)))
}

/// Whether a document is the one of a name: `CVE-2023-6212` of `cve-2023-6212`.
fn is_document_of(name: &str, document: &[u8]) -> bool {
    let id = std::str::from_utf8(document).ok().and_then(crate::advisory::csaf::id_of);
    id.is_some_and(|id| id.eq_ignore_ascii_case(name))
}

/// What Red Hat leaves of a document that it took back (see `feed::csaf`), for one that is only gone.
fn taken_back(name: &str) -> (String, Vec<u8>) {
    let id = name.to_ascii_uppercase();
    let document = serde_json::json!({"document": {"tracking": {"id": id, "status": "deleted"}}});
    (name.to_owned(), document.to_string().into_bytes())
}

/// Fetches the archive, and forgets what was kept beside the one before.
fn whole(session: &mut Session<'_>, provider: Provider) -> Result<Change, UpdateError> {
    let local = format!("{DOCUMENTS}/{ARCHIVE}");
    let remote = match provider.archive {
        Archive::Named(name) => name.to_owned(),
        Archive::ToldBy(file) => told(session, file)?,
    };
    session.forget(&local)?;
    let change = session.fetch(&remote, &local, MAX_ARCHIVE_BYTES)?;
    let newer = session.local(&format!("{DOCUMENTS}/{NEWER}"));
    if newer.exists() {
        fs::remove_file(&newer).map_err(|source| UpdateError::Folder { path: newer.clone(), source })?;
    }
    let made = session.last_modified(&local).or_else(|| day_in(&remote));
    if let Some(since) = made.and_then(|made| made.checked_sub(OVERLAP).ok()) {
        session.set_synced(since)?;
    }
    Ok(change)
}

/// The name that a file tells.
fn told(session: &Session<'_>, file: &str) -> Result<String, UpdateError> {
    let url = session.url(file)?;
    let fetched = session.transport.block_on(session.transport.fetch(&url, MAX_NAME_BYTES, "updating advisories"));
    let bytes = fetched.map_err(|source| session.failed(source))?;
    let name = String::from_utf8_lossy(&bytes).trim().to_owned();
    let is_plain = !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_plain { Ok(name) } else { Err(session.malformed(format!("`{file}` names no archive"))) }
}

/// The day in `csaf_vex_2024-08-04.tar.zst`.
fn day_in(name: &str) -> Option<Timestamp> {
    let day = name.split(['_', '.']).find_map(|part| part.parse::<jiff::civil::Date>().ok())?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|day| day.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_documents_lead_nowhere_else() {
        assert!(is_document("2023/cve-2023-6212.json") && is_document("cve-2023-5568.json"));
        for path in
            ["../cve.json", "/cve.json", "a//b.json", "cve.json.asc", ".json", "a/.b.json", "a b.json", "a\\b.json"]
        {
            assert!(!is_document(path), "{path}");
        }
        assert_eq!(name("2023/cve-2023-6212.json"), "cve-2023-6212");
    }

    #[test]
    fn an_archives_name_tells_its_day() {
        let day = day_in("csaf_vex_2024-08-04.tar.zst").expect("a day");
        assert_eq!(day.to_string(), "2024-08-04T00:00:00Z");
        assert_eq!(day_in("vex-archive.tar.zst"), None);
    }
}
