//! Configuration in programming languages: PHP's `define` and arrays, Python's settings, HashiCorp's HCL.

use super::lines::split;
use super::{NotUnderstood, Sink, names, text_lines, unquote};
use crate::facts::Confidence;

/// `wp-config.php` (developer.wordpress.org, "wp-config.php"): the database's password and the eight keys and salts.
pub(super) fn wordpress(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text) {
        let Some(rest) = line.strip_prefix(b"define") else { continue };
        let mut strings = quoted(rest);
        let (Some(name), Some(value)) = (strings.next(), strings.next()) else { continue };
        let salt = name.ends_with(b"_KEY") || name.ends_with(b"_SALT");
        // The file as shipped says `put your unique phrase here`; images fill values in from the environment.
        let shipped = value.starts_with(b"put your") || rest.windows(6).any(|word| word == b"getenv");
        if !shipped && (name == b"DB_PASSWORD" || salt && value.len() >= 16) {
            sink.sure("wordpress-credential", name, value);
        }
    }
    Ok(())
}

/// Configuration that is PHP: Drupal's `settings.php` and Magento's `env.php` (`'password' => '…'`), Joomla's `configuration.php`
/// (`public $password = '…';`), phpBB's and MediaWiki's (`$dbpasswd = '…';`).
pub(super) fn php(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    settings(text, sink, &[b"//", b"#", b"*", b"/*"], "application-credential");
    Ok(())
}

/// Django's settings and other configuration that is Python: `SECRET_KEY = '…'`, `'PASSWORD': '…'`.
pub(super) fn python(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    settings(text, sink, &[b"#"], "application-credential");
    Ok(())
}

/// `name = "value"`, `"name" => "value"`, `"name": "value"` where the name says secret and the value is one string.
fn settings(text: &[u8], sink: &mut Sink, comments: &[&[u8]], rule: &'static str) {
    for line in text_lines(text).filter(|line| !comments.iter().any(|mark| line.starts_with(mark))) {
        let Some(at) = line.iter().position(|byte| matches!(byte, b'=' | b':')) else { continue };
        let (name, rest) = line.split_at(at);
        let from = rest.iter().position(|byte| !b"=>: ".contains(byte)).unwrap_or(rest.len());
        let value = rest.get(from..).unwrap_or_default();
        // A call or a variable is no value.
        if !matches!(value.first(), Some(b'\'' | b'"')) {
            continue;
        }
        let name = name
            .rsplit(|byte| byte.is_ascii_whitespace() || matches!(byte, b'$' | b'[' | b'\'' | b'"' | b']'))
            .find(|part| !part.is_empty());
        let (Some(name), Some(value)) = (name, quoted(value).next()) else { continue };
        if names::is_secret(name) && names::is_value(value) {
            sink.add(rule, name, value, Confidence::Medium);
        }
    }
}

/// The quoted strings of a line.
fn quoted(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let open = memchr::memchr2(b'\'', b'"', rest)?;
        let quote = *rest.get(open)?;
        let inner = rest.get(open + 1..)?;
        let close = memchr::memchr(quote, inner)?;
        rest = inner.get(close + 1..)?;
        inner.get(..close)
    })
}

/// Terraform's variables (developer.hashicorp.com, "Variable definitions files").
pub(super) fn tfvars(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let Some((name, value)) = split(line, b'=') else { continue };
        let Some(value) = quoted(value).next() else { continue };
        if names::is_secret(name) && names::is_value(value) {
            sink.add("terraform-credential", unquote(name), value, Confidence::Medium);
        }
    }
    Ok(())
}

/// The Terraform CLI's configuration: `credentials "host" { token = "…" }`.
pub(super) fn terraformrc(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    let mut host = Vec::new();
    for line in text_lines(text) {
        if line.starts_with(b"credentials") {
            host = quoted(line).next().unwrap_or_default().to_vec();
        }
        // Also in one line with the block's head.
        let Some(at) = memchr::memmem::find(line, b"token") else { continue };
        if let Some(value) =
            line.get(at..).and_then(|rest| split(rest, b'=')).and_then(|(_, value)| quoted(value).next())
        {
            sink.sure("terraform-token", &host, value);
        }
    }
    Ok(())
}

/// `.curlrc` (curl(1), "--config"): long options without their dashes; `user = "name:password"`.
pub(super) fn curlrc(text: &[u8], sink: &mut Sink) -> Result<(), NotUnderstood> {
    for line in text_lines(text).filter(|line| !line.starts_with(b"#")) {
        let line = line.strip_prefix(b"--").or_else(|| line.strip_prefix(b"-")).unwrap_or(line);
        let end = line.iter().position(|byte| b"=: ".contains(byte));
        let pair = end.and_then(|end| Some((line.get(..end)?, line.get(end..)?.trim_ascii_start())));
        let Some((name @ (b"user" | b"u" | b"proxy-user" | b"U"), value)) = pair else { continue };
        let value = value.strip_prefix(b"=").or_else(|| value.strip_prefix(b":")).unwrap_or(value);
        if let Some((_, password)) = split(unquote(value), b':') {
            sink.sure("tool-credential", name, password);
        }
    }
    Ok(())
}
