//! Ubuntu's OpenVEX documents: one a CVE or notice, with what Canonical states about every source package of every release and channel.
//!
//! They say what OSV's records of the same vendor cannot: not affected, will not be fixed, no longer supported. Sources:
//! <https://security-metadata.canonical.com/vex/>, <https://github.com/openvex/spec> (v0.2.0).

use serde::Deserialize;

use super::{Document, Documents, Draft, Feed, Head, Item, Meta, Output, Translated, draft};
use crate::advisory::ecosystem;
use crate::advisory::error::RecordError;
use crate::advisory::model::{Row, Status};
use crate::advisory::store::Data;

/// The feed.
pub(super) struct Ubuntu;

static META: Meta = Meta {
    name: "Ubuntu VEX",
    url: "https://security-metadata.canonical.com/vex/vex-all.tar.xz",
    license: "CC-BY-SA-4.0",
    redistributable: true,
    documents: Documents::Records,
    data: Some(Data::Full),
};

/// A document; those of early 2025 wrap author and time into `metadata`.
#[derive(Deserialize)]
struct Vex {
    #[serde(rename = "@id", default)]
    id: String,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(default)]
    statements: Option<Vec<Statement>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "@id", default)]
    id: String,
    #[serde(default)]
    timestamp: String,
}

#[derive(Deserialize)]
struct Statement {
    vulnerability: Vulnerability,
    #[serde(default)]
    products: Vec<Product>,
    status: String,
    #[serde(default)]
    justification: String,
    #[serde(default)]
    action_statement: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Deserialize)]
struct Product {
    #[serde(rename = "@id")]
    purl: String,
}

impl Feed for Ubuntu {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("openvex.dev/ns") && head.has("Canonical")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let vex: Vex = serde_json::from_slice(&document.bytes()?).map_err(RecordError::Json)?;
        out(Item::Record(Translated::Kept(Box::new(record(&vex)?))));
        Ok(())
    }
}

fn record(vex: &Vex) -> Result<Draft, RecordError> {
    let (id, time) = match &vex.metadata {
        Some(metadata) => (&metadata.id, &metadata.timestamp),
        None => (&vex.id, &vex.timestamp),
    };
    // `…/vex/cve/2025/CVE-2025-0167`. Not the id of OSV's record, which holds other facts about the same flaw.
    let name = id.rsplit('/').next().unwrap_or_default();
    let statements = vex.statements.as_deref().unwrap_or_default();
    let named = statements.iter().map(|statement| &statement.vulnerability);
    let flaws = named.flat_map(|flaw| std::iter::once(&flaw.name).chain(&flaw.aliases)).map(String::as_str);
    let flaws = std::iter::once(name).chain(flaws.filter(|flaw| draft::cve_of(flaw).is_some_and(|cve| cve == *flaw)));
    let known = draft::cve_of(name).is_some() || name.starts_with("USN-");
    let mut draft = Draft::new(&META, &format!("UBUNTU-VEX-{name}"), flaws).filter(|_| known).ok_or(RecordError::Id)?;
    draft.advisory.modified = draft::unix_seconds(&time.replace(' ', "T"));
    for statement in statements {
        for product in &statement.products {
            state(&mut draft, statement, &product.purl);
        }
    }
    Ok(draft.settled())
}

/// Binary packages are passed over: the source stands for them, and older documents give only that a release.
fn state(draft: &mut Draft, statement: &Statement, purl: &str) {
    let Ok(purl) = purl.parse::<packageurl::PackageUrl<'_>>() else {
        draft.losses.without_versions += 1;
        return;
    };
    if purl.qualifiers().get("arch").is_none_or(|arch| arch != "source") {
        return;
    }
    let Some(ecosystem) = purl.qualifiers().get("distro").and_then(|distro| channel(distro)) else {
        draft.losses.other_products += 1;
        return;
    };
    let action = statement.action_statement.as_str();
    let row = match (statement.status.as_str(), purl.version()) {
        // The release does not have the package at all.
        ("not_affected", _) if statement.justification == "component_not_present" => return,
        ("not_affected", _) => Row::not_affected(),
        ("fixed", Some(version)) => Row::fixed_in(version),
        ("affected", _) if action.contains("no longer supported") => Row::unfixed(Status::EndOfLife),
        ("affected", _) if action.contains("decided to not fix") => Row::unfixed(Status::WontFix),
        ("affected", _) if action.contains("defer") => Row::unfixed(Status::Deferred),
        ("affected", _) => Row::unfixed(Status::Affected),
        ("under_investigation", _) => Row::unfixed(Status::UnderInvestigation),
        _ => {
            draft.losses.without_versions += 1;
            return;
        }
    };
    draft.state(&ecosystem, purl.name(), row);
}

/// The ecosystem of `jammy`, `esm-apps/bionic`, `fips-updates/focal`: subscriptions are never folded into the release.
fn channel(distro: &str) -> Option<String> {
    let (channel, codename) = distro.rsplit_once('/').unwrap_or(("", distro));
    let release = ecosystem::ubuntu(ecosystem::ubuntu_version(codename)?);
    let number = release.strip_prefix("Ubuntu:")?;
    Some(match channel {
        "" => release,
        _ if channel.starts_with("esm-") => format!("Ubuntu:Pro:{number}"),
        "fips" => format!("Ubuntu:Pro:FIPS:{number}"),
        "fips-updates" => format!("Ubuntu:Pro:FIPS-updates:{number}"),
        "fips-preview" => format!("Ubuntu:Pro:FIPS-preview:{number}"),
        "realtime" => format!("Ubuntu:Pro:Realtime:{number}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_stay_apart() {
        for (distro, ecosystem) in [
            ("jammy", Some("Ubuntu:22.04:LTS")),
            ("questing", Some("Ubuntu:25.10")),
            ("esm-apps/bionic", Some("Ubuntu:Pro:18.04:LTS")),
            ("esm-infra-legacy/trusty", Some("Ubuntu:Pro:14.04:LTS")),
            ("fips-updates/focal", Some("Ubuntu:Pro:FIPS-updates:20.04:LTS")),
            ("bluefield/jammy", None),
            ("unheard-of", None),
        ] {
            assert_eq!(channel(distro).as_deref(), ecosystem, "{distro}");
        }
    }
}
