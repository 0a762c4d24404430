//! What to do about leaked secrets: for each one where it is and since when, who else has it, what to rotate and how, and what a clean rebuild needs. As Markdown for a ticket, and
//! as JSON (`docs/schema/incident-1.0.json`).
//!
//! In: a report and what its repository's other tags carry. Everything that comes from the image is escaped, and no secret is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use super::contract::{Finding, Location, Report};
use super::escape;
use crate::secret;

/// Version of the JSON form.
const SCHEMA_VERSION: &str = "1.0";

/// Most places of one secret that the page lists; the JSON has all.
const MAX_PLACES: usize = 20;

/// Most tags that the page names a secret; the JSON has all.
const MAX_NAMED_TAGS: usize = 50;

/// What other tags of the repository carry.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tags {
    /// Tags that were looked at; none where there is no repository to ask.
    pub looked_at: usize,
    /// Why not all tags were looked at; empty when they were.
    pub not_looked_at: Vec<String>,
    /// The tags by the digest of a layer or manifest that they carry.
    #[serde(skip)]
    pub by_digest: BTreeMap<String, BTreeSet<String>>,
}

/// The incident of one subject.
#[derive(Debug, Serialize)]
pub struct Incident<'a> {
    schema_version: &'static str,
    tool: &'a super::contract::Tool,
    evaluated_at: &'a str,
    subject: &'a super::contract::Subject,
    secrets: Vec<Leak<'a>>,
    /// Secrets of low confidence, which are in the report only.
    doubtful: usize,
    /// Secrets that somebody answers for, which are in the report only.
    set_aside: usize,
    tags: &'a Tags,
    /// What of the image could not be read.
    not_read: Vec<String>,
}

/// One secret.
#[derive(Debug, Serialize)]
struct Leak<'a> {
    id: &'a str,
    rule: &'a str,
    title: &'a str,
    severity: &'a str,
    confidence: &'a str,
    activity: Option<&'a str>,
    evidence: Option<&'a str>,
    platforms: &'a [String],
    places: Vec<Place<'a>>,
    /// Tags of the repository that carry it.
    tags: BTreeSet<&'a str>,
    rotate: Rotate,
    rebuild: Rebuild,
}

/// A place of it, with the time at which the layer was built.
#[derive(Debug, Serialize)]
struct Place<'a> {
    #[serde(flatten)]
    location: &'a Location,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<&'a str>,
}

/// How to make it worthless.
#[derive(Debug, Serialize)]
struct Rotate {
    how: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    at: String,
}

/// How to build without it.
#[derive(Debug, Serialize)]
struct Rebuild {
    how: &'static str,
    /// Lines for a Dockerfile and a command, where they help.
    example: Vec<String>,
}

impl<'a> Incident<'a> {
    /// The incident of a report.
    #[must_use]
    pub fn of(report: &'a Report, tags: &'a Tags) -> Self {
        let secrets = || report.findings.iter().filter(|finding| finding.kind == "secret");
        let open = || secrets().filter(|finding| finding.disposition.state == "open");
        let not_read = report.unknowns.iter().filter(|unknown| unknown.effect == "required");
        let mut leaks: Vec<Leak<'a>> = open()
            .filter(|finding| finding.confidence != "low")
            .map(|finding| Leak::of(finding, report, tags))
            .collect();
        leaks.sort_by_key(|leak| (super::contract::severity_rank(leak.severity), leak.rule, leak.id));
        Self {
            schema_version: SCHEMA_VERSION,
            tool: &report.tool,
            evaluated_at: &report.evaluated_at,
            subject: &report.subject,
            secrets: leaks,
            doubtful: open().filter(|finding| finding.confidence == "low").count(),
            set_aside: secrets().count() - open().count(),
            tags,
            not_read: not_read
                .map(|unknown| {
                    let place = unknown.path.as_deref().or(unknown.layer.as_deref()).unwrap_or("the image");
                    format!("{place}: {}", unknown.reason)
                })
                .collect(),
        }
    }

    /// As a page for people.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_markdown(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "# Leaked secrets in {}\n", markdown(&self.subject.reference))?;
        if let Some(digest) = &self.subject.digest {
            writeln!(
                out,
                "Image {}, looked at on {} by imgguard {}.\n",
                markdown(digest),
                self.evaluated_at,
                self.tool.version
            )?;
        }
        self.write_summary(out)?;
        for (number, leak) in self.secrets.iter().enumerate() {
            leak.write(number + 1, self.tags, out)?;
        }
        self.write_limits(out)
    }

    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.secrets.is_empty() {
            return writeln!(out, "No secret of high or medium confidence was found.\n");
        }
        let count = match self.secrets.len() {
            1 => "One secret".to_owned(),
            many => format!("{many} secrets"),
        };
        writeln!(out, "{count} can be read by everybody who can pull this image. In this order:\n")?;
        writeln!(
            out,
            "1. Rotate or revoke every secret below. Nothing else undoes the leak: copies of the image stay."
        )?;
        writeln!(out, "2. Look at the provider's logs for uses that were not yours, since the layer was built.")?;
        writeln!(out, "3. Rebuild without the secret; deleting the file in a later layer does not help.")?;
        writeln!(out, "4. Replace every tag named below, then delete the old manifests, not only the tags.\n")
    }

    fn write_limits(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "## What was not looked at\n")?;
        for reason in &self.tags.not_looked_at {
            writeln!(out, "- Tags: {}", markdown(reason))?;
        }
        for reason in self.not_read.iter().take(MAX_PLACES) {
            writeln!(out, "- {}", markdown(reason))?;
        }
        match self.not_read.len().saturating_sub(MAX_PLACES) {
            0 => {}
            more => writeln!(out, "- and {more} more files or layers that could not be read")?,
        }
        if self.doubtful > 0 {
            writeln!(out, "- {} of low confidence are in the report only", self.doubtful)?;
        }
        if self.set_aside > 0 {
            writeln!(out, "- {} that somebody answers for are in the report only", self.set_aside)?;
        }
        writeln!(out, "- Tags that were moved or deleted, other repositories, and copies that were pulled")
    }
}

impl<'a> Leak<'a> {
    fn of(finding: &'a Finding, report: &'a Report, tags: &'a Tags) -> Self {
        let rule = secret::rule(&finding.rule);
        let how = rule.map(|rule| rule.remediation.clone()).filter(|text| !text.is_empty());
        let how = how.unwrap_or_else(|| "revoke it, and give its users a new one".to_owned());
        Self {
            id: &finding.id,
            rule: &finding.rule,
            title: &finding.title,
            severity: &finding.severity,
            confidence: &finding.confidence,
            activity: finding.activity.as_deref(),
            evidence: finding.evidence.as_deref(),
            platforms: &finding.platforms,
            places: finding.locations.iter().map(|location| Place::of(location, report)).collect(),
            tags: carrying(finding, report, tags),
            rotate: Rotate { how, at: rule.map(|rule| rule.rotation.clone()).unwrap_or_default() },
            rebuild: Rebuild::of(finding),
        }
    }

    fn write(&self, number: usize, tags: &Tags, out: &mut dyn Write) -> io::Result<()> {
        let title = markdown(self.title);
        writeln!(out, "## {number}. {title} ({}, {} confidence)\n", self.severity, self.confidence)?;
        writeln!(out, "- Finding: {}, rule {}", self.id, markdown(self.rule))?;
        if let Some(evidence) = self.evidence {
            writeln!(out, "- Shown masked: {}", markdown(evidence))?;
        }
        if let Some(activity) = self.activity {
            writeln!(out, "- The provider says: {activity}")?;
        }
        for place in self.places.iter().take(MAX_PLACES) {
            writeln!(out, "- Where: {}", place.describe())?;
        }
        if self.places.len() > MAX_PLACES {
            writeln!(out, "- and {} more places, in the JSON form", self.places.len() - MAX_PLACES)?;
        }
        writeln!(out, "- Platforms: {}", markdown(&self.platforms.join(", ")))?;
        if tags.looked_at > 0 {
            let named: Vec<String> = self.tags.iter().take(MAX_NAMED_TAGS).map(|tag| markdown(tag)).collect();
            let more = self.tags.len().saturating_sub(MAX_NAMED_TAGS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            writeln!(out, "- Tags with it, of {} looked at: {}{more}", tags.looked_at, named.join(", "))?;
        }
        let at = if self.rotate.at.is_empty() { String::new() } else { format!(", at <{}>", self.rotate.at) };
        writeln!(out, "- Rotate: {}{at}", markdown(&self.rotate.how))?;
        writeln!(out, "- Rebuild: {}", markdown(self.rebuild.how))?;
        if !self.rebuild.example.is_empty() {
            writeln!(out, "\n```dockerfile")?;
            self.rebuild.example.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            writeln!(out, "```")?;
        }
        writeln!(out)
    }
}

/// The tags that carry a layer of the finding, or, for one in the configuration, the very manifest.
fn carrying<'a>(finding: &Finding, report: &Report, tags: &'a Tags) -> BTreeSet<&'a str> {
    let in_config = finding.locations.iter().any(|location| location.config.is_some());
    let layers = finding.locations.iter().filter_map(|location| location.layer.as_deref());
    let manifests =
        report.platforms.iter().filter(|platform| in_config && finding.platforms.contains(&platform.platform));
    let digests = layers.chain(manifests.filter_map(|platform| platform.digest.as_deref()));
    digests.filter_map(|digest| tags.by_digest.get(digest)).flatten().map(String::as_str).collect()
}

/// `text` as plain text; what GitHub would make a link by itself (GFM 0.29, section 6.9) stays text, too.
fn markdown(text: &str) -> String {
    escape::markdown(text).replace("://", "\\://").replace("www.", "www\\.")
}

/// The digests by which the tags of a report's secrets are looked for.
#[must_use]
pub fn wanted(report: &Report) -> BTreeSet<String> {
    let secrets = report.findings.iter().filter(|finding| finding.kind == "secret");
    let layers = secrets.flat_map(|finding| &finding.locations).filter_map(|location| location.layer.clone());
    layers.chain(report.platforms.iter().filter_map(|platform| platform.digest.clone())).collect()
}

impl<'a> Place<'a> {
    fn of(location: &'a Location, report: &'a Report) -> Self {
        let layers = report.platforms.iter().flat_map(|platform| &platform.layers);
        let mut layers = layers.filter(|layer| layer.digest.is_some() && layer.digest == location.layer);
        Self { location, created: layers.next().and_then(|layer| layer.created.as_deref()) }
    }

    /// In one line, escaped.
    fn describe(&self) -> String {
        let Location { path, config, layer, layer_index, line, state, instruction, .. } = self.location;
        if let Some(config) = config {
            return format!("the configuration, {}", markdown(config));
        }
        let mut text = markdown(path.as_deref().unwrap_or_default());
        if let Some(line) = line {
            text.push_str(&format!(":{line}"));
        }
        if let (Some(layer), Some(index)) = (layer, layer_index) {
            text.push_str(&format!(", in layer {} ({})", index + 1, markdown(layer)));
        }
        if let Some(state @ ("deleted" | "overwritten")) = state.as_deref() {
            text.push_str(&format!(", {state} later, but still in that layer"));
        }
        if let Some(instruction) = instruction {
            text.push_str(&format!(", put there by: {}", markdown(instruction)));
        }
        if let Some(created) = self.created {
            text.push_str(&format!(", on {}", markdown(created)));
        }
        text
    }
}

impl Rebuild {
    /// By where the secret is: built in, copied in, or set for the running container.
    fn of(finding: &Finding) -> Self {
        let config = finding.locations.iter().find_map(|location| location.config.as_deref()).unwrap_or_default();
        let name = config.rsplit(':').next().unwrap_or_default();
        let is_name = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && !text.starts_with(|first: char| first.is_ascii_digit())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        let name = if is_name(name) { name } else { "SECRET" };
        if config.starts_with("env:") {
            return Self {
                how: "leave the variable out of the image and give it when the container starts: `docker run --env-file`, `secrets:` in a compose file, a Secret in Kubernetes",
                example: vec![format!("# no ENV {name} in the Dockerfile"), format!("docker run --env {name} IMAGE")],
            };
        }
        if config.starts_with("history:") {
            return Self {
                how: "give it to the one step that needs it as a build secret, which is in no layer and no history; ARG and ENV are",
                example: vec![
                    format!("RUN --mount=type=secret,id={name},env={name} make"),
                    format!("docker build --secret id={name},env={name} ."),
                ],
            };
        }
        if !config.is_empty() {
            return Self {
                how: "leave it out of the Dockerfile: labels, commands and annotations are public",
                example: Vec::new(),
            };
        }
        Self {
            how: "do not copy the file in: name it in .dockerignore, and mount it for the step that needs it, or when the container starts",
            example: vec![
                "RUN --mount=type=secret,id=credentials,target=/run/secrets/credentials make".to_owned(),
                "docker build --secret id=credentials,src=FILE .".to_owned(),
            ],
        }
    }
}
