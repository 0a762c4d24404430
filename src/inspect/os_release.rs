//! `os-release`: which distribution and release an image is.

use super::control::lines;
use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{Fact, OsRelease};
use crate::layer::{Entry, FileView};

/// `etc/os-release` and `usr/lib/os-release`.
pub(super) struct OsReleaseFile;

static META: Meta = Meta {
    name: "os/os-release",
    summary: "name and release of the distribution",
    required: true,
    doc: "**Reads** files named `os-release` (os-release(5)), through symlinks; up to 64 KiB.\n\n**Reports** id, version, codename and relatives of the distribution.\n\n\
          **Cannot see** distributions without that file.\n\n**Since** 0.1.0",
};

impl Inspector for OsReleaseFile {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.name() == b"os-release"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        facts.push(Fact::OsRelease(parse(whole(file, 64 << 10)?)));
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> OsRelease {
    let mut release = OsRelease { id: "linux".into(), ..OsRelease::default() };
    for line in lines(bytes) {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.trim().split_once('=') else { continue };
        let value = unquote(value.trim());
        match name {
            "ID" => release.id = value.to_ascii_lowercase(),
            "VERSION_ID" => release.version_id = value,
            "VERSION_CODENAME" => release.codename = value,
            "PRETTY_NAME" => release.pretty_name = value,
            "ID_LIKE" => release.id_like = value.split_whitespace().map(str::to_ascii_lowercase).collect(),
            _ => {}
        }
    }
    release
}

/// A shell-like value: quotes stripped, `\` before a character removed inside double quotes.
fn unquote(value: &str) -> String {
    if let Some(inner) = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_quoted_and_bare_values() {
        let release =
            parse(b"PRETTY_NAME=\"A \\\"b\\\" c\"\nID=Alpine\nVERSION_ID='3.20.3'\n# x=y\nID_LIKE=\"rhel fedora\"\n");
        assert_eq!(
            (release.id.as_str(), release.version_id.as_str(), release.pretty_name.as_str()),
            ("alpine", "3.20.3", "A \"b\" c")
        );
        assert_eq!(release.id_like, ["rhel", "fedora"]);
        assert_eq!(parse(b"").id, "linux");
    }
}
