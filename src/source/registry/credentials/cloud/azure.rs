//! Azure Container Registry: an application's token is exchanged for an identity token of the registry.
//!
//! Source: "Azure Container Registry integration with Azure Active Directory" (`/oauth2/exchange`); Microsoft identity platform, "client credentials flow"; the variables are those of Azure's
//! own libraries (`EnvironmentCredential`, `WorkloadIdentityCredential`).

use std::path::PathBuf;

use reqwest::Url;

use super::{Login, PHASE, Secret, SourceError, Transport, address, issued, secret_file};
use crate::net::{Payload, Request};

/// Endings of the registries' names in Azure's clouds.
const ENDINGS: &[&str] = &[".azurecr.io", ".azurecr.cn", ".azurecr.us"];

/// Whether this is one of Azure's registries.
pub(super) fn is_registry(host: &str) -> bool {
    ENDINGS.iter().any(|ending| host.ends_with(ending))
}

/// An application's credentials.
pub(super) struct Ambient {
    tenant: String,
    client: String,
    proof: Proof,
    authority: String,
}

/// How the application proves to be itself.
enum Proof {
    Secret(Secret),
    /// A token of another issuer, in a file that is renewed.
    Federated(PathBuf),
}

impl Ambient {
    /// The application of the environment.
    pub(super) fn new(set: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let secret = set("AZURE_CLIENT_SECRET").map(|secret| Proof::Secret(Secret::new(secret)));
        let federated = || set("AZURE_FEDERATED_TOKEN_FILE").map(|file| Proof::Federated(file.into()));
        let authority = set("AZURE_AUTHORITY_HOST").unwrap_or_else(|| "https://login.microsoftonline.com".into());
        let (tenant, client) = (set("AZURE_TENANT_ID")?, set("AZURE_CLIENT_ID")?);
        Some(Self { tenant, client, proof: secret.or_else(federated)?, authority })
    }

    /// The identity token for the registry at `base`.
    pub(super) async fn login(&self, transport: &Transport, base: &Url) -> Result<Login, SourceError> {
        let authority = address("AZURE_AUTHORITY_HOST", &self.authority)?;
        let url = authority.join(&format!("/{}/oauth2/v2.0/token", self.tenant));
        let unusable =
            |detail: &str| SourceError::Configuration { place: "AZURE_TENANT_ID".into(), detail: detail.into() };
        let is_tenant = self.tenant.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.".contains(letter));
        let url = url.ok().filter(|_| is_tenant).ok_or_else(|| unusable("it is no tenant"))?;
        let mut fields = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", self.client.clone()),
            ("scope", "https://management.azure.com/.default".to_owned()),
        ];
        match &self.proof {
            Proof::Secret(secret) => fields.push(("client_secret", secret.reveal().to_owned())),
            Proof::Federated(file) => fields.extend([
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
                ("client_assertion", secret_file(file)?.reveal().to_owned()),
            ]),
        }
        let request = Request { payload: Some(Payload::Form(fields)), ..Request::get(url, PHASE) };
        let token = issued(transport, &request, "token", "/access_token").await?;
        let fields = vec![
            ("grant_type", "access_token".to_owned()),
            ("service", base.host_str().unwrap_or_default().to_owned()),
            ("tenant", self.tenant.clone()),
            ("access_token", token.reveal().to_owned()),
        ];
        let mut exchange = base.clone();
        exchange.set_path("/oauth2/exchange");
        let request = Request { payload: Some(Payload::Form(fields)), ..Request::get(exchange, PHASE) };
        let token = issued(transport, &request, "token", "/refresh_token").await?;
        Ok(Login::Identity { token, from: "`AZURE_CLIENT_ID`".into() })
    }
}
