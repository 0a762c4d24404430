//! `docker-credential-NAME get`: credentials that another program keeps.
//!
//! Source: docker-credential-helpers, "Development": the server's name on standard input, JSON on standard output; a name that is not known is exit 1 with a fixed sentence.

use std::process::{Output, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Login, Secret};
use crate::net;
use crate::source::SourceError;

/// How long a helper may take; some unlock a key ring or ask a service.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Largest answer of a helper.
const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// What helpers say of a server that they do not know.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that says that the secret is an identity token.
const TOKEN_USER: &str = "<token>";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a helper for the login to `server`; none when it does not know one.
///
/// # Errors
/// When the helper is missing, fails or takes longer than [`TIMEOUT`]; then it is killed.
pub(super) async fn ask(name: &str, server: &str) -> Result<Option<Login>, SourceError> {
    let program = format!("docker-credential-{name}");
    let failed =
        |detail: &str| SourceError::Unauthorized { host: server.to_owned(), detail: format!("`{program}` {detail}") };
    if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter)) {
        return Err(failed("is not the name of a credential helper"));
    }
    let output = timeout(TIMEOUT, run(&program, server))
        .await
        .map_err(|_| failed(&format!("gave no answer within {} s and was stopped", TIMEOUT.as_secs())))?
        .map_err(|error| failed(&format!("could not be run: {error}")))?;
    if !output.status.success() {
        let said = net::excerpt(&output.stdout);
        return if said.contains(NOT_FOUND) { Ok(None) } else { Err(failed(&format!("failed: {said}"))) };
    }
    // What it said may be a secret in another form: it is not quoted.
    let Answer { username, secret } =
        serde_json::from_slice(&output.stdout).map_err(|_| failed("gave an answer that is not understood"))?;
    let (from, secret) = (format!("`{program}`"), Secret::new(secret));
    Ok(Some(match username.as_str() {
        TOKEN_USER => Login::Identity { token: secret, from },
        _ => Login::Password { user: username, password: secret, from },
    }))
}

/// Runs `PROGRAM get`; when this is dropped before its end, the program is killed.
async fn run(program: &str, server: &str) -> std::io::Result<Output> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that does not listen says so by its exit.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let mut stdout = Vec::new();
    if let Some(pipe) = child.stdout.take() {
        pipe.take(MAX_ANSWER_BYTES).read_to_end(&mut stdout).await?;
    }
    Ok(Output { status: child.wait().await?, stdout, stderr: Vec::new() })
}
