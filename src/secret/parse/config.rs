//! Configuration of applications and deployments, in which a name says that its value is a secret: YAML, JSON, properties, TOML; Compose's
//! environments and Kubernetes' Secrets.

use serde_json::Value;

use super::{NotUnderstood, Sink, ini, json, names, text_lines, unquote, yaml};
use crate::facts::Confidence;
use crate::secret::validate::{decode_base64, is_password_hash, is_placeholder};

/// The rule for what only a name says.
const RULE: &str = "application-credential";

/// The rule for Kubernetes' Secrets.
const KUBERNETES: &str = "kubernetes-secret";

/// Least length of a value of letters alone that counts: shorter ones are words.
const MIN_LETTERS: usize = 20;

/// Notes the value of a name that says secret. A value of letters alone is likely a word for people, such as a label's translation.
fn named(parent: &[u8], name: &[u8], value: &[u8], sink: &mut Sink) {
    let value = unquote(value);
    // `password: {value: …}`, `auth: {password: …}`: the last part tells; of `a.b.password` names has the same view.
    if !names::is_secret(name) || super::known::is_reference(value) {
        return;
    }
    let words = value.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte == b'-' || *byte > 127);
    let confidence = if words && value.len() < MIN_LETTERS { Confidence::Low } else { Confidence::Medium };
    if names::is_value(value) || super::known::is_default_password(value) {
        let key = if parent.is_empty() { name.to_vec() } else { [parent, b".", name].concat() };
        sink.add(RULE, key, value, confidence);
    }
}

/// `application.yml`, `values.yaml`, `database.yml` and the like; in one that is a Secret of Kubernetes, its data.
pub(super) fn yaml(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    if is_kubernetes_secret(text) {
        return kubernetes_yaml(text, sink);
    }
    yaml::pairs(text, |parents, name, value| named(yaml::parent(parents), name, value, sink));
    Ok(())
}

/// Any YAML or JSON: only Secrets of Kubernetes, since a name alone says too little there.
pub(super) fn manifest(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    if !is_kubernetes_secret(text) {
        return Ok(());
    }
    match text.trim_ascii_start().first() {
        Some(b'{') => kubernetes_json(text, sink),
        _ => kubernetes_yaml(text, sink),
    }
}

/// Compose files (compose-spec, `05-services.md`, "environment"): a map, or a list of `NAME=value`.
pub(super) fn compose(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter_map(|line| line.strip_prefix(b"- ")) {
        let line = unquote(line);
        let Some(equals) = memchr::memchr(b'=', line) else { continue };
        let (name, value) = line.split_at(equals);
        named(b"environment", name, value.get(1..).unwrap_or_default(), sink);
    }
    yaml::pairs(text, |parents, name, value| named(yaml::parent(parents), name, value, sink));
    sink.doubt_default_passwords();
    Ok(())
}

/// `appsettings.json` (learn.microsoft.com, "Configuration in ASP.NET Core"), `config/production.json` (node-config) and the like.
pub(super) fn json(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    if is_kubernetes_secret(text) {
        return kubernetes_json(text, sink);
    }
    // Both allow comments; lines of them are left out.
    let kept = text_lines(text).filter(|line| !line.starts_with(b"//")).collect::<Vec<_>>().join(&b'\n');
    let document: Value = serde_json::from_slice(&kept).map_err(|_| NotUnderstood)?;
    json::walk(&document, &mut |parent, name, value| {
        named(parent.as_bytes(), name.as_bytes(), value.as_bytes(), sink);
        connection_string(name.as_bytes(), value.as_bytes(), sink);
    });
    Ok(())
}

/// Java's properties, INI and TOML.
pub(super) fn properties(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    ini::pairs(text, |section, name, value| named(section, name, value, sink));
    Ok(())
}

/// `Server=…;User Id=…;Password=…` (learn.microsoft.com, "Connection String Syntax").
pub(super) fn connection_string(name: &[u8], value: &[u8], sink: &mut Sink) {
    for part in value.split(|byte| *byte == b';') {
        let Some(equals) = memchr::memchr(b'=', part) else { continue };
        let (key, secret) = part.split_at(equals);
        let key = key.trim_ascii();
        if memchr::memchr(b';', value).is_some()
            && [&b"password"[..], b"pwd"].iter().any(|known| key.eq_ignore_ascii_case(known))
        {
            sink.add(RULE, name, unquote(secret.get(1..).unwrap_or_default()), Confidence::Medium);
        }
    }
}

/// Kubernetes' API, "Secret v1 core": `kind: Secret` in YAML or JSON.
fn is_kubernetes_secret(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"kind").any(|at| {
        let rest = text.get(at + 4..text.len().min(at + 40)).unwrap_or_default();
        let from = rest.iter().position(|byte| !b"\": '".contains(byte)).unwrap_or(rest.len());
        let word = rest.get(from..).unwrap_or_default();
        word.starts_with(b"Secret") && !word.get(6).is_some_and(u8::is_ascii_alphanumeric)
    })
}

fn kubernetes_yaml(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for document in split_documents(text).filter(|document| is_kubernetes_secret(document)) {
        yaml::pairs(document, |parents, name, value| match yaml::parent(parents) {
            b"data" => encoded(name, value, sink),
            b"stringData" => plain(name, value, sink),
            _ => {}
        });
    }
    Ok(())
}

/// The documents of a YAML stream.
fn split_documents(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memmem::find(text, b"\n---");
        rest = end.and_then(|end| text.get(end + 4..));
        Some(end.and_then(|end| text.get(..end)).unwrap_or(text))
    })
}

fn kubernetes_json(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let document = serde_json::from_slice(text).map_err(|_| NotUnderstood)?;
    json::walk(&document, &mut |parent, name, value| match parent {
        "data" => encoded(name.as_bytes(), value.as_bytes(), sink),
        "stringData" => plain(name.as_bytes(), value.as_bytes(), sink),
        _ => {}
    });
    Ok(())
}

/// A value of `stringData`. A password's hash opens nothing by itself.
fn plain(name: &[u8], value: &[u8], sink: &mut Sink) {
    let confidence = if is_password_hash(value) { Confidence::Low } else { Confidence::High };
    sink.add(KUBERNETES, name, value, confidence);
}

/// A value of `data`, which is in base 64. A certificate is public; a key in it is found as one.
fn encoded(name: &[u8], value: &[u8], sink: &mut Sink) {
    let public = [&b".crt"[..], b".pem", b".cer"].iter().any(|end| name.ends_with(end));
    let Some(decoded) = decode_base64(value).filter(|decoded| !public && !decoded.is_empty()) else { return };
    if super::known::is_default_password(&decoded) {
        sink.default_password(name, value, Confidence::Medium);
    } else if !is_placeholder(&decoded) {
        let confidence = if is_password_hash(&decoded) { Confidence::Low } else { Confidence::High };
        sink.add(KUBERNETES, name, value, confidence);
    }
}
