//! `Gemfile.lock` and `gems.locked`: the gems of a Ruby project.
//!
//! Source: Bundler's `lib/bundler/lockfile_parser.rb`.

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static BUNDLER: LockFile = LockFile {
    meta: &Meta {
        name: "language/gemfile-lock",
        summary: "gems locked by Bundler",
        required: false,
        doc: "**Reads** `Gemfile.lock` and `gems.locked`, up to 8 MiB.\n\n**Reports** every gem of a server or of git, once for all platforms it is locked for; gems of a `PATH` are the project's own.\n\n\
              **Cannot see** groups, which stand in the Gemfile; Bundler itself.\n\n**Since** 0.2.0",
    },
    is_named: |entry| matches!(entry.name(), b"Gemfile.lock" | b"gems.locked"),
    parse,
};

/// Sections begin in the first column; `    name (version)` in one's `specs` is a gem, and what is indented deeper are its needs.
fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let (mut is_source, mut is_specs) = (false, false);
    for (index, line) in text.lines().enumerate() {
        if line.starts_with("<<<<<<<") || line.starts_with(">>>>>>>") {
            return Err(InspectError::Line { line: index + 1, reason: "a merge conflict" });
        }
        if !line.starts_with(' ') {
            is_source = matches!(line.trim_end(), "GEM" | "GIT" | "PLUGIN SOURCE");
            is_specs = false;
        } else if line.trim_end() == "  specs:" {
            is_specs = is_source;
        } else if let Some(spec) = line.strip_prefix("    ").filter(|spec| is_specs && !spec.starts_with(' ')) {
            match spec.trim_end().strip_suffix(')').and_then(|spec| spec.split_once(" (")) {
                // `1.15.0-x86_64-linux`: versions have no dash, platforms follow one.
                Some((name, version)) => {
                    let version = version.split('-').next().unwrap_or(version);
                    found.package(PackageKind::Gem, name, version, Scope::Runtime);
                }
                None => found.open(format_args!("`{}`", spec.trim())),
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::packages;
    use super::*;

    #[test]
    fn sections() {
        let lock = "GIT\n  remote: https://git.example/g.git\n  revision: 0badcafe\n  specs:\n    g (0.1.0)\n      a (>= 1)\n\nPATH\n  remote: .\n  specs:\n    own (1.0.0)\n      a\n\nGEM\n  remote: https://gems.example/\n  specs:\n    a (1.2.3)\n      b (~> 2)\n    b (2.0.0.pre1)\n\
                    \x20   n (1.15.0)\n    n (1.15.0-x86_64-linux)\n\nPLATFORMS\n  ruby\n\nDEPENDENCIES\n  a (~> 1)\n  own!\n\nCHECKSUMS\n  a (1.2.3) sha256=00\n\nBUNDLED WITH\n   2.4.20\n";
        assert_eq!(packages(&BUNDLER, lock), ["a 1.2.3", "b 2.0.0.pre1", "g 0.1.0", "n 1.15.0"]);
    }
}
