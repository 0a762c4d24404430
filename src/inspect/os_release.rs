//! `os-release`: which distribution and release an image is.

use super::control::lines;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::merge::RELEASE_FILES;
use crate::facts::{Fact, OsRelease};
use crate::layer::{Entry, FileView};

/// `etc/os-release` and `usr/lib/os-release`.
pub(super) struct OsReleaseFile;

static META: Meta = Meta {
    name: "os/os-release",
    summary: "name and release of the distribution",
    required: true,
    doc: "**Reads** files named `os-release` (os-release(5)), through symlinks; up to 64 KiB.\n\n**Reports** id, version, codename and relatives of the distribution.\n\n\
          **Cannot see** distributions without that file; `os/release` reads what older ones have.\n\n**Since** 0.1.0",
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

/// Files by which distributions told their release before os-release(5), and some still do.
pub(super) struct ReleaseFile;

static RELEASE: Meta = Meta {
    name: "os/release",
    summary: "release of distributions without os-release",
    required: false,
    doc: "**Reads** `etc/lsb-release`, `etc/*-release` of the Red Hat family, Alpine, Gentoo and Photon, and `etc/debian_version`; up to 4 KiB.\n\n\
          **Reports** id and version of the distribution; it counts where there is no os-release.\n\n**Cannot see** point releases that the file does not tell.\n\n**Since** 0.2.0",
};

impl Inspector for ReleaseFile {
    fn meta(&self) -> &'static Meta {
        &RELEASE
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        // Where the well-known names are symlinks, they lead to files that are named alike: `usr/lib/fedora-release`.
        let in_place = [&b"etc/"[..], b"usr/lib/"].iter().find_map(|folder| entry.path.strip_prefix(*folder));
        in_place.is_some_and(|name| !name.contains(&b'/') && name.ends_with(b"-release"))
            || RELEASE_FILES.iter().any(|known| known.as_bytes() == entry.path)
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let content = text(whole(file, 4 << 10)?);
        let release = match file.entry.name() {
            b"lsb-release" => lsb_release(&content),
            b"alpine-release" => version_only("alpine", "Alpine Linux", &content),
            b"debian_version" => version_only("debian", "Debian GNU/Linux", &content),
            _ => in_words(&content),
        };
        facts.extend(release.map(Fact::OsRelease));
        Ok(())
    }
}

/// `DISTRIB_ID=Ubuntu`, `DISTRIB_RELEASE=14.04`, `DISTRIB_CODENAME`, `DISTRIB_DESCRIPTION`.
fn lsb_release(content: &str) -> Option<OsRelease> {
    let value = |name: &str| {
        let found = content.lines().filter_map(|line| line.trim().split_once('=')).find(|(known, _)| *known == name);
        found.map(|(_, value)| unquote(value.trim())).unwrap_or_default()
    };
    let id = value("DISTRIB_ID").to_ascii_lowercase();
    (!id.is_empty()).then(|| OsRelease {
        id,
        version_id: value("DISTRIB_RELEASE"),
        codename: value("DISTRIB_CODENAME"),
        pretty_name: value("DISTRIB_DESCRIPTION"),
        id_like: Vec::new(),
    })
}

/// `3.20.3`, `12.5`; Debian's testing has `trixie/sid`, which is a codename.
fn version_only(id: &str, name: &str, content: &str) -> Option<OsRelease> {
    let word = content.split_whitespace().next()?;
    let is_version = word.starts_with(|first: char| first.is_ascii_digit());
    let codename = word.split('/').next().filter(|_| !is_version).unwrap_or_default();
    Some(OsRelease {
        id: id.to_owned(),
        version_id: if is_version { word.to_owned() } else { String::new() },
        codename: codename.to_owned(),
        pretty_name: format!("{name} {word}"),
        id_like: Vec::new(),
    })
}

/// Beginnings of the line that a release file holds, with the id that os-release gives the distribution today.
const IN_WORDS: &[(&str, &str)] = &[
    ("AlmaLinux", "almalinux"),
    ("Amazon Linux", "amzn"),
    ("CentOS", "centos"),
    ("Fedora", "fedora"),
    ("Gentoo", "gentoo"),
    ("Oracle Linux", "ol"),
    ("Red Hat Enterprise Linux", "rhel"),
    ("Rocky Linux", "rocky"),
    ("Scientific Linux", "scientific"),
    ("VMware Photon", "photon"),
    ("Enterprise Linux Enterprise Linux", "ol"),
];

/// `CentOS release 6.10 (Final)`: the version is the first word that begins with a digit.
fn in_words(content: &str) -> Option<OsRelease> {
    let line = content.lines().next()?.trim();
    let (_, id) = IN_WORDS.iter().find(|(words, _)| line.starts_with(words))?;
    let is_version = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    let version = line.split_whitespace().find(is_version).unwrap_or_default();
    Some(OsRelease {
        id: (*id).to_owned(),
        version_id: version.to_owned(),
        pretty_name: line.to_owned(),
        ..OsRelease::default()
    })
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

    /// Lines as the distributions shipped them.
    #[test]
    fn older_distributions_are_known_by_their_release_files() {
        for (line, expected) in [
            ("CentOS release 6.10 (Final)\nKernel \\r on an \\m\n", Some(("centos", "6.10"))),
            ("CentOS Linux release 7.9.2009 (Core)\n", Some(("centos", "7.9.2009"))),
            ("Red Hat Enterprise Linux Server release 6.9 (Santiago)", Some(("rhel", "6.9"))),
            ("Amazon Linux AMI release 2018.03", Some(("amzn", "2018.03"))),
            ("Amazon Linux release 2 (Karoo)", Some(("amzn", "2"))),
            ("Oracle Linux Server release 6.10", Some(("ol", "6.10"))),
            ("Fedora release 20 (Heisenbug)", Some(("fedora", "20"))),
            ("VMware Photon Linux 1.0", Some(("photon", "1.0"))),
            ("Gentoo Base System release 2.14", Some(("gentoo", "2.14"))),
            ("Welcome", None),
        ] {
            let release = in_words(line);
            assert_eq!(release.as_ref().map(|os| (os.id.as_str(), os.version_id.as_str())), expected, "{line}");
        }
        let ubuntu =
            lsb_release("DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\nDISTRIB_DESCRIPTION=\"Ubuntu 12.04.5 LTS\"\n");
        assert_eq!(ubuntu.map(|os| (os.id, os.version_id)), Some(("ubuntu".to_owned(), "12.04".to_owned())));
        let debian = |content| version_only("debian", "Debian GNU/Linux", content).unwrap();
        assert_eq!(debian("6.0.10\n").version_id, "6.0.10");
        assert_eq!(
            (debian("trixie/sid\n").version_id, debian("trixie/sid\n").codename),
            (String::new(), "trixie".into())
        );
    }
}
