//! Keys that are not in files: in PKCS#11 tokens (SoftHSM), and with a key management service behind a program.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::world::{Ended, Layout, end, program};

const MODULES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
];
const PIN: &str = "4711-secret";

/// A token of SoftHSM with a key of each kind; none where that is absent, which is told.
struct Token {
    folder: TempDir,
    module: &'static str,
}

impl Token {
    fn new() -> Option<Self> {
        let module = MODULES.into_iter().find(|module| Path::new(module).is_file());
        let Some(module) = module.filter(|_| Command::new("softhsm2-util").arg("--version").output().is_ok()) else {
            skipped!("SoftHSM (softhsm2) is absent, so keys in tokens are not tested");
            return None;
        };
        let token = Self { folder: tempfile::tempdir().unwrap(), module };
        let path = token.folder.path();
        std::fs::create_dir(path.join("tokens")).unwrap();
        let config = format!("directories.tokendir = {}\nobjectstore.backend = file\n", path.join("tokens").display());
        std::fs::write(path.join("softhsm2.conf"), config).unwrap();
        std::fs::write(path.join("pin"), format!("{PIN}\n")).unwrap();
        token.tool(&["--init-token", "--free", "--label", "release", "--so-pin", "12345678", "--pin", PIN]);
        Some(token)
    }

    fn tool(&self, arguments: &[&str]) {
        let output =
            Command::new("softhsm2-util").env("SOFTHSM2_CONF", self.config()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// Puts a key of openssl's into the token.
    fn add(&self, label: &str, id: &str, algorithm: &[&str]) {
        let pem = self.folder.path().join(label);
        let output = Command::new("openssl").args(["genpkey", "-out"]).arg(&pem).args(algorithm).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pem = pem.display().to_string();
        self.tool(&["--import", &pem, "--token", "release", "--label", label, "--id", id, "--pin", PIN]);
    }

    fn name(&self, label: &str) -> String {
        format!("pkcs11:token=release;object={label}?module-path={}", self.module)
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        end(program().env("SOFTHSM2_CONF", self.config()).env("IMGGUARD_PKCS11_PIN", PIN).args(arguments))
    }
}

const KINDS: [(&str, &[&str]); 4] = [
    ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("rsa", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
];

#[test]
fn keys_in_tokens_sign() {
    let Some(token) = Token::new() else { return };
    for (at, (label, algorithm)) in KINDS.iter().enumerate() {
        token.add(label, &format!("0{}", at + 1), algorithm);
        let key = token.name(label);
        let public = token.run(&["public-key", "--key", &key]);
        assert_eq!(public.code, 0, "{label}: {}", public.err);
        // openssl's own word of which key that is.
        let pem = token.folder.path().join(label);
        let openssl = Command::new("openssl").args(["pkey", "-pubout", "-in"]).arg(pem).output().unwrap();
        assert_eq!(public.out.trim(), String::from_utf8_lossy(&openssl.stdout).trim(), "{label}");
        let file = token.folder.path().join("key.pub").display().to_string();
        std::fs::write(&file, public.out).unwrap();
        let layout = Layout::sample();
        let image = layout.reference();
        let predicate = token.folder.path().join("predicate.json").display().to_string();
        std::fs::write(&predicate, r#"{"spdxVersion":"SPDX-2.3"}"#).unwrap();
        let signed = token.run(&["sign", &image, "--key", &key, "--recursive"]);
        assert_eq!(signed.code, 0, "{label}: {}", signed.err);
        let attested = token.run(&["attest", &image, "--key", &key, "--type", "spdx", "--predicate", &predicate]);
        assert_eq!(attested.code, 0, "{label}: {}", attested.err);
        for demand in [&["--recursive", "all"][..], &["--type", "spdx"]] {
            let verify = [&["verify", &image, "--key", &file, "--allow-no-log", "--offline"], demand].concat();
            let verified = token.run(&verify);
            assert_eq!(verified.code, 0, "{label}: {}{}", verified.out, verified.err);
        }
    }
    // By its identifier, and with the PIN in a file.
    let pin = token.folder.path().join("pin").display().to_string();
    let by_id = format!("pkcs11:token=release;id=%01?module-path={}&pin-source=file:{pin}", token.module);
    let public = end(program().env("SOFTHSM2_CONF", token.config()).args(["public-key", "--key", &by_id]));
    assert_eq!(public.code, 0, "{}", public.err);
}

#[test]
fn what_is_wrong_with_a_token_is_told_and_its_pin_is_not() {
    let Some(token) = Token::new() else { return };
    token.add("twice", "01", KINDS[0].1);
    token.tool(&[
        "--import",
        &token.folder.path().join("twice").display().to_string(),
        "--token",
        "release",
        "--label",
        "twice",
        "--id",
        "02",
        "--pin",
        PIN,
    ]);
    let module = token.module;
    let good = token.name("twice");
    for (key, said) in [
        (good.as_str(), "2 private keys fit"),
        (&*format!("pkcs11:token=release;object=absent?module-path={module}"), "no private key fits"),
        (&*format!("pkcs11:token=absent;object=twice?module-path={module}"), "no token fits"),
        ("pkcs11:token=release;object=twice?module-path=/absent.so", "/absent.so"),
        ("pkcs11:token=release;object=twice", "no module is named"),
        (&*format!("pkcs11:object=twice?module-path={module}&pin-value={PIN}"), "IMGGUARD_PKCS11_PIN"),
    ] {
        let ended = token.run(&["public-key", "--key", key]);
        assert!(ended.code == 2 && ended.err.contains(said), "{key}: {}", ended.err);
        assert!(!ended.err.contains(PIN), "a PIN is not shown: {}", ended.err);
    }
    let wrong = |variables: &[(&str, &str)]| {
        let mut command = program();
        command.env("SOFTHSM2_CONF", token.config()).args(["public-key", "--key", &token.name("twice")]);
        end(command.envs(variables.iter().copied()))
    };
    let refused = wrong(&[("IMGGUARD_PKCS11_PIN", "0000-hidden")]);
    assert!(refused.code == 2 && refused.err.contains("does not take the PIN"), "{}", refused.err);
    assert!(!refused.err.contains("0000-hidden"), "{}", refused.err);
    assert!(wrong(&[]).err.contains("no PIN was given"));
}

/// The protocol of Sigstore's plugins, spoken by a script around openssl.
#[test]
fn a_key_management_service_signs_through_its_program() {
    const SCRIPT: &str = r#"#!/bin/sh
test "$1" = 1 || exit 1
case "$2" in
*'"keyResourceID":"alias/release"'*'"methodName":"publicKey"'*)
  printf '{"publicKey":{"publicKeyPEM":"%s"}}' "$(openssl pkey -in "$TEST_KEY" -pubout | base64 -w0)" ;;
*'"hashFunc":5'*'"methodName":"signMessage"'*)
  printf '{"signMessage":{"signature":"%s"}}' "$(openssl dgst -sha256 -sign "$TEST_KEY" | base64 -w0)" ;;
*) printf '{"errorMessage":"there is no such key"}' ;;
esac
"#;
    if Command::new("openssl").arg("version").output().is_err() {
        skipped!("openssl is absent, so a key management service is not tested");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("sigstore-kms-test");
    std::fs::write(&script, SCRIPT).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let private = folder.path().join("private.pem");
    let made = Command::new("openssl").args(["genpkey", "-out"]).arg(&private).args(KINDS[0].1).output().unwrap();
    assert!(made.status.success());
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let run = |arguments: &[&str]| end(program().env("PATH", &path).env("TEST_KEY", &private).args(arguments));
    let public = run(&["public-key", "--key", "test://alias/release"]);
    assert_eq!(public.code, 0, "{}", public.err);
    let file = folder.path().join("key.pub").display().to_string();
    std::fs::write(&file, public.out).unwrap();
    let layout = Layout::sample();
    let image = layout.reference();
    let signed = run(&["sign", &image, "--key", "test://alias/release", "--legacy"]);
    assert_eq!(signed.code, 0, "{}", signed.err);
    let verified = run(&["verify", &image, "--key", &file, "--allow-no-log"]);
    assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
    let absent = run(&["sign", &image, "--key", "test://alias/absent"]);
    assert!(absent.code == 2 && absent.err.contains("there is no such key"), "{}", absent.err);
    let unknown = run(&["sign", &image, "--key", "awskms://alias/release"]);
    assert!(unknown.code == 2 && unknown.err.contains("sigstore-kms-awskms"), "{}", unknown.err);
}
