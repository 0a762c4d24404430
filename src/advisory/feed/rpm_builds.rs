//! Fixed builds of rpm packages as vendors list them, once an architecture ▸ one statement a build.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use crate::advisory::model::Row;

/// Gathers the builds of one record.
#[derive(Default)]
pub(super) struct Builds(BTreeMap<Place, BTreeMap<String, BTreeSet<String>>>);

/// Ecosystem, package, module stream.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) ecosystem: String,
    pub(super) name: String,
    pub(super) module: Option<String>,
}

impl Builds {
    /// A build, `epoch:version-release`, that has the fix on one architecture.
    pub(super) fn add(&mut self, place: Place, evr: String, arch: &str) {
        self.0.entry(place).or_default().entry(evr).or_default().insert(arch.to_owned());
    }

    /// States every build in the record: without its architectures, unless another build is the fix on some of them.
    pub(super) fn state(self, draft: &mut Draft) {
        for (Place { ecosystem, name, module }, builds) in self.0 {
            let all: BTreeSet<&String> = builds.values().flatten().collect();
            for (evr, arches) in &builds {
                let row = Row { module: module.clone(), ..Row::fixed_in(evr) };
                if arches.len() == all.len() {
                    draft.state(&ecosystem, &name, row);
                    continue;
                }
                for arch in arches {
                    draft.state(&ecosystem, &name, Row { arch: Some(arch.clone()), ..row.clone() });
                }
            }
        }
    }
}

/// `epoch:version-release`; an epoch of 0 is not written, as OSV's records of these distributions do.
pub(super) fn evr(epoch: &str, version: &str, release: &str) -> String {
    let epoch = epoch.trim();
    let prefix = if matches!(epoch, "" | "0" | "(none)" | "None") { String::new() } else { format!("{epoch}:") };
    if release.is_empty() { format!("{prefix}{version}") } else { format!("{prefix}{version}-{release}") }
}

/// The major release that a build is for: 9 of `1.el9_3`, `2.module_el9.2.0+24`, `3.module+el9`.
pub(super) fn el_major(release: &str) -> Option<&str> {
    let at = release.rfind("el")? + 2;
    let rest = release.get(at..)?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end).filter(|major| !major.is_empty())
}

/// Name, `epoch:version-release` and architecture of `name-[epoch:]version-release.arch[.rpm]`.
pub(super) fn nevra(text: &str) -> Option<(&str, String, &str)> {
    let text = text.strip_suffix(".rpm").unwrap_or(text);
    let (rest, arch) = text.rsplit_once('.')?;
    let (rest, release) = rest.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    let (epoch, version) = version.split_once(':').unwrap_or(("", version));
    Some((name, evr(epoch, version, release), arch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_from_the_right() {
        assert_eq!(
            nevra("delve-0:1.25.2-1.el10_1.aarch64.rpm"),
            Some(("delve", "1.25.2-1.el10_1".to_owned(), "aarch64"))
        );
        assert_eq!(
            nevra("perl-FCGI-1:0.74-8.el7_9.1.s390x"),
            Some(("perl-FCGI", "1:0.74-8.el7_9.1".to_owned(), "s390x"))
        );
        assert_eq!(nevra("kernel"), None);
    }

    #[test]
    fn builds_tell_their_major_release() {
        for (release, major) in [
            ("1.el9_3", Some("9")),
            ("1.el10", Some("10")),
            ("2.module_el8.5.0+119+9a9ec082", Some("8")),
            ("2.module+el8.4.0+529", Some("8")),
            ("1.fc40", None),
            ("1.amzn2", None),
        ] {
            assert_eq!(el_major(release), major, "{release}");
        }
    }
}
