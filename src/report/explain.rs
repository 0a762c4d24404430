//! An explanation to text and JSON.

use std::io::{self, Write};

use serde::Serialize;

use super::escape::{terminal, write_json};
use crate::advisory::explain::{Conclusion, Known, Statement, Story};
use crate::advisory::model::Severity;

/// Rows of a package that the text shows; JSON has all.
const MAX_ROWS: usize = 12;

/// Why an id is or is not reported.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explained {
    /// What was asked for.
    pub id: String,
    /// Digest of the advisory store.
    pub store: String,
    /// The finding, where the id is one's.
    pub finding: Option<FindingFacts>,
    /// What the store knows; none for findings that no advisory is behind, and for ids that it does not know.
    pub advisory: Option<Known>,
    /// All that the records state; only without an image.
    pub statements: Vec<Statement>,
    /// The images.
    pub images: Vec<Image>,
    /// Whether everything required was read.
    pub complete: bool,
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FindingFacts {
    /// Its class.
    pub kind: String,
    /// Rule or advisory id.
    pub rule: String,
    /// One line.
    pub title: String,
    /// How bad.
    pub severity: Severity,
    /// Masked text, or the range that matched.
    pub evidence: Option<String>,
    /// What to do.
    pub remediation: Option<String>,
    /// Files and places of the configuration.
    pub places: Vec<String>,
}

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Image {
    /// As the user wrote it.
    pub reference: String,
    /// Its packages that the records name.
    pub packages: Vec<Package>,
}

/// One package with its story.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Package {
    /// The platform.
    pub platform: String,
    /// Package URL.
    pub purl: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Source package and version, where they differ.
    pub source: Option<String>,
    /// The OS package that owns it.
    pub owner: Option<String>,
    /// The record of it.
    pub place: Place,
    /// What the records come to.
    #[serde(flatten)]
    pub story: Story,
}

/// A file of a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The file.
    pub path: String,
    /// The layer.
    pub layer: Option<String>,
    /// Its index.
    pub layer_index: Option<usize>,
    /// The build instruction.
    pub instruction: Option<String>,
}

impl Explained {
    /// Writes it as JSON.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        write_json(self, out)
    }

    /// Writes it for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut page = Page { out };
        if let Some(finding) = &self.finding {
            page.finding(&self.id, finding)?;
        }
        if let Some(known) = &self.advisory {
            page.advisory(known)?;
        }
        page.statements(&self.statements)?;
        for image in &self.images {
            page.image(image, self.advisory.is_some())?;
        }
        if !self.complete {
            page.line(0, "Something required could not be read; `imgguard scan` says what.")?;
        }
        Ok(())
    }
}

struct Page<'a> {
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn line(&mut self, indent: usize, text: &str) -> io::Result<()> {
        writeln!(self.out, "{:indent$}{}", "", terminal(text))
    }

    /// A line that is left out when there is nothing to say.
    fn list(&mut self, indent: usize, label: &str, items: &[String]) -> io::Result<()> {
        if items.is_empty() { Ok(()) } else { self.line(indent, &format!("{label}: {}", items.join(", "))) }
    }

    fn finding(&mut self, id: &str, finding: &FindingFacts) -> io::Result<()> {
        self.line(0, &format!("finding {id}: {} {} ({})", finding.kind, finding.rule, word(finding.severity)))?;
        self.line(2, &finding.title)?;
        for place in &finding.places {
            self.line(2, &format!("at {place}"))?;
        }
        for (label, text) in [("evidence", &finding.evidence), ("to do", &finding.remediation)] {
            if let Some(text) = text {
                self.line(2, &format!("{label}: {text}"))?;
            }
        }
        self.line(0, "")
    }

    fn advisory(&mut self, known: &Known) -> io::Result<()> {
        match known.withdrawn.as_deref() {
            Some("") => self.line(0, &format!("{}: withdrawn by its source, so it matches nothing", known.id))?,
            Some(at) => {
                self.line(0, &format!("{}: withdrawn by its source on {}, so it matches nothing", known.id, day(at)))?
            }
            None => self.line(0, &known.id)?,
        }
        for record in &known.records {
            let cvss = record.cvss.map(|score| format!(", CVSS {score:.1}")).unwrap_or_default();
            let modified = record.modified.as_deref().map_or("no date", day);
            let line = format!("{} ({}, of {modified}): {}{cvss}", record.id, record.source, word(record.severity));
            self.line(2, &line)?;
            self.list(4, "also known as", &record.aliases)?;
            self.list(4, "derived from", &record.upstream)?;
            self.list(4, "about", &record.cves)?;
        }
        Ok(())
    }

    fn statements(&mut self, statements: &[Statement]) -> io::Result<()> {
        if !statements.is_empty() {
            self.line(0, "")?;
            self.line(0, "Packages that the records name")?;
        }
        for statement in statements {
            self.statement(2, statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, indent: usize, statement: &Statement) -> io::Result<()> {
        let mut ranges = statement.ranges.clone();
        if statement.listed > 0 {
            ranges.push(format!("{} listed versions", statement.listed));
        }
        let ranges = if ranges.is_empty() { "every version".to_owned() } else { ranges.join(" or ") };
        let module = statement.module.as_deref().map(|module| format!(", module {module}")).unwrap_or_default();
        let status = serde_json::to_value(statement.status).ok();
        let status = status.as_ref().and_then(|status| status.as_str()).unwrap_or_default().replace('_', " ");
        let Statement { record, ecosystem, name, .. } = statement;
        self.line(indent, &format!("{record}: {ecosystem} {name}{module}: {status} {ranges}"))?;
        match (statement.verdict, &statement.comparison) {
            (Some(verdict), Some(comparison)) => self.line(indent + 2, &format!("{verdict}: {comparison}")),
            (Some(verdict), None) => self.line(indent + 2, verdict),
            (None, _) => Ok(()),
        }
    }

    fn image(&mut self, image: &Image, advisory: bool) -> io::Result<()> {
        if !advisory {
            return Ok(());
        }
        self.line(0, "")?;
        if image.packages.is_empty() {
            return self.line(0, &format!("{}: no package that the records name", image.reference));
        }
        self.line(0, &image.reference)?;
        image.packages.iter().try_for_each(|package| self.package(package))
    }

    fn package(&mut self, package: &Package) -> io::Result<()> {
        let conclusion = match package.story.conclusion {
            Conclusion::Affected => "AFFECTED",
            Conclusion::Hidden => "affected, hidden",
            Conclusion::NotAffected => "not affected",
            Conclusion::Cleared => "not affected",
            Conclusion::Suppressed => "left to the distribution",
            Conclusion::Undetermined => "NOT JUDGED",
            Conclusion::OtherRelease => "not affected",
        };
        let Package { platform, name, version, place, story, .. } = package;
        self.line(2, &format!("{platform} {name} {version}: {conclusion} ({})", story.reason))?;
        let layer = place.layer_index.map(|index| format!(", layer {index}")).unwrap_or_default();
        let instruction = place.instruction.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        self.line(4, &format!("recorded in {}{layer}{instruction}", place.path))?;
        self.list(4, "built from", package.source.as_slice())?;
        self.list(4, "owned by the OS package", package.owner.as_slice())?;
        self.list(4, "fixed in", &story.fixed_in)?;
        for statement in story.statements.iter().take(MAX_ROWS) {
            self.statement(4, statement)?;
        }
        let more = story.statements.len().saturating_sub(MAX_ROWS);
        if more > 0 { self.line(4, &format!("and {more} more rows; --format json has all")) } else { Ok(()) }
    }
}

fn word(severity: Severity) -> String {
    format!("{severity:?}").to_ascii_lowercase()
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.get(..10).unwrap_or(time)
}
