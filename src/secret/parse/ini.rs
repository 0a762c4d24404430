//! Formats of sections and `key = value` (INI, and the TOML that tools write for credentials).

use super::lines::split;
use super::{NotUnderstood, Sink, text_lines, unquote};

/// Calls `pair(section, key, value)` for each line; keys in lower case.
pub(super) fn pairs(text: &[u8], mut pair: impl FnMut(&[u8], &[u8], &[u8])) {
    let mut section = Vec::new();
    for line in text_lines(text) {
        if let [b'[', name @ .., b']'] = line {
            section = unquote(name).to_vec();
        } else if !line.starts_with(b"#")
            && !line.starts_with(b";")
            && let Some((key, value)) = split(line, b'=').or_else(|| split(line, b':'))
        {
            pair(&section, &key.to_ascii_lowercase(), unquote(value));
        }
    }
}

/// Notes the values of some keys under their section.
fn values(text: &[u8], sink: &mut Sink, rule: &'static str, keys: &[&[u8]]) {
    pairs(text, |section, key, value| {
        if keys.contains(&key) {
            sink.sure(rule, if section.is_empty() { key } else { section }, value);
        }
    });
}

/// `.aws/credentials` and `.aws/config` (AWS CLI user guide, "Configuration and credential file settings").
pub(super) fn aws(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    values(text, sink, "aws-credentials-file", &[b"aws_secret_access_key", b"aws_session_token"]);
    Ok(())
}

/// s3cmd's `.s3cfg` and boto's `.boto`.
pub(super) fn s3cfg(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    values(
        text,
        sink,
        "s3cfg-credential",
        &[
            b"secret_key",
            b"access_token",
            b"gpg_passphrase",
            b"aws_secret_access_key",
            b"gs_secret_access_key",
            b"gs_oauth2_refresh_token",
        ],
    );
    Ok(())
}

/// MySQL's option files (MySQL manual, "Using Option Files").
pub(super) fn mysql(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    values(text, sink, "mysql-password", &[b"password", b"loose-password"]);
    Ok(())
}

/// `.pypirc` (packaging.python.org, "The .pypirc file"), and poetry's `auth.toml`.
pub(super) fn pypirc(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    pairs(text, |section, key, value| {
        // Poetry: `[pypi-token]`, then the index's name.
        if key == b"password" || section.starts_with(b"pypi-token") {
            sink.sure("pypirc-password", section, value);
        }
    });
    Ok(())
}

/// Cargo's `credentials.toml` (Cargo book, "Credentials").
pub(super) fn cargo(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    values(text, sink, "cargo-token", &[b"token", b"secret-key"]);
    Ok(())
}
