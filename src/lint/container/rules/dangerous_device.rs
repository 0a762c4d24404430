//! A device is given that holds the host’s memory or disks.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dangerous-device`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dangerous-device",
        severity: Severity::Critical,
        summary: "a device is given that holds the host’s memory or disks",
        why: "Through it everything on the host can be read and written, whatever the permissions of files say.",
        advice: "remove it; give a volume for data, and the one device that a program drives",
        aliases: &["CL-0016"],
        sources: &["https://docs.docker.com/reference/compose-file/services/#devices"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.devices {
        let Some(device) = setting.value.as_deref().filter(|device| is_dangerous(device)) else { continue };
        subject.state(problems, &setting.at, device, format!("`{device}` is the host's memory, kernel or disk"));
    }
}

fn is_dangerous(device: &str) -> bool {
    let Some(name) = device.trim_end_matches('/').strip_prefix("/dev") else { return false };
    let name = name.trim_start_matches('/');
    let is_numbered = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    matches!(name, "" | "mem" | "kmem" | "port" | "kcore" | "mapper" | "disk" | "root" | "loop-control" | "cpu")
        || ["sd", "hd", "vd", "xvd", "nvme", "mmcblk", "dm-", "md"].iter().any(|prefix| is_numbered(prefix))
        || name.starts_with("mapper/")
        || name.starts_with("disk/")
}
