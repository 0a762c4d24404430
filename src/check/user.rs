//! Who an image runs as, resolved in the image's own `passwd` and `group` as the runtime does it.
//!
//! Source: runc `libcontainer/user` (`GetExecUser`): an account matches by its name, or by its uid where the text is a number as Go's `strconv.Atoi` reads it
//! (`+0` and `00` are 0); a number without an account is used as it is; a name without an account keeps the container from starting.

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
    let (user, group) = spec.split_once(':').unwrap_or((spec, ""));
    let accounts = inventory.accounts.as_deref().unwrap_or_default();
    let number = atoi(user);
    let account = accounts.iter().find(|account| match (user, number) {
        ("", _) => account.uid == 0,
        (_, Some(number)) if i64::from(account.uid) == number => true,
        _ => account.name == user,
    });
    let mut problem = None;
    let uid = match (account, user, number) {
        (Some(account), _, _) => Some(account.uid),
        (None, "", _) => Some(0),
        (None, _, Some(number)) => in_range(number, &mut problem),
        (None, _, None) => {
            problem = Some(Problem::NoAccount);
            None
        }
    };
    let default_gid = account.map_or(0, |account| account.gid);
    let gid = if group.is_empty() { Some(default_gid) } else { resolve_group(group, inventory, &mut problem) };
    User { spec: spec.to_owned(), uid, gid, problem }
}

fn resolve_group(group: &str, inventory: &Inventory, problem: &mut Option<Problem>) -> Option<u32> {
    let number = atoi(group);
    let known = inventory.groups.iter().find(|known| known.name == group || number == Some(i64::from(known.gid)));
    match (known, number) {
        (Some(known), _) => Some(known.gid),
        (None, Some(number)) => in_range(number, problem),
        (None, None) => {
            problem.get_or_insert(Problem::NoGroup);
            None
        }
    }
}

fn in_range(number: i64, problem: &mut Option<Problem>) -> Option<u32> {
    let id = u32::try_from(number).ok().filter(|id| i32::try_from(*id).is_ok());
    if id.is_none() {
        problem.get_or_insert(Problem::OutOfRange);
    }
    id
}

/// Decimal with an optional sign.
fn atoi(text: &str) -> Option<i64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Account, Group};

    #[test]
    fn every_spelling_of_root_is_root() {
        let account = |name: &str, uid, gid| Account { name: name.into(), uid, gid, shell: String::new() };
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
            ("7", Some(8), Some(8), None),
        ] {
            let user = resolve(spec, &inventory);
            assert_eq!((user.uid, user.gid, user.problem), (uid, gid, problem), "{spec}");
        }
    }
}
