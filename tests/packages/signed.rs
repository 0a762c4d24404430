//! Signed repositories, with keys and signatures that GnuPG makes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use imgguard::digest::Digest;
use imgguard::harden::packages::deb::{Repository, Target};
use imgguard::harden::packages::openpgp::Keyring;
use imgguard::harden::packages::{Store, deb};
use imgguard::net::{Settings, Transport};
use tempfile::TempDir;

use crate::folder::{Folder, same, unpack};
use crate::gpg::Gpg;
use crate::make::{Source, copy, dpkg, has_dpkg, image, refusals, target, wanted};

/// A repository with the packages, not signed yet.
fn repository(packages: &[Source<'_>], release: &str) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let (pool, list) = (root.path().join("pool"), root.path().join("dists/bookworm/main/binary-amd64"));
    fs::create_dir_all(&pool).unwrap();
    fs::create_dir_all(&list).unwrap();
    let mut text = String::new();
    for package in packages {
        let file: PathBuf = package.build(&pool);
        let control = Command::new("dpkg-deb").arg("-f").arg(&file).output().unwrap().stdout;
        let digest = Digest::sha256(&fs::read(&file).unwrap());
        let name = file.file_name().unwrap().display();
        text.push_str(&format!(
            "{}Filename: pool/{name}\nSHA256: {}\n\n",
            String::from_utf8(control).unwrap(),
            digest.hex()
        ));
    }
    let mut zipped = GzEncoder::new(Vec::new(), Compression::default());
    zipped.write_all(text.as_bytes()).unwrap();
    let zipped = zipped.finish().unwrap();
    fs::write(list.join("Packages.gz"), &zipped).unwrap();
    let sum = format!(" {} {} main/binary-amd64/Packages.gz\n", Digest::sha256(&zipped).hex(), zipped.len());
    fs::write(root.path().join("dists/bookworm/Release"), format!("{release}SHA256:\n{sum}")).unwrap();
    root
}

const RELEASE: &str = "Origin: Debian\nSuite: stable\nCodename: bookworm\nComponents: main\n";

/// GnuPG signs with the time of this machine, so that is when it is judged too.
fn today() -> Target {
    Target { at: jiff::Timestamp::now(), ..target() }
}

fn add(root: &Path, keyrings: &[Vec<u8>]) -> Result<Repository, String> {
    let mut keyring = Keyring::default();
    keyrings.iter().for_each(|bytes| keyring.add(bytes).unwrap());
    let mut repository = Repository::default();
    repository.add_signed(Store::Folder(root.to_owned()), &keyring, &today()).map_err(|error| error.to_string())?;
    Ok(repository)
}

const OLD: Source<'_> =
    Source { name: "tool", version: "1", arch: "", control: "", files: &[("usr/bin/tool", "1")], extra: &[] };
const NEW: Source<'_> = Source { version: "2", files: &[("usr/bin/tool", "2")], ..OLD };

#[test]
fn every_kind_of_key_and_signature_is_verified() {
    let Some(gpg) = Gpg::new().filter(|_| has_dpkg()) else { return };
    for (index, algorithm) in ["ed25519", "rsa3072", "nistp256", "nistp384"].iter().enumerate() {
        let name = format!("{algorithm} <archive@example.org>");
        gpg.key(&name, algorithm, "0");
        let root = repository(&[NEW], RELEASE);
        let suite = root.path().join("dists/bookworm");
        let release = suite.join("Release").display().to_string();
        if index % 2 == 0 {
            fs::write(suite.join("InRelease"), gpg.run(&["-u", &name, "--output", "-", "--clearsign", &release]))
                .unwrap();
        } else {
            fs::write(suite.join("Release.gpg"), gpg.run(&["-u", &name, "--output", "-", "--detach-sign", &release]))
                .unwrap();
        }
        let keyring = gpg.public(&name, index % 2 == 0);
        let repository = add(root.path(), std::slice::from_ref(&keyring)).unwrap();

        let before = tempfile::tempdir().unwrap();
        let ours = image(&[], &[OLD.build(before.path())]);
        let native = copy(ours.path());
        dpkg(native.path(), &[root.path().join("pool/tool_2_all.deb")]);
        let (plan, layer) = deb::update(
            &Folder(ours.path().to_owned()),
            &repository,
            &wanted(&["tool"]),
            &today(),
            tempfile::tempfile().unwrap(),
        )
        .unwrap();
        assert!(plan.trust[0].contains(&name), "{:?}", plan.trust);
        unpack(&layer.unwrap(), ours.path());
        same(native.path(), ours.path());
    }
}

#[test]
fn what_is_not_proved_is_refused() {
    let Some(gpg) = Gpg::new().filter(|_| has_dpkg()) else { return };
    for (name, algorithm, expires) in
        [("good", "ed25519", "0"), ("short", "ed25519", "seconds=1"), ("weak", "rsa1024", "0")]
    {
        gpg.key(name, algorithm, expires);
    }
    let sign = |root: &TempDir, key: &str, options: &[&str]| {
        let suite = root.path().join("dists/bookworm");
        let release = suite.join("Release").display().to_string();
        let arguments = [options, &["-u", key, "--output", "-", "--clearsign", &release]].concat();
        fs::write(suite.join("InRelease"), gpg.run(&arguments)).unwrap();
    };
    let good = || vec![gpg.public("good", false)];
    let outcome = |root: &TempDir, keys: &[Vec<u8>]| add(root.path(), keys).err().unwrap_or_default();

    let root = repository(&[NEW], RELEASE);
    assert!(outcome(&root, &good()).contains("nothing proves"), "{}", outcome(&root, &good()));
    sign(&root, "weak", &[]);
    assert!(outcome(&root, &good()).contains("which no given keyring has"), "{}", outcome(&root, &good()));
    let weak = [gpg.public("weak", true)];
    assert!(outcome(&root, &weak).contains("less than 2048 bits"), "{}", outcome(&root, &weak));
    sign(&root, "good", &["--digest-algo", "SHA1", "--allow-weak-digest-algos"]);
    assert!(outcome(&root, &good()).contains("SHA1"), "{}", outcome(&root, &good()));
    sign(&root, "good", &["--default-sig-expire", "seconds=1"]);

    sign(&root, "good", &[]);
    assert_eq!(outcome(&root, &good()), "");
    // One letter of what was signed.
    let path = root.path().join("dists/bookworm/InRelease");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("stable", "stably", 1)).unwrap();
    assert!(outcome(&root, &good()).contains("does not fit"), "{}", outcome(&root, &good()));
    // Text around what was signed.
    fs::write(&path, format!("Origin: x\n{text}")).unwrap();
    assert_ne!(outcome(&root, &good()), "");
    fs::write(&path, format!("{text}\nSHA256:\n")).unwrap();
    assert_ne!(outcome(&root, &good()), "");
    fs::write(&path, &text).unwrap();
    // The list of packages.
    fs::write(root.path().join("dists/bookworm/main/binary-amd64/Packages.gz"), "x").unwrap();
    assert!(outcome(&root, &good()).contains("it is damaged or was replaced"), "{}", outcome(&root, &good()));

    let old = repository(&[NEW], &format!("{RELEASE}Valid-Until: Sat, 06 Sep 2025 10:11:12 UTC\n"));
    sign(&old, "good", &[]);
    assert!(outcome(&old, &good()).contains("valid until 2025-09-06"), "{}", outcome(&old, &good()));
    let other = repository(&[NEW], &RELEASE.replace("bookworm", "trixie"));
    sign(&other, "good", &[]);
    assert!(outcome(&other, &good()).contains("for trixie, and the image is bookworm"), "{}", outcome(&other, &good()));
    let subject = repository(&[NEW], RELEASE);
    sign(&subject, "good", &[]);
    let package = subject.path().join("pool/tool_2_all.deb");
    fs::write(&package, "x").unwrap();
    let before = tempfile::tempdir().unwrap();
    let root = image(&[], &[OLD.build(before.path())]);
    let repository = add(subject.path(), &good()).unwrap();
    let (plan, layer) = deb::update(
        &Folder(root.path().to_owned()),
        &repository,
        &wanted(&["tool"]),
        &today(),
        tempfile::tempfile().unwrap(),
    )
    .unwrap();
    assert!(layer.is_none() && refusals(&plan)[0].contains("it is damaged or was replaced"), "{plan:?}");
}

/// Serves the files of a folder on loopback, and notes what is asked for.
fn serve(folder: PathBuf) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            let path = line.split(' ').nth(1).unwrap().trim_start_matches('/').to_owned();
            let answer = fs::read(folder.join(&path));
            seen.lock().unwrap().push(path);
            let (status, body) = answer.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            drop(stream.write_all(&[head.as_bytes(), &body].concat()));
        }
    });
    (address, asked)
}

#[test]
fn a_mirror_is_asked_for_what_is_needed_and_no_more() {
    let Some(gpg) = Gpg::new().filter(|_| has_dpkg()) else { return };
    gpg.key("archive", "ed25519", "0");
    let other = Source { name: "other", ..NEW };
    let root = repository(&[NEW, other], RELEASE);
    let suite = root.path().join("dists/bookworm");
    let release = suite.join("Release").display().to_string();
    fs::write(suite.join("InRelease"), gpg.run(&["-u", "archive", "--output", "-", "--clearsign", &release])).unwrap();
    let (address, asked) = serve(root.path().to_owned());
    let transport = Arc::new(Transport::new(Settings::default()).unwrap());
    let mut keyring = Keyring::default();
    keyring.add(&gpg.public("archive", true)).unwrap();
    let mut repository = Repository::default();
    let url = format!("{address}/dists/bookworm/").parse().unwrap();
    repository.add_signed(Store::mirror(&url, transport.clone()), &keyring, &today()).unwrap();
    let before = tempfile::tempdir().unwrap();
    let image = image(&[], &[OLD.build(before.path())]);
    let folder = Folder(image.path().to_owned());
    let spool = tempfile::tempfile().unwrap();
    let (plan, layer) = deb::update(&folder, &repository, &wanted(&["tool"]), &today(), spool).unwrap();
    assert!(layer.is_some() && plan.updates.len() == 1, "{plan:?}");
    let expected = ["dists/bookworm/InRelease", "dists/bookworm/main/binary-amd64/Packages.gz", "pool/tool_2_all.deb"];
    assert_eq!(*asked.lock().unwrap(), expected);
    let url = format!("{address}/dists/nothing").parse().unwrap();
    let missing = Repository::default().add_signed(Store::mirror(&url, transport), &keyring, &today());
    assert!(missing.unwrap_err().to_string().contains("nothing proves its packages"));
}
