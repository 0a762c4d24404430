//! Amazon's Elastic Container Registry: `GetAuthorizationToken` gives a password for twelve hours.
//!
//! Source: Amazon ECR API reference, "GetAuthorizationToken"; AWS STS API reference, "AssumeRoleWithWebIdentity"; IAM user guide, "Create a signed AWS API request" (Signature Version 4); the
//! variables are those of Amazon's own libraries ("AWS SDKs and Tools reference"). Profiles of `~/.aws` and the roles of EC2 machines are not read.

use std::path::PathBuf;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::super::super::answers;
use super::{Login, PHASE, Secret, SourceError, Transport, address, field, incomplete, issued, secret_file};
use crate::digest::Digest;
use crate::net::{Payload, Request, authority};

/// The operation, as the API's protocol names it.
const TARGET: &str = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken";

/// Where containers of ECS find their credentials.
const CONTAINER_SERVICE: &str = "http://169.254.170.2";

/// One of Amazon's registries.
pub(super) struct Registry {
    region: String,
    /// `amazonaws.com`, in China with another ending.
    domain: String,
    fips: bool,
}

impl Registry {
    /// Reads `ACCOUNT.dkr.ecr[-fips].REGION.amazonaws.com[.cn]`.
    pub(super) fn parse(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once(".dkr.")?;
        let (service, rest) = rest.split_once('.')?;
        let (region, domain) = rest.split_once('.')?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_region = region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let known = matches!(service, "ecr" | "ecr-fips") && matches!(domain, "amazonaws.com" | "amazonaws.com.cn");
        let (region, domain, fips) = (region.to_owned(), domain.to_owned(), service == "ecr-fips");
        (is_account && is_region && known).then_some(Self { region, domain, fips })
    }

    fn endpoint(&self) -> String {
        let service = if self.fips { "ecr-fips" } else { "api.ecr" };
        format!("https://{service}.{}.{}/", self.region, self.domain)
    }
}

/// Where keys come from, and addresses that replace Amazon's own.
pub(super) struct Ambient {
    source: Source,
    ecr: Option<String>,
    sts: Option<String>,
}

enum Source {
    Keys(Keys),
    WebIdentity { role: String, session: String, file: PathBuf },
    Container { url: String, token: Option<Secret>, token_file: Option<PathBuf> },
}

#[derive(Clone)]
struct Keys {
    id: String,
    secret: Secret,
    session: Option<Secret>,
    from: &'static str,
}

impl Ambient {
    /// Keys of the environment, else a web identity, else a container's.
    pub(super) fn new(set: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let keys = || {
            let (id, secret) = (set("AWS_ACCESS_KEY_ID")?, Secret::new(set("AWS_SECRET_ACCESS_KEY")?));
            let session = set("AWS_SESSION_TOKEN").map(Secret::new);
            Some(Source::Keys(Keys { id, secret, session, from: "`AWS_ACCESS_KEY_ID`" }))
        };
        let web = || {
            let session = set("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| "imgguard".into());
            let (role, file) = (set("AWS_ROLE_ARN")?, set("AWS_WEB_IDENTITY_TOKEN_FILE")?.into());
            Some(Source::WebIdentity { role, session, file })
        };
        let container = || {
            let relative =
                set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER_SERVICE}{path}"));
            let url = relative.or_else(|| set("AWS_CONTAINER_CREDENTIALS_FULL_URI"))?;
            let token = set("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(Secret::new);
            let token_file = set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(PathBuf::from);
            Some(Source::Container { url, token, token_file })
        };
        let source = keys().or_else(web).or_else(container)?;
        let endpoint = |name: &str| set(name).or_else(|| set("AWS_ENDPOINT_URL"));
        Some(Self { source, ecr: endpoint("AWS_ENDPOINT_URL_ECR"), sts: endpoint("AWS_ENDPOINT_URL_STS") })
    }

    /// User and password for a registry.
    pub(super) async fn login(&self, transport: &Transport, registry: &Registry) -> Result<Login, SourceError> {
        let keys = self.keys(transport, registry).await?;
        let endpoint = self.ecr.clone().unwrap_or_else(|| registry.endpoint());
        let url = address("AWS_ENDPOINT_URL_ECR", &endpoint)?;
        // A signature needs the real time, whatever day the findings are judged as of.
        let stamp = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
        let request = signed(url, &keys, &registry.region, &stamp)?;
        let token = issued(transport, &request, "token", "/authorizationData/0/authorizationToken").await?;
        let text = BASE64.decode(token.reveal()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let login = text.as_deref().and_then(|text| text.split_once(':'));
        let (user, password) = login.ok_or_else(|| incomplete(authority(&request.url), "user and password"))?;
        Ok(Login::Password {
            user: user.to_owned(),
            password: Secret::new(password.to_owned()),
            from: keys.from.to_owned(),
        })
    }

    async fn keys(&self, transport: &Transport, registry: &Registry) -> Result<Keys, SourceError> {
        match &self.source {
            Source::Keys(keys) => Ok(keys.clone()),
            Source::WebIdentity { role, session, file } => {
                let usual = || format!("https://sts.{}.{}/", registry.region, registry.domain);
                let url = address("AWS_ENDPOINT_URL_STS", &self.sts.clone().unwrap_or_else(usual))?;
                let fields = vec![
                    ("Action", "AssumeRoleWithWebIdentity".to_owned()),
                    ("Version", "2011-06-15".to_owned()),
                    ("RoleArn", role.clone()),
                    ("RoleSessionName", session.clone()),
                    ("WebIdentityToken", secret_file(file)?.reveal().to_owned()),
                ];
                let request = Request { payload: Some(Payload::Form(fields)), ..Request::get(url, PHASE) };
                let (body, host) = answers::issued(transport, &request, "keys").await?;
                let element = |name: &str| element(&body, name).map(Secret::new);
                let names = ["AccessKeyId", "SecretAccessKey", "SessionToken"];
                of_answer(names.map(element), "`AWS_ROLE_ARN`").ok_or_else(|| incomplete(host, "keys"))
            }
            Source::Container { url, token, token_file } => {
                let mut request = Request::get(address("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)?, PHASE);
                let token = token_file.as_deref().map(secret_file).transpose()?.or_else(|| token.clone());
                request.authorization = token.map(|token| sensitive(token.reveal())).transpose()?;
                let (body, host) = answers::issued(transport, &request, "keys").await?;
                let names = ["/AccessKeyId", "/SecretAccessKey", "/Token"];
                of_answer(names.map(|name| field(&body, name)), "the container").ok_or_else(|| incomplete(host, "keys"))
            }
        }
    }
}

fn of_answer([id, secret, session]: [Option<Secret>; 3], from: &'static str) -> Option<Keys> {
    Some(Keys { id: id?.reveal().to_owned(), secret: secret?, session, from })
}

/// The text of the first element of this name. Keys and tokens hold no letters that XML would escape.
fn element(body: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    let (value, _) = rest.split_once(&format!("</{name}>"))?;
    Some(value.to_owned())
}

fn sensitive(value: &str) -> Result<HeaderValue, SourceError> {
    let unusable = |_| SourceError::Configuration {
        place: "the credentials for Amazon's registry".into(),
        detail: "they cannot be sent in a header".into(),
    };
    let mut header = HeaderValue::try_from(value).map_err(unusable)?;
    header.set_sensitive(true);
    Ok(header)
}

/// The request for a password, signed at `stamp`.
fn signed(url: Url, keys: &Keys, region: &str, stamp: &str) -> Result<Request, SourceError> {
    const BODY: &[u8] = b"{}";
    let mut fields = vec![
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("host", authority(&url)),
        ("x-amz-date", stamp.to_owned()),
    ];
    fields.extend(keys.session.as_ref().map(|session| ("x-amz-security-token", session.reveal().to_owned())));
    fields.push(("x-amz-target", TARGET.to_owned()));
    let names = fields.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = fields.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let canonical = format!("POST\n{}\n\n{lines}\n{names}\n{}", url.path(), Digest::sha256(BODY).hex());
    let date = stamp.get(..8).unwrap_or_default();
    let signature = signature(&keys.secret, [date, region, "ecr"], stamp, &canonical);
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{date}/{region}/ecr/aws4_request, SignedHeaders={names}, Signature={signature}",
        keys.id
    );
    let mut headers = HeaderMap::new();
    // The HTTP client writes `Host` itself.
    for (name, value) in fields.iter().filter(|(name, _)| *name != "host") {
        headers.insert(HeaderName::from_static(name), sensitive(value)?);
    }
    let authorization = Some(sensitive(&authorization)?);
    Ok(Request {
        headers,
        authorization,
        payload: Some(Payload::Bytes(bytes::Bytes::from_static(BODY))),
        ..Request::get(url, PHASE)
    })
}

/// Signature Version 4 of a canonical request, in hex. `scope` is date, region and service.
fn signature(secret: &Secret, scope: [&str; 3], stamp: &str, canonical: &str) -> String {
    let mac = |key: &[u8], message: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    let [date, region, service] = scope;
    let text = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{date}/{region}/{service}/aws4_request\n{}",
        Digest::sha256(canonical.as_bytes()).hex()
    );
    let first = mac(format!("AWS4{}", secret.reveal()).as_bytes(), date);
    let key = [region, service, "aws4_request"].iter().fold(first, |key, part| mac(key.as_ref(), part));
    mac(key.as_ref(), &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_known_by_their_names() {
        let endpoint = |host: &str| Registry::parse(host).map(|registry| registry.endpoint());
        let account = "123456789012.dkr";
        assert_eq!(
            endpoint(&format!("{account}.ecr.eu-west-1.amazonaws.com")).as_deref(),
            Some("https://api.ecr.eu-west-1.amazonaws.com/")
        );
        assert_eq!(
            endpoint(&format!("{account}.ecr-fips.us-gov-west-1.amazonaws.com")).as_deref(),
            Some("https://ecr-fips.us-gov-west-1.amazonaws.com/")
        );
        assert_eq!(
            endpoint(&format!("{account}.ecr.cn-north-1.amazonaws.com.cn")).as_deref(),
            Some("https://api.ecr.cn-north-1.amazonaws.com.cn/")
        );
        for other in ["public.ecr.aws", "1.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.x.evil.example"] {
            assert_eq!(endpoint(other), None, "{other}");
        }
    }

    /// The worked example of the IAM user guide; its numbers were computed again with Python's `hmac`.
    #[test]
    fn the_signature_is_the_documented_one() {
        let canonical = format!(
            "GET\n/\nAction=ListUsers&Version=2010-05-08\ncontent-type:application/x-www-form-urlencoded; charset=utf-8\n\
             host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{}",
            Digest::sha256(b"").hex()
        );
        let secret = Secret::new(["wJalrXUtnFEMI/K7MDENG", "+bPxRfiCYEXAMPLEKEY"].concat());
        let actual = signature(&secret, ["20150830", "us-east-1", "iam"], "20150830T123600Z", &canonical);
        assert_eq!(actual, "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
    }

    #[test]
    fn elements_of_an_answer() {
        let body =
            b"<R><Credentials><AccessKeyId>id</AccessKeyId><SessionToken>a/b+c=</SessionToken></Credentials></R>";
        assert_eq!(element(body, "AccessKeyId").as_deref(), Some("id"));
        assert_eq!(element(body, "SessionToken").as_deref(), Some("a/b+c="));
        assert_eq!(element(body, "SecretAccessKey"), None);
    }
}
