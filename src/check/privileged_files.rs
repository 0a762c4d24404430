//! Files that give privileges and that the distribution did not put there.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::facts::Confidence;
use crate::facts::inventory::FoundPrivileged;
use crate::finding::{Finding, Kind};

/// `privileged-file`.
pub(super) struct PrivilegedFiles;

static META: Meta = Meta {
    name: "privileged-file",
    summary: "a setuid or setgid file, or one with capabilities, beyond the distribution's own",
    doc: "**Reads** modes and `security.capability` attributes of all files, and the file lists of the OS packages.\n\n**Reports** executable files with setuid, setgid or capabilities that no installed OS package owns, and those of a package that no distribution is known to give such rights: a shell, an interpreter, an editor that somebody made setuid. The latter with medium confidence.\n\n\
          **Cannot see** what a package's own setuid program does; distroless images may keep no file lists, then every such file is reported.\n\n**Since** 0.1.0",
    aliases: &["CIS-4.8", "CIS-DI-0008"],
    needs_config: false,
};

/// Programs that distributions ship with setuid, setgid or capabilities, by name. dpkg records no modes, so that this is all there is to tell
/// a package's own from what was changed afterwards.
const DISTRIBUTED: &[&str] = &[
    "Xorg",
    "Xorg.wrap",
    "arping",
    "at",
    "auth_pam_tool",
    "bbsuid",
    "bsd-write",
    "bwrap",
    "cdrecord",
    "chage",
    "chfn",
    "chrome-sandbox",
    "chsh",
    "clockdiff",
    "cockpit-session",
    "crontab",
    "dbus-daemon-launch-helper",
    "doas",
    "dotlockfile",
    "dumpcap",
    "exim4",
    "expiry",
    "fping",
    "fping6",
    "fusermount",
    "fusermount3",
    "gnome-keyring-daemon",
    "gpasswd",
    "grub2-set-bootflag",
    "gst-ptp-helper",
    "krb5_child",
    "ksu",
    "ldap_child",
    "locate",
    "lockdev",
    "maildrop",
    "man",
    "mandb",
    "mlocate",
    "mlock",
    "mount",
    "mount.cifs",
    "mount.davfs",
    "mount.ecryptfs_private",
    "mount.nfs",
    "mtr-packet",
    "newgidmap",
    "newgrp",
    "newuidmap",
    "ntfs-3g",
    "nvidia-modprobe",
    "p11_child",
    "pam_extrausers_chkpwd",
    "pam_timestamp_check",
    "passwd",
    "ping",
    "ping4",
    "ping6",
    "pkexec",
    "plocate",
    "polkit-agent-helper-1",
    "postdrop",
    "postqueue",
    "pppd",
    "procmail",
    "proxy_child",
    "rcp",
    "rlogin",
    "rsh",
    "screen",
    "selinux_child",
    "sendmail",
    "sg",
    "slocate",
    "snap-confine",
    "spice-client-glib-usb-acl-helper",
    "ssh-agent",
    "ssh-keysign",
    "sssd_pam",
    "staprun",
    "su",
    "sudo",
    "sudoedit",
    "suexec",
    "traceroute6.iputils",
    "umount",
    "unix2_chkpwd",
    "unix_chkpwd",
    "userhelper",
    "usernetctl",
    "utempter",
    "vlock",
    "wall",
    "wodim",
    "write",
    "write.ul",
];

impl Check for PrivilegedFiles {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let foreign = subject.inventory.privileged.iter().filter(|found| !is_distributed(found));
        foreign.map(|found| finding(subject, found)).collect()
    }
}

/// Whether a package owns the file and is known to bring it so.
fn is_distributed(found: &FoundPrivileged) -> bool {
    let path = found.file.path.as_bytes();
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let is_game = path.starts_with(b"usr/games/");
    found.owner.is_some() && (is_game || DISTRIBUTED.iter().any(|known| known.as_bytes() == name))
}

fn finding(subject: &Subject<'_>, found: &FoundPrivileged) -> Finding {
    let file = &found.file;
    let mut rights = Vec::new();
    if file.mode & 0o4000 != 0 {
        rights.push(format!("setuid {}", file.uid));
    }
    if file.mode & 0o2000 != 0 {
        rights.push("setgid".into());
    }
    if file.capabilities != 0 {
        rights.push(format!("capabilities {:#x}", file.capabilities));
    }
    let severity = if (file.mode & 0o4000 != 0 && file.uid == 0) || file.capabilities != 0 {
        Severity::Medium
    } else {
        Severity::Low
    };
    let mut title = format!("{} runs with {}", file.path, rights.join(", "));
    let mut confidence = Confidence::High;
    if let Some(owner) = &found.owner {
        title.push_str(&format!(", which the package {owner} is not known to give it"));
        confidence = Confidence::Medium;
    }
    let finding = Finding::new(Kind::Config, META.name, severity, title, file.path.to_string());
    Finding { confidence, ..finding }
        .at(subject.place(&file.path, found.layer))
        .advise("remove the bit (chmod a-s) or the capability (setcap -r), or install the program from a package")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{FilePath, PrivilegedFile};

    #[test]
    fn a_packages_shell_is_not_setuid_by_itself() {
        assert!(DISTRIBUTED.is_sorted());
        for (path, owner, expected) in [
            ("usr/bin/su", Some("util-linux"), true),
            ("usr/bin/su", None, false),
            ("usr/bin/bash", Some("bash"), false),
            ("usr/games/rogue", Some("rogue"), true),
        ] {
            let file = PrivilegedFile { path: FilePath::new(path.as_bytes()), mode: 0o4755, uid: 0, capabilities: 0 };
            let found = FoundPrivileged { file, layer: 0, owner: owner.map(str::to_owned) };
            assert_eq!(is_distributed(&found), expected, "{path} {owner:?}");
        }
    }
}
