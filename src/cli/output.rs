//! Reports to standard output and files.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use super::Failed;
use super::args::{Color, Global, Output};
use super::exit::Ending;
use crate::report::contract::Reports;
use crate::report::{REPORTS, RenderOptions, ReportFormat, by_name};

/// The formats that were asked for, looked up before any work is done.
pub(super) struct Plan<'a> {
    main: (&'static dyn ReportFormat, Option<&'a Path>),
    also: Vec<(&'static dyn ReportFormat, &'a Path)>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(output: &'a Output) -> Result<Self, Failed> {
        let main = (find(&output.format)?, output.output.as_deref());
        let also = output
            .also
            .iter()
            .map(|(format, file)| Ok((find(format)?, file.as_path())))
            .collect::<Result<_, Failed>>()?;
        Ok(Self { main, also })
    }

    /// Writes every report; files are written aside and renamed.
    pub(super) fn write(
        &self,
        reports: &Reports,
        several: bool,
        output: &Output,
        global: &Global,
    ) -> Result<(), Failed> {
        let severities = output.severity.iter().map(|severity| format!("{severity:?}").to_ascii_lowercase()).collect();
        let options = RenderOptions {
            width: 100,
            color: false,
            show_all: output.show == "all",
            severities,
            only_fixed: output.only_fixed,
            several,
        };
        for (format, file) in &self.also {
            write_file(*format, reports, &options, file)?;
        }
        match self.main {
            (format, Some(file)) => write_file(format, reports, &options, file),
            (format, None) => write_stdout(format, reports, &options, global),
        }
    }
}

fn find(name: &str) -> Result<&'static dyn ReportFormat, Failed> {
    by_name(name).ok_or_else(|| {
        let known = REPORTS.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
        Failed::new(Ending::Usage, anyhow::anyhow!("there is no report format `{name}`"))
            .hint(format!("there are: {known}"))
    })
}

fn write_stdout(
    format: &dyn ReportFormat,
    reports: &Reports,
    options: &RenderOptions,
    global: &Global,
) -> Result<(), Failed> {
    let stdout = io::stdout();
    let is_terminal = stdout.is_terminal();
    let width = if is_terminal { terminal_width() } else { options.width };
    let color = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let options = RenderOptions { width, color, ..options.clone() };
    let mut out = io::BufWriter::new(stdout.lock());
    match format.render(reports, &options, &mut out).and_then(|()| out.flush()) {
        // `imgguard scan … | head` is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(()),
    }
}

fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout())
        .map(|size| usize::from(size.ws_col))
        .ok()
        .filter(|columns| *columns >= 60)
        .unwrap_or(100)
}

fn write_file(
    format: &dyn ReportFormat,
    reports: &Reports,
    options: &RenderOptions,
    file: &Path,
) -> Result<(), Failed> {
    let failed = |error: io::Error| {
        Failed::new(
            Ending::Incomplete,
            anyhow::Error::new(error).context(format!("the report `{}` could not be written", file.display())),
        )
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut aside = tempfile::Builder::new().prefix(".imgguard").tempfile_in(folder).map_err(failed)?;
    let mut out = io::BufWriter::new(&mut aside);
    format.render(reports, options, &mut out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    // Reports are for others to read, unlike what a temporary file's mode says.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    aside.as_file().set_permissions(mode).map_err(failed)?;
    aside.persist(file).map_err(|error| failed(error.error))?;
    Ok(())
}
