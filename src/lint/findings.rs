//! Problems of a file to findings like those about an image.

use std::collections::BTreeMap;

use super::ignore::Ignore;
use super::{Meta, Problem};
use crate::dockerfile::Source;
use crate::finding::{self, Finding, Kind, Location, Region};
use crate::secret::Scanner;

/// Longest line that is shown, in characters.
const MAX_SHOWN: usize = 160;

/// The findings of one file, the same problem at several places as one.
#[must_use]
pub fn findings(
    path: &str,
    source: &Source,
    problems: &[Problem],
    ignores: &[Ignore],
    today: jiff::civil::Date,
) -> Vec<Finding> {
    let mut found: BTreeMap<(&str, String), Finding> = BTreeMap::new();
    for problem in problems {
        let set_aside = ignores.iter().find(|ignore| ignore.sets_aside(problem, today)).map(Ignore::decision);
        // A place that somebody answers for is a finding of its own, so that it takes no other place with it.
        let identity = match &set_aside {
            None => format!("{path}\0{}", problem.subject),
            Some(_) => format!("{path}\0{}\0set aside", problem.subject),
        };
        let place = place(path, source, problem);
        let new = || Finding {
            confidence: problem.confidence,
            aliases: problem.meta.aliases.iter().map(|alias| (*alias).to_owned()).collect(),
            set_aside,
            ..Finding::new(
                Kind::Lint,
                problem.meta.id,
                problem.severity,
                Scanner::in_use().redact(&problem.message),
                &identity,
            )
            .advise(problem.meta.advice)
        };
        let finding = found.entry((problem.meta.id, identity.clone())).or_insert_with(new);
        finding.severity = finding.severity.max(problem.severity);
        finding.locations.entry(place).or_default();
    }
    found.into_values().collect()
}

/// What is told of comments that count for nothing.
pub fn defects<'a>(
    path: &'a str,
    source: &'a Source,
    ignores: &'a [Ignore],
    today: jiff::civil::Date,
) -> impl Iterator<Item = Finding> + 'a {
    ignores.iter().filter_map(move |ignore| {
        let reason = ignore.defect(today)?;
        let title = format!("the comment that ignores {} counts for nothing: {reason}", ignore.rules.join(", "));
        let identity = format!("{path}\0{}", ignore.rules.join(","));
        let finding = Finding::new(Kind::Lint, VOID_IGNORE.id, VOID_IGNORE.severity, title, identity);
        let place =
            Location::Source { path: path.to_owned(), region: region(source, &ignore.span), text: None, fix: None };
        Some(finding.at(place).advise(VOID_IGNORE.advice))
    })
}

/// The rule of comments that count for nothing; it has no check, since it is about what the others say.
pub static VOID_IGNORE: Meta = Meta {
    id: "void-ignore",
    severity: crate::advisory::model::Severity::Low,
    summary: "a comment that ignores a rule counts for nothing",
    why: "Whoever wrote it believes that the rule is set aside. Without a reason nobody can tell later whether it still holds, and past its day it was meant to be looked at again.",
    advice: "write # imgguard ignore=RULE reason=\"why\" expires=YYYY-MM-DD, or remove the comment",
    aliases: &[],
    sources: &[],
    default: true,
};

fn place(path: &str, source: &Source, problem: &Problem) -> Location {
    let fix = problem.fix.as_ref().map(|fix| finding::Fix {
        title: fix.title.to_owned(),
        edits: fix.edits.iter().map(|edit| (region(source, &edit.range), edit.text.clone())).collect(),
    });
    Location::Source { path: path.to_owned(), region: region(source, &problem.span), text: shown(source, problem), fix }
}

fn region(source: &Source, span: &std::ops::Range<usize>) -> Region {
    let (start, end) = (source.place(span.start), source.place(span.end));
    Region { line: start.line, column: start.column, end_line: end.line, end_column: end.column }
}

/// The line of a problem; what is about a file as a whole has none.
fn shown(source: &Source, problem: &Problem) -> Option<String> {
    let has_line = !problem.is_secret && !problem.span.is_empty();
    let (_, line) = source.line(source.place(problem.span.start).line).filter(|_| has_line)?;
    // A rule that has nothing to do with secrets may meet one on its line.
    Some(Scanner::in_use().redact(&line.chars().take(MAX_SHOWN).collect::<String>()))
}
