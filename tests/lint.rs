//! The rules about build and run files against their cases: `testdata/lint/KIND/RULE.md` says what a rule must and must not find, and `docs/rules/` is made of them.
//!
//! A case is a heading `## bad: …` or `## good: …` and a block of the file's language. Of a bad one, a block `expect` lists every problem as `LINE:COLUMN text`;
//! a block `fixed` is what `--fix` makes of it. Settings stand behind the language: `trusted=HOST,… label=NAME:KIND,… strict`. A case about a repository has a block a file, with
//! `path=NAME`, and `mode=0644`, `tracked` or, of one without content, `empty`; its problems begin with the path, and so does what is `fixed`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

#[path = "lint/folder.rs"]
mod folder;
#[path = "lint/hadolint.rs"]
mod hadolint;
#[path = "lint/pages.rs"]
mod pages;
#[path = "lint/promises.rs"]
mod promises;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imgguard::dockerfile::{Dockerfile, Source};
use imgguard::lint::{self, LabelKind, Meta, Options, Problem, Surroundings, fix};
use imgguard::scan;
use imgguard::workload::{Files, Workload, WorkloadError, compose, kubernetes};

/// The date of the cases.
const TODAY: &str = "2026-11-25";

/// One case.
struct Case {
    title: String,
    is_bad: bool,
    /// Its file, or the first of its repository.
    settings: String,
    text: String,
    /// The files of a repository: what stands behind the language, and the content.
    files: Vec<(String, String)>,
    expected: Vec<String>,
    fixed: Option<String>,
}

/// The value of `name=value` behind a language.
fn setting<'a>(settings: &'a str, name: &str) -> Option<&'a str> {
    settings.split_whitespace().find_map(|setting| setting.strip_prefix(name)?.strip_prefix('='))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/lint")
}

/// The cases of a rule.
fn cases(kind: &str, rule: &str) -> Vec<Case> {
    let path = folder().join(kind).join(format!("{rule}.md"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases: Vec<Case> = Vec::new();
    for section in text.split("\n## ").skip(1) {
        let (head, rest) = section.split_once('\n').unwrap();
        let (bad, title) = head.split_once(": ").unwrap_or_else(|| panic!("{rule}: {head}"));
        let mut case = Case {
            title: format!("{rule}: {title}"),
            is_bad: bad == "bad",
            settings: String::new(),
            text: String::new(),
            files: Vec::new(),
            expected: Vec::new(),
            fixed: None,
        };
        let mut lines = rest.lines();
        while let Some(head) = lines.by_ref().find_map(|line| line.strip_prefix("```")) {
            let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let (language, settings) = head.split_once(' ').unwrap_or((head, ""));
            let text = body.iter().map(|line| format!("{line}\n")).collect();
            match language {
                "expect" => case.expected = body.into_iter().map(str::to_owned).collect(),
                "fixed" => case.fixed = Some(text),
                _ => {
                    case.files.push((settings.to_owned(), text));
                    (case.settings, case.text) = case.files[0].clone();
                }
            }
        }
        assert!(!case.files.is_empty(), "{}: no block", case.title);
        assert_eq!(case.is_bad, !case.expected.is_empty(), "{}: a bad case says what is found", case.title);
        cases.push(case);
    }
    assert!(cases.iter().any(|case| !case.is_bad), "{rule} has a good case");
    cases
}

/// The settings of a case: nothing but its own rule runs.
fn options(meta: &Meta, settings: &str) -> Options {
    let mut options = Options { enabled: vec![meta.id.to_owned()], ..Options::default() };
    for setting in settings.split_whitespace() {
        let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
        let list = || value.split(',');
        match name {
            "trusted" => options.trusted_registries = list().map(str::to_owned).collect(),
            "label" => {
                let kind = |name: &str| LabelKind::NAMES.iter().find(|(known, _)| *known == name).unwrap().1;
                let label = |label: &str| {
                    let (name, of) = label.rsplit_once(':').unwrap();
                    (name.to_owned(), kind(of))
                };
                options.labels = list().map(label).collect();
            }
            "strict" => options.strict_labels = true,
            "digest" => {
                let (image, digest) = value.split_once('@').unwrap();
                options.digests.insert(image.to_owned(), digest.to_owned());
            }
            // What a file of a repository is.
            "path" | "mode" | "tracked" | "empty" => {}
            other => panic!("there is no setting {other}"),
        }
    }
    options
}

/// The one file of a case, as the rules of its kind look at it.
enum Subject {
    Dockerfile(Dockerfile),
    Workload(Workload),
    Repository(Box<folder::Folder>),
}

impl Subject {
    fn of(kind: &str, case: &Case, text: &str) -> Self {
        let loaded = match kind {
            "dockerfile" => Dockerfile::parse(text.as_bytes()).map(Self::Dockerfile).map_err(|error| error.to_string()),
            "container" => workload(text).map(Self::Workload).map_err(|error| error.to_string()),
            "repository" => Ok(Self::Repository(Box::new(folder::Folder::of(&case.files)))),
            other => panic!("there is no kind {other}"),
        };
        loaded.unwrap_or_else(|error| panic!("{}: {error}\n{text}", case.title))
    }

    fn problems(&self, meta: &Meta, options: &Options) -> Vec<Problem> {
        let around = Surroundings { store: None, evaluated_at: TODAY.parse().unwrap(), options };
        let found = match self {
            Self::Dockerfile(file) => lint::dockerfile::run(file, around).unwrap(),
            Self::Workload(workload) => lint::container::run(workload, around),
            Self::Repository(folder) => folder.report(around).problems,
        };
        found.into_iter().filter(|problem| problem.meta.id == meta.id).collect()
    }

    fn shown(&self, problem: &Problem) -> String {
        let of_workload;
        let source = match self {
            Self::Dockerfile(file) => &file.source,
            Self::Workload(workload) => {
                of_workload = Source::new(&workload.files[problem.file].bytes);
                &of_workload
            }
            Self::Repository(_) => unreachable!("a problem of a repository is shown by its folder"),
        };
        let place = source.place(problem.span.start);
        let text = source.get(&problem.span).lines().next().unwrap_or_default();
        format!("{}:{} {text}", place.line, place.column)
    }
}

/// A case's text as the file of a project.
fn workload(text: &str) -> Result<Workload, WorkloadError> {
    struct One<'a>(&'a str);
    impl Files for One<'_> {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            if path == "compose.yaml" {
                Ok(self.0.as_bytes().to_vec())
            } else {
                Err("there is no such file".to_owned())
            }
        }
    }
    if text.starts_with("apiVersion:") {
        return kubernetes::load("compose.yaml", &One(text));
    }
    compose::load(&compose::Project { files: vec!["compose.yaml".to_owned()], ..Default::default() }, &One(text))
}

#[test]
fn every_rule_finds_what_its_cases_say_and_nothing_else() {
    let mut failures = Vec::new();
    for rule in lint::rules() {
        for case in cases(rule.check.kind(), rule.meta.id) {
            let options = options(&rule.meta, &case.settings);
            let file = Subject::of(rule.check.kind(), &case, &case.text);
            let found: Vec<String> = match &file {
                Subject::Repository(folder) => folder.found(&rule.meta, &options),
                file => file.problems(&rule.meta, &options).iter().map(|problem| file.shown(problem)).collect(),
            };
            if found != case.expected {
                failures.push(format!("{}\n  expected {:?}\n  found    {found:?}", case.title, case.expected));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn fixes_mend_once_and_for_all() {
    let mut failures = Vec::new();
    for rule in lint::rules() {
        for case in cases(rule.check.kind(), rule.meta.id) {
            let options = options(&rule.meta, &case.settings);
            if rule.check.kind() == "repository" {
                failures.extend(folder::mends(&case, &rule.meta, &options));
                continue;
            }
            let mend = |text: &str| {
                let found = Subject::of(rule.check.kind(), &case, text).problems(&rule.meta, &options);
                let (mended, made) =
                    fix::apply(text.as_bytes(), found.iter().filter_map(|problem| problem.fix.as_ref()));
                (String::from_utf8(mended).unwrap(), made, found.len())
            };
            let (mended, made, _) = mend(&case.text);
            let expected = case.fixed.as_ref();
            if (made > 0) != expected.is_some() || expected.is_some_and(|expected| *expected != mended) {
                failures.push(format!("{}: {made} fixes make\n{mended}", case.title));
            }
            // What was mended is found no more, and mending again changes nothing.
            if made > 0 {
                let (again, more, left) = mend(&mended);
                assert_eq!((again, more), (mended, 0), "{}: is not idempotent", case.title);
                assert!(left < case.expected.len(), "{}: what was mended is still found", case.title);
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The comments of a file, in their order; what stands in quotes is none.
fn comments(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let comment = |line: &str| {
        let at = if line.starts_with('#') { Some(0) } else { line.find(" # ").map(|at| at + 1) };
        at.map(|at| line[at..].to_owned())
    };
    lines.filter_map(comment).collect()
}

#[test]
fn all_fixes_together_keep_the_rest_are_made_once_and_leave_nothing_to_fix() {
    let options = Options { enabled: vec!["all".to_owned()], ..Options::default() };
    let around = Surroundings { store: None, evaluated_at: TODAY.parse().unwrap(), options: &options };
    let mut changed = 0;
    for rule in lint::rules() {
        for case in cases(rule.check.kind(), rule.meta.id) {
            let mend = |text: &str| match rule.check.kind() {
                "dockerfile" => String::from_utf8(scan::mended(text.as_bytes(), around).unwrap().0).unwrap(),
                _ => {
                    let load = |overlay: &BTreeMap<String, Vec<u8>>| {
                        let text = overlay.get("compose.yaml").map_or(text, |new| std::str::from_utf8(new).unwrap());
                        workload(text).map_err(|error| error.to_string())
                    };
                    let mended = scan::mended_workload(&load, around).unwrap();
                    let new = mended.into_iter().find(|file| file.path == "compose.yaml").map(|file| file.new);
                    new.map_or_else(|| text.to_owned(), |new| String::from_utf8(new).unwrap())
                }
            };
            if rule.check.kind() == "repository" {
                continue;
            }
            let mended = mend(&case.text);
            changed += usize::from(mended != case.text);
            assert_eq!(mend(&mended), mended, "{}: is not made at once", case.title);
            assert_eq!(comments(&mended), comments(&case.text), "{}: a comment is lost in\n{mended}", case.title);
            let left = Subject::of(rule.check.kind(), &case, &mended);
            let problems = match &left {
                Subject::Dockerfile(file) => lint::dockerfile::run(file, around).unwrap(),
                Subject::Workload(workload) => lint::container::run(workload, around),
                Subject::Repository(_) => continue,
            };
            let is_ignored = case.text.contains("ignore=");
            let fixable: Vec<&str> =
                problems.iter().filter(|problem| problem.fix.is_some()).map(|problem| problem.meta.id).collect();
            assert!(fixable.is_empty() || is_ignored, "{}: {fixable:?} are left in\n{mended}", case.title);
        }
    }
    assert!(changed > 80, "only {changed} files were mended");
}

#[test]
fn names_are_unique_and_every_file_is_a_rule() {
    let ids: Vec<&str> = lint::rules().map(|rule| rule.meta.id).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for rule in lint::rules() {
        let meta = &rule.meta;
        assert!(
            meta.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{}",
            meta.id
        );
        assert!(!meta.summary.ends_with('.') && meta.why.ends_with('.') && !meta.advice.ends_with('.'), "{}", meta.id);
    }
    let mut by_kind: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for rule in lint::rules() {
        by_kind.entry(rule.check.kind()).or_default().insert(rule.meta.id.to_owned());
    }
    for (kind, ids) in by_kind {
        let names = |folder: &Path, ending: &str| -> BTreeSet<String> {
            let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names
                .filter_map(|name| Some(name.strip_suffix(ending)?.replace('_', "-")))
                .filter(|name| name != "mod")
                .collect()
        };
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/lint/{kind}/rules"));
        assert_eq!(names(&sources, ".rs"), ids, "files of {kind} are rules");
        assert_eq!(names(&folder().join(kind), ".md"), ids, "rules of {kind} have cases");
    }
}
