//! Real Compose files, read as the reference reads them: `tests/compose/expected.tsv` says what compose-go v2.16.2 makes of each file of `../shared/data/compose`, with
//! no variables set and every profile on. The files themselves are not here, so the tests skip where that folder is absent.
//!
//! Rows: file, service, setting, value. A file that compose-go refuses has one row `error`; why, and what this does with it, is said below.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[macro_use]
#[path = "support/skip.rs"]
mod skip;
#[path = "support/shared.rs"]
mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use imgguard::workload::compose::{self, Project};
use imgguard::workload::{Container, Files, Namespace, Setting, Workload, WorkloadError};

const EXPECTED: &str = include_str!("compose/expected.tsv");

/// Files that compose-go refuses and this reads. In most what is wrong is nothing that a rule needs: a service without an image, an env file, an unknown key, an empty
/// source. Of [`WITH_MISSING`] a file is missing that they include or extend, which is told.
const REFUSED: usize = 16;
const WITH_MISSING: usize = 4;

struct Folder<'a>(&'a Path);

impl Files for Folder<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        fs::read(self.0.join(path)).map_err(|error| error.to_string())
    }
}

fn load(folder: &Path, file: &str) -> Result<Workload, WorkloadError> {
    compose::load(&Project { files: vec![file.to_owned()], ..Project::default() }, &Folder(folder))
}

fn shared() -> Option<std::path::PathBuf> {
    shared::folder("data/compose")
}

#[test]
fn every_setting_is_what_the_reference_reads() {
    let Some(folder) = shared() else { return };
    let mut rows: BTreeMap<&str, Vec<[&str; 3]>> = BTreeMap::new();
    for line in EXPECTED.lines() {
        let [file, service, setting, value] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        rows.entry(file).or_default().push([service, setting, value]);
    }
    assert_eq!(rows.len(), 55);
    let (mut compared, mut open, mut refused, mut missing, mut wrong) = (0, 0, 0, 0, Vec::new());
    for (file, rows) in rows {
        let workload = load(&folder, file).unwrap_or_else(|error| panic!("{file}: {error}"));
        missing += usize::from(!workload.unread.is_empty());
        if rows[0][1] == "error" {
            refused += 1;
            continue;
        }
        for [service, setting, value] in rows {
            let found = workload.containers.iter().find(|container| container.name == service);
            let found = found.unwrap_or_else(|| panic!("{file}: no {service}"));
            match read(found, setting) {
                // Without its variables the reference leaves a hole where this says that it does not know.
                None => open += 1,
                Some(ours) if ours == value => compared += 1,
                Some(ours) => {
                    wrong.push(format!("{file} {service} {setting}\n  reference {value}\n  ours      {ours}"))
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 270, "{compared} settings were compared, {open} depend on variables");
    assert_eq!((refused, missing), (REFUSED, WITH_MISSING));
}

/// A setting as the table writes it; none where a part of it depends on a variable that nothing sets.
fn read(container: &Container, setting: &str) -> Option<String> {
    let text = |setting: &Option<Setting<String>>| match setting {
        None => Some(String::new()),
        Some(setting) => setting.value.clone(),
    };
    let namespace = |wanted: Namespace| {
        let of =
            |setting: &&Setting<(Namespace, String)>| setting.value.as_ref().is_none_or(|(kind, _)| *kind == wanted);
        match container.namespaces.iter().find(of) {
            None => Some(String::new()),
            Some(setting) => Some(setting.value.clone()?.1),
        }
    };
    fn sorted<T>(settings: &[Setting<T>], row: impl Fn(&T) -> String) -> Option<String> {
        let mut rows = settings.iter().map(|setting| setting.value.as_ref().map(&row)).collect::<Option<Vec<_>>>()?;
        rows.sort();
        Some(rows.join(" "))
    }
    match setting {
        "image" => text(&container.image),
        "user" => text(&container.user),
        "restart" => match &container.restart {
            None => Some(String::new()),
            Some(setting) => setting.value.as_ref().map(|restart| restart.policy.clone()),
        },
        "cap_add" => sorted(&container.added, Clone::clone),
        "ipc" => namespace(Namespace::Ipc),
        "network_mode" => namespace(Namespace::Network),
        "environment" => {
            let names = container.env.iter().filter_map(|setting| setting.value.as_ref().map(|(name, _)| name.clone()));
            let mut names: Vec<String> = names.collect();
            names.sort();
            Some(names.join(" "))
        }
        "networks" => sorted(&container.networks, Clone::clone),
        "healthcheck" => Some(if container.health.is_some() { "set" } else { "" }.to_owned()),
        "ports" => {
            let mut rows = Vec::new();
            for setting in &container.ports {
                let port = setting.value.as_ref()?;
                for (step, target) in (port.target.0..=port.target.1).enumerate() {
                    let published = port.published.map(|(first, _)| (usize::from(first) + step).to_string());
                    rows.push(format!(
                        "{}|{}|{target}/{}",
                        port.address.as_deref().unwrap_or_default(),
                        published.unwrap_or_default(),
                        port.protocol
                    ));
                }
            }
            rows.sort();
            Some(rows.join(" "))
        }
        "volumes" => sorted(&container.mounts, |mount| {
            let (kind, source) = match (&mount.host, &mount.volume) {
                // Whose home `~` is depends on who reads it; the table was made by root.
                (Some(host), _) => ("bind", host.strip_prefix("./").unwrap_or(host).replace('~', "/root")),
                (None, volume) => ("volume", volume.clone().unwrap_or_default()),
            };
            format!("{kind}|{source}|{}|{}", mount.target, mount.read_only)
        }),
        other => panic!("there is no setting {other}"),
    }
}
