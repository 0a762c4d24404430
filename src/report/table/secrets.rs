//! The table's section of secrets: what, how bad, where, and since when.

use std::collections::BTreeSet;
use std::io;

use super::grid::{Cell, shorten};
use super::{Page, severity};
use crate::report::contract::{Finding, Location};
use crate::secret;

/// Longest build instruction that is shown beside a place.
const MAX_INSTRUCTION: usize = 60;

impl Page<'_> {
    pub(super) fn secrets(&mut self) -> io::Result<()> {
        let show_all = self.options.show_all;
        let (shown, doubtful): (Vec<_>, Vec<_>) =
            self.of_kind("secret").into_iter().partition(|secret| show_all || secret.confidence != "low");
        if shown.is_empty() && doubtful.is_empty() {
            return Ok(());
        }
        self.heading(&format!("Secrets: {}", shown.len()))?;
        let row = |secret: &&Finding| {
            let place = secret.locations.first().map(place).unwrap_or_default();
            let more = match places(&secret.locations) {
                0 | 1 => String::new(),
                2 => ", and in 1 more place".to_owned(),
                all => format!(", and in {} more places", all - 1),
            };
            let evidence = secret.evidence.as_deref().unwrap_or_default();
            let activity = match secret.activity.as_deref() {
                Some("active") => "ACTIVE, ",
                Some("inactive") => "not active, ",
                _ => "",
            };
            let shown = secret.values.iter().map(String::as_str).collect::<Vec<_>>().join(" | ");
            let evidence = if shown.is_empty() { evidence } else { &shown };
            let text = format!("{}{activity}{evidence} in {place}{more}", self.only(&secret.platforms));
            vec![severity(&secret.severity), Cell::new(&secret.title), Cell::new(&text)]
        };
        let rows: Vec<Vec<Cell>> = shown.iter().take(self.limit()).map(row).collect();
        self.rows(&rows, &[10, 30])?;
        self.rest(shown.len())?;
        if !shown.is_empty() {
            let is_folder = self.report.subject.transport == "dir";
            let what = if is_folder { secret::CHECKOUT_REMEDIATION } else { secret::REMEDIATION };
            self.note(&format!("What to do: {what}"))?;
        }
        if !doubtful.is_empty() {
            self.note(&format!("{} more of low confidence (--show all)", doubtful.len()))?;
        }
        Ok(())
    }
}

/// How many places a person would look at; platforms that have the same file in layers of their own are one.
fn places(locations: &[Location]) -> usize {
    let place = |location: &Location| (location.path.clone(), location.config.clone(), location.line);
    locations.iter().map(place).collect::<BTreeSet<_>>().len()
}

fn place(location: &Location) -> String {
    if let Some(config) = &location.config {
        return format!("the configuration ({config})");
    }
    let path = location.path.as_deref().unwrap_or_default();
    let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
    if let Some(commit) = &location.commit {
        let state = match location.state.as_deref() {
            Some(state @ ("deleted" | "overwritten")) => format!(", {state} later but still in"),
            _ => ",".to_owned(),
        };
        let (id, day) = (commit.id.get(..12).unwrap_or(&commit.id), commit.date.get(..10).unwrap_or(&commit.date));
        return format!("{path}{line}{state} commit {id} of {day} by {}", commit.author);
    }
    let Some(index) = location.layer_index else { return format!("{path}{line}") };
    let state = match location.state.as_deref() {
        Some(state @ ("deleted" | "overwritten")) => format!(", {state} later but still in"),
        _ => ",".to_owned(),
    };
    let instruction = location.instruction.as_deref().map(|text| format!(" ({})", shorten(text, MAX_INSTRUCTION)));
    format!("{path}{line}{state} layer {}{}", index + 1, instruction.unwrap_or_default())
}
