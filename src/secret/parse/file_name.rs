//! Paths by which credential files are known, as bytes: a name in an image need not be UTF-8.

/// The last part of a path.
pub(super) fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

pub(super) fn ends_with_folder(folder: &[u8], known: &[u8]) -> bool {
    folder.strip_suffix(known).is_some_and(|before| before.is_empty() || before.ends_with(b"/"))
}

pub(super) fn is_named(name: &[u8], pattern: &str) -> bool {
    let star = pattern.split_once('*');
    star.map_or(name == pattern.as_bytes(), |(start, end)| {
        // `*x*.json` has a second star; what stands between them may be anywhere.
        let (middle, end) = end.split_once('*').unwrap_or(("", end));
        name.len() >= start.len() + middle.len() + end.len()
            && name.starts_with(start.as_bytes())
            && name.ends_with(end.as_bytes())
            && memchr::memmem::find(name, middle.as_bytes()).is_some()
    })
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
            assert_eq!(is_named(name, pattern), expected, "{pattern}");
        }
    }
}
