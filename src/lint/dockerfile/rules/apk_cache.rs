//! Apk leaves its index in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Edit, Meta, Problems, Rule};
use crate::shell::Call;

/// `apk-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apk-cache",
        severity: Severity::Low,
        summary: "apk leaves its index in the layer",
        why: "The index of the repositories is of no use in the image, and soon old.",
        advice: "use apk add --no-cache",
        aliases: &["DL3019", "DKL-DI-0004", "DS-0025", "KICS-ae9c56a6"],
        sources: &["https://wiki.alpinelinux.org/wiki/Alpine_Package_Keeper"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (run, command, call) in subject.calls() {
        if packages::APK.installs(&call).is_none()
            || call.has_any(&["--no-cache", "--no-network"])
            || run.is_mounted("/var/cache/apk")
            || run.is_mounted("/etc/apk/cache")
        {
            continue;
        }
        let removes = |call: &Call<'_>| {
            call.name == "rm"
                && call
                    .arguments
                    .iter()
                    .any(|word| word.text.starts_with("/var/cache/apk") || word.text.starts_with("/var/cache/*"))
        };
        if !run.calls().any(|(_, call)| removes(&call)) {
            let problem = problems.add(&command.span, "add", "the index of the repositories stays in the layer");
            let verb = call.arguments.iter().find(|word| word.text == "add").filter(|verb| subject.is_verbatim(verb));
            // `-U` and `--update` mean to fetch the index, which --no-cache does, too.
            if let Some(verb) = verb {
                problem.fix("add --no-cache", [Edit::insert(verb.span.end, " --no-cache")]);
            }
        }
    }
}
