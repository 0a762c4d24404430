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
