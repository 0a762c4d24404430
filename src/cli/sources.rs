//! References to opened images.

use std::io::Read as _;
use std::path::Path;

use super::Failed;
use super::args::Target;
use super::exit::Ending;
use crate::reference::{Choice, ImageName, Reference};
use crate::source::archive::{self, Format};
use crate::source::layout::{self, Selection};
use crate::source::{Image, PlatformChoice, SourceError, daemon, rootfs, storage};

/// Longest list of references.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// References of the command line and of `--from`, in order and without repetition.
pub(super) fn references(target: &Target) -> Result<Vec<(String, Reference)>, Failed> {
    let mut texts = target.references.clone();
    if let Some(from) = &target.from {
        let list = read_list(from)?;
        let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        texts.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
    }
    let mut references = Vec::new();
    for text in texts {
        let reference = text.parse::<Reference>().map_err(|error| Failed::new(Ending::Usage, error))?;
        if !references.iter().any(|(known, _)| *known == text) {
            references.push((text, reference));
        }
    }
    if references.is_empty() {
        let error = anyhow::anyhow!("no image is named");
        return Err(Failed::new(Ending::Usage, error)
            .hint("name one, such as registry.example/app:tag or oci:DIR; see `imgguard scan --help`"));
    }
    Ok(references)
}

fn read_list(from: &Path) -> Result<String, Failed> {
    let failed = |error: std::io::Error| {
        Failed::new(
            Ending::Usage,
            anyhow::Error::new(error).context(format!("the list `{}` could not be read", from.display())),
        )
    };
    let mut text = String::new();
    if from == Path::new("-") {
        std::io::stdin().take(MAX_LIST_BYTES).read_to_string(&mut text).map_err(failed)?;
    } else {
        std::fs::File::open(from)
            .and_then(|file| file.take(MAX_LIST_BYTES).read_to_string(&mut text))
            .map_err(failed)?;
    }
    Ok(text)
}

/// What opening needs besides the reference.
pub(super) struct Opener<'a> {
    /// Platforms asked for.
    pub(super) choice: &'a PlatformChoice,
    /// No network.
    pub(super) offline: bool,
    /// Whether a bare name may be one of a local engine.
    pub(super) guess: bool,
}

impl Opener<'_> {
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
        self.pull(text, name)
    }

    fn pull(&self, text: &str, name: &ImageName) -> Result<Image, SourceError> {
        let _ = name;
        Err(SourceError::Unreachable {
            host: text.to_owned(),
            phase: "connecting",
            detail: "this build has no registry client".into(),
        })
    }
}

fn selection(choice: &Choice) -> Selection {
    match choice {
        Choice::Only => Selection::Only,
        Choice::Name(name) => Selection::Name(name.clone()),
        Choice::Digest(digest) => Selection::Digest(digest.clone()),
    }
}
