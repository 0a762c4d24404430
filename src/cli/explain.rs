//! `explain`: an id, and why it is or is not reported of an image.

use std::io::Write as _;

use super::args::{ExplainArgs, Global};
use super::exit::Ending;
use super::sources::{self, Opener};
use super::{Failed, db, reading, today};
use crate::advisory::{Store, explain};
use crate::report::explain::Explained;
use crate::scan::{CollectOptions, ExplainRequest, explain_images};

/// Runs it.
pub(super) fn run(arguments: &ExplainArgs, global: &Global) -> Result<Ending, Failed> {
    let (target, how) = (&arguments.target, &arguments.target.reading);
    let store = db::open_store(arguments.db.as_deref())?;
    let id = &spelled(arguments.id.trim());
    if target.references.is_empty() && target.from.is_none() {
        let explained = from_store(&store, id).map_err(db::refused)?;
        if explained.advisory.is_none() {
            return Err(unknown(id));
        }
        write(arguments, &explained)?;
        return Ok(Ending::Pass);
    }
    let (images, worst) = reading::open(&sources::references(target)?, &Opener::new(how, true));
    if images.is_empty() {
        return Ok(worst);
    }
    let collect = CollectOptions { secrets: true, ..CollectOptions::default() };
    let cache = reading::cache(how, collect, global);
    let bar = reading::announce(&images, global);
    let request = ExplainRequest {
        images,
        read: reading::options(how, collect),
        cache: &cache,
        store: &store,
        id,
        evaluated_at: today(how.as_of),
        progress: bar.clone(),
    };
    let explained = explain_images(request).map_err(db::refused)?;
    bar.finish();
    if explained.advisory.is_none() && explained.finding.is_none() {
        return Err(unknown(id));
    }
    write(arguments, &explained)?;
    Ok(if explained.complete { worst } else { worst.max(Ending::Incomplete) })
}

/// People write `cve-2021-44228`, too; other ids have letters of both cases.
fn spelled(id: &str) -> String {
    let is_cve = id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("cve-"));
    if is_cve { id.to_ascii_uppercase() } else { id.to_owned() }
}

fn from_store(store: &Store, id: &str) -> Result<Explained, crate::advisory::AdvisoryError> {
    let advisory = explain::known(store, id)?;
    let statements = match &advisory {
        Some(known) => explain::statements(store, known)?,
        None => Vec::new(),
    };
    let store = store.digest().to_string();
    Ok(Explained { id: id.to_owned(), store, finding: None, advisory, statements, images: Vec::new(), complete: true })
}

/// Asking for what does not exist is a mistake in the asking.
fn unknown(id: &str) -> Failed {
    Failed::new(Ending::Usage, anyhow::anyhow!("neither the advisory store nor the image knows `{id}`")).hint(
        "write it as its source does (CVE-2021-44228, GHSA-…, RUSTSEC-…), or take a finding's id from a JSON report of this image; --db names another store",
    )
}

fn write(arguments: &ExplainArgs, explained: &Explained) -> Result<(), Failed> {
    let mut out = std::io::BufWriter::new(anstream::stdout());
    let written = if arguments.format == "json" { explained.json(&mut out) } else { explained.text(&mut out) };
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(()),
    }
}
