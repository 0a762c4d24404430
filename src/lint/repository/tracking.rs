//! What git keeps, and what `.gitignore` files keep out of it.

use std::collections::BTreeSet;

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::workload::{Files, folder_of};

/// Longest `.gitignore`, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// How a folder is kept.
#[derive(Clone, Debug, Default)]
pub struct Tracking {
    /// What git keeps, by the path from the root of what is looked at; none where there is no git to ask, or no checkout.
    pub tracked: Option<BTreeSet<String>>,
    /// It is a checkout of git.
    pub is_checkout: bool,
    /// Why git did not tell what it keeps.
    pub unread: Option<String>,
}

impl Tracking {
    /// Whether git keeps something in a folder.
    #[must_use]
    pub fn keeps_below(&self, folder: &str) -> bool {
        let start = format!("{folder}/");
        let next = self.tracked.as_ref().and_then(|tracked| tracked.range(start.clone()..).next());
        next.is_some_and(|path| path.starts_with(&start))
    }

    /// Whether git keeps a file.
    #[must_use]
    pub fn keeps(&self, path: &str) -> bool {
        self.tracked.as_ref().is_some_and(|tracked| tracked.contains(path))
    }
}

/// Whether the `.gitignore` files of a path's folders keep it out of git. The user's own settings and `.git/info/exclude` are not in the repository and count for nothing.
///
/// Source: gitignore(5). The file of the deeper folder counts before that of one above, and what is in a folder that is kept out stays out.
#[must_use]
pub fn is_ignored(path: &str, from: &dyn Files) -> bool {
    let mut folders: Vec<&str> =
        std::iter::successors(Some(folder_of(path)), |folder| (!folder.is_empty()).then(|| folder_of(folder)))
            .collect();
    folders.reverse();
    let rules: Vec<(&str, Gitignore)> =
        folders.into_iter().filter_map(|folder| Some((folder, read(folder, from)?))).collect();
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| {
        let (part, is_folder) = (path.get(..end).unwrap_or_default(), end < path.len());
        let said = rules.iter().rev().find_map(|(folder, rules)| {
            let inner = if folder.is_empty() { part } else { part.strip_prefix(folder)?.strip_prefix('/')? };
            match rules.matched(inner, is_folder) {
                Match::None => None,
                Match::Ignore(_) => Some(true),
                Match::Whitelist(_) => Some(false),
            }
        });
        said == Some(true)
    })
}

fn read(folder: &str, from: &dyn Files) -> Option<Gitignore> {
    let path = if folder.is_empty() { ".gitignore".to_owned() } else { format!("{folder}/.gitignore") };
    let bytes = from.read(&path).ok().filter(|bytes| bytes.len() <= MAX_BYTES)?;
    let mut builder = GitignoreBuilder::new("");
    for line in String::from_utf8_lossy(&bytes).lines() {
        // git passes over a line that is no pattern.
        let _ = builder.add_line(None, line);
    }
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Fixed(BTreeMap<&'static str, &'static str>);

    impl Files for Fixed {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.0.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| "none".to_owned())
        }
    }

    /// What `git check-ignore` answers.
    #[test]
    fn ignored_as_git_ignores() {
        let files = Fixed(BTreeMap::from([
            (".gitignore", ".env*\n!.env.example\n/build\n*.pem\n"),
            ("a/.gitignore", "!.env\n!b.pem\n"),
            ("build/.gitignore", "!x\n"),
        ]));
        for (path, expected) in [
            (".env", true),
            (".env.local", true),
            (".env.example", false),
            ("a/.env", false),
            ("a/.env.local", true),
            ("a/b.pem", false),
            ("a/c.pem", true),
            ("build/x", true),
            ("a/build/x", false),
        ] {
            assert_eq!(is_ignored(path, &files), expected, "{path}");
        }
    }
}
