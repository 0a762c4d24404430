//! The contract to bytes: one file a format, and the list of all of them. A report decides nothing.

pub mod base;
mod bom;
pub mod contract;
pub mod diff;
pub mod escape;
pub mod explain;
pub mod incident;
mod json;
mod openvex;
pub mod predicate;
mod sarif;
mod table;

use std::io::{self, Write};

use bom::cyclonedx::CycloneDx;
use bom::spdx::Spdx;
use contract::Reports;

/// Every format, in the order of the help.
pub static REPORTS: &[&dyn ReportFormat] = &[
    &table::Table,
    &json::Json,
    &sarif::SarifFormat,
    &openvex::OpenVex,
    &CycloneDx::V1_6,
    &CycloneDx::V1_5,
    &Spdx::JSON,
    &Spdx::TAG_VALUE,
];

/// How a report is shown.
#[derive(Clone, Debug, Default)]
pub struct RenderOptions {
    /// Columns that a line may take.
    pub width: usize,
    /// Whether to colour.
    pub color: bool,
    /// List everything instead of summing up.
    pub show_all: bool,
    /// Severities that are listed; all when empty.
    pub severities: Vec<String>,
    /// Only vulnerabilities with a fix.
    pub only_fixed: bool,
    /// Only findings of the base, or with `false` only those of what was built on it.
    pub only_base: Option<bool>,
    /// Whether several images were named, of which some may not be among the reports.
    pub several: bool,
    /// When bills of materials say that they were made (`SOURCE_DATE_EPOCH`); the date of evaluation without it.
    pub created: Option<jiff::Timestamp>,
}

/// One format.
pub trait ReportFormat: Sync + std::fmt::Debug {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// One line.
    fn summary(&self) -> &'static str;

    /// Whether it is a bill of materials, which says what is there whether or not anything is wrong with it.
    fn is_bill(&self) -> bool {
        false
    }

    /// Writes the reports.
    ///
    /// # Errors
    /// Those of `out`.
    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()>;
}

/// The format of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn ReportFormat> {
    REPORTS.iter().copied().find(|format| format.name() == name)
}

/// Where OSV shows an advisory; none for an id that could not stand in an address as it is.
fn osv_address(id: &str) -> Option<String> {
    let is_plain = id.contains('-') && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
    is_plain.then(|| format!("https://osv.dev/vulnerability/{id}"))
}

/// `12.3 MB`, powers of ten.
pub(crate) fn bytes(size: u64) -> String {
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{}.{} kB", size / 1_000, size / 100 % 10),
        1_000_000..1_000_000_000 => format!("{}.{} MB", size / 1_000_000, size / 100_000 % 10),
        _ => format!("{}.{} GB", size / 1_000_000_000, size / 100_000_000 % 10),
    }
}
