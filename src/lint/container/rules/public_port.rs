//! A port is published on every interface of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::Origin;

/// `public-port`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "public-port",
        severity: Severity::Medium,
        summary: "a port is published on every interface of the host",
        why: "The engine opens it around the host’s firewall: whoever reaches the host reaches the container.",
        advice: "bind it to the address that needs it: 127.0.0.1:8080:80 behind a proxy on the host",
        aliases: &["CL-0005", "KICS-451d79dc"],
        sources: &[
            "https://docs.docker.com/reference/compose-file/services/#ports",
            "https://docs.docker.com/engine/network/packet-filtering-firewalls/",
        ],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    if subject.container.origin != Origin::Compose {
        return;
    }
    for setting in &subject.container.ports {
        let Some(port) = setting.value.as_ref().filter(|port| port.is_public() && !subject.is_database_port(port))
        else {
            continue;
        };
        let message = format!("port {} is open to everybody who reaches the host", port.target.0);
        let edit = subject.before_short_port(setting, port);
        let problem = subject.state(problems, &setting.at, format!("{}/{}", port.target.0, port.protocol), message);
        if let Some(edit) = edit {
            problem.fix("bind it to the host itself", [edit]);
        }
    }
}
