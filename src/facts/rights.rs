//! Who may run what as somebody else, and what is run for whom at set times.

use serde::{Deserialize, Serialize};

use super::FilePath;

/// A file of sudo's rules.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Sudoers {
    /// Its rules, in order.
    pub rules: Vec<SudoRule>,
    /// Files and folders that it includes, as it names them.
    pub includes: Vec<String>,
}

/// One rule of sudo's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SudoRule {
    /// Its line, from 1.
    pub line: u32,
    /// Whom it is about: names, `%group`, `#uid`, aliases, `ALL`.
    pub users: Vec<String>,
    /// Commands that ask for a password; `ALL` is any.
    pub commands: Vec<String>,
    /// Commands that ask for none.
    pub without_password: Vec<String>,
}

/// One job of a table of cron's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CronJob {
    /// Its line, from 1.
    pub line: u32,
    /// Who runs it.
    pub user: String,
    /// Absolute paths that its command names.
    pub programs: Vec<FilePath>,
}
