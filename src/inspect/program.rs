//! Programs and libraries that no package manager recorded: their version from their content.
//!
//! A file is looked at when its name is one that the program's own build gives it, and believed when it holds the text in which that program keeps its version.
//! The names are those of Bitnami's advisories, where these have one.
//!
//! Source of the texts: the programs' own sources, `OPENSSL_VERSION_TEXT`, `NGINX_VER`, `PG_VERSION_STR` and their like; tried on the binaries that Debian builds of them.

use std::collections::BTreeSet;

use super::{INSPECTORS, InspectError, Inspector, Meta, text, whole};
use crate::facts::{Evidence, Fact, PackageFact, PackageKind};
use crate::layer::view::ReadAt as _;
use crate::layer::{Entry, FileView};

/// How much of a file is searched. The largest program known here, Node's, has 120 MB.
const MAX_SEARCH_BYTES: u64 = 512 << 20;

/// How much is searched at once.
const WINDOW_BYTES: usize = 1 << 20;

/// Longest mark with its version and what follows; windows overlap by it.
const MAX_MARK_BYTES: usize = 128;

/// A program and how to know it.
struct Program {
    /// Its name.
    name: &'static str,
    /// Names that its files have; `*` stands for anything.
    files: &'static [&'static str],
    /// Texts around its version, any of them.
    marks: &'static [Mark],
}

/// A text around a version.
struct Mark {
    before: &'static str,
    /// How the version begins; with `#`, the number in the file's name does.
    series: &'static str,
    /// One of these follows.
    after: &'static [&'static str],
    /// Whether the newest of several versions is the program's, because it also names older ones: the series it is of, or in which version each of its commands
    /// came. Else several versions tell nothing.
    newest: bool,
}

const fn mark(before: &'static str, after: &'static [&'static str]) -> Mark {
    Mark { before, series: "", after, newest: false }
}

const fn newest(before: &'static str, after: &'static [&'static str]) -> Mark {
    Mark { before, series: "", after, newest: true }
}

/// A version as a text of its own.
const fn alone(series: &'static str) -> Mark {
    Mark { before: "\0", series, after: &["\0"], newest: false }
}

static PROGRAMS: &[Program] = &[
    Program {
        name: "openssl",
        files: &[
            "openssl",
            "libcrypto.so*",
            "libcrypto-*.so*",
            "libssl.so*",
            "libssl-*.so*",
            "_rust.abi3.so",
            "libcrypto*.dylib",
            "libssl*.dylib",
        ],
        // A date follows; FIPS builds of 1.0 have two spaces before it.
        marks: &[mark("OpenSSL ", &[" 1", " 2", " 3", " 4", " 5", " 6", " 7", " 8", " 9", "  ", "-fips ", "+quic "])],
    },
    Program {
        name: "python",
        files: &["python2.#", "python3.#", "libpython3.#.so*", "libpython3.#m.so*", "libpython2.#.so*"],
        // Where the installation's path ends with the version, the linker lets both texts share their end.
        marks: &[alone("#."), Mark { before: "/", series: "#.", after: &["\0"], newest: false }],
    },
    Program { name: "node", files: &["node", "nodejs", "libnode.so*"], marks: &[mark("node.js/v", &["\0"])] },
    Program {
        name: "nginx",
        files: &["nginx", "nginx-debug"],
        marks: &[mark("nginx version: nginx/", &["\n", "\0", " "])],
    },
    Program { name: "apache", files: &["httpd", "apache2"], marks: &[newest("Apache/", &["\0", " "])] },
    Program { name: "busybox", files: &["busybox", "["], marks: &[mark("BusyBox v", &[" ("])] },
    Program {
        name: "redis",
        files: &["redis-server", "redis-sentinel", "redis-check-rdb", "redis-check-aof"],
        marks: &[newest("\0", &["\0"])],
    },
    Program {
        name: "valkey",
        files: &["valkey-server", "valkey-sentinel", "valkey-check-rdb", "valkey-check-aof"],
        marks: &[newest("\0", &["\0"])],
    },
    Program { name: "postgresql", files: &["postgres"], marks: &[mark("postgres (PostgreSQL) ", &["\n", " "])] },
    Program { name: "mariadb", files: &["mariadbd", "mysqld"], marks: &[mark("\0", &["-MariaDB"])] },
    Program {
        name: "haproxy",
        files: &["haproxy"],
        marks: &[
            mark("\0 version ", &["-", ","]),
            mark("HA-Proxy version ", &["-", " "]),
            mark("HAProxy version ", &["-", " "]),
        ],
    },
    Program { name: "memcached", files: &["memcached"], marks: &[mark("\0memcached ", &["\0", "\n"])] },
    Program { name: "varnish", files: &["varnishd"], marks: &[mark("varnish-", &[" revision"])] },
    Program {
        name: "php",
        files: &["php", "php#", "php-fpm*", "php-cgi*", "libphp*.so"],
        marks: &[mark("X-Powered-By: PHP/", &["\0", "-"])],
    },
    Program {
        name: "ruby",
        files: &["ruby", "ruby#", "libruby.so*", "libruby-*.so*"],
        marks: &[mark("\0ruby ", &["p", " ("])],
    },
    Program {
        name: "perl",
        files: &["perl", "perl5*", "libperl.so*"],
        marks: &[Mark { before: "\0v", series: "5.", after: &["\0"], newest: false }],
    },
    Program { name: "bash", files: &["bash"], marks: &[mark("@(#)Bash version ", &["("])] },
    Program { name: "curl", files: &["curl"], marks: &[mark("\0curl/", &["\0"])] },
    Program { name: "curl", files: &["libcurl.so*", "libcurl-*.so*"], marks: &[mark("\0libcurl/", &["\0"])] },
    Program { name: "git", files: &["git"], marks: &[mark("git/", &["\0"])] },
    Program { name: "sqlite", files: &["libsqlite3.so*", "libsqlite3-*.so*"], marks: &[alone("3.")] },
    Program { name: "zlib", files: &["libz.so*", "libz-*.so*"], marks: &[mark(" inflate ", &[" Copyright"])] },
    Program { name: "expat", files: &["libexpat.so*", "libexpat-*.so*"], marks: &[mark("\0expat_", &["\0"])] },
    Program { name: "lighttpd", files: &["lighttpd"], marks: &[mark("\0lighttpd/", &["\0", " "])] },
];

/// A program or library with a name of [`PROGRAMS`].
pub(super) struct KnownProgram;

static META: Meta = Meta {
    name: "program/content",
    summary: "well-known programs and libraries, by their content",
    required: false,
    doc: "**Reads** ELF, PE and Mach-O files that are named as OpenSSL, Python, Node, nginx, httpd, BusyBox, Redis, PostgreSQL, MariaDB, Valkey, HAProxy, memcached, Varnish, PHP, Ruby, Perl, Bash, \
          curl, Git, SQLite, zlib, Expat or lighttpd name theirs, up to 512 MiB.\n\n**Reports** the program with the version that its content states, unless an OS package owns the file or \
          another record names the same version; what else the file holds is read as of any program.\n\n**Cannot see** renamed programs, libraries that are linked into others, and \
          corrections that a distribution made without changing the version.\n\n**Since** 0.2.0",
};

impl Inspector for KnownProgram {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        let is_program = super::executable::Executable.wants(entry, head);
        is_program && PROGRAMS.iter().any(|program| program.series_of(entry.name()).is_some())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        for program in PROGRAMS {
            let Some(series) = program.series_of(file.entry.name()) else { continue };
            if let Some(version) = program.version(file, series)? {
                facts.push(content(program.name, &version));
            }
        }
        let mut head = [0; super::HEAD_BYTES];
        let n = file.read_at(0, &mut head)?;
        let head = head.get(..n).unwrap_or_default();
        // What any other program may hold: the modules that it was built from.
        let others = INSPECTORS.iter().filter(|other| other.meta().name != META.name);
        others.clone().find(|other| other.wants(&file.entry, head)).map_or(Ok(()), |other| other.inspect(file, facts))
    }
}

fn content(name: &str, version: &str) -> Fact {
    Fact::Package(PackageFact { evidence: Evidence::Content, ..PackageFact::new(PackageKind::Generic, name, version) })
}

impl Program {
    /// The number in the file's name, empty where there is none to be; none when the file is not named like this program's.
    fn series_of<'n>(&self, name: &'n [u8]) -> Option<&'n str> {
        self.files
            .iter()
            .find_map(|pattern| matches(pattern.as_bytes(), name))
            .and_then(|s| std::str::from_utf8(s).ok())
    }

    /// The version in the content; none when there is none, or several that differ.
    fn version(&self, file: &FileView<'_>, series: &str) -> Result<Option<String>, InspectError> {
        let mut found = BTreeSet::new();
        let end = file.len().min(MAX_SEARCH_BYTES);
        let length = usize::try_from(end).unwrap_or(WINDOW_BYTES).min(WINDOW_BYTES);
        let (mut window, mut at) = (vec![0; length], 0);
        while at < end {
            let n = file.read_at(at, &mut window)?;
            let bytes = window.get(..n).unwrap_or_default();
            for mark in self.marks {
                let series = mark.series.replace('#', series);
                found.extend(mark.versions(bytes, &series).map(text));
            }
            if n < WINDOW_BYTES {
                break;
            }
            at += (WINDOW_BYTES - MAX_MARK_BYTES) as u64;
        }
        if self.marks.iter().any(|mark| mark.newest) {
            // An address (`127.0.0.1`) has one number more than any version here.
            let versions = found.into_iter().filter(|version| numbers(version).len() <= 3);
            return Ok(versions.max_by_key(|version| numbers(version)));
        }
        Ok(found.pop_first().filter(|_| found.is_empty()))
    }
}

impl Mark {
    /// The versions of `series` that stand behind the mark, each with what must follow.
    fn versions<'b>(&self, bytes: &'b [u8], series: &str) -> impl Iterator<Item = &'b [u8]> {
        memchr::memmem::find_iter(bytes, self.before.as_bytes()).filter_map(move |at| {
            let rest = bytes.get(at + self.before.len()..)?;
            let numbers = rest.iter().take_while(|b| is_digit_or_dot(**b)).count();
            let lengths = [numbers, version_length(rest)];
            let fits = |length: &usize| {
                let (version, after) = rest.split_at(*length);
                let has_numbers =
                    version.contains(&b'.') && !version.ends_with(b".") && version.len() < MAX_MARK_BYTES / 2;
                has_numbers
                    && version.starts_with(series.as_bytes())
                    && self.after.iter().any(|text| after.starts_with(text.as_bytes()))
            };
            lengths.iter().find(|length| fits(length)).and_then(|length| rest.get(..*length))
        })
    }
}

/// Length of numbers with dots, and letters and a number behind them: `3.0.13`, `1.1.1w`, `3.13.0rc2`.
fn version_length(bytes: &[u8]) -> usize {
    let part = |from: usize, is_part: fn(&u8) -> bool| bytes.iter().skip(from).take_while(|b| is_part(b)).count();
    let numbers = part(0, |b| is_digit_or_dot(*b));
    let letters = part(numbers, u8::is_ascii_lowercase);
    if letters == 0 || letters > 2 {
        return numbers;
    }
    numbers + letters + part(numbers + letters, u8::is_ascii_digit)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').filter_map(|part| part.parse().ok()).collect()
}

fn is_digit_or_dot(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'.'
}

/// Whether `name` is as `pattern` says, where `*` stands for anything and `#` for numbers with dots; gives what stands for `#`, with the text before it from the
/// last letter on: `3.11` of `python3.#`.
fn matches<'n>(pattern: &[u8], name: &'n [u8]) -> Option<&'n [u8]> {
    let (fixed, open) = match pattern.strip_suffix(b"*") {
        Some(fixed) => (fixed, true),
        None => (pattern, false),
    };
    let ends = |rest: &[u8], tail: &[u8]| if open { rest.starts_with(tail) } else { rest == tail };
    if let Some(star) = memchr::memchr(b'*', fixed) {
        let (head, tail) = (fixed.get(..star)?, fixed.get(star + 1..)?);
        let rest = name.strip_prefix(head)?;
        let has_tail = if open { memchr::memmem::find(rest, tail).is_some() } else { rest.ends_with(tail) };
        return has_tail.then_some(b"");
    }
    let Some(number) = memchr::memchr(b'#', fixed) else { return ends(name, fixed).then_some(b"") };
    let (head, tail) = (fixed.get(..number)?, fixed.get(number + 1..)?);
    let rest = name.strip_prefix(head)?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let minor = rest.get(digits..)?;
    let decimals = if head.ends_with(b".") || !minor.starts_with(b".") {
        0
    } else {
        1 + minor.iter().skip(1).take_while(|b| b.is_ascii_digit()).count()
    };
    let length = digits + decimals;
    let begins = head.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |at| at + 1);
    (length > 0 && ends(rest.get(length..)?, tail)).then(|| name.get(begins..head.len() + length)).flatten()
}

/// `release` of a Java installation, `VERSION` of a Go one.
pub(super) struct Toolchain;

static TOOLCHAIN: Meta = Meta {
    name: "program/toolchain",
    summary: "Java and Go installations, by the file that states their release",
    required: false,
    doc: "**Reads** files named `release` that state a `JAVA_VERSION`, and `VERSION` in a folder named `go*`; up to 64 KiB.\n\n**Reports** the JDK, JRE or Go toolchain.\n\n\
          **Cannot see** Java 6 and older, which have no such file.\n\n**Since** 0.2.0",
};

impl Inspector for Toolchain {
    fn meta(&self) -> &'static Meta {
        &TOOLCHAIN
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        let is_go = || entry.path.rsplit(|b| *b == b'/').nth(1).is_some_and(|folder| folder.starts_with(b"go"));
        (entry.name() == b"VERSION" && head.starts_with(b"go1") && is_go())
            || (entry.name() == b"release" && memchr::memmem::find(head, b"JAVA_VERSION=\"").is_some())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let words = text(whole(file, 64 << 10)?);
        if let Some(version) = words.strip_prefix("go") {
            facts.extend(version.split_whitespace().next().map(|version| content("golang", version)));
        } else {
            let java = words.lines().find_map(|line| line.strip_prefix("JAVA_VERSION=\"")?.strip_suffix('"'));
            facts.extend(java.map(|version| content("java", &java_version(version))));
        }
        Ok(())
    }
}

/// Java 8 calls itself `1.8.0_402`; advisories say `8.0.402`.
fn java_version(version: &str) -> String {
    version.strip_prefix("1.").map_or_else(|| version.to_owned(), |old| old.replace('_', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_tell_the_program_and_its_series() {
        let series = |name: &str| {
            let named = PROGRAMS.iter().filter_map(|p| Some((p.name, p.series_of(name.as_bytes())?.to_owned())));
            named.collect::<Vec<_>>()
        };
        let one = |name: &'static str, series: &str| vec![(name, series.to_owned())];
        assert_eq!(series("python3.11"), one("python", "3.11"));
        assert_eq!(series("libpython3.7m.so.1.0"), one("python", "3.7"));
        assert_eq!(series("libcrypto-8a5b3f1c.so.1.1"), one("openssl", ""));
        assert_eq!(series("php8.2"), one("php", "8.2"));
        assert_eq!(series("php-fpm8.2"), one("php", ""));
        for other in
            ["python3.11-config", "pythonw", "nodemon", "git-shell", "libcryptopp.so.8", "libzstd.so.1", "phpize8.2"]
        {
            assert_eq!(series(other), [], "{other}");
        }
    }

    /// Texts as in the programs of their makers.
    #[test]
    fn versions_stand_behind_their_mark() {
        let version = |name: &str, content: &[u8], series: &str| {
            let program = PROGRAMS.iter().find(|program| program.name == name).unwrap();
            let entry = Entry {
                path: b"x",
                kind: crate::layer::EntryKind::File,
                size: 0,
                mode: 0,
                uid: 0,
                gid: 0,
                link: b"",
                capability: None,
            };
            program.version(&FileView::in_memory(entry, content), series).unwrap()
        };
        for (name, content, series, expected) in [
            ("openssl", &b"\0OpenSSL 1.1.1w  11 Sep 2023\0"[..], "", Some("1.1.1w")),
            ("openssl", b"\0OpenSSL 1.0.2k-fips  26 Jan 2017\0", "", Some("1.0.2k")),
            ("openssl", b"the OpenSSL 3.0 series", "", None),
            ("python", b"\x003.13.0rc2\0 \x003.9\0", "3.13", Some("3.13.0rc2")),
            ("python", b"\x003.11.2\0", "3.9", None),
            ("ruby", b"\0ruby 3.1.2p20 (2022-04-12", "", Some("3.1.2")),
            ("ruby", b"\0ruby 3.4.1 (2024-12-25", "", Some("3.4.1")),
            ("redis", b"\x007.0.15\0", "", Some("7.0.15")),
            ("redis", b"\x007.0.15\x006.2.0\0\x00127.0.0.1\x00", "", Some("7.0.15")),
            ("valkey", b"\x007.2.4\x008.0.1\0", "", Some("8.0.1")),
            ("zlib", b" inflate 1.2.13 Copyright inflate 1.3.1 Copyright", "", None),
            ("mariadb", b"\x0010.11.19-MariaDB\0", "", Some("10.11.19")),
            ("haproxy", b"\0 version 2.6.12-1+deb12u4, released 2026", "", Some("2.6.12")),
        ] {
            assert_eq!(version(name, content, series).as_deref(), expected, "{name} {}", text(content));
        }
        assert_eq!(java_version("1.8.0_402"), "8.0.402");
        assert_eq!(java_version("17.0.2"), "17.0.2");
    }

    #[test]
    fn a_version_at_the_edge_of_a_window_is_found() {
        let entry = Entry {
            path: b"node",
            kind: crate::layer::EntryKind::File,
            size: 0,
            mode: 0,
            uid: 0,
            gid: 0,
            link: b"",
            capability: None,
        };
        let node = PROGRAMS.iter().find(|program| program.name == "node").unwrap();
        for before in [WINDOW_BYTES - 12, WINDOW_BYTES - MAX_MARK_BYTES, WINDOW_BYTES] {
            let content = [&vec![b'x'; before][..], b"node.js/v20.11.1\0"].concat();
            let found = node.version(&FileView::in_memory(entry, &content), "").unwrap();
            assert_eq!(found.as_deref(), Some("20.11.1"), "{before}");
        }
    }
}
