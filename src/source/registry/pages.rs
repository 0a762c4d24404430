//! Lists that come in pages: tags, and whatever else a registry lists.
//!
//! Source: distribution-spec 1.1, "Listing Tags" and "Listing Referrers" (pages go on where a `Link` header with `rel="next"` says); RFC 8288.

use reqwest::header::{HeaderMap, LINK};
use reqwest::{StatusCode, Url};

use super::answers::refusal;
use super::session::Session;
use crate::source::{MAX_MANIFEST_BYTES, SourceError};

/// Most pages of one list. Docker Hub gives 1,000 tags a page, others 100.
const MAX_PAGES: usize = 100;

impl Session {
    /// Every page of the list at `path`, in order, each of at most 4 MiB.
    ///
    /// # Errors
    /// When a page cannot be had, or the list does not end after [`MAX_PAGES`]: a part is never taken for the whole.
    pub(super) async fn pages(
        &self,
        path: &str,
        headers: &HeaderMap,
        phase: &'static str,
    ) -> Result<Vec<Vec<u8>>, SourceError> {
        let mut pages = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(at) = next.take() {
            if pages.len() == MAX_PAGES {
                let detail = format!("the list has more than {MAX_PAGES} pages");
                return Err(SourceError::Protocol { host: self.host().to_owned(), phase, detail });
            }
            let mut answer = self.get(&at, headers, phase).await?;
            // That there is no list is said at its beginning; later it would hide what came before.
            if answer.status() == StatusCode::NOT_FOUND && !pages.is_empty() {
                return Err(self.protocol(phase, "the next page of the list is not there"));
            }
            if answer.status() != StatusCode::OK {
                return Err(refusal(answer, &self.place().to_string(), phase).await);
            }
            if let Some(link) = next_link(answer.headers()) {
                next = Some(self.same_host(&at, &link, phase).await?);
            }
            let body = answer.body(usize::try_from(MAX_MANIFEST_BYTES).unwrap_or(usize::MAX)).await?;
            if body.len() as u64 > MAX_MANIFEST_BYTES {
                return Err(SourceError::TooLarge { what: "a page of a list".into(), limit: MAX_MANIFEST_BYTES });
            }
            pages.push(body);
        }
        Ok(pages)
    }

    /// Where a link of the page at `at` leads; never to another host, which would be sent our token.
    async fn same_host(&self, at: &str, link: &str, phase: &'static str) -> Result<String, SourceError> {
        let refused = |detail: String| SourceError::Protocol { host: self.host().to_owned(), phase, detail };
        let base = self.base().await?;
        let url: Url = base
            .join(at)
            .and_then(|page| page.join(link))
            .map_err(|error| refused(format!("its link to the next page is malformed: {error}")))?;
        if url.origin() != base.origin() {
            return Err(refused("its link to the next page leads to another host".into()));
        }
        Ok(url.to_string())
    }
}

/// The target of the first link whose relation is `next`.
fn next_link(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(links)
        .find(|(_, relation)| relation.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next")))
        .map(|(target, _)| target)
}

/// Target and relation of each link of a header line; of what follows no syntax nothing is taken.
fn links(line: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    let mut rest = line;
    while let Some((target, after)) = rest.split_once('<').and_then(|(_, from)| from.split_once('>')) {
        let (parameters, others) = parameters(after);
        let relation = parameters.iter().find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"').to_owned())
        });
        links.push((target.to_owned(), relation.unwrap_or_default()));
        rest = others;
    }
    links
}

/// The parameters of one link, and what comes after the comma that ends them. Commas and semicolons in quotes end nothing.
fn parameters(text: &str) -> (Vec<&str>, &str) {
    let (mut parameters, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            ';' | ',' if !quoted => {
                parameters.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
        if letter == ',' && !quoted {
            return (parameters, text.get(start..).unwrap_or_default());
        }
    }
    parameters.push(text.get(start..).unwrap_or_default());
    (parameters, "")
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn finds_the_next_page_among_links() {
        for (line, expected) in [
            (r#"</v2/a/tags/list?n=2&last=b>; rel="next""#, Some("/v2/a/tags/list?n=2&last=b")),
            (r#"<https://r.example/v2/?last=b>;rel=next"#, Some("https://r.example/v2/?last=b")),
            (r#"</first>; rel="first", </c>; title="a, <b>; rel=next"; REL="prev Next""#, Some("/c")),
            (r#"</first>; rel="first""#, None),
            ("</open", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(line))]);
            assert_eq!(next_link(&headers).as_deref(), expected, "{line}");
        }
    }
}
