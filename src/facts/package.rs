//! One installed package, as its package manager records it.

use serde::{Deserialize, Serialize};

/// Which package manager recorded a package.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum PackageKind {
    /// dpkg: Debian, Ubuntu and their derivatives.
    Deb,
    /// rpm.
    Rpm,
    /// apk-tools: Alpine, Wolfi.
    Apk,
    /// A Python distribution.
    PyPi,
    /// A Node package.
    Npm,
    /// A Go module, or Go's own standard library under the name `stdlib`.
    Go,
    /// A Rust crate.
    Cargo,
}

impl PackageKind {
    /// Whether it belongs to the operating system, so that its advisories depend on the distribution's release.
    #[must_use]
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Rpm | Self::Apk)
    }
}

/// What a package was built from, where that has another name or version than the package itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct SourcePackage {
    /// Source name: dpkg's `Source`, rpm's source package, apk's origin.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// One package as recorded. Names and versions are kept as written; normal forms are made where they are compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PackageFact {
    /// Who recorded it.
    pub kind: PackageKind,
    /// Name.
    pub name: String,
    /// Version, whole: with epoch and release where the system has them (`1:2.38.1-5`, `3.0.7-25.el9`).
    pub version: String,
    /// Architecture as the package manager names it (`amd64`, `x86_64`, `noarch`).
    pub arch: Option<String>,
    /// The source it was built from.
    pub source: Option<SourcePackage>,
    /// Licences as declared.
    pub licenses: Vec<String>,
    /// Maintainer or vendor as declared; tells a distribution's own packages from foreign ones.
    pub vendor: Option<String>,
    /// rpm's modularity label (`name:stream:version:context`), where there is one.
    pub module: Option<String>,
}

impl PackageFact {
    /// A package with a name and a version and nothing else known.
    #[must_use]
    pub fn new(kind: PackageKind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            arch: None,
            source: None,
            licenses: Vec::new(),
            vendor: None,
            module: None,
        }
    }

    /// Name and version by which the distribution's advisories know it: the source's, else its own.
    #[must_use]
    pub fn source_or_self(&self) -> (&str, &str) {
        match &self.source {
            Some(source) => (&source.name, &source.version),
            None => (&self.name, &self.version),
        }
    }
}
