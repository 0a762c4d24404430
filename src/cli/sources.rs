//! References to opened images.

use std::cell::OnceCell;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use super::args::{Network, Target};
use super::exit::Ending;
use super::{Failed, list};
use crate::net::Settings;
use crate::reference::{Choice, ImageName, Reference};
use crate::source::archive::{self, Format};
use crate::source::layout::{self, Selection};
use crate::source::registry::Registry;
use crate::source::{Image, PlatformChoice, SourceError, daemon, rootfs, storage};

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
    if let Some((text, _)) = references.iter().find(|(_, reference)| target.source && !is_folder(reference)) {
        let error = anyhow::anyhow!("--source is for folders of sources, and `{text}` is an image");
        return Err(Failed::new(Ending::Usage, error)
            .hint("scan the checkout as `dir:PATH --source`, and the image without --source"));
    }
    if references.is_empty() {
        let error = anyhow::anyhow!("no image is named");
        return Err(Failed::new(Ending::Usage, error)
            .hint("name one, such as registry.example/app:tag or oci:DIR; see `imgguard scan --help`"));
    }
    Ok(references)
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
    network: &'a Network,
    /// Started by the first reference that needs it; the others share its connections and tokens.
    registry: OnceCell<Registry>,
}

impl<'a> Opener<'a> {
    /// For the images of one run. `guess` allows a bare name to be one of a local engine.
    pub(super) fn new(target: &'a Target, guess: bool) -> Self {
        let (choice, offline, network) = (&target.platform, target.offline, &target.network);
        Self { choice, offline, guess, network, registry: OnceCell::new() }
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
        self.registry()?.open(name, self.choice, text)
    }

    fn registry(&self) -> Result<&Registry, SourceError> {
        if let Some(registry) = self.registry.get() {
            return Ok(registry);
        }
        let registry = Registry::new(settings(self.network), &|name| std::env::var(name).ok())?;
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

fn selection(choice: &Choice) -> Selection {
    match choice {
        Choice::Only => Selection::Only,
        Choice::Name(name) => Selection::Name(name.clone()),
        Choice::Digest(digest) => Selection::Digest(digest.clone()),
    }
}
