//! OVAL definitions of rpm distributions: Oracle Linux and Azure Linux.
//!
//! In: one XML document, whose definitions come before the tests, objects and states that they refer to. So the document is read whole first,
//! then each definition's criteria are walked: what stands under one `AND` holds together. Versions are taken from the states, not from the
//! comments. Source: <https://oval-community-guidelines.readthedocs.io/>, OVAL 5.11.

mod azure;
mod criteria;
mod document;
mod oracle;

pub(super) use azure::AzureLinux;
pub(super) use oracle::Oracle;
