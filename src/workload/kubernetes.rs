//! Kubernetes manifests: pods, and what makes pods, to the containers that they start.
//!
//! Source: Kubernetes API reference, `core/v1` PodSpec and Container. A setting of the pod counts for a container that does not say otherwise. Other kinds start nothing.

use super::compose::{capability, whole};
use super::port::Port;
use super::yaml::{self, Key, Node, Place, Value};
use super::{Container, File, Files, Mount, Namespace, Origin, Setting, Workload, WorkloadError};

/// Where each kind has its pod.
const KINDS: &[(&str, &[&str])] = &[
    ("Pod", &["spec"]),
    ("PodTemplate", &["template", "spec"]),
    ("Deployment", &["spec", "template", "spec"]),
    ("StatefulSet", &["spec", "template", "spec"]),
    ("DaemonSet", &["spec", "template", "spec"]),
    ("ReplicaSet", &["spec", "template", "spec"]),
    ("ReplicationController", &["spec", "template", "spec"]),
    ("Job", &["spec", "template", "spec"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
];

/// Most objects of a file, those of lists counted.
const MAX_OBJECTS: usize = 5000;

/// Whether documents are Kubernetes objects.
#[must_use]
pub fn is_manifest(documents: &[Node]) -> bool {
    let is_object = |node: &Node| node.get("apiVersion").is_some() && node.get("kind").is_some();
    documents.iter().any(is_object)
}

/// Reads a file of manifests.
///
/// # Errors
/// When it cannot be read, is no YAML, or passes a limit.
pub fn load(path: &str, from: &dyn Files) -> Result<Workload, WorkloadError> {
    let unread = |reason| WorkloadError::Unread { by: path.to_owned(), path: path.to_owned(), reason };
    let bytes = from.read(path).map_err(unread)?;
    let yaml::Parsed { documents, comments } =
        yaml::parse(&bytes, 0).map_err(|error| WorkloadError::Yaml { path: path.to_owned(), error })?;
    let mut containers = Vec::new();
    let mut objects: Vec<Node> = documents.into_iter().map(Node::merged).collect();
    objects.reverse();
    let mut count = 0;
    while let Some(object) = objects.pop() {
        count += 1;
        if count > MAX_OBJECTS {
            return Err(WorkloadError::Limit { path: path.to_owned(), limit: MAX_OBJECTS, what: "objects" });
        }
        let kind = object.get("kind").and_then(Node::text).unwrap_or_default();
        if kind == "List" {
            objects.extend(object.get("items").map_or(&[][..], Node::items).iter().rev().cloned());
        } else if let Some((_, at)) = KINDS.iter().find(|(known, _)| *known == kind) {
            let name = object.at_path(&["metadata", "name"]).and_then(Node::text).unwrap_or("?");
            if let Some(spec) = object.at_path(at) {
                containers.extend(pod(&format!("{kind}/{name}"), spec));
            }
        }
    }
    Ok(Workload { files: vec![File { path: path.to_owned(), bytes, comments }], containers, unread: Vec::new() })
}

/// The containers of a pod.
fn pod(name: &str, spec: &Node) -> Vec<Container> {
    let lists = ["initContainers", "containers"];
    let all =
        lists.iter().flat_map(|list| spec.get(list).map_or(&[][..], Node::items).iter().map(move |node| (*list, node)));
    all.map(|(list, node)| Spec { pod: spec, node }.container(name, list == "initContainers")).collect()
}

struct Spec<'a> {
    pod: &'a Node,
    node: &'a Node,
}

impl Spec<'_> {
    fn container(&self, pod: &str, is_init: bool) -> Container {
        let (at, own) = match self.node.entry("name") {
            Some((key, node)) => (whole(key, node), node.text().unwrap_or("?")),
            None => (self.node.at.clone(), "?"),
        };
        let capabilities = |what| {
            let items = self.security("capabilities").and_then(|(_, node)| node.get(what)).map_or(&[][..], Node::items);
            items.iter().map(|item| Setting { value: item.text().map(capability), at: item.at.clone() }).collect()
        };
        let limit = |what| entry(self.node, &["resources", "limits", what]).map(text);
        Container {
            origin: Origin::Kubernetes,
            name: format!("{pod}/{own}"),
            at,
            image: entry(self.node, &["image"]).map(text),
            privileged: self.security("privileged").map(truth),
            user: self.security("runAsUser").map(text),
            non_root: self.security("runAsNonRoot").map(truth),
            read_only: self.security("readOnlyRootFilesystem").map(truth),
            added: capabilities("add"),
            dropped: capabilities("drop"),
            no_new_privileges: self
                .security("allowPrivilegeEscalation")
                .map(|(at, node)| Setting { value: node.truth().map(|allowed| !allowed), at }),
            confinement: self.confinement(),
            ports: self.ports(),
            mounts: self.mounts(),
            namespaces: self.namespaces(),
            env: self.env(),
            commands: self.commands(),
            memory: limit("memory"),
            cpu: limit("cpu"),
            health: if is_init { Some(Setting { value: None, at: self.node.at.clone() }) } else { self.health() },
            token: entry(self.pod, &["automountServiceAccountToken"]).map(truth),
            ..Container::default()
        }
    }

    /// A setting of the container's security context, else of the pod's.
    fn security(&self, name: &str) -> Option<(Place, &Node)> {
        [self.node, self.pod].into_iter().find_map(|node| entry(node, &["securityContext", name]))
    }

    fn confinement(&self) -> Vec<Setting<(String, String)>> {
        let mut found = Vec::new();
        for (name, key) in [("seccomp", "seccompProfile"), ("apparmor", "appArmorProfile")] {
            let Some((_, profile)) = self.security(key) else { continue };
            let Some((at, node)) = entry(profile, &["type"]) else { continue };
            found.push(Setting { value: node.text().map(|kind| (name.to_owned(), kind.to_ascii_lowercase())), at });
        }
        found
    }

    /// Only those of the host's ports.
    fn ports(&self) -> Vec<Setting<Port>> {
        let items = self.node.get("ports").map_or(&[][..], Node::items);
        let number = |node: Option<&Node>| node.and_then(Node::text).and_then(|text| text.parse::<u16>().ok());
        let port = |item: &Node| {
            let (at, host) = entry(item, &["hostPort"])?;
            let value = number(Some(host)).filter(|port| *port > 0).map(|published| {
                let target = number(item.get("containerPort")).unwrap_or(published);
                let address = item.get("hostIP").and_then(Node::text).map(str::to_owned);
                let protocol = item.get("protocol").and_then(Node::text).unwrap_or("tcp").to_ascii_lowercase();
                Port { address, published: Some((published, published)), target: (target, target), protocol }
            });
            Some(Setting { value, at })
        };
        items.iter().filter_map(port).collect()
    }

    fn mounts(&self) -> Vec<Setting<Mount>> {
        let volumes = self.pod.get("volumes").map_or(&[][..], Node::items);
        let items = self.node.get("volumeMounts").map_or(&[][..], Node::items);
        let mount = |item: &Node| {
            let of = |key: &str| item.get(key).and_then(Node::text).map(str::to_owned);
            let named =
                |volume: &&Node| volume.get("name").and_then(Node::text) == item.get("name").and_then(Node::text);
            let host = volumes
                .iter()
                .find(named)
                .and_then(|volume| volume.at_path(&["hostPath", "path"]))
                .and_then(Node::text);
            let propagation = match of("mountPropagation").as_deref() {
                Some("Bidirectional") => Some("rshared".to_owned()),
                Some("HostToContainer") => Some("rslave".to_owned()),
                _ => None,
            };
            let value = Mount {
                host: host.map(str::to_owned),
                volume: if host.is_some() { None } else { of("name") },
                target: of("mountPath").unwrap_or_default(),
                read_only: item.get("readOnly").and_then(Node::truth).unwrap_or(false),
                propagation,
            };
            Setting { value: Some(value), at: item.at.clone() }
        };
        items.iter().map(mount).collect()
    }

    fn namespaces(&self) -> Vec<Setting<(Namespace, String)>> {
        let shared = |(key, namespace): (&str, Namespace)| {
            let (at, node) = entry(self.pod, &[key])?;
            (node.truth() == Some(true)).then(|| Setting { value: Some((namespace, "host".to_owned())), at })
        };
        let keys = [("hostNetwork", Namespace::Network), ("hostPID", Namespace::Pid), ("hostIPC", Namespace::Ipc)];
        keys.into_iter().filter_map(shared).collect()
    }

    fn env(&self) -> Vec<Setting<(String, String)>> {
        let items = self.node.get("env").map_or(&[][..], Node::items);
        let variable = |item: &Node| {
            let name = item.get("name").and_then(Node::text)?;
            let (at, node) = entry(item, &["value"])?;
            Some(Setting { value: node.text().map(|value| (name.to_owned(), value.to_owned())), at })
        };
        items.iter().filter_map(variable).collect()
    }

    fn commands(&self) -> Vec<Setting<String>> {
        let words = ["command", "args"].into_iter().flat_map(|key| self.node.get(key).map_or(&[][..], Node::items));
        words.map(|item| Setting { value: item.text().map(str::to_owned), at: item.at.clone() }).collect()
    }

    fn health(&self) -> Option<Setting<bool>> {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"];
        let (at, _) = probes.iter().find_map(|probe| entry(self.node, &[probe]))?;
        Some(Setting { value: Some(true), at })
    }
}

/// What stands at the end of a path of keys, with the place from its key on; nothing where it is empty.
fn entry<'a>(node: &'a Node, path: &[&str]) -> Option<(Place, &'a Node)> {
    let (last, above) = path.split_last()?;
    let (key, value): &(Key, Node) = node.at_path(above)?.entry(last)?;
    (value.value != Value::Null).then(|| (whole(key, value), value))
}

fn text((at, node): (Place, &Node)) -> Setting<String> {
    Setting { value: node.text().map(str::to_owned), at }
}

fn truth((at, node): (Place, &Node)) -> Setting<bool> {
    Setting { value: node.truth(), at }
}
