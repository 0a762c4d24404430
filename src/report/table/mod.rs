//! The report for people: problems first, everything that needs no decision in one line.

mod fixes;
mod grid;
mod lint;
mod secrets;

use std::collections::BTreeMap;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::base::base_status;
use super::contract::{Finding, Platform, Report, Reports, SOURCE_TRANSPORT, severity_rank};
use super::escape::terminal;
use super::{RenderOptions, ReportFormat, bytes};
use grid::Cell;

/// Rows of a section before the rest is summed up.
const MAX_ROWS: usize = 12;

/// Narrowest page.
const MIN_WIDTH: usize = 60;

/// Advisory ids that a row names.
const MAX_IDS: usize = 3;

/// `table`.
#[derive(Debug)]
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

impl<'a> Page<'a> {
    fn render(&mut self) -> io::Result<()> {
        if self.report.subject.transport == SOURCE_TRANSPORT {
            return self.lint();
        }
        self.header()?;
        self.secrets()?;
        self.checks()?;
        self.vulnerabilities()?;
        self.bases()?;
        self.set_aside()?;
        self.nothing()?;
        self.coverage()?;
        self.unknowns()?;
        self.verdict()
    }

    fn heading(&mut self, text: &str) -> io::Result<()> {
        let text = terminal(text);
        let style = Style::new().bold();
        if self.options.color { writeln!(self.out, "\n{style}{text}{style:#}") } else { writeln!(self.out, "\n{text}") }
    }

    /// Aligned rows; `caps` as in [`grid::lines`].
    fn rows(&mut self, rows: &[Vec<Cell>], caps: &[usize]) -> io::Result<()> {
        for line in grid::lines(rows, caps, self.options.width.max(MIN_WIDTH), self.options.color) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// A sentence under the rows of a section.
    fn note(&mut self, text: &str) -> io::Result<()> {
        self.rows(&[vec![Cell::new(text)]], &[])
    }

    fn header(&mut self) -> io::Result<()> {
        let report = self.report;
        let digest = report.subject.digest.as_deref().map(short_digest).unwrap_or_default();
        let (title, style) = (terminal(&report.subject.reference), Style::new().bold());
        if self.options.color {
            writeln!(self.out, "{style}{title}{style:#}  {digest}")?;
        } else {
            writeln!(self.out, "{}", format!("{title}  {digest}").trim_end())?;
        }
        // Of a checkout there is nothing more to say than its name.
        if report.subject.digest.is_none() && looks_for_secrets_alone(report) {
            return Ok(());
        }
        let row = |platform: &Platform| vec![Cell::new(&platform.platform), Cell::new(&describe(report, platform))];
        let base = |platform: &Platform| Some(vec![Cell::new(""), Cell::whole(&base(platform)?)]);
        let rows: Vec<Vec<Cell>> =
            report.platforms.iter().flat_map(|platform| [Some(row(platform)), base(platform)]).flatten().collect();
        self.rows(&rows, &[30])
    }

    fn of_kind(&self, kind: &str) -> Vec<&'a Finding> {
        let severities = &self.options.severities;
        let is_shown = |severity: &String| severities.is_empty() || severities.contains(severity);
        let findings = self.report.findings.iter();
        let mut findings: Vec<&'a Finding> = findings
            .filter(|f| f.kind == kind && f.disposition.state == "open" && is_shown(&f.severity) && self.is_of_part(f))
            .collect();
        findings.sort_by_key(|finding| (severity_rank(&finding.severity), &finding.rule, &finding.id));
        findings
    }

    /// Whether a finding is of the part that is asked for. What there is to say of the base itself is the base's.
    fn is_of_part(&self, finding: &Finding) -> bool {
        let is_base = || finding.in_base || matches!(finding.kind.as_str(), "base" | "eol");
        self.options.only_base.is_none_or(|only_base| only_base == is_base())
    }

    /// What the image stands on, and what no longer gets fixes.
    fn bases(&mut self) -> io::Result<()> {
        let found: Vec<&Finding> = self.of_kind("eol").into_iter().chain(self.of_kind("base")).collect();
        if found.is_empty() {
            return Ok(());
        }
        self.heading(&format!("Base image and end of life: {}", found.len()))?;
        let row = |finding: &&Finding| {
            let text = format!("{}{}", self.only(&finding.platforms), finding.title);
            vec![severity(&finding.severity), Cell::new(&finding.rule), Cell::new(&text)]
        };
        let rows: Vec<Vec<Cell>> = found.iter().take(self.limit()).map(row).collect();
        self.rows(&rows, &[10, 25])?;
        self.rest(found.len())
    }

    /// What somebody's word sets aside, with the reason: it does not count, and is not hidden either.
    fn set_aside(&mut self) -> io::Result<()> {
        let mut findings: Vec<&'a Finding> =
            self.report.findings.iter().filter(|finding| finding.disposition.state != "open").collect();
        if findings.is_empty() {
            return Ok(());
        }
        findings.sort_by_key(|finding| (&finding.disposition.state, &finding.rule, &finding.id));
        self.heading(&format!("Set aside: {}", findings.len()))?;
        let row = |finding: &&Finding| {
            let disposition = &finding.disposition;
            let by = disposition.by.as_deref().map(|by| format!(", says {by}")).unwrap_or_default();
            let reason = format!("{}{by}", disposition.reason.as_deref().unwrap_or_default());
            vec![Cell::new(&finding.rule), Cell::new(&finding.title), Cell::new(&reason)]
        };
        let rows: Vec<Vec<Cell>> = findings.iter().take(self.limit()).map(row).collect();
        self.rows(&rows, &[20, 36])?;
        self.rest(findings.len())
    }

    fn limit(&self) -> usize {
        if self.options.show_all { usize::MAX } else { MAX_ROWS }
    }

    /// That nothing was found is worth a line, with what was looked for.
    fn nothing(&mut self) -> io::Result<()> {
        let report = self.report;
        if report.findings.iter().any(|finding| finding.disposition.state == "open") {
            return Ok(());
        }
        let is_skipped = |what: &str| report.skipped.iter().any(|skipped| skipped == what);
        let read = if report.platforms.iter().all(|platform| platform.complete) { "" } else { " in what was read" };
        let looked_for = [
            ("secrets", "no secrets"),
            ("checks", "no failed checks"),
            ("vulnerabilities", "no known vulnerabilities"),
        ];
        let found = looked_for.iter().filter(|(what, _)| !is_skipped(what)).map(|(_, none)| *none).collect::<Vec<_>>();
        writeln!(self.out, "\nFound{read}: {}", found.join(", "))
    }

    /// "[only arm64]", where not all platforms have it.
    fn only(&self, platforms: &[String]) -> String {
        if platforms.len() >= self.report.platforms.len() {
            return String::new();
        }
        let short = |platform: &String| platform.split('/').skip(1).collect::<Vec<_>>().join("/");
        format!("[only {}] ", platforms.iter().map(short).collect::<Vec<_>>().join(", "))
    }

    fn rest(&mut self, total: usize) -> io::Result<()> {
        match total.saturating_sub(self.limit()) {
            0 => Ok(()),
            more => self.note(&format!("… and {more} more (--show all)")),
        }
    }

    fn checks(&mut self) -> io::Result<()> {
        let failed: Vec<&Finding> = self.of_kind("config").into_iter().chain(self.of_kind("signature")).collect();
        if failed.is_empty() {
            return Ok(());
        }
        self.heading(&format!("Failed checks: {}", failed.len()))?;
        let row = |finding: &&Finding| {
            let text = format!("{}{}", self.only(&finding.platforms), finding.title);
            vec![severity(&finding.severity), Cell::new(&finding.rule), Cell::new(&text)]
        };
        let rows: Vec<Vec<Cell>> = failed.iter().take(self.limit()).map(row).collect();
        self.rows(&rows, &[10, 25])?;
        self.rest(failed.len())
    }

    fn vulnerabilities(&mut self) -> io::Result<()> {
        let (fixable, unfixed): (Vec<_>, Vec<_>) =
            self.of_kind("vulnerability").into_iter().partition(|finding| !finding.fixed_in.is_empty() || finding.kev);
        let lists_unfixed = self.options.show_all && !self.options.only_fixed;
        let listed = if lists_unfixed { fixable.iter().chain(&unfixed).copied().collect() } else { fixable };
        let groups = fixes::by_source(self.report, &listed);
        if !groups.is_empty() {
            let what = if lists_unfixed { "Vulnerabilities" } else { "Vulnerabilities with a fix" };
            let all: usize = groups.iter().map(|group| group.ids.len()).sum();
            self.heading(&format!("{what}: {all} in {}", counted(groups.len(), "package")))?;
            let rows: Vec<Vec<Cell>> = groups.iter().take(self.limit()).map(|group| self.group(group)).collect();
            self.rows(&rows, &[10, 28, 18, 20])?;
            self.rest(groups.len())?;
        }
        if !unfixed.is_empty() && !self.options.only_fixed && !self.options.show_all {
            if groups.is_empty() {
                self.heading("Vulnerabilities")?;
            }
            self.note(&summary(&fixes::by_source(self.report, &unfixed)))?;
        }
        match self.of_kind("informational").len() {
            0 => Ok(()),
            notices => self.note(&format!(
                "{} about packages (unmaintained, unsound); see the JSON report",
                counted(notices, "notice")
            )),
        }
    }

    fn group(&self, group: &fixes::Group<'_>) -> Vec<Cell> {
        let (limit, ids): (usize, fn(&str) -> Cell) =
            if self.options.show_all { (usize::MAX, Cell::whole) } else { (MAX_IDS, Cell::new) };
        let named = group.ids.keys().take(limit).copied().collect::<Vec<_>>().join(", ");
        let more = match group.ids.len().saturating_sub(limit) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let exploited = if group.is_exploited { "EXPLOITED " } else { "" };
        let unloaded = if group.is_unloaded { "not loaded: " } else { "" };
        let fix = if group.fix.is_empty() { "no fix".to_owned() } else { format!("-> {}", group.fix) };
        vec![
            severity(group.severity),
            Cell::new(group.source),
            Cell::new(group.version),
            Cell::new(&fix),
            ids(&format!("{exploited}{unloaded}{}{named}{more}", self.only(&group.platforms))),
        ]
    }

    fn coverage(&mut self) -> io::Result<()> {
        let unchecked = unchecked(self.report);
        if !unchecked.is_empty() {
            self.heading("NOT CHECKED for vulnerabilities: no advisory data")?;
            let row = |(ecosystem, packages): (&&str, &u32)| {
                vec![Cell::new(ecosystem), Cell::new(&counted(*packages as usize, "package"))]
            };
            let rows: Vec<Vec<Cell>> = unchecked.iter().map(row).collect();
            self.rows(&rows, &[40])?;
        }
        let stale = self.report.coverage.iter().filter(|row| row.data == "stale");
        let stale: BTreeMap<&str, &str> =
            stale.map(|row| (row.ecosystem.as_str(), row.modified.as_deref().unwrap_or("an unknown date"))).collect();
        if !stale.is_empty() {
            self.heading("Old advisory data")?;
            let row = |(ecosystem, modified): (&&str, &&str)| {
                let date = modified.get(..10).unwrap_or(modified);
                vec![Cell::new(ecosystem), Cell::new(&format!("newest record of {date}"))]
            };
            let rows: Vec<Vec<Cell>> = stale.iter().map(row).collect();
            self.rows(&rows, &[40])?;
        }
        if !unchecked.is_empty() || !stale.is_empty() {
            let reference = &self.report.subject.reference;
            self.note(&format!("`imgguard db update --for {reference}` fetches what is missing or old"))?;
        }
        Ok(())
    }

    fn unknowns(&mut self) -> io::Result<()> {
        let (required, optional): (Vec<_>, Vec<_>) =
            self.report.unknowns.iter().partition(|unknown| unknown.effect == "required");
        if !required.is_empty() {
            self.heading("NOT READ, so the answer is not complete")?;
            for unknown in required.iter().take(self.limit()) {
                let layer = unknown.layer.as_deref().map(|layer| format!("layer {}", short_digest(layer)));
                let place = unknown.path.clone().or(layer).unwrap_or_else(|| "the image".to_owned());
                self.note(&format!("{}{place}: {}", self.only(&unknown.platforms), unknown.reason))?;
            }
            self.rest(required.len())?;
        }
        match optional.len() {
            0 => Ok(()),
            files => {
                writeln!(self.out)?;
                self.note(&format!(
                    "{} could not be understood, which changes nothing above; see the JSON report",
                    counted(files, "file")
                ))
            }
        }
    }

    fn verdict(&mut self) -> io::Result<()> {
        let verdict = &self.report.verdict;
        let failed = verdict.gates.iter().filter(|gate| gate.result == "fail");
        let failed: Vec<String> = failed
            .map(|gate| match gate.findings.len() {
                0 => format!("{} (something was not read)", gate.name),
                findings => format!("{} ({findings})", gate.name),
            })
            .collect();
        let (policy, failed) = (&verdict.policy, failed.join(", "));
        let what = if self.report.subject.transport == "dir" { "folder" } else { "image" };
        let (style, line) = match (verdict.result.as_str(), failed.as_str()) {
            ("none", "") => (AnsiColor::Green, format!("imgguard gate --policy {policy} would pass this {what}")),
            ("none", failed) => {
                (AnsiColor::Yellow, format!("imgguard gate --policy {policy} would refuse this {what}: {failed}"))
            }
            ("pass", _) => (AnsiColor::Green, format!("PASS: policy {policy}")),
            ("fail", failed) => (AnsiColor::Red, format!("REFUSED by policy {policy}: {failed}")),
            (other, _) => {
                (AnsiColor::Red, format!("{}: policy {policy} cannot pass what was not read", other.to_uppercase()))
            }
        };
        let unchecked = unchecked(self.report);
        // Of whoever looks for secrets alone, nobody takes the rest for checked.
        let skipped = self.report.skipped.iter().filter(|_| !looks_for_secrets_alone(self.report));
        let unchecked = unchecked.keys().copied().chain(skipped.map(String::as_str));
        // Who reads only the last line must not take "no data" for "nothing wrong".
        let line = match unchecked.collect::<Vec<_>>().join(", ") {
            names if names.is_empty() => line,
            names => format!("{line}; NOT CHECKED: {names}"),
        };
        writeln!(self.out)?;
        for line in grid::wrap(&terminal(&line), self.options.width.max(MIN_WIDTH)) {
            if self.options.color {
                let style = style.on_default();
                writeln!(self.out, "{style}{line}{style:#}")?;
            } else {
                writeln!(self.out, "{line}")?;
            }
        }
        Ok(())
    }
}

/// Whether it is a report of `secrets`, which lists no packages.
fn looks_for_secrets_alone(report: &Report) -> bool {
    report.skipped.iter().any(|what| what == "packages")
}

/// What a platform stands on, in one line; none where nothing speaks of it.
fn base(platform: &Platform) -> Option<String> {
    let base = platform.base.as_ref()?;
    let name = base.name.as_deref().or(base.digest.as_deref())?;
    Some(match base.verified {
        true => format!("on {name}, {}", base_status(base)),
        false => format!("perhaps on {name}, not verified"),
    })
}

/// What a platform is, in one line.
fn describe(report: &Report, platform: &Platform) -> String {
    let os = match &platform.os {
        Some(os) => format!("{} {}", os.id, os.version_id).trim_end().to_owned(),
        None => "no distribution".to_owned(),
    };
    let user = match platform.user.as_ref().map(|user| (user.uid, user.spec.as_str())) {
        None => String::new(),
        Some((Some(0), _)) => "runs as root, ".to_owned(),
        Some((Some(uid), spec)) if spec.split(':').next() == Some(&uid.to_string()) => format!("runs as uid {uid}, "),
        Some((Some(uid), spec)) => format!("runs as {spec} (uid {uid}), "),
        Some((None, spec)) => format!("runs as {spec} (unresolved), "),
    };
    let size: u64 = platform.layers.iter().map(|layer| layer.size).sum();
    let incomplete = if platform.complete { "" } else { "NOT COMPLETE: " };
    let layers = format!("{incomplete}{os}, {user}{} ({})", counted(platform.layers.len(), "layer"), bytes(size));
    if looks_for_secrets_alone(report) {
        return layers;
    }
    let packages = report.packages.iter().filter(|package| package.platforms.contains(&platform.platform)).count();
    format!("{layers}, {}", counted(packages, "package"))
}

/// Ecosystems without data, with the most packages that a platform has of it.
fn unchecked(report: &Report) -> BTreeMap<&str, u32> {
    let mut unchecked: BTreeMap<&str, u32> = BTreeMap::new();
    for row in report.coverage.iter().filter(|row| row.data == "none") {
        let packages = unchecked.entry(&row.ecosystem).or_default();
        *packages = (*packages).max(row.packages);
    }
    unchecked
}

fn severity(severity: &str) -> Cell {
    Cell::styled(severity, severity_style(severity))
}

fn severity_style(severity: &str) -> Style {
    match severity {
        "critical" => AnsiColor::Red.on_default().bold(),
        "high" => AnsiColor::Red.on_default(),
        "medium" | "unknown" => AnsiColor::Yellow.on_default(),
        "low" => AnsiColor::Blue.on_default(),
        _ => Style::new().dimmed(),
    }
}

/// "312 unfixed: 3 high, 309 low".
fn summary(groups: &[fixes::Group<'_>]) -> String {
    let mut counts: BTreeMap<(u8, &str), usize> = BTreeMap::new();
    for severity in groups.iter().flat_map(|group| group.ids.values()) {
        *counts.entry((severity_rank(severity), severity)).or_default() += 1;
    }
    let parts: Vec<String> = counts.iter().map(|((_, severity), count)| format!("{count} {severity}")).collect();
    format!("{} unfixed: {}", counts.values().sum::<usize>(), parts.join(", "))
}

/// "1 package", "2 packages", "2 vulnerabilities".
pub(super) fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {what}s"),
    }
}

/// The first twelve digits, enough to tell it from others.
pub(super) fn short_digest(digest: &str) -> &str {
    digest.get(..19).unwrap_or(digest)
}
