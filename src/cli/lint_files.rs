//! What `lint` looks at: the files and projects that a path stands for, read as they are needed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Failed;
use super::exit::Ending;
use super::lint_folder::Folder;
use crate::dockerfile::MAX_BYTES;
use crate::lint::files::{self, Kind};
use crate::workload::compose::{self, Variables};
use crate::workload::{Files, Workload, kubernetes, yaml};

/// A Dockerfile with its path for reports, and why it could not be read.
pub(super) type Read = (String, Result<Vec<u8>, String>);

/// Files with another content than on disk, by their path from the root.
pub(super) type Overlay = BTreeMap<String, Vec<u8>>;

/// What a path stands for.
#[derive(Default)]
pub(super) struct Found {
    pub(super) dockerfiles: Vec<Read>,
    pub(super) projects: Vec<Project>,
    /// What is around them, where a folder was named.
    pub(super) folder: Option<Folder>,
}

/// What is put over and into Compose files.
#[derive(Default)]
pub(super) struct ComposeOptions<'a> {
    pub(super) overrides: &'a [PathBuf],
    pub(super) env_files: &'a [PathBuf],
}

/// A Compose project or a file of manifests.
pub(super) struct Project {
    /// Path of its first file, for people.
    pub(super) path: String,
    base: Base,
    what: What,
}

enum What {
    Compose(compose::Project),
    Manifest(String),
}

impl Project {
    /// Reads it; the paths of its files are relative to its root.
    pub(super) fn load(&self, overlay: &Overlay) -> Result<Workload, String> {
        let tree = Tree::new(&self.base, overlay);
        match &self.what {
            What::Compose(project) => compose::load(project, &tree),
            What::Manifest(path) => kubernetes::load(path, &tree),
        }
        .map_err(|error| error.to_string())
    }

    /// Names the files of what was read as reports name them.
    pub(super) fn show(&self, mut workload: Workload) -> Workload {
        workload.files.iter_mut().for_each(|file| file.path = self.shown(&file.path).display().to_string());
        for build in workload.containers.iter_mut().filter_map(|container| container.build.as_mut()?.value.as_mut()) {
            build.dockerfile = build.dockerfile.take().map(|path| self.shown(&path).display().to_string());
        }
        workload
    }

    /// A path from the root as people name it.
    pub(super) fn shown(&self, path: &str) -> PathBuf {
        self.base.shown(path)
    }
}

/// A folder that was named, or that of a file that was, in what is looked at.
pub(super) struct Base {
    /// The folder that files do not leave: the checkout around it, else itself.
    pub(super) root: PathBuf,
    /// How that is named, for people.
    shown_root: PathBuf,
    /// It, and how it was named.
    top: (PathBuf, PathBuf),
}

impl Base {
    /// Of a folder as it was named; the empty path is the one that we run in.
    pub(super) fn of(top: &Path) -> std::io::Result<Self> {
        let is_bare = top.as_os_str().is_empty();
        let named = if is_bare { Path::new(".") } else { top };
        let real = named.canonicalize()?;
        // A project may use what stands beside it in the checkout.
        let root = real.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&real).to_owned();
        let up = real.strip_prefix(&root).map(|below| below.components().count()).unwrap_or_default();
        let shown_root = (0..up).fold(named.to_owned(), |folder, _| match folder.file_name() {
            Some(_) if folder != Path::new(".") => folder.parent().map(Path::to_owned).unwrap_or_default(),
            _ => folder.join(".."),
        });
        let shown_top = if is_bare { PathBuf::new() } else { top.to_owned() };
        Ok(Self { root, shown_root, top: (real, shown_top) })
    }

    /// It, without links.
    pub(super) fn real(&self) -> &Path {
        &self.top.0
    }

    /// A path in it as a path from the root, with `/`.
    pub(super) fn inner(&self, path: &str) -> String {
        let top = self.top.0.strip_prefix(&self.root).ok().and_then(Path::to_str).unwrap_or_default();
        [top, path].iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join("/")
    }

    /// A path from the root as people name it.
    pub(super) fn shown(&self, path: &str) -> PathBuf {
        let (real, shown) = &self.top;
        match self.root.join(path).strip_prefix(real) {
            Ok(below) => shown.join(below),
            Err(_) => self.shown_root.join(path),
        }
    }
}

/// The files below a folder, and nothing else, wherever links lead.
pub(super) struct Tree<'a> {
    root: &'a Path,
    overlay: &'a Overlay,
}

impl<'a> Tree<'a> {
    pub(super) fn new(base: &'a Base, overlay: &'a Overlay) -> Self {
        Self { root: &base.root, overlay }
    }
}

impl Files for Tree<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        if let Some(bytes) = self.overlay.get(path) {
            return Ok(bytes.clone());
        }
        let real = self.root.join(path).canonicalize().map_err(|error| error.to_string())?;
        if !real.starts_with(self.root) {
            return Err(format!("it leads out of `{}`", self.root.display()));
        }
        let opened = File::open(real).map_err(|error| error.to_string())?;
        if !opened.metadata().is_ok_and(|meta| meta.is_file()) {
            return Err("it is no file".to_owned());
        }
        bounded(opened, yaml::MAX_BYTES)
    }
}

/// What a path that a user named stands for.
///
/// # Errors
/// When there is nothing to look at, or it cannot be read.
pub(super) fn find(path: &Path, options: &ComposeOptions<'_>) -> Result<Found, Failed> {
    if path == Path::new("-") {
        let bytes = bounded(std::io::stdin().lock(), MAX_BYTES);
        return Ok(Found { dockerfiles: vec![("-".to_owned(), bytes)], ..Found::default() });
    }
    let meta = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    let mut found = Found::default();
    if meta.is_dir() {
        for file in files::find(path, |name| files::kind(name).is_some()).map_err(|error| unreadable(path, error))? {
            add(&mut found, &file, path, None)?;
        }
        let folder = Folder::read(path, found.dockerfiles.iter().map(|(path, _)| path.as_str()))?;
        if found.dockerfiles.is_empty() && found.projects.is_empty() && !folder.repository.is_root {
            let error = anyhow::anyhow!("there is nothing to look at in `{}`", path.display());
            return Err(Failed::new(Ending::Source, error).hint(
                "Dockerfiles, Compose files and Kubernetes manifests are looked for; name a file that is called otherwise",
            ));
        }
        found.folder = Some(folder);
    } else {
        add(&mut found, path, path.parent().unwrap_or(Path::new("")), Some(options))?;
    }
    Ok(found)
}

/// Adds a file as what it is. In a folder, files that are YAML and nothing that is started are passed over.
fn add(found: &mut Found, path: &Path, top: &Path, named: Option<&ComposeOptions<'_>>) -> Result<(), Failed> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let read = |limit| File::open(path).map_err(|error| error.to_string()).and_then(|file| bounded(file, limit));
    let kind = match files::kind(&name) {
        Some(Kind::Compose) => Kind::Compose,
        Some(Kind::Yaml) => match told_by_content(read(yaml::MAX_BYTES), named.is_some()) {
            Some(kind) => kind,
            None if named.is_none() => return Ok(()),
            None => {
                let error = anyhow::anyhow!("`{}` is neither a Compose file nor a Kubernetes manifest", path.display());
                return Err(Failed::new(Ending::Usage, error)
                    .hint("a Compose file has `services`, a manifest `apiVersion` and `kind`"));
            }
        },
        Some(Kind::Dockerfile) | None => Kind::Dockerfile,
    };
    if kind == Kind::Dockerfile {
        found.dockerfiles.push((path.display().to_string(), read(MAX_BYTES)));
    } else if named.is_some() || !is_put_over(path, &name) {
        found.projects.push(project(path, top, kind, named.unwrap_or(&ComposeOptions::default()))?);
    }
    Ok(())
}

/// What a YAML file is; that it cannot be read is told where it was named.
fn told_by_content(bytes: Result<Vec<u8>, String>, is_named: bool) -> Option<Kind> {
    // Most files of a folder are neither, and need no reading.
    let has = |word: &str| bytes.as_ref().is_ok_and(|bytes| memchr::memmem::find(bytes, word.as_bytes()).is_some());
    let may_be_one = has("services") || (has("apiVersion") && has("kind"));
    if !is_named && !may_be_one {
        return None;
    }
    let documents = match bytes.map(|bytes| yaml::parse(&bytes, 0)) {
        Ok(Ok(parsed)) => parsed.documents,
        // Templates and the like in a folder.
        _ => return is_named.then_some(Kind::Compose),
    };
    if kubernetes::is_manifest(&documents) {
        return Some(Kind::Yaml);
    }
    // Other services have lists of that name (`.travis.yml`).
    let is_table = |services: &yaml::Node| !services.entries().is_empty() || is_named;
    documents.iter().filter_map(|document| document.get("services")).any(is_table).then_some(Kind::Compose)
}

/// Whether Compose puts a file over another one beside it, which is looked at with that.
fn is_put_over(path: &Path, name: &str) -> bool {
    let is_over = |base: &&str| compose::overrides_of(base).iter().any(|other| other == name);
    compose::NAMES.iter().filter(|base| is_over(base)).any(|base| path.with_file_name(base).is_file())
}

fn project(path: &Path, top: &Path, kind: Kind, options: &ComposeOptions<'_>) -> Result<Project, Failed> {
    let base = Base::of(top).map_err(|error| unreadable(path, error))?;
    let real = |path: &Path| path.canonicalize().map_err(|error| unreadable(path, error));
    let relative = |file: &Path| -> Result<String, Failed> {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = file.file_name().unwrap_or_default();
        let outside = || {
            let error = anyhow::anyhow!("`{}` is not below `{}`", file.display(), base.root.display());
            Failed::new(Ending::Usage, error).hint("name files of one project and checkout")
        };
        let real = real(folder)?.join(name);
        real.strip_prefix(&base.root).ok().and_then(Path::to_str).map(str::to_owned).ok_or_else(outside)
    };
    let first = relative(path)?;
    let what = match kind {
        Kind::Yaml => What::Manifest(first),
        Kind::Compose | Kind::Dockerfile => {
            let mut files = vec![first];
            let beside =
                path.file_name().map(|name| compose::overrides_of(&name.to_string_lossy())).unwrap_or_default();
            let beside = beside.iter().map(|name| path.with_file_name(name)).filter(|path| path.is_file());
            for file in beside.chain(options.overrides.iter().cloned()) {
                files.push(relative(&file)?);
            }
            let env_files = options.env_files.iter().map(|file| relative(file)).collect::<Result<_, _>>()?;
            What::Compose(compose::Project { files, env_files, variables: Variables::new() })
        }
    };
    Ok(Project { path: path.display().to_string(), base, what })
}

pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Failed {
    let error = anyhow::Error::new(error).context(format!("`{}` could not be read", path.display()));
    Failed::new(Ending::Source, error)
        .hint("name a Dockerfile, a Compose file, a manifest, or a folder with them in it")
}

/// One byte more than is read, so that the reader of the file sees that it is too large.
fn bounded(input: impl std::io::Read, limit: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    input.take(limit as u64 + 1).read_to_end(&mut bytes).map(|_| bytes).map_err(|error| error.to_string())
}
