//! Errata of AlmaLinux (`errata.full.json`) and Rocky Linux (pages of its errata API) in JSON: unlike OSV's records of the same errata they
//! name module streams, and Rocky's name binary packages.

use serde::Deserialize;

use super::rpm_builds::{Builds, Place, el_major, evr, nevra};
use super::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft, errata,
    json,
};
use crate::advisory::error::RecordError;
use crate::advisory::severity;
use crate::advisory::store::Data;

/// AlmaLinux. Source: <https://errata.almalinux.org/9/errata.full.json>.
pub(super) struct AlmaLinux;

static ALMALINUX: Meta = Meta {
    name: "AlmaLinux errata",
    upstream: Upstream {
        name: "almalinux-errata",
        base: "https://errata.almalinux.org/",
        files: Files::ByHand,
        speaks_for: SpeaksFor::One("AlmaLinux"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::FixedOnly),
};

/// An erratum of AlmaLinux.
#[derive(Deserialize)]
struct AlmaErratum {
    id: String,
    /// Unix seconds, as text or number.
    #[serde(default)]
    issued_date: serde_json::Value,
    #[serde(default)]
    updated_date: serde_json::Value,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    packages: Vec<AlmaPackage>,
    #[serde(default)]
    references: Vec<AlmaReference>,
}

#[derive(Deserialize)]
struct AlmaPackage {
    name: String,
    #[serde(default)]
    epoch: String,
    version: String,
    release: String,
    arch: String,
    /// `name:stream:version:context:arch`.
    #[serde(default)]
    module: Option<String>,
}

#[derive(Deserialize)]
struct AlmaReference {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

impl Feed for AlmaLinux {
    fn meta(&self) -> &Meta {
        &ALMALINUX
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let alma = head.has("\"ALSA-") || head.has("\"ALBA-") || head.has("\"ALEA-");
        head.is_json() && alma && head.has("\"data\"")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_list(document, "data", &mut |found| {
            let json::Found::Item(_, raw) = found else { return };
            out(match json::item::<AlmaErratum>(raw).and_then(|erratum| alma_item(&erratum)) {
                Ok(item) => item,
                Err(error) => Item::Malformed { name: json::excerpt(raw), error },
            });
        })
    }
}

fn alma_item(erratum: &AlmaErratum) -> Result<Item, RecordError> {
    let flaws: Vec<&str> = erratum
        .references
        .iter()
        .filter(|reference| matches!(reference.kind.as_str(), "cve" | "rhsa"))
        .map(|reference| reference.id.as_str())
        .collect();
    let modified = seconds(&erratum.updated_date).or_else(|| seconds(&erratum.issued_date));
    if errata::is_not_security(&erratum.id) && !flaws.iter().any(|flaw| flaw.starts_with("CVE-")) {
        return Ok(Item::Record(Translated::NotSecurity { modified }));
    }
    let mut draft = Draft::new(&ALMALINUX, &erratum.id, flaws).ok_or(RecordError::Id)?;
    draft.advisory.rating.severity = severity::from_word(&erratum.severity).unwrap_or_default();
    draft.advisory.published = seconds(&erratum.issued_date);
    draft.advisory.modified = modified;
    let mut builds = Builds::default();
    for package in erratum.packages.iter().filter(|package| package.arch != "src") {
        let Some(major) = el_major(&package.release) else {
            draft.losses.other_products += 1;
            continue;
        };
        let module = package.module.as_deref().and_then(name_and_stream);
        let place = Place { ecosystem: format!("AlmaLinux:{major}"), name: package.name.clone(), module };
        builds.add(place, evr(&package.epoch, &package.version, &package.release), &package.arch);
    }
    builds.state(&mut draft);
    Ok(Item::Record(Translated::Kept(Box::new(settle(draft, &erratum.title)))))
}

/// Module builds whose stream the packages do not name take it from the title.
fn settle(mut draft: Draft, title: &str) -> Draft {
    let (named, mut unnamed): (Vec<_>, Vec<_>) = draft.rows.drain(..).partition(|(_, row)| row.module.is_some());
    errata::mark_modules(&mut unnamed, errata::title(title));
    draft.rows = [named, unnamed].concat();
    draft.settled()
}

fn seconds(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|seconds| *seconds > 0)
}

/// `nodejs:18` of `nodejs:18:9020020230327…:rhel9:x86_64`.
fn name_and_stream(module: &str) -> Option<String> {
    let mut parts = module.split(':').map(str::trim);
    let (name, stream) = (parts.next()?, parts.next()?);
    (!name.is_empty() && !stream.is_empty()).then(|| format!("{name}:{stream}"))
}

/// Rocky Linux. Source: <https://apollo.build.resf.org/api/v3/advisories/>.
pub(super) struct Rocky;

static ROCKY: Meta = Meta {
    name: "Rocky Linux errata",
    upstream: Upstream {
        name: "rocky-errata",
        base: "https://apollo.build.resf.org/api/v3/advisories/",
        files: Files::ByHand,
        speaks_for: SpeaksFor::One("Rocky Linux"),
    },
    license: "",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::FixedOnly),
};

/// An erratum of Rocky Linux.
#[derive(Deserialize)]
struct RockyErratum {
    name: String,
    /// `Security`, `Bug Fix` or `Enhancement`.
    #[serde(default)]
    kind: String,
    #[serde(default)]
    severity: String,
    #[serde(default)]
    synopsis: String,
    published_at: Option<String>,
    updated_at: Option<String>,
    #[serde(default)]
    cves: Vec<RockyCve>,
    #[serde(default)]
    packages: Vec<RockyPackage>,
}

#[derive(Deserialize)]
struct RockyCve {
    cve: String,
    cvss3_scoring_vector: Option<String>,
}

#[derive(Deserialize)]
struct RockyPackage {
    nevra: String,
    product_name: String,
    module_name: Option<String>,
    module_stream: Option<String>,
}

impl Feed for Rocky {
    fn meta(&self) -> &Meta {
        &ROCKY
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        let page = head.has("\"advisories\"") || head.has("\"red_hat_advisory_id\"");
        head.is_json() && page && (head.has("\"synopsis\"") || head.has("\"affected_products\""))
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        json::each_in_list(document, "advisories", &mut |found| match found {
            json::Found::Item(_, raw) => {
                out(match json::item::<RockyErratum>(raw).and_then(|erratum| rocky_item(&erratum)) {
                    Ok(item) => item,
                    Err(error) => Item::Malformed { name: json::excerpt(raw), error },
                });
            }
            json::Found::Scalar("total", number) => {
                if let Ok(number) = number.parse() {
                    out(Item::Expected(number));
                }
            }
            json::Found::Scalar(..) => {}
        })
    }
}

fn rocky_item(erratum: &RockyErratum) -> Result<Item, RecordError> {
    let time = |text: &Option<String>| text.as_deref().and_then(draft::unix_seconds);
    let modified = time(&erratum.updated_at);
    if erratum.kind != "Security" && erratum.cves.is_empty() {
        return Ok(Item::Record(Translated::NotSecurity { modified }));
    }
    let flaws = erratum.cves.iter().map(|cve| cve.cve.as_str());
    let mut draft = Draft::new(&ROCKY, &erratum.name, flaws).ok_or(RecordError::Id)?;
    let vectors = erratum.cves.iter().filter_map(|cve| cve.cvss3_scoring_vector.as_deref());
    draft.advisory.rating = severity::rate(severity::from_word(&erratum.severity), vectors);
    draft.advisory.published = time(&erratum.published_at);
    draft.advisory.modified = modified;
    let mut builds = Builds::default();
    for package in &erratum.packages {
        let Some((name, evr, arch)) = nevra(&package.nevra) else {
            draft.losses.without_versions += 1;
            continue;
        };
        let Some(release) = rocky_release(&package.product_name) else {
            draft.losses.other_products += 1;
            continue;
        };
        if arch == "src" {
            continue;
        }
        let stream = package.module_name.as_deref().zip(package.module_stream.as_deref());
        let module = stream.map(|(name, stream)| format!("{name}:{stream}"));
        builds.add(Place { ecosystem: format!("Rocky Linux:{release}"), name: name.to_owned(), module }, evr, arch);
    }
    builds.state(&mut draft);
    Ok(Item::Record(Translated::Kept(Box::new(settle(draft, &erratum.synopsis)))))
}

/// `9` of `Rocky Linux 9 aarch64` and `Rocky Linux 8.6 x86_64 (Legacy)`; other products (`Rocky Linux SIG Cloud 8 …`) build their own.
fn rocky_release(product: &str) -> Option<&str> {
    let rest = product.strip_prefix("Rocky Linux ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest.get(..end).filter(|major| !major.is_empty())
}
