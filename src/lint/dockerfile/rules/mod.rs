//! The rules, one file each.

mod add_instead_of_copy;
mod add_without_checksum;
mod apk_allow_untrusted;
mod apk_cache;
mod apk_unpinned;
mod apt;
mod apt_get_lists;
mod apt_get_recommends;
mod apt_get_unpinned;
mod apt_get_without_yes;
mod apt_unauthenticated;
mod base_platform;
mod cd_in_run;
mod chpasswd;
mod cleartext_endpoint;
mod consecutive_run;
mod copy_archive;
mod copy_from_itself;
mod copy_from_unknown;
mod copy_many_without_slash;
mod copy_relative_without_workdir;
mod copy_secret_file;
mod copy_whole_filesystem;
mod dist_upgrade;
mod dnf_cache;
mod dnf_unpinned;
mod dnf_without_yes;
mod duplicate_stage_name;
mod empty_label;
mod end_of_life_base;
mod env_self_reference;
mod exposed_ssh;
mod gem_unpinned;
mod go_unpinned;
mod inline_ignore;
mod insecure_download;
mod instruction_before_from;
mod invalid_label_key;
mod label_no_email;
mod label_no_hash;
mod label_no_licence;
mod label_no_semver;
mod label_no_time;
mod label_no_url;
mod latest_base;
mod legacy_key_value;
mod maintainer;
mod missing_label;
mod missing_user;
mod no_healthcheck;
mod non_numeric_user;
mod npm_unpinned;
mod onbuild_nested;
mod pip_cache;
mod pip_trusted_host;
mod pip_unpinned;
mod pipe_to_shell;
mod pipe_without_pipefail;
mod plain_http_download;
mod pointless_command;
mod port_out_of_range;
mod redundant_platform;
mod relative_workdir;
mod reserved_stage_name;
mod root_user;
mod rpm_unsigned;
mod secret_in_file;
mod secret_name;
mod setuid_file;
mod several_cmd;
mod several_entrypoint;
mod several_healthcheck;
mod shell_changed_by_run;
mod shell_form;
mod shell_syntax;
mod strict_ssl_off;
mod sudo;
mod superfluous_label;
mod system_folder;
mod system_upgrade;
mod tls_check_off;
mod undefined_argument;
mod unknown_instruction;
mod unpinned_base;
mod untagged_base;
mod untrusted_registry;
mod update_alone;
mod useradd_large_uid;
mod wget_and_curl;
mod wget_without_progress;
mod world_writable;
mod yarn_cache;
mod yum_cache;
mod yum_unpinned;
mod yum_without_yes;
mod zypper_cache;
mod zypper_dist_upgrade;
mod zypper_unpinned;
mod zypper_without_yes;

use crate::lint::Rule;

/// Every rule about Dockerfiles, in the order of the docs.
pub static RULES: &[&Rule] = &[
    &add_instead_of_copy::RULE,
    &add_without_checksum::RULE,
    &apk_allow_untrusted::RULE,
    &apk_cache::RULE,
    &apk_unpinned::RULE,
    &apt::RULE,
    &apt_get_lists::RULE,
    &apt_get_recommends::RULE,
    &apt_get_unpinned::RULE,
    &apt_get_without_yes::RULE,
    &apt_unauthenticated::RULE,
    &base_platform::RULE,
    &cd_in_run::RULE,
    &chpasswd::RULE,
    &cleartext_endpoint::RULE,
    &consecutive_run::RULE,
    &copy_archive::RULE,
    &copy_from_itself::RULE,
    &copy_from_unknown::RULE,
    &copy_many_without_slash::RULE,
    &copy_relative_without_workdir::RULE,
    &copy_secret_file::RULE,
    &copy_whole_filesystem::RULE,
    &dist_upgrade::RULE,
    &dnf_cache::RULE,
    &dnf_unpinned::RULE,
    &dnf_without_yes::RULE,
    &duplicate_stage_name::RULE,
    &empty_label::RULE,
    &end_of_life_base::RULE,
    &env_self_reference::RULE,
    &exposed_ssh::RULE,
    &gem_unpinned::RULE,
    &go_unpinned::RULE,
    &inline_ignore::RULE,
    &insecure_download::RULE,
    &instruction_before_from::RULE,
    &invalid_label_key::RULE,
    &label_no_email::RULE,
    &label_no_hash::RULE,
    &label_no_licence::RULE,
    &label_no_semver::RULE,
    &label_no_time::RULE,
    &label_no_url::RULE,
    &latest_base::RULE,
    &legacy_key_value::RULE,
    &maintainer::RULE,
    &missing_label::RULE,
    &missing_user::RULE,
    &no_healthcheck::RULE,
    &non_numeric_user::RULE,
    &npm_unpinned::RULE,
    &onbuild_nested::RULE,
    &pip_cache::RULE,
    &pip_trusted_host::RULE,
    &pip_unpinned::RULE,
    &pipe_to_shell::RULE,
    &pipe_without_pipefail::RULE,
    &plain_http_download::RULE,
    &pointless_command::RULE,
    &port_out_of_range::RULE,
    &redundant_platform::RULE,
    &relative_workdir::RULE,
    &reserved_stage_name::RULE,
    &root_user::RULE,
    &rpm_unsigned::RULE,
    &secret_in_file::RULE,
    &secret_name::RULE,
    &setuid_file::RULE,
    &several_cmd::RULE,
    &several_entrypoint::RULE,
    &several_healthcheck::RULE,
    &shell_changed_by_run::RULE,
    &shell_form::RULE,
    &shell_syntax::RULE,
    &strict_ssl_off::RULE,
    &sudo::RULE,
    &superfluous_label::RULE,
    &system_folder::RULE,
    &system_upgrade::RULE,
    &tls_check_off::RULE,
    &undefined_argument::RULE,
    &unknown_instruction::RULE,
    &unpinned_base::RULE,
    &untagged_base::RULE,
    &untrusted_registry::RULE,
    &update_alone::RULE,
    &useradd_large_uid::RULE,
    &wget_and_curl::RULE,
    &wget_without_progress::RULE,
    &world_writable::RULE,
    &yarn_cache::RULE,
    &yum_cache::RULE,
    &yum_unpinned::RULE,
    &yum_without_yes::RULE,
    &zypper_cache::RULE,
    &zypper_dist_upgrade::RULE,
    &zypper_unpinned::RULE,
    &zypper_without_yes::RULE,
];
