//! How containers are run: Compose files and Kubernetes manifests in, [`Container`]s with their settings and the places of these out.
//!
//! ```text
//! bytes ─ yaml.rs (tree with places) ─┬ compose/ (variables, overrides, extends, include) ─┬─▶ Workload
//!                                     └ kubernetes.rs (pods and what makes pods) ──────────┘
//! ```
//!
//! Both describe the same thing, so a rule about privileged containers is written once. A setting that is written, but whose value depends on a variable that nothing
//! sets, is there without a value: neither a rule about what is missing nor one about what is wrong takes it for either.

pub mod compose;
pub mod kubernetes;
pub mod port;
pub mod yaml;

use yaml::{Place, YamlError};

/// A file that was read, in the order of reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path from the root of what is looked at, with `/`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// What people wrote beside it.
    pub comments: Vec<yaml::Comment>,
}

/// Gives files by their path from the root of what is looked at.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    /// Why it cannot be had, in words for people.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// Why files cannot be read as what they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// A file is no YAML, or passes a limit.
    #[error("{path}: {error}")]
    Yaml {
        /// The file.
        path: String,
        /// Why.
        error: YamlError,
    },
    /// A file that another names cannot be read.
    #[error("{by}: `{path}` cannot be read: {reason}")]
    Unread {
        /// The file that names it.
        by: String,
        /// Its path.
        path: String,
        /// Why.
        reason: String,
    },
    /// A path leads out of what is looked at.
    #[error("{by}: `{path}` lies outside of the folder that is looked at; name a folder above both")]
    Outside {
        /// The file that names it.
        by: String,
        /// The path, as written.
        path: String,
    },
    /// Files include, or services extend, each other.
    #[error("{by}: a circle of {what}: {chain}")]
    Circle {
        /// The file in which it closes.
        by: String,
        /// `include` or `extends`.
        what: &'static str,
        /// The way around.
        chain: String,
    },
    /// A service extends one that is not there.
    #[error("{by}: `{service}` extends `{base}`, which is not there")]
    NoBase {
        /// The file.
        by: String,
        /// The service.
        service: String,
        /// What it extends.
        base: String,
    },
    /// A part is not of the form that it must have.
    #[error("{path}: {what} must be {form}")]
    Form {
        /// The file.
        path: String,
        /// The part.
        what: String,
        /// The form.
        form: &'static str,
    },
    /// A limit was passed.
    #[error("{path}: more than {limit} {what}")]
    Limit {
        /// The file.
        path: String,
        /// The limit.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

/// A setting with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What it is set to; none where that is not known here.
    pub value: Option<T>,
    /// Where: of an entry of a table from its key to the end of its value.
    pub at: Place,
}

/// Everything that a set of files starts.
#[derive(Clone, Debug, Default)]
pub struct Workload {
    /// The files, as [`Place::file`] counts them.
    pub files: Vec<File>,
    /// The containers, in the order of the files.
    pub containers: Vec<Container>,
    /// Files that others name and that could not be read: what they say is missing here.
    pub unread: Vec<WorkloadError>,
}

/// Which of them wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// A Compose file.
    #[default]
    Compose,
    /// A Kubernetes manifest.
    Kubernetes,
}

/// A container that is started.
#[derive(Clone, Debug, Default)]
pub struct Container {
    /// Who describes it.
    pub origin: Origin,
    /// Its name: of a service, or `Deployment/web/app`.
    pub name: String,
    /// Where its name stands.
    pub at: Place,
    /// More of it stands elsewhere: in a file that it is put over, or in one that could not be read. What it does not say may be said there.
    pub is_part: bool,
    /// Where its first setting stands that was written beside its name.
    pub first: Option<Place>,
    /// The image.
    pub image: Option<Setting<String>>,
    /// What the image is built from.
    pub build: Option<Setting<Build>>,
    /// All of the host's devices and capabilities.
    pub privileged: Option<Setting<bool>>,
    /// `uid[:gid]` or names.
    pub user: Option<Setting<String>>,
    /// Whoever is uid 0 is not started (Kubernetes' `runAsNonRoot`).
    pub non_root: Option<Setting<bool>>,
    /// The root filesystem cannot be written.
    pub read_only: Option<Setting<bool>>,
    /// Capabilities beyond the engine's own, without `CAP_`, in capitals.
    pub added: Vec<Setting<String>>,
    /// Capabilities that are taken away, likewise.
    pub dropped: Vec<Setting<String>>,
    /// Whether a process can get more rights than it began with.
    pub no_new_privileges: Option<Setting<bool>>,
    /// What confines it besides: `seccomp=unconfined`, `apparmor=NAME`, `label=disable`.
    pub confinement: Vec<Setting<(String, String)>>,
    /// Ports of the host that lead to it.
    pub ports: Vec<Setting<port::Port>>,
    /// What is mounted.
    pub mounts: Vec<Setting<Mount>>,
    /// Namespaces that it shares, as `network`, `pid`, `ipc`, `uts`, `user`, `cgroup` with `host`, `service:NAME` and the like.
    pub namespaces: Vec<Setting<(Namespace, String)>>,
    /// Networks that it is on, by the names that the engine has for them; none means the default one.
    pub networks: Vec<Setting<String>>,
    /// Variables, as the file itself writes their values.
    pub env: Vec<Setting<(String, String)>>,
    /// Words of its command, entrypoint and probe, likewise.
    pub commands: Vec<Setting<String>>,
    /// Most memory.
    pub memory: Option<Setting<String>>,
    /// Most processor time.
    pub cpu: Option<Setting<String>>,
    /// Most processes.
    pub pids: Option<Setting<String>>,
    /// Whether something looks after its health: a probe, a check; `Some(false)` where one is switched off.
    pub health: Option<Setting<bool>>,
    /// When it is started again.
    pub restart: Option<Setting<Restart>>,
    /// Where what it writes goes.
    pub logging: Option<Setting<Logging>>,
    /// Devices of the host.
    pub devices: Vec<Setting<String>>,
    /// Filesystems in memory, with their options: `/tmp:exec`.
    pub tmpfs: Vec<Setting<String>>,
    /// Parent of its control group.
    pub cgroup_parent: Option<Setting<String>>,
    /// Whether the account's token is mounted (Kubernetes).
    pub token: Option<Setting<bool>>,
    /// What its image says, where somebody looked.
    pub of_image: Option<OfImage>,
}

/// What an image says of how it is run, where its container says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfImage {
    /// Its user; empty where none is set.
    pub user: String,
    /// Whether it looks after its health.
    pub has_health: bool,
}

/// What an image is built from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// The Dockerfile, from the root of what is looked at; none where it lies elsewhere, as that of an address does.
    pub dockerfile: Option<String>,
    /// The folder that is sent to the builder, likewise.
    pub context: Option<String>,
    /// The stage.
    pub target: Option<String>,
}

/// What is mounted into a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// The host's path, where it is one.
    pub host: Option<String>,
    /// The volume's name, where it is one.
    pub volume: Option<String>,
    /// Where in the container.
    pub target: String,
    /// It cannot be written.
    pub read_only: bool,
    /// How mounts inside of it spread: `shared`, `rshared`, ….
    pub propagation: Option<String>,
}

/// A namespace of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// Interfaces and ports.
    Network,
    /// Processes.
    Pid,
    /// Shared memory and message queues.
    Ipc,
    /// The host's name.
    Uts,
    /// User ids.
    User,
    /// Control groups.
    Cgroup,
}

/// When a container is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// `no`, `always`, `unless-stopped`, `on-failure`.
    pub policy: String,
    /// How often at most.
    pub attempts: Option<u32>,
}

/// Where output goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logging {
    /// The driver; the engine's own where none is named.
    pub driver: Option<String>,
    /// Its options.
    pub options: Vec<(String, String)>,
}

/// A path relative to a folder, both from the root of what is looked at; none when it leads out.
#[must_use]
pub fn join(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.starts_with('~') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a path.
#[must_use]
pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_do_not_lead_out() {
        for (folder, path, expected) in [
            ("a/b", "../c/./d", Some("a/c/d")),
            ("", "x.yml", Some("x.yml")),
            ("a", "../../x", None),
            ("a", "/etc/passwd", None),
            ("a", "~/x", None),
            ("a", "b/../../..", None),
        ] {
            assert_eq!(join(folder, path).as_deref(), expected, "{folder} {path}");
        }
    }
}
