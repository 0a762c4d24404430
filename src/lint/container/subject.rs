//! What a rule about containers looks at.

use crate::lint::{Edit, Problem, Problems, Surroundings};
use crate::workload::port::Port;
use crate::workload::yaml::Place;
use crate::workload::{Container, Mount, Origin, Setting, Workload};

/// Ports on which databases and the like answer, by default.
const DATABASE_PORTS: &[u16] = &[
    1433,  // SQL Server
    1521,  // Oracle
    2379,  // etcd
    3306,  // MySQL, MariaDB
    5432,  // PostgreSQL
    5984,  // CouchDB
    6379,  // Redis, Valkey
    7000,  // Cassandra, between nodes
    7687,  // Neo4j
    8086,  // InfluxDB
    8529,  // ArangoDB
    9000,  // ClickHouse
    9042,  // Cassandra
    9200,  // Elasticsearch, OpenSearch
    9300,  // the same, between nodes
    11211, // memcached
    26257, // CockroachDB
    27017, // MongoDB
    28015, // RethinkDB
];

/// One container among those that are started with it.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// All of them.
    pub workload: &'a Workload,
    /// The one.
    pub container: &'a Container,
    /// What is known besides them.
    pub around: Surroundings<'a>,
}

impl<'a> Subject<'a> {
    /// States a problem of this container.
    pub(super) fn state<'p>(
        &self,
        problems: &'p mut Problems,
        at: &Place,
        what: impl std::fmt::Display,
        message: impl std::fmt::Display,
    ) -> &'p mut Problem {
        let name = &self.container.name;
        let problem = problems.add(&at.span, format!("{name}\0{what}"), format!("{name}: {message}"));
        problem.file = at.file;
        problem
    }

    /// What is mounted of the host, with the host's path without links that every distribution has, or a slash at its end.
    pub(super) fn host_mounts(&self) -> impl Iterator<Item = (&'a Mount, &'a Place, String)> {
        self.container.mounts.iter().filter_map(|setting| {
            let mount = setting.value.as_ref()?;
            let host = mount.host.as_deref().filter(|host| host.starts_with(['/', '~']))?;
            let trimmed = host.trim_end_matches('/');
            let plain = if trimmed.is_empty() { "/" } else { trimmed };
            let plain = match plain.strip_prefix("/var/run") {
                Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("/run{rest}"),
                _ => plain.to_owned(),
            };
            Some((mount, &setting.at, plain))
        })
    }

    /// The image that is pulled, where it is known: what is built here has the name that its builder likes.
    pub(super) fn pulled_image(&self) -> Option<(&'a str, &'a Place)> {
        let setting = self.container.image.as_ref().filter(|_| self.container.build.is_none())?;
        Some((setting.value.as_deref()?, &setting.at))
    }

    /// Where a value ends that the file itself has at the end of a setting, before a quote.
    pub(super) fn end_of(&self, at: &Place, value: &str) -> Option<usize> {
        let written = self.workload.files.get(at.file)?.bytes.get(at.span.clone())?;
        let quote = usize::from(matches!(written.last(), Some(b'"' | b'\'')));
        let plain = written.get(..written.len() - quote)?;
        plain.ends_with(value.as_bytes()).then_some(at.span.end - quote)
    }

    /// Whether a database answers there; port 9000 is many things, so that the image must say so.
    pub(super) fn is_database_port(&self, port: &Port) -> bool {
        let image = self.container.image.as_ref().and_then(|setting| setting.value.as_deref()).unwrap_or_default();
        let is_known = |known: &u16| (port.target.0..=port.target.1).contains(known);
        DATABASE_PORTS.iter().any(|known| is_known(known) && (*known != 9000 || image.contains("clickhouse")))
    }

    /// A line put before the first setting of a service, where each setting has a line of its own.
    pub(super) fn insertion(&self, lines: &str) -> Option<Edit> {
        let first = self.container.first.as_ref().filter(|_| self.container.origin == Origin::Compose)?;
        let bytes = &self.workload.files.get(first.file)?.bytes;
        let before = bytes.get(..first.span.start)?;
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let indent = std::str::from_utf8(before.get(start..)?).ok()?;
        if !indent.bytes().all(|byte| byte == b' ') {
            return None;
        }
        let text: String = lines.lines().map(|line| format!("{indent}{line}\n")).collect();
        Some(Edit::insert(start, text))
    }

    /// The host itself put before a port of the short syntax.
    pub(super) fn before_short_port(&self, setting: &Setting<Port>, port: &Port) -> Option<Edit> {
        if port.address.is_some() {
            return None;
        }
        let bytes = &self.workload.files.get(setting.at.file)?.bytes;
        let text = bytes.get(setting.at.span.clone())?;
        let quote = usize::from(matches!(text.first(), Some(b'"' | b'\'')));
        // A table, or a text that variables are put into.
        if text.contains(&b'{') || text.contains(&b'$') || text.contains(&b'\n') {
            return None;
        }
        let address = if port.published.is_some() { "127.0.0.1:" } else { "127.0.0.1::" };
        Some(Edit::insert(setting.at.span.start + quote, address))
    }
}
