//! The report for people: problems first, everything that needs no decision in one line.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::contract::{Finding, Location, Report, Reports, severity_rank};
use super::escape::terminal;
use super::{RenderOptions, ReportFormat};

/// Rows of a section before the rest is summed up.
const MAX_ROWS: usize = 12;

/// `table`.
pub(super) struct Table;

impl ReportFormat for Table {
    fn name(&self) -> &'static str {
        "table"
    }

    fn summary(&self) -> &'static str {
        "for people: problems first, the rest summed up"
    }

    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        for (index, report) in reports.reports.iter().enumerate() {
            if index > 0 {
                writeln!(out)?;
            }
            Page { report, options, out: &mut *out }.render()?;
        }
        Ok(())
    }
}

/// One report being written.
struct Page<'a> {
    report: &'a Report,
    options: &'a RenderOptions,
    out: &'a mut dyn Write,
}

impl Page<'_> {
    fn render(&mut self) -> io::Result<()> {
        self.header()?;
        self.secrets()?;
        self.checks()?;
        self.vulnerabilities()?;
        self.coverage()?;
        self.unknowns()?;
        self.verdict()
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.options.color { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn severity(&self, severity: &str) -> String {
        let padded = format!("{severity:<10}");
        let style = match severity {
            "critical" => AnsiColor::Red.on_default().bold(),
            "high" => AnsiColor::Red.on_default(),
            "medium" | "unknown" => AnsiColor::Yellow.on_default(),
            "low" => AnsiColor::Blue.on_default(),
            _ => Style::new().dimmed(),
        };
        self.paint(style, &padded)
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = self.paint(Style::new().bold(), text);
        writeln!(self.out, "\n{text}")
    }

    /// A line no wider than the options say; what does not fit ends in `…`.
    fn row(&mut self, severity: &str, text: &str) -> io::Result<()> {
        let room = self.options.width.max(60) - 13;
        let safe = terminal(text);
        let shown =
            if safe.chars().count() > room { safe.chars().take(room - 1).chain(['…']).collect() } else { safe };
        let severity = self.severity(severity);
        writeln!(self.out, "  {severity} {shown}")
    }

    fn header(&mut self) -> io::Result<()> {
        let subject = &self.report.subject;
        let digest = subject
            .digest
            .as_deref()
            .map(|digest| format!("  {}", digest.get(..19).unwrap_or(digest)))
            .unwrap_or_default();
        let title = self.paint(Style::new().bold(), &terminal(&subject.reference));
        writeln!(self.out, "{title}{digest}")?;
        for platform in &self.report.platforms {
            let os = platform
                .os
                .as_ref()
                .map_or_else(|| "no distribution".to_owned(), |os| format!("{} {}", os.id, os.version_id));
            let user = match (platform.user.uid, platform.user.spec.as_str()) {
                (Some(0), _) => "root".to_owned(),
                (Some(uid), spec) => format!("{spec} (uid {uid})"),
                (None, spec) => format!("{spec} (unresolved)"),
            };
            let size: u64 = platform.layers.iter().map(|layer| layer.size).sum();
            let packages =
                self.report.packages.iter().filter(|package| package.platforms.contains(&platform.platform)).count();
            let complete = if platform.complete { "" } else { ", NOT COMPLETE" };
            let line = format!(
                "{}: {os}, runs as {user}, {} layers ({}), {packages} packages{complete}",
                platform.platform,
                platform.layers.len(),
                bytes(size)
            );
            writeln!(self.out, "  {}", terminal(&line))?;
        }
        Ok(())
    }

    fn of_kind(&self, kind: &str) -> Vec<Finding> {
        let shown = |severity: &str| {
            self.options.severities.is_empty() || self.options.severities.iter().any(|s| s == severity)
        };
        let mut findings: Vec<Finding> = self
            .report
            .findings
            .iter()
            .filter(|f| f.kind == kind && f.disposition.state == "open" && shown(&f.severity))
            .cloned()
            .collect();
        findings.sort_by(|a, b| {
            (severity_rank(&a.severity), &a.rule, &a.id).cmp(&(severity_rank(&b.severity), &b.rule, &b.id))
        });
        findings
    }

    fn limit(&self) -> usize {
        if self.options.show_all { usize::MAX } else { MAX_ROWS }
    }

    /// "only arm64", where not all platforms have it.
    fn only(&self, platforms: &[String]) -> String {
        if platforms.len() >= self.report.platforms.len() {
            return String::new();
        }
        let short = |platform: &String| platform.split('/').skip(1).collect::<Vec<_>>().join("/");
        format!(" [only {}]", platforms.iter().map(short).collect::<Vec<_>>().join(", "))
    }

    fn secrets(&mut self) -> io::Result<()> {
        let secrets = self.of_kind("secret");
        let (shown, doubtful): (Vec<_>, Vec<_>) =
            secrets.into_iter().partition(|secret| self.options.show_all || secret.confidence != "low");
        if shown.is_empty() && doubtful.is_empty() {
            return Ok(());
        }
        self.heading(&format!("Secrets: {}", shown.len()))?;
        for secret in shown.iter().take(self.limit()) {
            let place = secret.locations.first().map(place).unwrap_or_default();
            let more = secret.locations.len().saturating_sub(1);
            let more = if more > 0 { format!(" and {more} more places") } else { String::new() };
            let evidence = secret.evidence.as_deref().unwrap_or_default();
            self.row(
                &secret.severity,
                &format!("{}: {evidence} in {place}{more}{}", secret.title, self.only(&secret.platforms)),
            )?;
        }
        self.rest(shown.len())?;
        if !doubtful.is_empty() {
            writeln!(self.out, "  {} more of low confidence (--show all)", doubtful.len())?;
        }
        Ok(())
    }

    fn rest(&mut self, total: usize) -> io::Result<()> {
        if total > self.limit() {
            writeln!(self.out, "  … and {} more (--show all)", total - self.limit())
        } else {
            Ok(())
        }
    }

    fn checks(&mut self) -> io::Result<()> {
        let failed = self.of_kind("config");
        if failed.is_empty() {
            return Ok(());
        }
        self.heading(&format!("Failed checks: {}", failed.len()))?;
        for finding in failed.iter().take(self.limit()) {
            self.row(
                &finding.severity,
                &format!("{}: {}{}", finding.rule, finding.title, self.only(&finding.platforms)),
            )?;
        }
        self.rest(failed.len())
    }

    fn vulnerabilities(&mut self) -> io::Result<()> {
        let all = self.of_kind("vulnerability");
        let (fixable, unfixed): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|finding| !finding.fixed_in.is_empty() || finding.kev);
        let groups = self.group(if self.options.show_all && !self.options.only_fixed {
            fixable.iter().chain(&unfixed).collect()
        } else {
            fixable.iter().collect()
        });
        if !groups.is_empty() {
            let what = if self.options.show_all { "Vulnerabilities" } else { "Vulnerabilities with a fix" };
            self.heading(&format!("{what}: {} in {} packages", fixable.len(), groups.len()))?;
            for group in groups.iter().take(self.limit()) {
                self.row(&group.severity, &group.text)?;
            }
            self.rest(groups.len())?;
        }
        if !unfixed.is_empty() && !self.options.only_fixed && !self.options.show_all {
            writeln!(self.out, "  {} unfixed: {}", unfixed.len(), by_severity(&unfixed))?;
        }
        let informational = self.of_kind("informational");
        if !informational.is_empty() {
            writeln!(self.out, "  {} notices about packages (unmaintained, unsound)", informational.len())?;
        }
        Ok(())
    }

    /// One row a source package and version.
    fn group(&self, findings: Vec<&Finding>) -> Vec<Row> {
        let sources: BTreeMap<&str, (&str, &str)> = self
            .report
            .packages
            .iter()
            .map(|p| (p.purl.as_str(), (p.source.name.as_str(), p.version.as_str())))
            .collect();
        let mut groups: BTreeMap<(String, String), Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            let purl = finding.package.as_deref().unwrap_or_default();
            let (source, version) = sources.get(purl).copied().unwrap_or((purl, ""));
            groups.entry((source.to_owned(), version.to_owned())).or_default().push(finding);
        }
        let row = |((source, version), findings): ((String, String), Vec<&Finding>)| {
            let worst = findings
                .iter()
                .min_by_key(|finding| severity_rank(&finding.severity))
                .map(|finding| finding.severity.clone())
                .unwrap_or_default();
            let ids: BTreeSet<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
            let named = ids.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            let more = if ids.len() > 3 { format!(" and {} more", ids.len() - 3) } else { String::new() };
            // The fix that mends most is the highest; each finding names its nearest first, and the report has no order of versions.
            let fixes: BTreeSet<&str> =
                findings.iter().filter_map(|finding| finding.fixed_in.first()).map(String::as_str).collect();
            let fixes = match fixes.len() {
                0 => "no fix".to_owned(),
                1..=3 => fixes.iter().copied().collect::<Vec<_>>().join(" | "),
                more => format!("{more} fixed versions"),
            };
            let platforms: BTreeSet<&String> = findings.iter().flat_map(|finding| &finding.platforms).collect();
            let platforms: Vec<String> = platforms.into_iter().cloned().collect();
            let exploited = if findings.iter().any(|finding| finding.kev) { " EXPLOITED" } else { "" };
            Row {
                text: format!("{source} {version} -> {fixes}: {named}{more}{exploited}{}", self.only(&platforms)),
                severity: worst,
                count: ids.len(),
            }
        };
        let mut rows: Vec<Row> = groups.into_iter().map(row).collect();
        rows.sort_by(|a, b| {
            (severity_rank(&a.severity), usize::MAX - a.count, &a.text).cmp(&(
                severity_rank(&b.severity),
                usize::MAX - b.count,
                &b.text,
            ))
        });
        rows
    }

    fn coverage(&mut self) -> io::Result<()> {
        let mut unchecked: BTreeMap<&str, u32> = BTreeMap::new();
        let mut stale: BTreeMap<&str, &str> = BTreeMap::new();
        for row in &self.report.coverage {
            match row.data.as_str() {
                "none" => {
                    let packages = unchecked.entry(&row.ecosystem).or_default();
                    *packages = (*packages).max(row.packages);
                }
                "stale" => drop(stale.insert(&row.ecosystem, row.modified.as_deref().unwrap_or("unknown"))),
                _ => {}
            }
        }
        if !unchecked.is_empty() {
            let list = unchecked
                .iter()
                .map(|(ecosystem, packages)| format!("{ecosystem} ({packages} packages)"))
                .collect::<Vec<_>>()
                .join(", ");
            self.heading("NOT CHECKED for vulnerabilities")?;
            writeln!(self.out, "  no advisory data for: {}", terminal(&list))?;
            writeln!(self.out, "  import some with `imgguard db import` and pass --db")?;
        }
        for (ecosystem, modified) in stale {
            let date = modified.get(..10).unwrap_or(modified);
            writeln!(self.out, "  old data: {}, newest record of {date}", terminal(ecosystem))?;
        }
        Ok(())
    }

    fn unknowns(&mut self) -> io::Result<()> {
        let (required, optional): (Vec<_>, Vec<_>) =
            self.report.unknowns.iter().partition(|unknown| unknown.effect == "required");
        if !required.is_empty() {
            self.heading("NOT READ, so the answer is not complete")?;
            for unknown in required.iter().take(self.limit()) {
                let place = unknown.path.as_deref().or(unknown.layer.as_deref()).unwrap_or("image");
                let line = format!("{place}: {}{}", unknown.reason, self.only(&unknown.platforms));
                writeln!(self.out, "  {}", terminal(&line))?;
            }
            self.rest(required.len())?;
        }
        if !optional.is_empty() {
            writeln!(
                self.out,
                "  {} files could not be understood, which changes nothing above (see the JSON report)",
                optional.len()
            )?;
        }
        Ok(())
    }

    fn verdict(&mut self) -> io::Result<()> {
        let verdict = &self.report.verdict;
        let failed: Vec<&str> =
            verdict.gates.iter().filter(|gate| gate.result == "fail").map(|gate| gate.name.as_str()).collect();
        let policy = &verdict.policy;
        writeln!(self.out)?;
        match (verdict.result.as_str(), failed.as_slice()) {
            ("none", []) => writeln!(self.out, "imgguard gate --policy {policy} would pass this image"),
            ("none", failed) => {
                writeln!(self.out, "imgguard gate --policy {policy} would refuse this image: {}", failed.join(", "))
            }
            ("pass", _) => writeln!(self.out, "PASS: policy {policy}"),
            ("fail", failed) => writeln!(self.out, "REFUSED by policy {policy}: {}", failed.join(", ")),
            (other, _) => writeln!(self.out, "{}: policy {policy} cannot pass what was not read", other.to_uppercase()),
        }
    }
}

struct Row {
    text: String,
    severity: String,
    count: usize,
}

fn place(location: &Location) -> String {
    if let Some(config) = &location.config {
        return format!("the configuration ({config})");
    }
    let path = location.path.as_deref().unwrap_or_default();
    let line = location.line.map(|line| format!(":{line}")).unwrap_or_default();
    let state = match location.state.as_deref() {
        Some("deleted") => ", deleted later but still in",
        Some("overwritten") => ", overwritten later but still in",
        _ => ",",
    };
    match (location.layer_index, &location.instruction) {
        (Some(index), Some(instruction)) => format!("{path}{line}{state} layer {} ({instruction})", index + 1),
        (Some(index), None) => format!("{path}{line}{state} layer {}", index + 1),
        (None, _) => format!("{path}{line}"),
    }
}

/// "3 high, 309 low".
fn by_severity(findings: &[Finding]) -> String {
    let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry((severity_rank(&finding.severity), &finding.severity)).or_default() += 1;
    }
    counts.iter().map(|((_, severity), count)| format!("{count} {severity}")).collect::<Vec<_>>().join(", ")
}

/// `12.3 MB`, powers of ten.
fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{}.{} kB", size / 1_000, size / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10),
        _ => format!("{}.{} GB", size / 1_000_000_000, size / 100_000_000 % 10),
    }
}
