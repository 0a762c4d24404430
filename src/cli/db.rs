//! `db import` and `db status`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::args::Global;
use super::db_args::ImportArgs;
use super::exit::Ending;
use super::{Failed, airgap, places, update};
use crate::advisory::store::Source;
use crate::advisory::{AdvisoryError, ImportOptions, SourceReport, Store, import as compile_into};
use crate::report::escape::terminal;

/// The store that was asked for, else the user's own; none where only the embedded one is there.
fn chosen(path: Option<&Path>) -> Option<PathBuf> {
    path.map(Path::to_owned).or_else(|| places::store().filter(|path| path.is_file()))
}

/// Opens the store that was asked for, else the user's own, else the embedded one.
pub(super) fn open_store(path: Option<&Path>) -> Result<Store, Failed> {
    let opened = match chosen(path) {
        Some(path) => Store::open(&path),
        None => Store::embedded(),
    };
    opened.map_err(refused)
}

/// A store that cannot be used.
pub(super) fn refused(error: AdvisoryError) -> Failed {
    Failed::new(Ending::Store, error)
        .hint("make a store with `imgguard db update`, or leave out --db to use the embedded one")
}

/// `db import`.
pub(super) fn import(arguments: &ImportArgs, global: &Global) -> Result<Ending, Failed> {
    if let [file] = arguments.inputs.as_slice()
        && airgap::is_exported(file)
    {
        return airgap::import(arguments, file, global);
    }
    let output = match arguments.output.clone().or_else(places::store) {
        Some(output) => output,
        None => return Err(update::no_place("the store", "--output")),
    };
    update::make_own_folder(&output)?;
    let options =
        ImportOptions { redistributable_only: arguments.redistributable, accept_fewer: arguments.accept_fewer };
    import_into(&arguments.inputs, &output, options)
}

/// Compiles feeds into a store, and tells what became of each.
pub(super) fn import_into(inputs: &[PathBuf], output: &Path, options: ImportOptions) -> Result<Ending, Failed> {
    let report = compile_into(inputs, output, options).map_err(|error| Failed::new(Ending::Incomplete, error))?;
    let mut out = anstream::stdout();
    let mut line =
        |text: String| writeln!(out, "{}", terminal(&text)).map_err(|error| Failed::new(Ending::Incomplete, error));
    line(format!(
        "{}: {} advisories, {} bytes, {}",
        output.display(),
        report.provenance.advisories,
        report.bytes,
        report.digest
    ))?;
    for (source, lost) in report.provenance.sources.iter().zip(&report.sources) {
        line(format!("  {}", of_source(source, lost)))?;
        for malformed in lost.malformed.iter().take(5) {
            line(format!("    malformed: {}: {}", malformed.name, malformed.error))?;
        }
    }
    if report.unrecognised > 0 {
        let names = report.unrecognised_names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
        line(format!("  {} files are of no feed that is known: {names}", report.unrecognised))?;
    }
    if !report.provenance.is_redistributable() {
        line("  this store is for yourself: the terms of some of its sources do not allow to hand it on".to_owned())?;
    }
    Ok(Ending::Pass)
}

/// What became of a source's records, in one line.
fn of_source(source: &Source, lost: &SourceReport) -> String {
    let modified = source.modified.as_deref().and_then(|date| date.get(..10)).unwrap_or("no date");
    let mut text = format!("{}: {} records, newest of {modified}", source.name, source.records);
    let counts = [
        (u64::from(source.withdrawn), "withdrawn"),
        (u64::from(source.malformed), "malformed"),
        (u64::from(source.not_security), "not about security"),
        (u64::from(source.not_redistributable), "left out because of their terms"),
        (lost.loss.unevaluable, "entries with versions that cannot be compared"),
        (lost.loss.without_versions, "entries without versions"),
        (lost.loss.other_products, "entries of other products"),
    ];
    for (count, what) in counts {
        if count > 0 || what == "malformed" {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text
}

/// `db status`.
pub(super) fn status(db: Option<&Path>, as_of: Option<jiff::civil::Date>, json: bool) -> Result<Ending, Failed> {
    let store = open_store(db)?;
    let status = store.status();
    let mut out = anstream::stdout();
    let failed = |error: std::io::Error| Failed::new(Ending::Incomplete, error);
    if json {
        let value = serde_json::json!({
            "digest": status.digest, "bytes": status.bytes, "advisories": status.provenance.advisories,
            "sources": status.provenance.sources, "ecosystems": status.provenance.ecosystems,
        });
        return writeln!(out, "{value:#}").map(|()| Ending::Pass).map_err(failed);
    }
    let today = super::today(as_of);
    let place = chosen(db).map_or_else(|| "embedded store".to_owned(), |path| path.display().to_string());
    writeln!(
        out,
        "{}: {} advisories, {} bytes, {}",
        terminal(&place),
        status.provenance.advisories,
        status.bytes,
        status.digest
    )
    .map_err(failed)?;
    for source in &status.provenance.sources {
        let modified = source.modified.as_deref().and_then(|date| date.get(..10)).unwrap_or("no date");
        let age = modified
            .parse::<jiff::civil::Date>()
            .ok()
            .and_then(|date| today.since(date).ok())
            .map(|span| span.get_days());
        let age = match age {
            Some(days) if days > crate::advisory::STALE_AFTER_DAYS => format!(", {days} days old: OLD"),
            Some(days) => format!(", {days} days old"),
            None => String::new(),
        };
        let line = format!(
            "  {:<14} {:>6} records, newest of {modified}{age}; {}",
            source.name,
            source.records,
            source.licenses.join(", ")
        );
        writeln!(out, "{}", terminal(&line)).map_err(failed)?;
    }
    Ok(Ending::Pass)
}
