//! `diff`: two images, bills or saved reports, or two platforms of one image, to what differs.

use std::io::{self, Read as _, Write};
use std::path::Path;

use super::args::{DiffArgs, Global};
use super::exit::Ending;
use super::output::{print, write_file};
use super::scan::answers;
use super::{Failed, rules, sources};
use crate::oci::Platform;
use crate::policy::Policy;
use crate::reference::Reference;
use crate::report::contract::{Report, Reports};
use crate::report::diff::{Difference, compare, compare_platforms};
use crate::source::PlatformChoice;

/// Largest saved report that is read, in bytes.
const MAX_REPORT_BYTES: u64 = 256 << 20;

/// What one side is.
enum Side {
    /// `report:FILE`.
    Saved(Box<Report>),
    /// Anything that `scan` takes.
    Image(String, Reference),
}

/// Compares.
pub(super) fn diff(arguments: &DiffArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let platforms = platforms(arguments)?;
    let sides = arguments.sides.iter().map(|text| side(text)).collect::<Result<Vec<_>, _>>()?;
    let (reports, worst) = reports(sides, arguments, global)?;
    let difference = match (reports.as_slice(), platforms) {
        ([from, to], _) => compare(from, to),
        ([only], Some([from, to])) => compare_platforms(only, &from, &to).ok_or_else(|| absent(only, &from, &to))?,
        // One could not be opened, which was told.
        _ => return Ok(worst),
    };
    let render = |out: &mut dyn Write| render(&difference, arguments.format == "json", out);
    match &arguments.output {
        Some(file) => write_file(&render, file)?,
        None => print(&render)?,
    }
    let differs = if arguments.exit_code && difference.differs { Ending::Refused } else { Ending::Pass };
    Ok(worst.max(differs))
}

fn render(difference: &Difference, is_json: bool, out: &mut dyn Write) -> io::Result<()> {
    if is_json { difference.write_json(out) } else { difference.write_table(out) }
}

/// The two platforms that are compared when there is one side.
fn platforms(arguments: &DiffArgs) -> Result<Option<[Platform; 2]>, Failed> {
    let wanted = match &arguments.reading.platform {
        PlatformChoice::Only(platforms) => <[Platform; 2]>::try_from(platforms.clone()).ok(),
        _ => None,
    };
    match (arguments.sides.len(), wanted) {
        (2, _) => Ok(None),
        (_, Some(wanted)) => Ok(Some(wanted)),
        _ => Err(Failed::new(Ending::Usage, anyhow::anyhow!("there is only one side to compare"))
            .hint("name a second image, or two platforms, such as --platform linux/amd64,linux/arm64")),
    }
}

fn absent(report: &Report, from: &Platform, to: &Platform) -> Failed {
    let there: Vec<&str> = report.platforms.iter().map(|platform| platform.platform.as_str()).collect();
    let error = anyhow::anyhow!("`{}` does not have both {from} and {to}", report.subject.reference);
    Failed::new(Ending::Usage, error).hint(format!("there are: {}", there.join(", ")))
}

fn side(text: &str) -> Result<Side, Failed> {
    match text.strip_prefix("report:") {
        Some(file) => saved(Path::new(file)).map(|report| Side::Saved(Box::new(report))),
        None => {
            let reference =
                text.parse().map_err(|error: crate::reference::ReferenceError| Failed::new(Ending::Usage, error))?;
            Ok(Side::Image(text.to_owned(), reference))
        }
    }
}

/// A report that `scan --format json` wrote.
fn saved(file: &Path) -> Result<Report, Failed> {
    let failed = |ending, error: anyhow::Error| {
        Failed::new(ending, error.context(format!("the report `{}` could not be read", file.display())))
            .hint("report: takes what `imgguard scan --format json` writes of one image")
    };
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|file| file.take(MAX_REPORT_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(Ending::Source, error.into()))?;
    if bytes.len() as u64 > MAX_REPORT_BYTES {
        return Err(failed(Ending::Incomplete, anyhow::anyhow!("it has more than {MAX_REPORT_BYTES} bytes")));
    }
    let one = match serde_json::from_slice::<Reports>(&bytes) {
        Ok(reports) => <[Report; 1]>::try_from(reports.reports)
            .map(|[report]| report)
            .map_err(|reports| anyhow::anyhow!("it holds the reports of {} images", reports.len())),
        Err(_) => serde_json::from_slice::<Report>(&bytes).map_err(anyhow::Error::from),
    };
    one.map_err(|error| failed(Ending::Incomplete, error))
}

/// Reports of both sides, in their order. Images are read in one run, so that what they share is read once.
fn reports(sides: Vec<Side>, arguments: &DiffArgs, global: &Global) -> Result<(Vec<Report>, Ending), Failed> {
    let mut references: Vec<(String, Reference)> = Vec::new();
    for side in &sides {
        if let Side::Image(text, reference) = side
            && !references.iter().any(|(known, _)| known == text)
        {
            references.push((text.clone(), reference.clone()));
        }
    }
    let (scanned, worst) = scan(&references, arguments, global)?;
    let report = |side| match side {
        Side::Saved(report) => Some(*report),
        Side::Image(text, _) => scanned.iter().find(|report| report.subject.reference == text).cloned(),
    };
    Ok((sides.into_iter().filter_map(report).collect(), worst))
}

fn scan(
    references: &[(String, Reference)],
    arguments: &DiffArgs,
    global: &Global,
) -> Result<(Vec<Report>, Ending), Failed> {
    if references.is_empty() {
        return Ok((Vec::new(), Ending::Pass));
    }
    sources::check_source(&arguments.reading, references)?;
    let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
    let how = (&arguments.reading, &arguments.looking);
    let (answers, worst) = answers(how, references, (&policy, false), true, global)?;
    Ok((answers.into_iter().map(|answer| answer.report).collect(), worst))
}
