//! References to opened images.

use std::cell::OnceCell;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Network, Reading, Target};
use super::exit::Ending;
use super::{Failed, list};
use crate::digest::Digest;
use crate::net::Settings;
use crate::reference::{Choice, ImageName, Reference};
use crate::source::archive::{self, Format};
use crate::source::layout::{self, LayoutRepository, Selection};
use crate::source::registry::Registry;
use crate::source::repository::{At, Repository};
use crate::source::{Image, PlatformChoice, SourceError, daemon, rootfs, sbom, storage};

/// Largest file of references, in bytes; a list of ten thousand images has fewer.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// References of the command line and of `--from`, in order and without repetition.
pub(super) fn references(target: &Target) -> Result<Vec<(String, Reference)>, Failed> {
    let mut texts = target.references.clone();
    if let Some(from) = &target.from {
        texts.extend(named_in(from)?);
    }
    let mut references = Vec::new();
    for text in texts {
        let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
        if !references.iter().any(|(known, _)| *known == text) {
            references.push((text, reference));
        }
    }
    check_source(&target.reading, &references)?;
    if references.is_empty() {
        let error = anyhow::anyhow!("no image is named");
        return Err(Failed::new(Ending::Usage, error)
            .hint("name one, such as registry.example/app:tag or oci:DIR; see `imgguard scan --help`"));
    }
    Ok(references)
}

/// Refuses `--source` for what is no folder.
pub(super) fn check_source(reading: &Reading, references: &[(String, Reference)]) -> Result<(), Failed> {
    match references.iter().find(|(_, reference)| reading.source && !is_folder(reference)) {
        Some((text, _)) => {
            let error = anyhow::anyhow!("--source is for folders of sources, and `{text}` is an image");
            Err(Failed::new(Ending::Usage, error)
                .hint("scan the checkout as `dir:PATH --source`, and the image without --source"))
        }
        None => Ok(()),
    }
}

/// Whether it names a folder and no image.
pub(super) fn is_folder(reference: &Reference) -> bool {
    matches!(reference, Reference::Directory(_))
}

/// The images that a file names.
fn named_in(from: &Path) -> Result<Vec<String>, Failed> {
    let failed = |error: anyhow::Error| {
        let context = format!("the images of `{}` could not be read", from.display());
        Failed::new(Ending::Usage, error.context(context))
            .hint("--from takes a list, one image a line, a compose file, `docker buildx bake --print`, or Kubernetes manifests")
    };
    let mut text = String::new();
    let read = if from == Path::new("-") {
        std::io::stdin().take(MAX_LIST_BYTES + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(from).and_then(|file| file.take(MAX_LIST_BYTES + 1).read_to_string(&mut text))
    };
    let length = read.map_err(|error| failed(error.into()))?;
    if length as u64 > MAX_LIST_BYTES {
        return Err(failed(anyhow::anyhow!("it has more than {MAX_LIST_BYTES} bytes")));
    }
    list::images(&text).map_err(|error| failed(error.into()))
}

/// What opening needs besides the reference.
pub(super) struct Opener<'a> {
    /// Platforms asked for.
    choice: &'a PlatformChoice,
    /// No network.
    offline: bool,
    /// Whether a bare name may be one of a local engine.
    guess: bool,
    /// What is attached to an image in a registry is read, too.
    attached: bool,
    network: &'a Network,
    /// Started by the first reference that needs it; the others share its connections and tokens.
    registry: OnceCell<Registry>,
}

impl<'a> Opener<'a> {
    /// For the images of one run. `guess` allows a bare name to be one of a local engine.
    pub(super) fn new(reading: &'a Reading, guess: bool) -> Self {
        let (choice, offline, network) = (&reading.platform, reading.offline, &reading.network);
        Self { choice, offline, guess, attached: false, network, registry: OnceCell::new() }
    }

    /// With the statements that are attached to images in registries.
    pub(super) fn with_attached(self) -> Self {
        Self { attached: true, ..self }
    }

    /// Opens one image: finds its manifests; the layers are read later.
    pub(super) fn open(&self, text: &str, reference: &Reference) -> Result<Image, SourceError> {
        let variables = |name: &str| std::env::var(name).ok();
        match reference {
            Reference::Layout(path, choice) => layout::open(path, &selection(choice), self.choice, text),
            Reference::OciArchive(path, choice) => {
                archive::open_file(path, Format::Oci, &selection(choice), self.choice, text)
            }
            Reference::DockerArchive(path, choice) => {
                archive::open_file(path, Format::Docker, &selection(choice), self.choice, text)
            }
            Reference::StandardInput => archive::open_stdin(&Selection::Only, self.choice, text),
            Reference::Directory(path) => rootfs::open(path, text),
            Reference::Sbom(path) => sbom::open(path, self.choice, text),
            Reference::DockerDaemon(name) => daemon::open(name, self.choice, text, self.offline, &variables),
            Reference::ContainersStorage(name) => storage::open(name, self.choice, text, &variables),
            Reference::Registry { name, bare } => self.open_name(text, name, *bare && self.guess),
        }
    }

    /// A bare name is tried in the local engines first, then in the registry.
    fn open_name(&self, text: &str, name: &ImageName, guess: bool) -> Result<Image, SourceError> {
        let variables = |name: &str| std::env::var(name).ok();
        if guess {
            let local = text.strip_prefix("docker://").unwrap_or(text);
            match daemon::open(local, self.choice, text, self.offline, &variables) {
                Err(SourceError::NotFound { .. } | SourceError::Unreachable { .. } | SourceError::Offline(_)) => {}
                other => return other,
            }
            match storage::open(local, self.choice, text, &variables) {
                Err(SourceError::NotFound { .. } | SourceError::Io { .. }) => {}
                other => return other,
            }
        }
        if self.offline {
            return Err(SourceError::Offline(text.to_owned()));
        }
        let registry = self.registry()?;
        if self.attached {
            registry.open_with_attached(name, self.choice, text)
        } else {
            registry.open(name, self.choice, text)
        }
    }

    fn registry(&self) -> Result<&Registry, SourceError> {
        if let Some(registry) = self.registry.get() {
            return Ok(registry);
        }
        let registry = start(self.network)?;
        Ok(self.registry.get_or_init(|| registry))
    }
}

/// What the user says of the network.
pub(super) fn settings(network: &Network) -> Settings {
    Settings {
        timeout: network.timeout.map(Duration::from_secs),
        ca_files: network.ca.clone(),
        plain_http: network.plain_http.clone(),
        insecure_tls: network.insecure_tls.clone(),
        ..Settings::default()
    }
}

pub(super) fn start(network: &Network) -> Result<Registry, SourceError> {
    Registry::new(settings(network), &|name| std::env::var(name).ok())
}

/// A repository and what is meant in it.
pub(super) struct Opened {
    pub(super) repository: Arc<dyn Repository>,
    root: Root,
    /// Keeps the connections.
    _registry: Option<Registry>,
}

enum Root {
    Tag(String),
    Digest(Digest),
}

/// A repository of a registry, with what a name means there.
fn in_registry(registry: Registry, name: &ImageName, write: bool) -> Result<Opened, SourceError> {
    let repository = Arc::new(if write { registry.writable_repository(name, &[]) } else { registry.repository(name) }?);
    let tag = || Root::Tag(name.tag.clone().unwrap_or_else(|| LATEST.into()));
    let root = name.digest.clone().map_or_else(tag, Root::Digest);
    Ok(Opened { repository, root, _registry: Some(registry) })
}

impl Opened {
    /// Where the image is.
    pub(super) fn root(&self) -> At<'_> {
        match &self.root {
            Root::Tag(tag) => At::Tag(tag),
            Root::Digest(digest) => At::Digest(digest),
        }
    }
}

/// The tag where none is named.
const LATEST: &str = "latest";

/// Opens the repository that an image is in; a name without transport is one of a registry, never of a local engine.
pub(super) fn repository(text: &str, offline: bool, network: &Network, write: bool) -> Result<Opened, Failed> {
    let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
    let is_remote = matches!(reference, Reference::Registry { .. });
    let failed = |error| failed(error, is_remote, |error| error.context(format!("`{text}` could not be opened")));
    match reference {
        Reference::Registry { .. } if offline => Err(failed(SourceError::Offline(text.to_owned()))),
        Reference::Registry { name, .. } => {
            let registry = start(network).map_err(failed)?;
            in_registry(registry, &name, write).map_err(failed)
        }
        Reference::Layout(path, choice) => {
            let image = layout::open(&path, &selection(&choice), &PlatformChoice::All, text).map_err(failed)?;
            let missing = || SourceError::NotFound { what: "an image with a digest".into(), place: text.to_owned() };
            let root = Root::Digest(image.digest.ok_or_else(missing).map_err(failed)?);
            let repository = Arc::new(LayoutRepository::open(&path).map_err(failed)?);
            Ok(Opened { repository, root, _registry: None })
        }
        _ => {
            let error = anyhow::anyhow!("`{text}` cannot hold signatures");
            Err(Failed::new(Ending::Usage, error)
                .hint("name an image in a registry, or an OCI layout (oci:DIR); `skopeo copy` makes one of an archive"))
        }
    }
}

/// Opens the repository that something is copied to, and the tag there. A layout is made where there is none; blobs are taken over from those `sources` that are in the same registry.
pub(super) fn destination(
    text: &str,
    sources: &[&str],
    network: &Network,
) -> Result<(Arc<dyn Repository>, String), Failed> {
    let parse = |text: &str| text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error));
    let usage =
        |detail: &str, hint: &'static str| Failed::new(Ending::Usage, anyhow::anyhow!("`{text}` {detail}")).hint(hint);
    let no_tag = || usage("names a digest, and what is written gets its own", "name a tag instead");
    let reference = parse(text)?;
    let is_remote = matches!(reference, Reference::Registry { .. });
    let failed = |error| failed(error, is_remote, |error| error.context(format!("`{text}` could not be opened")));
    match reference {
        Reference::Registry { name: ImageName { digest: Some(_), .. }, .. }
        | Reference::Layout(_, Choice::Digest(_)) => Err(no_tag()),
        Reference::Registry { name, .. } => {
            let sources = sources.iter().map(|source| parse(source)).collect::<Result<Vec<_>, _>>()?;
            let from = sources.into_iter().filter_map(|source| match source {
                Reference::Registry { name, .. } => Some(name),
                _ => None,
            });
            let from: Vec<ImageName> = from.collect();
            let repository = start(network).and_then(|registry| registry.writable_repository(&name, &from));
            let tag = name.tag.unwrap_or_else(|| LATEST.into());
            Ok((Arc::new(repository.map_err(failed)?), tag))
        }
        Reference::Layout(path, choice) => {
            let tag = if let Choice::Name(name) = choice { name } else { LATEST.into() };
            Ok((Arc::new(LayoutRepository::create(&path).map_err(failed)?), tag))
        }
        _ => Err(usage("is no place to copy to", "name it as registry.example/app:tag, or as oci:DIR:tag")),
    }
}

/// Opens the repository that an artifact is in, to be asked so often for each thing; nothing need be there when it is to be written.
pub(super) fn artifact(text: &str, network: &Network, attempts: Option<u32>, write: bool) -> Result<Opened, Failed> {
    let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
    let is_remote = matches!(reference, Reference::Registry { .. });
    let failed = |error| failed(error, is_remote, |error| error.context(format!("`{text}` could not be opened")));
    match reference {
        Reference::Registry { name, .. } => {
            let mut settings = settings(network);
            settings.attempts = attempts.unwrap_or(settings.attempts);
            let registry = Registry::new(settings, &|name| std::env::var(name).ok()).map_err(failed)?;
            in_registry(registry, &name, write).map_err(failed)
        }
        Reference::Layout(path, choice) => {
            let root = match selection(&choice) {
                Selection::Digest(digest) => Root::Digest(digest),
                Selection::Name(name) => Root::Tag(name),
                Selection::Only | Selection::Index(_) => Root::Tag(LATEST.into()),
            };
            let repository = Arc::new(LayoutRepository::open(&path).map_err(failed)?);
            Ok(Opened { repository, root, _registry: None })
        }
        _ => {
            let error = anyhow::anyhow!("`{text}` is neither in a registry nor in an OCI layout");
            Err(Failed::new(Ending::Usage, error)
                .hint("name it as registry.example/advisories:latest, or as oci:DIR:latest"))
        }
    }
}

/// A source's error as it counts, and what to do.
pub(super) fn failed(
    error: SourceError,
    is_remote: bool,
    context: impl FnOnce(anyhow::Error) -> anyhow::Error,
) -> Failed {
    let ending = match &error {
        SourceError::DigestMismatch { .. } | SourceError::SizeMismatch { .. } => Ending::Mismatch,
        error if error.is_damage() => Ending::Incomplete,
        SourceError::Ambiguous { .. } | SourceError::NoPlatform { .. } | SourceError::Configuration { .. } => {
            Ending::Usage
        }
        _ => Ending::Source,
    };
    let hint = match &error {
        SourceError::NotFound { .. } if !is_remote => Some("check the path, and the name or digest after it"),
        error => error.hint(),
    };
    let failed = Failed::new(ending, context(anyhow::Error::new(error)));
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}

/// The content of a file of at most `limit` bytes that the user named.
pub(super) fn read_file(path: &Path, limit: u64, what: &str) -> Result<Vec<u8>, Failed> {
    let failed = |error: anyhow::Error| {
        Failed::new(Ending::Usage, error.context(format!("the {what} `{}` could not be read", path.display())))
    };
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    let length = read.map_err(|error| failed(error.into()))?;
    if length as u64 > limit { Err(failed(anyhow::anyhow!("it has more than {limit} bytes"))) } else { Ok(bytes) }
}

fn selection(choice: &Choice) -> Selection {
    match choice {
        Choice::Only => Selection::Only,
        Choice::Name(name) => Selection::Name(name.clone()),
        Choice::Digest(digest) => Selection::Digest(digest.clone()),
    }
}
