//! in-toto statements that builders attach to images: a document to search, and the arguments that the build was given.

use super::parse;

/// How BuildKit names an argument among the parameters of a build (BuildKit `docs/attestations/slsa-definitions.md`).
const ARGUMENT: &str = "build-arg:";

/// The build's arguments, wherever the form of the statement has them.
pub(super) fn arguments(statement: &[u8]) -> Vec<(String, String)> {
    let Ok(document) = serde_json::from_slice(statement) else { return Vec::new() };
    let mut arguments = Vec::new();
    parse::walk_json(&document, &mut |_, name, value| {
        if let Some(name) = name.strip_prefix(ARGUMENT) {
            arguments.push((name.to_owned(), value.to_owned()));
        }
    });
    arguments
}
