//! Build and run files: read, looked at, judged.

use std::collections::BTreeMap;

use super::assemble::{self, Judgement};
use super::joined;
use super::{Answer, Judging};
use crate::digest::Digest;
use crate::dockerfile::{Dockerfile, Source};
use crate::facts::Effect;
use crate::finding::{Finding, unite};
use crate::lint::repository::{self, Repository};
use crate::lint::{self, Surroundings, findings};
use crate::report::contract::{self, Report};
use crate::workload::{Files, Workload};

/// What a run over files is asked.
pub struct LintRequest<'a> {
    /// As the user named it.
    pub reference: String,
    /// Dockerfiles, by the path that reports name; of one that could not be read, why.
    pub files: Vec<(String, Result<Vec<u8>, String>)>,
    /// Compose projects and manifests, by the path of the file that was named or found. The paths of their files are those that reports name.
    pub workloads: Vec<(String, Result<Workload, String>)>,
    /// The folder that they were found in; none of files that were named.
    pub folder: Option<Folder<'a>>,
    /// What is known besides them.
    pub around: Surroundings<'a>,
    /// How it is judged.
    pub judging: Judging<'a>,
}

/// A folder that was named.
pub struct Folder<'a> {
    /// What is known of it before its files are read.
    pub repository: &'a Repository,
    /// Its Dockerfiles: their numbers among the files of the request, and their paths from the root of what is looked at.
    pub dockerfiles: &'a [(usize, String)],
    /// Reads its files.
    pub from: &'a dyn Files,
    /// A path from that root, as people name it.
    pub shown: &'a dyn Fn(&str) -> String,
}

/// Looks at files.
#[must_use]
pub fn lint(request: LintRequest<'_>) -> Answer {
    let LintRequest { reference, files, workloads, folder, around, judging } = request;
    let (mut found, mut unread, mut started) = (Vec::new(), Vec::new(), Vec::new());
    let (mut parsed, mut last) = (BTreeMap::new(), BTreeMap::new());
    for (number, (path, bytes)) in files.into_iter().enumerate() {
        match bytes.and_then(|bytes| self::file(&path, &bytes, around)) {
            Ok((file, findings)) => {
                found.extend(findings);
                let name = file.stages.last().and_then(|stage| stage.name.as_ref()).map(|name| name.text.clone());
                last.insert(joined::plain(&path), name);
                parsed.insert(number, file);
            }
            Err(reason) => unread.push((path, reason)),
        }
    }
    let mut unasked = Vec::new();
    if let Some(folder) = folder {
        let report = self::folder(&folder, parsed, around);
        found.extend(report.0);
        unread.extend(report.1.unread);
        unasked.extend(report.1.unasked);
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
    joined::join(&mut found, &started, &last);
    let mut united = unite(found);
    let waivers_used = judging.suppressions.apply(&mut united, &reference, judging.evaluated_at);
    let complete = unread.is_empty();
    let verdict = judging.policy.judge(&united, complete);
    let outcome = verdict.result;
    let judgement = Judgement { policy: judging.policy.name.clone(), verdict, asked: judging.judged };
    let unread = unread.into_iter().map(|unread| unknown(unread, Effect::Required));
    let unknowns = unread.chain(unasked.into_iter().map(|unasked| unknown(unasked, Effect::Optional))).collect();
    let report = report(reference, &united, unknowns, &judgement, judging.evaluated_at);
    Answer { report, outcome, complete, failures: Vec::new(), set_aside: 0, waivers_used }
}

/// One Dockerfile, with its findings.
fn file(path: &str, bytes: &[u8], around: Surroundings<'_>) -> Result<(Dockerfile, Vec<Finding>), String> {
    let file = Dockerfile::parse(bytes).map_err(|error| error.to_string())?;
    let problems = lint::dockerfile::run(&file, around).map_err(|error| error.to_string())?;
    let ignores = lint::dockerfile::ignores(&file);
    let mut found = findings::findings(path, &file.source, &problems, &ignores, around.evaluated_at);
    found.extend(findings::defects(path, &file.source, &ignores, around.evaluated_at));
    Ok((file, found))
}

/// The findings of a folder, and what could not be looked at.
fn folder(
    folder: &Folder<'_>,
    mut parsed: BTreeMap<usize, Dockerfile>,
    around: Surroundings<'_>,
) -> (Vec<Finding>, repository::Report) {
    let dockerfiles = folder.dockerfiles.iter();
    let dockerfiles: Vec<(String, Dockerfile)> =
        dockerfiles.filter_map(|(number, path)| Some((path.clone(), parsed.remove(number)?))).collect();
    let mut report = repository::run(folder.repository, &dockerfiles, folder.from, around);
    let mut found = Vec::new();
    for (number, (path, bytes)) in report.files.iter().enumerate() {
        let (source, ignores, path) = (Source::new(bytes), repository::ignores(bytes), (folder.shown)(path));
        let of_file: Vec<_> = report.problems.iter().filter(|problem| problem.file == number).cloned().collect();
        found.extend(findings::findings(&path, &source, &of_file, &ignores, around.evaluated_at));
        found.extend(findings::defects(&path, &source, &ignores, around.evaluated_at));
    }
    let unread = report.unread.iter_mut().chain(&mut report.unasked);
    unread.for_each(|(path, _)| *path = (folder.shown)(path));
    (found, report)
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

fn report(
    reference: String,
    united: &[(String, Finding)],
    unknowns: Vec<contract::Unknown>,
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
        unknowns,
        verdict: assemble::verdict(judgement),
    };
    report.findings = united.iter().map(|(id, finding)| assemble::finding(id, finding, &report)).collect();
    report.sort();
    report
}

fn unknown((path, reason): (String, String), effect: Effect) -> contract::Unknown {
    let id =
        Digest::sha256([path.as_str(), &reason].join("\0").as_bytes()).hex().get(..16).unwrap_or_default().to_owned();
    contract::Unknown {
        id,
        path: Some(path),
        layer: None,
        effect: match effect {
            Effect::Required => "required",
            Effect::Optional => "optional",
        }
        .into(),
        reason,
        platforms: Vec::new(),
    }
}
