//! The two texts by which an archive names itself: the main section of `META-INF/MANIFEST.MF`, and `pom.properties`, which Maven's archiver adds.
//!
//! Source: the JAR File Specification, "JAR Manifest"; `java.util.Properties`; Maven Archiver's `addMavenDescriptor`.

use super::super::control::lines;
use super::super::text;

/// Main attributes that may say which artifact an archive is. Empty where they are absent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) implementation_title: String,
    pub(super) implementation_version: String,
    pub(super) implementation_vendor_id: String,
    /// Without its directives.
    pub(super) bundle_symbolic_name: String,
    pub(super) bundle_name: String,
    pub(super) bundle_version: String,
    pub(super) bundle_license: String,
}

impl Manifest {
    /// Reads the main section, which ends at the first empty line. A line that begins with a space goes on with the one before.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut manifest = Self::default();
        let mut attribute: Vec<u8> = Vec::new();
        for line in lines(bytes).chain([&b""[..]]) {
            if let Some(more) = line.strip_prefix(b" ") {
                attribute.extend_from_slice(more);
                continue;
            }
            manifest.take(&attribute);
            if line.is_empty() {
                break;
            }
            attribute = line.to_vec();
        }
        manifest
    }

    fn take(&mut self, attribute: &[u8]) {
        let attribute = text(attribute);
        let Some((name, value)) = attribute.split_once(':') else { return };
        let value = value.trim();
        let field = match name.to_ascii_lowercase().as_str() {
            "implementation-title" => &mut self.implementation_title,
            "implementation-version" => &mut self.implementation_version,
            "implementation-vendor-id" => &mut self.implementation_vendor_id,
            "bundle-symbolicname" => &mut self.bundle_symbolic_name,
            "bundle-name" => &mut self.bundle_name,
            "bundle-version" => &mut self.bundle_version,
            "bundle-license" => &mut self.bundle_license,
            _ => return,
        };
        let value =
            if name.len() == "Bundle-SymbolicName".len() { value.split(';').next().unwrap_or_default() } else { value };
        value.trim().clone_into(field);
    }

    /// Versions of the archive itself; that of the specification which it implements is none.
    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        let all = [&self.implementation_version, &self.bundle_version];
        // Some builds add a date or a commit: `1.4 1855 April 22 2006 (06:55:48 PDT)`.
        let first = all.into_iter().filter_map(|version| version.split_whitespace().next());
        first.filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    }
}

/// What a `pom.properties` says.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
pub(super) struct Pom {
    pub(super) group: String,
    pub(super) artifact: String,
    pub(super) version: String,
}

impl Pom {
    /// None where a part is missing or a placeholder that the build did not fill.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut group, mut artifact, mut version) = (String::new(), String::new(), String::new());
        for line in lines(bytes) {
            let line = text(line.trim_ascii());
            let Some((key, value)) = line.split_once(['=', ':']) else { continue };
            match key.trim_end() {
                "groupId" => value.trim().clone_into(&mut group),
                "artifactId" => value.trim().clone_into(&mut artifact),
                "version" => value.trim().clone_into(&mut version),
                _ => {}
            }
        }
        let is_whole = is_id(&group) && is_id(&artifact) && is_version(&version);
        is_whole.then_some(Self { group, artifact, version })
    }
}

/// Whether it can be a group's or an artifact's id (Maven's `DefaultModelValidator`).
pub(super) fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_version(version: &str) -> bool {
    let is_plain = |character: char| {
        !character.is_whitespace() && !character.is_control() && !"${}:\"<>|?*\\/".contains(character)
    };
    !version.is_empty() && version.len() <= 256 && version.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_go_on_over_lines_and_end_with_the_main_section() {
        let manifest = Manifest::parse(
            b"Manifest-Version: 1.0\r\nBundle-SymbolicName: org.exam\r\n ple.core;singleton:=true\r\nimplementation-version: 1.4 1855 April\r\n\r\nName: a/\r\nImplementation-Title: x\r\n",
        );
        assert_eq!(manifest.bundle_symbolic_name, "org.example.core");
        assert_eq!(manifest.versions().collect::<Vec<_>>(), ["1.4"]);
        assert_eq!(manifest.implementation_title, "");
    }

    #[test]
    fn a_pom_that_names_less_than_an_artifact_is_none() {
        let pom = Pom::parse(b"#Generated by Maven\nversion=1.0-SNAPSHOT\ngroupId = a.b\nartifactId: c\n").unwrap();
        assert_eq!((pom.group.as_str(), pom.artifact.as_str(), pom.version.as_str()), ("a.b", "c", "1.0-SNAPSHOT"));
        assert_eq!(Pom::parse(b"groupId=a\nartifactId=b\nversion=${project.version}\n"), None);
        assert_eq!(Pom::parse(b"groupId=a\nversion=1\n"), None);
    }
}
