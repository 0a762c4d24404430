//! What a token proves by itself, without asking anyone: checksums and structure.
//!
//! In comes a token, out goes a [`Verdict`]. A wrong checksum makes a token unlikely, and is no reason to hide it: published examples fail
//! theirs, and so does a real token of a format that changed.

mod aws;
mod azure;
mod bech32;
mod checksum;
mod discord;
mod gitlab;
mod jwt;
mod macaroon;
mod words;

pub(super) use jwt::decode_base64;
pub(super) use words::{
    counts_up, entropy, is_hash, is_illustration, is_password_hash, is_placeholder, looks_random, reads_as_words,
};

/// What a validator says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The checksum or the structure is right: high confidence.
    Valid,
    /// The checksum is wrong: low confidence.
    Invalid,
    /// This variant of the format has no checksum: the rule's confidence.
    Unknown,
    /// It is something else that only looks like it.
    Other,
}

impl Verdict {
    fn of(right: bool) -> Self {
        if right { Self::Valid } else { Self::Invalid }
    }
}

/// Judges a secret.
pub(super) type Validator = fn(&[u8]) -> Verdict;

/// The validators, by the name that rules use.
const VALIDATORS: &[(&str, Validator)] = &[
    ("atlassian", checksum::atlassian),
    ("aws-key-id", aws::key_id),
    ("aws-secret", aws::secret),
    ("azure-storage", azure::storage),
    ("age", bech32::age),
    ("digit", words::digit),
    ("discord", discord::bot),
    ("github", checksum::github),
    ("gitlab", gitlab::routable),
    ("grafana", checksum::grafana),
    ("jwt", jwt::jwt),
    ("jwt-inside", jwt::inside),
    ("mixed", words::mixed),
    ("pypi", macaroon::pypi),
    ("random", words::random),
    ("zuplo", checksum::zuplo),
];

/// The validator of this name.
pub(super) fn by_name(name: &str) -> Option<Validator> {
    VALIDATORS.iter().find(|(known, _)| *known == name).map(|(_, validator)| *validator)
}
