//! `rules`: what is looked for, and whether rules do what they say: those for secrets, and those about build and run files; a kind of its own joins in [`listed`].

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::args::{Global, SecretRules};
use super::exit::Ending;
use super::{Failed, notice};
use crate::diagnostics::{self, Fact};
use crate::lint;
use crate::report::escape::terminal;
use crate::secret::{Scanner, Trial};

/// Verbs of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// List the shipped rules, with those of files
    #[command(after_help = "Examples:\n  imgguard rules list\n  imgguard rules list .gitleaks.toml --format json")]
    List(RulesArgs),
    /// Try the examples and counter-examples of the shipped rules, or of files: exit 1 if one is not as it says
    #[command(after_help = "Examples:\n  imgguard rules test\n  imgguard rules test our-rules.toml")]
    Test(RulesArgs),
    /// Say what could be better in the shipped rules, or in files: exit 1 if a rule is slow or does not do what it says
    #[command(after_help = "Examples:\n  imgguard rules lint .gitleaks.toml")]
    Lint(RulesArgs),
}

/// What the verbs of `rules` take.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Rule files (gitleaks' format, Betterleaks', or ours) [default: the shipped rules alone]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Format of the answer
    #[arg(long, default_value = "table", value_name = "FORMAT", value_parser = ["table", "json"], help_heading = "Report")]
    pub format: String,
    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = "Report")]
    pub json: bool,
}

/// A rule of any kind.
struct Listed {
    kind: &'static str,
    id: String,
    severity: String,
    confidence: String,
    title: String,
    source: String,
    rotation: String,
    /// Names of the same rule elsewhere.
    aliases: &'static [&'static str],
    /// Why what it finds is bad.
    why: &'static str,
    /// Whether it runs without being asked for.
    default: bool,
}

/// Shows, tries or checks.
pub(super) fn run(verb: &RulesVerb, global: &Global) -> Result<Ending, Failed> {
    let (RulesVerb::List(arguments) | RulesVerb::Test(arguments) | RulesVerb::Lint(arguments)) = verb;
    let scanner = load(&arguments.files)?;
    if !matches!(verb, RulesVerb::Lint(_)) {
        tell(&scanner, global);
    }
    let is_json = arguments.json || arguments.format == "json";
    match verb {
        RulesVerb::List(_) => list(&scanner, is_json),
        RulesVerb::Test(_) => test(&scanner, is_json),
        RulesVerb::Lint(_) => lint(&scanner, is_json),
    }
}

/// Makes the rules of `--secret-rules` those of this run. To be called before anything asks for rules.
pub(super) fn put_to_use(rules: &SecretRules, global: &Global) -> Result<(), Failed> {
    if !rules.files.is_empty() {
        tell(load(&rules.files)?.put_to_use(), global);
    }
    Scanner::prepare();
    if diagnostics::is_on() {
        let files = ("files of the user", Fact::Count(rules.files.len()));
        diagnostics::tell("rules for secrets", &[("number", Fact::Count(Scanner::in_use().rules().count())), files]);
    }
    Ok(())
}

fn load(files: &[PathBuf]) -> Result<Scanner, Failed> {
    Scanner::with_files(files).map_err(|error| {
        let hint = error.hint();
        Failed::new(Ending::Usage, error).hint(hint)
    })
}

/// Tells what of rule files is not done as they say.
fn tell(scanner: &Scanner, global: &Global) {
    scanner.notes().iter().for_each(|note| notice(global, &format!("imgguard: {note}")));
}

fn listed(scanner: &Scanner) -> Vec<Listed> {
    let secret = |rule: &crate::secret::RuleInfo| Listed {
        kind: "secret",
        id: rule.id.clone(),
        severity: rule.severity.clone(),
        confidence: word(rule.confidence()),
        title: rule.title.clone(),
        source: rule.source.clone(),
        rotation: rule.rotation.clone(),
        aliases: &[],
        why: "",
        default: true,
    };
    let file = |(kind, meta): (&'static str, &'static lint::Meta)| Listed {
        kind,
        id: meta.id.to_owned(),
        severity: format!("{:?}", meta.severity).to_ascii_lowercase(),
        confidence: "high".to_owned(),
        title: meta.summary.to_owned(),
        source: meta.sources.first().copied().unwrap_or_default().to_owned(),
        rotation: String::new(),
        aliases: meta.aliases,
        why: meta.why,
        default: meta.default,
    };
    let of_files = lint::rules().map(|rule| (rule.check.kind(), &rule.meta));
    let mut listed: Vec<Listed> = scanner.rules().map(secret).chain(of_files.map(file)).collect();
    listed.sort_by(|a, b| (a.kind, &a.id).cmp(&(b.kind, &b.id)));
    listed
}

fn word(confidence: crate::facts::Confidence) -> String {
    format!("{confidence:?}").to_ascii_lowercase()
}

fn list(scanner: &Scanner, is_json: bool) -> Result<Ending, Failed> {
    let listed = listed(scanner);
    if is_json {
        let rules: Vec<Value> = listed.iter().map(value).collect();
        return print(&format!("{:#}", json!({ "rules": rules }))).map(|()| Ending::Pass);
    }
    let width = listed.iter().map(|rule| rule.id.len()).max().unwrap_or_default().min(48);
    let mut text = String::new();
    for rule in &listed {
        text.push_str(&format!(
            "{:<10}  {:<width$}  {:<10}  {:<6}  {}\n",
            rule.kind, rule.id, rule.severity, rule.confidence, rule.title
        ));
    }
    text.push_str(&format!("{} rules", listed.len()));
    print(&text).map(|()| Ending::Pass)
}

fn value(rule: &Listed) -> Value {
    json!({
        "kind": rule.kind, "id": rule.id, "severity": rule.severity, "confidence": rule.confidence,
        "title": rule.title, "source": rule.source, "rotation": rule.rotation,
        "aliases": rule.aliases, "why": rule.why, "default": rule.default,
    })
}

fn test(scanner: &Scanner, is_json: bool) -> Result<Ending, Failed> {
    let trials: Vec<Trial<'_>> = scanner.trials().collect();
    let failed = trials.iter().filter(|trial| !trial.failures.is_empty()).count();
    let tried: usize = trials.iter().map(|trial| trial.tried).sum();
    let ending = if failed > 0 { Ending::Refused } else { Ending::Pass };
    if is_json {
        let value = |trial: &Trial<'_>| json!({ "kind": "secret", "id": trial.rule.id, "tried": trial.tried, "failures": trial.failures });
        let rules: Vec<Value> = trials.iter().map(value).collect();
        return print(&format!("{:#}", json!({ "rules": rules }))).map(|()| ending);
    }
    let mut text = String::new();
    for trial in &trials {
        trial.failures.iter().for_each(|failure| text.push_str(&format!("{}: {failure}\n", trial.rule.id)));
    }
    text.push_str(&format!("{tried} examples of {} rules, {failed} rules failed", trials.len()));
    print(&text).map(|()| ending)
}

fn lint(scanner: &Scanner, is_json: bool) -> Result<Ending, Failed> {
    let remarks = scanner.remarks();
    let problems = remarks.iter().filter(|remark| remark.is_problem).count();
    let ending = if problems > 0 { Ending::Refused } else { Ending::Pass };
    let level = |is_problem: bool| if is_problem { "problem" } else { "advice" };
    if is_json {
        let value = |remark: &crate::secret::Remark<'_>| json!({ "kind": "secret", "id": remark.rule.id, "level": level(remark.is_problem), "text": remark.text });
        let remarks: Vec<Value> = remarks.iter().map(value).collect();
        let answer = json!({ "remarks": remarks, "notes": scanner.notes() });
        return print(&format!("{answer:#}")).map(|()| ending);
    }
    let mut text = String::new();
    scanner.notes().iter().for_each(|note| text.push_str(&format!("advice: {note}\n")));
    for remark in &remarks {
        text.push_str(&format!("{}: {}: {}\n", level(remark.is_problem), remark.rule.id, remark.text));
    }
    text.push_str(&format!(
        "{problems} problems, {} pieces of advice",
        remarks.len() - problems + scanner.notes().len()
    ));
    print(&text).map(|()| ending)
}

/// Writes lines to standard output, harmless for a terminal.
fn print(text: &str) -> Result<(), Failed> {
    let mut out = anstream::stdout();
    let mut lines = text.lines();
    lines
        .try_for_each(|line| writeln!(out, "{}", terminal(line)))
        .map_err(|error| Failed::new(Ending::Incomplete, error))
}
