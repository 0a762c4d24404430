//! Which hosts may be spoken to how.

use std::net::IpAddr;

use reqwest::Url;

use super::Settings;

/// Most redirects of one request. A registry needs one, to where it keeps its blobs; a second happens behind mirrors.
pub(super) const MAX_REDIRECTS: usize = 4;

/// Host and, where it is not the scheme's own, port: how a host is named to people and in `certs.d`.
#[must_use]
pub fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether a URL stays on this machine, by its host's name or address.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || address(url).is_some_and(|address| address.is_loopback())
}

/// Whether a URL leads to one of the services that a cloud gives each of its machines, such as the one at 169.254.169.254. Link-local addresses are not routed, so plain HTTP
/// stays on the host.
#[must_use]
pub fn is_machine_service(url: &Url) -> bool {
    address(url).is_some_and(|address| match address {
        IpAddr::V4(address) => address.is_link_local(),
        // Amazon's own network for this.
        IpAddr::V6(address) => address.segments().starts_with(&[0xfd00, 0x0ec2]),
    })
}

/// The address that a host is written as.
fn address(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']');
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether both URLs have the same scheme, host and port: what credentials are for.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.origin() == b.origin()
}

impl Settings {
    /// Whether this host may be spoken to without TLS.
    #[must_use]
    pub fn allows_plain_http(&self, url: &Url) -> bool {
        is_loopback(url) || self.is_listed_for_plain_http(url)
    }

    /// Whether the user named this host for plain HTTP, so that TLS need not be tried.
    #[must_use]
    pub fn is_listed_for_plain_http(&self, url: &Url) -> bool {
        listed(&self.plain_http, url)
    }

    /// Whether this host's certificate is checked.
    #[must_use]
    pub fn checks_certificate(&self, url: &Url) -> bool {
        !listed(&self.insecure_tls, url)
    }

    /// Whether a server at `from` may send us to `to` (a redirect, or where tokens are issued): to TLS always, to plain HTTP only from plain HTTP, or between addresses
    /// of this machine. A server elsewhere cannot make us speak to this machine's own services.
    ///
    /// # Errors
    /// Why not.
    pub fn allows_step(&self, from: &Url, to: &Url) -> Result<(), String> {
        let is_unspecified = address(to).is_some_and(|address| address.is_unspecified());
        let is_here = is_loopback(to) || is_unspecified || is_machine_service(to);
        if is_here && !is_loopback(from) {
            return Err(format!("it leads to `{}` on this machine", authority(to)));
        }
        match to.scheme() {
            "https" => Ok(()),
            "http" if is_loopback(to) || (from.scheme() == "http" && self.allows_plain_http(to)) => Ok(()),
            "http" if from.scheme() == "http" => {
                Err(format!("it leads to `{0}` without TLS, which `--plain-http {0}` would allow", authority(to)))
            }
            "http" => Err(format!("it leads to `{}` without TLS", authority(to))),
            _ => Err("it leads to something other than HTTP".into()),
        }
    }
}

/// Whether a list of `HOST` and `HOST:PORT` names this URL's host.
fn listed(list: &[String], url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let with_port = || format!("{host}:{}", url.port_or_known_default().unwrap_or_default());
    list.iter().any(|entry| entry.eq_ignore_ascii_case(host) || entry.eq_ignore_ascii_case(&with_port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn loopback_is_known_by_address() {
        for local in [
            "http://127.0.0.1:5000/",
            "http://127.9.9.9/",
            "http://[::1]:5000/",
            "http://localhost:1/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(is_loopback(&url(local)), "{local}");
        }
        for other in ["http://localhost.example/", "http://10.0.0.1/", "http://127.0.0.1.example/", "http://[fe80::1]/"]
        {
            assert!(!is_loopback(&url(other)), "{other}");
        }
    }

    #[test]
    fn a_step_never_leaves_tls_and_never_comes_home() {
        let settings = Settings { plain_http: vec!["plain.example:5000".into()], ..Settings::default() };
        let allowed = |from: &str, to: &str| settings.allows_step(&url(from), &url(to)).is_ok();
        assert!(allowed("https://a.example/", "https://b.example/"));
        assert!(allowed("http://127.0.0.1:1/", "http://127.0.0.1:2/"));
        assert!(allowed("https://127.0.0.1:1/", "http://127.0.0.1:2/"));
        assert!(allowed("http://plain.example:5000/", "http://plain.example:5000/x"));
        assert!(!allowed("http://plain.example:5000/", "http://plain.example/"), "another port is another host");
        assert!(!allowed("https://a.example/", "http://a.example/"));
        assert!(!allowed("https://a.example/", "http://plain.example:5000/"), "TLS is not given up on the way");
        assert!(!allowed("https://a.example/", "http://127.0.0.1:2375/"));
        assert!(!allowed("https://a.example/", "https://localhost/"));
        assert!(!allowed("https://a.example/", "https://0.0.0.0/"), "this machine, too");
        assert!(!allowed("https://a.example/", "https://169.254.169.254/"), "nor its keys");
        assert!(!allowed("https://a.example/", "ftp://b.example/"));
    }

    #[test]
    fn hosts_are_listed_with_or_without_port() {
        let settings =
            Settings { insecure_tls: vec!["A.example".into(), "b.example:8443".into()], ..Settings::default() };
        assert!(!settings.checks_certificate(&url("https://a.example:9/")));
        assert!(!settings.checks_certificate(&url("https://b.example:8443/")));
        assert!(settings.checks_certificate(&url("https://b.example/")));
        assert_eq!(authority(&url("https://b.example:443/")), "b.example");
    }
}
