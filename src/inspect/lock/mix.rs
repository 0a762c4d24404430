//! `mix.lock` of Elixir projects and `rebar.lock` of Erlang ones.
//!
//! Source: Mix's `lib/mix/lib/mix/dep/lock.ex` and Hex's `lib/hex/utils.ex`; rebar3's `rebar_config:consult_lock_file`. Both are terms of their language, written by a formatter
//! with one form.

use super::{Found, InspectError, LockFile, Meta};
use crate::facts::{PackageKind, Scope};

pub(in crate::inspect) static MIX: LockFile = LockFile {
    meta: &Meta {
        name: "language/mix-lock",
        summary: "packages locked by Mix or rebar3",
        required: false,
        doc: "**Reads** `mix.lock` and `rebar.lock`, up to 8 MiB.\n\n**Reports** every package of Hex, an alias under the package's own name.\n\n**Cannot see** the version of what comes from git, which is told; \
              which packages are only for development.\n\n**Since** 0.2.0",
    },
    is_named: |entry| matches!(entry.name(), b"mix.lock" | b"rebar.lock"),
    parse,
};

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    if text.trim_start().starts_with("%{") {
        text.lines().for_each(|line| mix_entry(line.trim(), found));
        return Ok(());
    }
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(InspectError::Malformed("neither a map of Elixir nor a list of Erlang"));
    }
    for entry in text.split("{<<\"").skip(1) {
        rebar_entry(entry, found);
    }
    Ok(())
}

/// `"name": {:hex, :package, "1.0.0", …`.
fn mix_entry(line: &str, found: &mut Found) {
    let Some((name, entry)) = line.strip_prefix('"').and_then(|rest| rest.split_once("\": {")) else { return };
    let mut parts =
        entry.split(", ").map(|part| part.trim_start_matches(':').trim_end_matches(['}', ',']).trim_matches('"'));
    match (parts.next(), parts.next(), parts.next()) {
        (Some("hex"), Some(package), Some(version)) => {
            found.package(PackageKind::Hex, package, version, Scope::Runtime);
        }
        _ => found.open(format_args!("`{name}`")),
    }
}

/// `name">>,{pkg,<<"package">>,<<"1.0.0">>},0}`; entries of `pkg_hash` have no such tuple.
fn rebar_entry(entry: &str, found: &mut Found) {
    let Some((name, rest)) = entry.split_once("\">>,") else { return };
    let rest = rest.trim_start();
    if let Some(package) = rest.strip_prefix("{pkg,<<\"") {
        let mut parts = package.split("\">>").map(|part| part.trim_start_matches([',', '<', '"']));
        if let (Some(package), Some(version)) = (parts.next(), parts.next()) {
            found.package(PackageKind::Hex, package, version, Scope::Runtime);
        }
    } else if rest.starts_with('{') {
        found.open(format_args!("`{name}`"));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn mix() {
        let lock = "%{\n  \"alias\": {:hex, :real, \"1.0.0\", \"00\", [:mix], [{:jason, \"~> 1.0\", [hex: :jason, optional: true]}], \"hexpm\", \"00\"},\n  \"quoted\": {:hex, :\"a-b\", \"2.0.0-rc.1\"},\n  \"g\": {:git, \"https://git.example/g.git\", \"0badcafe\", []},\n}\n";
        assert_eq!(packages(&MIX, lock), ["a-b 2.0.0-rc.1", "real 1.0.0"]);
        assert_eq!(open(&MIX, lock), ["an entry is left open: `g`"]);
    }

    #[test]
    fn rebar() {
        let lock = "{\"1.2.0\",\n[{<<\"cowlib\">>,{pkg,<<\"cowlib\">>,<<\"2.11.0\">>},1},\n {<<\"g\">>,\n  {git,\"https://git.example/g.git\",{ref,\"0badcafe\"}},\n  0}]}.\n[\n{pkg_hash,[\n {<<\"cowlib\">>, <<\"00\">>}]}\n].\n";
        assert_eq!(packages(&MIX, lock), ["cowlib 2.11.0"]);
        assert_eq!(open(&MIX, lock), ["an entry is left open: `g`"]);
    }
}
