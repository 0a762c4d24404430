//! Which services are used: Sigstore's signing configuration, or addresses one by one.
//!
//! Source: `sigstore/protobuf-specs`, `sigstore_trustroot.proto`, message `SigningConfig` of version 0.2.

use reqwest::Url;
use sigstore_trust_root::{SIGSTORE_PRODUCTION_SIGNING_CONFIG, ServiceEndpoint, ServiceSelector, SigningConfig};

use super::ServiceError;

/// Largest signing configuration that is read, in bytes; the public one has 2 KiB.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// How a log is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogVersion {
    /// Rekor 1: its entries say when they were made.
    V1,
    /// Rekor 2 (tiles): its entries say no time, so that a timestamp is needed as well.
    V2,
}

/// A transparency log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Its address.
    pub url: Url,
    /// How it is spoken to.
    pub version: LogVersion,
}

/// The services that vouch for a signature. Any may be missing: what is then not vouched for, a verifier must be told to do without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    /// The certificate authority (Fulcio).
    pub authority: Option<Url>,
    /// The transparency log (Rekor).
    pub log: Option<Log>,
    /// The timestamp authority.
    pub timestamps: Option<Url>,
}

impl Services {
    /// Those of the public-good instance, as they were when this program was built.
    ///
    /// # Errors
    /// Never, unless the built-in configuration has expired.
    pub fn public() -> Result<Self, ServiceError> {
        Self::parse(SIGSTORE_PRODUCTION_SIGNING_CONFIG)
    }

    /// Reads a signing configuration. Of each kind, the first service that is valid today and of a version that is known counts, the newest version of a log first. A kind that is not
    /// listed is not used: a configuration without any is how an isolated network signs with a key alone.
    ///
    /// # Errors
    /// When it is none, when nothing of a listed kind can be used, or when it demands more services than one of a kind.
    pub fn parse(json: &str) -> Result<Self, ServiceError> {
        let config = SigningConfig::from_json(json).map_err(|error| ServiceError::Config(error.to_string()))?;
        let demands = [("logs", &config.rekor_tlog_config), ("timestamp authorities", &config.tsa_config)];
        for (kind, demand) in demands {
            let is_one = match demand.selector {
                ServiceSelector::Any => true,
                ServiceSelector::Exact => demand.count.unwrap_or(1) == 1,
                _ => false,
            };
            let unused = if kind == "logs" { config.rekor_tlog_urls.is_empty() } else { config.tsa_urls.is_empty() };
            if !is_one && !unused {
                return Err(ServiceError::Config(format!("it demands several {kind}, and one is used here")));
            }
        }
        let log = usable("log", &config.rekor_tlog_urls, config.rekor_url(None))?;
        let log = log.map(|endpoint| {
            let version = if endpoint.major_api_version == 2 { LogVersion::V2 } else { LogVersion::V1 };
            Ok::<_, ServiceError>(Log { url: address(&endpoint.url)?, version })
        });
        let url = |endpoint: Option<&ServiceEndpoint>| endpoint.map(|endpoint| address(&endpoint.url)).transpose();
        Ok(Self {
            authority: url(usable("certificate authority", &config.ca_urls, config.fulcio_url())?)?,
            log: log.transpose()?,
            timestamps: url(usable("timestamp authority", &config.tsa_urls, config.tsa_url())?)?,
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The service that was chosen. None although some are listed is an error: leaving out what somebody configured would weaken every signature unseen.
fn usable<'c>(
    kind: &str,
    listed: &[ServiceEndpoint],
    chosen: Option<&'c ServiceEndpoint>,
) -> Result<Option<&'c ServiceEndpoint>, ServiceError> {
    match chosen {
        None if !listed.is_empty() => {
            Err(ServiceError::Config(format!("no {kind} in it is valid today and of a version that is known here")))
        }
        chosen => Ok(chosen),
    }
}

fn address(text: &str) -> Result<Url, ServiceError> {
    let url: Option<Url> = text.parse().ok().filter(|url: &Url| url.has_host());
    url.ok_or_else(|| ServiceError::Config(format!("`{}` is no address of a service", text.escape_debug())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn config() -> Value {
        let service = |url: &str, version: u32, end: Option<&str>| {
            let mut validity = json!({"start": "2020-01-01T00:00:00Z"});
            if let Some(end) = end {
                validity["end"] = json!(end);
            }
            json!({"url": url, "majorApiVersion": version, "validFor": validity, "operator": "us"})
        };
        json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
            "caUrls": [service("https://old.example", 1, Some("2021-01-01T00:00:00Z")), service("https://ca.example", 1, None)],
            "rekorTlogUrls": [service("https://log1.example", 1, None), service("https://log2.example", 2, None)],
            "tsaUrls": [service("https://time.example/api/v1/timestamp", 1, None)],
            "rekorTlogConfig": {"selector": "ANY"}, "tsaConfig": {"selector": "EXACT", "count": 1},
        })
    }

    fn parse(config: &Value) -> Result<Services, ServiceError> {
        Services::parse(&config.to_string())
    }

    #[test]
    fn the_newest_that_is_valid_is_chosen() {
        let services = parse(&config()).unwrap();
        assert_eq!(services.authority.unwrap().as_str(), "https://ca.example/");
        let log = services.log.unwrap();
        assert_eq!((log.url.as_str(), log.version), ("https://log2.example/", LogVersion::V2));
        assert_eq!(services.timestamps.unwrap().as_str(), "https://time.example/api/v1/timestamp");
    }

    #[test]
    fn what_is_configured_is_never_left_out_unseen() {
        let mut expired = config();
        expired["tsaUrls"][0]["validFor"]["end"] = json!("2021-01-01T00:00:00Z");
        let mut unknown = config();
        unknown["rekorTlogUrls"] = json!([{"url": "https://log.example", "majorApiVersion": 3, "validFor": {"start": "2020-01-01T00:00:00Z"}}]);
        let mut several = config();
        several["rekorTlogConfig"] = json!({"selector": "EXACT", "count": 2});
        let mut all = config();
        all["tsaConfig"] = json!({"selector": "ALL"});
        let mut address = config();
        address["caUrls"][1]["url"] = json!("mailto:me");
        let mut kind = config();
        kind["mediaType"] = json!("application/vnd.dev.sigstore.signingconfig.v0.1+json");
        for wrong in [expired, unknown, several, all, address, kind] {
            assert!(matches!(parse(&wrong), Err(ServiceError::Config(_))), "{wrong}");
        }
        let mut none = config();
        for kind in ["caUrls", "rekorTlogUrls", "tsaUrls"] {
            none[kind] = json!([]);
        }
        assert!(parse(&none).unwrap().is_empty());
    }

    #[test]
    fn the_public_instance_is_known() {
        let services = Services::public().unwrap();
        assert!(services.authority.is_some() && services.log.is_some());
    }
}
