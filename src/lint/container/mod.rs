//! How containers are run: what rules look at, and the list of all rules. One rule is about Compose services and containers of pods alike.

mod rules;
mod subject;

pub use rules::RULES;
pub use subject::Subject;

use super::ignore::{self, Ignore};
use super::{Check, Problem, Problems, Surroundings};
use crate::workload::{File, Workload};

/// Runs every rule about how containers are run on each of them.
#[must_use]
pub fn run(workload: &Workload, around: Surroundings<'_>) -> Vec<Problem> {
    let mut found = Problems::collect(RULES.iter().copied(), around.options, |check, problems| {
        let Check::Container(check) = check else { return };
        for container in &workload.containers {
            check(&Subject { workload, container, around }, problems);
        }
    });
    let parts: Vec<_> =
        workload.containers.iter().filter(|container| container.is_part).map(|container| &container.at).collect();
    found.retain(|problem| !parts.iter().any(|at| at.file == problem.file && at.span == problem.span));
    found
}

/// The comments of a file that set problems aside. One counts for the entry on its line or, alone on a line, for the one after it, with what is indented below.
#[must_use]
pub fn ignores(file: &File) -> Vec<Ignore> {
    let text = String::from_utf8_lossy(&file.bytes);
    let read = |comment: &crate::workload::yaml::Comment| {
        ignore::parse(comment.text.trim_start(), &comment.span, scope(&text, comment.span.start))
    };
    file.comments.iter().filter_map(read).collect()
}

/// What a comment at a place is about.
fn scope(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_said = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut place = start;
    let mut begun: Option<(usize, usize)> = None;
    for line in text.get(start..).unwrap_or_default().split_inclusive('\n') {
        let end = place + line.len();
        match begun {
            None if is_said(line) => begun = Some((place, indent(line))),
            // A list may stand as deep as the key that it belongs to.
            Some((first, depth)) if is_said(line) => {
                let is_item = indent(line) == depth && line.trim_start().starts_with("- ");
                let began_with_item = text.get(first..).is_some_and(|text| text.trim_start().starts_with("- "));
                if indent(line) <= depth && (!is_item || began_with_item) {
                    return first..place;
                }
            }
            _ => {}
        }
        place = end;
    }
    begun.map_or(0..0, |(first, _)| first..place)
}

#[cfg(test)]
mod tests {
    use super::scope;

    #[test]
    fn comments_are_about_what_follows_or_stands_beside_them() {
        let text = "services:\n  # one\n  web:\n    ports: # two\n    - a\n    - b # three\n    user: x\n  db:\n    image: y # four\n";
        let of = |word: &str| &text[scope(text, text.find(&format!("# {word}")).unwrap())];
        assert!(of("one").starts_with("  web:") && of("one").ends_with("user: x\n"), "{}", of("one"));
        assert_eq!(of("two"), "    ports: # two\n    - a\n    - b # three\n");
        assert_eq!(of("three"), "    - b # three\n");
        assert_eq!(of("four"), "    image: y # four\n");
    }
}
