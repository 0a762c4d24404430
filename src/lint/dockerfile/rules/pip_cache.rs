//! Pip leaves its cache in the layer.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Edit, Meta, Problems, Rule};
use crate::shell::Call;

/// `pip-cache`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pip-cache",
        severity: Severity::Low,
        summary: "pip leaves its cache in the layer",
        why: "What was downloaded and built is of no use in the image, and takes up to hundreds of megabytes.",
        advice: "use pip install --no-cache-dir, or mount a cache on /root/.cache/pip",
        aliases: &["DL3042", "KICS-f2f903fb"],
        sources: &["https://pip.pypa.io/en/stable/topics/caching/"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (run, command, call) in subject.calls() {
        let call = packages::as_module(call);
        if packages::PIP.installs(&call).is_none() || call.has("--no-cache-dir") || run.is_mounted("/root/.cache/pip") {
            continue;
        }
        let off = |value: &str| !matches!(value.trim_matches(['"', '\'']), "0" | "false" | "no" | "off");
        let is_named = subject.file.source.text().contains("PIP_NO_CACHE_DIR");
        let is_off = (is_named
            && subject.variables_before(run.index).get("PIP_NO_CACHE_DIR").is_some_and(|value| off(value)))
            || command.assignments.iter().any(|word| word.text.strip_prefix("PIP_NO_CACHE_DIR=").is_some_and(off));
        let removes = |call: &Call<'_>| {
            (call.name == "rm" && call.arguments.iter().any(|word| word.text.contains(".cache")))
                || (call.name.starts_with("pip") && call.is(call.name, "cache"))
        };
        let mounts_elsewhere = run
            .instruction
            .flags
            .iter()
            .filter(|flag| flag.name == "mount")
            .filter_map(|flag| flag.value.as_deref())
            .any(|mount| mount.contains("type=cache") && mount.contains("cache/pip"));
        if !is_off && !mounts_elsewhere && !run.calls().any(|(_, call)| removes(&call)) {
            let problem = problems.add(&command.span, call.name, "what pip downloads and builds stays in the layer");
            let verb =
                call.arguments.iter().find(|word| word.text == "install").filter(|verb| subject.is_verbatim(verb));
            if let Some(verb) = verb {
                problem.fix("add --no-cache-dir", [Edit::insert(verb.span.end, " --no-cache-dir")]);
            }
        }
    }
}
