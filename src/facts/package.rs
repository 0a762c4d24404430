//! One installed package, as its package manager records it.

use serde::{Deserialize, Serialize};

use super::FilePath;

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
    /// A Java archive's artifact; the name is `group:artifact`.
    Maven,
    /// A Ruby gem.
    Gem,
    /// A PHP package; the name is `vendor/name`.
    Composer,
    /// A .NET package.
    NuGet,
    /// A conda package.
    Conda,
    /// An Erlang or Elixir package.
    Hex,
    /// A Perl distribution.
    Cpan,
    /// An R package.
    Cran,
    /// A Lua rock.
    LuaRocks,
    /// A Dart package.
    Pub,
    /// A Swift package; the name is its repository, `github.com/apple/swift-nio`.
    Swift,
    /// A C or C++ package of Conan.
    Conan,
    /// pacman: Arch Linux.
    Alpm,
    /// Portage: Gentoo; the name is `category/package`.
    Portage,
    /// A package of a Nix store.
    Nix,
    /// A snap.
    Snap,
    /// A Flatpak application or runtime.
    Flatpak,
    /// A component of a Bitnami image, as Bitnami's own records name it.
    Bitnami,
    /// A program that no package manager recorded, known by its content; the name is upstream's, `openssl`.
    Generic,
}

impl PackageKind {
    /// Whether it belongs to the operating system, so that its advisories depend on the distribution's release.
    #[must_use]
    pub fn is_os(self) -> bool {
        matches!(self, Self::Deb | Self::Rpm | Self::Apk | Self::Alpm | Self::Portage)
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

/// What says that a package is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Evidence {
    /// Its package manager's record, or one that its build left for this purpose.
    #[default]
    Record,
    /// The content of a file, without a record: less sure than one.
    Content,
    /// A bill of materials or a lock file that lies in the image: what somebody meant to put there.
    Listed,
}

/// What a project needs a package for, as its lock file tells. What is installed has no scope of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Scope {
    /// To run, or the lock file does not tell.
    #[default]
    Runtime,
    /// Only to develop, build or test it.
    Development,
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
    /// What says that it is there.
    pub evidence: Evidence,
    /// What it is needed for.
    pub scope: Scope,
    /// Where in the file its record is, for a file that is an archive: `BOOT-INF/lib/a.jar`, or `a.war!/WEB-INF/lib/a.jar` deeper down.
    pub inside: Option<FilePath>,
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
            evidence: Evidence::Record,
            scope: Scope::Runtime,
            inside: None,
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
