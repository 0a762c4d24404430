//! What a run does, for whoever wants to know why it takes long or asks a host (`--debug`): requests, layers, the cache, rules.
//!
//! A line is made of [`Fact`]s, and there is none for a text that was read, a path, a URL or an argument: so no line can carry a secret, whatever a later
//! change tells. Lines go to the `log` crate under [`TARGET`]; what our dependencies log there is not ours to vouch for, and is not shown.

use std::fmt;
use std::time::Duration;

use crate::digest::Digest;

/// The target of our lines.
pub const TARGET: &str = "imgguard";

/// What a line may tell.
#[derive(Clone, Copy, Debug)]
pub enum Fact<'a> {
    /// A word of this program.
    Word(&'static str),
    /// A number of things.
    Count(usize),
    /// A number of bytes.
    Bytes(u64),
    /// How long something took.
    Time(Duration),
    /// What something is known by.
    Digest(&'a Digest),
    /// Name and port of a server, without anything else of its URL.
    Host(&'a str),
    /// The status of an HTTP answer.
    Status(u16),
}

impl fmt::Display for Fact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Word(word) => f.write_str(word),
            Self::Count(count) => write!(f, "{count}"),
            Self::Bytes(bytes) => write!(f, "{bytes} bytes"),
            Self::Time(time) => write!(f, "{} ms", time.as_millis()),
            Self::Digest(digest) => write!(f, "{digest}"),
            Self::Host(host) => f.write_str(host),
            Self::Status(status) => write!(f, "{status}"),
        }
    }
}

/// Whether anybody listens; what is costly to find out is asked only then.
#[must_use]
pub fn is_on() -> bool {
    log::log_enabled!(target: TARGET, log::Level::Debug)
}

/// Tells something that happened, and the facts of it by their names.
pub fn tell(what: &'static str, facts: &[(&'static str, Fact<'_>)]) {
    log::debug!(target: TARGET, "{}", Line(what, facts));
}

struct Line<'a>(&'static str, &'a [(&'static str, Fact<'a>)]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        for (index, (name, fact)) in self.1.iter().enumerate() {
            write!(f, "{} {name} {fact}", if index == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_their_facts() {
        let facts = [
            ("host", Fact::Host("a:1")),
            ("status", Fact::Status(200)),
            ("time", Fact::Time(Duration::from_millis(7))),
        ];
        assert_eq!(Line("asked", &facts).to_string(), "asked: host a:1, status 200, time 7 ms");
        assert_eq!(Line("done", &[]).to_string(), "done");
    }
}
