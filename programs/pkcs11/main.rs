//! `imgguard-pkcs11`: keys in PKCS#11 tokens for `imgguard sign --key pkcs11:…`.
//!
//! A program of its own, since a module is a library of the token's vendor: `imgguard` is static and cannot load one, and must not fall with it. It speaks the protocol of Sigstore's plugins for
//! key management services (`imgguard::sign::keys::program`), so it is started for each question and ends with its answer.
//!
//! The PIN comes from the file that the key's name gives (`pin-source`), else from `IMGGUARD_PKCS11_PIN` or `COSIGN_PKCS11_PIN`, and is never printed. The module is that of the name
//! (`module-path`), else of `COSIGN_PKCS11_MODULE_PATH`.
//!
//! Source: PKCS #11 v2.40 and v3.0; RFC 7512.

mod public;
mod token;

use std::io::{Read as _, Write as _};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use imgguard::sign::keys::pkcs11::Uri;
use imgguard::sign::keys::program::{Answer, PROTOCOL, PublicKeyAnswer, Question, SignAnswer};

/// Largest message, in bytes: an attestation with an SBOM in it.
const MAX_MESSAGE_BYTES: u64 = 64 << 20;

fn main() -> ExitCode {
    let answer = answer().unwrap_or_else(|error| Answer { error_message: format!("{error:#}"), ..Answer::default() });
    let written = serde_json::to_vec(&answer).map(|bytes| std::io::stdout().lock().write_all(&bytes));
    match written {
        Ok(Ok(())) if answer.error_message.is_empty() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn answer() -> anyhow::Result<Answer> {
    let mut arguments = std::env::args().skip(1);
    let (Some(version), Some(question)) = (arguments.next(), arguments.next()) else {
        anyhow::bail!("this program is started by `imgguard sign --key pkcs11:…`");
    };
    anyhow::ensure!(version == PROTOCOL, "version {version} of the protocol is not known");
    let question: Question = serde_json::from_str(&question)?;
    let name = &question.init_options.key_resource_id;
    let uri = Uri::parse(name).map_err(|error| anyhow::anyhow!("the key's name cannot be used: {error}"))?;
    let token = token::open(&uri)?;
    match question.method_name.as_str() {
        "publicKey" => {
            let pem = BASE64.encode(token.public_key()?.to_pem());
            Ok(Answer { public_key: Some(PublicKeyAnswer { public_key_pem: pem }), ..Answer::default() })
        }
        "signMessage" => {
            let mut message = Vec::new();
            let length = std::io::stdin().lock().take(MAX_MESSAGE_BYTES + 1).read_to_end(&mut message)?;
            anyhow::ensure!(length as u64 <= MAX_MESSAGE_BYTES, "the message has more than {MAX_MESSAGE_BYTES} bytes");
            let signature = BASE64.encode(token.sign(&message)?);
            Ok(Answer { sign_message: Some(SignAnswer { signature }), ..Answer::default() })
        }
        other => anyhow::bail!("`{other}` is nothing that this program does"),
    }
}
