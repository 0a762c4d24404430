//! Logins that a cloud gives its own machines and jobs. The clouds are played: their registries are reached through a proxy of ours, so that they keep their names.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server, Stored};
use crate::world::{AS_OF, Ended, end, program};

const AMAZON: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
const AZURE: &str = "team.azurecr.io";
const GOOGLE: &str = "europe-docker.pkg.dev";

/// A scan of `app:1` in a registry that `proxy` plays.
fn scan(host: &str, proxy: &Server) -> Command {
    let mut command = program();
    let image = format!("{host}/app:1");
    command.args(["scan", &image, "--cache", "none", "--as-of", AS_OF, "--format", "json", "--plain-http", host]);
    command.env("HTTP_PROXY", proxy.url(""));
    command
}

#[track_caller]
fn ends(command: &mut Command, code: i32, words: &[&str]) -> Ended {
    let ended = end(command);
    assert_eq!(ended.code, code, "{}", ended.err);
    for word in words {
        assert!(ended.err.contains(word), "`{word}` is missing in: {}", ended.err);
    }
    assert!(!ended.err.contains("s3cr3t"), "{}", ended.err);
    ended
}

/// A registry that wants this user and password.
fn registry(user: &str, password: &str) -> Server {
    let expected = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    Stored::new().serve(move |asked, _| {
        let challenge = || Answer::new(401, "no").with("WWW-Authenticate", "Basic realm=\"x\"");
        (asked.header("authorization") != Some(&expected)).then(challenge)
    })
}

/// Amazon's API: gives a password for a request that carries what signed requests carry.
fn amazon(session: Option<&'static str>) -> Server {
    Server::start(move |asked| {
        let signed = asked.header("authorization").unwrap_or_default();
        let headers =
            if session.is_some() { "x-amz-date;x-amz-security-token;x-amz-target" } else { "x-amz-date;x-amz-target" };
        let expected = [
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20",
            "/eu-west-1/ecr/aws4_request, ",
            &format!("SignedHeaders=content-type;host;{headers}, Signature="),
        ];
        let target = asked.header("x-amz-target") == Some("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken");
        let all = expected.iter().all(|part| signed.contains(part)) && asked.header("x-amz-security-token") == session;
        if !(target && all && asked.body == "{}") {
            return Answer::new(400, format!("{asked:?}"));
        }
        let token = STANDARD.encode("AWS:s3cr3t");
        Answer::new(200, json!({"authorizationData": [{"authorizationToken": token}]}).to_string())
    })
}

#[test]
fn amazons_registry_takes_keys_of_the_environment() {
    let (proxy, api) = (registry("AWS", "s3cr3t"), amazon(None));
    let keys = |command: &mut Command| {
        command.env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE").env("AWS_SECRET_ACCESS_KEY", "s3cr3t");
    };
    let mut command = scan(AMAZON, &proxy);
    keys(&mut command);
    ends(command.env("AWS_ENDPOINT_URL_ECR", api.url("/")), 0, &[]);
    assert_eq!(api.asked().len(), 1);
    // Keys are for Amazon's registry alone, and only over TLS or on this machine.
    let mut command = scan("registry.invalid", &proxy);
    keys(&mut command);
    ends(command.env("AWS_ENDPOINT_URL_ECR", api.url("/")), 5, &["no credentials were found for it"]);
    assert_eq!(api.asked().len(), 1);
    let mut command = scan(AMAZON, &proxy);
    keys(&mut command);
    let told = ["the configuration in `AWS_ENDPOINT_URL_ECR` cannot be used: it is no address of TLS"];
    ends(command.env("AWS_ENDPOINT_URL_ECR", "http://192.0.2.1/"), 2, &told);
    let refusing = Server::start(|_| Answer::new(403, r#"{"message":"no s3cr3t for you"}"#.replace("s3cr3t", "token")));
    let mut command = scan(AMAZON, &proxy);
    keys(&mut command);
    ends(command.env("AWS_ENDPOINT_URL_ECR", refusing.url("/")), 5, &["denies access to `token`"]);
}

#[test]
fn amazons_registry_takes_a_web_identity_and_a_containers_keys() {
    let (proxy, api) = (registry("AWS", "s3cr3t"), amazon(Some("session")));
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "jwt\n").unwrap();
    let sts = Server::start(|asked| {
        let expected = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=role&RoleSessionName=imgguard&WebIdentityToken=jwt";
        if asked.body != expected {
            return Answer::new(400, asked.body.clone());
        }
        let keys = "<AccessKeyId>AKIDEXAMPLE</AccessKeyId><SecretAccessKey>s3cr3t</SecretAccessKey><SessionToken>session</SessionToken>";
        Answer::new(
            200,
            format!(
                "<AssumeRoleWithWebIdentityResponse><Credentials>{keys}</Credentials></AssumeRoleWithWebIdentityResponse>"
            ),
        )
    });
    let mut command = scan(AMAZON, &proxy);
    command.env("AWS_ROLE_ARN", "role").env("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
    ends(command.env("AWS_ENDPOINT_URL_STS", sts.url("/")).env("AWS_ENDPOINT_URL_ECR", api.url("/")), 0, &[]);
    let container = Server::start(|asked| {
        let keys = json!({"AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": "s3cr3t", "Token": "session"});
        let status = if asked.header("authorization") == Some("jwt") { 200 } else { 403 };
        Answer::new(status, keys.to_string())
    });
    let mut command = scan(AMAZON, &proxy);
    command.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url("/keys"));
    command.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token);
    ends(command.env("AWS_ENDPOINT_URL", api.url("/")), 0, &[]);
}

#[test]
fn azures_registry_exchanges_an_applications_token() {
    let authority = Server::start(|asked| {
        let by_secret = "grant_type=client_credentials&client_id=client&scope=https%3A%2F%2Fmanagement.azure.com%2F.default&client_secret=s3cr3t";
        let by_token = "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=jwt";
        let known = asked.body == by_secret || asked.body.ends_with(by_token);
        let status = if known && asked.path == "/tenant/oauth2/v2.0/token" { 200 } else { 400 };
        Answer::new(status, r#"{"access_token":"application"}"#)
    });
    let proxy = Stored::new().serve(|asked, _| {
        let exchange = format!("grant_type=access_token&service={AZURE}&tenant=tenant&access_token=application");
        match asked.local_path() {
            "/oauth2/exchange" if asked.body == exchange => Some(Answer::new(200, r#"{"refresh_token":"r3fr3sh"}"#)),
            "/oauth2/token" if asked.body.contains("refresh_token=r3fr3sh") => {
                Some(Answer::new(200, r#"{"access_token":"t0k3n"}"#))
            }
            _ if asked.header("authorization") == Some("Bearer t0k3n") => None,
            _ => {
                let challenge = format!(r#"Bearer realm="http://{AZURE}/oauth2/token",service="{AZURE}""#);
                Some(Answer::new(401, "").with("WWW-Authenticate", challenge))
            }
        }
    });
    let application = || {
        let mut command = scan(AZURE, &proxy);
        command.env("AZURE_TENANT_ID", "tenant").env("AZURE_CLIENT_ID", "client");
        command.env("AZURE_AUTHORITY_HOST", authority.url(""));
        command
    };
    ends(application().env("AZURE_CLIENT_SECRET", "s3cr3t"), 0, &[]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("token"), "jwt").unwrap();
    ends(application().env("AZURE_FEDERATED_TOKEN_FILE", folder.path().join("token")), 0, &[]);
    ends(
        application().env("AZURE_CLIENT_SECRET", "other"),
        5,
        &["unexpected answer while asking the cloud for a login: status 400"],
    );
}

#[test]
fn googles_registry_takes_the_machines_token() {
    let metadata = Server::start(|asked| {
        let known = asked.path == "/computeMetadata/v1/instance/service-accounts/default/token";
        let status = if known && asked.header("metadata-flavor") == Some("Google") { 200 } else { 404 };
        Answer::new(status, r#"{"access_token":"s3cr3t","expires_in":3599,"token_type":"Bearer"}"#)
    });
    let proxy = registry("oauth2accesstoken", "s3cr3t");
    ends(scan(GOOGLE, &proxy).env("GCE_METADATA_HOST", metadata.address.to_string()), 0, &[]);
    ends(scan(AZURE, &proxy).env("GCE_METADATA_HOST", metadata.address.to_string()), 5, &["no credentials were found"]);
    ends(scan(GOOGLE, &proxy).env("GCE_METADATA_HOST", "192.0.2.1"), 2, &["`GCE_METADATA_HOST` cannot be used"]);
}

/// Whether OpenSSL finds that a JWT is signed with a key.
fn is_signed(assertion: &str, public_key: &Path, folder: &Path) -> bool {
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let (message_file, signature_file) = (folder.join("message"), folder.join("signature"));
    fs::write(&message_file, message).unwrap();
    fs::write(&signature_file, URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let mut command = Command::new("openssl");
    command.args(["dgst", "-sha256", "-verify"]).arg(public_key).arg("-signature").arg(signature_file);
    command.arg(message_file).output().unwrap().status.success()
}

#[test]
fn googles_registry_takes_a_service_account() {
    if !Path::new("/usr/bin/openssl").exists() {
        skipped!("there is no openssl on this machine");
        return;
    }
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let public_key = folder.path().join("public.pem");
    fs::write(&public_key, key.public_key_pem()).unwrap();
    let tokens = Server::start(|_| Answer::new(200, r#"{"access_token":"s3cr3t"}"#));
    let proxy = registry("oauth2accesstoken", "s3cr3t");
    let file = folder.path().join("account.json");
    let account = |uri: &str, private_key: &str| {
        let account = json!({"type": "service_account", "client_email": "me@example", "private_key_id": "1", "private_key": private_key, "token_uri": uri});
        fs::write(&file, account.to_string()).unwrap();
    };
    account(&tokens.url("/token"), &key.serialize_pem());
    ends(scan(GOOGLE, &proxy).env("GOOGLE_APPLICATION_CREDENTIALS", &file), 0, &[]);
    let asked: Vec<Asked> = tokens.asked();
    let assertion = asked[0].body.split_once("grant-type%3Ajwt-bearer&assertion=").unwrap().1;
    assert!(is_signed(assertion, &public_key, folder.path()), "{assertion}");
    let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "me@example");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    // What cannot be used is told, and not quoted.
    account(&tokens.url("/token"), "s3cr3t");
    ends(scan(GOOGLE, &proxy).env("GOOGLE_APPLICATION_CREDENTIALS", &file), 2, &["its private key cannot be used"]);
    fs::write(&file, r#"{"type":"external_account"}"#).unwrap();
    ends(scan(GOOGLE, &proxy).env("GOOGLE_APPLICATION_CREDENTIALS", &file), 2, &["not supported; `gcloud auth"]);
}
