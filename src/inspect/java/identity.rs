//! Which artifacts an archive is: by its `pom.properties`, else by its manifest together with what is in it.
//!
//! A jar's manifest was never meant to name a Maven artifact. Version and artifact are often there, the group seldom; it is taken only where the manifest spells
//! it out and the archive has classes below it, or where the artifact is one of those in [`known`](super::known). Otherwise the artifact is named without a group.

use std::collections::BTreeSet;

use super::known;
use super::manifest::{Manifest, Pom, is_id};
use super::version::{FileName, common, osgi, without_build};
use crate::facts::{Evidence, PackageFact, PackageKind};

/// Folders of classes and resources, no deeper than a group's name goes.
#[derive(Default)]
pub(super) struct Roots {
    folders: BTreeSet<Vec<u8>>,
    /// It is packed as an application, whose own classes are in a folder of their own, beside those of a launcher.
    is_application: bool,
}

/// Folders that are kept of one archive: enough to tell that a group has classes there.
const MAX_ROOTS: usize = 256;

/// Depth of folders that are kept: that of `org/springframework/boot/actuate`.
const ROOT_DEPTH: usize = 4;

impl Roots {
    /// Notes the folder of an entry.
    pub(super) fn add(&mut self, path: &[u8]) {
        let folder = memchr::memrchr(b'/', path).and_then(|slash| path.get(..slash)).unwrap_or_default();
        let end = memchr::memchr_iter(b'/', folder).nth(ROOT_DEPTH - 1).unwrap_or(folder.len());
        let root = folder.get(..end).unwrap_or_default();
        self.is_application |= root.starts_with(b"BOOT-INF/") || root.starts_with(b"WEB-INF/");
        if self.folders.len() < MAX_ROOTS && !self.folders.contains(root) {
            self.folders.insert(root.to_vec());
        }
    }

    /// Whether there is nothing but metadata.
    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty()
    }

    /// Whether there is anything in the folder of `package` (`org.example`) or below it.
    pub(super) fn has(&self, package: &str) -> bool {
        let folder = package.replace('.', "/").into_bytes();
        let is_below = |root: &Vec<u8>| {
            root.strip_prefix(folder.as_slice()).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        self.folders.iter().any(is_below)
    }
}

/// What is known of one archive.
pub(super) struct Archive<'a> {
    pub(super) name: &'a [u8],
    pub(super) manifest: &'a Manifest,
    /// With the entries that hold them.
    pub(super) poms: &'a [(&'a [u8], Pom)],
    pub(super) roots: &'a Roots,
}

/// A package, and the entry that names it where the archive itself does not.
pub(super) struct Named<'a> {
    pub(super) package: PackageFact,
    pub(super) record: Option<&'a [u8]>,
}

/// An artifact with its version, whose group may be missing.
struct Artifact {
    group: Option<String>,
    name: String,
    version: String,
    evidence: Evidence,
}

impl<'a> Archive<'a> {
    /// Whether it looks like a library, though nothing in it says which.
    pub(super) fn is_nameless_library(&self) -> bool {
        let file = FileName::parse(self.name);
        let is_versioned = file.artifacts().any(|(_, version)| !version.is_empty());
        is_versioned && !file.is_for_people() && !self.roots.is_empty()
    }

    /// Every artifact in the archive itself.
    pub(super) fn packages(&self) -> Vec<Named<'a>> {
        let file = FileName::parse(self.name);
        // Sources and documentation have the metadata, but nothing that runs.
        if file.is_for_people() {
            return Vec::new();
        }
        let own = self.own_pom(&file);
        let mut packages: Vec<Named<'_>> = self
            .poms
            .iter()
            .map(|(record, pom)| {
                let is_own = own == Some(pom);
                let version = if is_own { file.refine(pom) } else { &pom.version };
                let package = PackageFact::new(PackageKind::Maven, format!("{}:{}", pom.group, pom.artifact), version);
                Named {
                    package: with_license(package, if is_own { &self.manifest.bundle_license } else { "" }),
                    record: (!is_own).then_some(*record),
                }
            })
            .collect();
        if own.is_none() {
            packages.extend(self.by_manifest(&file).map(|package| Named { package, record: None }));
        }
        packages
    }

    /// The `pom.properties` of the archive itself, not of a library that was put into it.
    fn own_pom(&self, file: &FileName) -> Option<&'a Pom> {
        let poms = || self.poms.iter().map(|(_, pom)| pom);
        let is_named = |pom: &&Pom| {
            file.stem.strip_prefix(pom.artifact.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let has_version = |pom: &&Pom| {
            self.manifest.versions().any(|version| version == pom.version || version == osgi(&pom.version))
        };
        let longest = poms().filter(is_named).max_by_key(|pom| pom.artifact.len());
        longest.or_else(|| {
            let mut candidates = poms().filter(has_version);
            candidates.next().filter(|_| candidates.next().is_none())
        })
    }

    fn by_manifest(&self, file: &FileName) -> Option<PackageFact> {
        let artifact = self.known(file).or_else(|| self.spelled_out(file)).or_else(|| self.guessed(file))?;
        let is_shaded_in = self.poms.iter().any(|(_, pom)| pom.artifact == artifact.name);
        // Beside libraries' own records, only what is sure is added.
        if is_shaded_in || (!self.poms.is_empty() && artifact.evidence != Evidence::Record) {
            return None;
        }
        let name = match artifact.group {
            Some(group) => format!("{group}:{}", artifact.name),
            None => artifact.name,
        };
        let package =
            PackageFact { evidence: artifact.evidence, ..PackageFact::new(PackageKind::Maven, name, artifact.version) };
        Some(with_license(package, &self.manifest.bundle_license))
    }

    /// An artifact of a project that is known to build without `pom.properties`, with that project's classes in it.
    fn known(&self, file: &FileName) -> Option<Artifact> {
        let (version, evidence) = self.version(file).filter(|_| !self.roots.is_application)?;
        let major = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
        let (group, name) =
            self.names(file).find_map(|name| known::find(name, major, evidence == Evidence::Record, self.roots))?;
        Some(Artifact { group: Some(group.to_owned()), name, version, evidence })
    }

    /// `Implementation-Title: GROUP#PROJECT;VERSION` or `GROUP:ARTIFACT`, as plugins of Gradle and Ant scripts write it, or `Implementation-Vendor-Id: GROUP`.
    ///
    /// A project of Gradle need not have the artifact's name, so that of a file with this version goes first.
    fn spelled_out(&self, file: &FileName) -> Option<Artifact> {
        let title = self.manifest.implementation_title.as_str();
        let from_title = match title.split_once('#') {
            Some((group, rest)) => rest.split_once(';').map(|(name, _)| (group, name)),
            None => title.split_once(':'),
        };
        let in_file = self.confirmed(file).map(|(name, _)| name);
        let titled = Some(title).filter(|title| is_id(title));
        let (group, name) = match from_title {
            Some((group, name)) => (group, in_file.unwrap_or(name)),
            None => (self.manifest.implementation_vendor_id.as_str(), in_file.or(titled)?),
        };
        let version = self.manifest_version(file)?;
        let is_whole = is_id(name) && (is_group(group) || group == name);
        is_whole.then(|| Artifact {
            group: Some(group.to_owned()),
            name: name.to_owned(),
            version,
            evidence: Evidence::Record,
        })
    }

    /// An artifact on whose name and version the file's name and the manifest agree; of a group that the bundle's name begins with, if there are classes below it.
    fn guessed(&self, file: &FileName) -> Option<Artifact> {
        let title =
            Some(self.manifest.implementation_title.as_str()).filter(|title| is_id(title) && *title == file.stem);
        let name = self.confirmed(file).map(|(name, _)| name).or(title)?;
        let version = self.manifest_version(file)?;
        let group = self.manifest.bundle_symbolic_name.strip_suffix(name).and_then(|group| group.strip_suffix('.'));
        let group = group.filter(|group| is_group(group) && self.roots.has(group)).map(str::to_owned);
        is_id(name).then(|| Artifact { group, name: name.to_owned(), version, evidence: Evidence::Content })
    }

    /// Names that may be the artifact's, the likeliest first.
    fn names<'n>(&'n self, file: &'n FileName) -> impl Iterator<Item = &'n str> {
        let manifest = self.manifest;
        let in_file = file.artifacts().map(|(name, _)| name);
        let in_manifest = [&manifest.implementation_title, &manifest.bundle_name, &manifest.bundle_symbolic_name];
        in_file.chain(in_manifest.into_iter().map(String::as_str)).filter(|name| is_id(name))
    }

    /// The version that the manifest says, else that of the file's name, which is enough only for a known project's archive.
    fn version(&self, file: &FileName) -> Option<(String, Evidence)> {
        let in_file = file.artifacts().find(|(_, version)| !version.is_empty()).map(|(_, version)| version.to_owned());
        // Derby counts on in millions; Eclipse's own versions differ from those of Tomcat's copies, and are right.
        let is_sure = self.confirmed(file).is_some()
            || in_file.is_none()
            || self.manifest.versions().any(|said| without_build(said) != said);
        match self.manifest_version(file).filter(|_| is_sure) {
            Some(version) => Some((version, Evidence::Record)),
            None => in_file.map(|version| (version, Evidence::Content)),
        }
    }

    /// The version that the manifest says; in the spelling of the file's name, where that has the same.
    fn manifest_version(&self, file: &FileName) -> Option<String> {
        let confirmed = self.confirmed(file).map(|(_, version)| version);
        confirmed.or_else(|| self.manifest.versions().next().map(without_build)).map(str::to_owned)
    }

    /// The artifact and version in the file's name, where the manifest says this version, too.
    fn confirmed<'n>(&self, file: &'n FileName) -> Option<(&'n str, &'n str)> {
        file.artifacts().find_map(|(name, version)| {
            let spelled = self.manifest.versions().find_map(|said| common(version, said))?;
            Some((name, spelled))
        })
    }
}

/// Organisations whose projects have groups of their own, but write this into `Implementation-Vendor-Id` or before their artifact's name.
const UMBRELLAS: &[&str] = &[
    "org.apache",
    "org.eclipse",
    "org.glassfish",
    "com.sun",
    "com.oracle",
    "com.google",
    "com.github",
    "org.codehaus",
];

/// Whether it can be a group, to all appearance: a domain, and not one that many groups share.
fn is_group(group: &str) -> bool {
    is_id(group) && group.contains('.') && !UMBRELLAS.contains(&group)
}

fn with_license(package: PackageFact, declared: &str) -> PackageFact {
    // `Apache-2.0;link="…"` or an address; several are separated by commas.
    let names =
        declared.split(',').map(|license| license.split(';').next().unwrap_or_default().trim().trim_matches('"'));
    PackageFact {
        licenses: names.filter(|name| !name.is_empty() && name.len() <= 200).map(str::to_owned).collect(),
        ..package
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `NAME VERSION` of what an archive with this name, manifest, poms and entries is.
    fn named(name: &str, manifest: &str, poms: &[&str], entries: &[&str]) -> Vec<String> {
        let manifest = Manifest::parse(manifest.as_bytes());
        let pom = |text: &&str| (&b"META-INF/maven/pom.properties"[..], Pom::parse(text.as_bytes()).unwrap());
        let poms: Vec<_> = poms.iter().map(pom).collect();
        let mut roots = Roots::default();
        entries.iter().for_each(|entry| roots.add(entry.as_bytes()));
        let archive = Archive { name: name.as_bytes(), manifest: &manifest, poms: &poms, roots: &roots };
        let shown = |named: Named<'_>| {
            let (package, is_shaded) = (named.package, named.record.is_some());
            format!("{} {}{}", package.name, package.version, if is_shaded { " inside" } else { "" })
        };
        archive.packages().into_iter().map(shown).collect()
    }

    const SPRING: &str = "Implementation-Title: spring-beans\nImplementation-Version: 5.3.23\n";
    const LIB: &str = "version=1.0.0\ngroupId=org.example\nartifactId=lib\n";

    #[test]
    fn a_group_is_named_only_where_something_in_the_archive_says_it() {
        let is = |name: &str, manifest: &str, entries: &[&str], expected: &[&str]| {
            assert_eq!(named(name, manifest, &[], entries), expected, "{name}");
        };
        is(
            "spring-beans-5.3.23.jar",
            SPRING,
            &["org/springframework/beans/A.class"],
            &["org.springframework:spring-beans 5.3.23"],
        );
        is("renamed.jar", SPRING, &["org/springframework/beans/A.class"], &["org.springframework:spring-beans 5.3.23"]);
        is("spring-beans-5.3.23.jar", SPRING, &["org/myorg/A.class"], &["spring-beans 5.3.23"]);
        is(
            "a-1.2.jar",
            "Implementation-Vendor-Id: org.example\nImplementation-Version: 1.2\n",
            &[],
            &["org.example:a 1.2"],
        );
        is("a-1.2.jar", "Implementation-Vendor-Id: org.apache\nImplementation-Version: 1.2\n", &[], &["a 1.2"]);
        is(
            "x.jar",
            "Implementation-Title: org.example#a;1.2\nImplementation-Version: 1.2\n",
            &[],
            &["org.example:a 1.2"],
        );
        is(
            "b-1.2.jar",
            "Implementation-Title: org.example#a;1.2\nImplementation-Version: 1.2\n",
            &[],
            &["org.example:b 1.2"],
        );
        is(
            "a-1.2.jar",
            "Bundle-SymbolicName: org.example.a\nBundle-Version: 1.2.0\n",
            &["org/example/a/B.class"],
            &["org.example:a 1.2"],
        );
        is(
            "a-1.2.jar",
            "Bundle-SymbolicName: org.example.a\nBundle-Version: 1.2.0\n",
            &["com/example/B.class"],
            &["a 1.2"],
        );
        is("a-1.2.jar", "Main-Class: x\n", &["org/example/A.class"], &[]);
        is("okhttp-4.9.3.jar", "Main-Class: x\n", &["okhttp3/A.class"], &["com.squareup.okhttp3:okhttp 4.9.3"]);
        is("a-1.2-sources.jar", "Implementation-Version: 1.2\n", &["org/example/A.java"], &[]);
    }

    #[test]
    fn the_launcher_in_an_application_does_not_name_it() {
        let entries = ["org/springframework/boot/loader/A.class", "BOOT-INF/classes/a/B.class"];
        let manifest = "Implementation-Title: spring-boot-shop\nImplementation-Version: 1.0\n";
        assert_eq!(named("spring-boot-shop-1.0.jar", manifest, &[], &entries), ["spring-boot-shop 1.0"]);
    }

    #[test]
    fn shaded_libraries_stand_beside_the_archive_itself() {
        let own = "version=2.0\ngroupId=org.example\nartifactId=app\n";
        let both = ["org.example:app 2.0", "org.example:lib 1.0.0 inside"];
        assert_eq!(named("app-2.0.jar", "", &[own, LIB], &[]), both);
        assert_eq!(named("renamed.jar", "Implementation-Version: 2.0\n", &[own, LIB], &[]), both);
        // The manifest is that of a library that was put in.
        assert_eq!(named("app.jar", SPRING, &[LIB], &["a/B.class"]), ["org.example:lib 1.0.0 inside"]);
        let spring = ["org.example:lib 1.0.0 inside", "org.springframework:spring-beans 5.3.23"];
        assert_eq!(named("spring-beans-5.3.23.jar", SPRING, &[LIB], &["org/springframework/A.class"]), spring);
    }
}
