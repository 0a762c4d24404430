//! Security databases of apk distributions: fixed version ▸ ids, per package of a repository.
//!
//! A list of fixes, not of exposures: what has no fix is not in it. The version `0` says that the package never had the flaw. Sources:
//! <https://secdb.alpinelinux.org/>, apk-tools' `secfixes-check(1)`. Files from before 2021 are YAML of the same shape.

use std::collections::BTreeMap;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::{Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream};
use crate::advisory::error::RecordError;
use crate::advisory::model::Row;
use crate::advisory::osv::is_plain_id;
use crate::advisory::store::Data;

/// A distribution's database.
pub(super) struct Secdb {
    meta: Meta,
    /// What stands in the `urlprefix` of its files.
    host: &'static str,
    /// Its ecosystem, without release.
    ecosystem: &'static str,
    /// Whether it has releases; else it rolls.
    has_releases: bool,
    /// Before the ids of its records.
    prefix: &'static str,
}

/// Alpine Linux: `main` and `community` of every branch.
pub(super) static ALPINE: Secdb = Secdb {
    meta: Meta {
        name: "Alpine secdb",
        upstream: Upstream {
            name: "alpine",
            base: "https://secdb.alpinelinux.org/",
            files: Files::Plain(&["{release}/main.json", "{release}/community.json"]),
            speaks_for: SpeaksFor::One("Alpine"),
        },
        license: "",
        redistributable: true,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    host: "alpinelinux.org",
    ecosystem: "Alpine",
    has_releases: true,
    prefix: "ALPINE-",
};

/// Wolfi; Chainguard's terms do not allow to hand the data on or to convert it for others.
pub(super) static WOLFI: Secdb = Secdb {
    meta: Meta {
        name: "Wolfi secdb",
        upstream: Upstream {
            name: "wolfi",
            base: "https://packages.wolfi.dev/os/",
            files: Files::Plain(&["security.json"]),
            speaks_for: SpeaksFor::One("Wolfi"),
        },
        license: "LicenseRef-Chainguard-advisories",
        redistributable: false,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    host: "packages.wolfi.dev",
    ecosystem: "Wolfi",
    has_releases: false,
    prefix: "WOLFI-",
};

/// Chainguard OS, on the same terms.
pub(super) static CHAINGUARD: Secdb = Secdb {
    meta: Meta {
        name: "Chainguard secdb",
        upstream: Upstream {
            name: "chainguard",
            base: "https://packages.cgr.dev/chainguard/",
            files: Files::Plain(&["security.json"]),
            speaks_for: SpeaksFor::One("Chainguard"),
        },
        license: "LicenseRef-Chainguard-advisories",
        redistributable: false,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    host: "packages.cgr.dev",
    ecosystem: "Chainguard",
    has_releases: false,
    prefix: "CHAINGUARD-",
};

/// MinimOS; its terms are not stated, so it is not handed on either.
pub(super) static MINIMOS: Secdb = Secdb {
    meta: Meta {
        name: "MinimOS secdb",
        upstream: Upstream {
            name: "minimos",
            base: "https://packages.mini.dev/advisories/secdb/",
            files: Files::Plain(&["security.json"]),
            speaks_for: SpeaksFor::One("MinimOS"),
        },
        license: "",
        redistributable: false,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    host: "packages.mini.dev",
    ecosystem: "MinimOS",
    has_releases: false,
    prefix: "MINIMOS-",
};

#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    urlprefix: String,
    #[serde(default)]
    distroversion: Option<String>,
    packages: LuaList<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<LuaMap>,
}

impl Feed for Secdb {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let json = head.is_json() && (head.has("\"apkurl\"") || head.has("\"secfixes\""));
        let yaml = head.has("\nreponame: ") && head.has("\napkurl: ") || head.bytes.starts_with(b"apkurl: ");
        // Where the long list of packages comes first, the host stands at the end; only Alpine's oldest files do that.
        let host = head.has(self.host) || (self.has_releases && !head.has("urlprefix"));
        (json || yaml) && host
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let bytes = document.bytes()?;
        let database = parse(&bytes)?;
        if !database.urlprefix.contains(self.host) {
            return Err(RecordError::Shape("its packages are those of a distribution that is not known"));
        }
        let ecosystem = match (&database.distroversion, self.has_releases) {
            (Some(branch), true) => format!("{}:{}", self.ecosystem, branch.trim()),
            (None, true) => return Err(RecordError::Shape("it names no release")),
            (_, false) => self.ecosystem.to_owned(),
        };
        for Entry { pkg } in database.packages.0 {
            for (version, entries) in pkg.secfixes.unwrap_or_default().0 {
                let row = if version == "0" { Row::not_affected() } else { Row::fixed_in(&version) };
                for entry in entries.0 {
                    self.entry(&ecosystem, &pkg.name, &entry, &row, out);
                }
            }
        }
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<Database, RecordError> {
    let text = std::str::from_utf8(bytes).map_err(|_| RecordError::NotUtf8)?;
    if (Head { bytes }).is_json() {
        return serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(RecordError::Json);
    }
    serde_saphyr::from_str(text).map_err(|error| RecordError::Yaml(error.to_string()))
}

/// One flaw, with the other ids that the same entry gives for it.
type Ids = Vec<String>;

/// The flaws of one entry: `CVE-2018-7540 XSA-252` is one that has two ids; of two CVEs each is one. Remarks in parentheses are no ids.
fn flaws(entry: &str) -> Vec<Ids> {
    let entry = entry.replace("CVE_", "CVE-").replace("CVE 2", "CVE-2"); // as some are misspelt
    let is_id = |word: &&str| is_plain_id(word) && word.contains('-') && word.contains(|c: char| c.is_ascii_digit());
    let words = entry
        .split([' ', ',', '\t'])
        .map(|word| word.trim_matches(['(', ')', '?', ';']))
        .filter(is_id)
        .map(without_patch);
    let (cves, others): (Ids, Ids) = words.map(str::to_owned).partition(|id| super::draft::cve_of(id).is_some());
    match cves.len() {
        0 if others.is_empty() => Vec::new(),
        0 => vec![others],
        _ => cves.into_iter().map(|cve| [vec![cve], others.clone()].concat()).collect(),
    }
}

/// `CVE-2017-17434` of `CVE-2017-17434-1` and `CVE-2019-19451.patch`: some entries are named like the patch.
fn without_patch(id: &str) -> &str {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let number = id.strip_prefix("CVE-").and_then(|rest| rest.get(5..)).map_or(0, digits);
    let cve = id.get(.."CVE-2017-".len() + number).filter(|cve| super::draft::cve_of(cve).is_some());
    cve.filter(|_| id.starts_with("CVE-")).unwrap_or(id)
}

impl Secdb {
    /// One entry of the list of a version.
    fn entry(&self, ecosystem: &str, package: &str, entry: &str, row: &Row, out: &mut Output<'_>) {
        let flaws = flaws(entry);
        if flaws.is_empty() {
            let name = format!("{package}: {}", entry.escape_default()).chars().take(80).collect();
            out(Item::Malformed { name, error: RecordError::Id });
        }
        for ids in flaws {
            out(self.record(ecosystem, package, &ids, row.clone()));
        }
    }

    fn record(&self, ecosystem: &str, package: &str, ids: &[String], row: Row) -> Item {
        let first = ids.first().map_or("", String::as_str);
        let record_id = format!("{}{first}", self.prefix);
        let Some(mut draft) = Draft::new(&self.meta, &record_id, ids.iter().map(String::as_str)) else {
            return Item::Malformed { name: package.to_owned(), error: RecordError::Id };
        };
        // A GHSA is one flaw, so the record is another name of it; an XSA may be about several.
        draft.advisory.aliases = ids.iter().filter(|id| id.starts_with("GHSA-")).cloned().collect();
        draft.state(ecosystem, package, row);
        Item::Record(Translated::Kept(Box::new(draft)))
    }
}

/// A list; Lua writes an empty one as an empty object.
struct LuaList<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for LuaList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
            type Value = LuaList<T>;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a list, or an empty object for an empty list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<LuaList<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    items.push(item);
                }
                Ok(LuaList(items))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LuaList<T>, A::Error> {
                match map.next_entry::<IgnoredAny, IgnoredAny>()? {
                    None => Ok(LuaList(Vec::new())),
                    Some(_) => Err(serde::de::Error::custom("an object with members where a list is expected")),
                }
            }
            fn visit_unit<E>(self) -> Result<LuaList<T>, E> {
                Ok(LuaList(Vec::new()))
            }
        }
        deserializer.deserialize_any(List(std::marker::PhantomData))
    }
}

/// Fixed version ▸ ids; Lua writes an empty table as an empty list, too.
#[derive(Default)]
struct LuaMap(BTreeMap<String, LuaList<String>>);

impl<'de> Deserialize<'de> for LuaMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = LuaMap;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object, or an empty list for an empty one")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LuaMap, A::Error> {
                let mut fixes: BTreeMap<String, LuaList<String>> = BTreeMap::new();
                while let Some((version, ids)) = map.next_entry::<String, LuaList<String>>()? {
                    fixes.entry(version).or_insert_with(|| LuaList(Vec::new())).0.extend(ids.0);
                }
                Ok(LuaMap(fixes))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<LuaMap, A::Error> {
                match list.next_element::<IgnoredAny>()? {
                    None => Ok(LuaMap::default()),
                    Some(_) => Err(serde::de::Error::custom("a list with items where an object is expected")),
                }
            }
            fn visit_unit<E>(self) -> Result<LuaMap, E> {
                Ok(LuaMap::default())
            }
        }
        deserializer.deserialize_any(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_may_hold_several_ids() {
        let ids = |entry: &str| flaws(entry).into_iter().map(|ids| ids.join("+")).collect::<Vec<_>>();
        assert_eq!(ids("CVE-2018-7540 XSA-252"), ["CVE-2018-7540+XSA-252"]);
        assert_eq!(ids("CVE-2019-1111 CVE-2019-2222"), ["CVE-2019-1111", "CVE-2019-2222"]);
        assert_eq!(ids("XSA-201"), ["XSA-201"]);
        assert_eq!(ids("CVE-2017-17434-2"), ["CVE-2017-17434"]);
        assert_eq!(ids("CVE-2019-19451.patch"), ["CVE-2019-19451"]);
        assert_eq!(ids("wnpa-sec-2017-18"), ["wnpa-sec-2017-18"]);
        assert_eq!((ids("CVE_2019-2426"), ids("CVE 2018-16859")), (ids("CVE-2019-2426"), ids("CVE-2018-16859")));
        assert_eq!(ids("CVE-2017-2616 (+ regression fix)"), ["CVE-2017-2616"]);
        assert_eq!(ids("regression fix"), [""; 0]);
    }
}
