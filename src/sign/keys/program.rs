//! Keys that another program holds: a key management service, a token. The program gives public keys and signatures, and never its key.
//!
//! The programs are Sigstore's plugins for key management services: whatever was written for `cosign sign --key NAME://KEY` works here. Each call starts the program with the version of the
//! protocol and a JSON document as arguments and the message as standard input, and it answers with a JSON document.
//!
//! Source: `sigstore/sigstore`, `pkg/signature/kms/cliplugin` (`README.md`, `common/interface.go`), protocol version 1.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use super::public::KeyKind;
use super::{KeyError, PublicKey, Signer};

/// The version of the protocol.
pub const PROTOCOL: &str = "1";

/// What the names of such programs begin with.
const PREFIX: &str = "sigstore-kms-";

/// Largest answer, in bytes; a signature of RSA-4096 has 700 in base64.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// How long a program may take: somebody may have to touch a token or approve a request.
const LIMIT: Duration = Duration::from_secs(120);

/// What a program is asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// The key.
    pub init_options: InitOptions,
    /// `publicKey` or `signMessage`.
    pub method_name: String,
    /// Arguments of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKeyArguments>,
    /// Arguments of the second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_message: Option<SignArguments>,
}

/// Which key, and how it hashes.
#[derive(Debug, Serialize, Deserialize)]
pub struct InitOptions {
    /// [`PROTOCOL`].
    #[serde(rename = "protocolVersion")]
    pub protocol_version: String,
    /// The key's name, in the program's own words.
    #[serde(rename = "keyResourceID")]
    pub key_resource_id: String,
    /// The hash by its number in Go: 5 for SHA-256, 6 for SHA-384, 7 for SHA-512, 0 for none.
    #[serde(rename = "hashFunc")]
    pub hash_func: u32,
}

/// Options of `publicKey`; none is used.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PublicKeyArguments {
    /// Options.
    pub public_key_options: Options,
}

/// Options of `signMessage`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignArguments {
    /// Options.
    pub sign_options: Options,
}

/// What programs of Go expect to be there.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Options {
    /// Which version of the key, and the like.
    pub rpc_options: serde_json::Map<String, serde_json::Value>,
    /// What the message is.
    pub message_options: MessageOptions,
}

/// What the message is.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MessageOptions {
    /// The hash, where it differs from that of [`InitOptions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_func: Option<u32>,
    /// The message's hash in place of the message; never sent from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// What a program answers.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answer {
    /// Why there is no answer.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub error_message: String,
    /// Of `publicKey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<PublicKeyAnswer>,
    /// Of `signMessage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sign_message: Option<SignAnswer>,
}

/// A public key.
#[derive(Debug, Serialize, Deserialize)]
pub struct PublicKeyAnswer {
    /// Base64 of its PEM.
    #[serde(rename = "publicKeyPEM")]
    pub public_key_pem: String,
}

/// A signature.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignAnswer {
    /// Base64 of it.
    pub signature: String,
}

/// A key that a program holds.
#[derive(Debug)]
pub struct Held {
    program: PathBuf,
    key: String,
    public: PublicKey,
}

/// The program and the key of a name such as `awskms://alias/release`; none if it is no such name.
#[must_use]
pub fn named(text: &str) -> Option<(PathBuf, &str)> {
    let (name, key) = text.split_once("://")?;
    let is_name =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_name.then(|| (PathBuf::from(format!("{PREFIX}{name}")), key))
}

impl Held {
    /// Asks the program for the public key. A program without a folder is looked for in `PATH`.
    ///
    /// # Errors
    /// When it cannot be run, or gives no key of a supported kind.
    pub fn open(program: &Path, key: &str) -> Result<Self, KeyError> {
        let wrong = |detail: &str| failed(program, detail);
        let question = question("publicKey", key, hash(KeyKind::P256));
        let question = Question { public_key: Some(PublicKeyArguments::default()), ..question };
        let answer = ask(program, &question, &[])?.public_key.ok_or_else(|| wrong("it gave no public key"))?;
        let pem = BASE64.decode(answer.public_key_pem).map_err(|_| wrong("its public key is no base64"))?;
        Ok(Self { program: program.to_owned(), key: key.to_owned(), public: PublicKey::from_pem(&pem)? })
    }
}

impl Signer for Held {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let wrong = |detail: &str| failed(&self.program, detail);
        let question = question("signMessage", &self.key, hash(self.public.kind()));
        let question = Question { sign_message: Some(SignArguments::default()), ..question };
        let answer =
            ask(&self.program, &question, message)?.sign_message.ok_or_else(|| wrong("it gave no signature"))?;
        let signature = BASE64.decode(answer.signature).map_err(|_| wrong("its signature is no base64"))?;
        if self.public.verifies(message, &signature) {
            return Ok(signature);
        }
        Err(wrong("its signature is not one of its public key over the message"))
    }
}

fn question(method: &str, key: &str, hash_func: u32) -> Question {
    let (protocol_version, key_resource_id) = (PROTOCOL.to_owned(), key.to_owned());
    let init_options = InitOptions { protocol_version, key_resource_id, hash_func };
    Question { init_options, method_name: method.to_owned(), public_key: None, sign_message: None }
}

/// The hash of this kind of key by its number in Go's `crypto` package.
fn hash(kind: KeyKind) -> u32 {
    match kind {
        KeyKind::P256 | KeyKind::Rsa => 5,
        KeyKind::P384 => 6,
        KeyKind::P521 => 7,
        KeyKind::Ed25519 => 0,
    }
}

fn failed(program: &Path, detail: &str) -> KeyError {
    KeyError::Program { program: program.display().to_string(), detail: detail.to_owned() }
}

/// Runs the program once. What it writes to standard error goes to ours, as the protocol has it.
fn ask(program: &Path, question: &Question, message: &[u8]) -> Result<Answer, KeyError> {
    let wrong = |detail: String| failed(program, &detail);
    let question = serde_json::to_string(question).map_err(|error| wrong(error.to_string()))?;
    let mut command = Command::new(program);
    command.args([PROTOCOL, &question]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().map_err(|error| wrong(format!("it cannot be run: {error}")))?;
    let outcome = exchange(&mut child, message.to_vec());
    // It has answered, or never will.
    let _ = child.kill();
    let _ = child.wait();
    let bytes = outcome.map_err(wrong)?;
    let answer: Answer =
        serde_json::from_slice(&bytes).map_err(|error| wrong(format!("its answer is not understood: {error}")))?;
    if answer.error_message.is_empty() {
        Ok(answer)
    } else {
        Err(wrong(crate::net::excerpt(answer.error_message.as_bytes())))
    }
}

/// Gives the message and takes the answer, each on a thread, since either side may wait for the other.
fn exchange(child: &mut Child, message: Vec<u8>) -> Result<Vec<u8>, String> {
    let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("it has no standard input or output".into());
    };
    // That it does not read the message is its own business: a public key needs none.
    thread::spawn(move || drop(input.write_all(&message)));
    let (answered, answer) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = output.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut bytes);
        let _ = answered.send(read.map(|_| bytes));
    });
    match answer.recv_timeout(LIMIT) {
        Ok(Ok(bytes)) if bytes.len() as u64 > MAX_ANSWER_BYTES => {
            Err(format!("its answer is larger than {MAX_ANSWER_BYTES} bytes"))
        }
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(format!("its answer could not be read: {error}")),
        Err(RecvTimeoutError::Timeout) => Err(format!("it did not answer within {} s", LIMIT.as_secs())),
        Err(RecvTimeoutError::Disconnected) => Err("its answer could not be read".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `interface_test.go` has the words that programs expect.
    #[test]
    fn questions_are_in_the_protocols_words() {
        let question =
            Question { sign_message: Some(SignArguments::default()), ..question("signMessage", "alias/a", 5) };
        let json = serde_json::to_value(&question).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "initOptions": {"protocolVersion": "1", "keyResourceID": "alias/a", "hashFunc": 5},
                "methodName": "signMessage",
                "signMessage": {"signOptions": {"rpcOptions": {}, "messageOptions": {}}},
            })
        );
    }

    #[test]
    fn names_of_programs_are_no_paths() {
        assert_eq!(named("awskms://alias/a"), Some((PathBuf::from("sigstore-kms-awskms"), "alias/a")));
        for other in ["cosign.key", "../x://a", "://a", "A b://a", "/bin/sh://a"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn programs_that_do_wrong() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        for (script, said) in [
            ("exit 1", "not understood"),
            ("echo '{\"errorMessage\":\"no \\u001b[31mkey\"}'", "no  [31mkey"),
            ("echo '{}'", "gave no public key"),
            ("echo '{\"publicKey\":{\"publicKeyPEM\":\"!\"}}'", "no base64"),
            ("head -c 2000000 /dev/zero", "larger than"),
        ] {
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            let error = Held::open(&path, "a").unwrap_err().to_string();
            assert!(error.contains(said), "{script}: {error}");
        }
        assert!(Held::open(&folder.path().join("absent"), "a").unwrap_err().to_string().contains("cannot be run"));
    }
}
