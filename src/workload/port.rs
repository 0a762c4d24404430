//! Published ports.
//!
//! Source: Compose specification, "ports", short and long syntax.

/// A published port or range of ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The host's address; none stands for all of them.
    pub address: Option<String>,
    /// The host's ports; none where the engine chooses.
    pub published: Option<(u16, u16)>,
    /// The container's.
    pub target: (u16, u16),
    /// `tcp`, `udp`, `sctp`.
    pub protocol: String,
}

impl Port {
    /// Reads `[[ADDRESS:]PUBLISHED:]TARGET[/PROTOCOL]`; an address of IPv6 may stand in brackets.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (text, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
        let (host, target) = text.rsplit_once(':').map_or((None, text), |(host, target)| (Some(host), target));
        let target = range(target)?;
        let Some(host) = host else {
            return Some(Self { address: None, published: None, target, protocol: protocol.to_owned() });
        };
        let (address, published) = match host.rsplit_once(':') {
            Some((address, published)) => (Some(address), published),
            None => (None, host),
        };
        let published = if published.is_empty() { None } else { Some(range(published)?) };
        let address = address.map(|address| address.trim_start_matches('[').trim_end_matches(']').to_owned());
        Some(Self {
            address: address.filter(|address| !address.is_empty()),
            published,
            target,
            protocol: protocol.to_owned(),
        })
    }

    /// Whether others than the host itself reach it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.address.as_deref().is_none_or(|address| {
            let ip: Result<std::net::IpAddr, _> = address.parse();
            ip.map_or(address != "localhost", |ip| !ip.is_loopback())
        })
    }
}

/// `80` or `8000-8010`.
#[must_use]
pub fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the specification, and addresses of IPv6.
    #[test]
    fn short_syntax() {
        for (text, address, published, target, protocol) in [
            ("3000", None, None, (3000, 3000), "tcp"),
            ("3000-3005", None, None, (3000, 3005), "tcp"),
            ("8000:8000", None, Some((8000, 8000)), (8000, 8000), "tcp"),
            ("9090-9091:8080-8081", None, Some((9090, 9091)), (8080, 8081), "tcp"),
            ("127.0.0.1:8001:8001", Some("127.0.0.1"), Some((8001, 8001)), (8001, 8001), "tcp"),
            ("127.0.0.1:5000-5010:5000-5010", Some("127.0.0.1"), Some((5000, 5010)), (5000, 5010), "tcp"),
            ("::1:6000:6000", Some("::1"), Some((6000, 6000)), (6000, 6000), "tcp"),
            ("[::1]:6001:6001", Some("::1"), Some((6001, 6001)), (6001, 6001), "tcp"),
            ("6060:6060/udp", None, Some((6060, 6060)), (6060, 6060), "udp"),
            ("127.0.0.1::8080", Some("127.0.0.1"), None, (8080, 8080), "tcp"),
        ] {
            let expected =
                Port { address: address.map(str::to_owned), published, target, protocol: protocol.to_owned() };
            assert_eq!(Port::parse(text), Some(expected), "{text}");
        }
        for text in ["", "a:b", "70000:80", "80-70:80", "80:"] {
            assert_eq!(Port::parse(text), None, "{text}");
        }
    }

    #[test]
    fn who_reaches_it() {
        for (text, public) in [
            ("80:80", true),
            ("127.0.0.2:80:80", false),
            ("::1:80:80", false),
            ("0.0.0.0:80:80", true),
            ("[::]:80:80", true),
            ("10.0.0.1:80:80", true),
            ("80", true),
        ] {
            assert_eq!(Port::parse(text).unwrap().is_public(), public, "{text}");
        }
    }
}
