//! A difference for people: what came has a plus, what went a minus, what changed a tilde.

use std::io::{self, Write};

use super::{Comparison, Difference, FindingSummary, PackageSummary, Size};
use crate::report::bytes;
use crate::report::escape::terminal;

pub(super) fn write(difference: &Difference, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page(out);
    page.line(0, &format!("from {}", difference.from.subject.reference))?;
    page.line(0, &format!("to   {}", difference.to.subject.reference))?;
    for platform in &difference.platforms.removed {
        page.line(0, &format!("- platform {platform}"))?;
    }
    for platform in &difference.platforms.added {
        page.line(0, &format!("+ platform {platform}"))?;
    }
    difference.comparisons.iter().try_for_each(|comparison| page.comparison(comparison))?;
    page.notes(difference)
}

struct Page<'a>(&'a mut dyn Write);

impl Page<'_> {
    fn line(&mut self, depth: usize, text: &str) -> io::Result<()> {
        writeln!(self.0, "{}{}", "  ".repeat(depth), terminal(text))
    }

    fn heading(&mut self, title: &str, counts: &[(usize, &str)]) -> io::Result<()> {
        let counts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        self.line(1, &format!("{title}: {}", counts.join(", ")))
    }

    fn comparison(&mut self, comparison: &Comparison) -> io::Result<()> {
        writeln!(self.0)?;
        let Comparison { from, to, .. } = comparison;
        self.line(0, &if from == to { from.clone() } else { format!("{from} → {to}") })?;
        if !comparison.differs() {
            return self.line(1, "no difference");
        }
        self.packages(comparison)?;
        self.findings(comparison)?;
        if !comparison.configuration.is_empty() {
            self.heading("Configuration", &[(comparison.configuration.len(), "changed")])?;
        }
        for change in &comparison.configuration {
            let text = match (&change.from, &change.to) {
                (None, Some(to)) => format!("+ {}: {to}", change.field),
                (Some(from), None) => format!("- {}: {from}", change.field),
                (from, to) => {
                    let word = |text: &Option<String>| text.clone().unwrap_or_default();
                    format!("~ {}: {} → {}", change.field, word(from), word(to))
                }
            };
            self.line(2, &text)?;
        }
        comparison.size.as_ref().map_or(Ok(()), |size| self.size(size))
    }

    fn packages(&mut self, comparison: &Comparison) -> io::Result<()> {
        let packages = &comparison.packages;
        let (added, removed, changed) = (packages.added.len(), packages.removed.len(), packages.changed.len());
        if added + removed + changed == 0 {
            return Ok(());
        }
        self.heading("Packages", &[(added, "added"), (removed, "removed"), (changed, "changed")])?;
        let package =
            |package: &PackageSummary| format!("{} {} ({})", package.name, package.version, package.ecosystem);
        for removed in &packages.removed {
            self.line(2, &format!("- {}", package(removed)))?;
        }
        for added in &packages.added {
            self.line(2, &format!("+ {}", package(added)))?;
        }
        for changed in &packages.changed {
            let (from, to) = (changed.from.join(", "), changed.to.join(", "));
            let direction = if changed.change == "downgraded" { ", downgraded" } else { "" };
            self.line(2, &format!("~ {} {from} → {to} ({}{direction})", changed.name, changed.ecosystem))?;
        }
        Ok(())
    }

    fn findings(&mut self, comparison: &Comparison) -> io::Result<()> {
        let findings = &comparison.findings;
        if findings.is_empty() {
            return Ok(());
        }
        self.heading("Findings", &[(findings.added.len(), "new"), (findings.removed.len(), "gone")])?;
        let finding = |finding: &FindingSummary| format!("{} {}: {}", finding.severity, finding.rule, finding.title);
        for gone in &findings.removed {
            self.line(2, &format!("- {}", finding(gone)))?;
        }
        for new in &findings.added {
            self.line(2, &format!("+ {}", finding(new)))?;
        }
        Ok(())
    }

    fn size(&mut self, size: &Size) -> io::Result<()> {
        let change = match size.to.checked_sub(size.from) {
            Some(0) => "the same".to_owned(),
            Some(more) => format!("{} more", bytes(more)),
            None => format!("{} less", bytes(size.from - size.to)),
        };
        let layers = format!(
            "layers: {} shared, {} added, {} removed",
            size.shared,
            size.layers.added.len(),
            size.layers.removed.len()
        );
        self.line(1, &format!("Size: {} → {} ({change}); {layers}", bytes(size.from), bytes(size.to)))
    }

    /// What the comparison cannot say.
    fn notes(&mut self, difference: &Difference) -> io::Result<()> {
        let (from, to) = (&difference.from, &difference.to);
        let incomplete = [from, to].into_iter().filter(|side| !side.complete);
        let mut notes: Vec<String> = incomplete
            .map(|side| {
                format!("not everything of {} was read, so what it lacks here may be there", side.subject.reference)
            })
            .collect();
        notes.dedup();
        if from.advisories.digest != to.advisories.digest {
            notes.push(
                "the two were checked with different advisories, so findings may differ for that reason alone".into(),
            );
        }
        if !difference.not_compared.is_empty() {
            notes.push(format!("NOT COMPARED: {}", difference.not_compared.join(", ")));
        }
        if !notes.is_empty() {
            writeln!(self.0)?;
        }
        notes.iter().try_for_each(|note| self.line(0, note))
    }
}
