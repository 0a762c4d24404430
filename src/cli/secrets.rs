//! `secrets`: the secrets of images, folders, what is staged in a checkout, and its history.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;

use super::args::Global;
use super::exit::Ending;
use super::output::{self, Plan};
use super::scan::{ending, named_policy};
use super::secrets_args::{ABOUT_PACKAGES, SecretsArgs};
use super::sources::{self, Opener};
use super::{Failed, incident, reading, rules, suppressing, today};
use crate::facts::cache::Cache;
use crate::policy::Policy;
use crate::policy::gitleaks_ignore::{GitleaksIgnore, MAX_IGNORE_BYTES};
use crate::policy::suppress::Suppressions;
use crate::policy::vex::Vex;
use crate::reference::Reference;
use crate::report::by_name;
use crate::report::contract::Reports;
use crate::scan::verify::{self, Verifier};
use crate::scan::{self, Answer, CollectOptions, Judging, Part, Request, Stage};
use crate::source::git::{Checkout, GitError};
use crate::source::rootfs;

/// The list of known secrets that gitleaks reads, too.
const GITLEAKS_IGNORE: &str = ".gitleaksignore";

/// `secrets`.
pub(super) fn secrets(arguments: &SecretsArgs, global: &Global) -> Result<Ending, Failed> {
    if arguments.revealing.print_hosts {
        return print_hosts();
    }
    check_flags(arguments)?;
    check_formats(arguments)?;
    check_reveal(arguments)?;
    rules::put_to_use(&arguments.rules, global)?;
    let references = sources::references(&arguments.target)?;
    let plan = Plan::of_report(&arguments.output, references.len() > 1)?.private(arguments.revealing.show_secrets);
    let (policy, judged) = policy(arguments)?;
    let mut suppressions = suppressing::load(&arguments.suppressing, &policy.waivers)?;
    read_ignore_files(&references, &mut suppressions)?;
    let vex = Vex::default();
    let evaluated_at = today(arguments.target.reading.as_of);
    let verifier = verifier(arguments)?;
    let judging = Judging {
        signatures: &BTreeMap::new(),
        policy: &policy,
        suppressions: &suppressions,
        verifier: verifier.as_ref(),
        shows_secrets: arguments.revealing.show_secrets,
        vex: &vex,
        judged,
        evaluated_at,
    };
    let (answers, mut worst) = match part(arguments) {
        Some(part) => (of_checkouts(arguments, &references, part, judging)?, Ending::Pass),
        None => of_images(arguments, &references, judging, global)?,
    };
    worst = answers.iter().map(|answer| ending(answer, judged)).fold(worst, Ending::max);
    suppressing::tell(&suppressions, &answers, evaluated_at, global);
    if answers.is_empty() {
        return Ok(worst);
    }
    let reports = Reports::of(answers.into_iter().map(|answer| answer.report));
    if !arguments.incident {
        plan.write(&reports, global)?;
        return Ok(worst);
    }
    plan.write_other(&|out| incident::write(&reports.reports, arguments, out), &reports)?;
    Ok(worst)
}

/// The policy, and whether it decides: what is staged is judged in any case, since a hook that only informs stops nothing.
fn policy(arguments: &SecretsArgs) -> Result<(Policy, bool), Failed> {
    let named = named_policy(arguments.policy.as_deref(), arguments.fail_on.map(Policy::fail_on_secrets))?;
    let judged = named.is_some() || arguments.staged;
    let policy = match named {
        Some(policy) => policy,
        None => Policy::builtin("secrets").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    Ok((policy, judged))
}

fn part(arguments: &SecretsArgs) -> Option<Part> {
    match (arguments.staged, arguments.history) {
        (true, _) => Some(Part::Staged),
        (false, true) => Some(Part::History),
        (false, false) => None,
    }
}

fn collect(arguments: &SecretsArgs, references: &[(String, Reference)]) -> CollectOptions {
    // A checkout's `.git` is what --history is for; that of an image is published with it.
    let checkout = references.iter().all(|(_, reference)| sources::is_folder(reference));
    let reveal = arguments.revealing.show_secrets || arguments.revealing.verify_secrets;
    CollectOptions { secrets: true, reveal, checkout }
}

fn of_images(
    arguments: &SecretsArgs,
    references: &[(String, Reference)],
    judging: Judging<'_>,
    global: &Global,
) -> Result<(Vec<Answer>, Ending), Failed> {
    let how = &arguments.target.reading;
    let (images, worst) = reading::open(references, &Opener::new(how, true).with_attached());
    if images.is_empty() {
        return Ok((Vec::new(), worst));
    }
    let collect = collect(arguments, references);
    // What a cache holds is masked.
    let cache = if collect.reveal { Cache::Off } else { reading::cache(how, collect, global) };
    let bar = reading::announce(&images, global);
    let read = reading::options(how, collect);
    let (stage, catalogue) = (Stage::Secrets, None);
    let request = Request { images, read, cache: &cache, stage, catalogue, judging, progress: bar.clone() };
    let answers = scan::run(request).map_err(super::base::refused)?;
    bar.finish();
    Ok((answers, worst))
}

fn of_checkouts(
    arguments: &SecretsArgs,
    references: &[(String, Reference)],
    part: Part,
    judging: Judging<'_>,
) -> Result<Vec<Answer>, Failed> {
    let collect = collect(arguments, references);
    let answer = |(text, reference): &(String, Reference)| {
        let Reference::Directory(folder) = reference else {
            let error = anyhow::anyhow!("`{text}` is no checkout, which --staged and --history are for");
            return Err(Failed::new(Ending::Usage, error).hint("name the folder, such as dir:."));
        };
        let image = rootfs::open(folder, text).map_err(|error| {
            sources::failed(error, false, |error| error.context(format!("`{text}` could not be opened")))
        })?;
        let checkout = Checkout::open(folder).map_err(|error| unread(text, error))?;
        scan::run_checkout(image, &checkout, part, collect, judging).map_err(|error| unread(text, error))
    };
    references.iter().map(answer).collect()
}

/// That git does not read it, and what to do.
fn unread(text: &str, error: GitError) -> Failed {
    let ending = match &error {
        GitError::Start(_) | GitError::Refused { .. } => Ending::Source,
        GitError::Unexpected { .. } | GitError::Io(_) | GitError::TooLarge => Ending::Incomplete,
    };
    let hint = match &error {
        GitError::Start(_) => "install git, or scan the folder without --staged and --history",
        GitError::Refused { said, .. } if said.contains("dubious ownership") => {
            "it belongs to somebody else; if you trust it, add it to git's safe.directory"
        }
        GitError::Refused { .. } => {
            "check that the folder is in a git repository; without one, leave out --staged and --history"
        }
        _ => "check the repository with `git fsck`",
    };
    let error = anyhow::Error::new(error).context(format!("the repository of `{text}` could not be read"));
    Failed::new(ending, error).hint(hint)
}

/// Each folder's own list of what is known.
fn read_ignore_files(references: &[(String, Reference)], suppressions: &mut Suppressions) -> Result<(), Failed> {
    for (text, reference) in references {
        let Reference::Directory(folder) = reference else { continue };
        let path = folder.join(GITLEAKS_IGNORE);
        // A link may lead anywhere.
        if !std::fs::symlink_metadata(&path).is_ok_and(|meta| meta.is_file()) {
            continue;
        }
        let bytes = sources::read_file(&path, MAX_IGNORE_BYTES, "list")?;
        let ignore = GitleaksIgnore::parse(&String::from_utf8_lossy(&bytes));
        suppressions.gitleaks_ignore.insert(text.clone(), ignore);
    }
    Ok(())
}

fn verifier(arguments: &SecretsArgs) -> Result<Option<Verifier>, Failed> {
    if !arguments.revealing.verify_secrets {
        return Ok(None);
    }
    let verifier = Verifier::new(sources::settings(&arguments.target.reading.network));
    verifier.map(Some).map_err(|error| Failed::new(Ending::Source, error))
}

fn print_hosts() -> Result<Ending, Failed> {
    let hosts = verify::hosts().map_err(|error| Failed::new(Ending::Incomplete, error))?;
    output::print(&|out| hosts.iter().try_for_each(|host| writeln!(out, "{host}")))?;
    Ok(Ending::Pass)
}

/// The names of all reports that are asked for.
fn formats(arguments: &SecretsArgs) -> impl Iterator<Item = &str> {
    let also = arguments.output.also.iter().map(|(format, _)| format.name());
    also.chain([arguments.output.format.as_str()])
}

/// Refuses what is about packages: it would do nothing, and look as if it had.
fn check_flags(arguments: &SecretsArgs) -> Result<(), Failed> {
    let (reading, output) = (&arguments.target.reading, &arguments.output);
    let given = [reading.source, reading.no_dev, reading.verify_files, output.only_fixed];
    match ABOUT_PACKAGES.iter().zip(given).find(|(_, given)| *given) {
        Some((flag, _)) => {
            let flag = flag.replace('_', "-");
            let error = anyhow::anyhow!("--{flag} is about packages, which `secrets` does not look at");
            Err(Failed::new(Ending::Usage, error).hint("leave it out, or use `imgguard scan`"))
        }
        None => Ok(()),
    }
}

/// Refuses bills of materials: without packages one would say that nothing is installed.
fn check_formats(arguments: &SecretsArgs) -> Result<(), Failed> {
    match formats(arguments).find(|name| by_name(name).is_some_and(|format| format.is_bill())) {
        Some(format) => {
            let error = anyhow::anyhow!("`secrets` lists no packages, so that it cannot write `{format}`");
            Err(Failed::new(Ending::Usage, error).hint("`imgguard sbom` and `imgguard scan` write bills of materials"))
        }
        None => Ok(()),
    }
}

/// Refuses to write secrets where others read them.
fn check_reveal(arguments: &SecretsArgs) -> Result<(), Failed> {
    if !arguments.revealing.show_secrets {
        return Ok(());
    }
    if let Some(format) = formats(arguments).find(|format| !matches!(*format, "table" | "json")) {
        let error = anyhow::anyhow!("--show-secrets does not write `{format}`, which is made to be uploaded");
        return Err(Failed::new(Ending::Usage, error).hint("use table or json"));
    }
    if in_ci() && !std::io::stdout().is_terminal() {
        let error = anyhow::anyhow!("--show-secrets does not write secrets into the log of a CI job");
        return Err(
            Failed::new(Ending::Usage, error).hint("run it on a terminal, where nobody else keeps what it prints")
        );
    }
    Ok(())
}

/// Whether a CI service runs us: GitHub, GitLab, CircleCI, Travis, Bitbucket and most others set `CI`; Jenkins, TeamCity and Azure do not.
fn in_ci() -> bool {
    ["CI", "BUILD_NUMBER", "JENKINS_URL", "TEAMCITY_VERSION", "TF_BUILD", "CODEBUILD_BUILD_ID"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false"))
}
