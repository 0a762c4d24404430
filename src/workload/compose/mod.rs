//! Compose files: one or several over each other, with what they include and extend, to the containers that they start.
//!
//! Source: the Compose specification (compose-spec.io), "Interpolation", "Merge and override", "Extend", "Include", "Profiles". Every profile counts: what is started
//! only sometimes is judged, too. Files are read through [`Files`], so none outside of what is looked at.

mod dotenv;
mod interpolate;
mod merge;
mod service;
#[cfg(test)]
mod tests;
mod volume;

use std::collections::{BTreeMap, BTreeSet};

pub use dotenv::read as read_variables;
pub use interpolate::Variables;
pub(in crate::workload) use merge::whole;
pub(in crate::workload) use service::capability;

use super::yaml::{self, Key, Node, Value};
use super::{File, Files, Workload, WorkloadError, folder_of, join};

/// Most files of one project.
const MAX_FILES: usize = 200;

/// Longest chain of services that extend each other, and of files that include each other.
const MAX_CHAIN: usize = 32;

/// Most services of a project.
const MAX_SERVICES: usize = 5000;

/// Names that Compose looks for, in its order.
pub const NAMES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];

/// The file that Compose puts over one of its [`NAMES`] without being asked, if it is there.
#[must_use]
pub fn overrides_of(name: &str) -> Vec<String> {
    let Some((stem, _)) = name.rsplit_once('.').filter(|_| NAMES.contains(&name)) else { return Vec::new() };
    ["yaml", "yml"].iter().map(|extension| format!("{stem}.override.{extension}")).collect()
}

/// What is read.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// The files, each over the one before.
    pub files: Vec<String>,
    /// Files with variables; `.env` beside the first file where empty.
    pub env_files: Vec<String>,
    /// Variables that count before those of files.
    pub variables: Variables,
}

/// Reads a project.
///
/// # Errors
/// When a file that it needs cannot be read or is no Compose file, services or files go round in circles, or a limit is passed.
pub fn load(project: &Project, from: &dyn Files) -> Result<Workload, WorkloadError> {
    let mut loader =
        Loader { from, files: Vec::new(), parsed: BTreeMap::new(), unread: Vec::new(), parts: BTreeSet::new() };
    let by = project.files.first().cloned().unwrap_or_default();
    let loaded = loader.project(project, &by, &mut Vec::new())?;
    let mut containers = service::containers(&loaded, &loader.files);
    for container in &mut containers {
        container.is_part |= loader.parts.contains(&container.name);
    }
    Ok(Workload { files: loader.files, containers, unread: loader.unread })
}

/// The tables of a project that matter here.
#[derive(Clone, Debug, Default)]
struct Loaded {
    services: Vec<(Key, Node)>,
    volumes: Vec<(Key, Node)>,
    networks: Vec<(Key, Node)>,
}

struct Loader<'a> {
    from: &'a dyn Files,
    files: Vec<File>,
    /// By path: the number of a file that was read. One that is named twice is read once.
    parsed: BTreeMap<String, (usize, Node)>,
    /// What others name and could not be read.
    unread: Vec<WorkloadError>,
    /// Services that extend such a thing.
    parts: BTreeSet<String>,
}

impl Loader<'_> {
    fn project(&mut self, project: &Project, by: &str, chain: &mut Vec<String>) -> Result<Loaded, WorkloadError> {
        let first = project.files.first().cloned().unwrap_or_default();
        let variables = self.variables(project, folder_of(&first));
        let mut merged: Option<Node> = None;
        let mut included = Vec::new();
        for path in &project.files {
            let file = self.file(path, by)?;
            let mut file = interpolate::interpolate(file, &variables);
            included.push((path.clone(), file.get("include").cloned()));
            file = self.with_services(file, path, &variables)?;
            merged = Some(match merged {
                Some(base) => merge::merge(base, file, ""),
                None => file,
            });
        }
        let table = |node: Option<&Node>| node.map(|node| node.entries().to_vec()).unwrap_or_default();
        let merged = merged.as_ref();
        let part = |name| table(merged.and_then(|node| node.get(name)));
        let mut loaded = Loaded { services: part("services"), volumes: part("volumes"), networks: part("networks") };
        for (by, include) in included {
            for item in include.iter().flat_map(Node::one_or_many) {
                self.include(&by, item, &variables, chain, &mut loaded)?;
            }
        }
        if loaded.services.len() > MAX_SERVICES {
            return Err(WorkloadError::Limit { path: first, limit: MAX_SERVICES, what: "services" });
        }
        Ok(loaded)
    }

    fn variables(&self, project: &Project, folder: &str) -> Variables {
        let mut variables = project.variables.clone();
        let default = join(folder, ".env").into_iter().collect();
        for path in if project.env_files.is_empty() { &default } else { &project.env_files } {
            if let Ok(bytes) = self.from.read(path)
                && bytes.len() <= dotenv::MAX_BYTES
            {
                dotenv::read(&bytes, &mut variables);
            }
        }
        variables.extend(project.variables.clone());
        variables
    }

    /// One file as a tree, before its variables are filled in.
    fn file(&mut self, path: &str, by: &str) -> Result<Node, WorkloadError> {
        if let Some((_, node)) = self.parsed.get(path) {
            return Ok(node.clone());
        }
        if self.files.len() >= MAX_FILES {
            return Err(WorkloadError::Limit { path: by.to_owned(), limit: MAX_FILES, what: "files" });
        }
        let unread = |reason| WorkloadError::Unread { by: by.to_owned(), path: path.to_owned(), reason };
        let bytes = self.from.read(path).map_err(unread)?;
        let number = self.files.len();
        let parsed = yaml::parse(&bytes, number).map_err(|error| WorkloadError::Yaml { path: path.to_owned(), error });
        let yaml::Parsed { documents, comments } = parsed?;
        self.files.push(File { path: path.to_owned(), bytes, comments });
        // Of several documents each counts as a file over the one before.
        let documents = documents.into_iter().map(Node::merged);
        let node = documents.reduce(|base, over| merge::merge(base, over, ""));
        let empty = || Node { value: Value::Map(Vec::new()), at: yaml::Place { file: number, span: 0..0 }, tag: None };
        let node = node.filter(|node| node.value != Value::Null).unwrap_or_else(empty);
        if !matches!(node.value, Value::Map(_)) {
            return Err(form(path, "the file", "a table"));
        }
        self.parsed.insert(path.to_owned(), (number, node.clone()));
        Ok(node)
    }

    /// A file that another names; nothing where it cannot be had, which is noted.
    fn named(&mut self, by: &str, written: &str) -> Result<Option<(String, Node)>, WorkloadError> {
        let outside = || WorkloadError::Outside { by: by.to_owned(), path: written.to_owned() };
        let read = join(folder_of(by), written).ok_or_else(outside).and_then(|path| {
            let node = self.file(&path, by)?;
            Ok((path, node))
        });
        match read {
            Ok(found) => Ok(Some(found)),
            Err(error @ (WorkloadError::Unread { .. } | WorkloadError::Outside { .. })) => {
                self.unread.push(error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// A file whose services are brought into one form and have what they extend.
    fn with_services(&mut self, file: Node, path: &str, variables: &Variables) -> Result<Node, WorkloadError> {
        let services = services(&file);
        let Value::Map(entries) = file.value else { return Ok(file) };
        let mut out = Vec::with_capacity(entries.len());
        for (key, node) in entries {
            let node = match (key.text.as_str(), node.value) {
                ("services", Value::Map(entries)) => {
                    let mut extended = Vec::with_capacity(entries.len());
                    for (name, service) in entries {
                        let service =
                            self.extended(path, &name.text, service, &services, variables, &mut Vec::new())?;
                        extended.push((name, service));
                    }
                    Node { value: Value::Map(extended), at: node.at, tag: node.tag }
                }
                ("services", Value::List(_) | Value::Scalar(_)) => return Err(form(path, "services", "a table")),
                (_, value) => Node { value, at: node.at, tag: node.tag },
            };
            out.push((key, node));
        }
        Ok(Node { value: Value::Map(out), at: file.at, tag: file.tag })
    }

    /// A service over what it extends.
    fn extended(
        &mut self,
        path: &str,
        name: &str,
        service: Node,
        siblings: &BTreeMap<String, Node>,
        variables: &Variables,
        chain: &mut Vec<(String, String)>,
    ) -> Result<Node, WorkloadError> {
        if !matches!(service.value, Value::Map(_) | Value::Null) {
            return Err(form(path, &format!("the service `{name}`"), "a table"));
        }
        let service = merge::normal(service);
        let Some(extends) = service.get("extends") else { return Ok(service) };
        let here = (path.to_owned(), name.to_owned());
        let is_circle = chain.contains(&here);
        chain.push(here);
        if is_circle || chain.len() > MAX_CHAIN {
            let names: Vec<&str> = chain.iter().map(|(_, name)| name.as_str()).collect();
            return Err(WorkloadError::Circle { by: path.to_owned(), what: "extends", chain: names.join(" → ") });
        }
        let of = |key| extends.get(key).and_then(Node::known).map(str::to_owned);
        let Some(base) = extends.known().map(str::to_owned).or_else(|| of("service")) else { return Ok(service) };
        let none = || WorkloadError::NoBase { by: path.to_owned(), service: name.to_owned(), base: base.clone() };
        let found = match of("file") {
            None => {
                let node = siblings.get(&base).cloned().ok_or_else(none)?;
                self.extended(path, &base, node, siblings, variables, chain)?
            }
            Some(written) => {
                let Some((other, file)) = self.named(path, &written)? else {
                    self.parts.insert(name.to_owned());
                    chain.pop();
                    return Ok(service);
                };
                let file = interpolate::interpolate(file, variables);
                let services = services(&file);
                let node = services.get(&base).cloned().ok_or_else(none)?;
                self.extended(&other, &base, node, &services, variables, chain)?
            }
        };
        chain.pop();
        Ok(merge::merge(found, service, name))
    }

    /// Adds what another project brings; what is there already counts.
    fn include(
        &mut self,
        by: &str,
        item: &Node,
        variables: &Variables,
        chain: &mut Vec<String>,
        loaded: &mut Loaded,
    ) -> Result<(), WorkloadError> {
        let paths = item.get("path").unwrap_or(item);
        let mut files = Vec::new();
        for written in paths.one_or_many().iter().filter_map(Node::known) {
            files.extend(self.named(by, written)?.map(|(path, _)| path));
        }
        let env_files = item.get("env_file").map_or(&[][..], Node::one_or_many).iter().filter_map(Node::known);
        let env_files = env_files.filter_map(|written| join(folder_of(by), written)).collect();
        let Some(first) = files.first().cloned() else { return Ok(()) };
        let is_circle = first == by || chain.contains(&first);
        chain.push(by.to_owned());
        if is_circle || chain.len() > MAX_CHAIN {
            chain.push(first);
            return Err(WorkloadError::Circle { by: by.to_owned(), what: "include", chain: chain.join(" → ") });
        }
        let project = Project { files, env_files, variables: variables.clone() };
        let other = self.project(&project, by, chain)?;
        chain.pop();
        for (own, others) in [
            (&mut loaded.services, other.services),
            (&mut loaded.volumes, other.volumes),
            (&mut loaded.networks, other.networks),
        ] {
            let known: BTreeSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
            own.extend(others.into_iter().filter(|(key, _)| !known.contains(&key.text)));
        }
        Ok(())
    }
}

fn form(path: &str, what: &str, form: &'static str) -> WorkloadError {
    WorkloadError::Form { path: path.to_owned(), what: what.to_owned(), form }
}

/// The services of a file, by name.
fn services(file: &Node) -> BTreeMap<String, Node> {
    let entries = file.get("services").map_or(&[][..], Node::entries);
    entries.iter().map(|(key, node)| (key.text.clone(), node.clone())).collect()
}
