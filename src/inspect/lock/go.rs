//! `go.mod`: since Go 1.17 it lists every module that a build needs.
//!
//! Source: Go Modules Reference, "`go.mod` files"; Go Toolchains, "Go toolchain selection".

use std::collections::BTreeMap;

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static GO_MOD: LockFile = LockFile {
    meta: &Meta {
        name: "language/go-mod",
        summary: "modules that a Go module requires",
        required: false,
        doc: "**Reads** `go.mod`, up to 8 MiB.\n\n**Reports** every required module (the replacement where another module replaces it), and Go's own standard library as `stdlib`, in the version that `toolchain` \
              or else `go` asks for.\n\n**Cannot see** what the dependencies of a file of Go 1.16 or older need, which is told; modules of `go.work`, replacements by folders; `go.sum`, which lists modules that no \
              build uses.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"go.mod",
    parse,
};

/// The first release whose `go.mod` lists what dependencies need: Go 1.17.
const COMPLETE_SINCE: u32 = 17;

/// A module's path and version.
type Versioned<'t> = (&'t str, &'t str);

#[derive(Default)]
struct Module<'t> {
    go: Option<&'t str>,
    toolchain: Option<&'t str>,
    requires: Vec<Versioned<'t>>,
    /// By module and version, or module alone; a folder is none.
    replaces: BTreeMap<(&'t str, Option<&'t str>), Option<Versioned<'t>>>,
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let module = read(text)?;
    for required in &module.requires {
        let (path, version) = *required;
        let replaced = module.replaces.get(&(path, Some(version))).or_else(|| module.replaces.get(&(path, None)));
        if let Some((path, version)) = replaced.copied().unwrap_or(Some(*required)) {
            found.package(PackageKind::Go, path, version, Scope::Runtime);
        }
    }
    let toolchain = module.toolchain.and_then(|name| name.strip_prefix("go")).and_then(|rest| rest.split('-').next());
    if let Some(version) = toolchain.or(module.go) {
        found.package(PackageKind::Go, "stdlib", version, Scope::Runtime);
    }
    if is_incomplete(module.go) && !module.requires.is_empty() {
        found.open(
            "what its dependencies need: files of Go 1.16 and older do not list it, `go mod tidy -go=1.17` adds it",
        );
    }
    Ok(())
}

/// Whether the file is of a Go that lists direct dependencies alone. Without a `go` line it is 1.16.
fn is_incomplete(go: Option<&str>) -> bool {
    let minor = |version: &str| version.strip_prefix("1.")?.split(['.', 'r', 'b']).next()?.parse::<u32>().ok();
    go.is_none_or(|version| minor(version).is_some_and(|minor| minor < COMPLETE_SINCE))
}

/// Directives, alone or in blocks of one verb.
fn read(text: &str) -> Result<Module<'_>, InspectError> {
    let mut module = Module::default();
    let mut block: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line
            .split("//")
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '`']))
            .collect();
        let malformed = || InspectError::Line { line: index + 1, reason: "not a directive of go.mod" };
        match (block, words.as_slice()) {
            (_, []) => {}
            (Some(_), [")"]) => block = None,
            (Some(verb), rest) => directive(verb, rest, &mut module).ok_or_else(malformed)?,
            (None, [verb, "("]) => block = Some(verb),
            (None, [verb, rest @ ..]) => directive(verb, rest, &mut module).ok_or_else(malformed)?,
        }
    }
    Ok(module)
}

/// Takes one directive; none where its words do not fit its verb. Verbs that say nothing of versions are passed over, as are those of a later Go.
fn directive<'t>(verb: &str, words: &[&'t str], module: &mut Module<'t>) -> Option<()> {
    match (verb, words) {
        ("go", [version]) => module.go = Some(version),
        ("toolchain", [name]) => module.toolchain = Some(name).filter(|name| **name != "default").copied(),
        ("require", [path, version]) => module.requires.push((path, version)),
        ("replace", rest) => {
            let arrow = rest.iter().position(|word| *word == "=>")?;
            let (old, new) = (rest.get(..arrow)?, rest.get(arrow + 1..)?);
            let new = match new {
                [path, version] => Some((*path, *version)),
                [_folder] => None,
                _ => return None,
            };
            module.replaces.insert((old.first()?, old.get(1).copied()), new);
        }
        ("go" | "toolchain" | "require", _) => return None,
        _ => {}
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn replacements_and_the_standard_library() {
        let text = "module example.org/app // app\n\ngo 1.21.3\n\ntoolchain go1.22.1-custom\n\nrequire a.example/b v1.0.0\n\nrequire (\n\tc.example/d v0.1.0 // indirect\n\t\"e.example/f\" v2.0.0+incompatible\n\
                    \tg.example/h v1.2.0\n)\n\nreplace (\n\tc.example/d => n.example/d v0.2.0\n\te.example/f v2.0.0+incompatible => ../f\n\tg.example/h v1.1.0 => x.example/h v9.0.0\n)\n\nexclude a.example/b v0.9.0\nretract [v1.0.0, v1.1.0]\nignore ./x\n";
        assert_eq!(
            packages(&GO_MOD, text),
            ["a.example/b v1.0.0", "g.example/h v1.2.0", "n.example/d v0.2.0", "stdlib 1.22.1"]
        );
        assert_eq!(open(&GO_MOD, text), [""; 0]);
    }

    #[test]
    fn old_files_list_direct_dependencies_alone() {
        assert!(open(&GO_MOD, "module a\n\ngo 1.16\n\nrequire a.example/b v1.0.0\n")[0].contains("go mod tidy"));
        assert!(
            is_incomplete(None)
                && !is_incomplete(Some("1.17"))
                && !is_incomplete(Some("1.21rc2"))
                && is_incomplete(Some("1.9"))
        );
    }
}
