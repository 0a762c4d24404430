//! What servers and networks do wrong, and what is made of it.

use std::io::Read as _;
use std::time::Duration;

use imgguard::digest::Digest;
use imgguard::net::Settings;
use imgguard::source::registry::Registry;
use imgguard::source::{Content, Image, PlatformChoice, SourceError};

use crate::server::{Answer, Asked, Body, Server, Stored};
use crate::world::{AS_OF, Ended, end, program};

/// Scans the image of a server that is spoken to without TLS.
fn scan(server: &Server, reference: &str, arguments: &[&str]) -> Ended {
    let plain = server.address.to_string();
    let fixed = ["scan", reference, "--cache", "none", "--as-of", AS_OF, "--format", "json", "--plain-http", &plain];
    end(program().args(fixed).args(arguments))
}

/// Scans `app:1` and demands a whole report, of the image that is stored.
fn succeeds(server: &Server, stored: &Stored) -> Ended {
    let ended = scan(server, &server.image(), &[]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.json()["subject"]["digest"], *stored.manifest);
    assert_eq!(ended.json()["platforms"][0]["complete"], true);
    ended
}

/// Scans `app:1` and demands this exit code and these words on standard error.
#[track_caller]
fn fails(server: &Server, code: i32, words: &[&str]) {
    let ended = scan(server, &server.image(), &[]);
    let all = format!("{}\n{}", ended.err, ended.out);
    assert_eq!(ended.code, code, "{all}");
    for word in words {
        assert!(all.contains(word), "`{word}` is missing in: {all}");
    }
}

/// Opens `app:1` through the library, without delays between repetitions.
fn open(server: &Server) -> Result<Image, SourceError> {
    let settings =
        Settings { backoff: Duration::ZERO, plain_http: vec![server.address.to_string()], ..Settings::default() };
    let registry = Registry::new(settings, &|_| None)?;
    registry.open(&server.image().parse().unwrap(), &PlatformChoice::All, "test")
}

fn layer_reader(image: &Image) -> Result<Box<dyn std::io::Read + Send>, SourceError> {
    match image.blobs.open(&image.manifests[0].layers[0])? {
        Content::Bytes(reader) => Ok(reader),
        Content::Tree(_) => panic!("a registry has no folders"),
    }
}

fn is_layer(asked: &Asked, stored: &Stored) -> bool {
    asked.path.ends_with(&stored.layer)
}

fn is_manifest(asked: &Asked) -> bool {
    asked.path.contains("/manifests/")
}

#[test]
fn a_server_that_says_later_is_asked_again() {
    let stored = Stored::new();
    let server = stored.serve(|asked, _| {
        let status = [429, 500, 503].into_iter().nth(asked.before)?;
        asked.path.starts_with("/v2/app/").then(|| Answer::later(status))
    });
    succeeds(&server, &stored);
    for path in ["/v2/app/manifests/1", &stored.layer, &stored.config] {
        assert_eq!(server.asked_for(path).len(), 4, "{path}");
    }
}

#[test]
fn a_limit_of_hours_is_told_at_once() {
    let server = Stored::new()
        .serve(|asked, _| is_manifest(asked).then(|| Answer::new(429, "slow down").with("Retry-After", "3600")));
    fails(&server, 5, &["limits the request rate, asks to wait 3600 s", "hint: wait, log in"]);
    assert_eq!(server.asked_for("/manifests/").len(), 1);
}

#[test]
fn a_server_that_fails_for_good_is_told() {
    let stored = Stored::new();
    let server = stored.serve(|asked, _| is_manifest(asked).then(|| Answer::later(500)));
    fails(&server, 5, &["failed with status 500 while reading a manifest", "hint: the registry has trouble"]);
    assert_eq!(server.asked_for("/manifests/").len(), 4, "tried four times");
    let server = stored.serve(|asked, stored| is_layer(asked, stored).then(|| Answer::later(502)));
    fails(&server, 5, &["failed with status 502 while downloading a layer"]);
}

#[test]
fn refusals_are_told_apart() {
    let document = r#"{"errors":[{"code":"DENIED","message":"not\u001b[31m yours"}]}"#;
    let server = Stored::new().serve(move |asked, _| is_manifest(asked).then(|| Answer::new(403, document)));
    fails(&server, 5, &["denies access", "(not [31m yours)", "hint: ask for read access"]);
    let server = Stored::new().serve(|asked, _| is_manifest(asked).then(|| Answer::new(404, "")));
    fails(&server, 5, &["manifest `1` of", "was not found", "hint: check the spelling"]);
    let long = vec![b'x'; 1 << 20];
    let server = Stored::new().serve(move |asked, _| is_manifest(asked).then(|| Answer::new(418, long.clone())));
    let ended = scan(&server, &server.image(), &[]);
    assert!(ended.code == 5 && ended.err.len() < 1000, "{} bytes of message", ended.err.len());
}

/// A server that has other tags than the one asked for, listed in pages of two, and what it sends as the link to the next page.
fn tags(link: impl Fn(usize) -> Option<String> + Send + Sync + 'static) -> Server {
    Stored::new().serve(move |asked, _| {
        if is_manifest(asked) {
            return Some(Answer::new(404, ""));
        }
        let page =
            asked.path.strip_prefix("/v2/app/tags/list")?.strip_prefix("?page=").map_or(0, |n| n.parse().unwrap());
        let body = format!(r#"{{"name":"app","tags":["1.{page}","x{page}\\u001b[2J"]}}"#);
        let answer = Answer::new(200, body);
        Some(match link(page) {
            Some(link) => answer.with("Link", link),
            None => answer,
        })
    })
}

#[test]
fn a_missing_tag_is_answered_with_those_there_are() {
    let relative = |page: usize| format!(r#"</v2/app/tags/list?page={}>; rel="next""#, page + 1);
    let server = tags(move |page| (page < 4).then(|| relative(page)));
    fails(&server, 5, &["/app` has no tag `1`; there is `1.0`, `1.1`, `1.2` and 7 more", "hint: check the spelling"]);
    assert_eq!(server.asked_for("/tags/list").len(), 5);
    // A list that does not end, or goes on elsewhere, says nothing: the first answer stands.
    let endless = tags(move |page| Some(relative(page)));
    fails(&endless, 5, &["manifest `1` of", "was not found"]);
    assert_eq!(endless.asked_for("/tags/list").len(), 100);
    let other = Stored::new().serve(|_, _| None);
    let elsewhere = other.url("/v2/app/tags/list?page=1");
    let server = tags(move |_| Some(format!("<{elsewhere}>; rel=next")));
    fails(&server, 5, &["manifest `1` of", "was not found"]);
    assert!(other.asked().is_empty(), "our token is not for others");
}

#[test]
fn a_broken_download_goes_on_where_it_broke() {
    let stored = Stored::new();
    let server = stored.serve(|asked, stored| {
        let cut = Body::Cut(if asked.before == 0 { 700_000 } else { 300_000 });
        (is_layer(asked, stored) && asked.before < 3).then(|| stored.answer(asked).sent(cut))
    });
    succeeds(&server, &stored);
    let ranges: Vec<Option<String>> =
        server.asked_for(&stored.layer).iter().map(|asked| asked.header("range").map(str::to_owned)).collect();
    let first = |range: &Option<String>| range.as_deref().map_or(0, |range| range[6..range.len() - 1].parse().unwrap());
    let firsts: Vec<u64> = ranges.iter().map(first).collect();
    assert_eq!(firsts, [0, 700_000, 1_000_000, 1_300_000], "{ranges:?}");
}

#[test]
fn a_server_without_ranges_is_read_from_the_start_again() {
    let stored = Stored::new();
    let server = stored.serve(|asked, stored| {
        let whole = Answer::new(200, stored.bytes(&stored.layer));
        let send = if asked.before == 0 { Body::Cut(700_000) } else { Body::Whole };
        is_layer(asked, stored).then(|| whole.sent(send))
    });
    succeeds(&server, &stored);
    assert_eq!(server.asked_for(&stored.layer)[1].header("range"), Some("bytes=700000-"));
}

#[test]
fn a_range_that_was_not_asked_for_is_refused() {
    let server = Stored::new().serve(|asked, stored| {
        let wrong =
            || Answer::new(206, "x").with("Content-Range", format!("bytes 5-5/{}", stored.bytes(&stored.layer).len()));
        match asked.before {
            _ if !is_layer(asked, stored) => None,
            0 => Some(stored.answer(asked).sent(Body::Cut(1000))),
            _ => Some(wrong()),
        }
    });
    fails(&server, 5, &["bytes from 1000 on were asked for, it gives `bytes 5-5/"]);
}

#[test]
fn a_download_that_breaks_for_ever_ends() {
    let stored = Stored::new();
    let server = stored.serve(|asked, stored| {
        let cut = Body::Cut(if asked.before == 0 { 1000 } else { 0 });
        is_layer(asked, stored).then(|| stored.answer(asked).sent(cut))
    });
    let mut reader = layer_reader(&open(&server).unwrap()).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err().downcast::<SourceError>().unwrap();
    assert!(matches!(error, SourceError::Unreachable { phase: "downloading a layer", .. }), "{error}");
    assert!(error.to_string().contains("6 times at byte 1000 of"), "{error}");
    assert_eq!(server.asked_for(&stored.layer).len(), 6);
}

#[test]
fn a_broken_manifest_is_asked_for_again() {
    let server = Stored::new().serve(|asked, stored| {
        (is_manifest(asked) && asked.before == 0).then(|| stored.answer(asked).sent(Body::Cut(100)))
    });
    open(&server).unwrap();
    assert_eq!(server.asked_for("/manifests/").len(), 2);
}

#[test]
fn a_wrong_digest_is_damage() {
    let server = Stored::new().serve(|asked, stored| {
        let mut bytes = stored.bytes(&stored.layer).to_vec();
        bytes[600_000] ^= 1;
        is_layer(asked, stored).then(|| Answer::new(200, bytes))
    });
    fails(&server, 3, &["the layer has the digest sha256:"]);
    let server = Stored::new().serve(|asked, stored| {
        let bytes = String::from_utf8(stored.bytes(&stored.config).to_vec()).unwrap().replace("10001", "10002");
        asked.path.ends_with(&stored.config).then(|| Answer::new(200, bytes))
    });
    fails(&server, 3, &["image configuration sha256:", "has the digest"]);
}

#[test]
fn a_manifest_must_have_the_digest_that_was_asked_for() {
    let stored = Stored::new();
    let other = format!("sha256:{}", "a".repeat(64));
    let lie = other.clone();
    let server = stored.serve(move |asked, stored| {
        let manifest = || Answer::new(200, stored.bytes(&stored.manifest)).with("Docker-Content-Digest", lie.clone());
        is_manifest(asked).then(manifest)
    });
    let ended = scan(&server, &format!("{}/app:1@{other}", server.address), &[]);
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains(&format!("has the digest {}, not {other}", stored.manifest)), "{}", ended.err);
    assert!(
        server.asked_for("/manifests/").iter().all(|asked| asked.path.ends_with(&other)),
        "the digest counts, not the tag"
    );
    // By tag, the digest is what the bytes have, whatever the header says.
    succeeds(&server, &stored);
}

#[test]
fn a_wrong_size_is_damage() {
    for body in [Body::Whole, Body::Chunked] {
        let longer = Stored::new().serve(move |asked, stored| {
            let bytes = [stored.bytes(&stored.layer), b"x"].concat();
            is_layer(asked, stored).then(|| Answer::new(200, bytes).sent(body))
        });
        fails(&longer, 3, &["bytes, not"]);
        let shorter = Stored::new().serve(move |asked, stored| {
            let bytes = stored.bytes(&stored.layer);
            is_layer(asked, stored).then(|| Answer::new(200, &bytes[..bytes.len() - 1]).sent(body))
        });
        fails(&shorter, 3, &["bytes, not"]);
    }
}

#[test]
fn a_manifest_without_end_is_not_read() {
    for body in [Body::Whole, Body::Chunked] {
        let server = Stored::new()
            .serve(move |asked, _| is_manifest(asked).then(|| Answer::new(200, vec![b' '; 6 << 20]).sent(body)));
        fails(&server, 3, &["is larger than 4194304 bytes"]);
    }
}

#[test]
fn schema_1_is_told_by_name() {
    let document = r#"{"schemaVersion":1,"name":"app","tag":"1","fsLayers":[],"history":[],"signatures":[]}"#;
    let server = Stored::new().serve(move |asked, _| {
        let kind = "application/vnd.docker.distribution.manifest.v1+prettyjws";
        is_manifest(asked).then(|| Answer::new(200, document).with("Content-Type", kind))
    });
    fails(&server, 3, &["Docker's schema 1", "push the image again"]);
}

#[test]
fn credentials_do_not_follow_a_redirect() {
    let stored = Stored::new();
    let storage = stored.serve(|_, _| None);
    let location = storage.url("");
    let registry = stored.serve(move |asked, stored| {
        if asked.header("authorization") != Some("Basic dXNlcjpzM2NyM3Q=") {
            return Some(Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""));
        }
        let target = format!("{location}{}", asked.path);
        is_layer(asked, stored).then(|| Answer::new(307, "elsewhere").with("Location", target))
    });
    let plain = registry.address.to_string();
    let auths = format!(r#"{{"auths":{{"{plain}":{{"username":"user","password":"s3cr3t"}}}}}}"#);
    let ended = end(program()
        .args(["scan", &registry.image(), "--cache", "none", "--plain-http", &plain])
        .env("DOCKER_AUTH_CONFIG", auths));
    assert_eq!(ended.code, 0, "{}", ended.err);
    let asked = storage.asked();
    assert_eq!(asked.len(), 1, "the layer came from the storage");
    assert!(!asked[0].headers.contains_key("authorization"), "{asked:?}");
}

#[test]
fn redirects_have_an_end() {
    let server = Stored::new().serve(|asked, stored| {
        is_layer(asked, stored).then(|| Answer::new(302, "").with("Location", asked.path.clone()))
    });
    fails(&server, 5, &["unexpected answer while downloading a layer", "more than 4 in a row"]);
    assert_eq!(server.asked_for("/blobs/").len(), 1 + 5, "the configuration, and five steps");
    let server = Stored::new()
        .serve(|asked, _| is_manifest(asked).then(|| Answer::new(302, "").with("Location", "file:///etc/passwd")));
    fails(&server, 5, &["it leads to something other than HTTP"]);
    let server = Stored::new()
        .serve(|asked, _| is_manifest(asked).then(|| Answer::new(302, "").with("Location", "http://192.0.2.1/x")));
    fails(&server, 5, &["it leads to `192.0.2.1` without TLS"]);
}

#[test]
fn silence_ends_with_the_timeout() {
    let stored = Stored::new();
    let server =
        stored.serve(|asked, stored| is_layer(asked, stored).then(|| stored.answer(asked).sent(Body::Stalled(1000))));
    let ended = scan(&server, &server.image(), &["--timeout", "1"]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    let told =
        format!("`{}` did not finish in time while downloading a layer: the 1 s of --timeout are over", server.address);
    assert!(ended.err.contains(&told) || ended.out.contains(&told), "{}\n{}", ended.err, ended.out);
    let server = stored.serve(|asked, _| is_manifest(asked).then(|| Answer::new(200, "{}").sent(Body::Stalled(0))));
    let ended = scan(&server, &server.image(), &["--timeout", "1"]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(
        ended.err.contains("while reading a manifest") && ended.err.contains("hint: try again later"),
        "{}",
        ended.err
    );
}

#[test]
fn a_reader_that_is_dropped_ends_the_download() {
    let server = Stored::new()
        .serve(|asked, stored| is_layer(asked, stored).then(|| stored.answer(asked).sent(Body::Stalled(1000))));
    let image = open(&server).unwrap();
    let mut reader = layer_reader(&image).unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    drop(reader);
    server.left.recv_timeout(Duration::from_secs(20)).expect("the connection was closed");
}

#[test]
fn several_images_share_connections_and_one_failure_does_not_hide_the_others() {
    let stored = Stored::new();
    let server = stored.serve(|_, _| None);
    let by_digest = format!("{}/app@{}", server.address, stored.manifest);
    let missing = format!("{}/app:missing", server.address);
    let ended = scan(&server, &server.image(), &[&by_digest, &missing]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.err.contains("manifest `missing`"), "{}", ended.err);
    let digests: Vec<String> = ended.json()["reports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|report| report["subject"]["digest"].to_string())
        .collect();
    assert_eq!(digests, [format!("\"{}\"", stored.manifest), format!("\"{}\"", stored.manifest)]);
    assert_eq!(server.asked().iter().filter(|asked| asked.path == "/v2/").count(), 1, "greeted once");
    assert_eq!(server.asked_for(&stored.layer).len(), 1, "a shared layer is read once");
    assert_eq!(Digest::sha256(stored.bytes(&stored.layer)).as_str(), stored.layer);
}

#[test]
fn offline_opens_no_connection() {
    let server = Stored::new().serve(|_, _| None);
    let ended = scan(&server, &server.image(), &["--offline"]);
    assert_eq!(ended.code, 5, "{}", ended.err);
    assert!(ended.err.contains("needs the network, and --offline forbids it"), "{}", ended.err);
    assert!(server.asked().is_empty());
}

#[test]
fn digests_are_asked_for_and_pinned() {
    let stored = Stored::of(&[("srv/x", "x")]);
    let server = stored.serve(|_, _| None);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("Dockerfile");
    let text = format!("# the base\nFROM {} AS base\nFROM {}/gone:2\nUSER 1\n", server.image(), server.address);
    std::fs::write(&path, &text).unwrap();
    let plain = server.address.to_string();
    let lint = |more: &[&str]| {
        let fixed = ["lint", path.to_str().unwrap(), "--fix", "--waivers", "none", "--as-of", AS_OF];
        end(program().args(fixed).args(more))
    };
    assert_eq!(lint(&[]).code, 0);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "a digest is never guessed");
    assert!(server.asked().is_empty(), "and asked for only where that was asked for");
    let pinned = lint(&["--pin", "--plain-http", &plain]);
    assert_eq!(pinned.code, 0, "{}", pinned.err);
    assert!(pinned.err.contains("gone:2` stays without a digest"), "{}", pinned.err);
    let expected = text.replace("/app:1 ", &format!("/app:1@{} ", stored.manifest));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(lint(&["--pin", "--offline"]).code, 2);
}
