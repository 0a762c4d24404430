//! Accounts that anyone can use: no password, or a second root.

use super::{Check, Meta, Subject};
use crate::advisory::model::Severity;
use crate::finding::{Finding, Kind};

/// `empty-password`.
pub(super) struct EmptyPassword;

static EMPTY: Meta = Meta {
    name: "empty-password",
    summary: "an account has an empty password",
    doc: "**Reads** `etc/passwd` and `etc/shadow`.\n\n**Reports** accounts whose password field is empty, so that anyone may become them.\n\n**Cannot see** PAM settings that forbid empty passwords.\n\n**Since** 0.1.0",
    aliases: &["DKL-LI-0001"],
    needs_config: false,
};

impl Check for EmptyPassword {
    fn meta(&self) -> &'static Meta {
        &EMPTY
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let finding = |(name, file): &(String, String)| {
            Finding::new(
                Kind::Config,
                EMPTY.name,
                Severity::High,
                format!("the account `{name}` has an empty password"),
                name.clone(),
            )
            .at(subject.well_known(file))
            .advise("lock it: passwd -l, or `!` in the password field of etc/shadow")
        };
        subject.inventory.no_password.iter().map(finding).collect()
    }
}

/// `second-root`.
pub(super) struct SecondRoot;

static SECOND: Meta = Meta {
    name: "second-root",
    summary: "an account besides root has the uid 0",
    doc: "**Reads** `etc/passwd`.\n\n**Reports** every account with the uid 0 that is not named `root`, and a second one of that name.\n\n**Cannot see** accounts of NSS modules.\n\n**Since** 0.1.0",
    aliases: &["DKL-LI-0002"],
    needs_config: false,
};

impl Check for SecondRoot {
    fn meta(&self) -> &'static Meta {
        &SECOND
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let accounts = subject.inventory.accounts.as_deref().unwrap_or_default();
        let roots = accounts.iter().filter(|account| account.uid == 0 && account.is_well_formed);
        let first_root = accounts.iter().position(|account| account.uid == 0 && account.name == "root");
        let others = roots.filter(|account| {
            first_root.and_then(|index| accounts.get(index)).is_none_or(|root| !std::ptr::eq(root, *account))
        });
        let finding = |account: &crate::facts::Account| {
            Finding::new(
                Kind::Config,
                SECOND.name,
                Severity::High,
                format!("the account `{}` has the uid 0 as root has", account.name),
                account.name.clone(),
            )
            .at(subject.well_known("etc/passwd"))
            .advise("remove the account or give it a uid of its own")
        };
        others.map(finding).collect()
    }
}

/// `duplicate-account`.
pub(super) struct DuplicateAccounts;

static DUPLICATE: Meta = Meta {
    name: "duplicate-account",
    summary: "two accounts or groups have the same name or number",
    doc: "**Reads** `etc/passwd` and `etc/group`.\n\n**Reports** names and uids of accounts, and names and gids of groups, that stand there twice: which one counts depends on who asks. Further accounts with the uid 0 are told as `second-root`.\n\n\
          **Cannot see** accounts of NSS modules.\n\n**Since** 0.3.0",
    aliases: &["DKL-LI-0002"],
    needs_config: false,
};

impl Check for DuplicateAccounts {
    fn meta(&self) -> &'static Meta {
        &DUPLICATE
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let accounts = subject.inventory.accounts.as_deref().unwrap_or_default();
        let groups = &subject.inventory.groups;
        let files = [
            ("etc/passwd", "account name", twice(accounts.iter().map(|account| account.name.clone()))),
            (
                "etc/passwd",
                "uid",
                twice(accounts.iter().filter(|account| account.uid != 0).map(|account| account.uid.to_string())),
            ),
            ("etc/group", "group name", twice(groups.iter().map(|group| group.name.clone()))),
            ("etc/group", "gid", twice(groups.iter().map(|group| group.gid.to_string()))),
        ];
        let finding = |(file, what, value): (&str, &str, String)| {
            let title = format!("the {what} `{value}` stands twice in {file}");
            Finding::new(Kind::Config, DUPLICATE.name, Severity::Medium, title, format!("{what}:{value}"))
                .at(subject.well_known(file))
                .advise("remove one of them, or give it a name and a number of its own")
        };
        let all =
            files.into_iter().flat_map(|(file, what, values)| values.into_iter().map(move |value| (file, what, value)));
        all.map(finding).collect()
    }
}

/// What is there more than once.
fn twice(values: impl Iterator<Item = String>) -> std::collections::BTreeSet<String> {
    let mut seen = std::collections::BTreeSet::new();
    values.filter(|value| !seen.insert(value.clone())).collect()
}
