//! Google's Artifact Registry and Container Registry: an access token is the password of `oauth2accesstoken`.
//!
//! Source: Artifact Registry, "Configure authentication for Docker"; "Application Default Credentials"; RFC 7523 for service accounts. The tokens of other issuers (`external_account`) are not
//! exchanged here.

use std::path::{Path, PathBuf};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use reqwest::header::HeaderValue;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::json;

use super::{Login, MAX_SECRET_BYTES, PHASE, SourceError, Transport, address, issued, read_configuration};
use crate::net::{Payload, Request};

/// What access is asked for; what the account may do with it is said in its roles.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where users' tokens are renewed.
const TOKEN_SERVER: &str = "https://oauth2.googleapis.com/token";

/// Life of an assertion, in seconds; longer ones are refused.
const ASSERTION_SECONDS: i64 = 600;

/// What Google's machines say they are.
const PRODUCT_FILE: &str = "/sys/class/dmi/id/product_name";

/// Whether this is one of Google's registries.
pub(super) fn is_registry(host: &str) -> bool {
    host == "gcr.io" || host.ends_with(".gcr.io") || host.ends_with("-docker.pkg.dev")
}

/// Where an access token comes from.
pub(super) enum Ambient {
    /// A file of application default credentials.
    File(PathBuf),
    /// The machine's own metadata server, by its host.
    Metadata(String),
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Account {
    #[serde(rename = "service_account")]
    Service {
        client_email: String,
        private_key: String,
        #[serde(default)]
        private_key_id: String,
        token_uri: String,
    },
    #[serde(rename = "authorized_user")]
    User { client_id: String, client_secret: String, refresh_token: String },
    #[serde(other)]
    Other,
}

impl Ambient {
    /// The file that is named, else the metadata server, where this is one of Google's machines.
    pub(super) fn new(set: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        if let Some(file) = set("GOOGLE_APPLICATION_CREDENTIALS") {
            return Some(Self::File(file.into()));
        }
        let is_googles = || {
            let product = read_configuration(Path::new(PRODUCT_FILE), MAX_SECRET_BYTES).unwrap_or_default();
            product.starts_with(b"Google")
        };
        let usual = || is_googles().then(|| "169.254.169.254".to_owned());
        set("GCE_METADATA_HOST").or_else(usual).map(Self::Metadata)
    }

    /// The login that holds for all of Google's registries.
    pub(super) async fn login(&self, transport: &Transport) -> Result<Login, SourceError> {
        let (request, from) = match self {
            Self::File(path) => (of_file(path)?, format!("`{}`", path.display())),
            Self::Metadata(host) => (of_metadata(host)?, format!("the metadata server `{host}`")),
        };
        let password = issued(transport, &request, "token", "/access_token").await?;
        Ok(Login::Password { user: "oauth2accesstoken".into(), password, from })
    }
}

fn of_metadata(host: &str) -> Result<Request, SourceError> {
    let path = "computeMetadata/v1/instance/service-accounts/default/token";
    let mut request = Request::get(address("GCE_METADATA_HOST", &format!("http://{host}/{path}"))?, PHASE);
    request.headers.insert("metadata-flavor", HeaderValue::from_static("Google"));
    Ok(request)
}

fn of_file(path: &Path) -> Result<Request, SourceError> {
    let place = path.display().to_string();
    let unusable = |detail: &str| SourceError::Configuration { place: place.clone(), detail: detail.to_owned() };
    let bytes = read_configuration(path, MAX_SECRET_BYTES)?;
    let account: Account =
        serde_json::from_slice(&bytes).map_err(|_| unusable("it does not hold Google's credentials"))?;
    let (server, fields) = match account {
        Account::Service { client_email, private_key, private_key_id, token_uri } => {
            // A signature needs the real time, whatever day the findings are judged as of.
            let now = jiff::Timestamp::now().as_second();
            let claims = json!({"iss": client_email, "scope": SCOPE, "aud": token_uri, "iat": now, "exp": now + ASSERTION_SECONDS});
            let header = json!({"alg": "RS256", "typ": "JWT", "kid": private_key_id});
            let assertion = signed(&format!("{}.{}", encoded(&header), encoded(&claims)), &private_key)
                .ok_or_else(|| unusable("its private key cannot be used"))?;
            let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer".to_owned();
            (token_uri, vec![("grant_type", grant), ("assertion", assertion)])
        }
        Account::User { client_id, client_secret, refresh_token } => {
            let fields = vec![
                ("grant_type", "refresh_token".to_owned()),
                ("client_id", client_id),
                ("client_secret", client_secret),
                ("refresh_token", refresh_token),
            ];
            (TOKEN_SERVER.to_owned(), fields)
        }
        Account::Other => {
            return Err(unusable(
                "credentials of this type are not supported; `gcloud auth configure-docker` sets up a helper",
            ));
        }
    };
    Ok(Request { payload: Some(Payload::Form(fields)), ..Request::get(address(&place, &server)?, PHASE) })
}

fn encoded(document: &serde_json::Value) -> String {
    BASE64.encode(document.to_string())
}

/// A JWT of header and claims (RFC 7515 §3.1, RS256).
fn signed(message: &str, private_key: &str) -> Option<String> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(private_key.as_bytes()).ok()?;
    let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).ok()?;
    Some(format!("{message}.{}", BASE64.encode(signature)))
}
