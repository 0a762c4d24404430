//! A capability is added that reaches beyond the container.

use crate::advisory::model::Severity;
use crate::lint::container::Subject;
use crate::lint::{Check, Meta, Problems, Rule};

/// `dangerous-capability`.
pub(super) static RULE: Rule = Rule {
    meta: Meta {
        id: "dangerous-capability",
        severity: Severity::High,
        summary: "a capability is added that reaches beyond the container",
        why: "Capabilities are parts of root’s rights; some of them are as good as all of them.",
        advice: "remove it; where a program needs it, see whether a device, a sysctl or another service does the same with less",
        aliases: &["CL-0011", "CL-0024", "CL-0027", "CL-0028", "CL-0029", "CL-0030"],
        sources: &["https://man7.org/linux/man-pages/man7/capabilities.7.html"],
        default: true,
    },
    check: Check::Container(check),
};

fn check(subject: &Subject<'_>, problems: &mut Problems) {
    for setting in &subject.container.added {
        let Some(name) = &setting.value else { continue };
        if let Some((_, severity, effect)) = EFFECTS.iter().find(|(known, ..)| known == name) {
            let problem = subject.state(problems, &setting.at, name, format!("{name}: {effect}"));
            problem.severity = *severity;
        }
    }
}

/// Capabilities, how bad each is in a container, and what it lets one do. Those that only count within the container are left out.
const EFFECTS: &[(&str, Severity, &str)] = &[
    ("ALL", Severity::Critical, "everything that root may do"),
    ("SYS_ADMIN", Severity::Critical, "mounting filesystems and much else: as good as root on the host"),
    ("SYS_MODULE", Severity::Critical, "loading code into the kernel"),
    ("SYS_RAWIO", Severity::Critical, "reading and writing the memory and disks of the host"),
    (
        "SYS_PTRACE",
        Severity::Critical,
        "reading and changing processes; with the host's processes in sight, all of them",
    ),
    ("DAC_READ_SEARCH", Severity::High, "opening every file of the host by its handle"),
    ("BPF", Severity::Critical, "loading programs into the kernel"),
    ("PERFMON", Severity::High, "reading what the kernel and other processes do"),
    ("SYS_BOOT", Severity::High, "restarting the host, or another kernel on it"),
    ("SYS_TIME", Severity::High, "changing the host's clock"),
    ("SYS_NICE", Severity::Medium, "taking processor time from everybody else"),
    ("SYS_RESOURCE", Severity::Medium, "going beyond the limits of files, memory and processes"),
    ("SYS_TTY_CONFIG", Severity::Medium, "taking over the host's terminals"),
    ("SYS_PACCT", Severity::Medium, "switching the host's accounting of processes on and off"),
    ("NET_ADMIN", Severity::High, "changing addresses, routes and packet filters"),
    ("SYSLOG", Severity::Medium, "reading the kernel's messages, and with them addresses of its memory"),
    ("AUDIT_CONTROL", Severity::High, "switching the host's audit off"),
    ("AUDIT_READ", Severity::Medium, "reading the host's audit"),
    ("AUDIT_WRITE", Severity::Low, "writing into the host's audit; engines give it anyway"),
    ("MAC_ADMIN", Severity::High, "changing the policy of AppArmor and Smack"),
    ("MAC_OVERRIDE", Severity::High, "passing over that policy"),
    ("MKNOD", Severity::Medium, "making device files; engines give it anyway, but for what ALL took away"),
    ("NET_RAW", Severity::Medium, "forging packets to neighbours on the network"),
    ("DAC_OVERRIDE", Severity::Medium, "passing over the permissions of files, those of mounted folders too"),
    ("IPC_LOCK", Severity::Low, "keeping memory from being swapped out, without end"),
    ("LEASE", Severity::Low, "leases on files of others"),
    ("LINUX_IMMUTABLE", Severity::Medium, "making files that cannot be changed, and changing those that cannot"),
    ("WAKE_ALARM", Severity::Low, "waking the host"),
    ("BLOCK_SUSPEND", Severity::Low, "keeping the host awake"),
    ("CHECKPOINT_RESTORE", Severity::High, "choosing the ids of processes and reading their memory"),
];
