//! The providers of `policies/secrets/verify.toml`.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::finding::Activity;
use crate::net::authority;

/// Stands for the secret in a header's value.
const SECRET: &str = "{secret}";

/// A provider, as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProvider {
    name: String,
    rules: Vec<String>,
    url: String,
    header: String,
    value: String,
    #[serde(default)]
    also: BTreeMap<String, String>,
    active: Vec<u16>,
    inactive: Vec<u16>,
    #[serde(default)]
    field: Option<String>,
    #[serde(default)]
    inactive_values: Vec<String>,
    #[serde(rename = "source")]
    _source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    provider: Vec<RawProvider>,
}

/// A provider that can be asked.
#[derive(Debug)]
pub(super) struct Provider {
    /// Where.
    pub(super) url: Url,
    /// Headers without a secret.
    pub(super) headers: HeaderMap,
    raw: RawProvider,
    header: HeaderName,
}

/// All providers.
#[derive(Debug)]
pub(super) struct Providers(Vec<Provider>);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It is no TOML, or not of this shape.
    #[error("the file of providers cannot be read")]
    Format(#[from] toml::de::Error),
    /// One says something that cannot be done.
    #[error("the provider `{provider}` has {what}")]
    Provider {
        /// Its name.
        provider: String,
        /// What is wrong.
        what: &'static str,
    },
}

impl Providers {
    /// The shipped ones.
    pub(super) fn builtin() -> Result<Self, ProviderError> {
        Self::parse(include_str!("../../../policies/secrets/verify.toml"))
    }

    fn parse(text: &str) -> Result<Self, ProviderError> {
        let raw: RawFile = toml::from_str(text)?;
        raw.provider.into_iter().map(Provider::new).collect::<Result<_, _>>().map(Self)
    }

    /// The one that knows secrets of a rule.
    pub(super) fn of_rule(&self, rule: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.raw.rules.iter().any(|known| known == rule))
    }

    /// Every host that may be asked.
    pub(super) fn hosts(&self) -> BTreeSet<String> {
        self.0.iter().map(|provider| authority(&provider.url)).collect()
    }

    /// All ask this server, in tests.
    #[cfg(test)]
    pub(super) fn at(mut self, origin: &str) -> Self {
        for provider in &mut self.0 {
            let path = provider.url.path().to_owned();
            provider.url = format!("{origin}{path}").parse().unwrap();
        }
        self
    }

    #[cfg(test)]
    pub(super) fn rules(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|provider| &provider.raw.rules).map(String::as_str)
    }
}

impl Provider {
    fn new(raw: RawProvider) -> Result<Self, ProviderError> {
        let refused = |what| ProviderError::Provider { provider: raw.name.clone(), what };
        let url = raw.url.parse::<Url>().map_err(|_| refused("no address"))?;
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(refused("an address that is no plain HTTPS"));
        }
        if raw.value.matches(SECRET).count() != 1 || raw.url.contains(SECRET) {
            return Err(refused("its secret not in the one header"));
        }
        let header = raw.header.parse::<HeaderName>().map_err(|_| refused("a malformed header"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &raw.also {
            let name = name.parse::<HeaderName>().map_err(|_| refused("a malformed header"))?;
            headers.insert(name, value.parse().map_err(|_| refused("a malformed header"))?);
        }
        Ok(Self { url, headers, header, raw })
    }

    /// The header with a secret; none for what no header can hold, which is no token.
    pub(super) fn authorization(&self, secret: &[u8]) -> Option<(HeaderName, HeaderValue)> {
        let (before, after) = self.raw.value.split_once(SECRET)?;
        let value = zeroize::Zeroizing::new([before.as_bytes(), secret, after.as_bytes()].concat());
        let mut value = HeaderValue::from_bytes(&value).ok()?;
        value.set_sensitive(true);
        Some((self.header.clone(), value))
    }

    /// What an answer means. "Inactive" needs a provider's word that nothing else can mean; an address that may not ask gets a 401, too.
    pub(super) fn reads(&self, status: u16, body: &[u8]) -> Activity {
        let (is_yes, is_no) = (self.raw.active.contains(&status), self.raw.inactive.contains(&status));
        let Some(field) = &self.raw.field else {
            return match (is_yes, is_no) {
                (true, _) => Activity::Active,
                (false, true) => Activity::Inactive,
                (false, false) => Activity::Unknown,
            };
        };
        let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else { return Activity::Unknown };
        let is_known = |reason: &str| self.raw.inactive_values.iter().any(|known| known == reason);
        match body.pointer(field).and_then(serde_json::Value::as_str) {
            Some(reason) if (is_yes || is_no) && is_known(reason) => Activity::Inactive,
            None if is_yes && body.is_object() => Activity::Active,
            _ => Activity::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_into_a_header_of_an_https_request_only() {
        let provider = |url: &str, value: &str| {
            let text = format!(
                "[[provider]]\nname = 'x'\nrules = []\nurl = '{url}'\nheader = 'authorization'\nvalue = '{value}'\nactive = []\ninactive = []\nsource = ''\n"
            );
            Providers::parse(&text)
        };
        assert!(provider("https://a.example/me", "Bearer {secret}").is_ok());
        for (url, value) in [
            ("http://a.example/me", "Bearer {secret}"),
            ("https://a.example/{secret}", "Bearer {secret}"),
            ("https://u:p@a.example/", "{secret}"),
            ("https://a.example/", "Bearer"),
        ] {
            assert!(provider(url, value).is_err(), "{url}");
        }
    }

    #[test]
    fn every_rule_of_a_provider_exists_and_has_one_provider() {
        let providers = Providers::builtin().unwrap();
        let mut seen = BTreeSet::new();
        for rule in providers.rules() {
            assert!(crate::secret::rule(rule).is_some(), "{rule}");
            assert!(seen.insert(rule), "{rule} twice");
        }
        assert!(seen.len() >= 12);
    }
}
