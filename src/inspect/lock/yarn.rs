//! `yarn.lock`, of Yarn 1 in a format of its own and of later ones in YAML.
//!
//! Source: Yarn 1's `lockfile` package (`src/lockfile/parse.js`); Yarn's documentation, "Lexicon" and "Protocols".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, InspectError, LockFile, Meta, yaml};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static YARN: LockFile = LockFile {
    meta: &Meta {
        name: "language/yarn-lock",
        summary: "packages locked by Yarn",
        required: false,
        doc: "**Reads** `yarn.lock` of Yarn 1 and of all later ones, up to 8 MiB.\n\n**Reports** every package that comes from elsewhere, an alias under the package's own name; workspaces, linked folders \
              and portals are the project's own.\n\n**Cannot see** which packages are only for development: the file does not tell.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"yarn.lock",
    parse,
};

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let is_yaml = text.lines().any(|line| line.starts_with("__metadata:"));
    if is_yaml { berry(text, found) } else { classic(text, found) }
}

/// An entry of Yarn 2 and later; `__metadata` has none of these but a version.
#[derive(Deserialize)]
struct Entry {
    version: Option<serde_json::Value>,
    resolution: Option<String>,
    #[serde(rename = "linkType")]
    link_type: Option<String>,
}

fn berry(text: &str, found: &mut Found) -> Result<(), InspectError> {
    for document in yaml::<BTreeMap<String, Entry>>(text)? {
        for (key, entry) in document.iter().filter(|(key, _)| *key != "__metadata") {
            // A hard link is a copy of something from elsewhere, a soft one leads to a folder of the project.
            if entry.link_type.as_deref() == Some("soft") {
                continue;
            }
            let (name, version) = (entry.resolution.as_deref().and_then(name_and_range), entry.version.as_ref());
            match (name, version.and_then(|version| version.as_str())) {
                (Some((name, _)), Some(version)) => found.package(PackageKind::Npm, name, version, Scope::Runtime),
                _ => found.open(format_args!("`{key}`")),
            }
        }
    }
    Ok(())
}

/// Blocks that begin with `"NAME@RANGE", NAME@RANGE:` in the first column; fields are indented.
fn classic(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let mut descriptor: Option<String> = None;
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            let Some(keys) = line.trim_end().strip_suffix(':') else {
                return Err(InspectError::Line { line: index + 1, reason: "neither an entry nor a field of one" });
            };
            if let Some(open) = descriptor.replace(first_key(keys).to_owned()) {
                found.open(format_args!("`{open}`"));
            }
            continue;
        }
        let field = line.strip_prefix("  ").filter(|field| !field.starts_with(' '));
        // Some editions quote everything.
        let version =
            field.and_then(|field| field.strip_prefix("version ").or_else(|| field.strip_prefix("\"version\" ")));
        if let (Some(version), Some(_)) = (version, &descriptor) {
            let descriptor = descriptor.take().unwrap_or_default();
            classic_entry(&descriptor, version.trim().trim_matches('"'), found);
        }
    }
    Ok(())
}

fn classic_entry(descriptor: &str, version: &str, found: &mut Found) {
    let (name, range) = name_and_range(descriptor).unwrap_or((descriptor, ""));
    if range.starts_with("file:") && !range.ends_with(".tgz") && !range.ends_with(".tar.gz")
        || range.starts_with("link:")
    {
        return;
    }
    // `alias@npm:name@range`; an alias without a range is `alias@npm:name`.
    let name = range.strip_prefix("npm:").map_or(name, |real| name_and_range(real).map_or(real, |(name, _)| name));
    found.package(PackageKind::Npm, name, version, Scope::Runtime);
}

/// The first of several keys, without its quotes. A quoted key may hold `, `.
fn first_key(keys: &str) -> &str {
    match keys.strip_prefix('"') {
        Some(rest) => rest.split('"').next().unwrap_or_default(),
        None => keys.split(", ").next().unwrap_or_default(),
    }
}

/// `NAME@RANGE`, `@SCOPE/NAME@RANGE`.
pub(super) fn name_and_range(descriptor: &str) -> Option<(&str, &str)> {
    let at = descriptor.char_indices().skip(1).find(|(_, character)| *character == '@')?.0;
    Some((descriptor.get(..at)?, descriptor.get(at + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn yarn_one() {
        let lock = "# yarn lockfile v1\n\n\n\"@s/a@^1.0.0, ^1.1.0\", \"@s/a@^1.2.0\":\n  version \"1.2.3\"\n  resolved \"https://r.example/a.tgz#00\"\n  dependencies:\n    version \"^9\"\n\n\
                    b@1, b@^1.0.0:\n  version \"1.5.0\"\n\n\"other@npm:@s/real@^3\":\n  version \"3.1.0\"\n\n\"own@file:../own\":\n  version \"0.0.0\"\n\nnothing@1:\n  resolved \"x\"\n\nc@1:\n  version \"1.0.0\"\n";
        assert_eq!(packages(&YARN, lock), ["@s/a 1.2.3", "@s/real 3.1.0", "b 1.5.0", "c 1.0.0"]);
        assert_eq!(open(&YARN, lock), ["an entry is left open: `nothing@1`"]);
    }

    #[test]
    fn later_yarns() {
        let lock = "__metadata:\n  version: 8\n  cacheKey: 10c0\n\n\"@s/a@npm:^1.0.0\":\n  version: 1.2.3\n  resolution: \"@s/a@npm:1.2.3\"\n  checksum: 10c0/00\n  languageName: node\n  linkType: hard\n\n\
                    \"app@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"app@workspace:.\"\n  dependencies:\n    \"@s/a\": \"npm:^1.0.0\"\n  languageName: unknown\n  linkType: soft\n\n\
                    \"other@npm:real@^3\":\n  version: 3.1.0\n  resolution: \"real@npm:3.1.0\"\n  languageName: node\n  linkType: hard\n\n\
                    \"a@patch:a@npm%3A2#~/.yarn/patches/a.patch\":\n  version: 2.0.0\n  resolution: \"a@patch:a@npm%3A2.0.0#~/.yarn/patches/a.patch::version=2.0.0&hash=00\"\n  languageName: node\n  linkType: hard\n";
        assert_eq!(packages(&YARN, lock), ["@s/a 1.2.3", "a 2.0.0", "real 3.1.0"]);
    }
}
