//! Installed R packages: `DESCRIPTION` in a library.
//!
//! Source: "Writing R Extensions", section 1.1.1; `R CMD INSTALL` adds the field `Built`, by which R itself tells an installed package from sources.

use super::control::{Line, classify, lines};
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A package's `DESCRIPTION`.
pub(super) struct Description;

static META: Meta = Meta {
    name: "language/r",
    summary: "installed R packages",
    required: false,
    doc: "**Reads** `DESCRIPTION` files, up to 1 MiB.\n\n**Reports** name, version and licence of those that say with what they were built, as `installed.packages()` does, with R's own \
          packages.\n\n**Cannot see** the repository a package came from; sources are left out.\n\n**Since** 0.2.0",
};

impl Inspector for Description {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        entry.name() == b"DESCRIPTION" && (head.is_empty() || memchr::memmem::find(head, b"Package:").is_some())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (mut name, mut version, mut license, mut is_built) = (String::new(), String::new(), String::new(), false);
        for line in lines(whole(file, 1 << 20)?) {
            let Line::Field(field) = classify(line) else { continue };
            match field.name {
                b"Package" => name = text(field.value),
                b"Version" => version = text(field.value),
                b"License" => license = text(field.value),
                b"Built" => is_built = true,
                _ => {}
            }
        }
        if is_built && !name.is_empty() && !version.is_empty() {
            let licenses = Some(license).filter(|license| !license.is_empty()).into_iter().collect();
            facts.push(Fact::Package(PackageFact { licenses, ..PackageFact::new(PackageKind::Cran, name, version) }));
        }
        Ok(())
    }
}
