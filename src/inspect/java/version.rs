//! Names of files and the spellings of versions in them and in manifests.

use super::super::text;
use super::manifest::Pom;

/// A file's name without its extension.
pub(super) struct FileName {
    pub(super) stem: String,
}

impl FileName {
    pub(super) fn parse(name: &[u8]) -> Self {
        let stem = memchr::memrchr(b'.', name).and_then(|dot| name.get(..dot)).unwrap_or(name);
        Self { stem: text(stem) }
    }

    pub(super) fn is_for_people(&self) -> bool {
        self.stem.ends_with("-sources") || self.stem.ends_with("-javadoc")
    }

    /// The artifact's version; in the spelling of the file's name, where that says more (`10.2.1.jre8`).
    pub(super) fn refine<'n>(&'n self, pom: &'n Pom) -> &'n str {
        let in_file = self.artifacts().find(|(name, _)| *name == pom.artifact).map_or("", |(_, version)| version);
        common(in_file, &pom.version).filter(|version| version.starts_with(&pom.version)).unwrap_or(&pom.version)
    }

    /// Each way to read the name as `ARTIFACT-VERSION`, the shortest artifact first; at the end, as an artifact alone.
    pub(super) fn artifacts(&self) -> impl Iterator<Item = (&str, &str)> {
        let splits = self.stem.match_indices('-').filter_map(|(dash, _)| {
            let (name, version) = (self.stem.get(..dash)?, self.stem.get(dash + 1..)?);
            version.starts_with(|first: char| first.is_ascii_digit()).then_some((name, version))
        });
        splits.chain([(self.stem.as_str(), "")])
    }
}

/// A version as OSGi has it: three numbers, then a word (OSGi Core, "Version"; what Maven's bundle plugin makes of Maven's).
pub(super) fn osgi(version: &str) -> String {
    let end = version.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(version.len());
    let (numbers, word) = version.split_at(end);
    let mut parts: Vec<&str> = numbers.split('.').filter(|part| !part.is_empty()).collect();
    let word = word.trim_start_matches(['-', '.', '_']);
    let fourth = (parts.len() > 3).then(|| parts.split_off(3).join("_"));
    parts.resize(3, "0");
    let mut osgi = parts.join(".");
    for word in [fourth.as_deref().unwrap_or_default(), word].into_iter().filter(|word| !word.is_empty()) {
        osgi.push('.');
        osgi.push_str(&word.replace(['.', '+'], "_"));
    }
    osgi
}

/// Eclipse adds the time of the build as a fourth part, which its artifacts at Maven Central do not have: `3.26.0.v20210609-0549`.
pub(super) fn without_build(version: &str) -> &str {
    let is_time = |word: &str| word.strip_prefix('v').is_some_and(|time| time.len() >= 8 && time.starts_with("20"));
    let stamp = version.rsplit_once('.').filter(|(_, word)| is_time(word));
    stamp.map_or(version, |(numbers, _)| numbers)
}

/// The version that `in_file` is, if the manifest's `said` is the same: with a classifier behind it, or said with a build's number.
pub(super) fn common<'n>(in_file: &'n str, said: &str) -> Option<&'n str> {
    let is_letter = |rest: &str| rest.starts_with(|first: char| first.is_ascii_alphabetic());
    if in_file.is_empty() {
        return None;
    }
    if in_file == said || osgi(in_file) == said || osgi(in_file) == without_build(said) {
        return Some(in_file);
    }
    if let Some(rest) = in_file.strip_prefix(said) {
        // `1.3.9-native` is a classifier, `10.2.1.jre8` a version of its own.
        let end = if rest.starts_with('-') { said.len() } else { in_file.len() };
        return is_letter(rest.get(1..)?).then(|| in_file.get(..end)).flatten();
    }
    let rest = said.strip_prefix(in_file)?;
    let is_zeros = |rest: &str| rest.starts_with('.') && rest.trim_matches(['.', '0']).is_empty();
    let is_build = rest.starts_with(['-', '+', '(']) || is_zeros(rest) || is_release(rest);
    is_build.then_some(in_file)
}

/// `.RELEASE` and the like, which some projects write into their manifests only.
fn is_release(rest: &str) -> bool {
    matches!(rest.to_ascii_lowercase().as_str(), ".release" | ".final" | ".ga" | ".osgi" | ".stable")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_file_and_manifest_are_the_same_in_several_spellings() {
        for (in_file, said, expected) in [
            ("31.1-jre", "31.1.0.jre", Some("31.1-jre")),
            ("18.3", "18.3.0", Some("18.3")),
            ("1.0.0-M1", "1.0.0.M1", Some("1.0.0-M1")),
            ("10.2.1.jre8", "10.2.1", Some("10.2.1.jre8")),
            ("1.3.9-native", "1.3.9", Some("1.3.9")),
            ("1.6.21", "1.6.21-release-334(1.6.21)", Some("1.6.21")),
            ("2.13.10", "2.13.10.v20221008-124105-VFINAL-4905801", Some("2.13.10")),
            ("3.4.24", "3.4.24.RELEASE", Some("3.4.24")),
            ("21.5.0.0", "21.5.0.0.0", Some("21.5.0.0")),
            ("1.5.2-2", "1.5.2.2", Some("1.5.2-2")),
            ("2.0", "2.1", None),
            ("2.1", "2.10", None),
            ("4.20", "3.26.0.v20210609-0549", None),
            ("", "1", None),
        ] {
            assert_eq!(common(in_file, said), expected, "{in_file} {said}");
        }
    }
}
