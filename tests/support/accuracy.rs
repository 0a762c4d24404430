//! Sections of `docs/accuracy.md`, which the tests prove: each compares its part, or writes it with `UPDATE_DOCS=1`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

/// The heading of the table of package lists.
const LISTS: &str = "## The same packages as the ecosystems' own tools";

/// Proves, or writes, that a list of so many packages, which `tool` made of `what`, is the same as ours.
#[track_caller]
pub(crate) fn listed(tool: &str, what: &str, packages: usize) {
    let row = |(tool, what): &(String, String), count: &usize| format!("| {tool} | {what} | {count} |\n");
    let key = (tool.to_owned(), what.to_owned());
    section(LISTS, |old| {
        let mut rows = rows(old);
        rows.insert(key.clone(), packages);
        let lines: String = rows.iter().map(|(key, count)| row(key, count)).collect();
        let total: usize = rows.values().sum();
        format!(
            "{LISTS}\n\n{} lists with {total} packages: none is missing, none is too much.\n\n| list of | what | packages |\n|---|---|---|\n{lines}\n\
             Besides these, the tests compare what the machine that runs them has installed with its own dpkg, pip, npm, RubyGems and R.\n",
            rows.len()
        )
    });
}

/// The rows that the section has.
fn rows(section: &str) -> BTreeMap<(String, String), usize> {
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ");
        let (tool, what, count) = (cells.next()?, cells.next()?, cells.next()?.parse().ok()?);
        Some(((tool.to_owned(), what.to_owned()), count))
    };
    section.lines().filter_map(row).collect()
}

/// Proves that a section is what `make` makes of it, or writes it so.
#[track_caller]
pub(crate) fn section(heading: &str, make: impl Fn(&str) -> String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/accuracy.md");
    // Several tests write to the page at a time.
    let lock = File::open(path.parent().expect("a folder")).expect("the folder");
    lock.lock().expect("locked");
    let page = fs::read_to_string(&path).unwrap_or_else(|_| "# Accuracy, measured\n".to_owned());
    let start = page.find(&format!("{heading}\n")).unwrap_or(page.len());
    let rest = page[start..].get(3..).and_then(|rest| rest.find("\n## ")).map_or(page.len(), |at| start + at + 4);
    let made = make(&page[start..rest]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let (before, after) = (page[..start].trim_end(), &page[rest..]);
        let gap = if after.is_empty() { "" } else { "\n" };
        fs::write(&path, format!("{before}\n\n{made}{gap}{after}")).expect("written");
    } else {
        assert_eq!(page[start..rest].trim_end(), made.trim_end(), "renew docs/accuracy.md with UPDATE_DOCS=1");
    }
}
