//! Package URLs that others wrote, back to packages: the reverse of [`purl`](super::purl).
//!
//! Not `packageurl`'s parser: it folds the case of Go and npm names, which advisories do not, and refuses what other tools write for some types.
//!
//! Source: the purl specification, "How to parse", and its `PURL-TYPES` document; Syft's and Trivy's qualifiers `upstream`, `epoch` and `rpmmod`.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{OsRelease, PackageFact, PackageKind, SourcePackage};

/// Longest purl that is parsed, in bytes. Real ones have some hundreds.
const MAX_PURL_BYTES: usize = 8 << 10;

/// Why a text is no purl that names a package for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It does not begin with `pkg:`.
    #[error("a package URL begins with `pkg:`")]
    Scheme,
    /// Longer than any real one.
    #[error("the package URL has {0} bytes; more than {MAX_PURL_BYTES} are not read")]
    TooLong(usize),
    /// Nothing stands where a part must be.
    #[error("the package URL has no {0}")]
    Missing(&'static str),
    /// A part is not UTF-8 when its escapes are undone.
    #[error("the package URL holds escapes that are not UTF-8")]
    Encoding,
    /// A type that names no packages which advisories are about, as `github` or `docker`.
    #[error("packages of type `{0}` are not known")]
    Type(String),
}

/// What a purl says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPurl {
    /// The package. Its version is empty where the purl has none.
    pub package: PackageFact,
    /// The distribution that an OS package is of: the qualifier `distro`, else the namespace.
    pub distribution: Option<OsRelease>,
}

/// Reads a purl.
///
/// # Errors
/// When it is malformed, or of a type that names no packages.
pub fn parse(purl: &str) -> Result<ParsedPurl, PurlError> {
    let parts = Parts::split(purl)?;
    let kind = kind_of(&parts.kind)?;
    let mut package = PackageFact::new(kind, parts.full_name(kind), parts.version(kind));
    package.arch = parts.qualifier("arch").map(str::to_owned).filter(|_| kind.is_os());
    package.module = parts.qualifier("rpmmod").map(str::to_owned).filter(|_| kind == PackageKind::Rpm);
    package.source = parts.qualifier("upstream").and_then(|upstream| source(kind, upstream, &package));
    Ok(ParsedPurl { distribution: kind.is_os().then(|| parts.distribution()).flatten(), package })
}

/// The kind of a purl type; Chainguard's and Wolfi's packages are of type `apk`, Windows components and models are not packages here.
fn kind_of(kind: &str) -> Result<PackageKind, PurlError> {
    Ok(match kind {
        "deb" => PackageKind::Deb,
        "rpm" => PackageKind::Rpm,
        "apk" => PackageKind::Apk,
        "alpm" => PackageKind::Alpm,
        // Syft wrote `portage` before the type was registered as `ebuild`.
        "ebuild" | "portage" => PackageKind::Portage,
        "pypi" => PackageKind::PyPi,
        "npm" => PackageKind::Npm,
        "golang" => PackageKind::Go,
        "cargo" => PackageKind::Cargo,
        "maven" => PackageKind::Maven,
        "gem" => PackageKind::Gem,
        "composer" => PackageKind::Composer,
        "nuget" => PackageKind::NuGet,
        "conda" => PackageKind::Conda,
        "hex" => PackageKind::Hex,
        "cpan" => PackageKind::Cpan,
        "cran" => PackageKind::Cran,
        "luarocks" => PackageKind::LuaRocks,
        "pub" => PackageKind::Pub,
        "swift" => PackageKind::Swift,
        "conan" => PackageKind::Conan,
        "nix" => PackageKind::Nix,
        "snap" => PackageKind::Snap,
        "flatpak" => PackageKind::Flatpak,
        "bitnami" => PackageKind::Bitnami,
        "generic" => PackageKind::Generic,
        other => return Err(PurlError::Type(other.to_owned())),
    })
}

/// The components, unescaped.
struct Parts<'a> {
    kind: String,
    namespace: Vec<Cow<'a, str>>,
    name: Cow<'a, str>,
    version: Cow<'a, str>,
    qualifiers: Vec<(String, Cow<'a, str>)>,
    subpath: Vec<Cow<'a, str>>,
}

impl<'a> Parts<'a> {
    /// From the right to the left, as the specification has it: an unescaped `@` of an npm scope is no version's.
    fn split(purl: &'a str) -> Result<Self, PurlError> {
        if purl.len() > MAX_PURL_BYTES {
            return Err(PurlError::TooLong(purl.len()));
        }
        let (scheme, rest) = purl.trim().split_once(':').ok_or(PurlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg") {
            return Err(PurlError::Scheme);
        }
        let (rest, subpath) = rest.split_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.trim_matches('/').split_once('/').ok_or(PurlError::Missing("type"))?;
        let (path, version) = match rest.rsplit_once('@') {
            Some((path, version)) if !path.is_empty() && !path.ends_with('/') && !version.contains('/') => {
                (path, version)
            }
            _ => (rest, ""),
        };
        let mut segments = segments(path)?;
        let name = segments.pop().ok_or(PurlError::Missing("name"))?;
        Ok(Self {
            kind: kind.to_ascii_lowercase(),
            namespace: segments,
            name,
            version: decode(version)?,
            qualifiers: qualifiers_of(qualifiers)?,
            subpath: self::segments(subpath)?,
        })
    }

    fn qualifier(&self, key: &str) -> Option<&str> {
        self.qualifiers.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_ref())
    }

    /// The name as the package manager has it, with the namespace where that is part of it.
    fn full_name(&self, kind: PackageKind) -> String {
        let namespace = self.namespace.join("/");
        match kind {
            PackageKind::Maven if !namespace.is_empty() => format!("{namespace}:{}", self.name),
            // Syft puts what follows the third part of a module's path into the subpath; that of a package inside of a module is marked.
            PackageKind::Go if self.qualifier("type") != Some("package") => {
                let parts = self.namespace.iter().chain([&self.name]).chain(&self.subpath);
                parts.map(AsRef::as_ref).collect::<Vec<&str>>().join("/")
            }
            PackageKind::Npm
            | PackageKind::Go
            | PackageKind::Composer
            | PackageKind::Swift
            | PackageKind::Portage
            | PackageKind::Generic
                if !namespace.is_empty() =>
            {
                format!("{namespace}/{}", self.name)
            }
            _ => self.name.clone().into_owned(),
        }
    }

    /// The version, with the epoch that rpm's purls (and Trivy's for dpkg) have in a qualifier.
    fn version(&self, kind: PackageKind) -> String {
        let with_epoch = matches!(kind, PackageKind::Rpm | PackageKind::Deb | PackageKind::Alpm);
        match self.qualifier("epoch") {
            Some(epoch) if with_epoch && !self.version.contains(':') => format!("{epoch}:{}", self.version),
            _ => self.version.clone().into_owned(),
        }
    }

    /// `distro=debian-12`, `distro=opensuse-leap-15.5`, `distro=bookworm`.
    fn distribution(&self) -> Option<OsRelease> {
        let namespace = self.namespace.join("/").to_ascii_lowercase();
        let vendor = if namespace == "redhat" { "rhel".to_owned() } else { namespace };
        let with_id = |id: &str| OsRelease { id: id.to_ascii_lowercase(), ..OsRelease::default() };
        let Some(distro) = self.qualifier("distro") else { return (!vendor.is_empty()).then(|| with_id(&vendor)) };
        let is_version = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
        match distro.rsplit_once('-') {
            Some((id, version)) if is_version(version) => {
                Some(OsRelease { version_id: version.to_owned(), ..with_id(id) })
            }
            _ if is_version(distro) => Some(OsRelease { version_id: distro.to_owned(), ..with_id(&vendor) }),
            _ if vendor.is_empty() || vendor == distro => Some(with_id(distro)),
            _ => {
                let codename = distro.strip_prefix(&format!("{vendor}-")).unwrap_or(distro);
                Some(OsRelease { codename: codename.to_owned(), ..with_id(&vendor) })
            }
        }
    }
}

/// `upstream=openssl`, `upstream=openssl@3.0.11-1` or, of rpm, `upstream=openssl-3.0.7-24.el9.src.rpm`; none where it says what the package itself does.
fn source(kind: PackageKind, upstream: &str, package: &PackageFact) -> Option<SourcePackage> {
    let (name, version) = match upstream.strip_suffix(".src.rpm").filter(|_| kind == PackageKind::Rpm) {
        Some(file) => {
            let mut parts = file.rsplitn(3, '-');
            let (release, version) = (parts.next()?, parts.next()?);
            (parts.next()?, format!("{version}-{release}"))
        }
        None => match upstream.split_once('@') {
            Some((name, version)) => (name, version.to_owned()),
            None => (upstream, package.version.clone()),
        },
    };
    let says_more = kind.is_os() && !name.is_empty() && (name != package.name || version != package.version);
    says_more.then(|| SourcePackage { name: name.to_owned(), version })
}

fn qualifiers_of(text: &str) -> Result<Vec<(String, Cow<'_, str>)>, PurlError> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('=')).filter(|(_, value)| !value.is_empty());
    pairs.map(|(key, value)| Ok((key.to_ascii_lowercase(), decode(value)?))).collect()
}

fn segments(text: &str) -> Result<Vec<Cow<'_, str>>, PurlError> {
    text.split('/').filter(|segment| !matches!(*segment, "" | "." | "..")).map(decode).collect()
}

fn decode(text: &str) -> Result<Cow<'_, str>, PurlError> {
    percent_decode_str(text).decode_utf8().map_err(|_| PurlError::Encoding)
}

#[cfg(test)]
mod tests {
    use super::super::purl::purl;
    use super::*;

    fn shown(text: &str) -> String {
        let ParsedPurl { package, .. } = parse(text).unwrap();
        format!("{:?} {} {}", package.kind, package.name, package.version)
    }

    /// Rows are purls as the specification, Syft, Trivy and cyclonedx-gomod write them.
    #[test]
    fn names_and_versions_are_those_of_the_package_manager() {
        for (text, expected) in [
            ("pkg:deb/debian/curl@7.50.3-1?arch=i386&distro=jessie", "Deb curl 7.50.3-1"),
            ("pkg:deb/debian/bsdutils@1%3A2.38.1-5?arch=amd64", "Deb bsdutils 1:2.38.1-5"),
            ("pkg:deb/ubuntu/bsdutils@2.37.2-4ubuntu3?arch=amd64&epoch=1", "Deb bsdutils 1:2.37.2-4ubuntu3"),
            ("pkg:rpm/redhat/dbus@1.12.20-8.el9?arch=x86_64&epoch=1&distro=rhel-9.2", "Rpm dbus 1:1.12.20-8.el9"),
            ("pkg:npm/%40angular/animation@12.3.1", "Npm @angular/animation 12.3.1"),
            ("pkg:npm/@angular/animation@12.3.1", "Npm @angular/animation 12.3.1"),
            ("pkg:npm/@angular/animation", "Npm @angular/animation "),
            ("pkg:npm/JSONStream@1.3.5", "Npm JSONStream 1.3.5"),
            ("pkg:golang/github.com/BurntSushi/toml@v1.2.0", "Go github.com/BurntSushi/toml v1.2.0"),
            (
                "pkg:golang/github.com/aws/aws-sdk-go-v2@v1.18.0#config",
                "Go github.com/aws/aws-sdk-go-v2/config v1.18.0",
            ),
            ("pkg:golang/a.example/b@v1.0.0?type=package#inner", "Go a.example/b v1.0.0"),
            ("pkg:golang/a.example/b@v2.0.0%2Bincompatible", "Go a.example/b v2.0.0+incompatible"),
            (
                "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?type=jar",
                "Maven org.apache.xmlgraphics:batik-anim 1.9.1",
            ),
            ("pkg:composer/guzzlehttp/promises@2.0.2", "Composer guzzlehttp/promises 2.0.2"),
            ("PKG:PyPI//django@1.11.1", "PyPi django 1.11.1"),
            ("pkg://cargo/rand@0.7.2", "Cargo rand 0.7.2"),
            ("pkg:bitnami/wordpress@6.2.0?arch=arm64&distro=debian-12", "Bitnami wordpress 6.2.0"),
            ("pkg:swift/github.com/Alamofire/Alamofire@5.4.3", "Swift github.com/Alamofire/Alamofire 5.4.3"),
            ("pkg:ebuild/dev-libs/openssl@3.0.9", "Portage dev-libs/openssl 3.0.9"),
            ("pkg:gem/ruby-advisory-db-check@0.12.4#sub/path", "Gem ruby-advisory-db-check 0.12.4"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn qualifiers_tell_source_module_and_distribution() {
        let parsed = parse("pkg:rpm/rhel/openssl-libs@3.0.7-24.el9?arch=x86_64&epoch=1&upstream=openssl-3.0.7-24.el9.src.rpm&distro=rhel-9.3&rpmmod=a:1").unwrap();
        let source = parsed.package.source.unwrap();
        assert_eq!((source.name.as_str(), source.version.as_str()), ("openssl", "3.0.7-24.el9"));
        assert_eq!(parsed.package.module.as_deref(), Some("a:1"));
        assert_eq!(parsed.package.arch.as_deref(), Some("x86_64"));
        let source = |purl: &str| parse(purl).unwrap().package.source.map(|source| (source.name, source.version));
        let named = |name: &str, version: &str| Some((name.to_owned(), version.to_owned()));
        assert_eq!(source("pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl"), named("openssl", "3.0.11-1"));
        assert_eq!(source("pkg:deb/debian/gcc@4:12.2?upstream=gcc-defaults%401.203"), named("gcc-defaults", "1.203"));
        assert_eq!(source("pkg:deb/debian/openssl@3.0.11-1?upstream=openssl"), None);
        for (text, id, version, codename) in [
            ("pkg:deb/debian/a@1?distro=debian-12", "debian", "12", ""),
            ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", "opensuse-leap", "15.5", ""),
            ("pkg:deb/debian/a@1?distro=bookworm", "debian", "", "bookworm"),
            ("pkg:apk/wolfi/a@1", "wolfi", "", ""),
            ("pkg:apk/wolfi/a@1?distro=wolfi", "wolfi", "", ""),
            ("pkg:rpm/redhat/a@1", "rhel", "", ""),
        ] {
            let os = parse(text).unwrap().distribution.unwrap();
            assert_eq!(
                (os.id.as_str(), os.version_id.as_str(), os.codename.as_str()),
                (id, version, codename),
                "{text}"
            );
        }
        assert_eq!(parse("pkg:npm/a@1?distro=debian-12").unwrap().distribution, None);
    }

    #[test]
    fn what_is_no_purl_is_refused() {
        assert_eq!(parse("https://example.org"), Err(PurlError::Scheme));
        assert_eq!(parse("pkg:npm"), Err(PurlError::Missing("type")));
        assert_eq!(parse("pkg:npm/"), Err(PurlError::Missing("type")));
        assert_eq!(parse("pkg:npm/.."), Err(PurlError::Missing("name")));
        assert_eq!(parse("pkg:docker/a@1"), Err(PurlError::Type("docker".into())));
        assert_eq!(parse("pkg:npm/%ff"), Err(PurlError::Encoding));
        assert_eq!(parse(&format!("pkg:npm/{}", "a".repeat(MAX_PURL_BYTES))).unwrap_err(), PurlError::TooLong(8200));
    }

    #[test]
    fn what_we_write_we_read() {
        let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
        for (kind, name, version) in [
            (PackageKind::Deb, "libstdc++6", "1:12.2.0-14"),
            (PackageKind::Rpm, "vim", "2:8.2-1.el9"),
            (PackageKind::Npm, "@scope/tool", "1.0.0"),
            (PackageKind::Maven, "org.example:tool", "1.0"),
            (PackageKind::Go, "a.example/b", "v2.0.0+incompatible"),
            (PackageKind::PyPi, "a", "1!2.0+local.1"),
            (PackageKind::Portage, "dev-libs/openssl", "3.0.9-r1"),
            (PackageKind::Alpm, "pacman", "6.0.1-1"),
            (PackageKind::Nix, "openssl", "3.0.9"),
            (PackageKind::Generic, "openssl", "3.0.9"),
        ] {
            let written = purl(&PackageFact::new(kind, name, version), Some(&os));
            let read = parse(&written).unwrap();
            assert_eq!(read.package, PackageFact::new(kind, name, version), "{written}");
            assert_eq!(read.distribution.is_some(), kind.is_os(), "{written}");
        }
    }
}
