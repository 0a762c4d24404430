//! Names of keys in PKCS#11 tokens, `pkcs11:token=release;object=image?module-path=/usr/lib/softhsm/libsofthsm2.so`.
//!
//! The module, a library of the token's vendor, is loaded by the program `imgguard-pkcs11` and not here: a static program cannot load libraries, and what goes wrong in one stays out of
//! this process.
//!
//! Source: RFC 7512.

use std::path::PathBuf;

/// Longest name that is read, in bytes.
const MAX_URI_BYTES: usize = 4096;

/// Which key, by everything that the name says of it, and how it is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uri {
    /// Label of the token.
    pub token: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its manufacturer.
    pub manufacturer: Option<String>,
    /// Number of the slot it is in.
    pub slot_id: Option<u64>,
    /// Label of the key.
    pub object: Option<String>,
    /// Identifier of the key.
    pub id: Option<Vec<u8>>,
    /// The vendor's library.
    pub module_path: Option<PathBuf>,
    /// The file that the PIN is in.
    pub pin_source: Option<PathBuf>,
}

impl Uri {
    /// Reads a name. One with the PIN in it is refused, since arguments are seen by everybody on the machine; so is what is not understood, since leaving it out could mean another key.
    ///
    /// # Errors
    /// What is wrong with it, without quoting a PIN.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_URI_BYTES {
            return Err(format!("it is longer than {MAX_URI_BYTES} bytes"));
        }
        let rest = text.strip_prefix("pkcs11:").ok_or("it does not begin with `pkcs11:`")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut uri = Self::default();
        for attribute in path.split(';').filter(|attribute| !attribute.is_empty()) {
            uri.locate(attribute)?;
        }
        for attribute in query.split('&').filter(|attribute| !attribute.is_empty()) {
            uri.reach(attribute)?;
        }
        if uri.object.is_none() && uri.id.is_none() {
            return Err("it names no key; say `object=LABEL` or `id=%01`".into());
        }
        Ok(uri)
    }

    /// An attribute of the path: which key.
    fn locate(&mut self, attribute: &str) -> Result<(), String> {
        let (name, value) = pair(attribute)?;
        match name {
            "token" => once(&mut self.token, name, string(name, value)?),
            "serial" => once(&mut self.serial, name, string(name, value)?),
            "model" => once(&mut self.model, name, string(name, value)?),
            "manufacturer" => once(&mut self.manufacturer, name, string(name, value)?),
            "object" => once(&mut self.object, name, string(name, value)?),
            "id" => once(&mut self.id, name, bytes(name, value)?),
            "slot-id" => {
                let number = value.parse().map_err(|_| "its `slot-id` is no number".to_owned())?;
                once(&mut self.slot_id, name, number)
            }
            "type" if matches!(value, "private" | "public") => Ok(()),
            "type" => Err("its `type` is not that of a key pair".into()),
            _ => Err(format!("its attribute `{}` is not known here", name.escape_debug())),
        }
    }

    /// An attribute of the query: how it is reached.
    fn reach(&mut self, attribute: &str) -> Result<(), String> {
        let (name, value) = pair(attribute)?;
        match name {
            "module-path" => once(&mut self.module_path, name, PathBuf::from(string(name, value)?)),
            "pin-source" => {
                let source = string(name, value)?;
                let path = source.strip_prefix("file:").unwrap_or(&source);
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.starts_with('|') || !path.starts_with('/') {
                    return Err("its `pin-source` is no absolute path of a file".into());
                }
                once(&mut self.pin_source, name, PathBuf::from(path))
            }
            "pin-value" => Err(
                "it has the PIN in it, which everybody on this machine can see; use `pin-source=file:/…` or IMGGUARD_PKCS11_PIN"
                    .into(),
            ),
            _ => Err(format!("its attribute `{}` is not known here", name.escape_debug())),
        }
    }
}

fn pair(attribute: &str) -> Result<(&str, &str), String> {
    // Not quoted: a part without a name may be what is left of a PIN.
    attribute.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(|| "a part of it is no NAME=VALUE".into())
}

fn once<T>(place: &mut Option<T>, name: &str, value: T) -> Result<(), String> {
    if place.replace(value).is_some() { Err(format!("it has `{name}` twice")) } else { Ok(()) }
}

/// The bytes that a value stands for.
fn bytes(name: &str, value: &str) -> Result<Vec<u8>, String> {
    let mut parts = value.split('%');
    parts.next();
    let is_hex = |part: &str| part.len() >= 2 && part.as_bytes().iter().take(2).all(u8::is_ascii_hexdigit);
    if !parts.all(is_hex) {
        return Err(format!("its `{name}` has a `%` without two hexadecimal digits"));
    }
    Ok(percent_encoding::percent_decode_str(value).collect())
}

fn string(name: &str, value: &str) -> Result<String, String> {
    let text = String::from_utf8(bytes(name, value)?).map_err(|_| format!("its `{name}` is not UTF-8"))?;
    if text.is_empty() || text.contains('\0') { Err(format!("its `{name}` is no text")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 7512 §3, as far as they name a key.
    #[test]
    fn names_of_the_specification() {
        let uri = Uri::parse("pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;object=my-certificate;type=public;id=%69%95%3E%5C%F4%BD%EC%91?pin-source=file:/etc/token_pin").unwrap();
        assert_eq!(uri.token.as_deref(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!((uri.manufacturer.as_deref(), uri.model.as_deref()), (Some("Snake Oil, Inc."), Some("1.0")));
        assert_eq!(uri.id.as_deref(), Some(&b"\x69\x95\x3e\x5c\xf4\xbd\xec\x91"[..]));
        assert_eq!(uri.pin_source, Some(PathBuf::from("/etc/token_pin")));
        let uri = Uri::parse("pkcs11:slot-id=327;id=%01?module-path=/mnt/libmypkcs11.so.1").unwrap();
        assert_eq!((uri.slot_id, uri.module_path), (Some(327), Some(PathBuf::from("/mnt/libmypkcs11.so.1"))));
    }

    #[test]
    fn what_could_mean_another_key_is_refused_and_a_pin_is_never_shown() {
        for wrong in [
            "pkcs11:",
            "pkcs11:token=a",
            "pkcs:object=a",
            "pkcs11:object=a;object=b",
            "pkcs11:object=a;x-vendor=1",
            "pkcs11:object=a;type=cert",
            "pkcs11:object=%zz",
            "pkcs11:object=%ff",
            "pkcs11:object=%00",
            "pkcs11:object=a;slot-id=x",
            "pkcs11:object=a?pin-source=%7Cprogram",
            "pkcs11:object=a?module-name=x",
            "pkcs11:object=a;1234secret",
            "pkcs11:object=a?pin-value=1234secret",
        ] {
            let error = Uri::parse(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Uri::parse(&format!("pkcs11:object={}", "a".repeat(5000))).is_err());
    }
}
