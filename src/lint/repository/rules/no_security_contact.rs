//! Nobody is told where a vulnerability can be reported in private.

use crate::advisory::model::Severity;
use crate::lint::repository::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `no-security-contact`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "no-security-contact",
        severity: Severity::Low,
        summary: "nobody is told where a vulnerability can be reported in private",
        why: "Whoever finds one opens an issue that everybody reads before there is a fix, or tells nobody.",
        advice: "write a SECURITY.md with an address, or with the link to private reports of the repository (`/security/advisories/new`)",
        aliases: &[],
        sources: &[
            "https://docs.github.com/en/code-security/getting-started/adding-a-security-policy-to-your-repository",
            "https://www.rfc-editor.org/rfc/rfc9116",
        ],
        default: true,
    },
    check: Check::Repository(check),
};

/// Where one is looked for: GitHub's places, then RFC 9116's.
const NAMES: &[&str] = &[
    ".github/SECURITY.md",
    "SECURITY.md",
    "docs/SECURITY.md",
    ".gitlab/SECURITY.md",
    "SECURITY.rst",
    "SECURITY.adoc",
    "SECURITY.txt",
    "SECURITY",
    "security.md",
    "security.txt",
    ".well-known/security.txt",
    "public/.well-known/security.txt",
];

/// Words of a channel that not everybody reads.
const PRIVATE: &[&str] = &[
    "/security/advisories",
    "private vulnerability report",
    "\"report a vulnerability",
    "*report a vulnerability",
    "security.txt",
    "hackerone.com",
    "bugcrowd.com",
    "intigriti.com",
    "yeswehack.com",
    "huntr.",
    "tidelift.com/security",
    "mailto:",
    "confidential issue",
    "msrc.microsoft.com",
    "[at]",
];

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let repository = subject.repository;
    if !repository.is_root {
        return;
    }
    let Some(path) = subject.first_of(NAMES) else {
        let message = "there is no SECURITY.md";
        subject.state(problems, &repository.path("SECURITY.md"), 0..0, "", message);
        return;
    };
    let text = subject.text(&path).unwrap_or_default().to_ascii_lowercase();
    if !has_address(&text) && !has_page(&text) && !PRIVATE.iter().any(|word| text.contains(word)) {
        let message = format!("`{path}` names no address and no form that is private");
        subject.state(problems, &path, 0..0, "contact", message);
    }
}

/// Whether a page about reports is linked; a list of issues is read by everybody.
fn has_page(text: &str) -> bool {
    let links = text.match_indices("https://").filter_map(|(at, _)| text.get(at..));
    let links = links.filter_map(|rest| rest.split([')', '>', ' ', '\n', '"', ']']).next());
    let is_about = |link: &str| ["security", "vulnerab", "disclos", "report"].iter().any(|word| link.contains(word));
    links.into_iter().any(|link| is_about(link) && !link.contains("/issues") && !link.contains("docs.github.com"))
}

/// Whether an address of mail stands in a text, be it in words (`name at example dot org`).
fn has_address(text: &str) -> bool {
    if text.contains("mail") && text.lines().any(|line| line.contains(" at ") && line.contains(" dot ")) {
        return true;
    }
    text.match_indices('@').any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let domain = text
            .get(at + 1..)
            .and_then(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-').next());
        before.is_some_and(|c| c.is_ascii_alphanumeric())
            && domain.is_some_and(|name| name.trim_end_matches('.').contains('.'))
    })
}
