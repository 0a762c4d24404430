//! `lint --context`: what builds are sent.

use std::path::Path;

use serde::Serialize;

use super::exit::Ending;
use super::lint_files::{Found, Overlay};
use super::{Failed, output};
use crate::dockerfile::Dockerfile;
use crate::lint::Surroundings;
use crate::lint::repository::context;
use crate::lint::repository::sent::{self, Sent};
use crate::report::escape::terminal;

/// A build context, as it is shown.
#[derive(Serialize)]
struct Shown {
    /// The folder.
    folder: String,
    /// Its Dockerfiles.
    dockerfiles: Vec<String>,
    /// What says what stays out; none where nothing does.
    ignore_file: Option<String>,
    /// What is left.
    #[serde(flatten)]
    sent: Sent,
}

/// Shows the build contexts of folders, as text or JSON.
pub(super) fn show(found: &mut [(&Path, Found)], format: &str, around: Surroundings<'_>) -> Result<Ending, Failed> {
    if !matches!(format, "table" | "json") {
        let error = anyhow::anyhow!("build contexts are shown as table or json, and not as {format}");
        return Err(Failed::new(Ending::Usage, error));
    }
    let mut contexts = Vec::new();
    for (path, found) in found {
        contexts.extend(contexts_of(path, found, around)?);
    }
    let is_cut = contexts.iter().any(|shown| !shown.sent.unread.is_empty());
    output::print(&|out| {
        if format == "json" {
            serde_json::to_writer_pretty(&mut *out, &contexts)?;
            return writeln!(out);
        }
        contexts.iter().try_for_each(|shown| write(out, shown))
    })?;
    Ok(if is_cut { Ending::Incomplete } else { Ending::Pass })
}

fn contexts_of(path: &Path, found: &mut Found, around: Surroundings<'_>) -> Result<Vec<Shown>, Failed> {
    let no_folder = || {
        let error = anyhow::anyhow!("`{}` is no folder, and a context is one", path.display());
        Failed::new(Ending::Usage, error).hint("name the folder that is built")
    };
    let loaded = found.projects.iter().filter_map(|project| project.load(&Overlay::new()).ok());
    let folder = found.folder.as_mut().ok_or_else(no_folder)?;
    loaded.for_each(|workload| folder.add(&workload));
    let dockerfiles: Vec<(String, Dockerfile)> = folder.parsed(&found.dockerfiles);
    let overlay = Overlay::new();
    let tree = folder.tree(&overlay);
    let contexts = context::contexts(&folder.repository, &dockerfiles, &tree, around)
        .map_err(|error| Failed::new(Ending::Incomplete, error))?;
    let shown = |path: &str| folder.shown(path).display().to_string();
    let mut all = Vec::new();
    for context in contexts {
        let ignore = match &context.ignore {
            None => None,
            Some(Ok(ignore)) => Some(ignore),
            Some(Err(error)) => {
                let error = anyhow::anyhow!("{}: {error}", shown(&context.ignore_path));
                return Err(Failed::new(Ending::Incomplete, error).hint("a build stops at it as well; mend that line"));
            }
        };
        let mut names: Vec<String> = context.dockerfiles.iter().map(|number| shown(&dockerfiles[*number].0)).collect();
        names.sort();
        let place = Some(shown(&context.folder)).filter(|name| !name.is_empty()).unwrap_or_else(|| ".".to_owned());
        all.push(Shown {
            sent: sent::measure(&folder.real(&context.folder), ignore),
            folder: place,
            dockerfiles: names,
            ignore_file: ignore.map(|_| shown(&context.ignore_path)),
        });
    }
    Ok(all)
}

fn write(out: &mut dyn std::io::Write, shown: &Shown) -> std::io::Result<()> {
    let sent = &shown.sent;
    writeln!(out, "{}: build context of {}", terminal(&shown.folder), terminal(&shown.dockerfiles.join(", ")))?;
    let by = match &shown.ignore_file {
        Some(path) => format!("left by {path}"),
        None => "nothing is left out: there is no .dockerignore".to_owned(),
    };
    writeln!(out, "  {} files, {} ({})", sent.files, bytes(sent.bytes), terminal(&by))?;
    for file in &sent.largest {
        writeln!(out, "  {:>9}  {}", bytes(file.bytes), terminal(&file.path))?;
    }
    if !sent.sensitive.is_empty() {
        writeln!(out, "  should stay out:")?;
    }
    for item in &sent.sensitive {
        writeln!(out, "  {:>9}  {} ({})", bytes(item.bytes), terminal(&item.path), item.what)?;
    }
    if sent.more_sensitive > 0 {
        writeln!(out, "  and {} more", sent.more_sensitive)?;
    }
    for unread in &sent.unread {
        writeln!(out, "  NOT READ: {}", terminal(unread))?;
    }
    writeln!(out)
}

/// A length for people.
fn bytes(length: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    let mut value = length as f64;
    let mut unit = "B";
    for next in units {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    if unit == "B" { format!("{length} B") } else { format!("{value:.1} {unit}") }
}
