//! Installed Python distributions: `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and single `*.egg-info` files.

use super::control::{Line, classify, lines};
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// The metadata file of a distribution.
pub(super) struct Metadata;

static META: Meta = Meta {
    name: "language/python",
    summary: "installed Python distributions",
    required: false,
    doc: "**Reads** `*.dist-info/METADATA`, `*.egg-info/PKG-INFO` and `*.egg-info` files, up to 4 MiB.\n\n**Reports** name, version and licence as core metadata \
          names them.\n\n**Cannot see** copies that another distribution bundles below a folder named `_vendor`: no package manager lists them as installed; \
          packages without metadata.\n\n**Since** 0.1.0",
};

impl Inspector for Metadata {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        let is_metadata = match entry.name() {
            b"METADATA" => entry.path.ends_with(b".dist-info/METADATA"),
            b"PKG-INFO" => entry.path.ends_with(b".egg-info/PKG-INFO") || entry.path.ends_with(b"EGG-INFO/PKG-INFO"),
            name => name.ends_with(b".egg-info"),
        };
        is_metadata && !entry.path.split(|b| *b == b'/').any(|part| part == b"_vendor")
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        facts.push(Fact::Package(parse(whole(file, 4 << 20)?)?));
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<PackageFact, InspectError> {
    let (mut name, mut version, mut license) = (String::new(), String::new(), String::new());
    for line in lines(bytes) {
        match classify(line) {
            // The headers end at the first empty line; the description follows.
            Line::Blank => break,
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"Name") => name = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"Version") => version = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"License-Expression") => license = text(field.value),
            Line::Field(field) if field.name.eq_ignore_ascii_case(b"License") && license.is_empty() => {
                license = text(field.value)
            }
            _ => {}
        }
    }
    if name.is_empty() || version.is_empty() {
        return Err(InspectError::Malformed("no Name or no Version"));
    }
    let declared = !license.is_empty() && !license.eq_ignore_ascii_case("unknown") && license.len() <= 200;
    let licenses = if declared { vec![license] } else { Vec::new() };
    Ok(PackageFact { licenses, ..PackageFact::new(PackageKind::PyPi, name, version) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_where_the_description_begins() {
        let package =
            parse(b"Metadata-Version: 2.1\nName: Django\nVersion: 4.2.7\nLicense: BSD-3-Clause\n\nVersion: 9.9\n")
                .unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("Django", "4.2.7"));
        assert!(parse(b"Name: x\n\nVersion: 1\n").is_err());
    }
}
