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
    let output =
        run(&program, server, TIMEOUT).await.map_err(|error| failed(&format!("could not be used: {error}")))?;
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

/// Runs `PROGRAM get`. After `limit` the program is killed, as when this is dropped before its end.
async fn run(program: &str, server: &str, limit: Duration) -> std::io::Result<Output> {
    let mut child = Command::new(program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let talk = async {
        if let Some(mut stdin) = child.stdin.take() {
            // A helper that does not listen says so by its exit.
            let _ = stdin.write_all(server.as_bytes()).await;
        }
        let mut stdout = Vec::new();
        if let Some(pipe) = child.stdout.take() {
            pipe.take(MAX_ANSWER_BYTES).read_to_end(&mut stdout).await?;
        }
        Ok(Output { status: child.wait().await?, stdout, stderr: Vec::new() })
    };
    let late = |_| std::io::Error::other(format!("it gave no answer within {} s and was stopped", limit.as_secs()));
    timeout(limit, talk).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_helper_that_does_not_end_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let (script, program, fifo) = ["script", "program", "fifo"].map(|name| folder.path().join(name)).into();
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        std::fs::write(&script, format!("#!/bin/sh\nexec tail -f /dev/null 3> '{}'\n", fifo.display())).unwrap();
        // Copied by another process: a file that this one still wrote to while a test beside it forks could not be run.
        assert!(std::process::Command::new("cp").args([&script, &program]).status().unwrap().success());
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        // The pipe ends when the last process that holds it does.
        let end = std::thread::spawn(move || std::fs::File::open(fifo).unwrap().read_to_end(&mut Vec::new()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcome = runtime.block_on(run(program.to_str().unwrap(), "registry.example", Duration::from_secs(1)));
        assert_eq!(outcome.unwrap_err().to_string(), "it gave no answer within 1 s and was stopped");
        assert_eq!(end.join().unwrap(), 0);
    }
}
