//! What `harden` tells: the plan, and what came of it.

use std::io::{self, Write};

use serde::Serialize;

use super::exit::Ending;
use super::sign_args::Format;
use super::{Failed, output};
use crate::harden::Plan;
use crate::harden::image::NewImage;
use crate::harden::plan::PlannedStep;
use crate::report::bytes;
use crate::report::contract::{Report, severity_rank};
use crate::report::escape::{terminal, write_json};

/// Severities from worst to least, as the contract writes them.
const SEVERITIES: [&str; 6] = ["critical", "high", "medium", "unknown", "low", "negligible"];

/// Most changes of a step that a table shows; the JSON has all.
const MAX_SHOWN: usize = 12;

/// An image in numbers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Numbers {
    /// Open findings by severity, the worst first.
    pub findings: Vec<(&'static str, usize)>,
    /// Open secrets that are more than a guess.
    pub secrets: usize,
    /// Bytes of the stored layers of all platforms.
    pub size: u64,
    /// Whom it runs as, by platform.
    pub users: Vec<String>,
}

/// What came of a plan.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Outcome {
    plan: Plan,
    /// Digest of the new index or manifest.
    digest: String,
    before: Numbers,
    after: Numbers,
    /// The same without what platforms do not have in common, which is so when only some are hardened.
    #[serde(skip)]
    compared: (Numbers, Numbers),
}

/// The check that compares platforms.
const PLATFORMS_DIFFER: &str = "platforms-differ";

impl Outcome {
    pub(super) fn new(plan: Plan, before: &Report, after: &Report, new: &NewImage) -> Self {
        let digest = new.root.digest.to_string();
        let without = |report: &Report| {
            let mut report = report.clone();
            report.findings.retain(|finding| finding.rule != PLATFORMS_DIFFER);
            Numbers::of(&report)
        };
        let compared = (without(before), without(after));
        Self { plan, digest, before: Numbers::of(before), after: Numbers::of(after), compared }
    }

    /// Why the new image must not take the old one's place, if it must not.
    pub(super) fn worse(&self, ending: Ending) -> Option<String> {
        if ending != Ending::Pass {
            return Some("it could not be read whole".to_owned());
        }
        let (before, after) = &self.compared;
        let pairs = before.findings.iter().zip(&after.findings);
        let ((severity, before), (_, after)) = pairs.into_iter().find(|(before, after)| before.1 != after.1)?;
        (after > before).then(|| format!("it has {after} {severity} findings, the old one {before}"))
    }
}

impl Numbers {
    fn of(report: &Report) -> Self {
        let open = || report.findings.iter().filter(|finding| finding.disposition.state == "open");
        let count = |severity: &'static str| {
            (severity, open().filter(|finding| severity_rank(&finding.severity) == severity_rank(severity)).count())
        };
        let users = report.platforms.iter().map(|platform| {
            let user = platform.user.as_ref().map_or_else(
                || "?".to_owned(),
                |user| user.uid.map_or_else(|| user.spec.clone(), |uid| uid.to_string()),
            );
            format!("{} as uid {user}", platform.platform)
        });
        Self {
            findings: SEVERITIES.into_iter().map(count).collect(),
            secrets: open().filter(|finding| finding.kind == "secret" && finding.confidence != "low").count(),
            size: report.platforms.iter().flat_map(|platform| &platform.layers).map(|layer| layer.size).sum(),
            users: users.collect(),
        }
    }
}

/// Prints the plan.
pub(super) fn plan(plan: &Plan, format: Format) -> Result<(), Failed> {
    output::print(&|out| match format {
        Format::Json => write_json(plan, out),
        Format::Table => plan_text(plan, out),
    })
}

/// Prints what came of it.
pub(super) fn outcome(outcome: &Outcome, format: Format) -> Result<(), Failed> {
    output::print(&|out| match format {
        Format::Json => write_json(outcome, out),
        Format::Table => outcome_text(outcome, out),
    })
}

fn plan_text(plan: &Plan, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} to {}", terminal(&plan.reference), terminal(&plan.target))?;
    if !plan.changes_anything() {
        writeln!(out, "\nNothing to do.")?;
    }
    for planned in &plan.steps {
        step_text(planned, out)?;
    }
    let notes = plan.notes.iter().map(|note| format!("\n{}", terminal(note)));
    notes.into_iter().try_for_each(|note| writeln!(out, "{note}"))
}

fn step_text(planned: &PlannedStep, out: &mut dyn Write) -> io::Result<()> {
    let step = &planned.step;
    let title = if step.is_change() { step.title.as_str() } else { "nothing can be done" };
    writeln!(out, "\n{}: {}   [{}]", step.transform, terminal(title), terminal(&planned.platforms.join(", ")))?;
    if step.is_change() {
        writeln!(out, "  why: {}", terminal(&step.why))?;
    }
    for change in step.changes.iter().take(MAX_SHOWN) {
        writeln!(out, "  - {}: {}", terminal(&change.what), terminal(&change.change))?;
    }
    if let Some(more) = step.changes.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
        writeln!(out, "  - and {more} more (--format json lists all)")?;
    }
    for cannot in &step.cannot {
        writeln!(out, "  ! {}", terminal(cannot))?;
    }
    for left in &step.left {
        writeln!(out, "  > {}", terminal(left))?;
    }
    Ok(())
}

fn outcome_text(outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let Outcome { before, after, .. } = outcome;
    writeln!(out, "\n{:<12} {:>10} {:>10}", "", "before", "after")?;
    for ((severity, old), (_, new)) in before.findings.iter().zip(&after.findings) {
        if old + new > 0 {
            writeln!(out, "{severity:<12} {old:>10} {new:>10}")?;
        }
    }
    writeln!(out, "{:<12} {:>10} {:>10}", "secrets", before.secrets, after.secrets)?;
    writeln!(out, "{:<12} {:>10} {:>10}", "size", bytes(before.size), bytes(after.size))?;
    for (old, new) in before.users.iter().zip(&after.users).filter(|(old, new)| old != new) {
        writeln!(out, "user         {} -> {}", terminal(old), terminal(new))?;
    }
    Ok(())
}
