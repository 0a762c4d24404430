//! Manuals, documents and translations, on request; licences stay.

use std::collections::BTreeSet;

use super::{Removal, Transform, Wishes};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::layer::EntryKind;
use crate::report::bytes;

/// The transform.
pub(super) struct Documentation;

/// Folders of the Filesystem Hierarchy Standard 3.0 and of the distributions that nothing reads when a service runs.
const FOLDERS: &[&str] = &[
    "usr/share/doc",
    "usr/share/man",
    "usr/share/info",
    "usr/share/locale",
    "usr/share/help",
    "usr/share/gtk-doc",
    "usr/share/lintian",
    "usr/share/linda",
    "usr/local/share/doc",
    "usr/local/share/man",
    "usr/local/man",
];

impl Transform for Documentation {
    fn name(&self) -> &'static str {
        "documentation"
    }

    fn summary(&self) -> &'static str {
        "remove manuals, documents and translations, but no licence (--remove docs)"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        if !wishes.remove.contains(&Removal::Docs) {
            return;
        }
        let view = draft.view.clone();
        let mut step = Step::new(self.name(), "remove documentation", "it was asked for with --remove docs");
        for folder in FOLDERS {
            let all = (0..view.layers()).flat_map(|layer| view.entries_of(layer));
            let in_folder = all.filter(|(place, entry)| {
                entry.kind != EntryKind::Directory && is_in(place, folder) && !is_licence(place)
            });
            let paths: BTreeSet<FilePath> = in_folder.map(|(place, _)| place.clone()).collect();
            if !paths.is_empty() {
                let lost = draft.erase(&paths);
                step.changes.push(Change::new(format!("/{folder}"), format!("{} removed", bytes(lost))));
            }
        }
        draft.note(step);
    }
}

fn is_in(place: &FilePath, folder: &str) -> bool {
    place.as_bytes().strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
}

/// What must go along with a program: Debian's `copyright`, and files that are named as licences.
fn is_licence(place: &FilePath) -> bool {
    let path = place.to_string().to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    ["copyright", "license", "licence", "copying", "notice"].iter().any(|word| name.starts_with(word))
}
