//! Challenges, tokens, and where credentials are found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use imgguard::net::Settings;
use imgguard::source::registry::Registry;
use imgguard::source::{Content, PlatformChoice};

use crate::server::{Answer, Asked, Body, Server, Stored};
use crate::world::{AS_OF, Ended, end, program};

/// `user:s3cr3t`, as a header has it.
const BASIC: &str = "Basic dXNlcjpzM2NyM3Q=";

/// A scan of `app:1`, to be given an environment.
fn scan(server: &Server) -> Command {
    let mut command = program();
    let image = server.image();
    command.args(["scan", &image, "--cache", "none", "--as-of", AS_OF, "--format", "json"]);
    command.args(["--plain-http", &server.address.to_string()]);
    command
}

fn succeeds(command: &mut Command) -> Ended {
    let ended = end(command);
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended
}

/// Demands exit 5, these words, and that no secret of these tests is told.
#[track_caller]
fn fails(command: &mut Command, words: &[&str]) {
    let ended = end(command);
    let all = format!("{}\n{}", ended.err, ended.out);
    assert_eq!(ended.code, 5, "{all}");
    for word in words {
        assert!(all.contains(word), "`{word}` is missing in: {all}");
    }
    for secret in ["s3cr3t", "dXNlcjpzM2NyM3Q", "r3fr3sh", "t0k3n"] {
        assert!(!all.contains(secret), "`{secret}` is told: {all}");
    }
}

/// A file of credentials with one entry.
fn auths(server: &Server, entry: &str) -> String {
    format!(r#"{{"auths":{{"{}":{entry}}}}}"#, server.address)
}

const PASSWORD: &str = r#"{"auth":"dXNlcjpzM2NyM3Q="}"#;

/// A registry that wants a password.
fn basic(stored: &Stored) -> Server {
    stored.serve(|asked, _| {
        let challenge = || Answer::new(401, "no").with("WWW-Authenticate", "Basic realm=\"Registry\"");
        (asked.header("authorization") != Some(BASIC)).then(challenge)
    })
}

/// A token server, which issues `t0k3n-1`, `t0k3n-2`, …, and a registry that takes the newest of them as long as `holds` says.
fn bearer(stored: &Stored, holds: impl Fn(&Asked, &Stored, usize) -> bool + Send + Sync + 'static) -> (Server, Server) {
    let issued = Arc::new(AtomicUsize::new(0));
    let counter = issued.clone();
    let tokens = Server::start(move |asked| {
        let anonymous = asked.header("authorization").is_none() && asked.method == "GET";
        let known = asked.header("authorization") == Some(BASIC) || asked.body.contains("refresh_token=r3fr3sh");
        if !anonymous && !known {
            return Answer::new(401, r#"{"errors":[{"code":"UNAUTHORIZED","message":"bad login"}]}"#);
        }
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        Answer::new(200, format!(r#"{{"token":"t0k3n-{number}","expires_in":300}}"#))
    });
    let challenge = format!(
        r#"Bearer realm="{}",service="the service",scope="repository:app:pull,push""#,
        tokens.url("/token?account=x")
    );
    let registry = stored.serve(move |asked, stored| {
        let number = issued.load(Ordering::SeqCst);
        let holds =
            asked.header("authorization") == Some(&*format!("Bearer t0k3n-{number}")) && holds(asked, stored, number);
        (!holds).then(|| Answer::new(401, "who?").with("WWW-Authenticate", challenge.clone()))
    });
    (registry, tokens)
}

#[test]
fn a_token_is_fetched_once_and_only_for_reading() {
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| true);
    succeeds(&mut scan(&registry));
    let asked = tokens.asked();
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert_eq!(asked[0].path, "/token?account=x&scope=repository%3Aapp%3Apull&service=the+service");
    assert!(!asked[0].headers.contains_key("authorization"));
    let with = |asked: &&Asked| asked.headers.contains_key("authorization");
    assert_eq!(registry.asked().iter().filter(|asked| !with(asked)).count(), 1, "only the greeting came without");
}

#[test]
fn a_token_that_expires_in_the_middle_of_a_layer_is_renewed() {
    let stored = Stored::new();
    // The first token is taken back once the layer has been asked for, and that answer breaks.
    let (inner, tokens) = bearer(&stored, |asked, stored, number| {
        number > 1 || !asked.path.ends_with(&stored.layer) || asked.before == 0
    });
    let inner = inner.address;
    let front = Server::start(move |asked| {
        let mut answer = forward(inner, asked);
        if asked.path.contains("/blobs/") && answer.body.len() > 1_000_000 && asked.before == 0 {
            answer.send = Body::Cut(700_000);
        }
        answer
    });
    succeeds(&mut scan(&front));
    let layer: Vec<(Option<String>, Option<String>)> = front
        .asked_for(&stored.layer)
        .iter()
        .map(|asked| (asked.header("range").map(str::to_owned), asked.header("authorization").map(str::to_owned)))
        .collect();
    let expected = |range: Option<&str>, token: &str| (range.map(str::to_owned), Some(format!("Bearer {token}")));
    assert_eq!(
        layer,
        [
            expected(None, "t0k3n-1"),
            expected(Some("bytes=700000-"), "t0k3n-1"),
            expected(Some("bytes=700000-"), "t0k3n-2")
        ]
    );
    assert_eq!(tokens.asked().len(), 2);
}

/// Asks another server the same.
fn forward(to: std::net::SocketAddr, asked: &Asked) -> Answer {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(to).unwrap();
    let mut request = format!("GET {} HTTP/1.1\r\n", asked.path);
    for (name, value) in &asked.headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut whole = Vec::new();
    stream.read_to_end(&mut whole).unwrap();
    let end = whole.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(whole[..end].to_vec()).unwrap();
    let mut answer = Answer::new(head[9..12].parse().unwrap(), &whole[end + 4..]);
    for line in head.lines().skip(1).filter(|line| !line.starts_with("Content-Length")) {
        let (name, value) = line.split_once(": ").unwrap();
        answer = answer.with(name, value);
    }
    answer
}

/// The token server is the registry itself, which has few connections; all of them are answered with 401 at once.
#[test]
fn many_layers_can_wait_for_a_new_token_of_the_same_host() {
    const READERS: usize = 16;
    const CONNECTIONS: usize = 6;
    let stored = Stored::new();
    let all_are_there = Barrier::new(CONNECTIONS);
    let server = stored.serve(move |asked, stored| {
        if asked.path.starts_with("/token") {
            return Some(Answer::new(200, format!(r#"{{"token":"t0k3n-{}"}}"#, asked.before)));
        }
        let token = asked.header("authorization");
        let is_layer = asked.path.ends_with(&stored.layer);
        if is_layer && asked.before < CONNECTIONS {
            all_are_there.wait();
        }
        let holds = token.is_some_and(|token| token == "Bearer t0k3n-1" || (!is_layer && token == "Bearer t0k3n-0"));
        let challenge = || format!("Bearer realm=\"http://{}/token\"", asked.header("host").unwrap());
        (!holds).then(|| Answer::new(401, "").with("WWW-Authenticate", challenge()))
    });
    let settings = Settings { plain_http: vec![server.address.to_string()], ..Settings::default() };
    let registry = Registry::new(settings, &|_| None).unwrap();
    let image = registry.open(&server.image().parse().unwrap(), &PlatformChoice::All, "test").unwrap();
    let (sender, done) = channel();
    let start = Arc::new(Barrier::new(READERS));
    for _ in 0..READERS {
        let (image, sender, start) = (image.clone(), sender.clone(), start.clone());
        std::thread::spawn(move || {
            start.wait();
            let Content::Bytes(mut reader) = image.blobs.open(&image.manifests[0].layers[0]).unwrap() else { return };
            sender.send(std::io::copy(&mut reader, &mut std::io::sink()).unwrap()).unwrap();
        });
    }
    for _ in 0..READERS {
        let length = done.recv_timeout(Duration::from_secs(20)).expect("every reader comes to its end");
        assert_eq!(length, stored.bytes(&stored.layer).len() as u64);
    }
    assert_eq!(server.asked_for("/token").len(), 2, "one renewal served all");
}

#[test]
fn a_password_goes_to_the_token_server_alone() {
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| true);
    succeeds(scan(&registry).env("DOCKER_AUTH_CONFIG", auths(&registry, PASSWORD)));
    assert_eq!(tokens.asked()[0].header("authorization"), Some(BASIC));
    assert!(registry.asked().iter().all(|asked| asked.header("authorization") != Some(BASIC)));
}

#[test]
fn an_identity_token_is_exchanged_by_post() {
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| true);
    let entry = r#"{"auth":"PHRva2VuPjo=","identitytoken":"r3fr3sh"}"#;
    succeeds(scan(&registry).env("DOCKER_AUTH_CONFIG", auths(&registry, entry)));
    let asked = tokens.asked();
    assert_eq!((asked.len(), asked[0].method.as_str()), (1, "POST"));
    assert_eq!(
        asked[0].body,
        "scope=repository%3Aapp%3Apull&service=the+service&grant_type=refresh_token&client_id=imgguard&refresh_token=r3fr3sh"
    );
}

#[test]
fn a_registry_token_is_sent_as_it_is() {
    let server = Stored::new().serve(|asked, _| {
        let challenge = || Answer::new(401, "").with("WWW-Authenticate", r#"Bearer realm="http://127.0.0.1:1/""#);
        (asked.header("authorization") != Some("Bearer t0k3n")).then(challenge)
    });
    succeeds(scan(&server).env("DOCKER_AUTH_CONFIG", auths(&server, r#"{"registrytoken":"t0k3n"}"#)));
}

#[test]
fn wrong_credentials_never_become_none() {
    let wrong = r#"{"username":"somebody","password":"s3cr3t"}"#;
    let server = basic(&Stored::new());
    let told =
        ["asks for other credentials (user `somebody` of `DOCKER_AUTH_CONFIG` was tried; it says: no)", "hint: log in"];
    fails(scan(&server).env("DOCKER_AUTH_CONFIG", auths(&server, wrong)), &told);
    assert_eq!(server.asked().len(), 2, "the greeting and one try");
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| true);
    let told = ["user `somebody` of `DOCKER_AUTH_CONFIG` was tried; its token server says: bad login"];
    fails(scan(&registry).env("DOCKER_AUTH_CONFIG", auths(&registry, wrong)), &told);
    assert_eq!((tokens.asked().len(), registry.asked().len()), (1, 1), "no token, no further request");
    let told = ["the identity token of `DOCKER_AUTH_CONFIG` was tried"];
    fails(scan(&registry).env("DOCKER_AUTH_CONFIG", auths(&registry, r#"{"identitytoken":"r3v0k3d"}"#)), &told);
}

#[test]
fn strangers_are_told_so() {
    fails(&mut scan(&basic(&Stored::new())), &["no credentials were found for it; it asks for a password"]);
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| false);
    fails(&mut scan(&registry), &["no credentials were found for it; it says: who?"]);
    assert_eq!(tokens.asked().len(), 2, "the token was renewed once and not again");
}

#[test]
fn a_token_server_is_not_believed() {
    let says = |answer: Answer| {
        let tokens = Server::start(move |_| answer.clone());
        let challenge = format!("Bearer realm=\"{}\"", tokens.url("/token"));
        let registry =
            Stored::new().serve(move |_, _| Some(Answer::new(401, "").with("WWW-Authenticate", challenge.clone())));
        (registry, tokens)
    };
    let (registry, _tokens) = says(Answer::new(200, r#"{"tok":"t0k3n"}"#));
    fails(&mut scan(&registry), &["unexpected answer while asking for a token: its answer holds no token"]);
    let (registry, _tokens) = says(Answer::new(200, r#"{"token":"t0k3n\n"}"#));
    fails(&mut scan(&registry), &["cannot be sent in a header"]);
    let (registry, _tokens) = says(Answer::later(503));
    fails(&mut scan(&registry), &["failed with status 503 while asking for a token"]);
    let (registry, _tokens) = says(Answer::new(403, "not you"));
    fails(&mut scan(&registry), &["denies access to `a token for `app`` (not you)"]);
    let remote = Stored::new()
        .serve(|_, _| Some(Answer::new(401, "").with("WWW-Authenticate", "Bearer realm=\"http://192.0.2.1/token\"")));
    fails(&mut scan(&remote), &["its token server is not asked: it leads to `192.0.2.1` without TLS"]);
}

#[test]
fn every_place_of_credentials_is_looked_into() {
    let server = basic(&Stored::new());
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().to_str().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let good = auths(&server, PASSWORD);
    for (name, variable, value) in [
        ("named.json", "REGISTRY_AUTH_FILE", "named.json"),
        ("docker/config.json", "DOCKER_CONFIG", "docker"),
        ("run/containers/auth.json", "XDG_RUNTIME_DIR", "run"),
        ("config/containers/auth.json", "XDG_CONFIG_HOME", "config"),
        ("podman/.config/containers/auth.json", "HOME", "podman"),
        ("home/.docker/config.json", "HOME", "home"),
    ] {
        write(name, &good);
        succeeds(scan(&server).env(variable, format!("{root}/{value}")));
    }
    // The key with the repository counts more than the host's.
    let wrong = r#"{"auth":"bm9ib2R5Ong="}"#;
    write(
        "run/containers/auth.json",
        &format!(r#"{{"auths":{{"{0}":{wrong},"{0}/app":{PASSWORD}}}}}"#, server.address),
    );
    succeeds(scan(&server).env("XDG_RUNTIME_DIR", format!("{root}/run")));
    // The first place that knows the registry counts.
    let both = |command: &mut Command| {
        command.env("XDG_RUNTIME_DIR", format!("{root}/run")).env("DOCKER_AUTH_CONFIG", auths(&server, wrong));
    };
    let mut command = scan(&server);
    both(&mut command);
    fails(&mut command, &["user `nobody` of `DOCKER_AUTH_CONFIG` was tried"]);
}

#[test]
fn files_that_cannot_be_understood_are_told() {
    let server = basic(&Stored::new());
    let ended = end(scan(&server).env("DOCKER_AUTH_CONFIG", "{\"auths\": s3cr3t"));
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(
        ended.err.contains("the configuration in `DOCKER_AUTH_CONFIG` cannot be used: line 1, column 11"),
        "{}",
        ended.err
    );
    assert!(!ended.err.contains("s3cr3t"), "{}", ended.err);
    let ended = end(scan(&server).env("REGISTRY_AUTH_FILE", "/nonexistent/auth.json"));
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("/nonexistent/auth.json"), "{}", ended.err);
}

/// Puts `docker-credential-test` into a folder, to be found on `PATH`.
fn helper(folder: &Path, script: &str) -> String {
    let (source, program) = (folder.join("script"), folder.join("docker-credential-test"));
    fs::write(&source, format!("#!/bin/sh\n{script}\n")).unwrap();
    // Copied by another process: a file that this one still wrote to while a test beside it forks could not be run.
    assert!(Command::new("cp").args([&source, &program]).status().unwrap().success());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    format!("{}:/usr/bin:/bin", folder.display())
}

#[test]
fn helpers_are_asked() {
    let server = basic(&Stored::new());
    let folder = tempfile::tempdir().unwrap();
    let special = format!(r#"{{"credHelpers":{{"{}":"test"}}}}"#, server.address);
    let store = r#"{"credsStore":"test"}"#;
    let with = |script: &str, config: &str| {
        let mut command = scan(&server);
        command.env("PATH", helper(folder.path(), script)).env("DOCKER_AUTH_CONFIG", config);
        command
    };
    let knows = format!(
        r#"[ "$1" = get ] && [ "$(cat)" = "{}" ] && echo '{{"ServerURL":"x","Username":"user","Secret":"s3cr3t"}}'"#,
        server.address
    );
    succeeds(&mut with(&knows, &special));
    succeeds(&mut with(&knows, store));
    let unknown = "echo credentials not found in native keychain; exit 1";
    fails(&mut with(unknown, &special), &["no credentials were found for it"]);
    fails(
        &mut with("echo key ring is locked; exit 1", store),
        &["`docker-credential-test` failed: key ring is locked"],
    );
    fails(&mut with("echo s3cr3t", store), &["`docker-credential-test` gave an answer that is not understood"]);
    fails(&mut with("", r#"{"credsStore":"../evil"}"#), &["is not the name of a credential helper"]);
    fails(&mut with("", r#"{"credsStore":"absent"}"#), &["`docker-credential-absent` could not be used"]);
    let (registry, tokens) = bearer(&Stored::new(), |_, _, _| true);
    let identity = r#"echo '{"ServerURL":"x","Username":"<token>","Secret":"r3fr3sh"}'"#;
    succeeds(scan(&registry).env("PATH", helper(folder.path(), identity)).env("DOCKER_AUTH_CONFIG", store));
    assert!(tokens.asked()[0].body.ends_with("refresh_token=r3fr3sh"));
}
