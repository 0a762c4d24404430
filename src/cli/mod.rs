//! Arguments to a request, a report and an exit code: one file a verb.

mod airgap;
mod args;
mod attest;
mod base;
mod base_args;
mod base_index;
mod base_list;
mod base_signature;
mod copy;
mod db;
mod db_args;
mod db_show;
mod debug;
mod diff;
mod exit;
mod explain;
mod fetch;
mod guard;
mod harden;
mod harden_args;
mod harden_rebase;
mod harden_report;
mod harden_run;
mod harden_updates;
mod incident;
mod keys;
mod lint;
mod lint_args;
mod lint_context;
mod lint_files;
mod lint_folder;
mod lint_images;
mod list;
mod output;
mod places;
mod progress;
mod publish;
mod reading;
mod roots;
mod rules;
mod sbom;
mod scan;
mod secrets;
mod secrets_args;
mod sign;
mod sign_args;
mod signatures;
mod signer;
mod sources;
mod suppressing;
mod tree;
mod update;
mod verify;
mod vex;

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::Parser as _;

pub use args::Cli;
use args::{Color, Verb};
use db_args::DbVerb;
use exit::Ending;

/// An error for people: what happened, and what to do next.
#[derive(Debug)]
struct Failed {
    ending: Ending,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failed {
    fn new(ending: Ending, error: impl Into<anyhow::Error>) -> Self {
        Self { ending, error: error.into(), hint: None }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Runs the program; the process ends with the code this returns.
#[must_use]
pub fn main() -> ExitCode {
    guard::seal();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; clap knows which stream they belong to.
            let _ = error.print();
            return if error.use_stderr() { Ending::Usage.code().into() } else { ExitCode::SUCCESS };
        }
    };
    let color = match cli.global.color {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    color.write_global();
    debug::start(&cli.global);
    // A defect of ours must not look like an answer of the policy, whose code a panic's 101 might be mapped to by a wrapper.
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| run(&cli))).unwrap_or_else(|_| Err(internal_error()));
    let ending = match outcome {
        Ok(ending) => ending,
        Err(failed) => {
            complain(&failed);
            failed.ending
        }
    };
    ending.code().into()
}

/// What a panic is to the user: the run did not finish.
fn internal_error() -> Failed {
    let error = anyhow::anyhow!("an internal error ended the run, and nothing of it counts");
    Failed::new(Ending::Incomplete, error).hint("please report this with the lines above; SECURITY.md says how")
}

fn run(cli: &Cli) -> Result<Ending, Failed> {
    match &cli.verb {
        Verb::Scan(arguments) => scan::scan(arguments, &cli.global),
        Verb::Gate(arguments) => scan::gate(arguments, &cli.global),
        Verb::Secrets(arguments) => secrets::secrets(arguments, &cli.global),
        Verb::Harden(arguments) => harden::harden(arguments, &cli.global),
        Verb::Lint(arguments) => lint::lint(arguments, &cli.global),
        Verb::Explain(arguments) => explain::run(arguments, &cli.global),
        Verb::Verify(arguments) => verify::verify(arguments),
        Verb::Sign(arguments) => sign::sign(arguments, &cli.global),
        Verb::Attest(arguments) => attest::attest(arguments, &cli.global),
        Verb::Tree(arguments) => tree::tree(arguments),
        Verb::Copy(arguments) => copy::copy(arguments, &cli.global),
        Verb::GenerateKeyPair(arguments) => keys::generate(arguments, &cli.global),
        Verb::PublicKey(arguments) => keys::public_key(arguments),
        Verb::ImportKeyPair(arguments) => keys::import(arguments, &cli.global),
        Verb::Sbom(arguments) => sbom::sbom(arguments, &cli.global),
        Verb::Diff(arguments) => diff::diff(arguments, &cli.global),
        Verb::Rules { verb } => rules::run(verb, &cli.global),
        Verb::Base(arguments) => base::base(arguments, &cli.global),
        Verb::Db { verb: DbVerb::Import(arguments) } => db::import(arguments, &cli.global),
        Verb::Db { verb: DbVerb::Export(arguments) } => airgap::export(arguments, &cli.global),
        Verb::Db { verb: DbVerb::Update(arguments) } => update::update(arguments, &cli.global),
        Verb::Db { verb: DbVerb::Build(arguments) } => publish::build(arguments),
        Verb::Db { verb: DbVerb::Push(arguments) } => publish::push(arguments, &cli.global),
        Verb::Db { verb: DbVerb::Diff(arguments) } => db_show::diff(arguments),
        Verb::Db { verb: DbVerb::Search(arguments) } => db_show::search(arguments),
        Verb::Db { verb: DbVerb::Status { db, as_of, json } } => db::status(db.as_deref(), *as_of, *json),
    }
}

/// Tells what was done, unless the user wants quiet.
fn notice(global: &args::Global, text: &str) {
    if !global.quiet {
        let _ = writeln!(anstream::stderr(), "{}", crate::report::escape::terminal(text));
    }
}

/// Writes an error with its causes and its hint. That standard error is closed is nobody's concern.
fn complain(failed: &Failed) {
    let mut text = failed.error.to_string();
    for cause in failed.error.chain().skip(1) {
        text.push_str(": ");
        text.push_str(&cause.to_string());
    }
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "imgguard: {}", crate::report::escape::terminal(&text));
    if let Some(hint) = &failed.hint {
        let _ = writeln!(stderr, "  hint: {}", crate::report::escape::terminal(hint));
    }
}

/// The time that is written into what we make: `SOURCE_DATE_EPOCH`, else now.
fn created() -> Result<String, Failed> {
    let Some(epoch) = std::env::var("SOURCE_DATE_EPOCH").ok().filter(|epoch| !epoch.is_empty()) else {
        return Ok(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    };
    let time = epoch.parse().ok().and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    let time = time.ok_or_else(|| {
        Failed::new(Ending::Usage, anyhow::anyhow!("SOURCE_DATE_EPOCH is not a number of seconds since 1970"))
    })?;
    Ok(time.to_string())
}

/// Today, unless the user says otherwise: the one place where the clock is read.
fn today(as_of: Option<jiff::civil::Date>) -> jiff::civil::Date {
    as_of.unwrap_or_else(|| jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date())
}
