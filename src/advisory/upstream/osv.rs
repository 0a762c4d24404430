//! osv.dev's layout: `all.zip` once, then only the records that changed.
//!
//! Source: google.github.io/osv.dev/data: `ECOSYSTEM/all.zip`, `ECOSYSTEM/ID.json`, and `ECOSYSTEM/modified_id.csv` with `MODIFIED,ID` lines, newest first.

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;

use super::mirror::{Change, Session, UpdateError, name_of};
use super::records::{self, ids_in};

/// Largest list of changes. A line has some 45 bytes, the largest ecosystem some 300,000 records.
const MAX_LIST_BYTES: u64 = 256 << 20;

/// Largest `all.zip`.
const MAX_ZIP_BYTES: u64 = 8 << 30;

/// Most records that are fetched one by one; above this, and above a quarter of all, the whole file is quicker.
const MAX_CHANGES: usize = 2000;

/// A feed that has fewer than this share of what it had is not believed.
const MIN_KEPT_PERCENT: usize = 90;

/// Brings an ecosystem's `all.zip` up to date.
pub(super) fn update(session: &mut Session<'_>) -> Result<Change, UpdateError> {
    let ecosystem = session.wanted.path.to_owned();
    let (list, zip) = (format!("{ecosystem}/modified_id.csv"), format!("{ecosystem}/all.zip"));
    // The list comes first: what changes between the two downloads is in the next update.
    let listed = session.file(&list, MAX_LIST_BYTES)?;
    let file = session.local(&zip);
    let synced = session.synced().filter(|_| file.is_file());
    if listed == Change::Unchanged && synced.is_some() {
        return Ok(Change::Unchanged);
    }
    // Until the records are in, the list counts as unread.
    let outcome = read_list(session, &list).and_then(|known| bring_in(session, &known, synced, &zip));
    match outcome {
        Ok((change, newest)) => session.set_synced(newest).map(|()| change),
        Err(error) => {
            session.forget(&list)?;
            Err(error)
        }
    }
}

/// Ids with the time of their last change.
struct List {
    modified: BTreeMap<String, Timestamp>,
    newest: Timestamp,
}

fn read_list(session: &Session<'_>, path: &str) -> Result<List, UpdateError> {
    let path = session.local(path);
    let text = fs::read_to_string(&path).map_err(|error| session.malformed(error.to_string()))?;
    let mut modified = BTreeMap::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let fields = line.split_once(',').and_then(|(time, id)| Some((time.parse().ok()?, id)));
        let (time, id) = fields
            .filter(|(_, id)| is_id(id))
            .ok_or_else(|| session.malformed("its list of changes has a line that is none"))?;
        let known: &mut Timestamp = modified.entry(id.to_owned()).or_insert(time);
        *known = time.max(*known);
    }
    let newest = modified.values().max().copied();
    Ok(List { newest: newest.ok_or_else(|| session.malformed("its list of changes is empty"))?, modified })
}

/// Ids become parts of addresses and names in a zip file.
fn is_id(id: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=128).contains(&id.len()) && id.bytes().all(known) && !id.starts_with('.')
}

/// Brings the changes into `zip`, or replaces it.
fn bring_in(
    session: &mut Session<'_>,
    list: &List,
    synced: Option<Timestamp>,
    zip: &str,
) -> Result<(Change, Timestamp), UpdateError> {
    let newest = list.newest;
    let Some(synced) = synced else {
        return Ok((whole(session, zip)?, newest));
    };
    let held = ids_in(&session.local(zip)).ok_or_else(|| session.malformed("the zip file cannot be read"))?;
    let kept = held.iter().filter(|id| list.modified.contains_key(*id)).count();
    if kept * 100 < held.len() * MIN_KEPT_PERCENT {
        return Err(UpdateError::Shrunk { name: name_of(session.wanted), before: held.len(), now: kept });
    }
    let is_new = |(id, time): &(&String, &Timestamp)| **time >= synced || !held.contains(*id);
    let changed: Vec<&String> = list.modified.iter().filter(is_new).map(|(id, _)| id).collect();
    if changed.len() > MAX_CHANGES || changed.len() > list.modified.len() / 4 {
        session.forget(zip)?;
        return Ok((whole(session, zip)?, newest));
    }
    let urls = changed
        .iter()
        .map(|id| Ok((id.as_str(), session.url(&format!("{}/{id}.json", session.wanted.path))?)))
        .collect::<Result<Vec<_>, UpdateError>>()?;
    let records = records::fetch(session, &urls, |id, record| id_of(record).as_deref() == Some(id))?;
    let path = session.local(zip);
    records::rewrite(&path, &records, |id| list.modified.contains_key(id))
        .map_err(|source| UpdateError::Folder { path: path.clone(), source })?;
    // The file is ours now; its validators say nothing of it.
    session.forget(zip)?;
    Ok((Change::Records(records.len()), newest))
}

fn whole(session: &mut Session<'_>, zip: &str) -> Result<Change, UpdateError> {
    let path = session.local(zip);
    let before = ids_in(&path).map_or(0, |ids| ids.len());
    let old = path.with_extension("zip.old");
    if before > 0 {
        fs::rename(&path, &old).map_err(|source| UpdateError::Folder { path: path.clone(), source })?;
    }
    let restore = |error| {
        let _ = fs::remove_file(&path);
        let _ = fs::rename(&old, &path);
        error
    };
    let change = session.file(zip, MAX_ZIP_BYTES).map_err(restore)?;
    let Some(now) = ids_in(&path).map(|ids| ids.len()) else {
        return Err(restore(session.malformed("what came is no zip file of records")));
    };
    if now * 100 < before * MIN_KEPT_PERCENT {
        return Err(restore(UpdateError::Shrunk { name: name_of(session.wanted), before, now }));
    }
    let _ = fs::remove_file(&old);
    Ok(change)
}

fn id_of(record: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Record {
        id: String,
    }
    serde_json::from_slice::<Record>(record).ok().map(|record| record.id)
}
