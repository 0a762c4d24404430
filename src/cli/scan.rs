//! `scan` and `gate`: references to reports and an exit code.

use std::collections::BTreeSet;
use std::path::Path;

use super::args::{GateArgs, Global, Looking, Output, Reading, ScanArgs, Target};
use super::exit::Ending;
use super::output::Plan;
use super::sources::{self, Opener};
use super::{Failed, base, db, reading, rules, signatures, suppressing, today, update, vex};
use crate::advisory::Store;
use crate::advisory::model::Severity;
use crate::base::Catalogue;
use crate::policy::{MAX_POLICY_BYTES, Outcome, Policy};
use crate::reference::Reference;
use crate::report::contract::Reports;
use crate::scan::{self, Answer, CollectOptions, Judging, Request, Stage};

/// `scan`: informs, and judges only when asked to.
pub(super) fn scan(arguments: &ScanArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let policy = policy(arguments.policy.as_deref(), arguments.fail_on)?;
    if arguments.update {
        update::before_scan(&arguments.target, arguments.looking.db.as_deref(), &arguments.upstream, global)?;
    }
    let judged = policy.is_some();
    let policy = match policy {
        Some(policy) => policy,
        None => Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    run(&arguments.target, &arguments.looking, &arguments.output, &policy, judged, true, global)
}

/// `gate`: decides.
pub(super) fn gate(arguments: &GateArgs, global: &Global) -> Result<Ending, Failed> {
    rules::put_to_use(&arguments.looking.rules, global)?;
    let policy = match policy(arguments.policy.as_deref(), arguments.fail_on)? {
        Some(policy) => policy,
        None => Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    run(&arguments.target, &arguments.looking, &arguments.output, &policy, true, false, global)
}

fn policy(name: Option<&str>, fail_on: Option<Severity>) -> Result<Option<Policy>, Failed> {
    named_policy(name, fail_on.map(Policy::fail_on))
}

/// The policy that was asked for; `--fail-on` adds its gate to it.
pub(super) fn named_policy(name: Option<&str>, fail_on: Option<Policy>) -> Result<Option<Policy>, Failed> {
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
            let mut policy = Policy::parse(&std::fs::read_to_string(name).map_err(file_error)?).map_err(usage)?;
            policy.beside(Path::new(name).parent().unwrap_or(Path::new("")));
            Some(policy)
        }
        Some(name) => Some(Policy::builtin(name).map_err(usage)?),
        None => None,
    };
    Ok(match (named, fail_on) {
        (Some(mut named), Some(fail_on)) => {
            named.gates.extend(fail_on.gates);
            Some(named)
        }
        (named, fail_on) => named.or(fail_on),
    })
}

fn run(
    target: &Target,
    looking: &Looking,
    output: &Output,
    policy: &Policy,
    judged: bool,
    guess: bool,
    global: &Global,
) -> Result<Ending, Failed> {
    if judged && looking.no_secrets && policy.demands_secrets() {
        let error =
            anyhow::anyhow!("the policy `{}` is about secrets, and --no-secrets does not look for them", policy.name);
        return Err(
            Failed::new(Ending::Usage, error).hint("leave out --no-secrets, or use a policy without such a gate")
        );
    }
    let references = sources::references(target)?;
    let plan = Plan::of_report(output, references.len() > 1)?;
    let (answers, worst) = answers((&target.reading, looking), &references, (policy, judged), guess, global)?;
    if answers.is_empty() {
        return Ok(worst);
    }
    plan.write(&Reports::of(answers.into_iter().map(|answer| answer.report)), global)?;
    Ok(worst)
}

/// The ecosystems of images' packages, as `db update --for` wants them.
pub(super) fn ecosystems(target: &Target, global: &Global) -> Result<BTreeSet<String>, Failed> {
    let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
    let (references, looking) = (sources::references(target)?, Looking::default());
    // What is there to be replaced must not stand in the way, damaged or of an older format as it may be.
    let store = Store::embedded().map_err(db::refused)?;
    let known = Known { store: &store, catalogue: None };
    let opener = Opener::new(&target.reading, true);
    let (answers, worst) =
        judged_by(known, (&target.reading, &looking), &references, (&policy, false), opener, global)?;
    if worst != Ending::Pass {
        let error = anyhow::anyhow!("what is in the image could not be seen whole");
        return Err(Failed::new(worst, error).hint("scan it to see why, or name what you want with --ecosystem"));
    }
    let coverage = answers.into_iter().flat_map(|answer| answer.report.coverage);
    Ok(coverage.map(|coverage| coverage.ecosystem).collect())
}

/// Reads and judges the images; the worst that happened on the way is the second value.
pub(super) fn answers(
    (how, looking): (&Reading, &Looking),
    references: &[(String, Reference)],
    (policy, judged): (&Policy, bool),
    guess: bool,
    global: &Global,
) -> Result<(Vec<Answer>, Ending), Failed> {
    let store = db::open_store(looking.db.as_deref())?;
    let catalogue = base::open_catalogue(looking.catalogue.as_deref())?;
    let known = Known { store: &store, catalogue: catalogue.as_ref() };
    judged_by(known, (how, looking), references, (policy, judged), Opener::new(how, guess), global)
}

/// The same with what hangs on images in registries, which says what they were built from.
pub(super) fn answers_with_attached(
    (how, looking): (&Reading, &Looking),
    references: &[(String, Reference)],
    global: &Global,
) -> Result<(Vec<Answer>, Ending), Failed> {
    let policy = Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?;
    let store = db::open_store(looking.db.as_deref())?;
    let catalogue = base::open_catalogue(looking.catalogue.as_deref())?;
    let known = Known { store: &store, catalogue: catalogue.as_ref() };
    let opener = Opener::new(how, true).with_attached();
    judged_by(known, (how, looking), references, (&policy, false), opener, global)
}

/// What images are compared with.
#[derive(Clone, Copy)]
struct Known<'a> {
    store: &'a Store,
    catalogue: Option<&'a Catalogue>,
}

/// The same with a store that is open.
fn judged_by(
    Known { store, catalogue }: Known<'_>,
    (how, looking): (&Reading, &Looking),
    references: &[(String, Reference)],
    (policy, judged): (&Policy, bool),
    opener: Opener<'_>,
    global: &Global,
) -> Result<(Vec<Answer>, Ending), Failed> {
    let mut vex = vex::load(&looking.vex)?;
    let policy = &with_demands(policy, looking.verify.as_deref())?;
    let suppressions = suppressing::load(&looking.suppressing, &policy.waivers)?;
    let (images, mut worst) = reading::open(references, &opener);
    if images.is_empty() {
        return Ok((Vec::new(), worst));
    }
    let signatures = signatures::check_all(&images, &policy.signatures, how, &mut vex)?;
    let evaluated_at = today(how.as_of);
    let collect = CollectOptions { secrets: !looking.no_secrets, ..CollectOptions::default() };
    let cache = reading::cache(how, collect, global);
    let bar = reading::announce(&images, global);
    let request = Request {
        images,
        read: reading::options(how, collect),
        cache: &cache,
        stage: Stage::Everything(store),
        catalogue,
        judging: Judging {
            policy,
            signatures: &signatures,
            suppressions: &suppressions,
            verifier: None,
            shows_secrets: false,
            vex: &vex,
            judged,
            evaluated_at,
        },
        progress: bar.clone(),
    };
    let answers = scan::run(request).map_err(base::refused)?;
    bar.finish();
    suppressing::tell(&suppressions, &answers, evaluated_at, global);
    for answer in &answers {
        worst = worst.max(ending(answer, judged));
        if !global.quiet && answer.report.subject.transport == "dir" {
            suggest_source(&answer.report.subject.reference, answer.set_aside);
        }
    }
    Ok((answers, worst))
}

/// The policy with the demands for signatures of another one, which does not judge anything else.
fn with_demands(policy: &Policy, verify: Option<&Path>) -> Result<Policy, Failed> {
    let mut policy = policy.clone();
    let Some(file) = verify else { return Ok(policy) };
    let demands = self::policy(file.to_str(), None)?.map(|named| named.signatures).unwrap_or_default();
    if demands.is_empty() {
        let error = anyhow::anyhow!("the policy `{}` demands no signature", file.display());
        return Err(
            Failed::new(Ending::Usage, error).hint("add a [[signature]] table with keys, or identity and issuer")
        );
    }
    policy.signatures.extend(demands);
    Ok(policy)
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

pub(super) fn ending(answer: &Answer, judged: bool) -> Ending {
    let verdict = match answer.outcome {
        Outcome::Fail if judged => Ending::Refused,
        // What was asked for cannot be answered from this source, though all of it was read.
        Outcome::Incomplete if judged => Ending::Incomplete,
        _ => Ending::Pass,
    };
    reading::ending(answer).max(verdict)
}
