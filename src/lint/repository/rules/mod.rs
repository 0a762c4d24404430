//! The rules, one file each.

mod data_in_context;
mod dockerignore_pattern;
mod env_not_ignored;
mod env_tracked;
mod git_in_context;
mod no_dockerignore;
mod no_scheduled_scan;
mod no_security_contact;
mod no_update_automation;
mod open_requirements;
mod readable_secret_file;
mod remade_in_context;
mod secret_in_context;
mod unlocked_packages;

use crate::lint::Rule;

/// Every rule about repositories, in the order of the docs.
pub static RULES: &[&Rule] = &[
    &data_in_context::RULE,
    &dockerignore_pattern::RULE,
    &env_not_ignored::RULE,
    &env_tracked::RULE,
    &git_in_context::RULE,
    &no_dockerignore::RULE,
    &no_scheduled_scan::RULE,
    &no_security_contact::RULE,
    &no_update_automation::RULE,
    &open_requirements::RULE,
    &readable_secret_file::RULE,
    &remade_in_context::RULE,
    &secret_in_context::RULE,
    &unlocked_packages::RULE,
];
