//! Credential files in YAML, as the tools write them: nested `key: value`, one a line. A YAML parser would read more, and is more to attack.

use super::{NotUnderstood, Sink, text_lines, unquote};
use crate::secret::validate::decode_base64;

/// Deepest nesting that is followed.
const MAX_DEPTH: usize = 16;

/// Calls `pair(parents, key, value)` for every `key: value`.
pub(super) fn pairs(text: &[u8], mut pair: impl FnMut(&[(usize, Vec<u8>)], &[u8], &[u8])) {
    let mut parents: Vec<(usize, Vec<u8>)> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let content = line.trim_ascii();
        if content.is_empty() || content.starts_with(b"#") {
            continue;
        }
        // A list item's fields are nested in it.
        let indent = line.iter().take_while(|byte| matches!(byte, b' ' | b'-' | b'\t')).count();
        let content = line.get(indent..).unwrap_or_default().trim_ascii();
        // A colon counts where a space or the line's end follows; hosts may hold one.
        let colon =
            memchr::memchr_iter(b':', content).find(|at| content.get(at + 1).is_none_or(u8::is_ascii_whitespace));
        let Some(colon) = colon else { continue };
        let (key, value) =
            (unquote(content.get(..colon).unwrap_or_default()), content.get(colon + 1..).unwrap_or_default());
        parents.retain(|(depth, _)| *depth < indent);
        pair(&parents, key, unquote(value));
        if value.trim_ascii().is_empty() && parents.len() < MAX_DEPTH {
            parents.push((indent, key.to_vec()));
        }
    }
}

/// The nearest parent's name.
pub(super) fn parent(parents: &[(usize, Vec<u8>)]) -> &[u8] {
    parents.last().map_or(b"", |(_, name)| name)
}

/// A kubeconfig (kubernetes.io, "Organizing Cluster Access Using kubeconfig Files"): tokens, passwords and keys of users.
pub(super) fn kubeconfig(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    if !text_lines(text).any(|line| line.starts_with(b"users:") || line.starts_with(b"\"users\"")) {
        return Ok(());
    }
    let mut name: Vec<u8> = Vec::new();
    pairs(text, |parents, key, value| match key {
        b"name" if !value.is_empty() => name = value.to_vec(),
        b"token" | b"password" | b"client-secret" | b"id-token" | b"refresh-token" => {
            sink.sure("kubeconfig-credential", if name.is_empty() { parent(parents) } else { &name }, value)
        }
        b"client-key-data"
            if decode_base64(value).is_some_and(|key| memchr::memmem::find(&key, b"PRIVATE KEY").is_some()) =>
        {
            sink.sure("kubeconfig-credential", &name, value)
        }
        _ => {}
    });
    Ok(())
}

/// `gh`'s `hosts.yml`, `hub`, and `glab`'s `config.yml`: a token under each host.
pub(super) fn code_host(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    pairs(text, |parents, key, value| {
        if matches!(key, b"oauth_token" | b"token") {
            sink.sure("code-host-token", parent(parents), value);
        }
    });
    Ok(())
}

/// yarn 2's `.yarnrc.yml` (yarnpkg.com, "Yarnrc files").
pub(super) fn yarn(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    pairs(text, |parents, key, value| {
        if matches!(key, b"npmAuthToken" | b"npmAuthIdent") {
            sink.sure("npmrc-credential", if parents.is_empty() { key } else { parent(parents) }, value);
        }
    });
    Ok(())
}

/// RubyGems' `.gem/credentials` (guides.rubygems.org, "API key scopes").
pub(super) fn gem(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text) {
        let at = line.windows(2).position(|pair| pair == b": ");
        let (name, value) = at.and_then(|at| line.split_at_checked(at)).unwrap_or_default();
        if memchr::memmem::find(name, b"key").is_some() || name.starts_with(b"http") {
            sink.sure("gem-credential", name, unquote(value.get(2..).unwrap_or_default()));
        }
    }
    Ok(())
}

/// Bundler's `.bundle/config` (bundler.io, "bundle config"): `BUNDLE_GEMS__ACME__NET: "user:password"`, a name of a host.
pub(super) fn bundler(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    pairs(text, |_, key, value| {
        if memchr::memmem::find(key, b"__").is_some()
            && memchr::memchr(b':', value).is_some()
            && !value.starts_with(b"http")
        {
            sink.sure("gem-credential", key, value);
        }
    });
    Ok(())
}
