//! `requirements.txt`: a lock file where every line pins one version.
//!
//! Source: pip's documentation, "Requirements File Format" and "Requirement Specifiers" (PEP 508).

use std::borrow::Cow;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static REQUIREMENTS: LockFile = LockFile {
    meta: &Meta {
        name: "language/requirements",
        summary: "distributions that requirements files pin",
        required: false,
        doc: "**Reads** `requirements.txt`, names that end in `requirements.txt` or begin with `requirements-` or `requirements_`, and the files of a folder `requirements`, up to 8 MiB.\n\n**Reports** every \
              distribution that is pinned to one version (`==`, `===`), with any marker.\n\n**Cannot see** ranges, addresses and files that it includes (`-r`, `-c`), which are told; whether what is pinned is \
              all that is installed.\n\n**Since** 0.2.0",
    },
    is_named: |entry| is_requirements(entry.path),
    parse,
};

fn is_requirements(path: &[u8]) -> bool {
    let mut parts = path.rsplit(|byte| *byte == b'/');
    let name = parts.next().unwrap_or_default();
    name.ends_with(b".txt")
        && (name.ends_with(b"requirements.txt")
            || name.starts_with(b"requirements-")
            || name.starts_with(b"requirements_")
            || parts.next() == Some(b"requirements"))
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for line in logical_lines(text) {
        let line = without_comment(&line);
        // Behind the requirement stand its own options, such as `--hash` or `-C`.
        let requirement = line.split(" -").next().unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if let Some(option) = line.strip_prefix('-') {
            let includes = ["r", "c", "-requirement", "-constraint", "e", "-editable"];
            if includes
                .iter()
                .any(|include| option.strip_prefix(include).is_some_and(|rest| rest.starts_with([' ', '='])))
            {
                found.open(format_args!("`{line}`"));
            }
        } else if let Some((name, version)) = pinned(requirement) {
            found.package(PackageKind::PyPi, name, version, Scope::Runtime);
        } else if !requirement.is_empty() {
            found.open(format_args!("`{}`", requirement.chars().take(80).collect::<String>()));
        }
    }
    Ok(())
}

/// Lines, with those joined that end in a backslash.
fn logical_lines(text: &str) -> Vec<Cow<'_, str>> {
    let mut lines: Vec<Cow<'_, str>> = Vec::new();
    let mut is_continued = false;
    for line in text.lines() {
        let (content, continues) = line.strip_suffix('\\').map_or((line, false), |content| (content, true));
        match lines.last_mut() {
            Some(last) if is_continued => last.to_mut().push_str(content),
            _ => lines.push(Cow::Borrowed(content)),
        }
        is_continued = continues;
    }
    lines
}

/// A comment begins at `#` at the start of a line or behind a space.
fn without_comment(line: &str) -> &str {
    let at = line.char_indices().zip(std::iter::once(' ').chain(line.chars()));
    let comment = at.into_iter().find(|((_, character), before)| *character == '#' && before.is_whitespace());
    comment.and_then(|((at, _), _)| line.get(..at)).unwrap_or(line).trim()
}

/// Name and version of `NAME[EXTRAS] == VERSION`.
fn pinned(requirement: &str) -> Option<(&str, &str)> {
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    let end = requirement.find(|character| !is_of_name(character))?;
    let (name, rest) = requirement.split_at_checked(end)?;
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']')?.1.trim_start(),
        None => rest,
    };
    let rest = rest.strip_prefix('(').map_or(rest, |rest| rest.trim_end_matches(')'));
    let version = rest.strip_prefix("===").or_else(|| rest.strip_prefix("=="))?.trim();
    let is_one = !name.is_empty() && !version.is_empty() && !version.contains([',', '*', ' ', '$']);
    is_one.then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn only_one_version_is_a_package() {
        let text = "# made by a tool\n--index-url https://index.example/simple\nA==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:01\nb[x, y] == 2.0 ; python_version < '3.9'  # via a\nc===3.0+local\nd (==4.0)\n\
                    e>=5\nf==6.*\ng @ https://files.example/g-1.0.zip#sha256=00\n-r other.txt\n-e ./own\nh==1.0,!=1.1\n./own\ni\n";
        assert_eq!(packages(&REQUIREMENTS, text), ["A 1.0", "b 2.0", "c 3.0+local", "d 4.0"]);
        assert_eq!(open(&REQUIREMENTS, text), ["8 entries are left open, the first: `e>=5`"]);
    }

    #[test]
    fn names_of_files() {
        for path in
            ["requirements.txt", "app/dev-requirements.txt", "app/requirements-dev.txt", "app/requirements/base.txt"]
        {
            assert!(is_requirements(path.as_bytes()), "{path}");
        }
        for path in ["app/requirements.in", "app/notes.txt", "app/requirements/README.md"] {
            assert!(!is_requirements(path.as_bytes()), "{path}");
        }
    }
}
