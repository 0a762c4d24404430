//! Reports to standard output and files.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use super::Failed;
use super::args::{Color, Global, Output, SbomArgs};
use super::exit::Ending;
use crate::report::contract::Reports;
use crate::report::{RenderOptions, ReportFormat, by_name};

/// Columns of a page that no terminal shows.
const PIPE_WIDTH: usize = 100;

/// A report is for others to read, as far as the umask says so; a temporary file is not.
const READABLE: u32 = 0o666;

/// The reports that were asked for, checked before any work is done.
pub(super) struct Plan<'a> {
    main: (&'static dyn ReportFormat, Option<&'a Path>),
    also: &'a [(&'static dyn ReportFormat, PathBuf)],
    options: RenderOptions,
    /// Files are for their owner only.
    private: bool,
}

impl<'a> Plan<'a> {
    /// For the reports of a scan. `several`: whether several images were named.
    pub(super) fn of_report(output: &'a Output, several: bool) -> Result<Self, Failed> {
        let severities = output.severity.iter().map(|severity| format!("{severity:?}").to_ascii_lowercase()).collect();
        let options = RenderOptions {
            show_all: output.show == "all",
            severities,
            only_fixed: output.only_fixed,
            only_base: output.only.as_deref().map(|part| part == "base"),
            several,
            ..RenderOptions::default()
        };
        Self::new(&output.format, output.output.as_deref(), &output.also, options)
    }

    /// Writes something else in place of the main report.
    pub(super) fn write_other(&self, render: &Render<'_>, reports: &Reports) -> Result<(), Failed> {
        for (format, file) in self.also {
            self.write_file(&|out| format.render(reports, &self.options, out), file)?;
        }
        match self.main.1 {
            Some(file) => self.write_file(render, file),
            None => print(render),
        }
    }

    fn write_file(&self, render: &Render<'_>, file: &Path) -> Result<(), Failed> {
        write_mode(render, file, if self.private { 0o600 } else { READABLE })
    }

    /// For bills of materials.
    pub(super) fn of_bill(arguments: &'a SbomArgs, several: bool) -> Result<Self, Failed> {
        let options = RenderOptions { several, ..RenderOptions::default() };
        Self::new(&arguments.format, arguments.output.as_deref(), &arguments.also, options)
    }

    fn new(
        format: &str,
        output: Option<&'a Path>,
        also: &'a [(&'static dyn ReportFormat, PathBuf)],
        options: RenderOptions,
    ) -> Result<Self, Failed> {
        let mut files: Vec<&Path> = also.iter().map(|(_, file)| file.as_path()).chain(output).collect();
        files.sort();
        if let Some([twice, _]) = files.array_windows().find(|[a, b]| a == b) {
            let error = anyhow::anyhow!("two reports would be written to `{}`", twice.display());
            return Err(Failed::new(Ending::Usage, error).hint("give each report a file of its own"));
        }
        let options = RenderOptions { width: PIPE_WIDTH, created: created()?, ..options };
        let format = by_name(format)
            .ok_or_else(|| Failed::new(Ending::Usage, anyhow::anyhow!("there is no report format `{format}`")))?;
        Ok(Self { main: (format, output), also, options, private: false })
    }

    /// With files that nobody else can read, where they hold secrets.
    pub(super) fn private(mut self, private: bool) -> Self {
        self.private = private;
        self
    }

    /// Writes every report; files are written aside and renamed.
    pub(super) fn write(&self, reports: &Reports, global: &Global) -> Result<(), Failed> {
        for (format, file) in self.also {
            self.write_file(&|out| format.render(reports, &self.options, out), file)?;
        }
        match self.main {
            (format, Some(file)) => self.write_file(&|out| format.render(reports, &self.options, out), file),
            (format, None) => write_stdout(format, reports, &self.options, global),
        }
    }
}

/// `SOURCE_DATE_EPOCH`, seconds since 1970, where it is set (reproducible-builds.org).
pub(super) fn created() -> Result<Option<jiff::Timestamp>, Failed> {
    let Some(text) = std::env::var_os("SOURCE_DATE_EPOCH").filter(|text| !text.is_empty()) else { return Ok(None) };
    let seconds = text.to_str().and_then(|text| text.parse::<i64>().ok());
    let created = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    created.map(Some).ok_or_else(|| {
        let error = anyhow::anyhow!("SOURCE_DATE_EPOCH is `{}`, which is no number of seconds", text.display());
        Failed::new(Ending::Usage, error).hint("set it as `date +%s` prints it, or unset it")
    })
}

/// Writes something.
type Render<'a> = dyn Fn(&mut dyn io::Write) -> io::Result<()> + 'a;

fn write_stdout(
    format: &dyn ReportFormat,
    reports: &Reports,
    options: &RenderOptions,
    global: &Global,
) -> Result<(), Failed> {
    let is_terminal = io::stdout().is_terminal();
    let width = if is_terminal { terminal_width() } else { options.width };
    let color = match global.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let options = RenderOptions { width, color, ..options.clone() };
    print(&|out| format.render(reports, &options, out))
}

/// Writes to standard output.
pub(super) fn print(render: &Render<'_>) -> Result<(), Failed> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    match render(&mut out).and_then(|()| out.flush()) {
        // `imgguard scan … | head` is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(()),
    }
}

fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout())
        .map(|size| usize::from(size.ws_col))
        .ok()
        .filter(|columns| *columns > 0)
        .unwrap_or(PIPE_WIDTH)
}

/// Writes to a file.
pub(super) fn write_file(render: &Render<'_>, file: &Path) -> Result<(), Failed> {
    write_mode(render, file, READABLE)
}

fn write_mode(render: &Render<'_>, file: &Path, mode: u32) -> Result<(), Failed> {
    let written = match std::fs::metadata(file) {
        // A pipe or /dev/stdout has nothing that could be replaced.
        Ok(known) if !known.is_file() => std::fs::OpenOptions::new().write(true).open(file).and_then(|out| {
            let mut out = io::BufWriter::new(out);
            render(&mut out).and_then(|()| out.flush())
        }),
        // A link stays, and what it names is replaced.
        Ok(_) => std::fs::canonicalize(file).and_then(|file| replace(render, &file, mode)),
        Err(_) => replace(render, file, mode),
    };
    written.map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("the report `{}` could not be written", file.display()));
        Failed::new(Ending::Incomplete, error)
    })
}

/// Puts other content into a file of the user's, which keeps its mode; one that is not there is made.
pub(super) fn overwrite(file: &Path, bytes: &[u8]) -> Result<(), Failed> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_new = std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let make = || {
        let mut made = std::fs::OpenOptions::new().write(true).create_new(true).open(file)?;
        made.write_all(bytes)
    };
    let change = || {
        let known = std::fs::metadata(file)?;
        let target = std::fs::canonicalize(file)?;
        replace(&|out| out.write_all(bytes), &target, known.permissions().mode() & 0o7777)?;
        // The umask may have taken something away.
        std::fs::set_permissions(&target, known.permissions())
    };
    let written = if is_new { make() } else { change() };
    written.map_err(|error| {
        let error = anyhow::Error::new(error).context(format!("`{}` could not be written", file.display()));
        Failed::new(Ending::Incomplete, error)
    })
}

/// Writes aside, then renames: a reader meets the old report or the new one, never a part.
fn replace(render: &Render<'_>, file: &Path, mode: u32) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    let mut aside = tempfile::Builder::new().prefix(".imgguard").permissions(mode).tempfile_in(folder)?;
    let mut out = io::BufWriter::new(&mut aside);
    render(&mut out).and_then(|()| out.flush())?;
    drop(out);
    aside.persist(file).map_err(|error| error.error)?;
    Ok(())
}
