//! The `release` file at the root of a Java runtime, which names its version and who built it.
//!
//! Source: JEP 223 and the JDK's `make/ReleaseFile.gmk`.

use super::super::control::lines;
use super::super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Fact, PackageFact, PackageKind};
use crate::layer::{Entry, FileView};

/// A Java runtime's `release`.
pub(in crate::inspect) struct Release;

static META: Meta = Meta {
    name: "language/java-runtime",
    summary: "Java runtimes",
    required: false,
    doc: "**Reads** `release` at the root of a JDK or JRE, up to 1 MiB.\n\n**Reports** the runtime as `java`, with its version and implementor.\n\n**Cannot see** runtimes without the file, and what GraalVM compiles to a program.\n\n**Since** 0.2.0",
};

impl Inspector for Release {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, head: &[u8]) -> bool {
        entry.name() == b"release"
            && [&b"JAVA_"[..], b"IMPLEMENTOR="].iter().any(|mark| memchr::memmem::find(head, mark).is_some())
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let (mut version, mut vendor) = (None, None);
        for line in lines(whole(file, 1 << 20)?) {
            let line = text(line);
            let Some((key, value)) = line.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match key {
                "JAVA_VERSION" => version = Some(feature_first(value)),
                "IMPLEMENTOR" => vendor = Some(value.to_owned()),
                _ => {}
            }
        }
        let version = version.filter(|version| version.starts_with(|first: char| first.is_ascii_digit()));
        facts.extend(version.map(|version| {
            Fact::Package(PackageFact { vendor, ..PackageFact::new(PackageKind::Generic, "java", version) })
        }));
        Ok(())
    }
}

/// Java 8's `1.8.0_352` as it is written since Java 9 and in advisories: `8.0.352`.
fn feature_first(version: &str) -> String {
    let old = version.strip_prefix("1.").and_then(|rest| rest.split_once('_'));
    let update = |update: &str| update.split('-').next().unwrap_or_default().trim_start_matches('0').to_owned();
    old.map_or_else(|| version.to_owned(), |(feature, number)| format!("{feature}.{}", update(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_begin_with_the_feature_too() {
        for (written, expected) in
            [("17.0.15", "17.0.15"), ("1.8.0_352", "8.0.352"), ("1.8.0_05-ea", "8.0.5"), ("21", "21")]
        {
            assert_eq!(feature_first(written), expected);
        }
    }
}
