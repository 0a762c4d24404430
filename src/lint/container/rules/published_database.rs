//! A database is published on every interface of the host.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `published-database`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "published-database",
        severity: Severity::High,
        summary: "a database is published on every interface of the host",
        why: "Databases are found within hours by those who search the whole network, and many let in whoever comes.",
        advice: "leave it on a network that only its clients are on, without `ports`; for maintenance bind it to 127.0.0.1",
        aliases: &["CL-0005", "KICS-451d79dc"],
        sources: &["https://docs.docker.com/engine/network/packet-filtering-firewalls/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.ports {
        let Some(port) = setting.value.as_ref().filter(|port| port.is_public() && subject.is_database_port(port))
        else {
            continue;
        };
        let message = format!("port {} of a database is open to everybody who reaches the host", port.target.0);
        let edit = subject.before_short_port(setting, port);
        let problem = subject.state(problems, &setting.at, format!("{}/{}", port.target.0, port.protocol), message);
        if let Some(edit) = edit {
            problem.fix("bind it to the host itself", [edit]);
        }
    }
}
