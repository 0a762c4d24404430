//! Configuration in programming languages: PHP's `define`, HashiCorp's HCL.

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
