//! The contract itself, as JSON.

use std::io::{self, Write};

use super::contract::Reports;
use super::{RenderOptions, ReportFormat};

/// `json`.
pub(super) struct Json;

impl ReportFormat for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "the report contract; one report, or all of them in a list"
    }

    fn render(&self, reports: &Reports, _options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        match reports.reports.as_slice() {
            [only] => serde_json::to_writer_pretty(&mut *out, only)?,
            _ => serde_json::to_writer_pretty(&mut *out, reports)?,
        }
        out.write_all(b"\n")
    }
}
