//! Ecosystem names: their parts, their package names' normal forms, and the one that an os-release file stands for.
//!
//! Source: OSV schema 1.7.5, section "Defined Ecosystems"; os-release(5).

mod red_hat;
mod suse;
mod ubuntu;

pub use red_hat::of_cpe as of_red_hat_cpe;
pub(crate) use ubuntu::ubuntu;
pub use ubuntu::{ubuntu_pro, ubuntu_version};

use crate::facts::PackageKind;

/// Which of a package's names an ecosystem's records use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NameKind {
    /// The source package.
    Source,
    /// The binary package.
    Binary,
    /// Records use either.
    Both,
}

/// The part before the colon: `Debian` of `Debian:12`.
#[must_use]
pub fn base(ecosystem: &str) -> &str {
    ecosystem.split_once(':').map_or(ecosystem, |(base, _)| base)
}

/// The form under which the store keeps an ecosystem.
///
/// A repository address (`Maven:https://…`) is dropped: an image does not tell from which one a package came. Red Hat's repository
/// (`enterprise_linux:9::appstream`) is dropped, too, while its channel and minor release stay: fixes of `rhel_eus:9.2` are for 9.2 only.
#[must_use]
pub fn normal_form(ecosystem: &str) -> String {
    match ecosystem.split_once(':') {
        Some((base, suffix)) if suffix.starts_with("https://") || suffix.starts_with("http://") => base.to_owned(),
        Some(("Red Hat", suffix)) => format!("Red Hat:{}", red_hat::stream(suffix)),
        Some(("SUSE", suffix)) => format!("SUSE:{}", suse::release(suffix)),
        _ => ecosystem.to_owned(),
    }
}

/// A package name in the form under which the store keeps it. Applied to both sides.
#[must_use]
pub fn normal_name(ecosystem: &str, name: &str) -> String {
    match base(ecosystem) {
        "PyPI" => pep503(name),
        "NuGet" | "Packagist" | "GitHub Actions" | "ConanCenter" | "VSCode" => name.to_lowercase(),
        "SwiftURL" => repository(name),
        "Bitnami" => bitnami(name).to_owned(),
        _ => name.to_owned(),
    }
}

/// OSV names Swift packages by their repository without scheme and `.git`; SwiftPM compares repositories without their case.
fn repository(name: &str) -> String {
    let name = name.trim();
    let name =
        ["https://", "http://", "ssh://", "git@"].iter().find_map(|scheme| name.strip_prefix(scheme)).unwrap_or(name);
    let name = name.trim_end_matches('/');
    name.strip_suffix(".git").unwrap_or(name).replacen(':', "/", 1).to_lowercase()
}

/// Bitnami's name of a program that upstream calls otherwise: a binary without a package record is looked up by upstream's name.
fn bitnami(name: &str) -> &str {
    match name {
        "go" => "golang",
        "httpd" => "apache",
        "jdk" | "openjdk" => "java",
        "nodejs" => "node",
        "postgres" => "postgresql",
        other => other,
    }
}

/// PEP 503: lower case, and each run of `-`, `_`, `.` is one `-`.
fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    let mut separator = false;
    for character in name.trim().chars() {
        if matches!(character, '-' | '_' | '.') {
            separator = true;
            continue;
        }
        if std::mem::take(&mut separator) {
            normal.push('-');
        }
        normal.extend(character.to_lowercase());
    }
    if separator {
        normal.push('-');
    }
    normal
}

/// Which name the records of an operating system's ecosystem use.
#[must_use]
pub fn name_kind(ecosystem: &str) -> NameKind {
    match base(ecosystem) {
        // AlmaLinux's records name binaries, whatever the schema says.
        "AlmaLinux" | "Amazon Linux" | "Arch Linux" | "Oracle Linux" => NameKind::Binary,
        // Their feeds are keyed by the package that apk installs, but sub-packages are covered by their origin's entry.
        "Wolfi" | "Chainguard" | "MinimOS" => NameKind::Both,
        // Fixes name builds, what has no fix names mostly sources; and the same vendor's OSV records name sources.
        "Photon OS" | "Red Hat" | "Rocky Linux" | "SUSE" | "openSUSE" => NameKind::Both,
        _ => NameKind::Source,
    }
}

/// Whether it is an rpm distribution, whose rows may belong to module streams.
#[must_use]
pub fn is_rpm(ecosystem: &str) -> bool {
    matches!(
        base(ecosystem),
        "AlmaLinux"
            | "Red Hat"
            | "Rocky Linux"
            | "Photon OS"
            | "openSUSE"
            | "SUSE"
            | "Azure Linux"
            | "Mageia"
            | "openEuler"
            | "Oracle Linux"
            | "Amazon Linux"
    )
}

/// Whether it is an operating system's ecosystem, which only means something together with a release.
#[must_use]
pub fn is_os(ecosystem: &str) -> bool {
    is_rpm(ecosystem)
        || matches!(
            base(ecosystem),
            "Debian"
                | "Ubuntu"
                | "Alpine"
                | "Alpaquita"
                | "Wolfi"
                | "Chainguard"
                | "MinimOS"
                | "Echo"
                | "FreeBSD"
                | "Android"
                | "CleanStart"
                | "Arch Linux"
        )
}

/// Whether packages of that kind are what the operating system's ecosystem is about: an rpm database on Debian is not Debian's.
#[must_use]
pub fn manages(ecosystem: &str, kind: PackageKind) -> bool {
    let base = base(ecosystem);
    match kind {
        PackageKind::Deb => matches!(base, "Debian" | "Ubuntu" | "Echo"),
        PackageKind::Apk => matches!(base, "Alpine" | "Alpaquita" | "Wolfi" | "Chainguard" | "MinimOS"),
        PackageKind::Alpm => base == "Arch Linux",
        PackageKind::Portage => base == "Gentoo",
        PackageKind::Rpm => is_rpm(ecosystem) || matches!(base, "Fedora" | "CentOS"),
        _ => false,
    }
}

/// Whether a distribution's own feed speaks for the language packages it ships: it tracks unfixed issues, too, and covers every package.
///
/// SUSE is left out on purpose: its feed lacks too many language packages. Only meaningful when the store holds [`Full`](super::Data::Full)
/// data for the release.
#[must_use]
pub fn speaks_for_language_packages(ecosystem: &str) -> bool {
    matches!(
        base(ecosystem),
        "Debian"
            | "Ubuntu"
            | "Alpine"
            | "Red Hat"
            | "AlmaLinux"
            | "Rocky Linux"
            | "Azure Linux"
            | "Wolfi"
            | "Chainguard"
            | "MinimOS"
    )
}

/// The ecosystem of a language package; `None` for a package of the operating system.
#[must_use]
pub fn of_language(kind: PackageKind) -> Option<&'static str> {
    match kind {
        PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk | PackageKind::Alpm | PackageKind::Portage => None,
        PackageKind::PyPi => Some("PyPI"),
        PackageKind::Npm => Some("npm"),
        PackageKind::Go => Some("Go"),
        PackageKind::Cargo => Some("crates.io"),
        PackageKind::Maven => Some("Maven"),
        PackageKind::Gem => Some("RubyGems"),
        PackageKind::Composer => Some("Packagist"),
        PackageKind::NuGet => Some("NuGet"),
        PackageKind::Hex => Some("Hex"),
        PackageKind::Cran => Some("CRAN"),
        PackageKind::Pub => Some("Pub"),
        PackageKind::Swift => Some("SwiftURL"),
        PackageKind::Conan => Some("ConanCenter"),
        // Upstream programs under upstream's versions.
        PackageKind::Bitnami | PackageKind::Generic => Some("Bitnami"),
        // No advisories are published for these; the names stand in the report's coverage.
        PackageKind::Conda => Some("conda"),
        PackageKind::Cpan => Some("CPAN"),
        PackageKind::LuaRocks => Some("LuaRocks"),
        PackageKind::Nix => Some("Nix"),
        PackageKind::Snap => Some("Snap"),
        PackageKind::Flatpak => Some("Flatpak"),
    }
}

/// Whether it is the ecosystem of a language, whose packages are the same in every distribution.
#[must_use]
pub fn is_language(ecosystem: &str) -> bool {
    const OTHERS: [&str; 4] = ["Bitnami", "GitHub Actions", "Julia", "opam"];
    let languages = [
        PackageKind::PyPi,
        PackageKind::Npm,
        PackageKind::Go,
        PackageKind::Cargo,
        PackageKind::Maven,
        PackageKind::Gem,
        PackageKind::Composer,
        PackageKind::NuGet,
        PackageKind::Hex,
        PackageKind::Cran,
        PackageKind::Pub,
        PackageKind::Swift,
        PackageKind::Conan,
    ];
    OTHERS.contains(&ecosystem) || languages.into_iter().filter_map(of_language).any(|known| known == ecosystem)
}

/// The fields of os-release(5) that tell an ecosystem.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OsRelease<'a> {
    /// `ID`.
    pub id: &'a str,
    /// `VERSION_ID`.
    pub version_id: Option<&'a str>,
    /// `VERSION`, for releases whose name carries more than the number (`24.03 (LTS)`).
    pub version: Option<&'a str>,
    /// Channels of updates that the image takes beyond the release's own, as the inspector `os/channels` names them.
    pub channels: &'a [String],
}

impl OsRelease<'_> {
    /// Whether the image takes Ubuntu Pro's longer support, so that its fixes can be installed.
    #[must_use]
    pub fn has_ubuntu_pro(&self) -> bool {
        self.channels.iter().any(|channel| channel.starts_with("esm-"))
    }
}

/// The ecosystem with its release, `Debian:12`, as OSV names it; where OSV has no such ecosystem, a name of the same form.
///
/// `None` when the distribution is not known or no release is given: without a release nothing is matched, since the same source package has
/// other fixes in each.
#[must_use]
pub fn of_os(os: &OsRelease<'_>) -> Option<String> {
    let version = os.version_id.map(str::trim).filter(|version| !version.is_empty());
    match os.id {
        "wolfi" => return Some("Wolfi".to_owned()),
        "chainguard" => return Some("Chainguard".to_owned()),
        "minimos" => return Some("MinimOS".to_owned()),
        "opensuse-tumbleweed" => return Some("openSUSE:Tumbleweed".to_owned()),
        "arch" => return Some("Arch Linux".to_owned()),
        _ => {}
    }
    let version = version?;
    let major = version.split('.').next().unwrap_or(version);
    Some(match os.id {
        "debian" => format!("Debian:{major}"),
        "ubuntu" => ubuntu(version),
        "alpine" => alpine(version),
        "almalinux" => format!("AlmaLinux:{major}"),
        "rocky" => format!("Rocky Linux:{major}"),
        "rhel" => format!("Red Hat:enterprise_linux:{major}"),
        "azurelinux" | "mariner" => format!("Azure Linux:{major}"),
        "photon" => format!("Photon OS:{version}"),
        "mageia" => format!("Mageia:{version}"),
        "alpaquita" => format!("Alpaquita:{version}"),
        "openEuler" | "openeuler" => open_euler(version, os.version),
        "opensuse-leap" => format!("openSUSE:Leap {version}"),
        "sles" | "sled" | "sles_sap" => format!("SUSE:{}", suse_enterprise(version)),
        "sl-micro" | "sle-micro" => format!("SUSE:Linux Micro {version}"),
        // OSV has no data for these.
        "ol" => format!("Oracle Linux:{major}"),
        // The first Amazon Linux counts by months, `2018.03`, on one stream of fixes.
        "amzn" if version.contains('.') => "Amazon Linux:1".to_owned(),
        "amzn" => format!("Amazon Linux:{version}"),
        // No feed of these is read yet; the name still heads the coverage row.
        "fedora" => format!("Fedora:{version}"),
        "centos" => format!("CentOS:{major}"),
        _ => return None,
    })
}

/// `3.20.3` is `Alpine:v3.20`; edge calls itself `3.21.0_alpha20240923`.
fn alpine(version: &str) -> String {
    if version.contains("_alpha") || version == "edge" {
        return "Alpine:edge".to_owned();
    }
    let mut parts = version.split('.');
    match (parts.next(), parts.next()) {
        (Some(major), Some(minor)) => format!("Alpine:v{major}.{minor}"),
        _ => format!("Alpine:v{version}"),
    }
}

/// `15.5` is `Linux Enterprise Server 15 SP5`.
fn suse_enterprise(version: &str) -> String {
    match version.split_once('.') {
        Some((major, service_pack)) if major.parse::<u32>().is_ok_and(|major| major < 16) => {
            format!("Linux Enterprise Server {major} SP{service_pack}")
        }
        _ => format!("Linux Enterprise Server {version}"),
    }
}

/// `VERSION="24.03 (LTS-SP1)"` is `openEuler:24.03-LTS-SP1`.
fn open_euler(version_id: &str, version: Option<&str>) -> String {
    let edition = version
        .and_then(|text| text.split_once('('))
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(edition, _)| edition.trim());
    match edition {
        Some(edition) if edition.starts_with("LTS") => format!("openEuler:{version_id}-{edition}"),
        _ => format!("openEuler:{version_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str, version_id: &str) -> Option<String> {
        of_os(&OsRelease { id, version_id: (!version_id.is_empty()).then_some(version_id), ..OsRelease::default() })
    }

    #[test]
    fn os_release_names_an_ecosystem() {
        for (id, version, expected) in [
            ("debian", "12", "Debian:12"),
            ("ubuntu", "22.04", "Ubuntu:22.04:LTS"),
            ("ubuntu", "25.10", "Ubuntu:25.10"),
            ("ubuntu", "23.04", "Ubuntu:23.04"),
            ("alpine", "3.20.3", "Alpine:v3.20"),
            ("alpine", "3.21.0_alpha20240923", "Alpine:edge"),
            ("almalinux", "9.4", "AlmaLinux:9"),
            ("rocky", "9.3", "Rocky Linux:9"),
            ("rhel", "9.4", "Red Hat:enterprise_linux:9"),
            ("azurelinux", "3.0", "Azure Linux:3"),
            ("mariner", "2.0", "Azure Linux:2"),
            ("opensuse-leap", "15.6", "openSUSE:Leap 15.6"),
            ("opensuse-tumbleweed", "20240101", "openSUSE:Tumbleweed"),
            ("sles", "15.5", "SUSE:Linux Enterprise Server 15 SP5"),
            ("wolfi", "20230201", "Wolfi"),
            ("chainguard", "", "Chainguard"),
            ("photon", "5.0", "Photon OS:5.0"),
            ("ol", "9.3", "Oracle Linux:9"),
            ("amzn", "2023", "Amazon Linux:2023"),
            ("amzn", "2018.03", "Amazon Linux:1"),
            ("arch", "", "Arch Linux"),
        ] {
            assert_eq!(of(id, version).as_deref(), Some(expected), "{id} {version}");
        }
        let euler = OsRelease {
            id: "openEuler",
            version_id: Some("24.03"),
            version: Some("24.03 (LTS-SP1)"),
            ..OsRelease::default()
        };
        assert_eq!(of_os(&euler).as_deref(), Some("openEuler:24.03-LTS-SP1"));
    }

    #[test]
    fn without_a_release_there_is_no_ecosystem() {
        assert_eq!(of("debian", ""), None); // sid
        assert_eq!(of("debian", "  "), None);
        assert_eq!(of("homegrown", "1"), None);
    }

    #[test]
    fn names_have_one_normal_form() {
        assert_eq!(normal_name("PyPI", "Zope.Interface"), "zope-interface");
        assert_eq!(normal_name("PyPI", "a-_.b"), "a-b");
        assert_eq!(normal_name("NuGet", "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(normal_name("Packagist", "Symfony/HTTP-Kernel"), "symfony/http-kernel");
        assert_eq!(normal_name("Maven", "org.Example:Core"), "org.Example:Core");
        assert_eq!(normal_name("npm", "@Types/Node"), "@Types/Node");
        for written in
            ["https://github.com/Apple/swift-nio.git", "git@github.com:apple/swift-nio", "github.com/apple/swift-nio/"]
        {
            assert_eq!(normal_name("SwiftURL", written), "github.com/apple/swift-nio");
        }
        assert_eq!(normal_name("Bitnami", "httpd"), "apache");
        assert_eq!(normal_name("Go", "github.com/BurntSushi/toml"), "github.com/BurntSushi/toml");
        assert_eq!(normal_form("Maven:https://maven.google.com"), "Maven");
        assert_eq!(normal_form("Red Hat:rhel_eus:9.4::appstream"), "Red Hat:rhel_eus:9.4");
        assert_eq!(normal_form("Red Hat:openshift:4.16::el9"), "Red Hat:openshift:4.16::el9");
        assert_eq!(normal_form("Ubuntu:Pro:22.04:LTS"), "Ubuntu:Pro:22.04:LTS");
        for (written, normal) in [
            ("SUSE:Linux Enterprise Module for Basesystem 15 SP4", "SUSE:Linux Enterprise Server 15 SP4"),
            ("SUSE:Linux Enterprise Server 15 SP4", "SUSE:Linux Enterprise Server 15 SP4"),
            ("SUSE:Linux Enterprise Server 11 SP2-LTSS", "SUSE:Linux Enterprise Server 11 SP2-LTSS"),
            ("SUSE:Linux Enterprise Desktop 12", "SUSE:Linux Enterprise Server 12"),
            ("SUSE:Linux Enterprise Server 16.0", "SUSE:Linux Enterprise Server 16.0"),
            ("SUSE:Linux Enterprise Micro 5.1", "SUSE:Linux Micro 5.1"),
        ] {
            assert_eq!(normal_form(written), normal);
        }
        assert_eq!(ubuntu_pro("Ubuntu:22.04:LTS").as_deref(), Some("Ubuntu:Pro:22.04:LTS"));
    }
}
