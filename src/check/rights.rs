//! Ways to become root that an image brings along: rules of sudo's, keys for SSH, jobs of cron's.

use super::{Check, Meta, Subject, user};
use crate::advisory::model::Severity;
use crate::facts::inventory::{FoundRule, OpenJob};
use crate::finding::{Finding, Kind, Location};

/// `sudo-rule`.
pub(super) struct SudoRules;

static SUDO: Meta = Meta {
    name: "sudo-rule",
    summary: "sudo makes somebody root without a password, or the image's own user root",
    doc: "**Reads** `etc/sudoers` and what it includes below `etc/sudoers.d`, in images that have sudo.\n\n**Reports** rules with `NOPASSWD` and `Defaults !authenticate`, and those that let the user whom the image runs as run any command.\n\n\
          **Cannot see** what aliases stand for, members of groups, and rules in a directory service.\n\n**Since** 0.3.0",
    aliases: &["DKL-DI-0001"],
    needs_config: false,
};

impl Check for SudoRules {
    fn meta(&self) -> &'static Meta {
        &SUDO
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let is_sudo = |path: &[u8]| path == b"sudo" || path.ends_with(b"/sudo");
        let has_sudo = subject.inventory.privileged.iter().any(|found| is_sudo(found.file.path.as_bytes()));
        let rules = subject.inventory.sudo_rules.iter().filter(|_| has_sudo);
        let names = names_of_user(subject);
        rules.filter_map(|found| sudo_finding(subject, found, &names)).collect()
    }
}

/// How rules may name the user whom the image runs as; root is nobody whom they could give more.
fn names_of_user(subject: &Subject<'_>) -> Vec<String> {
    let resolved = user::resolve(&subject.manifest.config.config.user, subject.inventory);
    let Some(uid) = resolved.uid.filter(|uid| *uid != 0 && subject.has_config) else { return Vec::new() };
    let accounts = subject.inventory.accounts.iter().flatten();
    let own = accounts.filter(|account| account.uid == i64::from(uid)).map(|account| account.name.clone());
    let groups = subject.inventory.groups.iter().filter(|group| resolved.gid.map(i64::from) == Some(group.gid));
    own.chain(groups.map(|group| format!("%{}", group.name))).chain([format!("#{uid}"), "ALL".to_owned()]).collect()
}

fn sudo_finding(subject: &Subject<'_>, found: &FoundRule, own_names: &[String]) -> Option<Finding> {
    let rule = &found.rule;
    let is_own = rule.users.iter().any(|user| own_names.contains(user));
    let is_any = |commands: &[String]| commands.iter().any(|command| command == "ALL");
    let (severity, what) = match (is_any(&rule.without_password), rule.without_password.is_empty()) {
        (true, _) if is_own => (Severity::High, "any command without a password"),
        (true, _) => (Severity::Medium, "any command without a password"),
        (false, false) => (Severity::Low, "commands without a password"),
        (false, true) if is_own && is_any(&rule.commands) => (Severity::Low, "any command"),
        _ => return None,
    };
    let title = format!("sudo lets {} run {what}", rule.users.join(", "));
    let identity = format!("{}:{}", found.path, rule.users.join(","));
    Some(
        Finding::new(Kind::Config, SUDO.name, severity, title, identity)
            .at(at_line(subject.place(&found.path, found.layer), rule.line))
            .advise(
                "remove the rule and sudo with it; what needs root belongs to the build, or to a container of its own",
            ),
    )
}

fn at_line(place: Location, line: u32) -> Location {
    match place {
        Location::File { path, layer, layer_index, state, instruction, .. } => {
            Location::File { path, layer, layer_index, line: Some(line), state, instruction }
        }
        other => other,
    }
}

/// `authorized-key`.
pub(super) struct AuthorizedKeys;

static KEYS: Meta = Meta {
    name: "authorized-key",
    summary: "keys that may log in are part of the image",
    doc: "**Reads** the names of all files.\n\n**Reports** `.ssh/authorized_keys` and `authorized_keys2` that are not empty: whoever has the key may log in to every container, and nobody can take that back.\n\n\
          **Cannot see** whether a server for SSH runs, and files that its configuration names instead.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

impl Check for AuthorizedKeys {
    fn meta(&self) -> &'static Meta {
        &KEYS
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let is_list = |path: &[u8]| path.ends_with(b".ssh/authorized_keys") || path.ends_with(b".ssh/authorized_keys2");
        let lists = subject.inventory.sensitive.iter().filter(|file| is_list(file.path.as_bytes()));
        let finding = |file: &crate::facts::inventory::Entrusted| {
            let title = format!("{} lets its keys log in to every container", file.path);
            Finding::new(Kind::Config, KEYS.name, Severity::Medium, title, file.path.to_string())
                .at(subject.place(&file.path, file.layer))
                .advise("remove it; use the engine's exec, or mount the file where the container is run")
        };
        lists.map(finding).collect()
    }
}

/// `writable-cron-program`.
pub(super) struct CronPrograms;

static CRON: Meta = Meta {
    name: "writable-cron-program",
    summary: "a job of cron's starts what others may change",
    doc: "**Reads** cron's tables, and modes and owners of the programs and folders that their commands name.\n\n**Reports** jobs of root that name a file which everyone may write, or one in a folder that belongs to somebody else or is open to everyone: whoever changes it is root at the next full hour.\n\n\
          **Cannot see** files of somebody else in a folder of root's, timers of systemd, and what a program starts itself.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: false,
};

impl Check for CronPrograms {
    fn meta(&self) -> &'static Meta {
        &CRON
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        // Who unpacked a folder on disk has all of it, so that its owners say nothing.
        let jobs = subject.inventory.open_jobs.iter().filter(|job| job.user == "root" && subject.has_config);
        jobs.map(|job| cron_finding(subject, job)).collect()
    }
}

fn cron_finding(subject: &Subject<'_>, job: &OpenJob) -> Finding {
    let open: Vec<String> = job.open.iter().map(ToString::to_string).collect();
    let title = format!("cron runs {} as root, which others may change", open.join(", "));
    Finding::new(Kind::Config, CRON.name, Severity::High, title, format!("{}:{}", job.path, open.join(",")))
        .at(at_line(subject.place(&job.path, job.layer), job.line))
        .advise("give the program and its folder to root (chown root, chmod go-w), or run the job as their owner")
}
