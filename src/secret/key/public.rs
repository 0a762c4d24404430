//! Private keys and tokens that everyone has, since they are shipped with test suites and documents: they open nothing.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The list; its text is part of the rules' revision.
pub(crate) const SOURCE: &str = include_str!("../../../policies/secrets/published-keys.toml");

#[derive(Deserialize)]
struct List {
    /// Where keys are published, and the SHA-256 of what identifies each.
    keys: BTreeMap<String, Vec<String>>,
    /// The same of tokens.
    tokens: BTreeMap<String, Vec<String>>,
}

/// Where a key with this public half, or with this body, or this token, is published. The list is read when the first one is met.
pub(in crate::secret) fn published(identity: &[u8]) -> Option<&'static str> {
    static LIST: OnceLock<BTreeMap<String, String>> = OnceLock::new();
    let list = LIST.get_or_init(|| {
        let of_place = |(place, keys): (String, Vec<String>)| keys.into_iter().map(move |key| (key, place.clone()));
        let list = toml::from_str::<List>(SOURCE).ok();
        list.into_iter().flat_map(|list| list.keys.into_iter().chain(list.tokens)).flat_map(of_place).collect()
    });
    list.get(&hex(&Sha256::digest(identity))).map(String::as_str)
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_whole_and_names_no_key_twice() {
        let list: List = toml::from_str(SOURCE).unwrap();
        let keys: Vec<&String> = list.keys.values().chain(list.tokens.values()).flatten().collect();
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert!(
            keys.len() > 1000 && different.len() == keys.len(),
            "{} keys, {} different",
            keys.len(),
            different.len()
        );
        assert!(keys.iter().all(|key| key.len() == 64 && key.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
