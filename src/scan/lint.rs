//! Build and run files: read, looked at, judged.

use std::collections::BTreeMap;

use super::assemble::{self, Judgement};
use super::joined;
use super::{Answer, Judging};
use crate::digest::Digest;
use crate::dockerfile::{Dockerfile, Source};
use crate::finding::{Finding, unite};
use crate::lint::{self, Surroundings, findings};
use crate::report::contract::{self, Report};
use crate::workload::Workload;

/// Most rounds of fixes; two are the most that were ever needed.
const MAX_ROUNDS: usize = 8;

/// What a run over files is asked.
pub struct LintRequest<'a> {
    /// As the user named it.
    pub reference: String,
    /// Dockerfiles, by the path that reports name; of one that could not be read, why.
    pub files: Vec<(String, Result<Vec<u8>, String>)>,
    /// Compose projects and manifests, by the path of the file that was named or found. The paths of their files are those that reports name.
    pub workloads: Vec<(String, Result<Workload, String>)>,
    /// What is known besides them.
    pub around: Surroundings<'a>,
    /// How it is judged.
    pub judging: Judging<'a>,
}

/// Looks at files.
#[must_use]
pub fn lint(request: LintRequest<'_>) -> Answer {
    let LintRequest { reference, files, workloads, around, judging } = request;
    let (mut found, mut unread, mut started) = (Vec::new(), Vec::new(), Vec::new());
    for (path, bytes) in files {
        match bytes.and_then(|bytes| self::file(&path, &bytes, around)) {
            Ok(findings) => found.extend(findings),
            Err(reason) => unread.push((path, reason)),
        }
    }
    for (path, workload) in workloads {
        match workload {
            Ok(workload) => {
                found.extend(self::workload(&workload, around));
                started.extend(workload.containers.iter().filter_map(joined::Started::of));
                unread.extend(workload.unread.iter().map(|error| (path.clone(), error.to_string())));
            }
            Err(reason) => unread.push((path, reason)),
        }
    }
    joined::join(&mut found, &started);
    let mut united = unite(found);
    let waivers_used = judging.suppressions.apply(&mut united, &reference, judging.evaluated_at);
    let complete = unread.is_empty();
    let verdict = judging.policy.judge(&united, complete);
    let outcome = verdict.result;
    let judgement = Judgement { policy: judging.policy.name.clone(), verdict, asked: judging.judged };
    let report = report(reference, &united, unread, &judgement, judging.evaluated_at);
    Answer { report, outcome, complete, failures: Vec::new(), set_aside: 0, waivers_used }
}

/// The findings of one file.
fn file(path: &str, bytes: &[u8], around: Surroundings<'_>) -> Result<Vec<Finding>, String> {
    let file = Dockerfile::parse(bytes).map_err(|error| error.to_string())?;
    let problems = lint::dockerfile::run(&file, around).map_err(|error| error.to_string())?;
    let ignores = lint::dockerfile::ignores(&file);
    let mut found = findings::findings(path, &file.source, &problems, &ignores, around.evaluated_at);
    found.extend(findings::defects(path, &file.source, &ignores, around.evaluated_at));
    Ok(found)
}

/// The findings of the files of a project.
fn workload(workload: &Workload, around: Surroundings<'_>) -> Vec<Finding> {
    let problems = lint::container::run(workload, around);
    let mut found = Vec::new();
    for (number, file) in workload.files.iter().enumerate() {
        let (source, ignores) = (Source::new(&file.bytes), lint::container::ignores(file));
        let of_file: Vec<_> = problems.iter().filter(|problem| problem.file == number).cloned().collect();
        found.extend(findings::findings(&file.path, &source, &of_file, &ignores, around.evaluated_at));
        found.extend(findings::defects(&file.path, &source, &ignores, around.evaluated_at));
    }
    found
}

/// A file with what mends its problems put into it, round by round, since one fix may make room for another; nothing where there is nothing to mend.
/// The second value counts the fixes.
///
/// # Errors
/// When the file cannot be read as what it is.
pub fn mended(bytes: &[u8], around: Surroundings<'_>) -> Result<(Vec<u8>, usize), String> {
    let (mut text, mut made) = (bytes.to_vec(), 0);
    for _ in 0..MAX_ROUNDS {
        let file = Dockerfile::parse(&text).map_err(|error| error.to_string())?;
        let ignores = lint::dockerfile::ignores(&file);
        let problems = lint::dockerfile::run(&file, around).map_err(|error| error.to_string())?;
        let fixes = problems
            .iter()
            .filter(|problem| !is_ignored(problem, &ignores, around))
            .filter_map(|problem| problem.fix.as_ref());
        let (next, count) = lint::fix::apply(&text, fixes);
        // What no longer parses is not given to anybody.
        if count == 0 || Dockerfile::parse(&next).is_err() {
            break;
        }
        (text, made) = (next, made + count);
    }
    Ok((text, made))
}

/// Reads a project with other contents of files, by their path.
type Load<'a> = dyn Fn(&BTreeMap<String, Vec<u8>>) -> Result<Workload, String> + 'a;

/// The files of a project with what mends their problems put into them, as [`mended`] does it: path, old and new content, and how many fixes were made.
/// `load` reads the project with other contents of files, by their path.
///
/// # Errors
/// When the project cannot be read.
pub fn mended_workload(load: &Load<'_>, around: Surroundings<'_>) -> Result<Vec<MendedFile>, String> {
    let mut overlay = BTreeMap::new();
    let mut changed: BTreeMap<String, MendedFile> = BTreeMap::new();
    for _ in 0..MAX_ROUNDS {
        let workload = load(&overlay)?;
        let problems = lint::container::run(&workload, around);
        let mut next = overlay.clone();
        for (number, file) in workload.files.iter().enumerate() {
            let ignores = lint::container::ignores(file);
            let of_file = problems.iter().filter(|problem| problem.file == number);
            let fixes = of_file
                .filter(|problem| !is_ignored(problem, &ignores, around))
                .filter_map(|problem| problem.fix.as_ref());
            let (text, made) = lint::fix::apply(&file.bytes, fixes);
            if made > 0 {
                let entry = changed.entry(file.path.clone()).or_insert_with(|| MendedFile {
                    path: file.path.clone(),
                    old: file.bytes.clone(),
                    new: Vec::new(),
                    made: 0,
                });
                (entry.new, entry.made) = (text.clone(), entry.made + made);
                next.insert(file.path.clone(), text);
            }
        }
        if next == overlay {
            break;
        }
        // What can no longer be read is not given to anybody.
        if load(&next).is_err() {
            changed.clear();
            break;
        }
        overlay = next;
    }
    Ok(changed.into_values().collect())
}

/// A file that was mended.
pub struct MendedFile {
    /// Its path.
    pub path: String,
    /// What it was.
    pub old: Vec<u8>,
    /// What it is.
    pub new: Vec<u8>,
    /// How many fixes were made.
    pub made: usize,
}

/// Whether a comment sets a problem aside.
fn is_ignored(problem: &lint::Problem, ignores: &[lint::ignore::Ignore], around: Surroundings<'_>) -> bool {
    ignores.iter().any(|ignore| ignore.sets_aside(problem, around.evaluated_at))
}

fn report(
    reference: String,
    united: &[(String, Finding)],
    unread: Vec<(String, String)>,
    judgement: &Judgement,
    evaluated_at: jiff::civil::Date,
) -> Report {
    let transport = contract::SOURCE_TRANSPORT.to_owned();
    let mut report = Report {
        schema_version: contract::SCHEMA_VERSION.to_owned(),
        tool: contract::Tool { name: "imgguard".into(), version: env!("CARGO_PKG_VERSION").into() },
        evaluated_at: evaluated_at.to_string(),
        subject: contract::Subject { reference, transport, digest: None, media_type: String::new() },
        advisories: contract::Advisories { digest: String::new(), sources: Vec::new() },
        coverage: Vec::new(),
        skipped: Vec::new(),
        platforms: Vec::new(),
        packages: Vec::new(),
        findings: Vec::new(),
        signatures: Vec::new(),
        controls: Vec::new(),
        unknowns: unread.into_iter().map(unknown).collect(),
        verdict: assemble::verdict(judgement),
    };
    report.findings = united.iter().map(|(id, finding)| assemble::finding(id, finding, &report)).collect();
    report.sort();
    report
}

fn unknown((path, reason): (String, String)) -> contract::Unknown {
    let id =
        Digest::sha256([path.as_str(), &reason].join("\0").as_bytes()).hex().get(..16).unwrap_or_default().to_owned();
    contract::Unknown { id, path: Some(path), layer: None, effect: "required".into(), reason, platforms: Vec::new() }
}
