//! CycloneDX 1.6 as JSON: what is installed where, and which of it is vulnerable.
//!
//! Source: ECMA-424, "CycloneDX Bill of Materials Specification", and the schema `bom-1.6.schema.json`.
//!
//! * The image is the subject (`metadata.component`), each of its platforms a container, each container depends on its operating system and packages. What
//!   packages need among themselves is not known and so is left out of the graph. Several images are containers beside each other.
//! * Serial number and timestamp follow from what was scanned and from the date of evaluation: the same scan gives the same bytes.
//! * Licences are given by name as the package declares them: only some are SPDX identifiers.
//! * Findings about secrets and configuration have no place in this format; they are in the JSON and SARIF reports.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::Path;

use packageurl::PackageUrl;
use serde::Serialize;

use super::contract::{Finding, Package, Platform, Report, Reports};
use super::escape::write_json;
use super::{RenderOptions, ReportFormat, osv_address};
use crate::digest::Digest;
use crate::reference::{ImageName, Reference};

/// Places listed of one component; a package of a large monorepo may stand in thousands.
const MAX_OCCURRENCES: usize = 100;

/// `cyclonedx`.
#[derive(Debug)]
pub(super) struct CycloneDx;

impl ReportFormat for CycloneDx {
    fn name(&self) -> &'static str {
        "cyclonedx"
    }

    fn summary(&self) -> &'static str {
        "CycloneDX 1.6 JSON: bill of materials with vulnerabilities"
    }

    fn render(&self, reports: &Reports, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        let mut parts = Parts::default();
        let mut images: Vec<Component> = reports.reports.iter().map(|report| parts.add(report)).collect();
        let subject = if images.len() == 1 { images.pop() } else { None };
        images.append(&mut parts.components);
        let first = reports.reports.first();
        let bom = Bom {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: serial_number(reports),
            version: 1,
            metadata: Metadata {
                timestamp: first.map(|report| format!("{}T00:00:00Z", report.evaluated_at)),
                tools: Tools { components: first.map(tool).into_iter().collect() },
                component: subject,
            },
            components: images,
            dependencies: parts.dependencies,
            vulnerabilities: parts.vulnerabilities,
        };
        write_json(&bom, out)
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Bom {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    tools: Tools,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Component>,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Serialize, Default)]
struct Component {
    r#type: &'static str,
    #[serde(rename = "bom-ref", skip_serializing_if = "Option::is_none")]
    bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct LicenseChoice {
    license: License,
}

#[derive(Serialize)]
struct License {
    name: String,
}

#[derive(Serialize)]
struct Evidence {
    occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Occurrence {
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_context: Option<String>,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    r#ref: String,
    depends_on: Vec<String>,
}

#[derive(Serialize)]
struct Vulnerability {
    #[serde(rename = "bom-ref")]
    bom_ref: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<VulnerabilitySource>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    references: Vec<VulnerabilityReference>,
    ratings: [Rating; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recommendation: Option<String>,
    affects: Vec<Affects>,
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Analysis>,
    properties: Vec<Property>,
}

/// What was decided about a vulnerability that does not count.
#[derive(Serialize)]
struct Analysis {
    state: &'static str,
    detail: String,
}

#[derive(Serialize)]
struct VulnerabilitySource {
    name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct VulnerabilityReference {
    id: String,
    source: VulnerabilitySource,
}

#[derive(Serialize)]
struct Rating {
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    severity: &'static str,
}

#[derive(Serialize)]
struct Affects {
    r#ref: String,
}

fn analysis(finding: &Finding) -> Option<Analysis> {
    let disposition = &finding.disposition;
    let reason = disposition.reason.as_deref().unwrap_or_default();
    let state = if reason.starts_with("fixed") { "resolved" } else { "not_affected" };
    let by = disposition.by.as_deref().unwrap_or_default();
    (disposition.state != "open").then(|| Analysis { state, detail: format!("{reason} ({by})") })
}

/// The lists of a document while it is put together.
#[derive(Default)]
struct Parts {
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    vulnerabilities: Vec<Vulnerability>,
    refs: BTreeSet<String>,
}

impl Parts {
    /// A name that no other element of the document has: `wanted`, or `wanted#2` and so on.
    fn reference(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.refs.insert(name.clone()) {
            name = format!("{wanted}#{number}");
            number += 1;
        }
        name
    }

    /// Adds what a report lists and gives the component of its subject.
    fn add(&mut self, report: &Report) -> Component {
        let image = Image::of(report);
        let subject = self.subject(report, &image);
        let mut by_platform: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut by_purl: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for package in &report.packages {
            let component = self.package(package, report.platforms.len());
            let name = component.bom_ref.clone().unwrap_or_default();
            self.components.push(component);
            by_purl.entry(&package.purl).or_default().push(name.clone());
            for platform in &package.platforms {
                by_platform.entry(platform).or_default().push(name.clone());
            }
        }
        let root = subject.bom_ref.clone().unwrap_or_default();
        let platforms: Vec<String> = report
            .platforms
            .iter()
            .map(|platform| {
                let packages = by_platform.remove(platform.platform.as_str()).unwrap_or_default();
                self.platform(platform, &image, packages)
            })
            .collect();
        self.dependencies.push(Dependency { r#ref: root, depends_on: platforms });
        for finding in report.findings.iter().filter(|finding| finding.kind == "vulnerability") {
            self.vulnerability(finding, &by_purl);
        }
        subject
    }

    fn subject(&mut self, report: &Report, image: &Image) -> Component {
        let subject = &report.subject;
        Component {
            r#type: if image.is_folder { "application" } else { "container" },
            bom_ref: Some(self.reference(&format!("subject:{}", subject.reference))),
            name: image.name.clone(),
            version: subject.digest.clone().or_else(|| image.tag.clone()),
            hashes: hash(subject.digest.as_deref()),
            purl: image.purl(subject.digest.as_deref(), None),
            properties: [("imgguard:reference", subject.reference.clone())]
                .into_iter()
                .map(|(name, value)| Property { name, value })
                .collect(),
            ..Component::default()
        }
    }

    /// A platform's image with its operating system; gives its name.
    fn platform(&mut self, platform: &Platform, image: &Image, packages: Vec<String>) -> String {
        let architecture = platform.platform.split('/').nth(1);
        let digest = platform.digest.as_deref();
        let name = self.reference(&format!("platform:{}", digest.unwrap_or(&platform.platform)));
        let mut depends_on = Vec::new();
        if let Some(os) = &platform.os {
            let os_name = self.reference(&format!("os:{}:{}@{}", platform.platform, os.id, os.version_id));
            self.components.push(Component {
                r#type: "operating-system",
                bom_ref: Some(os_name.clone()),
                name: os.id.clone(),
                version: Some(os.version_id.clone()).filter(|version| !version.is_empty()),
                ..Component::default()
            });
            depends_on.push(os_name);
        }
        depends_on.extend(packages);
        self.components.push(Component {
            r#type: "container",
            bom_ref: Some(name.clone()),
            name: image.name.clone(),
            version: digest.map(str::to_owned),
            hashes: hash(digest),
            purl: image.purl(digest, architecture),
            properties: vec![
                Property { name: "imgguard:platform", value: platform.platform.clone() },
                Property { name: "imgguard:complete", value: platform.complete.to_string() },
            ],
            ..Component::default()
        });
        self.dependencies.push(Dependency { r#ref: name.clone(), depends_on });
        name
    }

    fn package(&mut self, package: &Package, platforms: usize) -> Component {
        let occurrence = |location: &super::contract::Location| Occurrence {
            location: location.path.clone().unwrap_or_default(),
            additional_context: location.layer.as_ref().map(|layer| format!("layer {layer}")),
        };
        let mut properties = vec![("imgguard:ecosystem", package.ecosystem.clone())];
        if package.source.name != package.name || package.source.version != package.version {
            properties.push(("imgguard:source", format!("{}@{}", package.source.name, package.source.version)));
        }
        properties.extend(package.owner.iter().map(|owner| ("imgguard:owner", owner.clone())));
        if package.platforms.len() < platforms {
            properties.extend(package.platforms.iter().map(|platform| ("imgguard:platform", platform.clone())));
        }
        let (group, name) = group_and_name(package);
        Component {
            r#type: "library",
            bom_ref: Some(self.reference(&package.purl)),
            group,
            name,
            version: Some(package.version.clone()).filter(|version| !version.is_empty()),
            hashes: Vec::new(),
            licenses: package
                .licenses
                .iter()
                .map(|name| LicenseChoice { license: License { name: name.clone() } })
                .collect(),
            purl: Some(package.purl.clone()),
            evidence: Some(Evidence {
                occurrences: package.locations.iter().take(MAX_OCCURRENCES).map(occurrence).collect(),
            }),
            properties: properties.into_iter().map(|(name, value)| Property { name, value }).collect(),
        }
    }

    fn vulnerability(&mut self, finding: &Finding, by_purl: &BTreeMap<&str, Vec<String>>) {
        let source = |id: &str| osv_address(id).map(|url| VulnerabilitySource { name: "OSV", url });
        let affects = finding.packages.iter().filter_map(|purl| by_purl.get(purl.as_str())).flatten();
        let affects: BTreeSet<&String> = affects.collect();
        let mut properties = vec![("imgguard:finding", finding.id.clone())];
        properties.extend(finding.status.iter().map(|status| ("imgguard:status", status.clone())));
        properties.extend(finding.fixed_in.iter().map(|version| ("imgguard:fixed_in", version.clone())));
        if finding.kev {
            properties.push(("imgguard:known_exploited", "true".to_owned()));
        }
        let vulnerability = Vulnerability {
            bom_ref: self.reference(&format!("finding:{}", finding.id)),
            id: finding.rule.clone(),
            source: source(&finding.rule),
            references: finding
                .aliases
                .iter()
                .filter_map(|id| Some(VulnerabilityReference { id: id.clone(), source: source(id)? }))
                .collect(),
            ratings: [Rating { score: finding.cvss, severity: severity(&finding.severity) }],
            detail: finding.evidence.clone(),
            recommendation: finding.remediation.clone(),
            affects: affects.into_iter().map(|name| Affects { r#ref: name.clone() }).collect(),
            analysis: analysis(finding),
            properties: properties.into_iter().map(|(name, value)| Property { name, value }).collect(),
        };
        self.vulnerabilities.push(vulnerability);
    }
}

/// What a reference says of an image's name.
struct Image {
    name: String,
    repository_url: Option<String>,
    tag: Option<String>,
    is_folder: bool,
}

impl Image {
    fn of(report: &Report) -> Self {
        let text = &report.subject.reference;
        let local = |path: &Path| Self {
            name: path.file_name().map_or_else(|| "image".into(), |name| name.to_string_lossy().into_owned()),
            repository_url: None,
            tag: None,
            is_folder: false,
        };
        let named = |name: &ImageName, remote: bool| Self {
            name: name.repository.rsplit('/').next().unwrap_or_default().to_owned(),
            repository_url: remote.then(|| format!("{}/{}", name.registry, name.repository)),
            tag: name.tag.clone(),
            is_folder: false,
        };
        match text.parse::<Reference>() {
            Ok(Reference::Registry { name, .. }) => named(&name, report.subject.transport == "registry"),
            Ok(Reference::Layout(path, _) | Reference::OciArchive(path, _) | Reference::DockerArchive(path, _)) => {
                local(&path)
            }
            Ok(Reference::Directory(path)) => Self { is_folder: true, ..local(&path) },
            Ok(Reference::DockerDaemon(name) | Reference::ContainersStorage(name)) => match name.parse::<ImageName>() {
                Ok(name) => named(&name, false),
                Err(_) => local(Path::new(&name)),
            },
            Ok(Reference::StandardInput) | Err(_) => local(Path::new("image")),
        }
    }

    /// `pkg:oci/NAME@DIGEST?arch=…&repository_url=…&tag=…`, as the purl type `oci` defines it.
    fn purl(&self, digest: Option<&str>, architecture: Option<&str>) -> Option<String> {
        let mut purl = PackageUrl::new("oci", self.name.to_lowercase()).ok()?;
        purl.with_version(digest?.to_owned()).ok()?;
        let qualifiers =
            [("arch", architecture), ("repository_url", self.repository_url.as_deref()), ("tag", self.tag.as_deref())];
        for (key, value) in qualifiers {
            if let Some(value) = value {
                purl.add_qualifier(key, value.to_owned()).ok()?;
            }
        }
        Some(purl.to_string())
    }
}

/// npm's scope is a group; Go's path is one name, as its users know it.
fn group_and_name(package: &Package) -> (Option<String>, String) {
    match package.name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (Some(scope.to_owned()), name.to_owned()),
        _ => (None, package.name.clone()),
    }
}

fn tool(report: &Report) -> Component {
    Component {
        r#type: "application",
        name: report.tool.name.clone(),
        version: Some(report.tool.version.clone()),
        ..Component::default()
    }
}

fn hash(digest: Option<&str>) -> Vec<Hash> {
    let of = |digest: &str| match digest.split_once(':')? {
        ("sha256", hex) => Some(Hash { alg: "SHA-256", content: hex.to_owned() }),
        ("sha512", hex) => Some(Hash { alg: "SHA-512", content: hex.to_owned() }),
        _ => None,
    };
    digest.and_then(of).into_iter().collect()
}

fn severity(word: &str) -> &'static str {
    match word {
        "critical" => "critical",
        "high" => "high",
        "medium" => "medium",
        "low" => "low",
        "negligible" => "info",
        _ => "unknown",
    }
}

/// A UUID of version 8 (RFC 9562, section 5.8) from the SHA-256 of what was scanned, with what, and when it was judged.
fn serial_number(reports: &Reports) -> String {
    let mut text = String::new();
    for report in &reports.reports {
        let subject = &report.subject;
        let digest = subject.digest.as_deref().unwrap_or_default();
        let parts = [
            &subject.reference,
            digest,
            &report.tool.version,
            report.advisories.digest.as_str(),
            report.evaluated_at.as_str(),
        ];
        text.push_str(&parts.join("\0"));
        text.push('\n');
    }
    let hex = Digest::sha256(text.as_bytes()).hex().to_owned();
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    // The variant's two bits are 10: of the sixteen digits, 8.
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}
