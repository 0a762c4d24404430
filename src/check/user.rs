//! Who an image runs as, resolved in the image's own `passwd` and `group` as the runtime does it.
//!
//! Source: moby's `sys/user` (`GetExecUser`), with which Docker, containerd, BuildKit and runc do it: a number as Go's `strconv.Atoi` reads it (`+0` and `00` are 0) is a
//! uid, never a name; the first account with that name or uid counts, with the uid that its line says, cut to 32 bits; a number without an account is used as it is; a name
//! without an account keeps the container from starting. `testdata/inspect/accounts` holds what that package answers.

use crate::facts::Inventory;

/// The result of resolving `USER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// What the configuration says.
    pub spec: String,
    /// The uid, when it could be resolved.
    pub uid: Option<u32>,
    /// The gid, when it could be resolved.
    pub gid: Option<u32>,
    /// Why a container would not start with it.
    pub problem: Option<Problem>,
}

/// Why a user cannot be resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The image has no account of that name.
    NoAccount,
    /// The image has no group of that name.
    NoGroup,
    /// The number is negative or over 2³¹ - 1.
    OutOfRange,
}

/// Resolves the text of `USER`.
#[must_use]
pub fn resolve(spec: &str, inventory: &Inventory) -> User {
    // Whatever follows a second colon is passed over.
    let mut parts = spec.split(':');
    let (user, group) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let accounts = inventory.accounts.as_deref().unwrap_or_default();
    let user = Wanted::parse(user);
    let account = accounts.iter().find(|account| match user {
        Wanted::Default => account.uid == 0,
        Wanted::Number(number) => account.uid == number,
        Wanted::Name(name) => account.name == name,
    });
    let mut problem = None;
    let uid = match (account, user) {
        (Some(account), _) => Some(cut(account.uid)),
        (None, wanted) => wanted.id().map_err(|other| problem = Some(other.unwrap_or(Problem::NoAccount))).ok(),
    };
    let gid = match Wanted::parse(group) {
        Wanted::Default => Some(account.map_or(0, |account| cut(account.gid))),
        wanted => resolve_group(wanted, inventory, &mut problem),
    };
    User { spec: spec.to_owned(), uid, gid, problem }
}

fn resolve_group(wanted: Wanted<'_>, inventory: &Inventory, problem: &mut Option<Problem>) -> Option<u32> {
    let known = inventory.groups.iter().find(|known| match wanted {
        Wanted::Number(number) => known.gid == number,
        Wanted::Name(name) => known.name == name,
        Wanted::Default => false,
    });
    match known {
        Some(known) => Some(cut(known.gid)),
        None => wanted.id().map_err(|other| problem.get_or_insert(other.unwrap_or(Problem::NoGroup))).ok(),
    }
}

/// One half of the text.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Nothing: root.
    Default,
    /// An id.
    Number(i64),
    /// A name.
    Name(&'a str),
}

impl<'a> Wanted<'a> {
    fn parse(text: &'a str) -> Self {
        match text.parse::<i64>() {
            _ if text.is_empty() => Self::Default,
            Ok(number) => Self::Number(number),
            Err(_) => Self::Name(text),
        }
    }

    /// The id where nobody in the image has it; the problem where there is none for it, nothing where a name is unknown.
    fn id(self) -> Result<u32, Option<Problem>> {
        match self {
            Self::Default => Ok(0),
            Self::Number(number) if (0..=i64::from(i32::MAX)).contains(&number) => Ok(cut(number)),
            Self::Number(_) => Err(Some(Problem::OutOfRange)),
            Self::Name(_) => Err(None),
        }
    }
}

/// What reaches the kernel: the low 32 bits.
fn cut(id: i64) -> u32 {
    u32::try_from(id & 0xffff_ffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Account, Group};

    #[test]
    fn every_spelling_of_root_is_root() {
        let account = |name: &str, uid, gid| {
            let (name, shell, is_well_formed) = (name.into(), String::new(), true);
            Account { name, uid, gid, shell, is_well_formed }
        };
        let accounts =
            vec![account("root", 0, 0), account("app", 10001, 10001), account("toor", 0, 0), account("7", 8, 8)];
        let inventory = Inventory {
            accounts: Some(accounts),
            groups: vec![Group { name: "wheel".into(), gid: 10 }],
            ..Inventory::default()
        };
        for (spec, uid, gid, problem) in [
            ("", Some(0), Some(0), None),
            ("root", Some(0), Some(0), None),
            ("0", Some(0), Some(0), None),
            ("0:0", Some(0), Some(0), None),
            ("+0", Some(0), Some(0), None),
            ("00", Some(0), Some(0), None),
            ("toor", Some(0), Some(0), None),
            ("root:root", Some(0), None, Some(Problem::NoGroup)),
            ("app", Some(10001), Some(10001), None),
            ("app:wheel", Some(10001), Some(10), None),
            ("10001", Some(10001), Some(10001), None),
            ("65532", Some(65532), Some(0), None),
            ("65532:65532", Some(65532), Some(65532), None),
            ("nobody", None, Some(0), Some(Problem::NoAccount)),
            ("-1", None, Some(0), Some(Problem::OutOfRange)),
            ("4294967296", None, Some(0), Some(Problem::OutOfRange)),
            ("7", Some(7), Some(0), None),
            ("99999999999999999999", None, Some(0), Some(Problem::NoAccount)),
        ] {
            let user = resolve(spec, &inventory);
            assert_eq!((user.uid, user.gid, user.problem), (uid, gid, problem), "{spec}");
        }
    }
}
