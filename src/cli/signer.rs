//! Who signs: a key, wherever it is kept, or a certificate of the moment; and the services that vouch for it.

use std::path::Path;

use reqwest::Url;
use zeroize::Zeroizing;

use super::args::Network;
use super::exit::Ending;
use super::roots::{self, Reach};
use super::sign_args::Signing;
use super::sources::{self, read_file};
use super::{Failed, keys};
use crate::net::Transport;
use crate::sign::author::{Author, By};
use crate::sign::keys::Signer;
use crate::sign::services::certificate::{self, Certified};
use crate::sign::services::config::MAX_CONFIG_BYTES;
use crate::sign::services::token::{self, MAX_TOKEN_BYTES, Token};
use crate::sign::services::{Log, LogVersion, ServiceError, Services};

/// The variable that may hold an identity token; GitLab's jobs and Sigstore's own programs have it.
const TOKEN: &str = "SIGSTORE_ID_TOKEN";

/// Who signs in this run, with everything that it takes.
pub(super) struct Hand {
    held: Held,
    services: Services,
    /// Started only for services.
    transport: Option<Transport>,
    /// The trusted root that what is made must verify with.
    root: Option<String>,
}

enum Held {
    Key(Box<dyn Signer>),
    Certificate(Box<Certified>),
}

impl Hand {
    /// Opens the key, or has one of the moment certified.
    pub(super) fn open(signing: &Signing, network: &Network, offline: bool) -> Result<Self, Failed> {
        let reach = Reach { offline, network };
        let services = services(signing, reach)?;
        if offline && (signing.keyless || !services.is_empty()) {
            let error = anyhow::anyhow!("what vouches for a signature is on the network, and --offline forbids that");
            return Err(Failed::new(Ending::Usage, error).hint("sign with --key alone, or without --offline"));
        }
        let root = roots::trusted_root(&signing.root, reach)?;
        let transport = || Transport::new(sources::settings(network)).map_err(|error| failed(error.into()));
        if !signing.keyless {
            let key = signing.key.as_deref().map(keys::open_signer).transpose()?;
            let key = key
                .ok_or_else(|| Failed::new(Ending::Usage, anyhow::anyhow!("nobody signs: name --key or --keyless")))?;
            let transport = if services.is_empty() { None } else { Some(transport()?) };
            return Ok(Self { held: Held::Key(key), services, transport, root });
        }
        let transport = transport()?;
        let authority = services.authority.as_ref().ok_or_else(|| {
            Failed::new(
                Ending::Usage,
                anyhow::anyhow!("no certificate authority is configured, so nobody can sign without a key"),
            )
            .hint("name one with --fulcio-url or --signing-config")
        })?;
        let token = identity_token(signing.identity_token.as_deref(), &transport)?;
        let certified = certificate::request(&transport, authority, &token).map_err(failed)?;
        Ok(Self { held: Held::Certificate(Box::new(certified)), services, transport: Some(transport), root })
    }

    /// What signs and has itself vouched for.
    pub(super) fn author(&self) -> Result<Author<'_>, Failed> {
        let by = match &self.held {
            Held::Key(key) => By::Key(key.as_ref()),
            Held::Certificate(certified) => By::Certificate(certified),
        };
        let services = self.transport.as_ref().map(|transport| (transport, &self.services));
        Author::new(by, services, self.root.as_deref())
            .map_err(|error| Failed::new(Ending::Usage, anyhow::anyhow!("the trusted root cannot be used: {error}")))
    }
}

/// The services that are named: one by one, in a file, or for whoever signs without a key those of the public instance.
fn services(signing: &Signing, reach: Reach<'_>) -> Result<Services, Failed> {
    let (named, keyless) = (&signing.vouching, signing.keyless);
    let configured = match &named.signing_config {
        Some(path) => Some(read_file(path, MAX_CONFIG_BYTES, "signing configuration")?),
        // That of the instance that is trusted, unless services are named one by one.
        None if keyless && !named.is_any() => roots::signing_config(&signing.root, reach)?,
        None => None,
    };
    let mut services = match configured {
        Some(bytes) => {
            let parsed = String::from_utf8(bytes).map_err(|_| ServiceError::Config("it is not UTF-8".into()));
            parsed.and_then(|text| Services::parse(&text)).map_err(|error| {
                Failed::new(Ending::Usage, error)
                    .hint("it is a signing_config.v0.2.json of a Sigstore instance (`cosign signing-config create` makes one)")
            })?
        }
        // Whoever names one service means an instance of their own: nothing of it goes to the public one.
        None if keyless && !named.is_any() => Services::public().map_err(failed)?,
        None => Services::default(),
    };
    let own = |url: &Option<Url>, place: &mut Option<Url>| {
        if let Some(url) = url {
            *place = Some(url.clone());
        }
    };
    own(&named.fulcio_url, &mut services.authority);
    own(&named.tsa_url, &mut services.timestamps);
    if let Some(url) = &named.rekor_url {
        let version = if named.rekor_version == 2 { LogVersion::V2 } else { LogVersion::V1 };
        services.log = Some(Log { url: url.clone(), version });
    }
    if !keyless {
        services.authority = None;
    }
    Ok(services)
}

/// The token of a file, of the environment, or of the job on GitHub Actions that this is.
fn identity_token(file: Option<&Path>, transport: &Transport) -> Result<Token, Failed> {
    let variables = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let now = jiff::Timestamp::now().as_second();
    let found = if let Some(path) = file {
        Token::parse(&Zeroizing::new(read_file(path, MAX_TOKEN_BYTES, "identity token")?), now)
    } else if let Some(text) = variables(TOKEN).map(Zeroizing::new) {
        Token::parse(text.as_bytes(), now)
    } else if let Some((url, bearer)) = token::github(&variables) {
        token::from_github(transport, &url, &bearer, now)
    } else {
        let error = anyhow::anyhow!("there is no identity token, so nobody can say who signs");
        return Err(Failed::new(Ending::Usage, error).hint(
            "give one with --identity-token FILE or SIGSTORE_ID_TOKEN; a job on GitHub Actions needs `permissions: id-token: write`",
        ));
    };
    found.map_err(failed)
}

/// An error of a service as it counts, and what to do.
pub(super) fn failed(error: ServiceError) -> Failed {
    let (ending, hint) = match &error {
        ServiceError::Token(_) => (Ending::Usage, Some("get a new one; it must be for the audience `sigstore`")),
        ServiceError::Config(_) => (Ending::Usage, None),
        ServiceError::Plain { .. } => {
            (Ending::Usage, Some("use its https address, or allow it with --plain-http HOST"))
        }
        ServiceError::Refused { status: 401 | 403, .. } => (
            Ending::Source,
            Some("check that the service trusts the token's issuer, and that the token is for `sigstore`"),
        ),
        ServiceError::Refused { .. } | ServiceError::Answer { .. } | ServiceError::Net(_) => {
            (Ending::Source, Some("check the service's address; nothing was stored"))
        }
        ServiceError::Key(_) => (Ending::Incomplete, None),
    };
    let failed = Failed::new(ending, error);
    match hint {
        Some(hint) => failed.hint(hint),
        None => failed,
    }
}
