//! Files that hold keys: keystores made by openssl and keytool, JSON Web Keys by Node, keytabs after MIT's description.

use std::path::Path;

use imgguard::facts::Confidence;

use super::keys::{only, public_sum, run};
use super::rules::scan;

const KNOWN: &str = "keystore-known-password";

/// A key with its certificate, in `key.pem` and `cert.pem`; none without openssl.
fn certified(folder: &Path, kind: &[&str]) -> Option<()> {
    let request =
        ["req", "-x509", "-nodes", "-subj", "/CN=acme.net", "-days", "30", "-keyout", "key.pem", "-out", "cert.pem"];
    run("openssl", &[&request[..], kind].concat(), folder).map(drop)
}

#[test]
fn pkcs12_is_opened_with_passwords_that_everybody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (kind, shown) in [
        (&["-newkey", "rsa:2048"][..], "RSA private key, 2048 bits"),
        (&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "EC private key, P-256"),
        (&["-newkey", "ed25519"], "Ed25519 private key"),
    ] {
        if certified(here, kind).is_none() {
            skipped!("pkcs12_is_opened_with_passwords_that_everybody_knows: no openssl");
            return;
        }
        let sum = public_sum("key.pem", here);
        let export = |password: &str, more: &[&str]| {
            let pass = format!("pass:{password}");
            let export =
                ["pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-name", "acme", "-passout", &pass];
            run("openssl", &[&export[..], &["-out", "store.p12"], more].concat(), here).unwrap();
            only(here, "store.p12")
        };
        for password in ["changeit", "", "password"] {
            let fact = export(password, &[]);
            let how = if password.is_empty() {
                "an empty password".to_owned()
            } else {
                format!("the well-known password `{password}`")
            };
            assert_eq!(fact.masked, format!("{shown}, in a PKCS #12 keystore that opens with {how}"));
            assert_eq!(
                (fact.rule.as_str(), fact.key.as_deref(), fact.confidence),
                (KNOWN, Some("acme"), Confidence::High)
            );
            assert_eq!(fact.fingerprint, sum);
        }
        for digest in ["sha1", "sha384", "sha512"] {
            assert_eq!(export("changeit", &["-macalg", digest]).rule, KNOWN, "{digest}");
        }
        let fact = export("a password of its own", &[]);
        assert_eq!((fact.rule.as_str(), fact.key.as_deref()), ("private-key-encrypted", Some("acme")));
        assert_eq!(fact.masked, "private key, encrypted, in a PKCS #12 keystore");
        let clear = export("changeit", &["-keypbe", "NONE", "-certpbe", "NONE", "-nomac"]);
        assert_eq!((clear.rule.as_str(), clear.fingerprint), ("private-key", sum));
    }
    run(
        "openssl",
        &["pkcs12", "-export", "-nokeys", "-in", "cert.pem", "-passout", "pass:changeit", "-out", "trust.p12"],
        here,
    )
    .unwrap();
    assert_eq!(scan("trust.p12", &std::fs::read(here.join("trust.p12")).unwrap()), [], "certificates are no secrets");
}

#[test]
fn keystores_of_keytool_are_told_as_keytool_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (kind, password, rule) in [
        ("JKS", "changeit", KNOWN),
        ("JKS", "a-password-of-its-own", "private-key-encrypted"),
        ("JCEKS", "changeit", KNOWN),
        ("PKCS12", "changeit", KNOWN),
        ("PKCS12", "a-password-of-its-own", "private-key-encrypted"),
    ] {
        let store = format!("{kind}-{password}.store");
        let make = ["-genkeypair", "-alias", "acme", "-keyalg", "RSA", "-keysize", "2048", "-dname", "CN=acme.net"];
        let of = ["-keystore", &store, "-storetype", kind, "-storepass", password];
        if run("keytool", &[&make[..], &of, &["-keypass", password]].concat(), here).is_none() {
            skipped!("keystores_of_keytool_are_told_as_keytool_tells_them: no keytool");
            return;
        }
        let fact = only(here, &store);
        assert_eq!(
            (fact.rule.as_str(), fact.key.as_deref(), fact.confidence),
            (rule, Some("acme"), Confidence::High),
            "{store}"
        );
        assert!(fact.masked.contains("2048 bits") || rule != KNOWN, "{}", fact.masked);
        // The certificate that keytool exports has the key's public half.
        let export = [&["-exportcert", "-rfc", "-alias", "acme", "-file", "cert.pem"][..], &of].concat();
        run("keytool", &export, here).unwrap();
        let public = run("openssl", &["x509", "-in", "cert.pem", "-noout", "-pubkey", "-out", "pub.pem"], here)
            .and_then(|_| {
                run("openssl", &["pkey", "-pubin", "-in", "pub.pem", "-outform", "DER", "-out", "pub.der"], here)
            })
            .and_then(|_| run("openssl", &["dgst", "-sha256", "-r", "pub.der"], here));
        let Some(sum) = public else { continue };
        if rule == KNOWN || kind == "JKS" {
            assert_eq!(fact.fingerprint.as_deref(), sum.split(' ').next(), "{store}");
        }
        // A store of certificates alone holds no secret.
        let trust = format!("{kind}-{password}.trust");
        let import = ["-importcert", "-noprompt", "-alias", "ca", "-file", "cert.pem", "-keystore", &trust];
        run("keytool", &[&import[..], &["-storetype", kind, "-storepass", password]].concat(), here).unwrap();
        let found = scan(&trust, &std::fs::read(here.join(&trust)).unwrap());
        let loud = found.iter().find(|fact| fact.confidence > Confidence::Low);
        assert_eq!(loud, None, "{trust}");
    }
}

#[test]
fn json_web_keys_of_node_are_told() {
    const SCRIPT: &str = "const c = require('crypto'), fs = require('fs');
        const make = { rsa: ['rsa', {modulusLength: 2048}], ec: ['ec', {namedCurve: 'P-256'}], ed: ['ed25519', {}], x: ['x25519', {}] };
        for (const [name, [kind, options]] of Object.entries(make)) {
            const { privateKey, publicKey } = c.generateKeyPairSync(kind, options);
            fs.writeFileSync(name + '.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
            fs.writeFileSync(name + '.json', JSON.stringify({ keys: [{ use: 'sig', ...privateKey.export({ format: 'jwk' }) }] }, null, 1));
            fs.writeFileSync(name + '.public.json', JSON.stringify(publicKey.export({ format: 'jwk' })));
        }";
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    if run("node", &["-e", SCRIPT], here).is_none() {
        skipped!("json_web_keys_of_node_are_told: no node");
        return;
    }
    for (name, shown) in [
        ("rsa", "RSA private key, 2048 bits"),
        ("ec", "EC private key, P-256"),
        ("ed", "Ed25519 private key"),
        ("x", "X25519 private key"),
    ] {
        let fact = only(here, &format!("{name}.json"));
        assert_eq!((fact.rule.as_str(), fact.masked.as_str()), ("private-key", shown));
        assert_eq!(fact.fingerprint, only(here, &format!("{name}.pem")).fingerprint, "{name}");
        let public = std::fs::read(here.join(format!("{name}.public.json"))).unwrap();
        assert_eq!(scan("jwks.json", &public), [], "{name}: the public half is no secret");
    }
}

/// A keytab after MIT krb5's "Keytab file format", version 2, with one entry.
fn keytab(principal: &[&str], realm: &str, kind: u16, key: &[u8]) -> Vec<u8> {
    let counted = |text: &[u8]| [&(text.len() as u16).to_be_bytes()[..], text].concat();
    let mut entry = (principal.len() as u16).to_be_bytes().to_vec();
    entry.extend(counted(realm.as_bytes()));
    principal.iter().for_each(|part| entry.extend(counted(part.as_bytes())));
    entry.extend(1_u32.to_be_bytes());
    entry.extend(1_700_000_000_u32.to_be_bytes());
    entry.push(2);
    entry.extend(kind.to_be_bytes());
    entry.extend(counted(key));
    [&[5, 2][..], &(entry.len() as u32).to_be_bytes(), &entry].concat()
}

#[test]
fn keytabs_are_told_by_their_principals() {
    let bytes = keytab(&["HTTP", "www.acme.net"], "ACME.NET", 18, &[7; 32]);
    let found = scan("etc/krb5.keytab", &bytes);
    let [fact] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((fact.rule.as_str(), fact.key.as_deref()), ("kerberos-keytab", Some("HTTP/www.acme.net@ACME.NET")));
    assert_eq!(fact.masked, "Kerberos key, aes256-cts-hmac-sha1-96");
    assert_eq!(scan("etc/krb5.keytab", &bytes[..bytes.len() - 40]), [], "cut");
}

#[test]
fn a_store_that_asks_for_endless_work_is_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    if certified(here, &["-newkey", "ed25519"]).is_none() {
        skipped!("a_store_that_asks_for_endless_work_is_not_tried: no openssl");
        return;
    }
    let export =
        ["pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-passout", "pass:changeit", "-iter", "2000000"];
    run("openssl", &[&export[..], &["-out", "store.p12"]].concat(), here).unwrap();
    assert_eq!(only(here, "store.p12").rule, "private-key-encrypted");
}
