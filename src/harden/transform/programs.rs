//! Shells and package managers, on request: with their packages' records, so that whoever looks sees what is there.

use std::collections::BTreeSet;

use super::{Removal, Transform, Wishes};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::harden::records::{Records, Removed};
use crate::layer::EntryKind;

/// The transform.
pub(super) struct Programs;

/// Shells by the names of their packages, which are those of their programs as well.
const SHELLS: &[&str] = &[
    "bash",
    "dash",
    "zsh",
    "zsh-common",
    "ksh",
    "ksh93u+m",
    "mksh",
    "loksh",
    "fish",
    "tcsh",
    "csh",
    "yash",
    "oksh",
    "busybox",
    "busybox-static",
    "busybox-binsh",
];

/// Programs that start a shell.
const SHELL_PROGRAMS: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "tcsh", "csh", "busybox"];

/// Package managers by the names of their packages.
const MANAGERS: &[&str] = &["apt", "apt-utils", "aptitude", "dpkg", "dselect", "apk-tools"];

/// Whether a survey should keep the file.
pub(super) fn reads(path: &[u8]) -> bool {
    Records::reads(path)
}

impl Transform for Programs {
    fn name(&self) -> &'static str {
        "programs"
    }

    fn summary(&self) -> &'static str {
        "remove shells and package managers with their packages' records (--remove shells,package-managers)"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let wanted = [
            (Removal::Shells, SHELLS, "remove shells", "an attacker who can start a program finds one there"),
            (
                Removal::PackageManagers,
                MANAGERS,
                "remove package managers",
                "a container that is running installs nothing",
            ),
        ];
        for (removal, packages, title, why) in wanted {
            if wishes.remove.contains(&removal) {
                let mut step = Step::new(self.name(), title, why);
                match obstacle(draft, removal) {
                    Some(obstacle) => step.cannot.push(obstacle),
                    None => remove(draft, packages, &mut step),
                }
                draft.note(step);
            }
        }
    }
}

/// Why they cannot go.
fn obstacle(draft: &Draft, removal: Removal) -> Option<String> {
    if Records::is_rpm(&draft.view) {
        let why = "the records of rpm are a database that only rpm writes";
        return Some(format!("packages of rpm cannot be removed: {why}; remove them where the image is built"));
    }
    if removal == Removal::Shells {
        return shell_user(draft).map(|user| format!("shells stay: {user} needs one"));
    }
    None
}

/// What of the run settings starts a shell.
fn shell_user(draft: &Draft) -> Option<String> {
    let words = |name: &str| -> Vec<String> {
        let list = draft.config.setting(name).and_then(|value| serde_json::from_value(value.clone()).ok());
        list.unwrap_or_default()
    };
    let (entrypoint, command) = (words("Entrypoint"), words("Cmd"));
    for (name, words) in [("the entrypoint", &entrypoint), ("the command", &command)] {
        if words.first().is_some_and(|program| starts_shell(draft, program)) {
            return Some(name.to_owned());
        }
    }
    let test = draft.config.setting("Healthcheck").and_then(|check| check.pointer("/Test/0")?.as_str());
    (test == Some("CMD-SHELL")).then(|| "the health check".to_owned())
}

/// Whether a program is a shell or a script for one.
fn starts_shell(draft: &Draft, program: &str) -> bool {
    let is_shell = |path: &str| path.rsplit('/').next().is_some_and(|name| SHELL_PROGRAMS.contains(&name));
    if is_shell(program) {
        return true;
    }
    let Some(content) = draft.program(program).and_then(|path| draft.read(&path)) else { return false };
    let Some(line) = content.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next()) else {
        return false;
    };
    String::from_utf8_lossy(line).split_whitespace().take(2).any(is_shell)
}

fn remove(draft: &mut Draft, packages: &[&str], step: &mut Step) {
    let Some(mut records) = Records::read(draft) else {
        step.cannot.push("the image has no records of dpkg or apk that say which files belong to a package".into());
        return;
    };
    let mut gone = BTreeSet::new();
    for name in packages {
        let Some(Removed { files, version }) = records.remove(name) else { continue };
        let there =
            files.iter().filter_map(|file| draft.view.landing(file.as_bytes()).map(|path| FilePath::new(&path)));
        let is_file =
            |path: &FilePath| draft.view.get(path.as_bytes()).is_some_and(|entry| entry.kind != EntryKind::Directory);
        gone.extend(there.filter(is_file));
        step.changes.push(Change::new(format!("package {name} {version}"), "removed, with its record"));
    }
    if gone.is_empty() {
        return;
    }
    gone.extend(dangling(draft, &gone));
    draft.erase(&gone);
    records.write(draft);
}

/// Symbolic links to what goes: BusyBox's applets, `sh`.
fn dangling(draft: &Draft, gone: &BTreeSet<FilePath>) -> Vec<FilePath> {
    let leads_there = |path: &FilePath| {
        draft.view.follow(path.as_bytes()).is_some_and(|target| gone.contains(&FilePath::new(&target)))
    };
    let links = draft.view.iter().filter(|(_, entry)| entry.kind == EntryKind::Symlink);
    links.filter(|(path, _)| leads_there(path)).map(|(path, _)| path.clone()).collect()
}
