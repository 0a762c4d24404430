//! `InRelease`, or `Release` with `Release.gpg`: the signed file of a repository, which pins the lists of packages by their digests.
//!
//! Source: Debian's `DebianRepository/Format`; apt-secure(8).

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::control::Paragraph;

/// A Release file whose signature was verified.
#[derive(Clone, Debug)]
pub(super) struct Release {
    /// `Debian`, `Ubuntu`.
    pub(super) origin: String,
    /// `bookworm`, `bookworm-security`.
    pub(super) codename: String,
    /// By path below the file's folder: SHA-256 in hex, and length in bytes.
    files: BTreeMap<String, (String, u64)>,
}

/// Why a Release file cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum ReleaseError {
    #[error("it is no Release file: {0}")]
    Damaged(String),
    #[error("it was valid until {0}; take a newer copy of the repository, since an old one may hide fixes")]
    Expired(String),
    #[error("it has no SHA256 sums; weaker ones prove nothing")]
    NoDigests,
}

impl Release {
    /// `text` is what was signed.
    pub(super) fn parse(text: &[u8], at: Timestamp) -> Result<Self, ReleaseError> {
        let paragraph = Paragraph::parse(text).map_err(|error| ReleaseError::Damaged(error.to_string()))?;
        if let Some(until) = paragraph.get("Valid-Until") {
            let end = date(until).ok_or_else(|| ReleaseError::Damaged("Valid-Until is no date".to_owned()))?;
            if at > end {
                return Err(ReleaseError::Expired(end.strftime("%F").to_string()));
            }
        }
        let sums = paragraph.get("SHA256").ok_or(ReleaseError::NoDigests)?;
        let files = sums.lines().filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (digest, length, path) = (words.next()?, words.next()?, words.next()?);
            let is_digest = digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit());
            is_digest.then_some(())?;
            Some((path.to_owned(), (digest.to_ascii_lowercase(), length.parse().ok()?)))
        });
        let files = files.collect();
        let field = |name| paragraph.text(name).to_owned();
        Ok(Self { origin: field("Origin"), codename: field("Codename"), files })
    }

    /// Lists of packages of an architecture: the best compressed form of each that is there, with digest and length.
    pub(super) fn lists(&self, arch: &str) -> Vec<(&str, &str, u64)> {
        let folder = format!("binary-{arch}");
        let mut best: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for path in self.files.keys() {
            let (stem, rank) = match path.rsplit_once('.') {
                Some((stem, "xz")) => (stem, 0),
                Some((stem, "gz")) => (stem, 1),
                _ => (path.as_str(), 2),
            };
            // `main/binary-amd64/Packages`, or `Packages` alone in a flat repository. The installer's own packages are not an image's.
            let (place, name) = stem.rsplit_once('/').unwrap_or(("", stem));
            let is_of_arch = place.is_empty() || place.rsplit('/').next() == Some(&folder);
            if name == "Packages" && is_of_arch && !place.contains("debian-installer") {
                let other = best.entry(stem).or_insert((rank, path));
                *other = (*other).min((rank, path));
            }
        }
        let lists = best.into_values().filter_map(|(_, path)| Some((path, self.files.get(path)?)));
        lists.map(|(path, (digest, length))| (path, digest.as_str(), *length)).collect()
    }
}

/// `Sat, 06 Sep 2025 10:11:12 UTC`: RFC 2822 but for the name of the zone.
fn date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let text = text.strip_suffix("UTC").map(|text| format!("{text}+0000")).unwrap_or_else(|| text.to_owned());
    rfc2822::DateTimeParser::new().parse_timestamp(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Origin: Debian\nCodename: bookworm\nValid-Until: Sat, 06 Sep 2025 10:11:12 UTC\nSHA256:\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 0 main/binary-amd64/Packages\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 1 main/binary-amd64/Packages.xz\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 2 main/binary-arm64/Packages.gz\n \
        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 3 main/debian-installer/binary-amd64/Packages.gz\n";

    #[test]
    fn the_best_list_of_each_component_is_taken() {
        let at: Timestamp = "2025-09-06T10:11:12Z".parse().unwrap();
        let release = Release::parse(TEXT.as_bytes(), at).unwrap();
        let paths = |arch| release.lists(arch).into_iter().map(|(path, _, length)| (path, length)).collect::<Vec<_>>();
        assert_eq!(paths("amd64"), [("main/binary-amd64/Packages.xz", 1)]);
        assert_eq!(paths("arm64"), [("main/binary-arm64/Packages.gz", 2)]);
        assert_eq!(paths("riscv64"), []);
    }

    #[test]
    fn an_old_release_is_told_with_its_date() {
        let at: Timestamp = "2025-09-06T10:11:13Z".parse().unwrap();
        assert_eq!(Release::parse(TEXT.as_bytes(), at).unwrap_err(), ReleaseError::Expired("2025-09-06".to_owned()));
        let none = Release::parse(b"Origin: x\nMD5Sum:\n x\n", at).unwrap_err();
        assert_eq!(none, ReleaseError::NoDigests);
    }
}
