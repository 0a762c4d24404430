//! Files with credentials that others may read, and files that give rights that others may change.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::access::{GROUP_WRITES, OTHERS_READ, OTHERS_WRITE};
use crate::facts::inventory::Entrusted;
use crate::facts::{Confidence, SecretState};
use crate::finding::{Finding, Kind};
use crate::inspect::sensitive::{Sensitive, by_name};

/// `readable-credential-file`.
pub(super) struct ReadableCredentials;

static READABLE: Meta = Meta {
    name: "readable-credential-file",
    summary: "a file with credentials that everyone may read",
    doc: "**Reads** the modes of files that hold credentials: by their name (`etc/shadow`, `.env`, `.pgpass`, `.netrc`, `id_rsa`, `.aws/credentials`, `.kube/config`, host keys of SSH, …), and those in which a secret was found.\n\n\
          **Reports** those that others than owner and group may read: 0600 keeps them with their owner.\n\n\
          **Cannot see** access control lists, and the modes that a mount gives to a file.\n\n**Since** 0.3.0",
    aliases: &["CIS-4.10"],
    needs_config: false,
};

impl Check for ReadableCredentials {
    fn meta(&self) -> &'static Meta {
        &READABLE
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let open = subject.inventory.sensitive.iter().filter(|file| file.access.mode & OTHERS_READ != 0);
        open.filter_map(|file| Some(finding(subject, &READABLE, file, readable(subject, file)?, "read"))).collect()
    }
}

/// How bad it is that everyone may read a file; nothing where that does no harm.
fn readable(subject: &Subject<'_>, file: &Entrusted) -> Option<Severity> {
    let is_in_file = |secret: &&crate::facts::FoundSecret| {
        secret.path == file.path && secret.layer == file.layer && secret.state == SecretState::Present
    };
    let mut secrets = subject.inventory.secrets.iter().filter(is_in_file);
    // Examples and test keys that a distribution publishes are no secrets.
    if file.owner.is_none() && secrets.any(|secret| secret.secret.confidence > Confidence::Low) {
        return Some(Severity::Medium);
    }
    let is_system = file.path.as_bytes().starts_with(b"etc/");
    let is_vendored = |path: &[u8]| {
        path.split(|byte| *byte == b'/').any(|part| matches!(part, b"node_modules" | b"site-packages" | b"vendor"))
    };
    match by_name(file.path.as_bytes()) {
        Some(Sensitive::Credential) if is_system => Some(Severity::Medium),
        Some(Sensitive::Credential) if file.owner.is_none() && !is_vendored(file.path.as_bytes()) => {
            Some(Severity::Low)
        }
        _ => None,
    }
}

/// `writable-control-file`.
pub(super) struct WritableControls;

static WRITABLE: Meta = Meta {
    name: "writable-control-file",
    summary: "a file with credentials or rights that others than its owner may write",
    doc: "**Reads** modes and owners of files that decide who may do what (`etc/passwd`, `etc/sudoers`, cron's tables, PAM's and the loader's configuration, `authorized_keys`, …), and of files with credentials.\n\n\
          **Reports** those that their group or everyone may write, and those below `/etc` of an image that belong to somebody else than root.\n\n\
          **Cannot see** access control lists.\n\n**Since** 0.3.0",
    aliases: &["CIS-4.8"],
    needs_config: false,
};

impl Check for WritableControls {
    fn meta(&self) -> &'static Meta {
        &WRITABLE
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let files = subject.inventory.sensitive.iter();
        files
            .filter_map(|file| Some(finding(subject, &WRITABLE, file, writable(file, subject.has_config)?, "written")))
            .collect()
    }
}

/// How bad it is that others may write a file. Of a folder on disk the owners say nothing: who unpacked it has all of it.
fn writable(file: &Entrusted, is_image: bool) -> Option<Severity> {
    let path = file.path.as_bytes();
    let kind = by_name(path)?;
    let is_system = path.starts_with(b"etc/");
    let of_others = is_image && is_system && file.access.uid != 0;
    match (file.access.mode & OTHERS_WRITE != 0 || of_others, file.access.mode & GROUP_WRITES != 0) {
        (true, _) if is_system || kind == Sensitive::Control => Some(Severity::High),
        (true, _) => Some(Severity::Medium),
        (_, true) => Some(Severity::Low),
        _ => None,
    }
}

fn finding(subject: &Subject<'_>, meta: &'static Meta, file: &Entrusted, severity: Severity, what: &str) -> Finding {
    let access = file.access;
    let title = format!(
        "{} may be {what} by others than its owner ({:04o}, owner {}:{})",
        file.path, access.mode, access.uid, access.gid
    );
    Finding::new(Kind::Config, meta.name, severity, title, file.path.to_string())
        .at(subject.place(&file.path, file.layer))
        .advise("give it to the user who needs it and to nobody else (chown, chmod 0600); mount credentials when the container starts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FilePath;
    use crate::facts::access::Access;

    #[test]
    fn what_decides_about_rights_is_for_root_to_write() {
        for (path, mode, uid, expected) in [
            ("etc/passwd", 0o644, 0, None),
            ("etc/passwd", 0o664, 0, Some(Severity::Low)),
            ("etc/passwd", 0o666, 0, Some(Severity::High)),
            ("etc/cron.d/job", 0o644, 1000, Some(Severity::High)),
            ("var/spool/cron/crontabs/app", 0o600, 1000, None),
            ("home/app/.ssh/authorized_keys", 0o600, 1000, None),
            ("home/app/.ssh/authorized_keys", 0o666, 1000, Some(Severity::High)),
            ("home/app/.pgpass", 0o660, 1000, Some(Severity::Low)),
            ("app/settings", 0o666, 0, None),
        ] {
            let access = Access { mode, uid, gid: 0 };
            let file = Entrusted { path: FilePath::new(path.as_bytes()), layer: 0, access, owner: None };
            assert_eq!(writable(&file, true), expected, "{path} {mode:o} {uid}");
        }
    }
}
