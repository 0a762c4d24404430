//! A container talks to another host in clear.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule, transport};

/// `cleartext-connection`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "cleartext-connection",
        severity: Severity::Medium,
        summary: "a container talks to another host in clear",
        why: "Whoever stands between reads and changes what is sent, names and passwords too.",
        advice: "use the protocol with TLS",
        aliases: &[],
        sources: &["https://owasp.org/Top10/2025/A04_2025-Cryptographic_Failures/"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let env = subject.container.env.iter().filter_map(|setting| {
        let (name, value) = setting.value.as_ref()?;
        Some((name.as_str(), value, &setting.at))
    });
    let commands = subject.container.commands.iter();
    let commands = commands.filter_map(|setting| Some(("command", setting.value.as_ref()?, &setting.at)));
    for (name, value, at) in env.chain(commands) {
        let Some(clear) = transport::in_clear(name, value) else { continue };
        let message = format!("`{name}` leads to {} by {}, in clear; use {}", clear.host, clear.scheme, clear.instead);
        let problem = subject.state(problems, at, format!("{name}\0{}", clear.host), message);
        problem.is_secret = clear.is_grave;
        if !clear.is_grave {
            problem.severity = Severity::Low;
        }
    }
}
