//! The rules, one file each.

mod capabilities_kept;
mod certificate_check_off;
mod cgroup_parent;
mod cleartext_connection;
mod confinement_off;
mod cpu_unlimited;
mod dangerous_capability;
mod dangerous_device;
mod database_superuser;
mod default_bridge;
mod host_namespace;
mod host_network;
mod host_port;
mod host_socket;
mod latest_image;
mod literal_secret;
mod logging_off;
mod memory_unlimited;
mod new_privileges;
mod no_health_check;
mod no_restart;
mod open_database;
mod pids_unlimited;
mod privileged_container;
mod privileged_port;
mod public_port;
mod published_database;
mod restart_unlimited;
mod root_allowed;
mod root_container;
mod seccomp_unset;
mod sensitive_host_path;
mod service_token;
mod shared_propagation;
mod shared_volume;
mod tmpfs_exec;
mod unpinned_image;
mod unrotated_logs;
mod untagged_image;
mod writable_root;

use crate::lint::Rule;

/// Every rule about how containers are run, in the order of the docs.
pub static RULES: &[&Rule] = &[
    &capabilities_kept::RULE,
    &certificate_check_off::RULE,
    &cgroup_parent::RULE,
    &cleartext_connection::RULE,
    &confinement_off::RULE,
    &cpu_unlimited::RULE,
    &dangerous_capability::RULE,
    &dangerous_device::RULE,
    &database_superuser::RULE,
    &default_bridge::RULE,
    &host_namespace::RULE,
    &host_network::RULE,
    &host_port::RULE,
    &host_socket::RULE,
    &latest_image::RULE,
    &literal_secret::RULE,
    &logging_off::RULE,
    &memory_unlimited::RULE,
    &new_privileges::RULE,
    &no_health_check::RULE,
    &no_restart::RULE,
    &open_database::RULE,
    &pids_unlimited::RULE,
    &privileged_container::RULE,
    &privileged_port::RULE,
    &public_port::RULE,
    &published_database::RULE,
    &restart_unlimited::RULE,
    &root_allowed::RULE,
    &root_container::RULE,
    &seccomp_unset::RULE,
    &sensitive_host_path::RULE,
    &service_token::RULE,
    &shared_propagation::RULE,
    &shared_volume::RULE,
    &tmpfs_exec::RULE,
    &unpinned_image::RULE,
    &unrotated_logs::RULE,
    &untagged_image::RULE,
    &writable_root::RULE,
];
