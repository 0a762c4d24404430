//! Useradd with a high uid fills the layer with a sparse log.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `useradd-large-uid`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "useradd-large-uid",
        severity: Severity::Low,
        summary: "useradd with a high uid fills the layer with a sparse log",
        why: "useradd writes the last login of each uid into /var/log/lastlog and faillog, a file as large as the highest uid: builders that know no sparse files store gigabytes.",
        advice: "add --no-log-init",
        aliases: &["DL3046"],
        sources: &["https://docs.docker.com/build/building/best-practices/#user"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls().filter(|(_, _, call)| call.name == "useradd") {
        let after = |option: &str| {
            let at = call.arguments.iter().position(|word| word.text == option)?;
            call.arguments.get(at + 1).map(|word| word.text.as_str())
        };
        let joined = call.arguments.iter().find_map(|word| word.text.strip_prefix("--uid="));
        let Some(uid) = after("-u").or_else(|| after("--uid")).or(joined) else { continue };
        // From here on the file has more than a few megabytes.
        let is_high = uid.bytes().all(|byte| byte.is_ascii_digit()) && uid.len() > 5;
        if is_high && !call.has_any(&["-l", "--no-log-init"]) {
            let problem = problems.add(&command.span, uid, format!("useradd writes a log of {uid} entries"));
            if subject.is_verbatim(call.word) {
                problem.fix("add --no-log-init", [Edit::insert(call.word.span.end, " --no-log-init")]);
            }
        }
    }
}
