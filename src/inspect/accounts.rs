//! Accounts: `etc/passwd`, `etc/group`, `etc/shadow`.
//!
//! Source: passwd(5), group(5), shadow(5).

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
            let [name, password, uid, gid, .., shell] = fields.as_slice() else { continue };
            let (Some(uid), Some(gid)) = (number(uid), number(gid)) else { continue };
            if password.is_empty() {
                open.push(text(name));
            }
            accounts.push(Account { name: text(name), uid, gid, shell: text(shell) });
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
        let group = |fields: Vec<&[u8]>| match fields.as_slice() {
            [name, _, gid, ..] => number(gid).map(|gid| Group { name: text(name), gid }),
            _ => None,
        };
        facts.push(Fact::Groups(records(whole(file, MAX_BYTES)?).filter_map(group).collect()));
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

/// Lines split at colons, without comments and empty ones.
fn records(bytes: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    lines(bytes)
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| line.split(|b| *b == b':').collect())
}

fn number(bytes: &[u8]) -> Option<u32> {
    std::str::from_utf8(bytes).ok()?.parse().ok()
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
        let bytes = b"root:x:0:0:root:/root:/bin/bash\n# c\ntoor::0:0::/:/bin/sh\nbroken:x:-1:0\n";
        let mut facts = Vec::new();
        Passwd.inspect(&FileView::in_memory(entry, bytes), &mut facts).unwrap();
        assert!(matches!(&facts[0], Fact::Accounts(accounts) if accounts.len() == 2 && accounts[1].name == "toor"));
        assert_eq!(facts[1], Fact::NoPassword(vec!["toor".into()]));
    }
}
