//! A document as tag-value: one tag a line.

use std::io::{self, Write};

use super::model::{Document, ExtractedLicense, Package};
use crate::report::escape::terminal;

/// Writes the document.
pub(super) fn write(document: &Document, out: &mut dyn Write) -> io::Result<()> {
    let mut tags = Tags(out);
    tags.line("SPDXVersion", document.spdx_version)?;
    tags.line("DataLicense", document.data_license)?;
    tags.line("SPDXID", document.id)?;
    tags.line("DocumentName", &document.name)?;
    tags.line("DocumentNamespace", &document.document_namespace)?;
    tags.line("LicenseListVersion", &document.creation_info.license_list_version)?;
    for creator in &document.creation_info.creators {
        tags.line("Creator", creator)?;
    }
    tags.line("Created", &document.creation_info.created)?;
    document.packages.iter().try_for_each(|package| tags.package(package))?;
    document.has_extracted_licensing_infos.iter().try_for_each(|license| tags.license(license))?;
    document.packages.iter().try_for_each(|package| tags.annotations(package))?;
    tags.section()?;
    for relationship in &document.relationships {
        let (from, to) = (&relationship.spdx_element_id, &relationship.related_spdx_element);
        tags.line("Relationship", &format!("{from} {} {to}", relationship.relationship_type))?;
    }
    Ok(())
}

struct Tags<'a>(&'a mut dyn Write);

impl Tags<'_> {
    /// A value is one line: a hostile one can neither begin a tag nor a text of several lines.
    fn line(&mut self, tag: &str, value: &str) -> io::Result<()> {
        let value = terminal(value).replace("<text>", "< text>").replace("</text>", "< /text>");
        writeln!(self.0, "{tag}: {value}")
    }

    fn some(&mut self, tag: &str, value: Option<&str>) -> io::Result<()> {
        value.map_or(Ok(()), |value| self.line(tag, value))
    }

    fn section(&mut self) -> io::Result<()> {
        writeln!(self.0)
    }

    /// Tags in the order of clause 7.
    fn package(&mut self, package: &Package) -> io::Result<()> {
        self.section()?;
        self.line("PackageName", &package.name)?;
        self.line("SPDXID", &package.id)?;
        self.some("PackageVersion", package.version_info.as_deref())?;
        self.line("PackageSupplier", &package.supplier)?;
        self.line("PackageDownloadLocation", package.download_location)?;
        self.line("FilesAnalyzed", if package.files_analyzed { "true" } else { "false" })?;
        for checksum in &package.checksums {
            self.line("PackageChecksum", &format!("{}: {}", checksum.algorithm, checksum.checksum_value))?;
        }
        self.some("PackageSourceInfo", package.source_info.as_deref())?;
        self.line("PackageLicenseConcluded", package.license_concluded)?;
        self.line("PackageLicenseDeclared", &package.license_declared)?;
        self.line("PackageCopyrightText", package.copyright_text)?;
        for reference in &package.external_refs {
            let (category, kind) = (reference.reference_category, reference.reference_type);
            self.line("ExternalRef", &format!("{category} {kind} {}", reference.reference_locator))?;
        }
        // The JSON schema has `OPERATING_SYSTEM`, clause 7.24 `OPERATING-SYSTEM`.
        self.line("PrimaryPackagePurpose", &package.primary_package_purpose.replace('_', "-"))
    }

    fn annotations(&mut self, package: &Package) -> io::Result<()> {
        for annotation in &package.annotations {
            self.section()?;
            self.line("Annotator", &annotation.annotator)?;
            self.line("AnnotationDate", &annotation.annotation_date)?;
            self.line("AnnotationType", annotation.annotation_type)?;
            self.line("SPDXREF", &package.id)?;
            self.line("AnnotationComment", &annotation.comment)?;
        }
        Ok(())
    }

    fn license(&mut self, license: &ExtractedLicense) -> io::Result<()> {
        self.section()?;
        self.line("LicenseID", &license.license_id)?;
        self.line("LicenseName", &license.name)?;
        self.line("ExtractedText", &license.extracted_text)
    }
}
