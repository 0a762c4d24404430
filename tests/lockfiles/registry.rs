//! A registry of npm packages on loopback: as much of its protocol as locking needs.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use base64::Engine as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};

/// A package: name, version, what it needs.
type Package = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every package: with a scope, in several versions, needed by several, optional for other systems, and two that need each other.
const PACKAGES: &[Package] = &[
    ("alpha", "1.2.3", &[("beta", "^1.0.0"), ("@scope/gamma", "~2.0.0")]),
    ("beta", "1.5.0", &[]),
    ("beta", "2.0.0", &[("delta", "*")]),
    ("@scope/gamma", "2.0.9", &[("delta", "^0.1.0")]),
    ("delta", "0.1.4", &[]),
    ("epsilon", "3.0.0-rc.1", &[("zeta", "*")]),
    ("zeta", "1.0.0", &[("epsilon", "3.0.0-rc.1")]),
    ("real", "4.0.0", &[("beta", "^2.0.0")]),
    ("elsewhere", "1.0.0", &[]),
];

/// Starts one that answers until the test ends; gives its address.
pub(crate) fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Arc<str> = format!("http://{}/", listener.local_addr().unwrap()).into();
    let own = address.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let own = own.clone();
            thread::spawn(move || serve(&stream, &own));
        }
    });
    address.to_string()
}

/// Answers the requests of one connection. A client that goes away is nobody's concern.
fn serve(stream: &TcpStream, own: &str) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = String::new();
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return;
        }
        let mut header = String::new();
        while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
            header.clear();
        }
        let path = request
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .trim_start_matches('/')
            .replace("%2f", "/")
            .replace("%2F", "/");
        let (status, kind, body) = match (archive_at(&path), document(&path, own)) {
            (Some(archive), _) => ("200 OK", "application/octet-stream", archive),
            (None, Some(document)) => ("200 OK", "application/json", document.to_string().into_bytes()),
            (None, None) => ("404 Not Found", "application/json", b"{}".to_vec()),
        };
        let head = format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut out = stream;
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&body)).is_err() {
            return;
        }
    }
}

/// The document of a package with all its versions.
fn document(name: &str, own: &str) -> Option<Value> {
    let of_name: Vec<&Package> = PACKAGES.iter().filter(|(known, ..)| *known == name).collect();
    let (_, latest, _) = of_name.last()?;
    let (mut versions, mut times) = (serde_json::Map::new(), serde_json::Map::new());
    for package in &of_name {
        let (name, version, _) = package;
        let archive = archive(package);
        let integrity = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&archive));
        let mut manifest = manifest(package);
        manifest["dist"] = json!({"tarball": format!("{own}{name}/-/{}", file_name(name, version)), "integrity": format!("sha512-{integrity}")});
        // Some tools take nothing that was published in the last days.
        times.insert((*version).to_owned(), json!("2020-01-01T00:00:00.000Z"));
        versions.insert((*version).to_owned(), manifest);
    }
    Some(json!({"name": name, "dist-tags": {"latest": latest}, "versions": versions, "time": times}))
}

fn manifest((name, version, needs): &Package) -> Value {
    let dependencies: serde_json::Map<_, _> =
        needs.iter().map(|(name, range)| ((*name).to_owned(), json!(range))).collect();
    let mut manifest = json!({"name": name, "version": version, "license": "MIT", "dependencies": dependencies});
    if *name == "elsewhere" {
        manifest["os"] = json!(["win32"]);
    }
    manifest
}

fn file_name(name: &str, version: &str) -> String {
    format!("{}-{version}.tgz", name.rsplit('/').next().unwrap())
}

fn archive_at(path: &str) -> Option<Vec<u8>> {
    let (name, file) = path.split_once("/-/")?;
    PACKAGES.iter().find(|(known, version, _)| *known == name && file_name(known, version) == file).map(archive)
}

fn archive(package: &Package) -> Vec<u8> {
    let text = manifest(package).to_string();
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = tar::Header::new_gnu();
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    builder.append_data(&mut header, "package/package.json", text.as_bytes()).unwrap();
    builder.into_inner().unwrap().finish().unwrap()
}
