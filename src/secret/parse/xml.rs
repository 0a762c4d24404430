//! Credential files in XML. Only elements, attributes and text are told apart, front to back: no entities are expanded, nothing is fetched.

use super::{NotUnderstood, Sink};
use crate::secret::validate::decode_base64;

/// One step through a document.
enum Step<'a> {
    /// A start tag (or an empty one): its name, and the rest of it.
    Open(&'a [u8], &'a [u8]),
    /// An end tag.
    Close,
    /// Text between tags, trimmed.
    Text(&'a [u8]),
}

/// Calls `step` for each part of the document.
fn steps<'a>(mut text: &'a [u8], mut step: impl FnMut(Step<'a>)) {
    while let Some(open) = memchr::memchr(b'<', text) {
        let before = text.get(..open).unwrap_or_default().trim_ascii();
        if !before.is_empty() {
            step(Step::Text(before));
        }
        let tag = text.get(open + 1..).unwrap_or_default();
        let end: &[u8] = if tag.starts_with(b"!--") { b"-->" } else { b">" };
        let Some(close) = memchr::memmem::find(tag, end) else { return };
        let inner = tag.get(..close).unwrap_or_default();
        text = tag.get(close + end.len()..).unwrap_or_default();
        match inner.first() {
            Some(b'/') => step(Step::Close),
            Some(b'!' | b'?') | None => {}
            Some(_) => {
                let name =
                    inner.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'/').unwrap_or(inner.len());
                let (name, rest) = inner.split_at(name);
                step(Step::Open(name, rest));
            }
        }
    }
}

/// The value of an attribute in a tag.
fn attribute<'a>(tag: &'a [u8], name: &str) -> &'a [u8] {
    for quote in ['"', '\''] {
        let start = format!("{name}={quote}");
        if let Some(at) = memchr::memmem::find(tag, start.as_bytes()) {
            let value = tag.get(at + start.len()..).unwrap_or_default();
            return value.split(|byte| *byte == quote as u8).next().unwrap_or_default();
        }
    }
    b""
}

/// Calls `secret(id, text)` for each element of these names, with the text of the last `id` before it.
fn elements<'a>(text: &'a [u8], names: &[&[u8]], mut secret: impl FnMut(&'a [u8], &'a [u8])) {
    let (mut element, mut id): (&[u8], &[u8]) = (b"", b"");
    steps(text, |step| match step {
        Step::Open(name, _) => element = name,
        Step::Close => element = b"",
        Step::Text(value) if element == b"id" => id = value,
        Step::Text(value) if names.contains(&element) => secret(id, value),
        Step::Text(_) => {}
    });
}

/// Maven's `settings.xml` (maven.apache.org/settings.html): `password` and `passphrase` of servers and proxies. `{…}` is encrypted.
pub(super) fn maven(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    elements(text, &[b"password", b"passphrase"], |id, value| sink.sure("maven-password", id, value));
    Ok(())
}

/// NuGet's configuration (learn.microsoft.com, "nuget.config reference"): passwords of sources, API keys. `Password` is encrypted for one
/// user of one machine, so only `ClearTextPassword` opens anything elsewhere.
pub(super) fn nuget(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let mut source: &[u8] = b"";
    steps(text, |step| {
        if let Step::Open(name, rest) = step {
            if name != b"add" {
                source = name;
            } else if attribute(rest, "key") == b"ClearTextPassword" {
                sink.sure("nuget-password", source, attribute(rest, "value"));
            }
        }
    });
    Ok(())
}

/// FileZilla's lists of servers: `<Pass encoding="base64">`.
pub(super) fn filezilla(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let (mut element, mut tag, mut host): (&[u8], &[u8], &[u8]) = (b"", b"", b"");
    steps(text, |step| match step {
        Step::Open(name, rest) => (element, tag) = (name, rest),
        Step::Close => element = b"",
        Step::Text(value) => match element {
            b"Host" => host = value,
            b"Pass"
                if attribute(tag, "encoding") != b"crypt"
                    && (attribute(tag, "encoding") != b"base64" || decode_base64(value).is_some()) =>
            {
                sink.sure("sftp-password", host, value);
            }
            _ => {}
        },
    });
    Ok(())
}

/// Tomcat's `tomcat-users.xml` (Tomcat documentation, "Realm Configuration"), and JetBrains' `webServers.xml`: `password` attributes.
pub(super) fn attributes(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    steps(text, |step| {
        let Step::Open(_, rest) = step else { return };
        let name =
            ["username", "name", "host"].map(|name| attribute(rest, name)).into_iter().find(|name| !name.is_empty());
        for secret in ["password", "passphrase", "connectionPassword", "keystorePass", "keystorePassword"] {
            sink.sure("application-credential", name.unwrap_or_default(), attribute(rest, secret));
        }
    });
    Ok(())
}

/// Jenkins' `credentials.xml` (jenkins.io, "Using credentials"): in clear, or as `{AQAA…}` under a key that stands in the same home folder.
pub(super) fn jenkins(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    const NAMES: [&[u8]; 7] =
        [b"password", b"secret", b"secretBytes", b"passphrase", b"apiToken", b"privateKey", b"secretKey"];
    elements(text, &NAMES, |id, value| {
        // A PEM key is found by itself; braces would make a placeholder of what is sealed.
        let sealed = value.strip_prefix(b"{").and_then(|value| value.strip_suffix(b"}"));
        sink.sure("jenkins-credential", id, sealed.unwrap_or(value));
    });
    Ok(())
}
