//! CycloneDX 1.6 and 1.5 as JSON: what is installed where, and which of it is vulnerable.
//!
//! Source: ECMA-424, "CycloneDX Bill of Materials Specification", and the schemas `bom-1.5.schema.json` and `bom-1.6.schema.json`.
//!
//! * The image is the subject (`metadata.component`), each of its platforms a container, each container depends on its operating system and packages. What
//!   packages need among themselves is not known and so is left out of the graph. Several images are containers beside each other.
//! * Serial number and timestamp follow from what was scanned and from the date of evaluation: the same scan gives the same bytes.
//! * A platform's composition is complete when everything required was read.
//! * Findings about secrets and configuration have no place in this format; they are in the JSON and SARIF reports.

mod component;
mod model;
mod vulnerability;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use model::{Author, Bom, Component, Composition, Dependency, Lifecycle, Metadata, Tools, Vulnerability};

use super::subject::Image;
use super::{timestamp, uuid};
use crate::report::contract::{Platform, Report, Reports};
use crate::report::escape::write_json;
use crate::report::{RenderOptions, ReportFormat};

/// A version of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edition {
    V1_5,
    V1_6,
}

/// `cyclonedx` and `cyclonedx-1.5`.
#[derive(Debug)]
pub(in crate::report) struct CycloneDx(Edition);

impl CycloneDx {
    pub(in crate::report) const V1_5: Self = Self(Edition::V1_5);
    pub(in crate::report) const V1_6: Self = Self(Edition::V1_6);
}

impl ReportFormat for CycloneDx {
    fn name(&self) -> &'static str {
        match self.0 {
            Edition::V1_5 => "cyclonedx-1.5",
            Edition::V1_6 => "cyclonedx",
        }
    }

    fn summary(&self) -> &'static str {
        match self.0 {
            Edition::V1_5 => "CycloneDX 1.5 JSON, for tools that do not read 1.6",
            Edition::V1_6 => "CycloneDX 1.6 JSON: bill of materials, after a scan with vulnerabilities",
        }
    }

    fn is_bill(&self) -> bool {
        true
    }

    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        let mut parts = Parts::new(self.0);
        let mut images: Vec<Component> = reports.reports.iter().map(|report| parts.add(report)).collect();
        let subject = if images.len() == 1 { images.pop() } else { None };
        images.append(&mut parts.components);
        let first = reports.reports.first();
        let (schema, spec_version) = match self.0 {
            Edition::V1_5 => ("http://cyclonedx.org/schema/bom-1.5.schema.json", "1.5"),
            Edition::V1_6 => ("http://cyclonedx.org/schema/bom-1.6.schema.json", "1.6"),
        };
        let bom = Bom {
            schema,
            bom_format: "CycloneDX",
            spec_version,
            serial_number: format!("urn:uuid:{}", uuid(reports)),
            version: 1,
            metadata: Metadata {
                timestamp: timestamp(reports, options),
                lifecycles: [Lifecycle { phase: "post-build" }],
                tools: Tools { components: first.map(component::tool).into_iter().collect() },
                authors: first.map(|report| Author { name: report.tool.name.clone() }).into_iter().collect(),
                component: subject,
            },
            components: images,
            dependencies: parts.dependencies,
            compositions: parts.compositions,
            vulnerabilities: parts.vulnerabilities,
        };
        write_json(&bom, out)
    }
}

/// The lists of a document while it is put together.
struct Parts {
    edition: Edition,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
    compositions: Vec<Composition>,
    vulnerabilities: Vec<Vulnerability>,
    refs: BTreeSet<String>,
}

impl Parts {
    fn new(edition: Edition) -> Self {
        Self {
            edition,
            components: Vec::new(),
            dependencies: Vec::new(),
            compositions: Vec::new(),
            vulnerabilities: Vec::new(),
            refs: BTreeSet::new(),
        }
    }

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
        let root = self.reference(&format!("subject:{}", report.subject.reference));
        let subject = component::subject(root.clone(), report, &image);
        let mut by_platform: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut by_purl: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for package in &report.packages {
            let name = self.reference(&package.purl);
            self.components.push(component::package(name.clone(), package, report.platforms.len(), self.edition));
            by_purl.entry(&package.purl).or_default().push(name.clone());
            for platform in &package.platforms {
                by_platform.entry(platform).or_default().push(name.clone());
            }
        }
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
            let name = self.reference(&format!("finding:{}", finding.id));
            self.vulnerabilities.push(vulnerability::vulnerability(name, finding, &by_purl));
        }
        subject
    }

    /// A platform's image with its operating system; gives its name.
    fn platform(&mut self, platform: &Platform, image: &Image, packages: Vec<String>) -> String {
        let name = self.reference(&format!("platform:{}", platform.digest.as_deref().unwrap_or(&platform.platform)));
        let mut depends_on = Vec::new();
        if let Some(os) = &platform.os {
            let os_name = self.reference(&format!("os:{}:{}@{}", platform.platform, os.id, os.version_id));
            self.components.push(component::operating_system(os_name.clone(), os));
            depends_on.push(os_name);
        }
        depends_on.extend(packages);
        self.components.push(component::platform(name.clone(), platform, image));
        self.dependencies.push(Dependency { r#ref: name.clone(), depends_on });
        let aggregate = if platform.complete { "complete" } else { "incomplete" };
        self.compositions.push(Composition { aggregate, assemblies: vec![name.clone()] });
        name
    }
}
