//! Red Hat's streams: what a product's CPE says, in the form of ecosystems.
//!
//! Source: <https://redhatproductsecurity.github.io/security-data-guidelines/cpe/>; OSV's ecosystem `Red Hat` has the same tail.

/// The ecosystem of a CPE: `Red Hat:rhel_eus:9.2` of `cpe:/a:redhat:rhel_eus:9.2::appstream`. Minor releases of the main channel are one,
/// since it only goes forward.
#[must_use]
pub fn of_cpe(cpe: &str) -> Option<String> {
    let (_, rest) = cpe.strip_prefix("cpe:/")?.split_once(":redhat:")?;
    let mut parts = rest.splitn(4, ':');
    let (product, version, _, edition) = (parts.next()?, parts.next()?, parts.next(), parts.next());
    let version = if product == "enterprise_linux" { version.split('.').next()? } else { version };
    let edition = edition.filter(|edition| !edition.is_empty()).map(|edition| format!("::{edition}"));
    Some(super::normal_form(&format!("Red Hat:{product}:{version}{}", edition.unwrap_or_default())))
}

/// `enterprise_linux:9` of `enterprise_linux:9::appstream`. Layered products keep the release that they are built for, `openshift:4.16::el9`.
pub(super) fn stream(suffix: &str) -> &str {
    match suffix.split_once("::") {
        Some((_, edition))
            if edition.strip_prefix("el").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            suffix
        }
        Some((stream, _)) => stream,
        None => suffix,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpes_name_channels_and_minor_releases() {
        for (cpe, expected) in [
            ("cpe:/o:redhat:enterprise_linux:9::baseos", Some("Red Hat:enterprise_linux:9")),
            ("cpe:/o:redhat:enterprise_linux:10.0", Some("Red Hat:enterprise_linux:10")),
            ("cpe:/a:redhat:rhel_eus:9.2::appstream", Some("Red Hat:rhel_eus:9.2")),
            ("cpe:/a:redhat:openshift:4.16::el9", Some("Red Hat:openshift:4.16::el9")),
            ("cpe:/o:suse:sles:15", None),
        ] {
            assert_eq!(of_cpe(cpe).as_deref(), expected, "{cpe}");
        }
    }
}
