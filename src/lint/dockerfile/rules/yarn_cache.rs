//! Yarn leaves its cache in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::Call;

/// `yarn-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "yarn-cache",
        severity: Severity::Low,
        summary: "yarn leaves its cache in the layer",
        why: "What was downloaded is of no use in the image, and takes up to hundreds of megabytes.",
        advice: "end the RUN with yarn cache clean, or mount a cache",
        aliases: &["DL3060"],
        sources: &["https://classic.yarnpkg.com/lang/en/docs/cli/cache/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run() && run.stage.is_none_or(|stage| subject.is_shipped(stage)))
    {
        let installs = |call: &Call<'_>| {
            let verb =
                call.operands(&["--cwd", "--cache-folder", "--modules-folder"]).next().map(|word| word.text.as_str());
            call.name == "yarn"
                && (matches!(verb, Some("install" | "add"))
                    || (verb.is_none() && !call.has_any(&["--version", "-v", "--help"])))
        };
        let Some((command, _)) = run.calls().find(|(_, call)| installs(call)) else { continue };
        let cleans = |call: &Call<'_>| {
            call.is("yarn", "cache")
                || (call.name == "rm" && call.arguments.iter().any(|word| word.text.contains("cache")))
        };
        let is_mounted = run.instruction.flags.iter().any(|flag| {
            flag.name == "mount"
                && flag
                    .value
                    .as_deref()
                    .is_some_and(|mount| mount.contains("type=cache") || mount.contains("type=tmpfs"))
        });
        if !is_mounted && !run.calls().any(|(_, call)| cleans(&call)) {
            let problem = problems.add(&command.span, "yarn", "what yarn downloads stays in the layer");
            if let Some(edit) = subject.append(run, "yarn cache clean") {
                problem.fix("clean the cache at the end", [edit]);
            }
        }
    }
}
