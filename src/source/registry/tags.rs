//! The tags of a repository, to say which there are when one is not found.

use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::session::Session;
use crate::source::SourceError;

/// How many tags are named.
const NAMED: usize = 3;

#[derive(Deserialize)]
struct Page {
    tags: Option<Vec<String>>,
}

impl Session {
    /// Every tag (distribution-spec 1.1, "Listing Tags").
    pub(super) async fn tags(&self) -> Result<Vec<String>, SourceError> {
        const PHASE: &str = "listing tags";
        let path = format!("{}/tags/list", self.repository());
        let mut tags = Vec::new();
        for page in self.pages(&path, &HeaderMap::new(), PHASE).await? {
            let page: Page = serde_json::from_slice(&page)
                .map_err(|error| SourceError::Malformed { what: "a list of tags".into(), detail: error.to_string() })?;
            tags.extend(page.tags.unwrap_or_default());
        }
        Ok(tags)
    }

    /// The error for a tag that is not there: names the tags most like it, where the repository tells them.
    pub(super) async fn no_tag(&self, tag: &str, not_found: SourceError) -> SourceError {
        match self.tags().await {
            Ok(tags) if !tags.is_empty() => SourceError::NoTag {
                repository: self.place().to_string(),
                tag: tag.to_owned(),
                near: nearest(tag, &tags),
                count: tags.len(),
            },
            // A repository that does not exist has no list either, and the first answer says more than the second.
            _ => not_found,
        }
    }
}

/// The tags that look most like `tag`, best first. Only texts that can be tags are repeated to people.
fn nearest(tag: &str, tags: &[String]) -> Vec<String> {
    let is_tag = |text: &str| {
        text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
    };
    let mut ranked: Vec<(f64, &String)> =
        tags.iter().filter(|other| is_tag(other)).map(|other| (strsim::jaro_winkler(tag, other), other)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    ranked.into_iter().take(NAMED).map(|(_, tag)| tag.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_tags_that_look_alike() {
        let tags = ["latest", "1.20-alpine", "1.2.1", "1.20", "evil\u{1b}[2J", "edge"].map(str::to_owned);
        assert_eq!(nearest("1.2", &tags), ["1.20", "1.2.1", "1.20-alpine"]);
        assert_eq!(nearest("laste", &tags).first().unwrap(), "latest");
        assert_eq!(nearest("x", &[]), Vec::<String>::new());
    }
}
