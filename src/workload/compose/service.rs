//! A service's settings to a [`Container`].
//!
//! Source: Compose specification, "services" and "deploy".

use super::merge::whole;
use super::{Loaded, volume};
use crate::workload::port::{Port, range};
use crate::workload::yaml::{Key, Node, Place, Value};
use crate::workload::{Build, Container, File, Logging, Mount, Namespace, Restart, Setting, folder_of, join};

/// The containers of a project.
pub(super) fn containers(loaded: &Loaded, files: &[File]) -> Vec<Container> {
    loaded.services.iter().map(|(key, node)| Service { node, loaded, files }.container(key)).collect()
}

struct Service<'a> {
    node: &'a Node,
    loaded: &'a Loaded,
    files: &'a [File],
}

impl Service<'_> {
    fn container(&self, key: &Key) -> Container {
        let mut container = Container {
            name: key.text.clone(),
            at: key.at.clone(),
            is_part: self.node.get("image").is_none() && self.node.get("build").is_none(),
            first: self.first_beside(key),
            image: self.text(&["image"]),
            build: self.build(),
            privileged: self.truth(&["privileged"]),
            user: self.text(&["user"]),
            read_only: self.truth(&["read_only"]),
            added: self.capabilities("cap_add"),
            dropped: self.capabilities("cap_drop"),
            ports: self.ports(),
            mounts: self.mounts(),
            namespaces: self.namespaces(),
            networks: self.networks(),
            env: self.env(),
            commands: self.commands(),
            memory: self.first(&[&["mem_limit"], &["deploy", "resources", "limits", "memory"]]),
            cpu: self.first(&[&["cpus"], &["cpu_quota"], &["deploy", "resources", "limits", "cpus"]]),
            pids: self.first(&[&["pids_limit"], &["deploy", "resources", "limits", "pids"]]),
            health: self.health(),
            restart: self.restart(),
            logging: self.logging(),
            devices: self.devices(),
            tmpfs: self.texts(&["tmpfs"]),
            cgroup_parent: self.text(&["cgroup_parent"]),
            ..Container::default()
        };
        self.security(&mut container);
        container
    }

    /// The first key below the service's own; what it extends stands elsewhere.
    fn first_beside(&self, name: &Key) -> Option<Place> {
        let keys = self.node.entries().iter().map(|(key, _)| &key.at);
        let below = keys.filter(|at| at.file == name.at.file && at.span.start >= name.at.span.end);
        below.min_by_key(|at| at.span.start).cloned()
    }

    /// A setting with its key.
    fn entry(&self, path: &[&str]) -> Option<(Place, &Node)> {
        let (last, above) = path.split_last()?;
        let (key, node) = self.node.at_path(above)?.entry(last)?;
        (node.value != Value::Null).then(|| (whole(key, node), node))
    }

    fn text(&self, path: &[&str]) -> Option<Setting<String>> {
        self.entry(path).map(|(at, node)| Setting { value: node.known().map(str::to_owned), at })
    }

    fn truth(&self, path: &[&str]) -> Option<Setting<bool>> {
        self.entry(path).map(|(at, node)| Setting { value: node.truth(), at })
    }

    fn first(&self, paths: &[&[&str]]) -> Option<Setting<String>> {
        paths.iter().find_map(|path| self.text(path))
    }

    fn texts(&self, path: &[&str]) -> Vec<Setting<String>> {
        let items = self.entry(path).map_or(&[][..], |(_, node)| node.one_or_many());
        items.iter().map(|item| Setting { value: item.known().map(str::to_owned), at: item.at.clone() }).collect()
    }

    fn capabilities(&self, name: &str) -> Vec<Setting<String>> {
        let plain =
            |setting: Setting<String>| Setting { value: setting.value.map(|value| capability(&value)), at: setting.at };
        self.texts(&[name]).into_iter().map(plain).collect()
    }

    fn build(&self) -> Option<Setting<Build>> {
        let (at, node) = self.entry(&["build"])?;
        let text = |key: &str| node.get(key).and_then(Node::known).map(str::to_owned);
        let folder = self.files.get(node.at.file).map_or("", |file| folder_of(&file.path));
        let context = text("context").unwrap_or_else(|| ".".to_owned());
        let name = text("dockerfile").unwrap_or_else(|| "Dockerfile".to_owned());
        let is_inline = node.get("dockerfile_inline").is_some();
        let context = join(folder, &context);
        let dockerfile = context.as_deref().and_then(|context| join(context, &name)).filter(|_| !is_inline);
        let build = Build { dockerfile, context, target: text("target") };
        let is_open = node.get("context").is_some_and(|node| node.known().is_none());
        Some(Setting { value: Some(build).filter(|_| !is_open), at })
    }

    fn ports(&self) -> Vec<Setting<Port>> {
        let items = self.entry(&["ports"]).map_or(&[][..], |(_, node)| node.one_or_many());
        items.iter().map(|item| Setting { value: port(item), at: item.at.clone() }).collect()
    }

    fn mounts(&self) -> Vec<Setting<Mount>> {
        let items = self.entry(&["volumes"]).map_or(&[][..], |(_, node)| node.one_or_many());
        let mount = |item: &Node| Setting { value: mount(item).map(|mount| self.resolved(mount)), at: item.at.clone() };
        items.iter().map(mount).collect()
    }

    /// A volume that is a folder of the host under another name (`driver_opts: {type: none, o: bind, device: /}`).
    fn resolved(&self, mount: Mount) -> Mount {
        let Some(volume) = mount.volume.as_deref() else { return mount };
        let definition = self.loaded.volumes.iter().find(|(key, _)| key.text == volume).map(|(_, node)| node);
        let option = |key| definition.and_then(|node| node.at_path(&["driver_opts", key])).and_then(Node::known);
        let is_bind = option("o")
            .is_some_and(|options| options.split(',').any(|option| matches!(option.trim(), "bind" | "rbind")));
        match option("device").filter(|_| is_bind) {
            Some(device) => Mount { host: Some(device.to_owned()), ..mount },
            None => mount,
        }
    }

    fn namespaces(&self) -> Vec<Setting<(Namespace, String)>> {
        let modes = [
            ("network_mode", Namespace::Network),
            ("pid", Namespace::Pid),
            ("ipc", Namespace::Ipc),
            ("uts", Namespace::Uts),
            ("userns_mode", Namespace::User),
            ("cgroup", Namespace::Cgroup),
        ];
        let setting = |(key, namespace): (&str, Namespace)| {
            let setting = self.text(&[key])?;
            Some(Setting { value: setting.value.map(|value| (namespace, value)), at: setting.at })
        };
        modes.into_iter().filter_map(setting).collect()
    }

    /// The names of the networks, as the engine knows them: `external` ones may be the host's. None is known where Compose puts the project's name before it.
    fn networks(&self) -> Vec<Setting<String>> {
        let entries = self.entry(&["networks"]).map_or(&[][..], |(_, node)| node.entries());
        let name = |key: &Key| {
            let definition =
                self.loaded.networks.iter().find(|(known, _)| known.text == key.text).map(|(_, node)| node);
            let said = |name| definition.and_then(|node| node.get(name));
            let is_external = said("external").is_some_and(|node| node.truth() == Some(true));
            let named = said("name").and_then(Node::known).or_else(|| is_external.then_some(key.text.as_str()));
            Setting { value: named.map(str::to_owned), at: key.at.clone() }
        };
        entries.iter().map(|(key, _)| name(key)).collect()
    }

    fn env(&self) -> Vec<Setting<(String, String)>> {
        let entries = self.entry(&["environment"]).map_or(&[][..], |(_, node)| node.entries());
        let variable = |(key, node): &(Key, Node)| {
            let at = whole(key, node);
            // Without a value it is taken from the environment of whoever starts it. What comes from variables is no business of the file.
            let value = node.scalar().map(|scalar| (key.text.clone(), scalar.literal().to_owned()));
            Setting { value, at }
        };
        entries.iter().map(variable).collect()
    }

    fn commands(&self) -> Vec<Setting<String>> {
        let items = |path: &[&str]| self.entry(path).map_or(&[][..], |(_, node)| node.one_or_many());
        let word = |item: &Node| Setting {
            value: item.scalar().map(|scalar| scalar.literal().to_owned()),
            at: item.at.clone(),
        };
        [&["command"][..], &["entrypoint"], &["healthcheck", "test"]].into_iter().flat_map(items).map(word).collect()
    }

    fn health(&self) -> Option<Setting<bool>> {
        let (at, node) = self.entry(&["healthcheck"])?;
        let disabled = node.get("disable").map(Node::truth);
        let test = node.get("test");
        let is_none = test.is_some_and(|test| test.one_or_many().first().and_then(Node::known) == Some("NONE"));
        let value = match disabled {
            Some(Some(true)) => Some(false),
            Some(None) => None,
            _ if is_none => Some(false),
            // Intervals alone change those of the image's check.
            _ => Some(true).filter(|_| test.is_some() || !node.entries().is_empty()),
        };
        Some(Setting { value, at })
    }

    fn restart(&self) -> Option<Setting<Restart>> {
        if let Some((at, node)) = self.entry(&["restart"]) {
            let value = node.known().map(|text| {
                let (policy, attempts) =
                    text.split_once(':').map_or((text, None), |(policy, times)| (policy, times.parse().ok()));
                Restart { policy: policy.to_owned(), attempts }
            });
            return Some(Setting { value, at });
        }
        let (at, node) = self.entry(&["deploy", "restart_policy"])?;
        let policy = match node.get("condition").map(Node::known) {
            None => Some("always"),
            Some(Some("none")) => Some("no"),
            Some(Some("any")) => Some("always"),
            Some(known) => known,
        };
        let attempts = node.get("max_attempts").and_then(Node::known).and_then(|text| text.parse().ok());
        Some(Setting { value: policy.map(|policy| Restart { policy: policy.to_owned(), attempts }), at })
    }

    fn logging(&self) -> Option<Setting<Logging>> {
        let (at, node) = self.entry(&["logging"])?;
        let driver = node.get("driver");
        let is_open = driver.is_some_and(|driver| driver.known().is_none());
        let options = node.get("options").map_or(&[][..], Node::entries);
        let options =
            options.iter().map(|(key, node)| (key.text.clone(), node.text().unwrap_or_default().to_owned())).collect();
        let logging = Logging { driver: driver.and_then(Node::known).map(str::to_owned), options };
        Some(Setting { value: Some(logging).filter(|_| !is_open), at })
    }

    /// Devices of the host: `HOST:CONTAINER[:MODE]` or a table with `source`.
    fn devices(&self) -> Vec<Setting<String>> {
        let items = self.entry(&["devices"]).map_or(&[][..], |(_, node)| node.one_or_many());
        let host = |item: &Node| {
            let text = item.known().or_else(|| item.get("source").and_then(Node::known));
            text.map(|text| text.split(':').next().unwrap_or_default().to_owned())
        };
        items.iter().map(|item| Setting { value: host(item), at: item.at.clone() }).collect()
    }

    /// `security_opt`, in which several things are said: `no-new-privileges[:true]`, `seccomp=…`, `apparmor:…`, `label=…`.
    fn security(&self, container: &mut Container) {
        for option in self.texts(&["security_opt"]) {
            let Some(text) = option.value else {
                // It may be any of them.
                container.no_new_privileges.get_or_insert(Setting { value: None, at: option.at.clone() });
                container.confinement.push(Setting { value: None, at: option.at });
                continue;
            };
            let (name, value) = text.split_once(['=', ':']).unwrap_or((text.as_str(), ""));
            if name.trim() == "no-new-privileges" {
                let value = value.trim().is_empty() || value.trim() == "true";
                container.no_new_privileges = Some(Setting { value: Some(value), at: option.at });
            } else {
                let pair = (name.trim().to_owned(), value.trim().to_owned());
                container.confinement.push(Setting { value: Some(pair), at: option.at });
            }
        }
    }
}

/// Without `CAP_`, in capitals.
pub(in crate::workload) fn capability(name: &str) -> String {
    let upper = name.trim().to_ascii_uppercase();
    upper.strip_prefix("CAP_").map_or(upper.clone(), str::to_owned)
}

fn port(item: &Node) -> Option<Port> {
    if item.scalar().is_some() {
        return Port::parse(item.known()?);
    }
    let text = |key: &str| item.get(key).map(|node| node.known().map(str::to_owned));
    let published = match text("published") {
        None => None,
        Some(known) => Some(range(&known?)?),
    };
    let address = match text("host_ip") {
        None => None,
        Some(known) => Some(known?),
    };
    let protocol = text("protocol").flatten().unwrap_or_else(|| "tcp".to_owned());
    Some(Port {
        address: address.filter(|text| !text.is_empty()),
        published,
        target: range(&text("target")??)?,
        protocol,
    })
}

fn mount(item: &Node) -> Option<Mount> {
    if item.scalar().is_some() {
        return item.known().map(volume::short);
    }
    let text = |key: &str| item.get(key).and_then(Node::known).map(str::to_owned);
    let source = text("source");
    if item.get("source").is_some() && source.is_none() {
        return None;
    }
    let kind = text("type").unwrap_or_default();
    let (host, volume) = match kind.as_str() {
        "bind" => (source, None),
        "volume" | "" => (None, source),
        // In memory, of an image, of a cluster, a named pipe of Windows.
        _ => (None, None),
    };
    Some(Mount {
        host,
        volume,
        target: text("target").unwrap_or_default(),
        read_only: item.get("read_only").and_then(Node::truth).unwrap_or(false),
        propagation: item.at_path(&["bind", "propagation"]).and_then(Node::known).map(str::to_owned),
    })
}
