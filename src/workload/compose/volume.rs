//! The short syntax of volumes: `[SOURCE:]TARGET[:OPTIONS]`.
//!
//! Source: Compose specification, "volumes", short syntax.

use crate::workload::Mount;

/// Reads it. A source that begins like a path is one of the host's; any other is a volume's name.
#[must_use]
pub(super) fn short(text: &str) -> Mount {
    let mut parts = divided(text).into_iter();
    let first = parts.next().unwrap_or_default();
    let Some(target) = parts.next() else {
        return Mount { target: trimmed(first), ..Mount::default() };
    };
    let options: Vec<&str> = parts.next().unwrap_or_default().split(',').collect();
    let is_path = first.starts_with(['.', '/', '~', '\\', '$']) || is_drive(first);
    let (host, volume) = if is_path { (Some(first.to_owned()), None) } else { (None, Some(first.to_owned())) };
    let spreads = |option: &&&str| matches!(**option, "shared" | "rshared" | "slave" | "rslave");
    Mount {
        host,
        volume,
        target: trimmed(target),
        read_only: options.contains(&"ro"),
        propagation: options.iter().find(spreads).map(|option| (*option).to_owned()),
    }
}

/// At colons, but for that of a Windows drive.
fn divided(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let skip = if is_drive(rest) { 2 } else { 0 };
        match rest.get(skip..).and_then(|tail| tail.find(':')).map(|at| at + skip) {
            Some(at) => {
                parts.push(rest.get(..at).unwrap_or_default());
                rest = rest.get(at + 1..).unwrap_or_default();
            }
            None => {
                parts.push(rest);
                return parts;
            }
        }
    }
}

fn is_drive(text: &str) -> bool {
    matches!(text.as_bytes(), [letter, b':', b'\\' | b'/', ..] if letter.is_ascii_alphabetic())
}

fn trimmed(path: &str) -> String {
    let path = path.trim_end_matches('/');
    if path.is_empty() { "/".to_owned() } else { path.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_syntax() {
        for (text, host, volume, target, read_only) in [
            ("/var/lib/mysql", None, None, "/var/lib/mysql", false),
            ("/opt/data:/var/lib/mysql", Some("/opt/data"), None, "/var/lib/mysql", false),
            ("./cache:/tmp/cache/", Some("./cache"), None, "/tmp/cache", false),
            ("~/configs:/etc/configs:ro", Some("~/configs"), None, "/etc/configs", true),
            ("datavolume:/var/lib/mysql", None, Some("datavolume"), "/var/lib/mysql", false),
            ("/:/host:ro,rslave", Some("/"), None, "/host", true),
            ("C:\\data:/data:z", Some("C:\\data"), None, "/data", false),
        ] {
            let mount = short(text);
            assert_eq!(
                (mount.host.as_deref(), mount.volume.as_deref(), mount.target.as_str(), mount.read_only),
                (host, volume, target, read_only),
                "{text}"
            );
        }
        assert_eq!(short("/:/host:ro,rslave").propagation.as_deref(), Some("rslave"));
    }
}
