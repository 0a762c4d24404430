//! Credential files in JSON.

use serde_json::{Map, Value};

use super::{NotUnderstood, Sink, names};
use crate::facts::Confidence;
use crate::secret::validate::decode_base64;

/// Values of a document that are looked at; a state file of a large infrastructure has fewer.
const MAX_VALUES: usize = 200_000;

fn object(text: &[u8]) -> Result<Map<String, Value>, NotUnderstood> {
    serde_json::from_slice(text).map_err(|_| NotUnderstood)
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Docker's `config.json`, the older `.dockercfg` (without `auths`), and containers' `auth.json` (containers-auth.json(5)).
pub(super) fn docker(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document = object(bytes)?;
    let registries = document.get("auths").and_then(Value::as_object).unwrap_or(&document);
    for (registry, entry) in registries {
        let auth = text(entry, "auth");
        // `user:password` in base 64; a user alone, or a placeholder, opens nothing.
        let decoded = decode_base64(auth.as_bytes()).unwrap_or_default();
        let password =
            decoded.iter().position(|byte| *byte == b':').and_then(|at| decoded.get(at + 1..)).unwrap_or_default();
        if !crate::secret::validate::is_placeholder(password) {
            sink.sure("docker-registry-auth", registry, auth);
        }
        for name in ["password", "identitytoken", "registrytoken"] {
            sink.sure("docker-registry-auth", registry, text(entry, name));
        }
    }
    Ok(())
}

/// Composer's `auth.json` (getcomposer.org, "Authentication for privately hosted packages").
pub(super) fn composer(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for (method, hosts) in object(bytes)? {
        if !matches!(
            method.as_str(),
            "http-basic"
                | "bearer"
                | "github-oauth"
                | "gitlab-oauth"
                | "gitlab-token"
                | "bitbucket-oauth"
                | "forgejo-token"
        ) {
            continue;
        }
        for (host, entry) in hosts.as_object().into_iter().flatten() {
            sink.sure("composer-auth", host, entry.as_str().unwrap_or_default());
            for name in ["password", "token", "consumer-secret"] {
                sink.sure("composer-auth", host, text(entry, name));
            }
        }
    }
    Ok(())
}

/// Google's application default credentials and service account keys (google.aip.dev/auth/4110, 4112, 4113).
pub(super) fn google(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document = Value::Object(object(bytes)?);
    match text(&document, "type") {
        "service_account" => {
            let key = text(&document, "private_key");
            // The key itself is found and parsed as any key is; this names whose it is. Its text is escaped in the file.
            let escaped = serde_json::to_string(key).map_err(|_| NotUnderstood)?;
            if key.contains("PRIVATE KEY") {
                sink.sure("gcp-credentials-file", text(&document, "client_email"), escaped.trim_matches('"'));
            }
        }
        "authorized_user" => {
            sink.sure("gcp-credentials-file", text(&document, "client_id"), text(&document, "refresh_token"))
        }
        _ => {
            for kind in ["installed", "web"] {
                if let Some(client) = document.get(kind) {
                    sink.sure("gcp-credentials-file", text(client, "client_id"), text(client, "client_secret"));
                }
            }
        }
    }
    Ok(())
}

/// The Azure CLI's caches of tokens (`accessTokens.json`, `msal_token_cache.json`, `service_principal_entries.json`).
pub(super) fn azure(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document: Value = serde_json::from_slice(bytes).map_err(|_| NotUnderstood)?;
    walk(&document, &mut |_, name, value| {
        if matches!(name, "accessToken" | "refreshToken" | "client_secret" | "secret") {
            sink.sure("azure-token-cache", name, value);
        }
    });
    Ok(())
}

/// Terraform's state (developer.hashicorp.com, "Sensitive data in state"): attributes stand in clear.
pub(super) fn terraform_state(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    walk(&Value::Object(object(bytes)?), &mut |_, name, value| {
        if names::is_secret(name.as_bytes()) && names::is_value(value.as_bytes()) {
            sink.add("terraform-credential", name, value, Confidence::Medium);
        }
    });
    Ok(())
}

/// `credentials.tfrc.json` (Terraform CLI, "terraform login").
pub(super) fn terraform_credentials(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document = object(bytes)?;
    for (host, entry) in document.get("credentials").and_then(Value::as_object).into_iter().flatten() {
        sink.sure("terraform-token", host, text(entry, "token"));
    }
    Ok(())
}

/// `~/.pulumi/credentials.json`: tokens by the address of their backend.
pub(super) fn pulumi(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document = object(bytes)?;
    for (host, token) in document.get("accessTokens").and_then(Value::as_object).into_iter().flatten() {
        sink.sure("tool-credential", host, token.as_str().unwrap_or_default());
    }
    Ok(())
}

/// Editors' settings for SFTP and FTP.
pub(super) fn sftp(bytes: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    // Editors allow comments in these; lines of them are left out.
    let kept = super::text_lines(bytes).filter(|line| !line.starts_with(b"//")).collect::<Vec<_>>().join(&b'\n');
    let document: Value = serde_json::from_slice(&kept).map_err(|_| NotUnderstood)?;
    walk(&document, &mut |_, name, value| {
        if matches!(name, "password" | "pass" | "passphrase") {
            sink.sure("sftp-password", text(&document, "host"), value);
        }
    });
    Ok(())
}

/// Calls `leaf(parent, name, text)` for every named string, front to back, without recursion. The parent is the object's own name.
pub(in crate::secret) fn walk(document: &Value, leaf: &mut impl FnMut(&str, &str, &str)) {
    let mut stack = vec![("", "", document)];
    let mut left = MAX_VALUES;
    while let Some((parent, name, value)) = stack.pop() {
        left = left.saturating_sub(1);
        if left == 0 {
            return;
        }
        match value {
            Value::String(text) => leaf(parent, name, text),
            Value::Array(items) => stack.extend(items.iter().rev().map(|item| (parent, name, item))),
            Value::Object(fields) => {
                stack.extend(fields.iter().rev().map(|(field, value)| (name, field.as_str(), value)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
