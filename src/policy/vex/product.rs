//! Which product a statement is about.
//!
//! Source: OpenVEX 0.2.0, "Product matching"; purl specification, type `oci`.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use packageurl::PackageUrl;

/// The image that findings are of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Subject<'a> {
    /// Digests that pin it: of the index, and of the manifest of the finding's platform.
    pub digests: &'a [String],
    /// Its repository with the registry, `registry.example/team/app`; empty where it has none.
    pub repository: &'a str,
}

/// A product, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    pub(super) identifiers: Vec<Identifier>,
    /// The parts that the statement is about; all where none is named.
    pub(super) parts: Vec<Identifier>,
}

/// A name of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identifier {
    Purl(Purl),
    /// `sha256:…` of an image.
    Digest(String),
    /// Anything else: matches nothing.
    Other,
}

/// A package URL in parts that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Purl {
    kind: String,
    namespace: String,
    name: String,
    version: Option<String>,
    qualifiers: BTreeMap<String, String>,
}

/// Qualifiers that tell packages apart; others (`upstream`, `vcs_url`) only describe them.
const TELLING: [&str; 4] = ["arch", "distro", "epoch", "classifier"];

impl Product {
    pub(super) fn new(identifiers: Vec<Identifier>, parts: Vec<Identifier>) -> Self {
        Self { identifiers, parts }
    }

    /// Whether it is the package, or an image of which the package is a part that is meant.
    ///
    /// A package with parts (a library used by a program) covers nothing: an image does not tell which program uses which file of another package.
    pub(super) fn covers(&self, package: &Identifier, subject: &Subject<'_>) -> bool {
        let is_image = self.identifiers.iter().any(|identifier| identifier.is_image(subject));
        if is_image {
            return self.parts.is_empty() || self.parts.iter().any(|part| part.is_package(package));
        }
        self.parts.is_empty() && self.identifiers.iter().any(|identifier| identifier.is_package(package))
    }
}

impl Identifier {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.starts_with("pkg:") {
            return Purl::parse(text).map_or(Self::Other, Self::Purl);
        }
        let is_digest = text.split_once(':').is_some_and(|(algorithm, hex)| {
            matches!(algorithm, "sha256" | "sha512")
                && hex.len() >= 64
                && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_digest { Self::Digest(text.to_ascii_lowercase()) } else { Self::Other }
    }

    fn is_image(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Digest(digest) => subject.digests.contains(digest),
            Self::Purl(purl) if purl.kind == "oci" => purl.is_image(subject),
            Self::Purl(_) | Self::Other => false,
        }
    }

    fn is_package(&self, package: &Self) -> bool {
        matches!((self, package), (Self::Purl(wanted), Self::Purl(package)) if wanted.fits(package))
    }
}

impl Purl {
    fn parse(text: &str) -> Option<Self> {
        let url = PackageUrl::from_str(text).ok()?;
        let qualifiers = url.qualifiers().iter().map(|(key, value)| (key.to_string(), value.to_string()));
        Some(Self {
            kind: url.ty().to_owned(),
            namespace: url.namespace().unwrap_or_default().to_owned(),
            name: url.name().to_owned(),
            version: url.version().map(str::to_owned).filter(|version| !version.is_empty()),
            qualifiers: qualifiers.collect(),
        })
    }

    /// What is written must be the same; what is not, may be anything.
    fn fits(&self, package: &Self) -> bool {
        let same = |key: &str| match (self.qualifiers.get(key), package.qualifiers.get(key)) {
            (Some(wanted), Some(value)) => wanted == value,
            _ => true,
        };
        self.kind == package.kind
            && self.namespace == package.namespace
            && self.name == package.name
            && (self.version.is_none() || self.version == package.version)
            && TELLING.iter().all(|key| same(key))
    }

    /// `pkg:oci/app@sha256:…?repository_url=registry.example/team`. A digest must be the image's; without one, the name must be.
    fn is_image(&self, subject: &Subject<'_>) -> bool {
        let repository = subject.repository;
        let name = repository.rsplit('/').next().unwrap_or_default();
        let fits_repository = self.qualifiers.get("repository_url").is_none_or(|url| {
            let url = url.trim_start_matches("https://").trim_end_matches('/');
            let canonical = |text: &str| text.replacen("index.docker.io/", "docker.io/", 1);
            canonical(url) == canonical(repository)
                || format!("{}/{}", canonical(url), self.name) == canonical(repository)
        });
        match &self.version {
            // A digest pins the image wherever it is.
            Some(digest) => subject.digests.iter().any(|known| known.eq_ignore_ascii_case(digest)),
            None => !name.is_empty() && self.name.eq_ignore_ascii_case(name) && fits_repository,
        }
    }
}
