//! A case about a repository: its files, without a disk and without git.

use std::collections::{BTreeMap, BTreeSet};

use imgguard::dockerfile::{Dockerfile, Source};
use imgguard::lint::repository::listing::{Entry, Kind, Listing};
use imgguard::lint::repository::tracking::Tracking;
use imgguard::lint::repository::{self, Build, Report, Repository};
use imgguard::lint::{Meta, Options, Surroundings};
use imgguard::scan;
use imgguard::workload::{Files, compose};

use super::{Case, TODAY, setting};

/// The files of a case.
#[derive(Clone)]
pub(super) struct Folder {
    files: BTreeMap<String, Vec<u8>>,
    repository: Repository,
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.files.get(path).cloned().ok_or_else(|| "there is no such file".to_owned())
    }
}

impl Folder {
    pub(super) fn of(blocks: &[(String, String)]) -> Self {
        let (mut files, mut listing, mut tracked) = (BTreeMap::new(), Listing::default(), BTreeSet::new());
        for (settings, text) in blocks {
            let path = setting(settings, "path").unwrap();
            let mode = setting(settings, "mode").map(|mode| u32::from_str_radix(mode, 8).unwrap());
            if settings.split_whitespace().any(|word| word == "tracked") {
                tracked.insert(path.to_owned());
            }
            let kind = if path.ends_with('/') { Kind::Folder } else { Kind::File };
            let path = path.trim_end_matches('/').to_owned();
            listing.entries.insert(path.clone(), Entry { kind, bytes: text.len() as u64, mode });
            if kind == Kind::File {
                files.insert(path, text.clone().into_bytes());
            }
        }
        let tracking = Tracking { tracked: Some(tracked), is_checkout: true, unread: None };
        let repository = Repository { is_root: true, listing, tracking, ..Repository::default() };
        let mut folder = Self { files, repository };
        if folder.files.contains_key("compose.yaml") {
            let project = compose::Project { files: vec!["compose.yaml".to_owned()], ..Default::default() };
            let workload = compose::load(&project, &folder).unwrap();
            folder.repository.starts_images = true;
            let builds = workload.containers.into_iter().filter_map(|container| container.build?.value);
            let build = |build: imgguard::workload::Build| {
                Some(Build { context: build.context?, dockerfile: build.dockerfile? })
            };
            folder.repository.builds = builds.filter_map(build).collect();
        }
        folder
    }

    pub(super) fn report(&self, around: Surroundings<'_>) -> Report {
        let is_dockerfile = |path: &str| path.rsplit('/').next().is_some_and(imgguard::lint::files::is_dockerfile);
        let dockerfiles = self.files.iter().filter(|(path, _)| is_dockerfile(path));
        let dockerfiles: Vec<(String, Dockerfile)> =
            dockerfiles.map(|(path, bytes)| (path.clone(), Dockerfile::parse(bytes).unwrap())).collect();
        repository::run(&self.repository, &dockerfiles, self, around)
    }

    /// What a rule finds: `PATH:LINE:COLUMN text`.
    pub(super) fn found(&self, meta: &Meta, options: &Options) -> Vec<String> {
        let report = self.report(Surroundings { store: None, evaluated_at: TODAY.parse().unwrap(), options });
        let problems = report.problems.iter().filter(|problem| problem.meta.id == meta.id);
        problems
            .map(|problem| {
                let (path, bytes) = &report.files[problem.file];
                let source = Source::new(bytes);
                let place = source.place(problem.span.start);
                let text = source.get(&problem.span).lines().next().unwrap_or_default();
                format!("{path}:{}:{} {text}", place.line, place.column).trim_end().to_owned()
            })
            .collect()
    }
}

/// What is wrong with the fixes of a case. `fixed` is a file with its path in the first line.
pub(super) fn mends(case: &Case, meta: &Meta, options: &Options) -> Option<String> {
    let around = Surroundings { store: None, evaluated_at: TODAY.parse().unwrap(), options };
    let folder = Folder::of(&case.files);
    let look = |overlay: &BTreeMap<String, Vec<u8>>| {
        let mut folder = folder.clone();
        folder.files.extend(overlay.clone());
        let mut report = folder.report(around);
        report.problems.retain(|problem| problem.meta.id == meta.id);
        report
    };
    let mended = scan::mended_repository(&look, around);
    let shown: String =
        mended.iter().map(|file| format!("{}\n{}", file.path, String::from_utf8(file.new.clone()).unwrap())).collect();
    if shown != case.fixed.clone().unwrap_or_default() {
        return Some(format!("{}: fixes make\n{shown}", case.title));
    }
    // What was mended is found no more, and mending again changes nothing.
    let overlay: BTreeMap<String, Vec<u8>> = mended.into_iter().map(|file| (file.path, file.new)).collect();
    let left = look(&overlay).problems;
    assert!(left.iter().all(|problem| problem.fix.is_none()), "{}: is not mended at once", case.title);
    assert!(overlay.is_empty() || left.len() < case.expected.len(), "{}: what was mended is still found", case.title);
    None
}
