//! `docker-daemon:`: a real engine where one can be started, and one that we play ourselves for what a real one does not do on demand.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise, and says what it skipped")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/sample");

fn scan(reference: &str, socket: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_imgguard"))
        .args(["scan", reference, "--offline", "--cache", "none", "--as-of", "2026-11-25", "--format", "json"])
        .args(["--platform", "linux/amd64"])
        .env("DOCKER_HOST", format!("unix://{}", socket.display()))
        .output()
        .unwrap()
}

/// What of a report does not depend on how the image was stored.
fn facts(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |list: &str, key: &str| -> Vec<String> {
        let rows = report[list].as_array().unwrap();
        assert!(!rows.is_empty(), "{list}");
        rows.iter().map(|row| format!("{list} {}", row[key])).collect()
    };
    let mut facts = [of("packages", "purl"), of("findings", "id"), of("platforms", "user")].concat();
    facts.sort();
    facts
}

/// What an engine answers to the request for a path.
type Answer = fn(&str) -> Vec<u8>;

/// An engine of our own: answers each request with what `answer` gives for its path.
fn play(folder: &Path, answer: Answer) -> PathBuf {
    let socket = folder.join("engine.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            serve(stream, answer);
        }
    });
    socket
}

/// One request, one answer, and the connection is closed: an answer that is shorter than it says must not be waited for.
fn serve(stream: UnixStream, answer: Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if !reader.read_line(&mut request).is_ok_and(|n| n > 0) {
            return;
        }
    }
    let path = request.split(' ').nth(1).unwrap();
    let _ = writer.write_all(&answer(path));
}

fn response(status: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(), body]
        .concat()
}

fn archive() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |path: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, content).unwrap();
    };
    add("config.json", br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#);
    add("manifest.json", br#"[{"Config":"config.json","RepoTags":["app:1"],"Layers":[]}]"#);
    builder.into_inner().unwrap()
}

#[test]
fn an_export_is_read_from_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = play(folder.path(), |path| match path {
        "/images/app:1/json" => response("200 OK", b"{}"),
        "/images/app:1/get" => response("200 OK", &archive()),
        _ => response("404 Not Found", br#"{"message":"no"}"#),
    });
    let output = scan("docker-daemon:app:1", &socket);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["subject"]["transport"], "docker-daemon");
    // A bare name is asked for here first.
    let output = scan("app:1", &socket);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(scan("docker-daemon:app:2", &socket).status.code(), Some(5));
}

#[test]
fn an_engine_that_fails_is_told_and_not_believed() {
    let cases: [(Answer, i32, &str); 4] = [
        (|_| response("500 Internal Server Error", b"{}"), 5, "failed with status 500"),
        (|_| response("403 Forbidden", b"\x1b[31mno\n"), 5, "status 403"),
        (|_| b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort".to_vec(), 5, "could not be reached"),
        (|path| response("200 OK", if path.ends_with("/get") { &[0x1f; 600] } else { b"{}" }), 3, "malformed"),
    ];
    for (answer, code, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        let socket = play(folder.path(), answer);
        let output = scan("docker-daemon:app:1", &socket);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(message) && !said.contains('\x1b'), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn no_engine_is_told() {
    let output = scan("docker-daemon:app:1", Path::new("/nonexistent/engine.sock"));
    assert_eq!(output.status.code(), Some(5));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nonexistent/engine.sock"));
}

/// A real engine, stopped with the test.
struct Engine {
    child: Child,
    folder: tempfile::TempDir,
}

impl Engine {
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let socket = format!("unix://{}", path("docker.sock"));
        let spawned = Command::new("dockerd")
            .args(["--iptables=false", "--bridge=none", "--storage-driver=vfs", "--host", &socket])
            .args(["--data-root", &path("data"), "--exec-root", &path("exec"), "--pidfile", &path("pid")])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            skipped!("dockerd is absent");
            return None;
        };
        let log = BufReader::new(child.stderr.take().unwrap());
        let mut engine = Self { child, folder };
        // It says when it listens; where it may not run at all, it says so and ends.
        let mut lines = log.lines().map_while(Result::ok);
        if lines.any(|line| line.contains("API listen on")) {
            std::thread::spawn(move || lines.for_each(drop));
            return Some(engine);
        }
        let _ = engine.child.wait();
        skipped!("dockerd cannot run here");
        None
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Asked to end, it takes its helpers with it.
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_engine_gives_what_the_layout_holds() {
    let Some(engine) = Engine::start() else { return };
    let copied = Command::new("skopeo")
        .args(["copy", "--quiet", "--override-os", "linux", "--override-arch", "amd64"])
        .args(["--dest-daemon-host", &format!("unix://{}", engine.socket().display())])
        .args([&format!("oci:{SAMPLE}"), "docker-daemon:sample:1"])
        .output();
    let Ok(copied) = copied else {
        skipped!("skopeo is absent");
        return;
    };
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    let layout = facts(&scan(&format!("oci:{SAMPLE}"), &engine.socket()));
    assert_eq!(facts(&scan("docker-daemon:sample:1", &engine.socket())), layout);
    assert_eq!(facts(&scan("sample:1", &engine.socket())), layout, "a bare name is found in the engine");
    assert_eq!(scan("docker-daemon:sample:2", &engine.socket()).status.code(), Some(5));
}
