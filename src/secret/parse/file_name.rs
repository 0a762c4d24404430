//! Paths by which credential files are known, as bytes: a name in an image need not be UTF-8.

/// The last part of a path.
pub(super) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

pub(super) fn ends_with_folder(folder: &[u8], known: &[u8]) -> bool {
    folder.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

/// A name with one or two stars, each of which stands for anything.
#[derive(Debug)]
pub(super) struct Pattern {
    start: &'static [u8],
    /// What stands between two stars, somewhere; empty where there is one.
    middle: &'static [u8],
    end: &'static [u8],
}

impl Pattern {
    /// None of a name without stars.
    pub(super) fn new(pattern: &'static str) -> Option<Self> {
        let (start, rest) = pattern.split_once('*')?;
        let (middle, end) = rest.split_once('*').unwrap_or(("", rest));
        Some(Self { start: start.as_bytes(), middle: middle.as_bytes(), end: end.as_bytes() })
    }

    pub(super) fn is_match(&self, name: &[u8]) -> bool {
        name.len() >= self.start.len() + self.middle.len() + self.end.len()
            && name.ends_with(self.end)
            && name.starts_with(self.start)
            && (self.middle.is_empty() || memchr::memmem::find(name, self.middle).is_some())
    }
}

/// A file that is made to be copied and filled in.
pub(super) fn is_template(name: &[u8]) -> bool {
    let words = [&b"example"[..], b"sample", b"template", b"dist", b"tpl"];
    // `application_default_credentials.json` is none.
    let endings = [&b".default"[..], b".defaults"];
    name.split(|byte| matches!(byte, b'.' | b'-' | b'_')).any(|part| words.contains(&part))
        || endings.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_and_patterns_are_told() {
        assert!(is_template(b".env.example") && is_template(b"sample.env") && !is_template(b".env.production"));
        for (name, pattern, expected) in [
            (&b"my-service-account-1.json"[..], "*service-account*.json", true),
            (b"values-prod.yaml", "values-*.yaml", true),
            (b"values.yaml", "values-*.yaml", false),
        ] {
            assert_eq!(Pattern::new(pattern).map(|it| it.is_match(name)), Some(expected), "{pattern}");
        }
    }
}
