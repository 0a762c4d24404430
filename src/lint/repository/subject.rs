//! What a rule about repositories looks at.

use std::cell::RefCell;
use std::ops::Range;

use super::context::{self, Context};
use super::dockerignore;
use super::listing::{Entry, Kind, Listing};
use super::tracking::Tracking;
use crate::dockerfile::{Dockerfile, Keyword};
use crate::facts::Confidence;
use crate::lint::{Edit, Problem, Problems, Surroundings, secrets};
use crate::secret::{Scanner, Scratch};
use crate::workload::{Files, compose};

/// Most manifests that are compared with what is copied.
const MAX_MANIFESTS: usize = 1000;

/// A folder that was named, as far as it is known before its files are read.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// Its path from the root of what is looked at; empty where it is that root.
    pub folder: String,
    /// It is the root of a checkout, or looks like one: what a repository must have is looked for there.
    pub is_root: bool,
    /// Its files.
    pub listing: Listing,
    /// What git keeps of them.
    pub tracking: Tracking,
    /// What Compose files build.
    pub builds: Vec<Build>,
    /// It has Compose files or manifests that start containers.
    pub starts_images: bool,
}

/// A build, with paths from the root of what is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// The folder that is sent to the builder.
    pub context: String,
    /// The Dockerfile.
    pub dockerfile: String,
}

impl Repository {
    /// A path in it from the root of what is looked at.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder) }
    }
}

/// A repository with its build files.
pub struct Subject<'a> {
    /// The folder.
    pub repository: &'a Repository,
    /// Its Dockerfiles by their paths.
    pub dockerfiles: &'a [(String, Dockerfile)],
    /// What is sent to the builder, and what of it is copied.
    pub contexts: Vec<Context<'a>>,
    /// Why there are no contexts, if there should be.
    pub unread: Option<(String, String)>,
    from: &'a dyn Files,
    /// The files that problems name, in the order in which they came.
    named: RefCell<Vec<String>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        repository: &'a Repository,
        dockerfiles: &'a [(String, Dockerfile)],
        from: &'a dyn Files,
        around: Surroundings<'a>,
    ) -> Self {
        let (contexts, unread) = match context::contexts(repository, dockerfiles, from, around) {
            Ok(contexts) => (contexts, None),
            Err(error) => (Vec::new(), Some((repository.folder.clone(), error.to_string()))),
        };
        Self { repository, dockerfiles, contexts, unread, from, named: RefCell::default() }
    }

    /// A file's content; of one that is very long only its beginning.
    pub(super) fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.from.read(path).ok()
    }

    /// A file's content as text.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A file's content as text whose places are those of the file; none of what is no UTF-8.
    pub(super) fn exact_text(&self, path: &str) -> Option<String> {
        String::from_utf8(self.read(path)?).ok()
    }

    /// The first of these files that is there.
    pub(super) fn first_of(&self, names: &[&str]) -> Option<String> {
        names.iter().map(|name| self.repository.path(name)).find(|path| self.repository.listing.has_file(path))
    }

    /// Whether git is to keep a file out, by the repository's own word.
    pub(super) fn is_ignored(&self, path: &str) -> bool {
        super::tracking::is_ignored(path, self.from)
    }

    /// States a problem at a place of a file, which need not be there.
    pub(super) fn state<'p>(
        &self,
        problems: &'p mut Problems,
        path: &str,
        span: Range<usize>,
        what: impl std::fmt::Display,
        message: impl std::fmt::Display,
    ) -> &'p mut Problem {
        let mut named = self.named.borrow_mut();
        let file = named.iter().position(|known| known == path).unwrap_or_else(|| {
            named.push(path.to_owned());
            named.len() - 1
        });
        let problem = problems.add(&span, what.to_string(), message.to_string());
        problem.file = file;
        problem
    }

    /// Lines put at the end of a file, which is made where there is none; nothing where it is there and cannot be read, as a link out of the folder cannot.
    pub(super) fn append<'l>(&self, path: &str, lines: impl IntoIterator<Item = &'l str>) -> Option<Vec<Edit>> {
        let bytes = match self.read(path) {
            // Of a longer one only the beginning was read.
            Some(bytes) if bytes.len() > dockerignore::MAX_BYTES => return None,
            Some(bytes) => bytes,
            None if self.repository.listing.entries.contains_key(path) => return None,
            None => Vec::new(),
        };
        let is_open = bytes.last().is_some_and(|last| *last != b'\n');
        let end = is_open.then(|| Edit::insert(bytes.len(), "\n"));
        let lines = lines.into_iter().map(|line| Edit::insert(bytes.len(), format!("{line}\n")));
        Some(end.into_iter().chain(lines).collect())
    }

    /// A line more for an ignore file that leaves a path out; none where the path cannot be written as a pattern, or the file cannot be read.
    pub(super) fn leave_out(&self, ignore_path: &str, path: &str) -> Option<Vec<Edit>> {
        let is_pattern =
            path.contains(['?', '[', '\\', '\n', '\r']) || path.starts_with(['#', '!', ' ']) || path.ends_with(' ');
        let is_broken = self
            .contexts
            .iter()
            .any(|context| context.ignore_path == ignore_path && matches!(context.ignore, Some(Err(_))));
        let line = if path.rsplit('/').next() == Some(".env") { "**/.env" } else { path };
        if is_pattern || is_broken { None } else { self.append(ignore_path, [line]) }
    }

    /// The files that are `.env`, or one of it for an environment, and no example or test.
    pub(super) fn env_files(&self) -> impl Iterator<Item = (&'a str, Entry)> {
        let entries = self.repository.listing.below(&self.repository.folder);
        entries.filter(|(path, entry)| {
            entry.kind == Kind::File && secrets::is_env_file(path) && !self.is_illustrative(path)
        })
    }

    /// Whether a file is there to show or to test something.
    pub(super) fn is_illustrative(&self, path: &str) -> bool {
        crate::secret::is_illustrative(path.as_bytes())
    }

    /// Whether a Dockerfile runs git, or a tool that asks it for the version.
    pub(super) fn calls_git(&self, dockerfile: usize) -> bool {
        let Some((_, file)) = self.dockerfiles.get(dockerfile) else { return false };
        let runs = file.instructions.iter().filter(|instruction| instruction.keyword == Keyword::Run);
        let texts = runs.map(|instruction| file.source.get(&instruction.span));
        texts.into_iter().any(|text| {
            text.split(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '(' | '`'))
                .any(|word| matches!(word, "git" | "go" | "make" | "goreleaser" | "setuptools_scm" | "setuptools-scm"))
        })
    }

    /// Whether a file that is named like one with secrets has some, and how sure that is. Of those that also hold settings the content tells.
    pub(super) fn holds_secrets(&self, path: &str) -> Option<Confidence> {
        const SETTINGS: &[&str] = &[".npmrc", ".pypirc", "credentials.json", "kubeconfig"];
        let name = path.rsplit('/').next().unwrap_or_default();
        let bytes = self.read(path)?;
        let mut scratch = Scratch::default();
        let mut scan = Scanner::in_use().scan(&mut scratch);
        scan.begin(path.as_bytes(), bytes.len() as u64);
        scan.feed(&bytes);
        let found = scan.finish();
        match found.iter().map(|fact| fact.confidence).max() {
            Some(confidence) => Some(confidence),
            None if SETTINGS.contains(&name) || bytes.is_empty() => None,
            None if secrets::is_env_file(path) && self.secrets_of(path).is_empty() => Some(Confidence::Low),
            None => Some(Confidence::Medium),
        }
    }

    /// The variables of an environment file whose values may be secrets.
    pub(super) fn secrets_of(&self, path: &str) -> Vec<String> {
        let mut variables = compose::Variables::new();
        compose::read_variables(&self.read(path).unwrap_or_default(), &mut variables);
        let is_secret = |(name, value): &(String, String)| {
            secrets::is_set_secret(name, value) || !Scanner::in_use().scan_variable(name, value).is_empty()
        };
        variables.into_iter().filter(is_secret).map(|(name, _)| name).collect()
    }

    /// Whether a file is a private key.
    pub(super) fn is_private_key(&self, path: &str) -> bool {
        let bytes = self.read(path).unwrap_or_default();
        ["PRIVATE KEY-----", "PuTTY-User-Key-File"]
            .iter()
            .any(|text| memchr::memmem::find(&bytes, text.as_bytes()).is_some())
    }

    /// Whether the repository builds or starts images.
    pub(super) fn has_images(&self) -> bool {
        self.repository.starts_images || self.dockerfiles.iter().any(|(path, _)| !self.is_illustrative(path))
    }

    /// Manifests that are copied by name or with the folder that they are in, each with what copies it, where its Dockerfile has one of these words.
    pub(super) fn built_manifests(&self, words: impl Fn(&str) -> Option<Vec<&str>>) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = Vec::new();
        let files = self.repository.listing.entries.iter().filter(|(_, entry)| entry.kind == Kind::File);
        let named: Vec<(&String, Vec<&str>)> = files.filter_map(|(path, _)| Some((path, words(path)?))).collect();
        for context in &self.contexts {
            for (path, words) in named.iter().take(MAX_MANIFESTS) {
                let Some(inner) = context.inner(path).filter(|_| !found.iter().any(|(known, _)| known == *path)) else {
                    continue;
                };
                let Some(copied) = context.copies.iter().find(|copied| copied.takes_directly(inner)) else { continue };
                let text = self.dockerfiles.get(copied.dockerfile).map_or("", |(_, file)| file.source.text());
                if words.iter().any(|word| text.contains(word)) && !context.leaves_out(path) {
                    found.push(((*path).clone(), copied.at.clone()));
                }
            }
        }
        found
    }

    /// The files that problems name.
    pub(super) fn named(&self) -> Vec<String> {
        self.named.borrow().clone()
    }
}
