//! Accounts: `etc/passwd`, `etc/group`, `etc/shadow`.
//!
//! Source: passwd(5), group(5), shadow(5); and moby's `sys/user` package, with which Docker, containerd and BuildKit read the first two: it takes every line,
//! text that is no number as 0, and only in `group` skips comments.

use super::control::lines;
use super::{InspectError, Inspector, Meta, text, whole};
use crate::facts::{Account, Fact, Group};
use crate::layer::{Entry, FileView};

/// Account files of real images have a few KiB; a directory server's dump a few MiB.
const MAX_BYTES: u64 = 4 << 20;

/// `etc/passwd`.
pub(super) struct Passwd;

static PASSWD: Meta = Meta {
    name: "os/passwd",
    summary: "user accounts",
    required: true,
    doc: "**Reads** `etc/passwd`, up to 4 MiB.\n\n**Reports** name, uid, gid and shell of every account, and accounts whose password field is empty.\n\n\
          **Cannot see** accounts of NSS modules.\n\n**Since** 0.1.0",
};

impl Inspector for Passwd {
    fn meta(&self) -> &'static Meta {
        &PASSWD
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path == b"etc/passwd"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let mut accounts = Vec::new();
        let mut open = Vec::new();
        for fields in records(whole(file, MAX_BYTES)?) {
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            let (uid, gid) = (number(field(2)), number(field(3)));
            let is_well_formed = fields.len() == 7 && !is_comment(field(0)) && uid.is_ok() && gid.is_ok();
            if is_well_formed && field(1).is_empty() {
                open.push(text(field(0)));
            }
            let (name, shell) = (text(field(0)), text(field(6)));
            let (uid, gid) = (uid.unwrap_or_else(|taken| taken), gid.unwrap_or_else(|taken| taken));
            accounts.push(Account { name, uid, gid, shell, is_well_formed });
        }
        facts.push(Fact::Accounts(accounts));
        if !open.is_empty() {
            facts.push(Fact::NoPassword(open));
        }
        Ok(())
    }
}

/// `etc/group`.
pub(super) struct GroupFile;

static GROUP: Meta = Meta {
    name: "os/group",
    summary: "groups",
    required: false,
    doc: "**Reads** `etc/group`, up to 4 MiB.\n\n**Reports** name and gid of every group.\n\n**Cannot see** groups of NSS modules.\n\n**Since** 0.1.0",
};

impl Inspector for GroupFile {
    fn meta(&self) -> &'static Meta {
        &GROUP
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path == b"etc/group"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let group = |fields: Vec<&[u8]>| {
            let field = |index: usize| fields.get(index).copied().unwrap_or_default();
            Group { name: text(field(0)), gid: number(field(2)).unwrap_or_else(|taken| taken) }
        };
        let groups =
            records(whole(file, MAX_BYTES)?).filter(|fields| !fields.first().is_some_and(|name| is_comment(name)));
        facts.push(Fact::Groups(groups.map(group).collect()));
        Ok(())
    }
}

/// `etc/shadow`.
pub(super) struct Shadow;

static SHADOW: Meta = Meta {
    name: "os/shadow",
    summary: "accounts without a password",
    required: false,
    doc: "**Reads** `etc/shadow`, up to 4 MiB.\n\n**Reports** the names of accounts whose password field is empty: anyone may log in as them.\n\n**Cannot see** PAM settings \
          that forbid it.\n\n**Since** 0.1.0",
};

impl Inspector for Shadow {
    fn meta(&self) -> &'static Meta {
        &SHADOW
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        entry.path == b"etc/shadow"
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let open = |fields: Vec<&[u8]>| match fields.as_slice() {
            [name, password, ..] if password.is_empty() && !name.is_empty() => Some(text(name)),
            _ => None,
        };
        facts.push(Fact::NoPassword(records(whole(file, MAX_BYTES)?).filter_map(open).collect()));
        Ok(())
    }
}

/// Lines split at colons, without empty ones.
fn records(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let trimmed = lines(bytes).map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    trimmed.map(|line| line.split(|b| *b == b':').collect())
}

fn is_comment(name: &[u8]) -> bool {
    name.starts_with(b"#")
}

/// A 32-bit id; an error with what engines take where it is none: Go's `strconv.Atoi` with its errors passed over.
fn number(bytes: &[u8]) -> Result<i64, i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let parsed = std::str::from_utf8(bytes).map_err(|_| 0)?.parse::<i64>();
    match parsed {
        Ok(id) if u32::try_from(id).is_ok() => Ok(id),
        Ok(id) => Err(id),
        Err(error) if *error.kind() == PosOverflow => Err(i64::MAX),
        Err(error) if *error.kind() == NegOverflow => Err(i64::MIN),
        Err(_) => Err(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::EntryKind;

    #[test]
    fn reads_accounts_and_empty_passwords() {
        let entry = Entry {
            path: b"etc/passwd",
            kind: EntryKind::File,
            size: 0,
            mode: 0o644,
            uid: 0,
            gid: 0,
            link: b"",
            capability: None,
        };
        let bytes = b"root:x:0:0:root:/root:/bin/bash\n# c\n toor::0:0::/:/bin/sh\r\nbroken::x:-1\n";
        let mut facts = Vec::new();
        Passwd.inspect(&FileView::in_memory(entry, bytes), &mut facts).unwrap();
        let Fact::Accounts(accounts) = &facts[0] else { panic!("{facts:?}") };
        let shown: Vec<_> =
            accounts.iter().map(|a| (a.name.as_str(), a.uid, a.gid, a.shell.as_str(), a.is_well_formed)).collect();
        assert_eq!(
            shown,
            [
                ("root", 0, 0, "/bin/bash", true),
                ("# c", 0, 0, "", false),
                ("toor", 0, 0, "/bin/sh", true),
                ("broken", 0, -1, "", false)
            ]
        );
        assert_eq!(facts[1], Fact::NoPassword(vec!["toor".into()]));
    }
}
