//! `db diff` and `db search`: what stores say, for people and for programs.

use std::io::{self, Write};
use std::path::Path;

use super::Failed;
use super::db_args::{DiffArgs, SearchArgs};
use super::exit::Ending;
use super::output::print;
use crate::advisory::store::difference::{Changed, Difference};
use crate::advisory::store::search::{Found, Hit, Statement};
use crate::advisory::store::{Status, Store};
use crate::report::escape::{terminal, write_json};

/// Packages of a record that are named in a line.
const SHOWN: usize = 3;

/// `db diff`.
pub(super) fn diff(arguments: &DiffArgs) -> Result<Ending, Failed> {
    let open = |path: &Path| {
        Store::open(path).map_err(|error| {
            let context = format!("the store `{}` cannot be compared", path.display());
            Failed::new(Ending::Store, anyhow::Error::new(error).context(context))
        })
    };
    let (old, new) = (open(&arguments.old)?, open(&arguments.new)?);
    let difference = old.difference(&new).map_err(super::db::refused)?;
    let (from, to) = (old.status(), new.status());
    if arguments.format == "json" {
        let side = |status: &Status| serde_json::json!({"digest": status.digest, "bytes": status.bytes, "advisories": status.provenance.advisories, "sources": status.provenance.sources});
        let report = serde_json::json!({"schema_version": "1.0", "from": side(&from), "to": side(&to), "difference": difference});
        return print(&|out| write_json(&report, out)).map(|()| Ending::Pass);
    }
    print(&|out| difference_page(&difference, [&from, &to], arguments, out)).map(|()| Ending::Pass)
}

fn difference_page(
    difference: &Difference,
    [from, to]: [&Status; 2],
    arguments: &DiffArgs,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = |text: String| writeln!(out, "{}", terminal(&text));
    for (word, path, status) in [("from", &arguments.old, from), ("to  ", &arguments.new, to)] {
        line(format!("{word} {}: {} advisories, {}", path.display(), status.provenance.advisories, status.digest))?;
    }
    for source in &to.provenance.sources {
        let before = from.provenance.sources.iter().find(|known| known.name == source.name);
        let date = |date: &Option<String>| date.as_deref().unwrap_or("no date").to_owned();
        match before.map(|before| date(&before.modified)) {
            None => line(format!("+ source {}, newest of {}", source.name, date(&source.modified)))?,
            Some(before) if before != date(&source.modified) => {
                line(format!("~ source {}: newest of {before} → {}", source.name, date(&source.modified)))?;
            }
            Some(_) => {}
        }
    }
    for source in &from.provenance.sources {
        if !to.provenance.sources.iter().any(|known| known.name == source.name) {
            line(format!("- source {}", source.name))?;
        }
    }
    for (sign, records) in [('+', &difference.added), ('-', &difference.removed), ('~', &difference.changed)] {
        records.iter().try_for_each(|changed| line(format!("{sign} {}", described(changed))))?;
    }
    for (sign, cves) in [('+', &difference.exploited_added), ('-', &difference.exploited_removed)] {
        cves.iter().try_for_each(|cve| line(format!("{sign} exploited: {cve}")))?;
    }
    let [added, removed, changed] =
        [&difference.added, &difference.removed, &difference.changed].map(|records| records.len());
    line(format!("{added} added, {removed} removed, {changed} changed"))
}

/// A record in one line.
fn described(changed: &Changed) -> String {
    let shown: Vec<&str> = changed.packages.iter().take(SHOWN).map(String::as_str).collect();
    let more = changed.packages.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let what = if changed.what.is_empty() { String::new() } else { format!(" [{}]", changed.what.join(", ")) };
    let severity = format!("{:?}", changed.severity).to_lowercase();
    format!("{} ({}, {severity}): {}{more}{what}", changed.id, changed.source, shown.join(", "))
}

/// `db search`.
pub(super) fn search(arguments: &SearchArgs) -> Result<Ending, Failed> {
    let store = super::db::open_store(arguments.db.as_deref())?;
    let found = store.search(&arguments.text, arguments.limit).map_err(super::db::refused)?;
    if arguments.format == "json" {
        let report = serde_json::json!({"schema_version": "1.0", "text": arguments.text, "store": store.digest(), "found": found});
        return print(&|out| write_json(&report, out)).map(|()| Ending::Pass);
    }
    print(&|out| found_page(&found, arguments, out)).map(|()| Ending::Pass)
}

fn found_page(found: &Found, arguments: &SearchArgs, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |text: String| writeln!(out, "{}", terminal(&text));
    if found.withdrawn.is_some() {
        line(format!("{} was withdrawn by its source", arguments.text))?;
    }
    for hit in &found.hits {
        line(title(hit))?;
        hit.rows.iter().try_for_each(|statement| line(format!("  {}", told(statement))))?;
    }
    let shown = found.hits.len();
    match found.total {
        0 => line(format!("nothing is known of `{}`; `imgguard db status` tells what the store holds", arguments.text)),
        total if total > shown => line(format!("{total} found, the first {shown} are shown; --limit shows more")),
        total => line(format!("{total} found")),
    }
}

fn title(hit: &Hit) -> String {
    let advisory = &hit.advisory;
    let mut others: Vec<&str> = advisory.aliases.iter().chain(&advisory.cves).map(String::as_str).collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|id| *id != advisory.id);
    let others = if others.is_empty() { String::new() } else { format!(" = {}", others.join(", ")) };
    let severity = format!("{:?}", advisory.rating.severity).to_lowercase();
    let score = advisory.rating.cvss().map(|score| format!(" {score:.1}")).unwrap_or_default();
    format!("{}{others} ({}, {severity}{score})", advisory.id, hit.source)
}

/// A row in one line.
fn told(Statement { ecosystem, package, row }: &Statement) -> String {
    let status = format!("{:?}", row.status).to_lowercase();
    let mut versions: Vec<String> = row.intervals.iter().map(ToString::to_string).collect();
    versions.extend(row.versions.iter().map(|version| format!("= {version}")));
    let versions = if versions.is_empty() { String::new() } else { format!(": {}", versions.join(" or ")) };
    let module = row.module.as_ref().map(|module| format!(", module {module}")).unwrap_or_default();
    format!("{ecosystem} {package}, {status}{versions}{module}")
}
