//! SPDX 2.2 and 2.3 as tag-value.
//!
//! Source: SPDX specification 2.3, clause 4.4 (conformance) and the tags of clauses 6, 7, 11 and 12. A value of several lines stands between `<text>` and `</text>`.

use std::collections::HashMap;

use super::spdx::{Annotation, Checksum, ExternalRef, Package, Reading, Relationship};
use super::{Bill, malformed};
use crate::source::SourceError;

const MEDIA_TYPE: &str = "text/spdx";

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Bill, SourceError> {
    let version = Tags(text).find(|(tag, _)| *tag == "SPDXVersion").map(|(_, value)| value);
    let mut reading = Reading::new(version.ok_or_else(unknown)?, MEDIA_TYPE)?;
    let mut document = Document::default();
    for (tag, value) in Tags(text) {
        document.take(tag, value);
    }
    for package in document.annotated_packages() {
        reading.package(package);
    }
    document.relationships.iter().for_each(|relationship| reading.relationship(relationship));
    Ok(reading.bill)
}

fn unknown() -> SourceError {
    malformed("it is neither JSON nor SPDX tag-value, which has a line `SPDXVersion: SPDX-2.3`")
}

/// The sections of a document, in its order; tags belong to the section that was begun last.
#[derive(Default)]
struct Document {
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
    /// Each with the identifier of what it is about.
    annotations: Vec<(String, String)>,
    section: Section,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Section {
    #[default]
    Other,
    Package,
    Relationship,
    Annotation,
}

impl Document {
    fn take(&mut self, tag: &str, value: &str) {
        match tag {
            "PackageName" => {
                self.section = Section::Package;
                self.packages.push(Package { name: value.to_owned(), ..Package::default() });
            }
            "Relationship" => {
                self.section = Section::Relationship;
                self.relationships.extend(relationship(value));
            }
            "Annotator" => {
                self.section = Section::Annotation;
                self.annotations.push((String::new(), String::new()));
            }
            // What follows is about a file, a piece of one, or a licence.
            "FileName" | "SnippetSPDXID" | "LicenseID" => self.section = Section::Other,
            _ => self.continue_section(tag, value),
        }
    }

    fn continue_section(&mut self, tag: &str, value: &str) {
        match (self.section, tag) {
            (Section::Package, _) => {
                if let Some(package) = self.packages.last_mut() {
                    set(package, tag, value);
                }
            }
            (Section::Relationship, "RelationshipComment") => {
                if let Some(last) = self.relationships.last_mut() {
                    last.comment = Some(value.to_owned());
                }
            }
            (Section::Annotation, "SPDXREF" | "AnnotationComment") => {
                if let Some((about, comment)) = self.annotations.last_mut() {
                    let field = if tag == "SPDXREF" { about } else { comment };
                    value.clone_into(field);
                }
            }
            _ => {}
        }
    }

    /// The packages, with what annotations say of them.
    fn annotated_packages(&mut self) -> Vec<Package> {
        let mut packages = std::mem::take(&mut self.packages);
        let places: HashMap<String, usize> =
            packages.iter().enumerate().map(|(place, package)| (package.id.clone(), place)).collect();
        for (about, comment) in std::mem::take(&mut self.annotations) {
            if let Some(package) = places.get(&about).and_then(|place| packages.get_mut(*place)) {
                package.annotations.push(Annotation { comment });
            }
        }
        packages
    }
}

fn set(package: &mut Package, tag: &str, value: &str) {
    let text = || Some(value.to_owned());
    match tag {
        "SPDXID" => value.clone_into(&mut package.id),
        "PackageVersion" => package.version_info = text(),
        "PackageSupplier" => package.supplier = text(),
        "PackageSourceInfo" => package.source_info = text(),
        "PackageLicenseDeclared" => package.license_declared = text(),
        "PackageLicenseConcluded" => package.license_concluded = text(),
        "PrimaryPackagePurpose" => package.primary_package_purpose = text(),
        "PackageAttributionText" => package.attribution_texts.extend(text()),
        "PackageChecksum" => package.checksums.extend(checksum(value)),
        "ExternalRef" => package.external_refs.extend(external_ref(value)),
        _ => {}
    }
}

/// `SHA256: 00…`.
fn checksum(value: &str) -> Option<Checksum> {
    let (algorithm, digits) = value.split_once(": ")?;
    Some(Checksum { algorithm: algorithm.to_owned(), checksum_value: digits.trim().to_owned() })
}

/// `PACKAGE-MANAGER purl pkg:deb/debian/openssl@3.0.11-1`.
fn external_ref(value: &str) -> Option<ExternalRef> {
    let mut words = value.split_whitespace().skip(1);
    let (reference_type, reference_locator) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(ExternalRef { reference_type, reference_locator })
}

/// `SPDXRef-A CONTAINS SPDXRef-B`.
fn relationship(value: &str) -> Option<Relationship> {
    let mut words = value.split_whitespace().map(str::to_owned);
    Some(Relationship {
        spdx_element_id: words.next()?,
        relationship_type: words.next()?,
        related_spdx_element: words.next()?,
        comment: None,
    })
}

/// The tags of a text with their values.
struct Tags<'a>(&'a str);

impl<'a> Iterator for Tags<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        const OPEN: &str = "<text>";
        const CLOSE: &str = "</text>";
        while !self.0.is_empty() {
            let (line, rest) = self.0.split_once('\n').unwrap_or((self.0, ""));
            let Some((tag, value)) = line.split_once(':').filter(|_| !line.starts_with('#')) else {
                self.0 = rest;
                continue;
            };
            let value = value.trim();
            let Some(begun) = value.strip_prefix(OPEN) else {
                self.0 = rest;
                return Some((tag.trim(), value));
            };
            // A text that is never closed goes to the end of the document.
            let whole = self.0.split_once(OPEN).map_or(begun, |(_, whole)| whole);
            let (text, rest) = whole.split_once(CLOSE).unwrap_or((whole, ""));
            self.0 = rest;
            return Some((tag.trim(), text));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_have_several_lines() {
        let text = "# SPDXVersion: x\nA: 1\n\nB:<text>two\nlines: here</text>\nC: <text>one</text>\nnothing\nD: <text>open\nE: 5";
        let tags: Vec<(&str, &str)> = Tags(text).collect();
        assert_eq!(tags, [("A", "1"), ("B", "two\nlines: here"), ("C", "one"), ("D", "open\nE: 5")]);
    }
}
