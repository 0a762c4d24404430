//! What an image has and does not need: tools for builders and attackers, open ports, wasted space.

use std::collections::BTreeMap;

use super::{Check, Meta, Subject, history, user};
use crate::advisory::model::Severity;
use crate::facts::{Confidence, PackageKind};
use crate::finding::{Finding, Kind, Location};
use crate::secret::Scanner;

/// `unnecessary-package`.
pub(super) struct UnnecessaryPackages;

static PACKAGES: Meta = Meta {
    name: "unnecessary-package",
    summary: "packages are installed that serve builders and attackers rather than the service",
    doc: "**Reads** the installed OS packages.\n\n**Reports** compilers and build tools, editors, network tools, debuggers, servers and clients for remote logins, and tools to become root; one finding a kind. Of compilers it says whether the history shows that the image was built in the same stage.\n\n\
          **Cannot see** programs that were not installed as packages, and whether this service needs one after all: an image to build in has a compiler rightly.\n\n**Since** 0.3.0",
    aliases: &["CIS-4.3", "CIS-DI-0003"],
    needs_config: false,
};

/// The kind whose packages an image needs that others are built in.
const COMPILER: &str = "compiler";

/// Kinds of packages, by the names that Debian, Alpine and the rpm distributions give them.
const KINDS: &[(&str, Severity, &[&str])] = &[
    (
        "ssh-server",
        Severity::Medium,
        &["openssh-server", "openssh-sftp-server", "dropbear", "dropbear-bin", "tinysshd"],
    ),
    ("root-tool", Severity::Low, &["sudo", "doas"]),
    (
        COMPILER,
        Severity::Low,
        &[
            "gcc",
            "g++",
            "build-essential",
            "build-base",
            "clang",
            "gcc-c++",
            "make",
            "cmake",
            "automake",
            "autoconf",
            "rustc",
            "golang",
            "golang-go",
            "go",
        ],
    ),
    (
        "editor",
        Severity::Negligible,
        &["vim", "vim-tiny", "vim-enhanced", "vim-minimal", "nano", "emacs", "emacs-nox", "ed"],
    ),
    (
        "network-tool",
        Severity::Low,
        &[
            "netcat",
            "netcat-traditional",
            "netcat-openbsd",
            "nmap",
            "nmap-ncat",
            "socat",
            "telnet",
            "inetutils-telnet",
            "tcpdump",
            "wireshark-common",
            "ftp",
            "rsh-client",
            "iputils-ping",
            "dnsutils",
            "bind-tools",
        ],
    ),
    ("debugger", Severity::Low, &["gdb", "strace", "ltrace", "lldb"]),
];

impl Check for UnnecessaryPackages {
    fn meta(&self) -> &'static Meta {
        &PACKAGES
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let is_os = |kind| matches!(kind, PackageKind::Deb | PackageKind::Rpm | PackageKind::Apk);
        let installed = subject.inventory.packages.iter().filter(|package| is_os(package.fact.kind));
        let mut by_kind: BTreeMap<usize, Vec<_>> = BTreeMap::new();
        for package in installed {
            let base = package.fact.name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
            let is_named = |names: &&[&str]| names.contains(&package.fact.name.as_str()) || names.contains(&base);
            if let Some(kind) = KINDS.iter().position(|(_, _, names)| is_named(names)) {
                by_kind.entry(kind).or_default().push(package);
            }
        }
        by_kind
            .into_iter()
            .filter_map(|(kind, found)| {
                let (name, severity, _) = KINDS.get(kind)?;
                let names: Vec<&str> = found.iter().map(|package| package.fact.name.as_str()).collect();
                let title = format!("{} ({})", names.join(", "), name.replace('-', " "));
                let finding = Finding::new(Kind::Config, PACKAGES.name, *severity, title, *name);
                let placed =
                    found.iter().map(|package| subject.place(&package.path, package.layer)).fold(finding, Finding::at);
                let evidence = (*name == COMPILER).then(|| history::build_step(subject)).flatten();
                let evidence = evidence.map(|step| format!("built in one stage: {step}"));
                let advice = if evidence.is_some() {
                    "build in a stage of its own (FROM … AS build), and copy the result into one without them"
                } else {
                    "leave them out where the image is built, or start from a base without them"
                };
                Some(Finding { confidence: Confidence::Medium, evidence, ..placed }.advise(advice))
            })
            .collect()
    }
}

/// `exposed-ssh`.
pub(super) struct ExposedSsh;

static SSH: Meta = Meta {
    name: "exposed-ssh",
    summary: "port 22 is exposed",
    doc: "**Reads** `ExposedPorts` of the image configuration.\n\n**Reports** port 22, where SSH servers listen.\n\n**Cannot see** an SSH server on another port; the packages tell it.\n\n**Since** 0.3.0",
    aliases: &["CKV_DOCKER_1", "DS-0004"],
    needs_config: true,
};

impl Check for ExposedSsh {
    fn meta(&self) -> &'static Meta {
        &SSH
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let ports = subject.manifest.config.config.exposed_ports.keys();
        let ssh = ports.filter(|port| matches!(port.as_str(), "22" | "22/tcp"));
        ssh.map(|port| {
            Finding::new(Kind::Config, SSH.name, Severity::Low, "port 22 is exposed, where SSH servers listen", port)
                .at(Location::Config("exposed_ports".into()))
                .advise("remove the SSH server, and use the engine's exec")
        })
        .collect()
    }
}

/// `privileged-port`.
pub(super) struct PrivilegedPort;

/// Ports below are root's, unless the host says otherwise (`net.ipv4.ip_unprivileged_port_start`).
const FIRST_FREE_PORT: u32 = 1024;

static PORT: Meta = Meta {
    name: "privileged-port",
    summary: "a port is exposed that only root may listen on everywhere",
    doc: "**Reads** `ExposedPorts` and `USER` of the image configuration.\n\n**Reports** ports below 1024 of an image that does not run as root: Docker lets everyone listen there, Kubernetes and older engines only root or who has `CAP_NET_BIND_SERVICE`. Port 22 is told as `exposed-ssh`.\n\n\
          **Cannot see** where the service listens.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

impl Check for PrivilegedPort {
    fn meta(&self) -> &'static Meta {
        &PORT
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let config = &subject.manifest.config.config;
        if user::resolve(&config.user, subject.inventory).uid == Some(0) {
            return Vec::new();
        }
        let number = |port: &str| port.split('/').next().and_then(|number| number.parse::<u32>().ok());
        let is_low = |port: &&String| number(port).is_some_and(|port| port < FIRST_FREE_PORT && port != 22);
        let finding = |port: &String| {
            let title = format!("port {port} is exposed, where not every engine lets the image's user listen");
            Finding::new(Kind::Config, PORT.name, Severity::Negligible, title, port)
                .at(Location::Config("exposed_ports".into()))
                .advise("listen on a port from 1024 up, and publish it as the one that clients know")
        };
        config.exposed_ports.keys().filter(is_low).map(finding).collect()
    }
}

/// `stop-signal-kill`.
pub(super) struct StopSignalKill;

static STOP: Meta = Meta {
    name: "stop-signal-kill",
    summary: "the image is stopped by a signal that cannot be handled",
    doc: "**Reads** `StopSignal` of the image configuration.\n\n**Reports** `SIGKILL` and `SIGSTOP`: the service cannot finish what it does.\n\n**Cannot see** what the service does with other signals.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

impl Check for StopSignalKill {
    fn meta(&self) -> &'static Meta {
        &STOP
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let signal = subject.manifest.config.config.stop_signal.trim();
        if !matches!(signal, "SIGKILL" | "KILL" | "9" | "SIGSTOP" | "STOP" | "19") {
            return Vec::new();
        }
        let title = format!("STOPSIGNAL is {signal}, which no program can handle");
        let finding = Finding::new(Kind::Config, STOP.name, Severity::Low, title, "stop_signal");
        vec![
            finding
                .at(Location::Config("stop_signal".into()))
                .advise("use SIGTERM, or what the service ends at in order"),
        ]
    }
}

/// `wasted-space`.
pub(super) struct WastedSpace;

/// Bytes of one layer that are worth a word: what a slow link takes ten seconds for.
const WORTH_TELLING: u64 = 10 << 20;

static WASTED: Meta = Meta {
    name: "wasted-space",
    summary: "a layer holds files that later ones replace or remove",
    doc: "**Reads** sizes of all files, layer by layer.\n\n**Reports** layers with 10 MiB and more that nobody sees: they are stored and pulled all the same, and whatever was removed can still be read.\n\n\
          **Cannot see** files that are there twice under two names.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

impl Check for WastedSpace {
    fn meta(&self) -> &'static Meta {
        &WASTED
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let layers = &subject.manifest.layers;
        let worth = subject.inventory.wasted.iter().enumerate().filter(|(_, bytes)| **bytes >= WORTH_TELLING);
        worth
            .map(|(index, bytes)| {
                let step = subject.manifest.config.instruction(index, layers.len());
                let digest = layers.get(index).and_then(|layer| layer.digest.as_ref());
                let title =
                    format!("{} MB of layer {} are replaced or removed by later ones", bytes / 1_000_000, index + 1);
                let identity = step.map(str::to_owned).or_else(|| digest.map(ToString::to_string)).unwrap_or_default();
                let finding = Finding::new(Kind::Config, WASTED.name, Severity::Negligible, title, identity);
                let evidence = step.map(|step| Scanner::in_use().redact(step));
                Finding { evidence, ..finding }
                    .at(Location::Config(format!("layer:{index}")))
                    .advise("remove files in the RUN that makes them, and copy them with their final owner and mode")
            })
            .collect()
    }
}
