//! Erlang and Elixir: application resource files, Hex's metadata, and the release of the Erlang runtime.
//!
//! Source: `app(4)` of Erlang/OTP; Hex's specification `package_metadata.md`; `OTP_VERSION` in OTP's "Versions".

use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// `ebin/NAME.app` and `hex_metadata.config`.
pub(super) struct Application;

static APPLICATION: Meta = Meta {
    name: "language/erlang",
    summary: "Erlang and Elixir applications",
    required: false,
    doc: "**Reads** `ebin/*.app` of releases and dependencies, and `hex_metadata.config`, up to 4 MiB.\n\n**Reports** name and version of each application; a Hex package's own name where that \
          differs. Elixir counts by itself; the applications of Erlang/OTP are told by its `OTP_VERSION`.\n\n**Cannot see** applications inside an escript.\n\n**Since** 0.2.0",
};

/// Applications that come with Erlang/OTP, and with Elixir besides `elixir` itself: no packages of Hex (erlang.org/doc/apps, elixir-lang/elixir `lib/`).
const PLATFORM: &[&str] = &[
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eldap",
    "erl_docgen",
    "erl_interface",
    "et",
    "eunit",
    "ftp",
    "hipe",
    "inets",
    "jinterface",
    "kernel",
    "megaco",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
    "eex",
    "ex_unit",
    "iex",
    "logger",
    "mix",
];

impl Inspector for Application {
    fn meta(&self) -> &'static Meta {
        &APPLICATION
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let is_app =
            || entry.path.ends_with(b".app") && entry.path.rsplit(|byte| *byte == b'/').nth(1) == Some(b"ebin");
        entry.name() == b"hex_metadata.config" || is_app()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let content = without_comments(&text(whole(file, 4 << 20)?));
        let (name, version) = match file.entry.name() {
            b"hex_metadata.config" => (value_of(&content, "<<\"name\">>"), value_of(&content, "<<\"version\">>")),
            _ => (application(&content), value_of(&content, "vsn")),
        };
        let (Some(name), Some(version)) = (name, version) else {
            return Err(InspectError::Malformed("it names no application or no version"));
        };
        let kind = if name == "elixir" { PackageKind::Generic } else { PackageKind::Hex };
        if !PLATFORM.contains(&name.as_str()) && !version.is_empty() {
            facts.push(Fact::Package(PackageFact::new(kind, name, version)));
        }
        Ok(())
    }
}

/// Takes out what stands behind `%`, but not inside a text or a quoted atom.
fn without_comments(content: &str) -> String {
    let mut rest = String::with_capacity(content.len());
    let mut quote = None;
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (None, '%') => {
                characters.by_ref().find(|character| *character == '\n');
                continue;
            }
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (Some(_), '\\') => {
                rest.push(character);
                rest.extend(characters.next());
                continue;
            }
            _ => {}
        }
        rest.push(character);
    }
    rest
}

/// `{application, NAME, […`; the name is an atom, which may be quoted.
fn application(content: &str) -> Option<String> {
    let (_, rest) = content.split_once("{application")?;
    let rest = rest.trim_start().strip_prefix(',')?.trim_start().trim_start_matches('\'');
    let end = rest.find(|character: char| !(character.is_ascii_alphanumeric() || matches!(character, '_' | '@')))?;
    rest.get(..end).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The text of `{KEY, "TEXT"}` or `{KEY, <<"TEXT">>}`, the first of them.
fn value_of(content: &str, key: &str) -> Option<String> {
    let starts = content.match_indices('{').filter_map(|(brace, _)| content.get(brace + 1..));
    starts.into_iter().find_map(|pair| {
        let value = pair.trim_start().strip_prefix(key)?.trim_start().strip_prefix(',')?.trim_start();
        super::literal::text_literal(value.trim_start_matches("<<"))
    })
}

/// `releases/RELEASE/OTP_VERSION`.
pub(super) struct OtpVersion;

static OTP_VERSION: Meta = Meta {
    name: "language/erlang-otp",
    summary: "Erlang/OTP",
    required: false,
    doc: "**Reads** `OTP_VERSION` of an Erlang installation.\n\n**Reports** Erlang/OTP as `erlang` with its version.\n\n**Cannot see** the runtime in a release, which has no such file.\n\n\
          **Since** 0.2.0",
};

impl Inspector for OtpVersion {
    fn meta(&self) -> &'static Meta {
        &OTP_VERSION
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"OTP_VERSION" && entry.path.rsplit(|byte| *byte == b'/').nth(2) == Some(b"releases")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        // Patched installations have two stars at the end.
        let version = text(whole(file, 4096)?);
        let version = version.trim().trim_end_matches('*');
        if !version.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(InspectError::Malformed("it has no version"));
        }
        facts.push(Fact::Package(PackageFact::new(PackageKind::Generic, "erlang", version)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_far_as_they_are_needed() {
        let app = &without_comments(
            "%% {vsn, \"9\"}\n{application, 'cowboy', [\n\t{description, \"Small, {vsn, HTTP} server.\"},\n\t{vsn, \"2.9.0\"},\n\t{modules, ['a']}\n]}.\n",
        );
        assert_eq!((application(app).as_deref(), value_of(app, "vsn").as_deref()), (Some("cowboy"), Some("2.9.0")));
        let hex = "{<<\"app\">>,<<\"x\">>}.\n{<<\"name\">>,<<\"x_pkg\">>}.\n{<<\"requirements\">>,[]}.\n{<<\"version\">>,<<\"1.2.3\">>}.\n";
        assert_eq!(value_of(hex, "<<\"name\">>").as_deref(), Some("x_pkg"));
        assert_eq!(value_of(hex, "<<\"version\">>").as_deref(), Some("1.2.3"));
        assert_eq!(application("{application, }"), None);
    }
}
