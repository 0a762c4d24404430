//! `lint`: build and run files to a report, or mended.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::args::Global;
use super::exit::Ending;
use super::lint_args::{LintArgs, LintRules};
use super::lint_files::{self, ComposeOptions, Found, Overlay};
use super::output::{self, Plan};
use super::scan::{ending, named_policy};
use super::{Failed, db, lint_context, lint_images, notice, suppressing, today};
use crate::lint::{self, Options, Surroundings};
use crate::policy::Policy;
use crate::policy::vex::Vex;
use crate::report::by_name;
use crate::report::contract::Reports;
use crate::report::escape::terminal;
use crate::scan::{self, Answer, Judging, LintRequest, MendedFile};
use crate::workload::OfImage;

/// `lint`.
pub(super) fn lint(arguments: &LintArgs, global: &Global) -> Result<Ending, Failed> {
    check(arguments)?;
    let mut options = options(&arguments.rules)?;
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
    let compose = ComposeOptions { overrides: &arguments.compose_override, env_files: &arguments.env_file };
    let paths = arguments.paths.iter();
    let mut all: Vec<(&Path, Found)> =
        paths.map(|path| Ok((path.as_path(), lint_files::find(path, &compose)?))).collect::<Result<_, Failed>>()?;
    if arguments.pin {
        options.digests = lint_images::digests(all.iter().map(|(_, found)| found), &arguments.network, global)?;
    }
    let said = lint_images::said(arguments)?;
    let around = Surroundings { store: Some(&store), evaluated_at, options: &options };
    if arguments.context {
        return lint_context::show(&mut all, &arguments.output.format, around);
    }
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
    for (path, mut found) in all {
        if arguments.diff {
            show_fixes(&mended(&mut found, around))?;
        } else if arguments.fix {
            let changed = mended(&mut found, around);
            mend(&mut found, changed, global)?;
        }
        answers.push(report(path, found, &said, around, judging));
    }
    if arguments.diff {
        return Ok(answers.iter().map(|answer| ending(answer, false)).fold(Ending::Pass, Ending::max));
    }
    suppressing::tell(&suppressions, &answers, evaluated_at, global);
    let worst = answers.iter().map(|answer| ending(answer, judged)).fold(Ending::Pass, Ending::max);
    plan.write(&Reports::of(answers.into_iter().map(|answer| answer.report)), global)?;
    Ok(worst)
}

/// Looks at what was found.
fn report(
    path: &Path,
    mut found: Found,
    said: &BTreeMap<String, OfImage>,
    around: Surroundings<'_>,
    judging: Judging<'_>,
) -> Answer {
    let mut workloads = Vec::new();
    for project in &found.projects {
        let mut loaded = project.load(&Overlay::new());
        if let Ok(workload) = &mut loaded {
            lint_images::tell(workload, said);
        }
        if let (Some(folder), Ok(workload)) = (&mut found.folder, &loaded) {
            folder.add(workload);
        }
        workloads.push((project.path.clone(), loaded.map(|workload| project.show(workload))));
    }
    let (reference, files) = (path.display().to_string(), found.dockerfiles);
    let Some(folder) = &found.folder else {
        return scan::lint(LintRequest { reference, files, workloads, folder: None, around, judging });
    };
    let overlay = Overlay::new();
    let folder = scan::Folder {
        repository: &folder.repository,
        dockerfiles: &folder.dockerfiles,
        from: &folder.tree(&overlay),
        shown: &|path| folder.shown(path).display().to_string(),
    };
    scan::lint(LintRequest { reference, files, workloads, folder: Some(folder), around, judging })
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
        digests: BTreeMap::new(),
    })
}

/// A file that fixes changed, with its path for people.
type Changed = (PathBuf, MendedFile);

/// What the fixes make of the files. Why one cannot be read is told by the report.
fn mended(found: &mut Found, around: Surroundings<'_>) -> Vec<Changed> {
    let mut changed = Vec::new();
    let loaded = found.projects.iter().filter_map(|project| project.load(&Overlay::new()).ok());
    if let Some(folder) = &mut found.folder {
        loaded.for_each(|workload| folder.add(&workload));
    }
    for (path, bytes) in &found.dockerfiles {
        let Ok(old) = bytes else { continue };
        let Ok((new, made)) = scan::mended(old, around) else { continue };
        if made > 0 {
            changed.push((PathBuf::from(path), MendedFile { path: path.clone(), old: old.clone(), new, made }));
        }
    }
    for project in &found.projects {
        let files = scan::mended_workload(&|overlay| project.load(overlay), around).unwrap_or_default();
        changed.extend(files.into_iter().map(|file| (project.shown(&file.path), file)));
    }
    if let Some(folder) = &found.folder {
        let files = folder.mended(&found.dockerfiles, around);
        changed.extend(files.into_iter().map(|file| (folder.shown(&file.path), file)));
    }
    // A file that several projects use is mended for the first.
    let mut seen = BTreeSet::new();
    changed.retain(|(path, _)| seen.insert(path.clone()));
    changed
}

/// Prints what would change, as `diff -u` does.
fn show_fixes(changed: &[Changed]) -> Result<(), Failed> {
    for (path, file) in changed {
        let path = path.display().to_string();
        let path = path.trim_start_matches("./");
        let (old, new) = (String::from_utf8_lossy(&file.old), String::from_utf8_lossy(&file.new));
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let text = diff.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string();
        output::print(&|out| {
            text.split_inclusive('\n').try_for_each(|line| writeln!(out, "{}", terminal(line.trim_end_matches('\n'))))
        })?;
    }
    Ok(())
}

/// Writes what the fixes make of the files.
fn mend(found: &mut Found, changed: Vec<Changed>, global: &Global) -> Result<(), Failed> {
    for (path, file) in changed {
        output::overwrite(&path, &file.new)?;
        notice(global, &format!("{}: {} mended", path.display(), file.made));
        if let Some((_, bytes)) = found.dockerfiles.iter_mut().find(|(known, _)| Path::new(known) == path) {
            *bytes = Ok(file.new);
        }
    }
    Ok(())
}
