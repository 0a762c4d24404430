//! What one header says about its package.

/// Name of the pseudo packages in which rpm keeps imported public keys.
const PUBLIC_KEY: &str = "gpg-pubkey";

/// One installed package.
///
/// A tag that the header does not have is `None`; a tag that is there but empty stays an empty string, as `rpm -q --qf` shows it.
/// Text that is not UTF-8 (old packages have Latin-1) carries replacement characters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RpmPackage {
    /// `RPMTAG_NAME`.
    pub name: String,
    /// `RPMTAG_EPOCH`. Absent counts as 0 in comparisons, but is not the same as a written 0 in [`Self::evr`].
    pub epoch: Option<u32>,
    /// `RPMTAG_VERSION`.
    pub version: String,
    /// `RPMTAG_RELEASE`.
    pub release: String,
    /// `RPMTAG_ARCH`; public keys have none.
    pub arch: Option<String>,
    /// `RPMTAG_SOURCERPM`, a file name such as `util-linux-2.32.1-42.el8_8.src.rpm`.
    pub source_rpm: Option<String>,
    /// `RPMTAG_LICENSE`.
    pub license: Option<String>,
    /// `RPMTAG_VENDOR`.
    pub vendor: Option<String>,
    /// `RPMTAG_MODULARITYLABEL`, `name:stream:version:context` of a package from a module.
    pub modularity_label: Option<String>,
}

impl RpmPackage {
    /// `[epoch:]version-release`, as `rpm -q --qf %{EVR}` prints it: the epoch only where the header has one.
    #[must_use]
    pub fn evr(&self) -> String {
        match self.epoch {
            Some(epoch) => format!("{epoch}:{}-{}", self.version, self.release),
            None => format!("{}-{}", self.version, self.release),
        }
    }

    /// Name and `version-release` of the source package, from the file name in [`Self::source_rpm`]. A file name holds no epoch.
    #[must_use]
    pub fn source(&self) -> Option<(&str, &str)> {
        let file = self.source_rpm.as_deref()?;
        let stem = file.strip_suffix(".src.rpm").or_else(|| file.strip_suffix(".nosrc.rpm"))?;
        let (name_version, release) = stem.rsplit_once('-')?;
        let (name, version) = name_version.rsplit_once('-')?;
        let version_release = stem.get(name.len() + 1..)?;
        let complete = !name.is_empty() && !version.is_empty() && !release.is_empty();
        complete.then_some((name, version_release))
    }

    /// Whether this is an imported public key and no software: rpm keeps keys as packages named `gpg-pubkey`.
    #[must_use]
    pub fn is_public_key(&self) -> bool {
        self.name == PUBLIC_KEY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(epoch: Option<u32>, source_rpm: Option<&str>) -> RpmPackage {
        RpmPackage {
            name: "n".into(),
            epoch,
            version: "1".into(),
            release: "2".into(),
            arch: None,
            source_rpm: source_rpm.map(Into::into),
            license: None,
            vendor: None,
            modularity_label: None,
        }
    }

    #[test]
    fn the_epoch_is_shown_where_the_header_has_one() {
        assert_eq!(package(None, None).evr(), "1-2");
        assert_eq!(package(Some(0), None).evr(), "0:1-2");
        assert_eq!(package(Some(3), None).evr(), "3:1-2");
    }

    #[test]
    fn the_source_is_taken_from_the_file_name() {
        for (file, expected) in [
            ("util-linux-2.32.1-42.el8_8.src.rpm", Some(("util-linux", "2.32.1-42.el8_8"))),
            ("nvidia-driver-550-1.nosrc.rpm", Some(("nvidia-driver", "550-1"))),
            ("a-1-1.src.rpm", Some(("a", "1-1"))),
            ("a-1-1.x86_64.rpm", None),
            ("a-1.src.rpm", None),
            ("-1-1.src.rpm", None),
            ("a--1.src.rpm", None),
            ("a-1-.src.rpm", None),
            (".src.rpm", None),
            ("(none)", None),
        ] {
            assert_eq!(package(None, Some(file)).source(), expected, "{file}");
        }
        assert_eq!(package(None, None).source(), None);
    }
}
