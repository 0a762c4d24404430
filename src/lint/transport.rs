//! Settings by which a program does without TLS, or without its check: of a container, and of an image.
//!
//! Sources: the manuals of the programs, beside each.

/// Variables with the values that switch the check of certificates or checksums off; without any, every value does.
const SWITCHES: &[(&str, &[&str])] = &[
    ("NODE_TLS_REJECT_UNAUTHORIZED", &["0"]), // nodejs.org/api/cli.html
    ("PYTHONHTTPSVERIFY", &["0"]),            // PEP 493
    ("NPM_CONFIG_STRICT_SSL", &["false", "0"]),
    ("YARN_STRICT_SSL", &["false", "0"]),
    ("YARN_ENABLE_STRICT_SSL", &["false", "0"]),
    ("GIT_SSL_NO_VERIFY", &["true", "1", "yes", "on"]), // git(1)
    ("GOINSECURE", &[]),                                // go help environment
    ("GONOSUMDB", &["*"]),
    ("GONOSUMCHECK", &["1"]),
    ("GOFLAGS", &["-insecure"]),
    ("GOSUMDB", &["off"]),
    ("UV_INSECURE_HOST", &[]),
    ("CARGO_HTTP_CHECK_REVOKE", &["false"]),
    ("CARGO_NET_SSL_VERIFY", &["false"]),
    ("BUNDLE_SSL_VERIFY_MODE", &["0"]),
    ("CURL_SSL_NO_VERIFY", &["1", "true"]),
    ("DENO_TLS_NO_VERIFY", &["1", "true"]),
    ("COMPOSER_DISABLE_TLS", &["1", "true"]),
    ("MYSQL_SSL_VERIFY_SERVER_CERT", &["0", "false", "off"]),
    ("VAULT_SKIP_VERIFY", &["1", "true"]), // developer.hashicorp.com/vault/docs/commands
    ("CONSUL_HTTP_SSL_VERIFY", &["0", "false"]),
    ("NOMAD_SKIP_VERIFY", &["1", "true"]),
    ("OPENAI_VERIFY_SSL_CERTS", &["0", "false"]),
    ("ES_SKIP_SSL_VERIFY", &["1", "true"]),
    ("ELASTICSEARCH_SSL_VERIFICATIONMODE", &["none"]),
];

/// Names that programs without a common one of their own give to such a switch.
const COMMON: &[&str] = &["VERIFY_SSL", "SSL_VERIFY", "TLS_VERIFY", "VERIFY_TLS", "REQUESTS_VERIFY"];

/// Options of connection strings that do without TLS, or without its check.
const OPTIONS: &[&str] = &[
    "sslmode=disable", // postgresql.org, "Database Connection Control Functions"
    "ssl-mode=disabled",
    "sslmode=disabled", // dev.mysql.com, "--ssl-mode"
    "tls=skip-verify",
    "ssl=false",
    "usessl=false",
    "tls=false", // mongodb.com, "Connection String Options"
    "tlsinsecure=true",
    "tlsallowinvalidcertificates=true",
    "encrypt=false", // learn.microsoft.com, "SqlConnection.ConnectionString"
    "trustservercertificate=true",
    "ssl_cert_reqs=none",
];

/// Protocols in clear, with what they are called with TLS.
const CLEAR: &[(&str, &str)] = &[
    ("http", "https"),
    ("ws", "wss"),
    ("redis", "rediss"),
    ("amqp", "amqps"),
    ("mqtt", "mqtts"),
    ("ldap", "ldaps"),
    ("ftp", "sftp"),
    ("mongodb", "mongodb with tls=true"),
    ("plaintext", "SSL"),
];

/// Ends of names that only a machine, a cluster or a house knows.
const INSIDE: &[&str] =
    &[".local", ".internal", ".lan", ".localhost", ".svc", ".home", ".localdomain", ".test", ".invalid"];

/// What a variable switches off.
pub(in crate::lint) fn switched_off(name: &str, value: &str) -> Option<&'static str> {
    let (name, value) = (name.to_ascii_uppercase(), value.to_ascii_lowercase());
    let is_switch = SWITCHES.iter().any(|(known, values)| {
        *known == name && !value.is_empty() && (values.is_empty() || values.contains(&value.as_str()))
    });
    if is_switch || (COMMON.contains(&name.as_str()) && matches!(value.as_str(), "0" | "false" | "no" | "off")) {
        return Some("switches the check of certificates or checksums off");
    }
    if name == "PGSSLMODE" && matches!(value.as_str(), "disable" | "allow" | "prefer") {
        return Some("does without TLS");
    }
    // What is in the same project is reached over the project's own network, so that only another host counts.
    let has_option = OPTIONS.iter().any(|option| value.contains(option));
    let is_remote = addresses(&value).any(|address| is_remote(address.host));
    (has_option && is_remote).then_some("has a connection without TLS, or without its check")
}

/// A connection in clear.
pub(in crate::lint) struct Clear {
    /// Its protocol.
    pub(in crate::lint) scheme: &'static str,
    /// What to use in its place.
    pub(in crate::lint) instead: &'static str,
    /// Where it leads.
    pub(in crate::lint) host: String,
    /// A name and password go along, or it is no page.
    pub(in crate::lint) is_grave: bool,
}

/// The first connection of a value that leads to another host in clear.
pub(in crate::lint) fn in_clear(name: &str, value: &str) -> Option<Clear> {
    let upper = name.to_ascii_uppercase();
    // A proxy is asked in clear for what is encrypted; a namespace is a name.
    if upper.ends_with("PROXY") || ["XMLNS", "NAMESPACE", "SCHEMA", "LICENSE"].iter().any(|word| upper.contains(word)) {
        return None;
    }
    let lower = value.to_ascii_lowercase();
    let is_encrypted = ["tls=true", "ssl=true", "ssl=require"].iter().any(|option| lower.contains(option));
    addresses(&lower).find_map(|address| {
        let (scheme, instead) = CLEAR.iter().find(|(scheme, _)| *scheme == address.scheme)?;
        let is_name = ["www.w3.org", "schemas.", "xmlns."].iter().any(|host| address.host.starts_with(host));
        let is_clear = is_remote(address.host) && !is_name && !(is_encrypted && *scheme == "mongodb");
        let is_grave = address.has_password || !matches!(*scheme, "http" | "ws");
        is_clear.then(|| Clear { scheme, instead, host: address.host.to_owned(), is_grave })
    })
}

/// An address in a text.
struct Address<'a> {
    scheme: &'a str,
    host: &'a str,
    has_password: bool,
}

/// The addresses of a text, however they are put together.
fn addresses(text: &str) -> impl Iterator<Item = Address<'_>> {
    text.match_indices("://").filter_map(|(at, _)| {
        let before = text.get(..at)?;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
        let start = before.rfind(|c| !is_scheme(c)).map_or(0, |at| at + 1);
        let rest = text.get(at + 3..)?;
        let end = rest.find(['/', '?', ',', ' ', ';', '|', '"', '\'', ')']).unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
        let has_password = user.is_some_and(|user| user.contains(':'));
        Some(Address { scheme: before.get(start..)?, host, has_password })
    })
}

/// Whether a host is one with a domain or a public address, and not another container, this machine or this house.
fn is_remote(host: &str) -> bool {
    let is_known = host.contains('.') && !host.contains(['$', '{', '<', '[', '*']);
    let is_inside = INSIDE.iter().any(|end| host.ends_with(end)) || host.contains(".svc.") || host.contains(".consul");
    let is_private = host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| {
        address.is_private() || address.is_loopback() || address.is_link_local() || address.is_unspecified()
    });
    is_known && !is_inside && !is_private
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_elsewhere_in_clear() {
        let found = |value: &str| in_clear("URL", value).map(|clear| (clear.host, clear.is_grave));
        let host = |name: &str, is_grave| Some((name.to_owned(), is_grave));
        assert_eq!(found("http://api.example.com/v1"), host("api.example.com", false));
        assert_eq!(found("redis://cache.example.com:6379/0"), host("cache.example.com", true));
        assert_eq!(found("a=1 http://u:p@x.org"), host("x.org", true));
        assert_eq!(found("mongodb://a.example.com,b.example.com/x"), host("a.example.com", true));
        assert_eq!(found("PLAINTEXT://8.8.8.8:9092"), host("8.8.8.8", true));
        for value in [
            "https://api.example.com",
            "http://web:8080",
            "http://localhost",
            "http://127.0.0.1:80",
            "http://192.168.1.2",
            "amqp://guest@mq",
            "http://a.b.svc.cluster.local",
            "http://a.ns.svc",
            "http://www.w3.org/2000/svg",
            "mongodb://a.example.com/x?tls=true",
            "mongodb+srv://a.example.com",
            "http://${HOST}.example.com",
            "http://nas.local",
        ] {
            assert_eq!(found(value), None, "{value}");
        }
        assert!(in_clear("HTTP_PROXY", "http://proxy.example.com:3128").is_none());
    }
}
