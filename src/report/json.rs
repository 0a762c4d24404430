//! The contract itself, as JSON.

use std::io::{self, Write};

use super::contract::Reports;
use super::escape::write_json;
use super::{RenderOptions, ReportFormat};

/// `json`.
#[derive(Debug)]
pub(super) struct Json;

impl ReportFormat for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn summary(&self) -> &'static str {
        "the report contract; one report, or all of them in a list"
    }

    fn render(&self, reports: &Reports, options: &RenderOptions, out: &mut dyn Write) -> io::Result<()> {
        match reports.reports.as_slice() {
            // Who named several images gets a list, even when only one could be opened.
            [only] if !options.several => write_json(only, out),
            _ => write_json(reports, out),
        }
    }
}
