//! SPDX 2.3 as JSON and as tag-value: what is installed where.
//!
//! Source: SPDX specification 2.3 and `spdx-schema-2.3.json`.
//!
//! * The document describes the image; each of its platforms is a variant of it (`VARIANT_OF`) and contains its operating system and packages. A single manifest is
//!   written so, too. What packages need among themselves is not known and so is left out.
//! * Identifiers follow from what they name, the namespace from what was scanned and from the date of evaluation: the same scan gives the same bytes.
//! * No file is listed, so `filesAnalyzed` is false; where a package was seen stands in an annotation.
//! * Findings have no place in this format.

mod licenses;
mod model;
mod tag_value;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use licenses::Licenses;
use model::{Annotation, Checksum, CreationInfo, Document, ExternalRef, NO_ASSERTION, Package, Relationship};

use super::properties::{Property, of_os, of_package, of_platform};
use super::subject::Image;
use super::{timestamp, uuid};
use crate::digest::Digest;
use crate::report::contract::{self, Platform, Report, Reports};
use crate::report::escape::write_json;
use crate::report::{RenderOptions, ReportFormat};

/// Places named of one package; one of a large monorepo may stand in thousands.
const MAX_PATHS: usize = 100;

/// The document's own identifier.
const DOCUMENT: &str = "SPDXRef-DOCUMENT";

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    TagValue,
}

/// `spdx` and `spdx-tag-value`.
#[derive(Debug)]
pub(in crate::report) struct Spdx(Form);

impl Spdx {
    pub(in crate::report) const JSON: Self = Self(Form::Json);
    pub(in crate::report) const TAG_VALUE: Self = Self(Form::TagValue);
}

impl ReportFormat for Spdx {
    fn name(&self) -> &'static str {
        match self.0 {
            Form::Json => "spdx",
            Form::TagValue => "spdx-tag-value",
        }
    }

    fn summary(&self) -> &'static str {
        match self.0 {
            Form::Json => "SPDX 2.3 JSON: bill of materials",
            Form::TagValue => "SPDX 2.3 tag-value, the same as lines of text",
        }
    }

    fn is_bill(&self) -> bool {
        true
    }

    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        let document = document(reports, options);
        match self.0 {
            Form::Json => write_json(&document, out),
            Form::TagValue => tag_value::write(&document, out),
        }
    }
}

fn document(reports: &Reports, options: &RenderOptions) -> Document {
    let created = timestamp(reports, options).unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
    let tool = reports.reports.first().map(|report| &report.tool);
    let creator =
        tool.map_or_else(|| "Tool: imgguard".to_owned(), |tool| format!("Tool: {}-{}", tool.name, tool.version));
    let mut parts = Parts::new(created.clone(), creator.clone());
    reports.reports.iter().for_each(|report| parts.add(report));
    let images: Vec<String> = reports.reports.iter().map(|report| Image::of(report).name).collect();
    let name = images.join(" ");
    Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        document_namespace: format!("https://spdx.org/spdxdocs/imgguard/{}-{}", word(&name), uuid(reports)),
        name,
        creation_info: CreationInfo { created, creators: [creator], license_list_version: licenses::list_version() },
        packages: parts.packages,
        relationships: parts.relationships,
        has_extracted_licensing_infos: parts.licenses.extracted(),
    }
}

/// The lists of a document while it is put together.
struct Parts {
    created: String,
    creator: String,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
    licenses: Licenses,
    ids: BTreeSet<String>,
}

impl Parts {
    fn new(created: String, creator: String) -> Self {
        Self {
            created,
            creator,
            packages: Vec::new(),
            relationships: Vec::new(),
            licenses: Licenses::default(),
            ids: BTreeSet::new(),
        }
    }

    /// An identifier that no other element has: readable words, and digits of the SHA-256 of `content`, which tells it from others.
    fn id(&mut self, words: &str, content: &str) -> String {
        let mut number = 1_usize;
        loop {
            let digest = Digest::sha256(format!("{content}\0{number}").as_bytes());
            let id = format!("SPDXRef-{}-{}", word(words), digest.hex().get(..16).unwrap_or_default());
            if self.ids.insert(id.clone()) {
                return id;
            }
            number += 1;
        }
    }

    fn relate(&mut self, from: &str, kind: &'static str, to: &str) {
        self.relationships.push(Relationship {
            spdx_element_id: from.to_owned(),
            relationship_type: kind,
            related_spdx_element: to.to_owned(),
        });
    }

    fn annotations(&self, properties: Vec<Property>) -> Vec<Annotation> {
        let annotation = |(name, value): Property| Annotation {
            annotation_date: self.created.clone(),
            annotation_type: "OTHER",
            annotator: self.creator.clone(),
            comment: format!("{name}: {value}"),
        };
        properties.into_iter().map(annotation).collect()
    }

    /// Adds what a report lists.
    fn add(&mut self, report: &Report) {
        let image = Image::of(report);
        let subject = &report.subject;
        let root = self.id("Image", &format!("subject:{}", subject.reference));
        let purpose = if image.is_folder { "APPLICATION" } else { "CONTAINER" };
        let version = subject.digest.clone().or_else(|| image.tag.clone());
        let purl = image.purl(subject.digest.as_deref(), None);
        let properties = vec![("imgguard:reference".to_owned(), subject.reference.clone())];
        let package = Package {
            checksums: checksums(subject.digest.as_deref()),
            external_refs: purl_ref(purl),
            ..self.package(root.clone(), &image.name, version, purpose, properties)
        };
        self.packages.push(package);
        self.relate(DOCUMENT, "DESCRIBES", &root);
        let mut platforms = BTreeMap::new();
        for platform in &report.platforms {
            platforms.insert(platform.platform.as_str(), self.platform(platform, &image, &root));
        }
        for package in &report.packages {
            let id = self.installed(package, report.platforms.len());
            for platform in package.platforms.iter().filter_map(|name| platforms.get(name.as_str())) {
                self.relate(platform, "CONTAINS", &id);
            }
        }
    }

    /// A platform's image with its operating system; gives its identifier.
    fn platform(&mut self, platform: &Platform, image: &Image, root: &str) -> String {
        let digest = platform.digest.as_deref();
        let id = self.id(&format!("Platform-{}", platform.platform), &format!("{root}\0{}", platform.platform));
        let package = Package {
            checksums: checksums(digest),
            external_refs: purl_ref(image.purl(digest, platform.platform.split('/').nth(1))),
            ..self.package(id.clone(), &image.name, digest.map(str::to_owned), "CONTAINER", of_platform(platform))
        };
        self.packages.push(package);
        self.relate(&id, "VARIANT_OF", root);
        self.relate(root, "CONTAINS", &id);
        if let Some(os) = &platform.os {
            let system = self.id("OperatingSystem", &format!("{id}\0{}\0{}", os.id, os.version_id));
            let version = Some(os.version_id.clone()).filter(|version| !version.is_empty());
            let package = self.package(system.clone(), &os.id, version, "OPERATING_SYSTEM", of_os(os));
            self.packages.push(package);
            self.relate(&id, "CONTAINS", &system);
        }
        id
    }

    /// An installed package; `platforms` is how many the subject has.
    fn installed(&mut self, package: &contract::Package, platforms: usize) -> String {
        let owner = package.owner.as_deref().unwrap_or_default();
        let id = self.id(&format!("Package-{}", package.name), &format!("{}\0{owner}", package.purl));
        let mut properties = of_package(package, platforms);
        let paths = package.locations.iter().filter_map(|location| location.path.clone()).take(MAX_PATHS);
        properties.extend(paths.map(|path| ("imgguard:path".to_owned(), path)));
        let source = &package.source;
        let differs = source.name != package.name || source.version != package.version;
        let version = Some(package.version.clone()).filter(|version| !version.is_empty());
        let written = Package {
            supplier: supplier(package.vendor.as_deref()),
            source_info: differs.then(|| format!("built package from: {} {}", source.name, source.version)),
            license_declared: self.licenses.expression(&package.licenses),
            external_refs: purl_ref(Some(package.purl.clone())),
            ..self.package(id.clone(), &package.name, version, "LIBRARY", properties)
        };
        self.packages.push(written);
        id
    }

    /// A package of which nothing but these is said.
    fn package(
        &self,
        id: String,
        name: &str,
        version: Option<String>,
        purpose: &'static str,
        properties: Vec<Property>,
    ) -> Package {
        Package {
            id,
            name: name.to_owned(),
            version_info: version,
            supplier: NO_ASSERTION.to_owned(),
            download_location: NO_ASSERTION,
            files_analyzed: false,
            checksums: Vec::new(),
            source_info: None,
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            external_refs: Vec::new(),
            primary_package_purpose: purpose,
            annotations: self.annotations(properties),
        }
    }
}

/// Whether a vendor is a person or an organisation is not told; most are organisations.
fn supplier(vendor: Option<&str>) -> String {
    match vendor.map(str::trim) {
        None | Some("" | "(none)") => NO_ASSERTION.to_owned(),
        Some(vendor) => format!("Organization: {vendor}"),
    }
}

fn purl_ref(purl: Option<String>) -> Vec<ExternalRef> {
    let reference =
        |purl| ExternalRef { reference_category: "PACKAGE-MANAGER", reference_type: "purl", reference_locator: purl };
    purl.map(reference).into_iter().collect()
}

fn checksums(digest: Option<&str>) -> Vec<Checksum> {
    let of = |digest: &str| match digest.split_once(':')? {
        ("sha256", hex) => Some(Checksum { algorithm: "SHA256", checksum_value: hex.to_owned() }),
        ("sha512", hex) => Some(Checksum { algorithm: "SHA512", checksum_value: hex.to_owned() }),
        _ => None,
    };
    digest.and_then(of).into_iter().collect()
}

/// `text` with what an identifier may hold (clause 7.2: letters, digits, `.` and `-`), shortened.
fn word(text: &str) -> String {
    let allowed = |character: char| if character.is_ascii_alphanumeric() || character == '.' { character } else { '-' };
    text.chars().take(60).map(allowed).collect()
}
