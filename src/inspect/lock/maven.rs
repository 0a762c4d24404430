//! `pom.xml`: the dependencies that a Maven project pins itself. It is no lock file: what they need, and what a parent says, is not in it.
//!
//! Source: Maven's POM reference, "Dependencies" and "Properties".

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Found, InspectError, LockFile, MAX_FIELD_BYTES, Meta, scope};
use crate::facts::PackageKind;

pub(in crate::inspect) static MAVEN: LockFile = LockFile {
    meta: &Meta {
        name: "language/maven-pom",
        summary: "artifacts that a Maven project pins",
        required: false,
        doc: "**Reads** `pom.xml`, up to 8 MiB, but not those that lie in an artifact (`META-INF/maven`).\n\n**Reports** dependencies whose version stands in the file itself, as text, as a property or in its \
              `dependencyManagement`; those of scope `test` are for development.\n\n**Cannot see** what the dependencies need, versions of a parent or an imported file, ranges (all of which are told), profiles and \
              plugins.\n\n**Since** 0.2.0",
    },
    is_named: |entry| entry.name() == b"pom.xml" && memchr::memmem::find(entry.path, b"META-INF/maven/").is_none(),
    parse,
};

/// How often a property may lead to another one.
const MAX_PROPERTY_STEPS: usize = 8;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Project {
    group_id: Option<String>,
    version: Option<String>,
    parent: Option<Parent>,
    properties: BTreeMap<String, String>,
    dependencies: Dependencies,
    dependency_management: Management,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Parent {
    group_id: Option<String>,
    version: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Management {
    dependencies: Dependencies,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Dependencies {
    dependency: Vec<Dependency>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Dependency {
    group_id: String,
    artifact_id: String,
    #[serde(rename = "type")]
    kind: Option<String>,
    classifier: Option<String>,
    version: Option<String>,
    scope: Option<String>,
}

impl Project {
    fn property(&self, name: &str) -> Option<&str> {
        let parent = self.parent.as_ref();
        match name {
            "project.version" | "pom.version" | "version" => {
                self.version.as_deref().or_else(|| parent?.version.as_deref())
            }
            "project.groupId" | "pom.groupId" | "groupId" => {
                self.group_id.as_deref().or_else(|| parent?.group_id.as_deref())
            }
            "project.parent.version" => parent?.version.as_deref(),
            "project.parent.groupId" => parent?.group_id.as_deref(),
            name => self.properties.get(name).map(String::as_str),
        }
    }

    /// `text` with its properties put in, as far as the file has them.
    fn filled(&self, text: &str) -> String {
        let mut filled = text.trim().to_owned();
        for _ in 0..MAX_PROPERTY_STEPS {
            let Some((before, name, after)) = first_property(&filled) else { break };
            let Some(value) = self.property(name) else { break };
            filled = [before, value.trim(), after].concat();
            if filled.len() > MAX_FIELD_BYTES {
                break;
            }
        }
        filled
    }
}

/// What is around the first `${NAME}`.
fn first_property(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn parse(text: &str, found: &mut Found) -> Result<(), InspectError> {
    let project: Project = quick_xml::de::from_str(text)?;
    let name = |dependency: &Dependency| {
        format!("{}:{}", project.filled(&dependency.group_id), project.filled(&dependency.artifact_id))
    };
    let managed: BTreeMap<String, &Dependency> =
        project.dependency_management.dependencies.dependency.iter().map(|one| (name(one), one)).collect();
    // Of several declarations of an artifact Maven takes the last.
    let declared: BTreeMap<_, &Dependency> =
        project.dependencies.dependency.iter().map(|one| ((name(one), &one.kind, &one.classifier), one)).collect();
    for dependency in declared.values() {
        let name = name(dependency);
        let managed = managed.get(&name);
        let version = dependency.version.as_ref().or_else(|| managed?.version.as_ref());
        let scope_name = dependency.scope.as_deref().or_else(|| managed?.scope.as_deref());
        let version = version.map(|version| project.filled(version)).unwrap_or_default();
        if is_own(&project, &name, &version) {
            continue;
        }
        match pinned(&version) {
            Some(version) => found.package(PackageKind::Maven, &name, version, scope(scope_name == Some("test"))),
            None => found.open(format_args!("`{name}`")),
        }
    }
    if !project.dependencies.dependency.is_empty() {
        found.open("what its dependencies need; `mvn dependency:tree` resolves it");
    }
    Ok(())
}

/// Whether it is another module of the same build: its group, and the version that the project itself has.
fn is_own(project: &Project, name: &str, version: &str) -> bool {
    let own = |property: &str| project.property(property).map(|value| project.filled(value));
    let group = name.split(':').next().unwrap_or_default();
    own("project.groupId").as_deref() == Some(group) && own("project.version").as_deref() == Some(version)
}

/// A version, not a range; `[1.0]` is one version.
fn pinned(version: &str) -> Option<&str> {
    let one = version.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(version).trim();
    let is_one =
        !one.is_empty() && !one.contains(['[', ']', '(', ')', ',', '$']) && !matches!(one, "LATEST" | "RELEASE");
    is_one.then_some(one)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{open, packages};
    use super::*;

    #[test]
    fn what_stands_in_the_file_itself() {
        let pom = r#"<?xml version="1.0"?><project xmlns="http://maven.apache.org/POM/4.0.0"><parent><groupId>org.app</groupId><artifactId>parent</artifactId><version>9</version></parent><artifactId>app</artifactId>
            <properties><b.version>2.${minor}</b.version><minor>1</minor><loop>${loop}</loop></properties>
            <dependencyManagement><dependencies><dependency><groupId>org.c</groupId><artifactId>c</artifactId><version>3.0</version><scope>test</scope></dependency></dependencies></dependencyManagement>
            <dependencies><!-- one --><dependency><groupId>org.a</groupId><artifactId>a</artifactId><version>1.0</version><exclusions><exclusion><groupId>x</groupId><artifactId>y</artifactId></exclusion></exclusions></dependency>
            <dependency><groupId>org.b</groupId><artifactId>b</artifactId><version>${b.version}</version><scope>test</scope></dependency>
            <dependency><groupId>org.c</groupId><artifactId>c</artifactId></dependency>
            <dependency><groupId>org.d</groupId><artifactId>d</artifactId></dependency>
            <dependency><groupId>org.e</groupId><artifactId>e</artifactId><version>[1.0,2.0)</version></dependency>
            <dependency><groupId>org.f</groupId><artifactId>f</artifactId><version>${loop}</version></dependency>
            <dependency><groupId>org.g</groupId><artifactId>g</artifactId><version>[4.0]</version></dependency>
            <dependency><groupId>${project.groupId}</groupId><artifactId>own</artifactId><version>${project.version}</version></dependency></dependencies></project>"#;
        assert_eq!(packages(&MAVEN, pom), ["org.a:a 1.0", "org.b:b 2.1 dev", "org.c:c 3.0 dev", "org.g:g 4.0"]);
        assert_eq!(open(&MAVEN, pom), ["4 entries are left open, the first: `org.d:d`"]);
    }

    #[test]
    fn a_property_cannot_grow_without_end() {
        let project =
            Project { properties: BTreeMap::from([("a".to_owned(), "${a}${a}".repeat(40))]), ..Project::default() };
        assert!(project.filled("${a}").len() < 8 * MAX_FIELD_BYTES);
    }
}
