//! Mirrors, proxies, and what may not be reached.

use std::fs;
use std::process::Command;

use crate::server::{Answer, Server, Stored};
use crate::world::{AS_OF, Ended, end, program};

fn scan(reference: &str) -> Command {
    let mut command = program();
    command.args(["scan", reference, "--cache", "none", "--as-of", AS_OF, "--format", "json"]);
    command
}

fn with_configuration(reference: &str, text: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("registries.conf");
    fs::write(&file, text).unwrap();
    end(scan(reference).env("CONTAINERS_REGISTRIES_CONF", file))
}

#[test]
fn the_first_mirror_that_has_the_image_answers() {
    let stored = Stored::new();
    let empty = stored.serve(|asked, _| (asked.path != "/v2/").then(|| Answer::new(404, "")));
    let mirror = stored.serve(|asked, stored| {
        let mut inner = asked.clone();
        inner.path = asked.path.replace("/v2/copies/team/app/", "/v2/app/");
        Some(stored.answer(&inner))
    });
    let configuration = format!(
        "[[registry]]\nprefix = \"registry.invalid/team\"\nlocation = \"registry.invalid/team\"\n\
         [[registry.mirror]]\nlocation = \"{}\"\n[[registry.mirror]]\nlocation = \"{}/copies/team\"\ninsecure = true\n",
        empty.address, mirror.address
    );
    let ended = with_configuration("registry.invalid/team/app:1", &configuration);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.json()["subject"]["reference"], "registry.invalid/team/app:1", "the name stays the user's");
    assert_eq!(ended.json()["subject"]["digest"], *stored.manifest);
    assert_eq!(empty.asked_for("/v2/app/manifests/1").len(), 1);
    assert_eq!(mirror.asked_for("/v2/copies/team/app/blobs/").len(), 2);
}

#[test]
fn a_blocked_registry_is_not_asked() {
    let server = Stored::new().serve(|_, _| None);
    let configuration = format!("[[registry]]\nlocation = \"{}\"\nblocked = true\n", server.address);
    let ended = with_configuration(&server.image(), &configuration);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.err.contains("registries.conf blocks"), "{}", ended.err);
    assert!(server.asked().is_empty());
    let ended = with_configuration(&server.image(), "[[registry]\n");
    assert_eq!(ended.code, 2, "{}", ended.err);
    assert!(ended.err.contains("registries.conf` cannot be used"), "{}", ended.err);
}

#[test]
fn a_proxy_is_used_but_not_for_this_machine() {
    let stored = Stored::new();
    let proxy = stored.serve(|_, _| None);
    let url = proxy.url("");
    let plain = ["--plain-http", "registry.invalid"];
    let ended = end(scan("registry.invalid/app:1").args(plain).env("HTTP_PROXY", &url));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        proxy.asked().iter().all(|asked| asked.path.starts_with("http://registry.invalid/v2/")),
        "{:?}",
        proxy.asked()
    );
    let asked = proxy.asked().len();
    let server = stored.serve(|_, _| None);
    let ended = end(scan(&server.image()).args(["--plain-http", "127.0.0.1"]).env("HTTP_PROXY", &url));
    assert_eq!((ended.code, proxy.asked().len()), (0, asked), "{}", ended.err);
    // An address that leads to this machine, but is none of loopback's.
    let everywhere = format!("0.0.0.0:{}/app:1", server.address.port());
    let direct = |no_proxy: &str| {
        let mut command = scan(&everywhere);
        let ended = end(command.args(["--plain-http", "0.0.0.0"]).env("HTTP_PROXY", &url).env("NO_PROXY", no_proxy));
        assert_eq!(ended.code, 0, "{}", ended.err);
        proxy.asked().len() == asked
    };
    assert!(direct("10.0.0.0/8,0.0.0.0/16"));
    assert!(!direct("10.0.0.0/8"));
}

#[test]
fn a_server_on_loopback_may_speak_plain_http_unasked() {
    let stored = Stored::new();
    let server: Server = stored.serve(|_, _| None);
    let ended = end(&mut scan(&server.image()));
    assert_eq!(ended.code, 0, "{}", ended.err);
}
