//! What a build is sent, and what of it goes into the image.
//!
//! Sources: Docker documentation, "Build context"; Dockerfile reference, `COPY` and `ADD`. BuildKit asks for what is copied and nothing else; older builders are sent all.

use std::collections::BTreeMap;

use super::dockerignore::{IgnoreError, IgnoreFile, Pattern, clean};
use super::listing::{Entry, HISTORIES, Kind, REMADE};
use super::subject::Repository;
use crate::dockerfile::{Dockerfile, Instruction, Keyword};
use crate::lint::Surroundings;
use crate::lint::dockerfile::Subject as File;
use crate::lint::secrets;
use crate::workload::{Files, folder_of};

impl Class {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Key => "key or certificate",
            Self::History => "history of the repository",
            Self::Remade => "made anew by the build",
            Self::Dump => "data",
            Self::Log => "log",
        }
    }
}

/// Most comparisons of paths with patterns, over all contexts; a real repository has some thousand.
const MAX_STEPS: usize = 20_000_000;

/// The paths and patterns of the contexts are more than are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the build contexts have too many files and patterns to compare; name a folder below")]
pub struct TooMuch;

/// A folder that builds are sent, with what they take of it.
#[derive(Debug)]
pub struct Context<'a> {
    /// Its path from the root of what is looked at.
    pub folder: String,
    /// The file that says what stays out; it need not be there.
    pub ignore_path: String,
    /// What it says; none where it is not there.
    pub ignore: Option<Result<IgnoreFile, IgnoreError>>,
    /// What is copied.
    pub copies: Vec<Copied<'a>>,
    /// Its Dockerfiles, by their numbers.
    pub dockerfiles: Vec<usize>,
    /// What is copied and should not be in an image: path from the root, what it is, and the number of what copies it.
    pub notable: Vec<(String, Class, usize)>,
}

/// A source of `COPY` or `ADD`.
#[derive(Debug)]
pub struct Copied<'a> {
    /// The number of its Dockerfile.
    pub dockerfile: usize,
    /// Path and line, for people.
    pub at: String,
    /// The source as it is written.
    pub source: &'a str,
    /// It is all of the context.
    pub is_all: bool,
    /// Its stage becomes an image.
    pub is_shipped: bool,
    pattern: Pattern,
    /// `--exclude`.
    excluded: Vec<Pattern>,
}

/// Something of a context that should not be in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Its name says that it holds secrets.
    Secret,
    /// A key or certificate, as its content tells.
    Key,
    /// `.git` and the like.
    History,
    /// What a tool makes anew in the image.
    Remade,
    /// A copy of a database, as its content may tell.
    Dump,
    /// A log.
    Log,
}

/// Files that a project has in its folder.
const PROJECTS: &[&str] = &[
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pyproject.toml",
    "setup.py",
    "requirements.txt",
    "Pipfile",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "Gemfile",
    "composer.json",
    "mix.exs",
    "CMakeLists.txt",
    "Makefile",
];

/// What an entry is by its name.
#[must_use]
pub fn classify(path: &str, entry: Entry) -> Option<Class> {
    let name = path.rsplit('/').next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match entry.kind {
        Kind::Folder if HISTORIES.contains(&name) => Some(Class::History),
        Kind::Folder => REMADE.contains(&name).then_some(Class::Remade),
        Kind::Link => None,
        Kind::File if secrets::holds_secrets(path) => Some(Class::Secret),
        Kind::File => match extension {
            "pem" | "key" | "ppk" => Some(Class::Key),
            "sql" | "dump" | "rdb" | "pgdump" | "bak" => Some(Class::Dump).filter(|_| entry.bytes > 0),
            "log" => Some(Class::Log).filter(|_| entry.bytes > 0),
            _ => None,
        },
    }
}

impl Context<'_> {
    /// A path as the builder names it.
    #[must_use]
    pub fn inner<'p>(&self, path: &'p str) -> Option<&'p str> {
        if self.folder.is_empty() { Some(path) } else { path.strip_prefix(&self.folder)?.strip_prefix('/') }
    }

    /// Whether a path of the root is left out.
    #[must_use]
    pub fn leaves_out(&self, path: &str) -> bool {
        let Some(inner) = self.inner(path) else { return true };
        matches!(&self.ignore, Some(Ok(ignore)) if ignore.excludes(inner))
    }

    /// The number of what copies a path into an image: into one that is shipped, where there is such.
    #[must_use]
    pub fn copies(&self, path: &str) -> Option<usize> {
        let inner = self.inner(path)?;
        let takes = |copied: &Copied<'_>| copied.takes(inner);
        let shipped = self.copies.iter().position(|copied| copied.is_shipped && takes(copied));
        shipped.or_else(|| self.copies.iter().position(takes)).filter(|_| !self.leaves_out(path))
    }

    /// What is copied and should not be in an image, with what copies it.
    pub fn copied(&self) -> impl Iterator<Item = (&str, Class, &Copied<'_>)> {
        self.notable.iter().filter_map(|(path, class, copied)| Some((path.as_str(), *class, self.copies.get(*copied)?)))
    }

    /// How many comparisons one path costs at most.
    fn cost(&self) -> usize {
        let patterns = match &self.ignore {
            Some(Ok(ignore)) => ignore.len(),
            _ => 0,
        };
        1 + patterns + self.copies.len()
    }
}

impl Copied<'_> {
    /// Whether a path of the context goes along.
    fn takes(&self, inner: &str) -> bool {
        let is_excluded = || self.excluded.iter().any(|pattern| pattern.covers(inner));
        (self.is_all || self.pattern.covers(inner)) && !is_excluded()
    }

    /// Whether a file goes along by its name, or with the folder that it is in and not one above.
    #[must_use]
    pub fn takes_directly(&self, inner: &str) -> bool {
        let folder = folder_of(inner);
        let is_in_folder =
            if self.is_all { folder.is_empty() } else { clean(self.source).trim_start_matches('/') == folder };
        self.takes(inner) && (is_in_folder || self.pattern.matches(inner))
    }

    /// Whether it names that very file.
    #[must_use]
    pub fn names(&self, inner: &str) -> bool {
        clean(self.source).trim_start_matches('/') == inner
    }
}

/// The contexts of Dockerfiles: those that Compose files name, else the folder in which the sources of a Dockerfile are.
///
/// # Errors
/// When there is more to compare than is compared.
pub fn contexts<'a>(
    repository: &Repository,
    dockerfiles: &'a [(String, Dockerfile)],
    from: &dyn Files,
    around: Surroundings<'a>,
) -> Result<Vec<Context<'a>>, TooMuch> {
    let mut contexts: BTreeMap<(String, String), Context<'a>> = BTreeMap::new();
    for (number, (path, file)) in dockerfiles.iter().enumerate() {
        let named = repository.builds.iter().filter(|build| build.dockerfile == *path);
        let mut folders: Vec<String> = named.map(|build| build.context.clone()).collect();
        if folders.is_empty() {
            folders.extend(guess(repository, path, file, from));
        }
        for folder in folders {
            let ignore_path = ignore_path(path, &folder, from);
            let context = contexts.entry((folder.clone(), ignore_path.clone())).or_insert_with(|| Context {
                folder,
                ignore: from.read(&ignore_path).ok().map(|bytes| IgnoreFile::parse(&bytes)),
                ignore_path,
                copies: Vec::new(),
                dockerfiles: Vec::new(),
                notable: Vec::new(),
            });
            context.dockerfiles.push(number);
            context.copies.extend(copies(number, path, file, around));
        }
    }
    let mut contexts: Vec<Context<'a>> = contexts.into_values().collect();
    note(&mut contexts, repository)?;
    Ok(contexts)
}

/// Fills in what is copied and should not be.
fn note(contexts: &mut [Context<'_>], repository: &Repository) -> Result<(), TooMuch> {
    let all = repository.listing.entries.iter();
    let notable: Vec<(&str, Class)> =
        all.filter_map(|(path, entry)| Some((path.as_str(), classify(path, *entry)?))).collect();
    let mut steps = 0_usize;
    for context in contexts {
        steps = steps.saturating_add(notable.len().saturating_mul(context.cost()));
        if steps > MAX_STEPS {
            return Err(TooMuch);
        }
        let copied = |(path, class): &(&str, Class)| Some(((*path).to_owned(), *class, context.copies(path)?));
        context.notable = notable.iter().filter_map(copied).collect();
    }
    Ok(())
}

/// The file that says what stays out: the Dockerfile's own, Podman's for its Containerfiles, else the context's.
fn ignore_path(dockerfile: &str, context: &str, from: &dyn Files) -> String {
    let in_context = |name: &str| if context.is_empty() { name.to_owned() } else { format!("{context}/{name}") };
    let own = format!("{dockerfile}.dockerignore");
    let is_podmans = dockerfile.rsplit('/').next().is_some_and(|name| name.starts_with("Containerfile"));
    let podmans = is_podmans.then(|| in_context(".containerignore"));
    let is_there = |path: &String| from.read(path).is_ok();
    [own].into_iter().chain(podmans).find(is_there).unwrap_or_else(|| in_context(".dockerignore"))
}

/// The folder that a Dockerfile is likely built with: the nearest above it that has what it copies by name; with nothing named, the nearest that has an ignore file or begins a project. None
/// where nothing tells.
fn guess(repository: &Repository, path: &str, file: &Dockerfile, from: &dyn Files) -> Option<String> {
    let own = folder_of(path);
    let is_within = |folder: &&str| {
        let top = repository.folder.as_str();
        top.is_empty() || *folder == top || folder.strip_prefix(top).is_some_and(|rest| rest.starts_with('/'))
    };
    let above = std::iter::successors(Some(own), |folder| (!folder.is_empty()).then(|| folder_of(folder)));
    let folders: Vec<&str> = above.filter(is_within).collect();
    let inside =
        |folder: &str, inner: &str| if folder.is_empty() { inner.to_owned() } else { format!("{folder}/{inner}") };
    let sources: Vec<String> =
        local_sources(file).map(|(_, _, source)| clean(source).trim_start_matches('/').to_owned()).collect();
    let named: Vec<&String> =
        sources.iter().filter(|source| *source != "." && !source.contains(['*', '?', '['])).collect();
    if !named.is_empty() {
        let has_all = |folder: &&str| named.iter().all(|source| repository.listing.has(&inside(folder, source)));
        return folders.into_iter().find(has_all).map(str::to_owned);
    }
    if sources.is_empty() {
        return None;
    }
    // All of it is copied, wherever it is: an ignore file tells, or what a project begins with.
    let has_ignore = |folder: &str| from.read(&inside(folder, ".dockerignore")).is_ok();
    let has_project = |folder: &str| PROJECTS.iter().any(|name| repository.listing.has_file(&inside(folder, name)));
    let is_context = |folder: &&str| has_ignore(folder) || has_project(folder) || *folder == repository.folder;
    let nearest = folders.into_iter().find(is_context);
    // A Dockerfile far from the root may be built with any folder above it.
    nearest
        .filter(|folder| *folder != repository.folder || *folder == own || has_ignore(folder) || has_project(folder))
        .map(str::to_owned)
}

/// What is copied of the context, with the number of the instruction; a source that depends on an argument is not known.
fn local_sources(file: &Dockerfile) -> impl Iterator<Item = (usize, &Instruction, &str)> {
    let all = file.instructions.iter().enumerate();
    let all = all.flat_map(|(index, outer)| outer.with_triggers().map(move |inner| (index, inner)));
    let copies = all.filter(|(_, instruction)| {
        matches!(instruction.keyword, Keyword::Copy | Keyword::Add) && instruction.flag("from").is_none()
    });
    copies.flat_map(|(index, instruction)| {
        let sources = instruction.words().split_last().map_or(&[][..], |(_, sources)| sources);
        let sources = sources.iter().map(|source| source.text.trim_matches(['"', '\'']));
        let is_file = |source: &&str| {
            !source.is_empty() && !source.contains("://") && !source.starts_with("<<") && !source.starts_with("git@")
        };
        sources.filter(is_file).filter(|source| !source.contains('$')).map(move |source| (index, instruction, source))
    })
}

fn copies<'a>(
    number: usize,
    path: &str,
    file: &'a Dockerfile,
    around: Surroundings<'a>,
) -> impl Iterator<Item = Copied<'a>> + use<'a> {
    let path = path.to_owned();
    let subject = File { file, around, runs: Vec::new() };
    local_sources(file).filter_map(move |(index, instruction, source)| {
        let plain = clean(source);
        let excluded = instruction.flags.iter().filter(|flag| flag.name == "exclude");
        let excluded = excluded.filter_map(|flag| Pattern::compile(flag.value.as_deref()?)).collect();
        Some(Copied {
            dockerfile: number,
            at: format!("{path}:{}", file.source.place(instruction.span.start).line),
            source,
            is_all: matches!(plain.as_str(), "." | "/" | "*"),
            is_shipped: file.stage_of(index).is_some_and(|stage| subject.is_shipped(stage)),
            pattern: Pattern::compile(&plain)?,
            excluded,
        })
    })
}
