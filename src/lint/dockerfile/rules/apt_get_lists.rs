//! Apt's package lists stay in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::Call;

/// `apt-get-lists`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt-get-lists",
        severity: Severity::Low,
        summary: "apt's package lists stay in the layer",
        why: "They are of no use in the image, soon old, and take some 20 to 50 MB; what a later RUN removes stays in the layer before.",
        advice: "end the RUN with rm -rf /var/lib/apt/lists/*, or mount a cache on /var/lib/apt/lists",
        aliases: &["DL3009", "DKL-DI-0005", "KICS-df746b39"],
        sources: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run() && run.stage.is_none_or(|stage| subject.is_shipped(stage)))
    {
        let is_update = |call: &Call<'_>| {
            matches!(call.name, "apt-get" | "apt" | "aptitude")
                && call.operands(&["-o", "-t", "-c"]).next().is_some_and(|word| word.text == "update")
        };
        let Some((command, call)) = run.calls().find(|(_, call)| is_update(call)) else { continue };
        let removes = |call: &Call<'_>| {
            let is_list =
                |word: &crate::shell::Word| word.text.starts_with("/var/lib/apt") || word.text == "/var/lib/*";
            matches!(call.name, "rm" | "find" | "apt-dist-clean") && call.arguments.iter().any(is_list)
        };
        let is_clean = run.calls().any(|(_, call)| removes(&call) || call.is("apt-get", "dist-clean"))
            || run.is_mounted("/var/lib/apt/lists");
        if !is_clean {
            let problem = problems.add(&command.span, call.name, "the package lists stay in the layer");
            if let Some(edit) = subject.append(run, "rm -rf /var/lib/apt/lists/*") {
                problem.fix("remove the lists at the end", [edit]);
            }
        }
    }
}
