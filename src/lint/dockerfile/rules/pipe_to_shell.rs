//! A downloaded script is run without having been checked.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};
use crate::shell::{Call, Command, Link};

/// `pipe-to-shell`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "pipe-to-shell",
        severity: Severity::Medium,
        summary: "a downloaded script is run without having been checked",
        why: "Whoever controls the address decides what runs as root in the build, and the next build may get something else.",
        advice: "download it, check its digest, then run it; or install a package",
        aliases: &["CIS-4.11"],
        sources: &["CIS Docker Benchmark 1.6.0, section 4"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "python", "python3", "perl", "ruby", "node", "php"];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for run in subject.runs.iter().filter(|run| run.is_run()) {
        let commands: Vec<(&Command, Call<'_>)> = run.calls().collect();
        let is_download =
            |call: &Call<'_>| matches!(call.name, "curl" | "wget" | "fetch") && !call.arguments.is_empty();
        for (at, (command, call)) in commands.iter().enumerate() {
            let is_shell = SHELLS.contains(&call.name);
            // A pipe that began with a download, whatever stands between.
            let piped = command.link == Link::Pipe && is_shell && {
                // No pipe of a build is longer.
                let before = commands
                    .get(..at)
                    .unwrap_or_default()
                    .iter()
                    .rev()
                    .take(32)
                    .filter(|(other, _)| other.depth == command.depth);
                let mut pipe = Vec::new();
                for (other, call) in before {
                    pipe.push(call);
                    if other.link != Link::Pipe {
                        break;
                    }
                }
                pipe.iter().any(|call| is_download(call)) && !pipe.iter().any(|call| call.name.ends_with("sum"))
            };
            let substituted = (is_shell || call.name == "eval" || call.name == "source" || call.name == ".")
                && call
                    .arguments
                    .iter()
                    .any(|word| ["$(curl", "$(wget", "<(curl", "<(wget"].iter().any(|start| word.text.contains(start)));
            if piped || substituted {
                problems.add(&command.span, call.name, format!("what was downloaded is run by {} at once", call.name));
            }
        }
    }
}
