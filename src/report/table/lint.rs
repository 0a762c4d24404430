//! The page about build and run files: each place with its line.

use std::collections::BTreeMap;
use std::io;

use anstyle::{AnsiColor, Style};

use super::{Page, counted, severity_style};
use crate::report::contract::{Finding, Location, severity_rank};
use crate::report::escape::terminal;
use crate::secret::HIDDEN;

impl<'a> Page<'a> {
    /// All of a report about files, in the order of the files.
    pub(super) fn lint(&mut self) -> io::Result<()> {
        let mut places: Vec<(&Location, &Finding)> = Vec::new();
        let mut hidden = 0;
        for finding in self.report.findings.iter().filter(|finding| finding.disposition.state == "open") {
            if self.is_listed(finding) {
                places.extend(finding.locations.iter().map(|place| (place, finding)));
            } else {
                hidden += finding.locations.len();
            }
        }
        let key = |place: &Location| (place.path.clone(), place.line, place.column);
        places.sort_by(|(a, x), (b, y)| (key(a), &x.rule).cmp(&(key(b), &y.rule)));
        for (place, finding) in &places {
            self.place(place, finding)?;
        }
        self.set_aside()?;
        self.unknowns()?;
        self.counts(&places, hidden)
    }

    /// What needs no attention is summed up, unless it is asked for.
    fn is_listed(&self, finding: &Finding) -> bool {
        let asked = &self.options.severities;
        match asked.is_empty() {
            true => self.options.show_all || finding.severity != "negligible",
            false => asked.contains(&finding.severity),
        }
    }

    fn place(&mut self, place: &Location, finding: &Finding) -> io::Result<()> {
        let (line, column) = (place.line.unwrap_or_default(), place.column.unwrap_or_default());
        let path = terminal(place.path.as_deref().unwrap_or_default());
        let severity = self.paint(&finding.severity, severity_style(&finding.severity));
        let title = terminal(&finding.title);
        writeln!(self.out, "{path}:{line}:{column}: {severity} {}: {title}", finding.rule)?;
        if let Some(text) = &place.text {
            let number = line.to_string();
            let gap = " ".repeat(number.len());
            writeln!(self.out, "  {number} | {}", shown(text))?;
            if let Some(marks) = marks(place, text) {
                writeln!(self.out, "  {gap} | {}", self.paint(&marks, severity_style(&finding.severity)))?;
            }
        }
        if let Some(advice) = &finding.remediation {
            let aliases = finding.aliases.iter().filter(|alias| !alias.starts_with("KICS-")).take(4);
            let aliases = aliases.map(String::as_str).collect::<Vec<_>>().join(", ");
            let aliases = if aliases.is_empty() { aliases } else { format!(" ({aliases})") };
            writeln!(self.out, "  = {}{aliases}", terminal(advice))?;
        }
        writeln!(self.out)
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    /// "12 problems: 1 high, 11 low; --fix mends 4".
    fn counts(&mut self, places: &[(&Location, &Finding)], hidden: usize) -> io::Result<()> {
        let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
        for (_, finding) in places {
            *counts.entry((severity_rank(&finding.severity), &finding.severity)).or_default() += 1;
        }
        let parts = counts.iter().map(|((_, severity), count)| format!("{count} {severity}")).collect::<Vec<_>>();
        let mut line = match places.len() {
            0 => "no problems".to_owned(),
            count => format!("{}: {}", counted(count, "problem"), parts.join(", ")),
        };
        let unread = self.report.unknowns.len();
        if unread > 0 {
            line.push_str(&format!(" in what was read; {} NOT READ", counted(unread, "file")));
        }
        let fixable = places.iter().filter(|(place, _)| place.fix.is_some()).count();
        if fixable > 0 {
            line.push_str(&format!("; --fix mends {fixable}"));
        }
        if hidden > 0 {
            line.push_str(&format!("; {hidden} more with --show all"));
        }
        let style = if places.is_empty() && unread == 0 { AnsiColor::Green } else { AnsiColor::Yellow }.on_default();
        writeln!(self.out, "{}: {}", terminal(&self.report.subject.reference), self.paint(&line, style))?;
        // Who did not ask for a judgement gets none.
        if self.report.verdict.result == "none" { Ok(()) } else { self.verdict() }
    }
}

/// A line of a file with tabs as one space, so that what stands below it fits.
fn shown(text: &str) -> String {
    terminal(&text.replace('\t', " "))
}

/// Carets below the part of a line that a place is; none where what is shown is not as wide as what is there.
fn marks(place: &Location, text: &str) -> Option<String> {
    let is_plain = !text.contains(HIDDEN) && text.chars().all(|c| c == '\t' || !c.is_control());
    let column = usize::try_from(place.column?).ok()?.checked_sub(1)?;
    let length = text.chars().count();
    let end =
        if place.end_line == place.line { usize::try_from(place.end_column?).ok()?.checked_sub(1)? } else { length };
    let end = end.min(length);
    (is_plain && column < end).then(|| format!("{}{}", " ".repeat(column), "^".repeat(end - column)))
}
