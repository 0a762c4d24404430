//! Package URLs.
//!
//! Source: the purl specification and its `PURL-TYPES` document.

use packageurl::PackageUrl;

use super::{OsRelease, PackageFact, PackageKind};

/// The purl of a package; OS packages carry the distribution, without which their version says nothing.
#[must_use]
pub fn purl(package: &PackageFact, os: Option<&OsRelease>) -> String {
    build(package, os, true)
        .unwrap_or_else(|| format!("pkg:generic/{}@{}", escape(&package.name), escape(&package.version)))
}

/// The same without version and qualifiers: what a finding's id is made of.
#[must_use]
pub fn purl_without_version(package: &PackageFact, os: Option<&OsRelease>) -> String {
    build(package, os, false).unwrap_or_else(|| format!("pkg:generic/{}", escape(&package.name)))
}

fn build(package: &PackageFact, os: Option<&OsRelease>, whole: bool) -> Option<String> {
    let (kind, namespace, name) = parts(package, os);
    let mut url = PackageUrl::new(kind, name).ok()?;
    if let Some(namespace) = namespace {
        url.with_namespace(namespace).ok()?;
    }
    if whole {
        let (epoch, version) = split_epoch(package);
        // A program built from a folder has no version.
        if version != "(devel)" {
            url.with_version(version).ok()?;
        }
        if let Some(arch) = &package.arch {
            url.add_qualifier("arch", arch.clone()).ok()?;
        }
        if let (true, Some(os)) = (package.kind.is_os(), os) {
            let distro = if os.version_id.is_empty() { os.id.clone() } else { format!("{}-{}", os.id, os.version_id) };
            url.add_qualifier("distro", distro).ok()?;
        }
        if let Some(epoch) = epoch {
            url.add_qualifier("epoch", epoch.to_owned()).ok()?;
        }
    }
    Some(encode_rest(&url.to_string()))
}

/// Encodes the characters that the specification wants encoded and `packageurl` leaves as they are. None of them separates anything in a purl.
fn encode_rest(purl: &str) -> String {
    let mut encoded = String::with_capacity(purl.len());
    for character in purl.chars() {
        match character {
            '!' | '$' | '\'' | '(' | ')' | '*' | ',' => encoded.push_str(&escape(character.encode_utf8(&mut [0; 4]))),
            _ => encoded.push(character),
        }
    }
    encoded
}

fn parts(package: &PackageFact, os: Option<&OsRelease>) -> (&'static str, Option<String>, String) {
    let distribution = || os.map(|os| os.id.clone()).filter(|id| !id.is_empty());
    let split = |name: &str| match name.rsplit_once('/') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, name.to_owned()),
    };
    match package.kind {
        PackageKind::Deb => ("deb", distribution(), package.name.clone()),
        PackageKind::Rpm => ("rpm", distribution(), package.name.clone()),
        PackageKind::Apk => ("apk", distribution(), package.name.clone()),
        // PEP 503: runs of `-`, `_` and `.` are one dash, in lower case.
        PackageKind::PyPi => {
            let lower = package.name.to_ascii_lowercase();
            ("pypi", None, lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-"))
        }
        PackageKind::Npm => {
            let (namespace, name) = split(&package.name);
            ("npm", namespace, name)
        }
        PackageKind::Go => {
            let (namespace, name) = split(&package.name);
            ("golang", namespace, name)
        }
        PackageKind::Cargo => ("cargo", None, package.name.clone()),
        PackageKind::Maven => match package.name.split_once(':') {
            Some((group, artifact)) => ("maven", Some(group.to_owned()), artifact.to_owned()),
            None => ("maven", None, package.name.clone()),
        },
        PackageKind::Composer => {
            let (namespace, name) = split(&package.name.to_ascii_lowercase());
            ("composer", namespace, name)
        }
        PackageKind::Swift => {
            let (namespace, name) = split(&package.name);
            ("swift", namespace, name)
        }
        PackageKind::Portage => {
            let (namespace, name) = split(&package.name);
            ("ebuild", namespace, name)
        }
        PackageKind::Alpm => ("alpm", distribution(), package.name.clone()),
        kind => (plain_type(kind), None, package.name.clone()),
    }
}

/// The purl type of kinds whose names have no parts. `nix`, `snap` and `flatpak` are not registered (yet): other tools write them too.
fn plain_type(kind: PackageKind) -> &'static str {
    match kind {
        PackageKind::Gem => "gem",
        PackageKind::NuGet => "nuget",
        PackageKind::Conda => "conda",
        PackageKind::Hex => "hex",
        PackageKind::Cpan => "cpan",
        PackageKind::Cran => "cran",
        PackageKind::LuaRocks => "luarocks",
        PackageKind::Pub => "pub",
        PackageKind::Conan => "conan",
        PackageKind::Nix => "nix",
        PackageKind::Snap => "snap",
        PackageKind::Flatpak => "flatpak",
        PackageKind::Bitnami => "bitnami",
        _ => "generic",
    }
}

/// rpm's epoch is a qualifier in a purl; dpkg's stays in the version.
fn split_epoch(package: &PackageFact) -> (Option<&str>, &str) {
    match package.version.split_once(':') {
        Some((epoch, version)) if package.kind == PackageKind::Rpm => (Some(epoch), version),
        _ => (None, &package.version),
    }
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b".-_~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_rules_of_each_type() {
        let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
        let package = |kind, name: &str, version: &str| PackageFact::new(kind, name, version);
        let openssl = PackageFact { arch: Some("amd64".into()), ..package(PackageKind::Deb, "openssl", "1:3.0.11-1") };
        assert_eq!(purl(&openssl, Some(&os)), "pkg:deb/debian/openssl@1:3.0.11-1?arch=amd64&distro=debian-12");
        assert_eq!(purl_without_version(&openssl, Some(&os)), "pkg:deb/debian/openssl");
        assert_eq!(purl(&package(PackageKind::Rpm, "vim", "2:8.2-1.el9"), None), "pkg:rpm/vim@8.2-1.el9?epoch=2");
        assert_eq!(purl(&package(PackageKind::PyPi, "Foo_Bar.baz", "1.0"), None), "pkg:pypi/foo-bar-baz@1.0");
        assert_eq!(purl(&package(PackageKind::Npm, "@scope/tool", "1.0.0"), None), "pkg:npm/%40scope/tool@1.0.0");
        for (kind, name, version, expected) in [
            (PackageKind::Go, "golang.org/x/net", "v0.7.0", "pkg:golang/golang.org/x/net@v0.7.0"),
            (PackageKind::Go, "github.com/BurntSushi/toml", "v1.2.0", "pkg:golang/github.com/burntsushi/toml@v1.2.0"),
            (PackageKind::Go, "a.example/b", "v2.0.0+incompatible", "pkg:golang/a.example/b@v2.0.0%2Bincompatible"),
            (PackageKind::Go, "a.example/b", "(devel)", "pkg:golang/a.example/b"),
            // Older editions of the specification wanted npm names in lower case, and `packageurl` still does.
            (PackageKind::Npm, "JSONStream", "1.3.5", "pkg:npm/jsonstream@1.3.5"),
            (PackageKind::PyPi, "a", "1!2.0+local.1", "pkg:pypi/a@1%212.0%2Blocal.1"),
            (PackageKind::Rpm, "a", "0:1.0^git1~rc2-3", "pkg:rpm/a@1.0%5Egit1~rc2-3?epoch=0"),
            (PackageKind::Apk, ".build-deps", "20240101.120000", "pkg:apk/.build-deps@20240101.120000"),
            (PackageKind::Cargo, "serde_json", "1.0.0", "pkg:cargo/serde_json@1.0.0"),
            (PackageKind::Deb, "libstdc++6", "12.2.0-14", "pkg:deb/libstdc%2B%2B6@12.2.0-14"),
        ] {
            assert_eq!(purl(&package(kind, name, version), None), expected);
        }
    }
}
