//! ADD fetches a file whose content is not pinned.

use crate::advisory::model::Severity;
use crate::dockerfile::Keyword;
use crate::lint::dockerfile::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `add-without-checksum`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "add-without-checksum",
        severity: Severity::Medium,
        summary: "ADD fetches a file whose content is not pinned",
        why: "Whoever controls the address, or stands between, decides what goes into the image, and the next build may get something else.",
        advice: "add --checksum=sha256:…, or for a repository a commit: https://…/repo.git#<commit>",
        aliases: &["CIS-4.11"],
        sources: &["https://docs.docker.com/reference/dockerfile/#add---checksum"],
        default: true,
    },
    check: Check::Dockerfile(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for (_, instruction) in subject.instructions(Keyword::Add) {
        let [sources @ .., _] = instruction.words() else { continue };
        if instruction.flag("checksum").is_some() {
            continue;
        }
        for source in
            sources.iter().filter(|source| source.text.starts_with("http://") || source.text.starts_with("https://"))
        {
            let reference =
                source.text.split_once(".git#").map(|(_, reference)| reference.split(':').next().unwrap_or_default());
            let is_commit = |text: &str| text.len() >= 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            // A commit in the address names one content, too.
            let names_commit = source.text.split(['/', '#']).any(|part| part.len() == 40 && is_commit(part));
            if !reference.is_some_and(is_commit) && !names_commit {
                problems.add(&source.span, &source.text, format!("the content of {} is not pinned", source.text));
            }
        }
    }
}
