//! Why an id is or is not reported of images: the stories of [`crate::advisory::explain`] with the places of their packages.

use std::sync::Arc;

use super::findings::{candidates, findings};
use super::pairs::Certificates;
use super::run::{ScannedImage, ScannedPlatform, scan_images};
use super::{Progress, ReadOptions};
use crate::advisory::explain::{Known, explain, known};
use crate::advisory::{AdvisoryError, Inventory as AdvisoryInventory, Store};
use crate::check::Subject;
use crate::facts::cache::Cache;
use crate::facts::purl::purl;
use crate::finding::{Finding, Kind, Location, unite};
use crate::report::explain::{Explained, FindingFacts, Image as ExplainedImage, Package, Place};
use crate::source::Image;

/// What an explanation is asked.
pub struct ExplainRequest<'a> {
    /// The images.
    pub images: Vec<Image>,
    /// How layers are read.
    pub read: ReadOptions,
    /// Where facts are kept.
    pub cache: &'a Cache,
    /// The advisories.
    pub store: &'a Store,
    /// A CVE or another id of the store, or the id of a finding.
    pub id: &'a str,
    /// The date of evaluation.
    pub evaluated_at: jiff::civil::Date,
    /// Told of the progress.
    pub progress: Arc<dyn Progress>,
}

/// Explains an id with the images.
///
/// # Errors
/// When the advisory store is damaged.
pub fn explain_images(request: ExplainRequest<'_>) -> Result<Explained, AdvisoryError> {
    let ExplainRequest { images, read, cache, store, id, evaluated_at, progress } = request;
    let scanned = scan_images(images, read, cache, &progress);
    let finding = if is_finding_id(id) {
        let mut found = Vec::new();
        for image in &scanned {
            let certificates = Certificates::new(&image.platforms);
            for platform in &image.platforms {
                let all = findings(&image.image, platform, store, evaluated_at, &certificates, read.collect)?;
                found.extend(all.findings);
            }
        }
        unite(found).into_iter().find(|(known, _)| known == id).map(|(_, finding)| finding)
    } else {
        None
    };
    let advisory = match &finding {
        Some(finding) if !matches!(finding.kind, Kind::Vulnerability | Kind::Informational) => None,
        Some(finding) => known(store, &finding.rule)?,
        None => known(store, id)?,
    };
    let complete = scanned.iter().flat_map(|image| &image.platforms).all(|platform| platform.complete);
    let mut explained = Vec::new();
    for image in &scanned {
        explained.push(explain_image(image, store, advisory.as_ref(), finding.as_ref())?);
    }
    Ok(Explained {
        id: id.to_owned(),
        store: store.digest().to_string(),
        finding: finding.as_ref().map(finding_facts),
        advisory,
        statements: Vec::new(),
        images: explained,
        complete,
    })
}

/// 16 hex digits, as reports number findings.
fn is_finding_id(id: &str) -> bool {
    id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn finding_facts(finding: &Finding) -> FindingFacts {
    let place = |location: &Location| match location {
        Location::Config(config) => config.clone(),
        Location::Commit { path, line, state, commit } => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            format!("{path}{line}, commit {}, {state}", commit.id)
        }
        Location::Source { path, region, .. } => format!("{path}:{}:{}", region.line, region.column),
        Location::File { path, line, layer_index, state, .. } => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let layer = layer_index.map(|index| format!(", layer {index}")).unwrap_or_default();
            format!("{path}{line}{layer}, {state}")
        }
    };
    FindingFacts {
        kind: finding.kind.name().to_owned(),
        rule: finding.rule.clone(),
        title: finding.title.clone(),
        severity: finding.severity,
        evidence: finding.evidence.clone(),
        remediation: finding.remediation.clone(),
        places: finding.locations.keys().map(place).collect(),
    }
}

fn explain_image(
    image: &ScannedImage,
    store: &Store,
    advisory: Option<&Known>,
    finding: Option<&Finding>,
) -> Result<ExplainedImage, AdvisoryError> {
    let mut packages = Vec::new();
    for platform in &image.platforms {
        let Some(known) = advisory else { continue };
        let told = packages_of(platform, store, known)?;
        let is_wanted = |package: &Package| finding.is_none_or(|finding| finding.packages.contains(&package.purl));
        packages.extend(told.into_iter().filter(is_wanted));
    }
    Ok(ExplainedImage { reference: image.image.reference.clone(), packages })
}

fn packages_of(platform: &ScannedPlatform, store: &Store, known: &Known) -> Result<Vec<Package>, AdvisoryError> {
    let inventory = &platform.inventory;
    let (candidates, os) = candidates(inventory);
    let stories = explain(store, &AdvisoryInventory { packages: &candidates, os }, known)?;
    let (manifest, annotations) = (&platform.manifest, &platform.manifest.annotations);
    let subject = Subject { manifest, inventory, reference: None, has_config: false, annotations };
    let package = |story: crate::advisory::explain::Story| {
        let installed = inventory.packages.get(story.package)?;
        let Location::File { path, layer, layer_index, instruction, .. } =
            subject.place(&installed.path, installed.layer)
        else {
            return None;
        };
        Some(Package {
            platform: platform.manifest.platform.to_string(),
            purl: purl(&installed.fact, inventory.os.as_ref()),
            name: installed.fact.name.clone(),
            version: installed.fact.version.clone(),
            source: installed.fact.source.as_ref().map(|source| format!("{} {}", source.name, source.version)),
            owner: installed.owner.clone(),
            place: Place {
                path,
                layer: layer.map(|layer| layer.to_string()),
                layer_index,
                instruction: instruction.map(|text| crate::secret::Scanner::in_use().redact(&text)),
            },
            story,
        })
    };
    Ok(stories.into_iter().filter_map(package).collect())
}
