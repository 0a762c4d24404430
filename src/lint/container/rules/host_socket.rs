//! The socket of the container engine is mounted.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `host-socket`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "host-socket",
        severity: Severity::Critical,
        summary: "the socket of the container engine is mounted",
        why: "Whoever can write to it starts containers that mount the host: it is root on the host. Mounting it read-only changes nothing, for a socket is written through.",
        advice: "remove the mount; where a program must ask the engine, put a proxy between that allows only what it needs",
        aliases: &["CL-0001", "KICS-d6355c88"],
        sources: &["https://docs.docker.com/engine/security/protect-access/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (mount, at, host) in subject.host_mounts() {
        if is_socket(&host) {
            subject.state(
                problems,
                at,
                &mount.target,
                format!("`{host}` is or holds the socket of a container engine"),
            );
        }
    }
}

/// A socket of Docker, containerd, CRI-O or Podman, or the folder that it stands in.
fn is_socket(host: &str) -> bool {
    let name = host.rsplit('/').next().unwrap_or_default();
    let is_runtime = host.starts_with("/run/") || host.starts_with("/var/run/");
    matches!(host, "/run" | "/var/run" | "/run/containerd" | "/run/podman" | "/run/crio" | "/var/run/podman")
        || name == "docker.sock"
        || (is_runtime
            && matches!(name, "containerd.sock" | "crio.sock" | "podman.sock" | "dockershim.sock" | "cri-dockerd.sock"))
}
