//! Exit codes: one documented constant each, and the one place that chooses between them.

/// Done, and nothing said no.
pub(super) const PASS: u8 = 0;
/// The policy, or `--fail-on`, says no.
pub(super) const REFUSED: u8 = 1;
/// Wrong usage, configuration or policy file.
pub(super) const USAGE: u8 = 2;
/// Could not finish: something required could not be read or does not have its digest, or an internal error.
pub(super) const INCOMPLETE: u8 = 3;
/// The advisory store is missing, damaged or refused.
pub(super) const STORE: u8 = 4;
/// The source could not be reached, was not found or did not authorise.
pub(super) const SOURCE: u8 = 5;

/// Every exit code with what it means and what to do, for the help and for `docs/exit-codes.md`.
static CODES: &[(u8, &str, &str)] = &[
    (
        PASS,
        "done, and nothing said no",
        "`scan` without `--fail-on` and `--policy` ends so whatever it found; `gate` decides.",
    ),
    (
        REFUSED,
        "the policy, or --fail-on, says no",
        "Read the report: it names the gates and findings, and for `verify` what was found and why it does not count. `diff --exit-code` ends so when anything differs.",
    ),
    (USAGE, "wrong usage, configuration or policy file", "Read the message; it says what was expected."),
    (
        INCOMPLETE,
        "could not finish: something required could not be read, or is not what its digest says",
        "The report names it under NOT READ. A policy about secrets or the configuration cannot be judged by a bill of materials. Content that does not have its digest is damaged or was replaced: fetch or build the image again.",
    ),
    (
        STORE,
        "the advisory store is missing, damaged or refused",
        "Make a store with `imgguard db update`, or leave out `--db` to use the embedded one.",
    ),
    (
        SOURCE,
        "the source could not be reached, was not found, or did not authorise",
        "Read the message; it names the host, what was being done, and what to do next.",
    ),
];

/// The codes as the end of the help.
pub(super) fn help() -> String {
    let line = |(code, meaning, _): &(u8, &str, &str)| format!("\n  {code}  {meaning}");
    format!("Exit codes:{}", CODES.iter().map(line).collect::<String>())
}

/// How one subject, or the whole run, ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Ending {
    /// Nothing said no.
    Pass,
    /// The advisory store could not be used.
    Store,
    /// Something required could not be read.
    Incomplete,
    /// The policy says no.
    Refused,
    /// The source could not be reached.
    Source,
    /// Wrong usage.
    Usage,
    /// Content does not have its digest: nothing can be believed.
    Mismatch,
}

impl Ending {
    /// The exit code. The order of the variants is the order in which one of several wins: a mismatch first, then 2, 5, 1, 3, 4, so that a
    /// definite no is never softened.
    #[must_use]
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Pass => PASS,
            Self::Refused => REFUSED,
            Self::Usage => USAGE,
            Self::Incomplete | Self::Mismatch => INCOMPLETE,
            Self::Store => STORE,
            Self::Source => SOURCE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_current() {
        let row = |(code, meaning, todo): &(u8, &str, &str)| format!("| `{code}` | {meaning} | {todo} |\n");
        let page = format!(
            "# Exit codes\n\n| code | meaning | what to do |\n|---|---|---|\n{}\n{PRECEDENCE}",
            CODES.iter().map(row).collect::<String>()
        );
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exit-codes.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            page,
            "renew it with UPDATE_DOCS=1 cargo test the_page_is_current"
        );
    }

    const PRECEDENCE: &str = "When several apply, content that does not have its digest wins, since then nothing can be believed: 3. Otherwise the first of 2, 5, 1, 3, 4, so that a\n\
        definite no is never softened. Several images share one run; the code is the worst of theirs by the same order.\n\n\
        A scan that could not read everything never passes a gate. A program that is interrupted ends with 130 or 143, as the shell reports signals. A reader that\n\
        closes the pipe early (`imgguard scan … | head`) is no error.\n\n\
        This page is made from `src/cli/exit.rs`.\n";

    #[test]
    fn a_definite_no_is_never_softened() {
        let worst = |endings: &[Ending]| endings.iter().max().copied().unwrap_or(Ending::Pass).code();
        assert_eq!(worst(&[]), 0);
        assert_eq!(worst(&[Ending::Refused, Ending::Incomplete, Ending::Store]), 1);
        assert_eq!(worst(&[Ending::Source, Ending::Refused]), 5);
        assert_eq!(worst(&[Ending::Usage, Ending::Source]), 2);
        assert_eq!(worst(&[Ending::Mismatch, Ending::Usage, Ending::Refused]), 3);
        assert_eq!(worst(&[Ending::Incomplete, Ending::Store]), 3);
    }
}
