//! Private keys: made by the tools that make them, and told as those tools tell them.

use std::path::Path;
use std::process::{Command, Stdio};

use imgguard::facts::{Confidence, SecretFact};

use super::rules::scan;

/// Runs a tool; none where it is absent or refuses.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env("GNUPGHOME", folder).stdin(Stdio::null());
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The one secret of a file, which must be a key.
pub(crate) fn only(folder: &Path, name: &str) -> SecretFact {
    let found = scan(name, &std::fs::read(folder.join(name)).unwrap());
    let [fact] = found.as_slice() else { panic!("{name}: {found:?}") };
    fact.clone()
}

/// The SHA-256 of a key's `SubjectPublicKeyInfo`, as openssl writes it.
pub(crate) fn public_sum(key: &str, folder: &Path) -> Option<String> {
    run("openssl", &["pkey", "-in", key, "-pubout", "-outform", "DER", "-out", "public.der"], folder)?;
    let sum = run("openssl", &["dgst", "-sha256", "-r", "public.der"], folder)?;
    sum.split(' ').next().map(str::to_owned)
}

#[test]
fn keys_of_openssl_are_told_as_openssl_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    if run("openssl", &["version"], here).is_none() {
        skipped!("keys_of_openssl_are_told_as_openssl_tells_them: no openssl");
        return;
    }
    let kinds: [(&str, &[&str], &str); 10] = [
        ("rsa1024", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], "RSA private key, 1024 bits"),
        ("rsa2048", &["-algorithm", "RSA"], "RSA private key, 2048 bits"),
        ("pss", &["-algorithm", "RSA-PSS"], "RSA private key, 2048 bits"),
        ("p224", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"], "EC private key, P-224"),
        ("p256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC private key, P-256"),
        ("p384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], "EC private key, P-384"),
        ("p521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "EC private key, P-521"),
        ("k256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "EC private key, secp256k1"),
        ("ed25519", &["-algorithm", "ED25519"], "Ed25519 private key"),
        ("x25519", &["-algorithm", "X25519"], "X25519 private key"),
    ];
    for (name, arguments, expected) in kinds {
        let pem = format!("{name}.pem");
        run("openssl", &[&["genpkey", "-out", &pem], arguments].concat(), here).unwrap();
        let fact = only(here, &pem);
        assert_eq!((fact.rule.as_str(), fact.masked.as_str()), ("private-key", expected), "{name}");
        assert_eq!(fact.confidence, Confidence::High, "{name}");
        // The fingerprint is the SHA-256 of the public half that openssl writes.
        let expected_sum = public_sum(&pem, here);
        assert_eq!(fact.fingerprint, expected_sum, "{name}");
        for form in [&["-traditional"][..], &[]] {
            let der = format!("{name}.{}.bin", form.len());
            let write = ["pkey", "-in", &pem, "-outform", "DER", "-out", &der];
            // Not every kind has a traditional form.
            if run("openssl", &[&write[..], form].concat(), here).is_some() {
                let fact = only(here, &der);
                assert_eq!((fact.rule.as_str(), fact.masked.as_str()), ("private-key", expected), "{der}");
                assert_eq!(fact.fingerprint, expected_sum, "{der}");
            }
        }
        // In its traditional form, where it has one, it is the same key.
        let traditional = format!("{name}.traditional");
        if run("openssl", &["pkey", "-traditional", "-in", &pem, "-out", &traditional], here).is_some() {
            let fact = only(here, &traditional);
            assert_eq!((fact.masked.as_str(), &fact.fingerprint), (expected, &expected_sum), "{name}");
        }
        let encrypted = format!("{name}.encrypted");
        run("openssl", &["pkcs8", "-topk8", "-passout", "pass:x", "-in", &pem, "-out", &encrypted], here).unwrap();
        let fact = only(here, &encrypted);
        assert_eq!((fact.rule.as_str(), fact.masked.as_str()), ("private-key-encrypted", "private key, encrypted"));
        assert_eq!(fact.fingerprint, None, "ciphertext tells nothing of the key");
        let der = format!("{name}.encrypted.bin");
        run("openssl", &["pkcs8", "-topk8", "-passout", "pass:x", "-in", &pem, "-outform", "DER", "-out", &der], here)
            .unwrap();
        assert_eq!(only(here, &der).masked, "private key, encrypted");
    }
}

#[test]
fn old_encrypted_pem_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let made = run(
        "openssl",
        &["genrsa", "-traditional", "-aes128", "-passout", "pass:abcd", "-out", "old.pem", "2048"],
        here,
    );
    if made.is_none() {
        skipped!("old_encrypted_pem_is_told: no openssl that writes it");
        return;
    }
    let fact = only(here, "old.pem");
    assert_eq!((fact.rule.as_str(), fact.masked.as_str()), ("private-key-encrypted", "RSA private key, encrypted"));
}

#[test]
fn dsa_keys_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let made = run("openssl", &["dsaparam", "-genkey", "-noout", "-out", "dsa.pem", "1024"], here);
    if made.is_none() {
        skipped!("dsa_keys_are_told: no openssl that makes them");
        return;
    }
    assert_eq!(only(here, "dsa.pem").masked, "DSA private key, 1024 bits");
}

#[test]
fn keys_of_ssh_keygen_are_told_as_it_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let kinds = [
        ("rsa", "2048", "RSA"),
        ("rsa", "3072", "RSA"),
        ("ecdsa", "256", "EC"),
        ("ecdsa", "384", "EC"),
        ("ecdsa", "521", "EC"),
        ("ed25519", "256", "Ed25519"),
    ];
    for (kind, bits, shown) in kinds {
        for (format, passphrase) in [("RFC4716", ""), ("RFC4716", "secret phrase"), ("PEM", "")] {
            let name = format!("id_{kind}_{bits}_{format}_{}", passphrase.len());
            let arguments = ["-q", "-t", kind, "-b", bits, "-m", format, "-N", passphrase, "-C", "me", "-f", &name];
            if run("ssh-keygen", &arguments, here).is_none() {
                skipped!("keys_of_ssh_keygen_are_told_as_it_tells_them: no ssh-keygen that makes {kind} {bits}");
                return;
            }
            // `256 SHA256:… me (ED25519)`
            let said = run("ssh-keygen", &["-l", "-f", &format!("{name}.pub")], here).unwrap();
            assert!(said.starts_with(bits), "{said}");
            let size = match kind {
                "ed25519" => String::new(),
                "ecdsa" => format!(", P-{bits}"),
                _ => format!(", {bits} bits"),
            };
            let (rule, encrypted) =
                if passphrase.is_empty() { ("private-key", "") } else { ("private-key-encrypted", ", encrypted") };
            let fact = only(here, &name);
            assert_eq!(fact.masked, format!("{shown} private key{size}{encrypted}"), "{name}");
            assert_eq!((fact.rule.as_str(), fact.confidence), (rule, Confidence::High), "{name}");
            // The public half is in clear even where the private one is not.
            let public = format!("{name}.pub");
            let spki = run("ssh-keygen", &["-e", "-m", "PKCS8", "-f", &public], here);
            if let Some(spki) = spki.filter(|_| kind != "ed25519" && format == "RFC4716") {
                std::fs::write(here.join("spki.pem"), spki).unwrap();
                run("openssl", &["pkey", "-pubin", "-in", "spki.pem", "-outform", "DER", "-out", "spki.der"], here);
                let sum = run("openssl", &["dgst", "-sha256", "-r", "spki.der"], here);
                assert_eq!(fact.fingerprint.as_deref(), sum.as_deref().and_then(|sum| sum.split(' ').next()), "{name}");
            }
            // The public half is no secret.
            assert_eq!(scan("id.pub", &std::fs::read(here.join(format!("{name}.pub"))).unwrap()), []);
        }
    }
}

#[test]
fn keys_of_gpg_are_told() {
    let folder = tempfile::Builder::new().prefix("g").tempdir_in("/tmp").unwrap();
    let here = folder.path();
    let generate = |user: &str, kind: &str, passphrase: &str| {
        let flags = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase];
        run("gpg", &[&flags[..], &["--quick-generate-key", user, kind, "sign", "never"]].concat(), here)?;
        run("gpg", &[&flags[..], &["--armor", "--export-secret-keys", user]].concat(), here)
    };
    let Some(clear) = generate("clear@acme.net", "rsa2048", "") else {
        skipped!("keys_of_gpg_are_told: no gpg");
        return;
    };
    let locked = generate("locked@acme.net", "rsa2048", "secret phrase").unwrap();
    let modern = generate("modern@acme.net", "ed25519", "").unwrap();
    // The agent that gpg started in the folder.
    run("gpgconf", &["--kill", "all"], here);
    for (armoured, rule, shown) in [
        (clear, "private-key", "OpenPGP RSA private key, 2048 bits, key id "),
        (locked, "private-key-encrypted", "OpenPGP RSA private key, 2048 bits, key id "),
        (modern, "private-key", "OpenPGP EdDSA private key, key id "),
    ] {
        let found = scan("root/key.asc", armoured.as_bytes());
        let [fact] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!(fact.rule, rule);
        let id = fact.masked.strip_prefix(shown).unwrap_or_else(|| panic!("{}", fact.masked)).get(..16).unwrap();
        // What gpg calls it.
        let flags = ["--batch", "--with-colons", "--show-keys", "--keyid-format", "long"];
        std::fs::write(here.join("key.asc"), &armoured).unwrap();
        let said = run("gpg", &[&flags[..], &["key.asc"]].concat(), here).unwrap();
        assert!(said.contains(id), "{id}: {said}");
        assert_eq!(fact.masked.ends_with("encrypted"), rule.ends_with("encrypted"));
        // Without its armour it is the same key.
        run("gpg", &["--batch", "--yes", "--output", "key.gpg", "--dearmor", "key.asc"], here).unwrap();
        let binary = only(here, "key.gpg");
        assert_eq!((&binary.masked, &binary.fingerprint), (&fact.masked, &fact.fingerprint));
    }
    // The agent's own files: each key is in one.
    let mut kinds = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(here.join("private-keys-v1.d")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let found = scan("root/.gnupg/private-keys-v1.d/0A.key", &bytes);
        let [fact] = found.as_slice() else { panic!("{found:?}") };
        kinds.insert((fact.rule.clone(), fact.masked.clone()));
    }
    let expected = [
        ("private-key", "EC private key, Ed25519"),
        ("private-key", "RSA private key, 2048 bits"),
        ("private-key-encrypted", "RSA private key, 2048 bits, encrypted"),
    ];
    assert_eq!(kinds, expected.map(|(rule, shown)| (rule.to_owned(), shown.to_owned())).into());
}

#[test]
fn a_key_is_found_in_whatever_it_is_wrapped() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_) = run("openssl", &["genpkey", "-algorithm", "ED25519", "-out", "key.pem"], folder.path()) else {
        skipped!("a_key_is_found_in_whatever_it_is_wrapped: no openssl");
        return;
    };
    let pem = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let indented: String = pem.lines().map(|line| format!("    {line}\n")).collect();
    let quoted: String = pem.lines().map(|line| format!("  \"{line}\\n\"\n")).collect();
    let expected = only(folder.path(), "key.pem").fingerprint;
    for text in [
        pem.replace('\n', "\r\n"),
        format!("tls:\n  key: |\n{indented}  cert: x\n"),
        serde_json::json!({"private_key": pem, "type": "other"}).to_string(),
        format!("const char *key =\n{quoted};\n"),
        format!("KEY=\"{}\"\n", pem.replace('\n', "\\n")),
        format!("KEY='{}'\n", pem.replace('\n', "\\\\n")),
        format!("cert first\n{pem}{pem}"),
    ] {
        let found = scan("srv/config", text.as_bytes());
        assert!(!found.is_empty() && found.len() <= 2, "{text}: {found:?}");
        for fact in found {
            assert_eq!((fact.rule.as_str(), &fact.fingerprint), ("private-key", &expected), "{text}");
        }
    }
}

#[test]
fn what_only_looks_like_a_key_is_none_or_low() {
    let begin = format!("-----BEGIN RSA {} KEY-----", "PRIVATE");
    let end = format!("-----END RSA {} KEY-----", "PRIVATE");
    for text in [
        format!("if (strstr(line, \"{begin}\")) {{"),
        format!("{begin}\n...\n{end}"),
        format!("{begin}\n<your key here>\n{end}"),
        format!("{begin}\n{begin}\n"),
        format!("{begin}\n{}\n{end}", "QUFB".repeat(40)),
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----".to_owned(),
    ] {
        let loud = scan("srv/notes", text.as_bytes()).into_iter().find(|fact| fact.confidence > Confidence::Low);
        assert_eq!(loud, None, "{text}");
    }
}

#[test]
fn published_keys_are_told_as_published() {
    let root = run("go", &["env", "GOROOT"], Path::new("."));
    let source = root.map(|root| Path::new(root.trim()).join("src/crypto/tls/example_test.go"));
    let Some(bytes) = source.and_then(|path| std::fs::read(path).ok()) else {
        skipped!("published_keys_are_told_as_published: no Go");
        return;
    };
    let found = scan("usr/local/go/src/crypto/tls/example_test.go", &bytes);
    assert!(!found.is_empty());
    for fact in found {
        assert_eq!((fact.rule.as_str(), fact.confidence), ("private-key", Confidence::Low), "{fact:?}");
        assert!(fact.masked.contains("published: source of Go"), "{fact:?}");
    }
}
