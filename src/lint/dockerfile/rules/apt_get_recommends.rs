//! Apt-get installs what is only recommended, too.

use crate::advisory::model::Severity;
use crate::lint::dockerfile::Subject;
use crate::lint::dockerfile::packages;
use crate::lint::{Check, Edit, Meta, Problems, Rule};

/// `apt-get-recommends`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "apt-get-recommends",
        severity: Severity::Low,
        summary: "apt-get installs what is only recommended, too",
        why: "Recommended packages come along without being asked for: a larger image, and more that can have flaws.",
        advice: "add --no-install-recommends, and name what is really needed",
        aliases: &["DL3015", "DS-0029", "KICS-7384dfb2"],
        sources: &["https://docs.docker.com/build/building/best-practices/#apt-get"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, command, call) in subject.calls() {
        let is_off = call.arguments.iter().any(|word| {
            let text = word.text.to_ascii_lowercase();
            text.contains("apt::install-recommends=")
                && (text.ends_with("=0") || text.ends_with("=false") || text.ends_with("=\"false\""))
        });
        let Some(packages) = packages::APT.installs(&call).filter(|_| !is_off && call.name != "aptitude") else {
            continue;
        };
        // A file of one's own has no recommendations that anybody chose.
        let only_files = !packages.is_empty() && packages.iter().all(|word| packages::is_file(&word.text, &[".deb"]));
        if call.has("--no-install-recommends") || only_files || subject.configures("install-recommends") {
            continue;
        }
        let verb = call.arguments.iter().find(|word| word.text == "install");
        let problem = problems.add(
            &command.span,
            packages.first().map_or("install", |word| word.text.as_str()),
            "packages that are only recommended are installed, too",
        );
        if let Some(verb) = verb.filter(|verb| subject.is_verbatim(verb)) {
            problem.fix("add --no-install-recommends", [Edit::insert(verb.span.end, " --no-install-recommends")]);
        }
    }
}
