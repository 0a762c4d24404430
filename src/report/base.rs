//! What `base` says of an image: its base, the newer one, and until when there are fixes, for people and as JSON (`docs/schema/base-1.0.json`).

use std::io::{self, Write};

use serde::Serialize;

use super::contract::{Base, Finding, NewerBase, Os, Report, SCHEMA_VERSION, Support};
use super::escape::{terminal, write_json};

/// Advisories that a line names.
const MAX_NAMED: usize = 5;

/// What one image stands on.
#[derive(Clone, Debug, Serialize)]
pub struct Bases {
    schema_version: &'static str,
    reference: String,
    digest: Option<String>,
    evaluated_at: String,
    platforms: Vec<Platform>,
    /// What registries say of the bases' tags now, with `--check`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checked: Vec<Checked>,
    findings: Vec<Finding>,
}

/// One platform.
#[derive(Clone, Debug, Serialize)]
struct Platform {
    platform: String,
    digest: Option<String>,
    complete: bool,
    layers: usize,
    os: Option<Os>,
    base: Option<Base>,
    support: Vec<Support>,
}

/// What a registry says that a tag points to.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The base's name.
    pub name: String,
    /// What it points to now.
    pub digest: String,
    /// Whether that is the base.
    pub is_same: bool,
}

impl Bases {
    /// What a report says of bases.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let platform = |platform: &super::contract::Platform| Platform {
            platform: platform.platform.clone(),
            digest: platform.digest.clone(),
            complete: platform.complete,
            layers: platform.layers.len(),
            os: platform.os.clone(),
            base: platform.base.clone(),
            support: platform.support.clone(),
        };
        let findings = report.findings.iter().filter(|finding| matches!(finding.kind.as_str(), "base" | "eol"));
        Self {
            schema_version: SCHEMA_VERSION,
            reference: report.subject.reference.clone(),
            digest: report.subject.digest.clone(),
            evaluated_at: report.evaluated_at.clone(),
            platforms: report.platforms.iter().map(platform).collect(),
            checked: Vec::new(),
            findings: findings.cloned().collect(),
        }
    }

    /// Writes them as JSON: one document, or a list of several.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn json(bases: &[Self], out: &mut dyn Write) -> io::Result<()> {
        match bases {
            [only] => write_json(only, out),
            several => write_json(&serde_json::json!({"schema_version": SCHEMA_VERSION, "images": several}), out),
        }
    }

    /// Writes them for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn page(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut line = |text: String| writeln!(out, "{}", terminal(&text));
        let digest = self.digest.as_deref().map(super::table::short_digest).unwrap_or_default();
        line(format!("{}  {digest}", self.reference).trim_end().to_owned())?;
        for platform in &self.platforms {
            line(format!("  {}: {}", platform.platform, platform.summary()))?;
            for text in platform.details() {
                line(format!("    {text}"))?;
            }
        }
        for checked in &self.checked {
            let outcome = if checked.is_same { "still points to it" } else { "points to something else now" };
            line(format!("  {} {outcome}: {}", checked.name, checked.digest))?;
            if !checked.is_same {
                line(format!("    take it into the catalogue: imgguard base index {}", checked.name))?;
            }
        }
        for finding in &self.findings {
            line(format!("  {} {}: {}", finding.severity, finding.rule, finding.title))?;
            if let Some(advice) = &finding.remediation {
                line(format!("    {advice}"))?;
            }
        }
        Ok(())
    }
}

impl Platform {
    /// The base in one line.
    fn summary(&self) -> String {
        let Some(base) = &self.base else { return "no known base, and nothing speaks of one".to_owned() };
        let name = base.name.as_deref().or(base.digest.as_deref()).unwrap_or("an image without a name");
        if !base.verified {
            return format!("perhaps {name}, not verified");
        }
        let of = format!("{} of {} layers", base.layers, self.layers);
        format!("{name}, {}, {of}", base_status(base))
    }

    fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(base) = &self.base {
            lines.extend(
                base.below.iter().map(|lower| format!("which stands on {} ({} layers)", lower.name, lower.layers)),
            );
            for statement in &base.statements {
                lines.push(format!("{}, {}: {}", statement.source, statement.holds, statement.detail));
            }
            match &base.newer {
                Some(newer) => lines.extend(newer_lines(newer)),
                None => lines.extend(base.from.iter().map(|from| format!("to take this one and no other: {from}"))),
            }
        }
        lines.extend(self.support.iter().map(support));
        lines
    }
}

/// The status of a verified base, as people read it.
pub(super) fn base_status(base: &Base) -> String {
    match (&base.newer, base.status.as_str()) {
        (Some(newer), status) => {
            let releases =
                if newer.releases == 1 { "1 release".into() } else { format!("{} releases", newer.releases) };
            let days = newer.days.map(|days| format!(", {days} days")).unwrap_or_default();
            let ended = if status == "eol" { "past its end of life, " } else { "" };
            format!("{ended}behind by {releases}{days}")
        }
        (None, "eol") => "past its end of life".to_owned(),
        (None, "current") => "the newest of its line".to_owned(),
        (None, _) => "of unknown age".to_owned(),
    }
}

fn newer_lines(newer: &NewerBase) -> Vec<String> {
    let change = |word: &str, changes: &[super::contract::Change]| {
        let named = changes.iter().take(MAX_NAMED).map(|change| change.rule.as_str()).collect::<Vec<_>>().join(", ");
        let more = if changes.len() > MAX_NAMED { ", …" } else { "" };
        let named = if changes.is_empty() { String::new() } else { format!(": {named}{more}") };
        format!("it {word} {}{named}", super::table::counted(changes.len(), "vulnerability"))
    };
    vec![
        format!("the newest is {} ({})", newer.name, newer.digest),
        change("fixes", &newer.fixes),
        change("adds", &newer.adds),
        newer.from.clone(),
    ]
}

fn support(support: &Support) -> String {
    let name = format!("{} {}", support.product, support.cycle);
    let extended =
        support.extended.as_deref().map(|until| format!("; extended support until {until}")).unwrap_or_default();
    let ends = support.ends.as_deref();
    match (support.status.as_str(), ends) {
        ("ended", Some(ends)) => format!("{name} gets no more fixes since {ends}{extended}"),
        ("ended", None) => format!("{name} gets no more fixes{extended}"),
        (_, Some(ends)) => format!("{name} gets fixes until {ends}{extended}"),
        (_, None) => format!("{name} gets fixes, and no end is announced"),
    }
}
