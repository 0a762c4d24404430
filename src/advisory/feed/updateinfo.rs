//! `updateinfo.xml` of rpm repositories: Amazon Linux, AlmaLinux, Rocky Linux. One `<update>` is one erratum with its fixed builds.
//!
//! Only fixes are in it. Source of the format: createrepo_c; of Amazon's names: <https://docs.aws.amazon.com/linux/>.

use super::rpm_builds::{Builds, Place, el_major, evr};
use super::xml::{Element, Node, Xml};
use super::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft, errata,
};
use crate::advisory::error::RecordError;
use crate::advisory::model::Rating;
use crate::advisory::severity;
use crate::advisory::store::Data;

/// Most packages and references of one update; the largest real ones, of kernels, have some 1,000.
const MAX_PARTS: usize = 100_000;

/// A distribution's errata.
pub(super) struct UpdateInfo {
    meta: Meta,
    /// Texts of which one stands at the beginning of its files.
    marks: &'static [&'static str],
    /// Ecosystem of a build by its repository and release.
    ecosystem: fn(&str, &str) -> Option<String>,
}

/// Amazon Linux 1, 2, 2022 and 2023 with their extras.
pub(super) static AMAZON: UpdateInfo = UpdateInfo {
    meta: Meta {
        name: "Amazon Linux ALAS",
        upstream: Upstream {
            name: "amazon",
            base: "https://cdn.amazonlinux.com/",
            files: Files::Repositories(&[
                ("2", &["2/core/latest/x86_64/mirror.list", "2/core/latest/aarch64/mirror.list"]),
                (
                    "2023",
                    &[
                        "al2023/core/mirrors/latest/x86_64/mirror.list",
                        "al2023/core/mirrors/latest/aarch64/mirror.list",
                    ],
                ),
            ]),
            speaks_for: SpeaksFor::One("Amazon Linux"),
        },
        license: "",
        redistributable: true,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    marks: &["amazon.com", "ALAS"],
    ecosystem: amazon,
};

/// AlmaLinux.
pub(super) static ALMALINUX: UpdateInfo = UpdateInfo {
    meta: Meta {
        name: "AlmaLinux errata",
        upstream: Upstream {
            name: "almalinux-updateinfo",
            base: "https://repo.almalinux.org/almalinux/",
            files: Files::ByHand,
            speaks_for: SpeaksFor::One("AlmaLinux"),
        },
        license: "",
        redistributable: true,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    marks: &["almalinux.org"],
    ecosystem: |_, release| el_major(release).map(|major| format!("AlmaLinux:{major}")),
};

/// Rocky Linux.
pub(super) static ROCKY: UpdateInfo = UpdateInfo {
    meta: Meta {
        name: "Rocky Linux errata",
        upstream: Upstream {
            name: "rocky-updateinfo",
            base: "https://dl.rockylinux.org/pub/rocky/",
            files: Files::ByHand,
            speaks_for: SpeaksFor::One("Rocky Linux"),
        },
        license: "",
        redistributable: true,
        documents: Documents::Collections,
        data: Some(Data::FixedOnly),
    },
    marks: &["rockylinux.org", "RLSA-", "RLBA-", "RLEA-"],
    ecosystem: |_, release| el_major(release).map(|major| format!("Rocky Linux:{major}")),
};

/// `amazon-linux-2---kernel-5.15` is the extra `kernel-5.15`, whose packages have the names of others but count on their own. Livepatches and
/// the repositories of 2023 have names of their own and belong to the release.
fn amazon(repository: &str, _: &str) -> Option<String> {
    let (release, extra) = repository.split_once("---").unwrap_or((repository, ""));
    let version = match release {
        "amazon-linux-ami" => "1",
        _ => release.strip_prefix("amazon-linux-")?,
    };
    match (version, extra) {
        (version, "" | "core" | "livepatch") => Some(format!("Amazon Linux:{version}")),
        ("2", extra) => Some(format!("Amazon Linux:2:{extra}")),
        (version, _) => Some(format!("Amazon Linux:{version}")),
    }
}

/// One `<update>` on its way.
#[derive(Default)]
struct Update {
    id: String,
    title: String,
    severity: String,
    kind: String,
    issued: String,
    updated: String,
    flaws: Vec<String>,
    packages: Vec<Package>,
}

/// One `<package>`.
struct Package {
    repository: String,
    name: String,
    version: String,
    release: String,
    epoch: String,
    arch: String,
}

impl Feed for UpdateInfo {
    fn meta(&self) -> &Meta {
        &self.meta
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_xml() && head.has("<updates") && self.marks.iter().any(|mark| head.has(mark))
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let mut xml = Xml::new(document);
        let mut update = Update::default();
        let mut repository = String::new();
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(element) => match element.name.as_str() {
                    "update" => update = Update { kind: element.attribute("type").to_owned(), ..Update::default() },
                    "collection" => element.attribute("short").clone_into(&mut repository),
                    _ => update.start(&element, &repository)?,
                },
                Node::End(name, _) if name == "update" => out(self.item(std::mem::take(&mut update))),
                Node::End(name, text) => update.end(&name, text),
            }
        }
        Ok(())
    }
}

impl Update {
    fn start(&mut self, element: &Element, repository: &str) -> Result<(), RecordError> {
        if self.packages.len() + self.flaws.len() >= MAX_PARTS {
            return Err(RecordError::Shape("an update has more than 100000 packages and references"));
        }
        let attribute = |name: &str| element.attribute(name).to_owned();
        match element.name.as_str() {
            "issued" => self.issued = attribute("date"),
            "updated" => self.updated = attribute("date"),
            "reference" if element.attribute("type") == "cve" => self.flaws.push(attribute("id")),
            "package" => self.packages.push(Package {
                repository: repository.to_owned(),
                name: attribute("name"),
                version: attribute("version"),
                release: attribute("release"),
                epoch: attribute("epoch"),
                arch: attribute("arch"),
            }),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str, text: String) {
        match name {
            "id" if self.id.is_empty() => self.id = text,
            "title" if self.title.is_empty() => self.title = text,
            "severity" if self.severity.is_empty() => self.severity = text,
            _ => {}
        }
    }

    fn modified(&self) -> Option<i64> {
        draft::unix_seconds(&self.updated).or_else(|| draft::unix_seconds(&self.issued))
    }
}

impl UpdateInfo {
    fn item(&self, update: Update) -> Item {
        let modified = update.modified();
        if update.kind != "security" && update.flaws.is_empty() {
            return Item::Record(Translated::NotSecurity { modified });
        }
        let Some(mut draft) = Draft::new(&self.meta, &update.id, update.flaws.iter().map(String::as_str)) else {
            return Item::Malformed { name: update.title.chars().take(60).collect(), error: RecordError::Id };
        };
        let title = errata::title(&update.title);
        let word = severity::from_word(&update.severity).or(title.severity);
        draft.advisory.rating = Rating { severity: word.unwrap_or_default(), cvss_tenths: None };
        draft.advisory.published = draft::unix_seconds(&update.issued);
        draft.advisory.modified = modified;
        let mut builds = Builds::default();
        for package in update.packages.iter().filter(|package| !matches!(package.arch.as_str(), "src" | "nosrc")) {
            let Some(ecosystem) = (self.ecosystem)(&package.repository, &package.release) else {
                draft.losses.other_products += 1;
                continue;
            };
            let place = Place { ecosystem, name: package.name.clone(), module: None };
            builds.add(place, evr(&package.epoch, &package.version, &package.release), &package.arch);
        }
        builds.state(&mut draft);
        errata::mark_modules(&mut draft.rows, title);
        Item::Record(Translated::Kept(Box::new(draft.settled())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amazons_repositories_name_releases_and_extras() {
        for (repository, ecosystem) in [
            ("amazon-linux-ami", Some("Amazon Linux:1")),
            ("amazon-linux-2", Some("Amazon Linux:2")),
            ("amazon-linux-2---kernel-5.15", Some("Amazon Linux:2:kernel-5.15")),
            ("amazon-linux-2---livepatch", Some("Amazon Linux:2")),
            ("amazon-linux-2023---nvidia", Some("Amazon Linux:2023")),
            ("fedora", None),
        ] {
            assert_eq!(amazon(repository, "").as_deref(), ecosystem, "{repository}");
        }
    }
}
