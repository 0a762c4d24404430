//! Rows of the shared tables that the ecosystem's own tool contradicts, or that are no statement about its order. Each list with what says so.

/// `ComparableVersion` of Maven 3.8.7 and 3.9.9 says otherwise; `tools::maven_agrees` asks the installed one.
pub(crate) const MAVEN: &[&str] = &[
    "1-1 = 1-ga-1",
    "1.0.0-RC16 < 1.0.0.RC8-beta",
    "1.0.0-gradle-rework-beta3 < 1.0.0.RC7-3",
    "2.9.0-1 < 2.9.0.RC1",
    "6.1.12.rc5 < 6.1.12rc1",
    "1.1.31.sec10 < 1.1.31_noneautotype",
    "1.1.34.sec10 < 1.1.34_noneautotype",
    "1.1.46.sec10 < 1.1.46_noneautotype",
    "1.2.8.sec10_noneautotype < 1.2.8_noneautotype",
    "1.2.31.sec10 < 1.2.31_noneautotype",
    "1.2.48.sec10 < 1.2.48_noneautotype",
    "1.2.50.sec10 < 1.2.50_noneautotype",
    "1.2.54.sec10 < 1.2.54_noneautotype",
    "1.2.57.sec10 < 1.2.57_noneautotype",
    "1.2.60.sec10 < 1.2.60_noneautotype",
    "1.2.67.sec10 < 1.2.67_noneautotype",
    "1.0.0rc0 < 1.0.beta8",
    "1.5.9.RC1 < 1.5.9-RC0",
    "1.1.0-01-glassfish < 1.1.0.Beta1",
    // That scanner ignores a `jre…` and `jdk…` at the end; Maven does not.
    "12.10.2 = 12.10.2.jre11",
    "12.10.2.jre11 = 12.10.2",
    "12.10.2.jdk17 = 12.10.2",
    "12.10.2.jre11 = 12.10.2.jdk17",
];

/// These compare texts as they are written. Composer 2.5 compares them in its normal form, and says otherwise; `tools::composer_agrees` asks it.
pub(crate) const PACKAGIST: &[&str] = &[
    "1.0.0 > 1.0",
    "v3.0 < v3.0.0-beta",
    "v3.4 < v3.4.0-alpha",
    "v4-beta4 < v4.0-alpha",
    "v1.9.0-ALPHA.1 = v1.9.0-BETA.1",
    "v1.9.0-BETA.1 < v1.9.0-ALPHA.2",
    "v1.9.0-ALPHA.2 = v1.9.0-BETA.2",
    "5.1.0-stable < 5.1.0-beta2",
    "v4.4 < v4.4.0-beta",
    "v6.5 < v6.5.0-beta-0",
    "v6.6 < v6.6.0-beta",
];

/// `1.2.3.#` also equals `1.2.3` in that table, which is below `1.2.3.1`: no order is both. PHP 8.2 puts it below `1.2.3.1`, Composer refuses it.
pub(crate) const PACKAGIST_NO_ORDER: &str = "1.2.3.# = 1.2.3.1";

/// `alpm_pkg_vercmp` of libalpm 13 says otherwise: letters after a number make a prerelease, and `~` is a separator like any other; `tools::libalpm_agrees` asks it.
pub(crate) const PACMAN: &[&str] = &["1.0.0alpha > 1.0.0", "1.0.0~rc1 < 1.0.0"];

/// A missing version is no version here; RubyGems takes it for `0`.
pub(crate) const RUBYGEMS: &[&str] = &[" = 0"];

/// That scanner ignores an epoch that only one side has, and a release that only adds numbers to the other's; rpm 4.20's `rpm.ver` and `rpmvercmp` do not.
pub(crate) const RPM: &[&str] = &[
    "1:0\t< 1\ttrue",
    "1.0\t< 2:1.0\tfalse",
    "2:4.19.01-1.el7_5\t<= 4.19.1-1.el7_5\ttrue",
    "4.19.01-1.el7_5\t< 2:4.19.1-1.el7_5\tfalse",
    "4.19.0-1.el7_5\t< 12:4.19.0-1.el7\tfalse",
    "4.19.0-1.el7_5\t<= 12:4.19.0-1.el7\tfalse",
    "3:4.19.0-1.el7_5\t< 4.21.0-1.el7\ttrue",
    "8.3.1-5.el8\t< 0:8.3.1-5.el8.0.0\tfalse",
    "8.3.1-5.el8.0.0\t> 0:8.3.1-5.el8\tfalse",
];

/// SemVer 2.0.0 section 9: `alpha.beta` are two identifiers, `alpha-beta` is one; node-semver says they differ.
pub(crate) const SEMVER: &[&str] =
    &["1.0.0.alpha.beta\t= 1.0.0-alpha-beta\ttrue", "1.0.0.rc.alpha\t= 1.0.0-rc-alpha\ttrue"];

/// PEP 440: a version sorts below the same with a local part; that scanner's `<=` and `=` are specifiers, which ignore it. One row is cut short.
pub(crate) const PEP440: &[&str] = &["6.4+cgr.1\t<=6.4.0", "2.0.0+cgr.1\t= 2.0.0", "4.5.2\t\\"];

/// `bitnami/go-version` puts revision 1 below revision 2.
pub(crate) const BITNAMI: &[&str] = &["2.3.1-1\t< 2.3.1-2\tfalse"];

/// The JVM's numbering is no OSV ecosystem's. Bitnami's records number Java `8.0.131` and keep `1.8.0` for a range of their own, so of that form only `1.8.0_131` is
/// renumbered; early access builds are not told apart.
pub(crate) const JVM: &[&str] = &[
    "1.7.0_80\t< 1.8.0\ttrue",
    "1.7.0_80\t> 1.8.0\tfalse",
    "1.8.0_131-ea\t< 1.8.0_131\ttrue",
    "1.8.0_131\t> 1.8.0_131-ea\ttrue",
    "1.8.0 = 1.8.0_0",
    "1.8.0_13-ea-b002 = 8.0.13-ea+b2",
    "1.8.0_13-ea-b002 < 8.0.13+b2",
    "1.7.0 = 7.0.0",
    "1.8.0_131 = 1.8.0-update131-b02",
    "1.8.0_131 = 1.8.0-update_131-b02",
];
