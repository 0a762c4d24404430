//! Formats of lines and fields.

use super::{NotUnderstood, Sink, text_lines, unquote};
use crate::facts::Confidence;
use crate::secret::url;

/// `.netrc` (GNU inetutils manual, "The .netrc file"): words; `password` belongs to the `machine` before it; `macdef` runs to an empty line.
pub(super) fn netrc(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let mut machine = &b"default"[..];
    let mut in_macro = false;
    for line in text_lines(text) {
        in_macro &= !line.is_empty();
        if in_macro || line.starts_with(b"#") {
            continue;
        }
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        while let Some(word) = words.next() {
            match word {
                b"machine" => machine = words.next().unwrap_or_default(),
                b"login" | b"account" => drop(words.next()),
                b"password" => sink.sure("netrc-password", machine, unquote(words.next().unwrap_or_default())),
                b"macdef" => in_macro = true,
                _ => {}
            }
        }
    }
    Ok(())
}

/// `.pgpass` (PostgreSQL manual, "The Password File"): `hostname:port:database:username:password`, `\` escapes.
pub(super) fn pgpass(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let mut colons = Vec::with_capacity(4);
        let mut escaped = false;
        for (at, byte) in line.iter().enumerate() {
            if *byte == b':' && !escaped && colons.len() < 4 {
                colons.push(at);
            }
            escaped = *byte == b'\\' && !escaped;
        }
        if let [host, _, _, password] = colons.as_slice() {
            sink.sure(
                "pgpass-password",
                line.get(..*host).unwrap_or_default(),
                line.get(password + 1..).unwrap_or_default(),
            );
        }
    }
    Ok(())
}

/// `.htpasswd` (Apache httpd, "Password Formats"): `user:hash`.
pub(super) fn htpasswd(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        if let Some((user, hash)) = split(line, b':') {
            let known =
                [&b"$apr1$"[..], b"$2", b"$5$", b"$6$", b"{SHA}", b"$y$"].iter().any(|prefix| hash.starts_with(prefix));
            let crypt =
                hash.len() == 13 && hash.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
            if known || crypt {
                sink.sure("htpasswd-hash", user, hash);
            }
        }
    }
    Ok(())
}

/// `/etc/shadow` (shadow(5)): only a hash is a secret; `!`, `*` and nothing are not.
pub(super) fn shadow(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text) {
        let mut fields = line.split(|byte| *byte == b':');
        let (Some(user), Some(hash)) = (fields.next(), fields.next()) else { continue };
        let hash = hash.strip_prefix(b"!").unwrap_or(hash);
        let modern = hash.starts_with(b"$") && hash.iter().filter(|byte| **byte == b'$').count() >= 3;
        let crypt =
            hash.len() == 13 && hash.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/'));
        if modern || crypt {
            sink.sure("shadow-hash", user, hash);
        }
    }
    Ok(())
}

/// `.npmrc` (docs.npmjs.com, "npmrc") and yarn 1's `.yarnrc`: `//registry/:_authToken=…`, `_auth`, `_password`.
pub(super) fn npmrc(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#") && !line.starts_with(b";")) {
        let pair = split(line, b'=').or_else(|| split(line, b' '));
        let Some((key, value)) = pair else { continue };
        let key = unquote(key);
        let name = key.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        if matches!(name, b"_authToken" | b"_auth" | b"_password") {
            let registry = key.get(..key.len() - name.len()).unwrap_or_default();
            let registry = registry.strip_suffix(b":").unwrap_or(registry).strip_prefix(b"//").unwrap_or(registry);
            sink.sure("npmrc-credential", if registry.is_empty() { name } else { registry }, unquote(value));
        }
    }
    Ok(())
}

/// Rails' `config/master.key` and `config/credentials/*.key` (Rails guide, "Custom Credentials"): 32 digits in hex, nothing else.
pub(super) fn rails(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let key = text.trim_ascii();
    if key.len() == 32 && key.iter().all(u8::is_ascii_hexdigit) {
        sink.add("rails-master-key", b"", key, Confidence::High);
    }
    Ok(())
}

/// git's `.git-credentials` (git-credential-store(1)), repositories' addresses in `.git/config`, indexes in pip's and conda's configuration: all
/// are URLs with a password. Under HTTP headers, git keeps whole `Authorization` values.
pub(super) fn addresses(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#") && !line.starts_with(b";")) {
        for at in memchr::memmem::find_iter(line, b"://") {
            let Some(url) = url::read(line, at) else { continue };
            let host = line.get(url.password.end + 1..url.range.end).unwrap_or_default();
            sink.sure("url-credential", host, line.get(url.password).unwrap_or_default());
        }
        let header = split(line, b'=').filter(|(name, _)| name.eq_ignore_ascii_case(b"extraheader"));
        let scheme = header.and_then(|(_, value)| split(value, b':')).map(|(_, value)| value);
        if let Some((_, credential)) = scheme.and_then(|value| split(value, b' ')) {
            sink.sure("url-credential", b"extraheader", credential);
        }
    }
    Ok(())
}

/// Files that are one secret and nothing else: tokens of `vault`, Hugging Face and k3s, Ansible's vault password, secrets that a build mounted.
pub(super) fn whole(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let value = text.trim_ascii();
    if (MIN_WHOLE..=MAX_WHOLE).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic) {
        sink.sure("secret-file", b"", value);
    }
    Ok(())
}

/// Lengths of a secret that is a whole file: from short passwords to JSON Web Tokens.
const MIN_WHOLE: usize = 6;
const MAX_WHOLE: usize = 4096;

/// Secrets of `pppd` (pppd(8), "AUTHENTICATION"): `client server secret addresses`.
pub(super) fn ppp(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        if let (Some(client), Some(_), Some(secret)) = (words.next(), words.next(), words.next()) {
            sink.sure("network-password", unquote(client), unquote(secret));
        }
    }
    Ok(())
}

/// `ipsec.secrets` (strongSwan, ipsec.secrets(5)): `ids : PSK "secret"`.
pub(super) fn ipsec(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let Some((ids, rest)) = split(line, b':') else { continue };
        let Some((kind, secret)) = split(rest, b' ').or_else(|| split(rest, b'\t')) else { continue };
        if matches!(kind, b"PSK" | b"EAP" | b"XAUTH" | b"NTLM") {
            sink.sure("network-password", ids, unquote(secret));
        }
    }
    Ok(())
}

/// `snmpd.conf` (snmpd.conf(5)): communities, which are passwords in clear, and users with their phrases.
pub(super) fn snmp(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        match words.next().unwrap_or_default() {
            kind @ (b"rocommunity" | b"rwcommunity" | b"rocommunity6" | b"rwcommunity6") => {
                // The one that everybody tries first locks nothing, and is in half of all files as shipped.
                let community = words.next().filter(|community| !matches!(*community, b"public" | b"private"));
                sink.sure("network-password", kind, community.unwrap_or_default());
            }
            b"createUser" => {
                let user = words.next().unwrap_or_default();
                // `-e ENGINEID` may stand before the name; phrases stand behind the names of the algorithms.
                while let Some(word) = words.next() {
                    if matches!(
                        word,
                        b"MD5" | b"SHA" | b"SHA-224" | b"SHA-256" | b"SHA-384" | b"SHA-512" | b"DES" | b"AES"
                    ) {
                        sink.sure("network-password", user, unquote(words.next().unwrap_or_default()));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Around the first `mark`, both trimmed.
pub(super) fn split(line: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(mark, line)?;
    Some((line.get(..at)?.trim_ascii(), line.get(at + 1..)?.trim_ascii()))
}
