//! What a build leaves in an image and no service needs.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::inventory::Leftover;
use crate::facts::leftover::LeftoverKind;
use crate::finding::{Finding, Kind, Location};

/// Bytes of caches or documentation that are worth a word: what a slow link takes a second for.
const WORTH_TELLING: u64 = 1 << 20;

/// The same of documentation, of which a small base has some too.
const MUCH_TO_READ: u64 = 50 << 20;

/// `unneeded-file`.
pub(super) struct UnneededFiles;

static FILES: Meta = Meta {
    name: "unneeded-file",
    summary: "files of builders, version control, editors or command lines of clouds are in the image",
    doc: "**Reads** the names of all files and folders.\n\n**Reports** Dockerfiles and compose files, and `.git`, `.hg`, `.svn`, `.aws`, `.azure`, `.gcp`, `.npm`, `.idea`, `.vscode`, `.vimrc` and `.DS_Store`: they tell how the image is made and by whom, and may hold credentials. What is in `node_modules`, `vendor` and `site-packages` is left out.\n\n\
          **Cannot see** what the service reads after all.\n\n**Since** 0.3.0",
    aliases: &["DKL-LI-0003"],
    needs_config: false,
};

impl Check for UnneededFiles {
    fn meta(&self) -> &'static Meta {
        &FILES
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let found = subject
            .inventory
            .leftovers
            .iter()
            .filter(|left| matches!(left.kind, LeftoverKind::BuildFile | LeftoverKind::Workplace));
        found.map(|left| unneeded(subject, left)).collect()
    }
}

fn unneeded(subject: &Subject<'_>, left: &Leftover) -> Finding {
    let name = left.path.as_bytes().rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    // A whole history, or somebody's account at a provider.
    let tells_much = matches!(name, b".git" | b".hg" | b".svn" | b".aws" | b".azure" | b".gcp");
    let severity = if tells_much { Severity::Low } else { Severity::Negligible };
    let title = match left.files {
        1 => format!("{} is in the image", left.path),
        files => format!("{} is in the image, with {files} files", left.path),
    };
    Finding::new(Kind::Config, FILES.name, severity, title, left.path.to_string())
        .at(subject.place(&left.path, left.layer))
        .advise("name it in .dockerignore, or copy only what the service needs")
}

/// `package-cache`.
pub(super) struct PackageCaches;

static CACHES: Meta = Meta {
    name: "package-cache",
    summary: "a package manager's cache is in the image",
    doc: "**Reads** names and sizes of all files.\n\n**Reports** caches of 1 MiB and more that apt, apk, dnf, yum, zypper, pacman, pip, uv, Poetry, npm, Yarn, Go, Cargo, Composer, Bundler and Gradle keep: nothing in the container uses them.\n\n\
          **Cannot see** caches at other places; those that a later layer removes are told as `wasted-space`.\n\n**Since** 0.3.0",
    aliases: &["DKL-DI-0004", "DKL-DI-0005"],
    needs_config: false,
};

impl Check for PackageCaches {
    fn meta(&self) -> &'static Meta {
        &CACHES
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let caches = subject.inventory.leftovers.iter().filter(|left| left.kind == LeftoverKind::Cache);
        let large = caches.filter(|left| left.bytes >= WORTH_TELLING);
        let finding = |left: &Leftover| {
            let title = format!("{} holds a cache of {} MB", left.path, left.bytes.div_ceil(1_000_000));
            Finding::new(Kind::Config, CACHES.name, Severity::Negligible, title, left.path.to_string())
                .at(subject.place(&left.path, left.layer))
                .advise("install without a cache (--no-cache, --no-cache-dir), mount one (RUN --mount=type=cache), or remove it in the same RUN")
        };
        large.map(finding).collect()
    }
}

/// `documentation`.
pub(super) struct Documentation;

static DOCUMENTATION: Meta = Meta {
    name: "documentation",
    summary: "the image holds much documentation that nobody reads there",
    doc: "**Reads** names and sizes of all files.\n\n**Reports** 50 MiB and more below `/usr/share/doc`, `/usr/share/man` and `/usr/share/info` together.\n\n\
          **Cannot see** documentation at other places.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

impl Check for Documentation {
    fn meta(&self) -> &'static Meta {
        &DOCUMENTATION
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let kept = subject.inventory.leftovers.iter().filter(|left| left.kind == LeftoverKind::Documentation);
        let bytes = kept.clone().fold(0u64, |sum, left| sum.saturating_add(left.bytes));
        if bytes < MUCH_TO_READ {
            return Vec::new();
        }
        let title = format!("{} MB of documentation are in the image", bytes / 1_000_000);
        let finding = Finding::new(Kind::Config, DOCUMENTATION.name, Severity::Negligible, title, "documentation");
        let placed = kept.map(|left| subject.place(&left.path, left.layer)).fold(finding, Finding::at);
        vec![placed.advise("leave it out where packages are installed (dpkg's path-exclude, dnf's tsflags=nodocs), or start from a smaller base")]
    }
}

/// `engine-socket`.
pub(super) struct EngineSocket;

static SOCKET: Meta = Meta {
    name: "engine-socket",
    summary: "the image expects the socket of a container engine",
    doc: "**Reads** `Volumes` of the image configuration, and the names of all files.\n\n**Reports** a volume or a file at `docker.sock`, `containerd.sock`, `podman.sock` or `crio.sock`: whoever is given that socket is root on the host.\n\n\
          **Cannot see** what is mounted when the container starts.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

impl Check for EngineSocket {
    fn meta(&self) -> &'static Meta {
        &SOCKET
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let is_socket = |volume: &&String| {
            let path = volume.trim_matches('/').as_bytes();
            matches!(crate::facts::leftover::leftover(path), Some((LeftoverKind::EngineSocket, _)))
        };
        let finding = |path: &str, place: Location| {
            let title = format!("{path} is the socket of a container engine: who has it is root on the host");
            Finding::new(Kind::Config, SOCKET.name, Severity::Medium, title, path)
                .at(place)
                .advise("let the service do without the engine, or give it a proxy that passes only what it needs")
        };
        let volumes = subject.manifest.config.config.volumes.keys().filter(is_socket);
        let files = subject.inventory.leftovers.iter().filter(|left| left.kind == LeftoverKind::EngineSocket);
        volumes
            .map(|volume| finding(volume, Location::Config("volumes".into())))
            .chain(files.map(|left| finding(&left.path.to_string(), subject.place(&left.path, left.layer))))
            .collect()
    }
}
