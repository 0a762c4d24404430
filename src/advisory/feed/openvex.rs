//! Ubuntu's OpenVEX documents: one a CVE or notice, with what Canonical states about every source package of every release and channel.
//!
//! They say what OSV's records of the same vendor cannot: not affected, will not be fixed, no longer supported. Sources:
//! <https://security-metadata.canonical.com/vex/>, <https://github.com/openvex/spec> (v0.2.0).

use super::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft,
};
use crate::advisory::ecosystem;
use crate::advisory::error::RecordError;
use crate::advisory::model::{Row, Status};
use crate::advisory::openvex::{OpenVex, Statement};
use crate::advisory::store::Data;

/// The feed.
pub(super) struct Ubuntu;

static META: Meta = Meta {
    name: "Ubuntu VEX",
    upstream: Upstream {
        name: "ubuntu-vex",
        base: "https://security-metadata.canonical.com/vex/",
        files: Files::ByHand,
        speaks_for: SpeaksFor::One("Ubuntu"),
    },
    license: "CC-BY-SA-4.0",
    redistributable: true,
    documents: Documents::Records,
    data: Some(Data::Full),
};

impl Feed for Ubuntu {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_json() && head.has("openvex.dev/ns") && head.has("Canonical")
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let vex: OpenVex = serde_json::from_slice(&document.bytes()?).map_err(RecordError::Json)?;
        out(Item::Record(Translated::Kept(Box::new(record(&vex)?))));
        Ok(())
    }
}

fn record(vex: &OpenVex) -> Result<Draft, RecordError> {
    let (id, time) = match &vex.metadata {
        Some(metadata) => (&metadata.id, &metadata.timestamp),
        None => (&vex.id, &vex.timestamp),
    };
    // `…/vex/cve/2025/CVE-2025-0167`. Not the id of OSV's record, which holds other facts about the same flaw.
    let name = id.as_deref().and_then(|id| id.rsplit('/').next()).unwrap_or_default();
    let flaws = vex.statements.iter().flat_map(|statement| statement.vulnerability.ids());
    let flaws = std::iter::once(name).chain(flaws.filter(|flaw| draft::cve_of(flaw).is_some_and(|cve| cve == *flaw)));
    let known = draft::cve_of(name).is_some() || name.starts_with("USN-");
    let mut draft = Draft::new(&META, &format!("UBUNTU-VEX-{name}"), flaws).filter(|_| known).ok_or(RecordError::Id)?;
    draft.advisory.modified = time.as_ref().and_then(|time| draft::unix_seconds(&time.replace(' ', "T")));
    for statement in &vex.statements {
        for purl in statement.products.iter().filter_map(|product| product.identifiers().next()) {
            state(&mut draft, statement, purl);
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
    let action = statement.action_statement.as_deref().unwrap_or_default();
    let row = match (statement.status.as_str(), purl.version()) {
        // The release does not have the package at all.
        ("not_affected", _) if statement.justification.as_deref() == Some("component_not_present") => return,
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
