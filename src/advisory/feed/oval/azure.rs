//! Azure Linux and CBL-Mariner: one definition a CVE and source package. Source: <https://github.com/microsoft/AzureLinuxVulnerabilityData>.

use super::criteria::each_comparison;
use super::document::{Definition, Oval};
use crate::advisory::error::RecordError;
use crate::advisory::feed::xml::Xml;
use crate::advisory::feed::{
    Document, Documents, Draft, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Translated, Upstream, draft,
};
use crate::advisory::model::{Rating, Row, Upper};
use crate::advisory::severity;
use crate::advisory::store::Data;

/// The feed.
pub(in crate::advisory::feed) struct AzureLinux;

static META: Meta = Meta {
    name: "Azure Linux OVAL",
    upstream: Upstream {
        name: "azure",
        base: "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/",
        files: Files::ByRelease(&[
            ("1", &["cbl-mariner-1.0-oval.xml"]),
            ("2", &["cbl-mariner-2.0-oval.xml"]),
            ("3", &["azurelinux-3.0-oval.xml"]),
        ]),
        speaks_for: SpeaksFor::One("Azure Linux"),
    },
    license: "MIT",
    redistributable: true,
    documents: Documents::Collections,
    data: Some(Data::Full),
};

impl Feed for AzureLinux {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.is_xml() && head.has("oval_definitions") && (head.has("com.microsoft.") || head.has("Azure Linux OVAL"))
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let named = release_of_name(document.name).map(str::to_owned);
        let oval = Oval::read(&mut Xml::new(document))?;
        for definition in &oval.definitions {
            out(match record(&oval, definition, named.as_deref()) {
                Ok(draft) => Item::Record(Translated::Kept(Box::new(draft))),
                Err(error) => Item::Malformed { name: definition.id.chars().take(60).collect(), error },
            });
        }
        Ok(())
    }
}

fn record(oval: &Oval, definition: &Definition, named: Option<&str>) -> Result<Draft, RecordError> {
    let cve = definition.references.iter().find_map(|reference| draft::cve_of(&reference.id)).ok_or(RecordError::Id)?;
    let mut draft = Draft::new(&META, &format!("AZURELINUX-{cve}"), [cve]).ok_or(RecordError::Id)?;
    draft.advisory.rating =
        Rating { severity: severity::from_word(&definition.severity).unwrap_or_default(), cvss_tenths: None };
    draft.advisory.published = draft::unix_seconds(&definition.date);
    draft.advisory.modified = draft.advisory.published;
    let mut stated = false;
    each_comparison(oval, &definition.criteria, &mut Vec::new(), &mut |build, _| {
        let Some(release) = release_of_version(build.evr).or(named) else { return };
        let evr = build.evr.strip_prefix("0:").unwrap_or(build.evr);
        let row = match definition.patchable.as_str() {
            // The definition keeps its test, which must not be believed: "no longer is or was never applicable".
            "Not Applicable" => Row::not_affected(),
            _ if build.or_equal => Row::below(Upper::Through(evr.to_owned())),
            _ => Row::fixed_in(evr),
        };
        draft.state(&format!("Azure Linux:{release}"), build.name, row);
        stated = true;
    });
    if stated { Ok(draft.settled()) } else { Err(RecordError::Shape("no test compares a version of a known release")) }
}

/// 3 of `2.6.7-3.azl3`, 2 of `8.0.33-1.cm2`.
fn release_of_version(evr: &str) -> Option<&str> {
    let (_, tag) = evr.rsplit_once('.')?;
    let number = tag.strip_prefix("azl").or_else(|| tag.strip_prefix("cm"))?;
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

/// 3 of `azurelinux-3.0-oval.xml`, 2 of `cbl-mariner-2.0-preview-oval.xml`.
fn release_of_name(name: &str) -> Option<&str> {
    let file = name.rsplit('/').next()?;
    let rest = file.strip_prefix("azurelinux-").or_else(|| file.strip_prefix("cbl-mariner-"))?;
    rest.split('.').next().filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
}
