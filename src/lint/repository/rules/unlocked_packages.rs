//! An image is built of packages whose versions nothing fixes.

use crate::advisory::model::Severity;
use crate::lint::repository::{Subject, manifest};
use crate::lint::{Check, Meta, Problems, Rule};
use crate::workload::folder_of;

/// `unlocked-packages`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "unlocked-packages",
        severity: Severity::Low,
        summary: "an image is built of packages whose versions no lock file fixes",
        why: "Each build takes what is newest that day, also what was taken over by somebody else that morning, and nobody can tell later what was in the image.",
        advice: "make the lock file, commit it, copy it before the packages are installed, and install from it (`npm ci`)",
        aliases: &[],
        sources: &["https://docs.npmjs.com/cli/v11/configuring-npm/package-lock-json", "https://slsa.dev/spec/v1.1/"],
        default: true,
    },
    check: Check::Repository(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    let listing = &subject.repository.listing;
    for (path, at) in subject.built_manifests(|path| Some(manifest::kind(path)?.tools.to_vec())) {
        let Some(kind) = manifest::kind(&path) else { continue };
        let has_lock = |folder: &str| {
            let place = |name: &&str| if folder.is_empty() { (*name).to_owned() } else { format!("{folder}/{name}") };
            kind.locks.iter().any(|name| listing.has_file(&place(name)))
        };
        if manifest::folders_above(&path).any(has_lock) {
            continue;
        }
        if subject.text(&path).is_some_and(|text| (kind.needs)(&text)) {
            let folder = Some(folder_of(&path)).filter(|folder| !folder.is_empty()).unwrap_or(".");
            let message = format!("{at} builds of `{path}`, and `{folder}` has no {}", names(kind.locks));
            subject.state(problems, &path, 0..0, &path, message);
        }
    }
}

fn names(locks: &[&str]) -> String {
    let shown: Vec<&str> = locks.iter().take(3).copied().collect();
    shown.join(" or ")
}
