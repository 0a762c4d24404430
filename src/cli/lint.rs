//! `lint`: build and run files to a report, or mended.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::args::Global;
use super::exit::Ending;
use super::lint_args::{LintArgs, LintRules};
use super::output::{self, Plan};
use super::scan::{ending, named_policy};
use super::{Failed, db, notice, suppressing, today};
use crate::dockerfile::MAX_BYTES;
use crate::lint::{self, Options, Surroundings, files};
use crate::policy::Policy;
use crate::policy::vex::Vex;
use crate::report::by_name;
use crate::report::contract::Reports;
use crate::report::escape::terminal;
use crate::scan::{self, Judging, LintRequest};

/// A file with its path for reports, and why it could not be read.
type Read = (String, Result<Vec<u8>, String>);

/// `lint`.
pub(super) fn lint(arguments: &LintArgs, global: &Global) -> Result<Ending, Failed> {
    check(arguments)?;
    let options = options(&arguments.rules)?;
    let plan = Plan::of_report(&arguments.output, arguments.paths.len() > 1)?;
    let named = named_policy(arguments.policy.as_deref(), arguments.fail_on.map(Policy::fail_on))?;
    let judged = named.is_some();
    let policy = match named {
        Some(policy) => policy,
        None => Policy::builtin("local").map_err(|error| Failed::new(Ending::Usage, error))?,
    };
    let suppressions = suppressing::load(&arguments.suppressing, &policy.waivers)?;
    let store = db::open_store(arguments.db.as_deref())?;
    let evaluated_at = today(arguments.as_of);
    let around = Surroundings { store: Some(&store), evaluated_at, options: &options };
    let vex = Vex::default();
    let judging = Judging {
        policy: &policy,
        signatures: &BTreeMap::new(),
        suppressions: &suppressions,
        verifier: None,
        shows_secrets: false,
        vex: &vex,
        judged,
        evaluated_at,
    };
    let mut answers = Vec::new();
    for path in &arguments.paths {
        let mut files = read(path)?;
        if arguments.diff {
            show_fixes(&files, around)?;
        } else if arguments.fix {
            mend(&mut files, around, global)?;
        }
        answers.push(scan::lint(LintRequest { reference: path.display().to_string(), files, around, judging }));
    }
    if arguments.diff {
        return Ok(answers.iter().map(|answer| ending(answer, false)).fold(Ending::Pass, Ending::max));
    }
    suppressing::tell(&suppressions, &answers, evaluated_at, global);
    let worst = answers.iter().map(|answer| ending(answer, judged)).fold(Ending::Pass, Ending::max);
    plan.write(&Reports::of(answers.into_iter().map(|answer| answer.report)), global)?;
    Ok(worst)
}

/// Refuses what could not mean anything.
fn check(arguments: &LintArgs) -> Result<(), Failed> {
    let also = arguments.output.also.iter().map(|(format, _)| format.name());
    let mut formats = also.chain([arguments.output.format.as_str()]);
    if let Some(format) = formats.find(|name| by_name(name).is_some_and(|format| format.is_bill())) {
        let error = anyhow::anyhow!("`lint` lists no packages, so that it cannot write `{format}`");
        return Err(Failed::new(Ending::Usage, error).hint("use table, json or sarif"));
    }
    let is_input = |path: &PathBuf| path == Path::new("-");
    if arguments.fix && arguments.paths.iter().any(is_input) {
        let error = anyhow::anyhow!("--fix changes files, and standard input is none");
        return Err(Failed::new(Ending::Usage, error).hint("use --diff, or name the file"));
    }
    Ok(())
}

fn options(rules: &LintRules) -> Result<Options, Failed> {
    let known = |name: &str| name == "all" || lint::rules().any(|rule| rule.meta.is_named(name));
    if let Some(name) = rules.enable.iter().chain(&rules.disable).find(|name| !known(name)) {
        let error = anyhow::anyhow!("there is no rule `{name}`");
        return Err(Failed::new(Ending::Usage, error).hint("`imgguard rules list` shows those that there are"));
    }
    Ok(Options {
        trusted_registries: rules.trusted_registry.clone(),
        labels: rules.label.clone(),
        strict_labels: rules.strict_labels,
        enabled: rules.enable.clone(),
        disabled: rules.disable.clone(),
    })
}

/// The files that a path stands for.
fn read(path: &Path) -> Result<Vec<Read>, Failed> {
    if path == Path::new("-") {
        return Ok(vec![("-".to_owned(), read_bounded(std::io::stdin().lock()))]);
    }
    let meta = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    let found = if meta.is_dir() {
        files::find(path, files::is_dockerfile).map_err(|error| unreadable(path, error))?
    } else {
        vec![path.to_owned()]
    };
    if found.is_empty() {
        let error = anyhow::anyhow!("there is no Dockerfile in `{}`", path.display());
        return Err(Failed::new(Ending::Source, error)
            .hint("Dockerfile, Containerfile, Dockerfile.NAME and NAME.dockerfile are looked for; name a file of another name"));
    }
    let one = |path: &PathBuf| {
        let opened = std::fs::File::open(path).map_err(|error| error.to_string());
        (path.display().to_string(), opened.and_then(read_bounded))
    };
    Ok(found.iter().map(one).collect())
}

fn unreadable(path: &Path, error: std::io::Error) -> Failed {
    let error = anyhow::Error::new(error).context(format!("`{}` could not be read", path.display()));
    Failed::new(Ending::Source, error).hint("name a Dockerfile, or a folder with Dockerfiles in it")
}

/// One byte more than is read, so that the reader of the file sees that it is too large.
fn read_bounded(input: impl std::io::Read) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    input.take(limit).read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.to_string())
}

/// Files that can be read, with what their fixes make of them.
fn mended<'a>(files: &'a [Read], around: Surroundings<'a>) -> impl Iterator<Item = (usize, &'a [u8], Vec<u8>, usize)> {
    files.iter().enumerate().filter_map(move |(index, (_, bytes))| {
        let bytes = bytes.as_deref().ok()?;
        // Why it cannot be read is told by the report.
        let (text, made) = scan::mended(bytes, around).ok()?;
        (made > 0).then_some((index, bytes, text, made))
    })
}

/// Prints what would change, as `diff -u` does.
fn show_fixes(files: &[Read], around: Surroundings<'_>) -> Result<(), Failed> {
    for (index, old, new, _) in mended(files, around) {
        let path = files.get(index).map(|(path, _)| path.trim_start_matches("./")).unwrap_or_default();
        let (old, new) = (String::from_utf8_lossy(old), String::from_utf8_lossy(&new));
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let text = diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string();
        output::print(&|out| {
            text.split_inclusive('\n').try_for_each(|line| writeln!(out, "{}", terminal(line.trim_end_matches('\n'))))
        })?;
    }
    Ok(())
}

/// Writes what the fixes make of the files.
fn mend(files: &mut [Read], around: Surroundings<'_>, global: &Global) -> Result<(), Failed> {
    let changed: Vec<(usize, Vec<u8>, usize)> =
        mended(files, around).map(|(index, _, text, made)| (index, text, made)).collect();
    for (index, text, made) in changed {
        let Some((path, bytes)) = files.get_mut(index) else { continue };
        output::overwrite(Path::new(path.as_str()), &text)?;
        notice(global, &format!("{path}: {made} mended"));
        *bytes = Ok(text);
    }
    Ok(())
}
