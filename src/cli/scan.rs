//! `scan` and `gate`: references to reports and an exit code.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use super::args::{GateArgs, Global, Output, ScanArgs, Target};
use super::exit::Ending;
use super::output::Plan;
use super::progress::Bar;
use super::sources::{self, Opener};
use super::{Failed, db, places, today};
use crate::advisory::model::Severity;
use crate::facts::cache::Cache;
use crate::facts::merge::MergeOptions;
use crate::policy::{MAX_POLICY_BYTES, Outcome, Policy};
use crate::reference::Reference;
use crate::report::bytes;
use crate::report::contract::{Reports, SCHEMA_VERSION};
use crate::scan::{self, Answer, CollectOptions, Failure, ReadOptions, Request};
use crate::source::{Image, SourceError};

/// Cores beyond which more workers only take memory: a layer is the unit of work.
const MAX_THREADS: usize = 16;

/// `scan`: informs, and judges only when asked to.
pub(super) fn scan(arguments: &ScanArgs, global: &Global) -> Result<Ending, Failed> {
    let policy = policy(arguments.policy.as_deref(), arguments.fail_on)?;
    let judged = policy.is_some();
    let policy = match policy {
        Some(policy) => policy,
        None => Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    run(&arguments.target, &arguments.output, &policy, judged, true, global)
}

/// `gate`: decides.
pub(super) fn gate(arguments: &GateArgs, global: &Global) -> Result<Ending, Failed> {
    let policy = match policy(arguments.policy.as_deref(), arguments.fail_on)? {
        Some(policy) => policy,
        None => Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    run(&arguments.target, &arguments.output, &policy, true, false, global)
}

/// The policy that was asked for; `--fail-on` adds its gate to it.
fn policy(name: Option<&str>, fail_on: Option<Severity>) -> Result<Option<Policy>, Failed> {
    let usage = |error: crate::policy::PolicyError| Failed::new(Ending::Usage, error);
    let named = match name {
        Some(name) if Path::new(name).is_file() => {
            let file_error = |error: std::io::Error| {
                Failed::new(
                    Ending::Usage,
                    anyhow::Error::new(error).context(format!("the policy `{name}` could not be read")),
                )
            };
            let length = std::fs::metadata(name).map_err(file_error)?.len();
            if length > MAX_POLICY_BYTES {
                return Err(Failed::new(
                    Ending::Usage,
                    anyhow::anyhow!("the policy `{name}` is larger than {MAX_POLICY_BYTES} bytes"),
                ));
            }
            Some(Policy::parse(&std::fs::read_to_string(name).map_err(file_error)?).map_err(usage)?)
        }
        Some(name) => Some(Policy::builtin(name).map_err(usage)?),
        None => None,
    };
    Ok(match (named, fail_on.map(Policy::fail_on)) {
        (Some(mut named), Some(fail_on)) => {
            named.gates.extend(fail_on.gates);
            Some(named)
        }
        (named, fail_on) => named.or(fail_on),
    })
}

fn run(
    target: &Target,
    output: &Output,
    policy: &Policy,
    judged: bool,
    guess: bool,
    global: &Global,
) -> Result<Ending, Failed> {
    if judged && target.no_secrets && policy.demands_secrets() {
        let error =
            anyhow::anyhow!("the policy `{}` is about secrets, and --no-secrets does not look for them", policy.name);
        return Err(
            Failed::new(Ending::Usage, error).hint("leave out --no-secrets, or use a policy without such a gate")
        );
    }
    let references = sources::references(target)?;
    let plan = Plan::new(output, references.len() > 1)?;
    let (answers, worst) = answers(target, &references, policy, judged, guess, global)?;
    if answers.is_empty() {
        return Ok(worst);
    }
    let reports = answers.into_iter().map(|answer| answer.report).collect();
    let reports = Reports { schema_version: SCHEMA_VERSION.to_owned(), reports };
    plan.write(&reports, global)?;
    Ok(worst)
}

/// The ecosystems of images' packages, as `db update --for` wants them.
pub(super) fn ecosystems(target: &Target, global: &Global) -> Result<BTreeSet<String>, Failed> {
    let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
    let (answers, worst) = answers(target, &sources::references(target)?, &policy, false, true, global)?;
    if worst != Ending::Pass {
        let error = anyhow::anyhow!("what is in the image could not be seen whole");
        return Err(Failed::new(worst, error).hint("scan it to see why, or name what you want with --ecosystem"));
    }
    let coverage = answers.into_iter().flat_map(|answer| answer.report.coverage);
    Ok(coverage.map(|coverage| coverage.ecosystem).collect())
}

/// Reads and judges the images; the worst that happened on the way is the second value.
fn answers(
    target: &Target,
    references: &[(String, Reference)],
    policy: &Policy,
    judged: bool,
    guess: bool,
    global: &Global,
) -> Result<(Vec<Answer>, Ending), Failed> {
    let store = db::open_store(target.db.as_deref())?;
    let opener = Opener::new(target, guess);
    let mut worst = Ending::Pass;
    let mut images = Vec::new();
    for (text, reference) in references {
        match opener.open(text, reference) {
            Ok(image) => images.push(image),
            // The others are still read; the worst ending is the exit code.
            Err(error) => worst = worst.max(unopened(text, reference, error)),
        }
    }
    if images.is_empty() {
        return Ok((Vec::new(), worst));
    }
    let collect = CollectOptions { secrets: !target.no_secrets };
    let cache = open_cache(target, collect, global);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    announce(&images, global);
    let bar = Arc::new(Bar::new(stored_bytes(&images), global));
    let request = Request {
        images,
        read: ReadOptions { collect, verify_diff_ids: target.verify_diff_ids, threads },
        merging: MergeOptions {
            source_tree: target.source,
            without_development: target.no_dev,
            verify_files: target.verify_files,
        },
        cache: &cache,
        store: &store,
        policy,
        judged,
        evaluated_at: today(target.as_of),
        progress: bar.clone(),
    };
    let answers = scan::run(request).map_err(db::refused)?;
    bar.finish();
    for answer in &answers {
        worst = worst.max(ending(answer, judged));
        if !global.quiet && answer.report.subject.transport == "dir" {
            suggest_source(&answer.report.subject.reference, answer.set_aside);
        }
    }
    Ok((answers, worst))
}

/// Tells whoever scans a checkout as a root file system how to scan a checkout.
fn suggest_source(reference: &str, lock_files: usize) {
    if lock_files > 0 {
        let files = if lock_files == 1 { "a lock file".to_owned() } else { format!("{lock_files} lock files") };
        let error = anyhow::anyhow!(
            "`{reference}` was read as a root file system, where {files} in it cannot say what is installed"
        );
        super::complain(&Failed::new(Ending::Pass, error).hint("if it is a project's checkout, add --source"));
    }
}

fn ending(answer: &Answer, judged: bool) -> Ending {
    let failed = answer.failures.iter().map(|failure| match failure {
        Failure::Mismatch => Ending::Mismatch,
        Failure::Unreachable => Ending::Source,
        Failure::Unreadable => Ending::Incomplete,
    });
    let refused = if judged && answer.outcome == Outcome::Fail { Ending::Refused } else { Ending::Pass };
    let complete = if answer.complete { Ending::Pass } else { Ending::Incomplete };
    failed.max().unwrap_or(Ending::Pass).max(refused).max(complete)
}

/// Tells why an image could not be opened, and how that counts.
fn unopened(text: &str, reference: &Reference, error: SourceError) -> Ending {
    let failed = sources::failed(error, matches!(reference, Reference::Registry { .. }), |error| {
        error.context(format!("`{text}` could not be opened"))
    });
    super::complain(&failed);
    failed.ending
}

/// Bytes of the distinct layers.
fn stored_bytes(images: &[Image]) -> u64 {
    scan::jobs(images).iter().map(|job| job.layer.size).sum()
}

/// Platforms and bytes, before they are read.
fn announce(images: &[Image], global: &Global) {
    use std::io::{IsTerminal as _, Write as _};
    if global.quiet || global.no_progress || !std::io::stderr().is_terminal() {
        return;
    }
    for image in images {
        let platforms =
            image.manifests.iter().map(|manifest| manifest.platform.to_string()).collect::<Vec<_>>().join(", ");
        let line =
            format!("{}: {platforms}; {} of layers", image.reference, bytes(stored_bytes(std::slice::from_ref(image))));
        let _ = writeln!(anstream::stderr(), "{}", crate::report::escape::terminal(&line));
    }
}

/// `--cache`, else the user's cache folder, else none: a run needs no HOME.
fn open_cache(target: &Target, collect: CollectOptions, global: &Global) -> Cache {
    let asked = target.cache.clone();
    let Some(folder) = asked.clone().or_else(places::facts).filter(|folder| folder != Path::new("none")) else {
        return Cache::Off;
    };
    match Cache::open(&folder, scan::cache_key(collect)) {
        Ok(cache) => cache,
        Err(error) => {
            if asked.is_some() && !global.quiet {
                super::complain(&Failed::new(Ending::Pass, error).hint("the scan goes on without a cache"));
            }
            Cache::Off
        }
    }
}
