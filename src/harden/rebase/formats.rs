//! Files that are made of records, and how each is merged.
//!
//! Nearly every application layer ran its package manager or made an account, so these are the files that application and base both change; everything else that both change is refused.
//!
//! Sources: passwd(5), group(5), shadow(5), gshadow(5), subuid(5), shells(5), ld.so(8); deb-control(5), dpkg-divert(1), dpkg-statoverride(1), deb-triggers(5), debconf-devel(7); apk-tools `src/database.c`;
//! update-ca-certificates(8).

use std::collections::BTreeSet;

use super::ld_cache;
use super::three_way::{Clash, Record, Versions, merge, refuse};
use crate::harden::packages::paragraphs::ranges;

/// How a file is divided into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Lines that are records themselves.
    Lines,
    /// Lines whose first field, up to this byte, is the key.
    Fields(u8),
    /// As [`Format::Fields`], with members in the last field (group(5), gshadow(5)).
    Groups,
    /// Three lines each, keyed by the first (dpkg's `diversions`).
    Triples,
    /// Paragraphs, keyed by these fields.
    Paragraphs(&'static [&'static str]),
    /// Certificates in PEM.
    Pem,
    /// glibc's cache of libraries.
    LdCache,
    /// Entries of an archive (apk-tools' `scripts.tar`).
    Tar,
}

/// Files by path.
const FORMATS: &[(&str, Format)] = &[
    ("etc/passwd", Format::Fields(b':')),
    ("etc/shadow", Format::Fields(b':')),
    ("etc/group", Format::Groups),
    ("etc/gshadow", Format::Groups),
    ("etc/subuid", Format::Fields(b':')),
    ("etc/subgid", Format::Fields(b':')),
    ("etc/shells", Format::Lines),
    ("etc/environment", Format::Fields(b'=')),
    ("etc/ld.so.conf", Format::Lines),
    ("etc/ld.so.cache", Format::LdCache),
    ("etc/ca-certificates.conf", Format::Lines),
    ("etc/ssl/certs/ca-certificates.crt", Format::Pem),
    ("etc/ssl/cert.pem", Format::Pem),
    ("etc/apk/world", Format::Lines),
    ("lib/apk/db/scripts.tar", Format::Tar),
    ("lib/apk/db/triggers", Format::Lines),
    ("usr/lib/apk/db/scripts.tar", Format::Tar),
    ("usr/lib/apk/db/triggers", Format::Lines),
    ("var/lib/dpkg/diversions", Format::Triples),
    ("var/lib/dpkg/statoverride", Format::Lines),
    ("var/lib/dpkg/triggers/File", Format::Lines),
    ("var/lib/apt/extended_states", Format::Paragraphs(&["Package", "Architecture"])),
    ("var/cache/debconf/config.dat", Format::Paragraphs(&["Name"])),
    ("var/cache/debconf/templates.dat", Format::Paragraphs(&["Name"])),
    ("var/cache/debconf/passwords.dat", Format::Paragraphs(&["Name"])),
];

/// Files that a program makes anew or only writes to, by the beginning of their path: the image's own stays.
const DERIVED: &[&str] = &[
    "dev/",
    "etc/.pwd.lock",
    "etc/group-",
    "etc/gshadow-",
    "etc/hostname",
    "etc/hosts",
    "etc/passwd-",
    "etc/resolv.conf",
    "etc/shadow-",
    "etc/subgid-",
    "etc/subuid-",
    "lib/apk/db/lock",
    "proc/",
    "root/.bash_history",
    "root/.cache/",
    "run/",
    "sys/",
    "tmp/",
    "var/cache/apk/",
    "var/cache/apt/",
    "var/cache/debconf/config.dat-old",
    "var/cache/debconf/passwords.dat-old",
    "var/cache/debconf/templates.dat-old",
    "var/cache/ldconfig/",
    "var/lib/apt/lists/",
    "var/lib/dpkg/available",
    "var/lib/dpkg/diversions-old",
    "var/lib/dpkg/lock",
    "var/lib/dpkg/statoverride-old",
    "var/lib/dpkg/status-old",
    "var/lib/dpkg/triggers/Lock",
    "var/lib/dpkg/triggers/Unincorp",
    "var/log/",
    "var/tmp/",
];

/// The format of the file at a path of the merged view, if it is one that can be merged.
pub(super) fn of(path: &[u8]) -> Option<Format> {
    FORMATS.iter().find(|(name, _)| name.as_bytes() == path).map(|(_, format)| *format)
}

/// Whether the file at a path is made anew by whatever writes it.
pub(super) fn is_derived(path: &[u8]) -> bool {
    DERIVED.iter().any(|beginning| path.starts_with(beginning.as_bytes()))
}

impl Format {
    /// What the application changed, put on the new base's file.
    pub(super) fn merge(self, versions: Versions<&[u8]>) -> Result<Vec<u8>, Clash> {
        if self == Self::LdCache {
            return ld_cache::merge(versions);
        }
        let records = |content: Option<&[u8]>| content.map(|content| self.records(content));
        let (old, app, new) = (records(versions.old), records(versions.app), records(versions.new));
        let versions = Versions { old: old.as_deref(), app: app.as_deref(), new: new.as_deref() };
        let merged = match self {
            Self::Groups => merge(versions, &mut |key, versions| members(key, versions).map(Some))?,
            _ => merge(versions, &mut refuse)?,
        };
        if let Some(twice) = self.doubled(&merged, versions) {
            return Err(Clash::of(&twice));
        }
        let mut merged = merged.concat();
        if self == Self::Tar {
            merged.resize(merged.len() + 2 * BLOCK, 0);
        }
        Ok(merged)
    }

    /// An id that accounts of both sides have, which neither side has twice.
    fn doubled(self, merged: &[Vec<u8>], versions: Versions<&[Record]>) -> Option<Vec<u8>> {
        if !matches!(self, Self::Fields(b':') | Self::Groups) {
            return None;
        }
        let sides = [versions.app, versions.new].map(|side| {
            let lines = side.unwrap_or_default().iter().filter_map(|record| id(&record.bytes));
            doubles(lines)
        });
        let all = doubles(merged.iter().filter_map(|line| id(line)));
        all.into_iter().find(|double| !sides.iter().any(|side| side.contains(double)))
    }

    /// The records' bytes, ends included: put together they are the file.
    fn split(self, content: &[u8]) -> Vec<&[u8]> {
        let lines = content.split_inclusive(|byte| *byte == b'\n');
        match self {
            Self::Lines | Self::Fields(_) | Self::Groups | Self::LdCache => lines.collect(),
            Self::Triples => groups(content, |line, at| line > 0 && line % 3 == 0 && at < content.len()),
            Self::Paragraphs(_) => paragraphs(content),
            Self::Tar => archive(content),
            Self::Pem => {
                let begins: BTreeSet<usize> = memchr::memmem::find_iter(content, b"-----BEGIN ").collect();
                groups(content, |_, at| begins.contains(&at))
            }
        }
    }

    fn records(self, content: &[u8]) -> Vec<Record> {
        let whole = |part: &[u8]| {
            if matches!(self, Self::Paragraphs(_)) {
                return ended(part);
            }
            let mut part = part.to_vec();
            // The last line of a file may have no end.
            if self != Self::Tar && part.last() != Some(&b'\n') {
                part.push(b'\n');
            }
            part
        };
        let parts = self.split(content).into_iter().map(whole);
        parts.map(|bytes| Record { key: self.key(&bytes), bytes }).collect()
    }

    fn key(self, part: &[u8]) -> Vec<u8> {
        let first = |end: u8| part.split(|byte| *byte == end || *byte == b'\n').next().unwrap_or_default().to_vec();
        match self {
            Self::Fields(end) => first(end),
            Self::Groups => first(b':'),
            Self::Triples => first(b'\n'),
            Self::Paragraphs(names) => {
                let values: Vec<&[u8]> = names.iter().filter_map(|name| field(part, name)).collect();
                values.join(&b':')
            }
            // Headers and all: an archive's extended headers are part of its entries' names.
            Self::Lines | Self::Pem | Self::LdCache | Self::Tar => part.to_vec(),
        }
    }
}

/// Length of a block of a tar stream.
const BLOCK: usize = 512;

/// Entries of an archive with their headers and padding; what follows the first block of zeros is none.
fn archive(content: &[u8]) -> Vec<&[u8]> {
    let (mut entries, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(header) = content.get(at..at + BLOCK).filter(|header| header.iter().any(|byte| *byte != 0)) {
        let digits = header.get(124..136).unwrap_or_default().iter().filter(|byte| byte.is_ascii_digit());
        let size = digits.fold(0usize, |size, digit| size.saturating_mul(8).saturating_add(usize::from(digit - b'0')));
        at = at.saturating_add(BLOCK).saturating_add(size.next_multiple_of(BLOCK));
        // Extended headers belong to the entry that follows.
        if !matches!(header.get(156), Some(b'x' | b'g' | b'L' | b'K')) {
            entries.extend(content.get(start..at));
            start = at;
        }
    }
    entries
}

/// The third field of a line, where an account or group has its number.
fn id(line: &[u8]) -> Option<Vec<u8>> {
    let id = line.split(|byte| *byte == b':').nth(2)?;
    id.iter().all(u8::is_ascii_digit).then(|| id.to_vec()).filter(|id| !id.is_empty())
}

fn doubles(ids: impl Iterator<Item = Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let mut seen = BTreeSet::new();
    ids.filter(|id| !seen.insert(id.clone())).collect()
}

/// Paragraphs, without the blank lines between them.
pub(super) fn paragraphs(content: &[u8]) -> Vec<&[u8]> {
    ranges(content).into_iter().filter_map(|range| content.get(range)).collect()
}

/// A paragraph with the blank line that ends it.
pub(super) fn ended(paragraph: &[u8]) -> Vec<u8> {
    [paragraph.trim_ascii_end(), b"\n\n"].concat()
}

/// The value of a field of a paragraph, on its first line.
pub(super) fn field<'p>(paragraph: &'p [u8], name: &str) -> Option<&'p [u8]> {
    paragraph.split(|byte| *byte == b'\n').find_map(|line| {
        let (field, value) = line.split_at_checked(name.len())?;
        let value = value.strip_prefix(b":")?;
        field.eq_ignore_ascii_case(name.as_bytes()).then(|| value.trim_ascii())
    })
}

/// Lines put together; a group begins where `begins` says so of a line's number and place.
fn groups(content: &[u8], begins: impl Fn(usize, usize) -> bool) -> Vec<&[u8]> {
    let (mut parts, mut start, mut at) = (Vec::new(), 0, 0);
    for (number, line) in content.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if at > start && begins(number, at) {
            parts.extend(content.get(start..at));
            start = at;
        }
        at += line.len();
    }
    parts.extend(content.get(start..at).filter(|part| !part.is_empty()));
    parts
}

/// A group whose members both sides changed: members are records themselves.
fn members(key: &[u8], versions: Versions<&[u8]>) -> Result<Vec<u8>, Clash> {
    let clash = || Clash::of(key);
    let divided = |line: Option<&'_ [u8]>| -> Option<(Vec<u8>, Vec<Vec<u8>>)> {
        let line = line?.trim_ascii_end();
        let at = memchr::memrchr(b':', line)?;
        let (head, members) = line.split_at_checked(at + 1)?;
        let members = members.split(|byte| *byte == b',').filter(|member| !member.is_empty());
        Some((head.to_vec(), members.map(<[u8]>::to_vec).collect()))
    };
    let app = divided(versions.app).ok_or_else(clash)?;
    let new = divided(versions.new).ok_or_else(clash)?;
    let old = divided(versions.old).unwrap_or_else(|| (app.0.clone(), Vec::new()));
    let heads = Versions { old: Some(&old.0), app: Some(&app.0), new: Some(&new.0) };
    let head = match heads.winner().ok_or_else(clash)? {
        super::three_way::Winner::App => app.0.clone(),
        super::three_way::Winner::New => new.0.clone(),
    };
    let records = |members: &[Vec<u8>]| members.iter().map(|member| Record::plain(member)).collect::<Vec<_>>();
    let (old, app, new) = (records(&old.1), records(&app.1), records(&new.1));
    let merged = merge(Versions { old: Some(&*old), app: Some(&*app), new: Some(&*new) }, &mut refuse)?;
    Ok([head, merged.join(&b','), b"\n".to_vec()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(path: &str, old: &str, app: &str, new: &str) -> Result<String, String> {
        let versions = Versions { old: Some(old.as_bytes()), app: Some(app.as_bytes()), new: Some(new.as_bytes()) };
        let merged = of(path.as_bytes()).unwrap().merge(versions);
        merged.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|clash| clash.key)
    }

    #[test]
    fn accounts_of_both_sides_are_there() {
        let old = "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n";
        let app = format!("{old}app:x:1000:1000::/srv:/bin/false");
        let new = old.replace("/bin/bash", "/bin/sh") + "systemd:x:998:998::/:/bin/false\n";
        assert_eq!(merged("etc/passwd", old, &app, &new).unwrap(), format!("{new}app:x:1000:1000::/srv:/bin/false\n"));
        let other = old.replace("/bin/bash", "/bin/zsh");
        assert_eq!(merged("etc/passwd", old, &other, &new), Err("root".to_owned()));
    }

    #[test]
    fn members_of_both_sides_are_in_the_group() {
        let group = |members: &str| format!("ssl-cert:x:101:{members}\n");
        assert_eq!(merged("etc/group", &group("a,b"), &group("a,b,app"), &group("b,c")).unwrap(), group("b,c,app"));
        let moved = "ssl-cert:x:102:\n";
        assert_eq!(merged("etc/group", &group("a"), &group("a,b"), moved).unwrap(), "ssl-cert:x:102:b\n");
        assert_eq!(merged("etc/group", &group("a"), "ssl-cert:x:103:a\n", moved), Err("ssl-cert".to_owned()));
    }

    #[test]
    fn paragraphs_lines_and_certificates() {
        let states = |packages: &[&str]| {
            let state = |package: &&str| format!("Package: {package}\nArchitecture: amd64\nAuto-Installed: 1\n\n");
            packages.iter().map(state).collect::<String>()
        };
        assert_eq!(
            merged("var/lib/apt/extended_states", &states(&["a", "b"]), &states(&["a", "b", "c"]), &states(&["b"]))
                .unwrap(),
            states(&["b", "c"])
        );
        let pem = |names: &[&str]| {
            let one = |name: &&str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n");
            names.iter().map(one).collect::<String>()
        };
        let path = "etc/ssl/certs/ca-certificates.crt";
        assert_eq!(
            merged(path, &pem(&["a", "b"]), &pem(&["a", "b", "own"]), &pem(&["b", "c"])).unwrap(),
            pem(&["b", "c", "own"])
        );
        let diversions =
            |names: &[&str]| names.iter().map(|name| format!("/{name}\n/{name}.real\npackage\n")).collect::<String>();
        assert_eq!(
            merged("var/lib/dpkg/diversions", &diversions(&["a"]), &diversions(&["a", "b"]), &diversions(&["a", "c"]))
                .unwrap(),
            diversions(&["a", "c", "b"])
        );
        assert_eq!(merged("etc/apk/world", "a\n", "a\nb\n", "a\nc\n").unwrap(), "a\nc\nb\n");
    }

    #[test]
    fn a_number_that_both_sides_gave_away_is_refused() {
        let root = "root:x:0:0::/root:/bin/sh\n";
        let (app, new) = (format!("{root}app:x:999:999::/:/bin/sh\n"), format!("{root}svc:x:999:999::/:/bin/sh\n"));
        assert_eq!(merged("etc/passwd", root, &app, &new), Err("999".to_owned()));
        // What one side gives away twice is its own affair.
        let twice = format!("{root}toor:x:0:0::/root:/bin/sh\n");
        assert!(merged("etc/passwd", root, &twice, &format!("{root}svc:x:998:998::/:/bin/sh\n")).is_ok());
    }

    /// What another reader sees in the archive of apk's scripts.
    #[test]
    fn entries_of_archives_are_records() {
        let archive = |names: &[&str]| {
            let mut builder = tar::Builder::new(Vec::new());
            for name in names {
                let mut header = tar::Header::new_gnu();
                header.set_size(3);
                builder.append_data(&mut header, name, &b"#!x"[..]).unwrap();
            }
            builder.into_inner().unwrap()
        };
        let long = "n".repeat(150);
        let (old, app, new) = (archive(&["a-1"]), archive(&["a-1", &long]), archive(&["a-2"]));
        let versions = Versions { old: Some(&*old), app: Some(&*app), new: Some(&*new) };
        let merged = Format::Tar.merge(versions).unwrap();
        let mut read = tar::Archive::new(&merged[..]);
        let names: Vec<_> = read.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().into_owned()).collect();
        assert_eq!(names, [std::path::Path::new("a-2"), std::path::Path::new(&long)]);
    }

    #[test]
    fn a_file_that_only_one_side_has_is_its_own() {
        let versions = Versions { old: None, app: Some(&b"a\n"[..]), new: Some(&b"b\n"[..]) };
        assert_eq!(Format::Lines.merge(versions), Ok(b"b\na\n".to_vec()));
    }
}
