//! A folder of the host that matters to it is mounted.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `sensitive-host-path`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "sensitive-host-path",
        severity: Severity::High,
        summary: "a folder of the host that matters to it is mounted",
        why: "What stands there is the host’s own: its programs, settings, secrets and devices. Whoever can write some of it is root on the host, whoever can read the rest knows its secrets.",
        advice: "mount the one file or folder that is needed, read-only; keep data in a volume",
        aliases: &["CL-0013", "CL-0025", "KICS-1c1325ff"],
        sources: &[
            "https://docs.docker.com/engine/storage/bind-mounts/",
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (mount, at, host) in subject.host_mounts() {
        let Some(kind) = kind(&host) else { continue };
        let access = if mount.read_only { "can be read" } else { "can be written" };
        let problem = subject.state(problems, at, &mount.target, format!("`{host}` of the host {access}"));
        problem.severity = match (kind, mount.read_only) {
            (Kind::Root, false) => Severity::Critical,
            (Kind::Root | Kind::Secret, _) => Severity::High,
            (Kind::System, true) => Severity::Medium,
            (Kind::System, false) => Severity::High,
        };
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Writing it is being root.
    Root,
    /// It holds secrets.
    Secret,
    /// It tells much, and some of it may be changed.
    System,
}

/// Writing them is being root.
const ROOT: &[&str] = &[
    "/",
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/sbin",
    "/sys",
    "/usr",
    "/var",
    "/var/lib",
    "/var/spool/cron",
    "/etc/cron.d",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/etc/pam.d",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/local/bin",
    "/usr/sbin",
    "/lib/modules",
    "/lib/systemd",
];

/// They hold secrets.
const SECRET: &[&str] = &[
    "/etc/shadow",
    "/etc/gshadow",
    "/etc/ssh",
    "/etc/ssl/private",
    "/etc/kubernetes",
    "/etc/sudoers",
    "/etc/passwd",
    "/etc/krb5.keytab",
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/kubelet",
    "/var/lib/etcd",
    "/run/secrets",
    "/home",
];

/// They tell much, and some of it may be changed.
const SYSTEM: &[&str] = &[
    "/etc/docker",
    "/var/log",
    "/sys/fs/cgroup",
    "/sys/kernel",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/proc/sys",
    "/run/systemd",
    "/run/dbus",
    "/run/udev",
    "/sys/fs/bpf",
    "/var/lib/docker/containers",
    "/tmp",
];

/// Folders of a person's own keys, wherever that person's home is.
const KEYS: &[&str] = &[".ssh", ".aws", ".azure", ".docker", ".kube", ".gnupg", ".config/gcloud"];

/// What a path of the host is, if it matters.
fn kind(host: &str) -> Option<Kind> {
    let is_home = host.starts_with('~') || host.starts_with("/home/") || host.starts_with("/root/");
    let is_key = |name: &&str| host.ends_with(&format!("/{name}"));
    if ROOT.contains(&host) {
        Some(Kind::Root)
    } else if SECRET.contains(&host) || (is_home && KEYS.iter().any(is_key)) || host == "~" {
        Some(Kind::Secret)
    } else if SYSTEM.contains(&host) {
        Some(Kind::System)
    } else {
        None
    }
}
