//! What the build ran, as the image's history tells: the rules about Dockerfiles, put to an image whose Dockerfile nobody has.

use super::{Check, Meta, Subject};
use crate::dockerfile::Dockerfile;
use crate::finding::{Finding, Kind, Location};
use crate::lint::{self, Options, Problem, Surroundings};
use crate::oci::History as Step;
use crate::shell::Call;
use crate::source::Manifest;

/// Longest history that is looked at, in bytes; a long one of a real image has some 30 kB.
const MAX_BYTES: usize = 1 << 20;

/// The rules that a history can answer: what is judged of the result, such as users, is judged there.
pub const RULES: &[&str] = &[
    "add-instead-of-copy",
    "apk-allow-untrusted",
    "apk-cache",
    "apt-get-lists",
    "apt-unauthenticated",
    "chpasswd",
    "cleartext-endpoint",
    "dist-upgrade",
    "dnf-cache",
    "insecure-download",
    "pip-trusted-host",
    "pipe-to-shell",
    "plain-http-download",
    "rpm-unsigned",
    "strict-ssl-off",
    "sudo",
    "system-folder",
    "tls-check-off",
    "update-alone",
    "world-writable",
    "yum-cache",
    "zypper-cache",
    "zypper-dist-upgrade",
];

/// `history`: its findings have the names of the rules.
pub(super) struct History;

static META: Meta = Meta {
    name: "history",
    summary: "a command of the build is one that a rule about Dockerfiles warns of",
    doc: "**Reads** the history of the image configuration: what each step of the build ran, also in heredocs and lists of any form, and the variables of the configuration.\n\n**Reports** what the rules about Dockerfiles say of them, under the names of these: package lists that are updated alone, downloads without a check, packages that nobody signed, caches that stay.\n\n\
          **Cannot see** steps of a history that was squashed or left out, and which of them a base brought.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

impl Check for History {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let steps = Steps::of(subject);
        let problems = steps.problems().unwrap_or_default();
        problems.iter().map(|problem| finding(problem, &steps.starts)).collect()
    }

    fn unjudged(&self, subject: &Subject<'_>) -> Option<String> {
        let steps = Steps::of(subject);
        let judged = steps.problems();
        judged.err().or_else(|| {
            let left = steps.left_out;
            (left > 0)
                .then(|| format!("the history has more than {MAX_BYTES} bytes; its last {left} steps are not judged"))
        })
    }
}

/// Whether the history tells what made every layer, in words that are understood. What a base began with is another's.
#[must_use]
pub fn is_told(manifest: &Manifest) -> bool {
    let layers = manifest.layers.len();
    let is_known = |text: &str| {
        let word = text.split_ascii_whitespace().next().unwrap_or_default();
        matches!(word, "RUN" | "COPY" | "ADD" | "WORKDIR") || word.starts_with('|') || is_shell(word)
    };
    let is_clear = |index| manifest.config.instruction(index, layers).is_some_and(is_known);
    layers > 0 && manifest.config.instruction(0, layers).is_some() && (1..layers).all(is_clear)
}

/// The first step that builds a program from its sources, with the command: the image is the stage in which it was built.
pub(super) fn build_step(subject: &Subject<'_>) -> Option<String> {
    let steps = Steps::of(subject);
    let file = Dockerfile::parse(steps.text.as_bytes()).ok()?;
    let options = Options::default();
    let around = Surroundings { store: None, evaluated_at: jiff::civil::Date::default(), options: &options };
    let commands = lint::dockerfile::Subject::new(&file, around);
    let is_builder = |call: &Call<'_>| {
        let verb = call.operands(&[]).next().map_or("", |word| word.text.as_str());
        BUILDERS.iter().any(|(name, needed)| call.name == *name && (needed.is_empty() || verb == *needed))
    };
    let (_, command, call) = commands.calls().find(|(_, _, call)| is_builder(call))?;
    Some(format!("`{}` in {}", call.name, place(command.span.start, &steps.starts)))
}

/// Programs that build others, with the word that makes them do so where they do other things too.
const BUILDERS: &[(&str, &str)] = &[
    ("c++", ""),
    ("cargo", "build"),
    ("cc", ""),
    ("cmake", ""),
    ("g++", ""),
    ("gcc", ""),
    ("go", "build"),
    ("go", "install"),
    ("gradle", ""),
    ("make", ""),
    ("meson", ""),
    ("mvn", ""),
    ("ninja", ""),
];

/// The step that a place in the text belongs to.
fn place(at: usize, starts: &[(usize, Option<usize>)]) -> String {
    let step = starts.iter().rev().find(|(start, _)| *start <= at).and_then(|(_, step)| *step);
    step.map_or_else(|| "env".to_owned(), |step| format!("history:{step}"))
}

fn finding(problem: &Problem, steps: &[(usize, Option<usize>)]) -> Finding {
    let place = place(problem.span.start, steps);
    let message = crate::secret::Scanner::in_use().redact(&problem.message);
    let finding = Finding::new(Kind::Config, problem.meta.id, problem.severity, message, &problem.subject);
    let aliases = problem.meta.aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Finding { aliases, confidence: problem.confidence, ..finding }
        .at(Location::Config(place))
        .advise(problem.meta.advice)
}

/// What a history ran.
struct Steps {
    /// As a Dockerfile.
    text: String,
    /// Where in it each step begins; the variables of the configuration are none.
    starts: Vec<(usize, Option<usize>)>,
    /// Steps that were too many.
    left_out: usize,
}

impl Steps {
    fn of(subject: &Subject<'_>) -> Self {
        let config = &subject.manifest.config;
        Self::new(&config.history, &config.config.env)
    }

    fn new(history: &[Step], env: &[String]) -> Self {
        let mut text = "FROM scratch\n".to_owned();
        let mut starts = vec![(0, None)];
        for (name, value) in env.iter().filter(|pair| !pair.contains('\n')).filter_map(|pair| pair.split_once('=')) {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('$', "\\$");
            text.push_str(&format!("ENV {name}=\"{value}\"\n"));
        }
        for (index, step) in history.iter().enumerate() {
            let Some(instruction) = instruction(&step.created_by, index == 0) else { continue };
            if text.len() + instruction.len() > MAX_BYTES {
                return Self { text, starts, left_out: history.len() - index };
            }
            starts.push((text.len(), Some(index)));
            text.push_str(&instruction);
        }
        Self { text, starts, left_out: 0 }
    }

    /// What rules say of it; an error says why they cannot.
    fn problems(&self) -> Result<Vec<Problem>, String> {
        let unread = |error: &dyn std::fmt::Display| format!("the history is not judged: {error}");
        let file = Dockerfile::parse(self.text.as_bytes()).map_err(|error| unread(&error))?;
        let others = lint::rules().map(|rule| rule.meta.id).filter(|id| !RULES.contains(id));
        let options = Options { disabled: others.map(str::to_owned).collect(), ..Options::default() };
        let around = Surroundings { store: None, evaluated_at: jiff::civil::Date::default(), options: &options };
        lint::dockerfile::run(&file, around).map_err(|error| unread(&error))
    }
}

/// The instruction of a step, in the words of BuildKit or of Docker's classic builder; nothing where it is about something else than commands and files.
///
/// Sources: moby's `builder/dockerfile/dispatchers.go` (`#(nop)`, `|N ARG=…`), BuildKit's `dockerfile2llb` (`RUN … # buildkit`).
fn instruction(created_by: &str, is_first: bool) -> Option<String> {
    let text = created_by.trim();
    let text = text.strip_suffix("# buildkit").unwrap_or(text).trim_end();
    if let Some((_, inner)) = text.split_once("#(nop) ") {
        let inner = inner.trim_start();
        // The files of a base are an archive that is unpacked, of which only a digest is told.
        let (keyword, rest) = inner.split_once(' ')?;
        return match keyword {
            "ADD" if !is_first && !rest.starts_with("http") => one_line("ADD", &rest.replacen(" in ", " ", 1)),
            "VOLUME" => one_line("VOLUME", rest.trim_matches(['[', ']'])),
            _ => None,
        };
    }
    let (keyword, rest) = text.split_once(' ').unwrap_or((text, ""));
    match keyword {
        "RUN" => run(rest),
        "ADD" if !is_first => one_line("ADD", rest),
        "VOLUME" => one_line("VOLUME", rest.trim_matches(['[', ']'])),
        _ if keyword.starts_with('|') || is_shell(keyword) => run(text),
        _ => None,
    }
}

fn one_line(keyword: &str, rest: &str) -> Option<String> {
    (!rest.contains('\n')).then(|| format!("{keyword} {rest}\n"))
}

/// The command of a step, without the build arguments that stand before it and the shell that ran it.
fn run(text: &str) -> Option<String> {
    // Behind `|2 A=b C=` only a shell shows where the command begins.
    let script = if text.starts_with('|') { behind_shell(text)? } else { behind_shell(text).unwrap_or(text) };
    // A heredoc whose end no script has.
    let end = "END-OF-THE-STEP";
    (!script.contains(end) && !script.trim().is_empty()).then(|| format!("RUN <<'{end}'\n{script}\n{end}\n"))
}

/// What stands behind the first `/bin/sh -c`, or the like with other options and shells; nothing where other words than arguments stand before it.
fn behind_shell(text: &str) -> Option<&str> {
    let mut words = words(text);
    match words.next()? {
        (first, _) if is_shell(first) => {}
        (first, _) if first.starts_with('|') => drop(words.find(|(word, _)| is_shell(word))?),
        _ => return None,
    }
    for (word, end) in words {
        if word.starts_with('-') && word.ends_with('c') {
            return text.get(end..).map(str::trim_start);
        }
        if !word.starts_with(['-', '+']) && word != "pipefail" {
            return None;
        }
    }
    None
}

/// Shells that take a command as text.
const SHELLS: &[&str] = &["ash", "bash", "busybox", "dash", "ksh", "sh", "zsh"];

fn is_shell(word: &str) -> bool {
    word.starts_with('/') && SHELLS.contains(&word.rsplit('/').next().unwrap_or_default())
}

/// Words between blanks, each with where it ends.
fn words(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    text.split(|c: char| c.is_ascii_whitespace()).filter_map(move |word| {
        let end = at + word.len();
        at = end + 1;
        (!word.is_empty()).then_some((word, end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell;

    fn step(created_by: &str) -> Step {
        serde_json::from_value(serde_json::json!({ "created_by": created_by })).unwrap()
    }

    /// Rules and steps that a history is told of.
    fn found(history: &[&str]) -> Vec<(String, String)> {
        let history: Vec<Step> = history.iter().map(|text| step(text)).collect();
        let steps = Steps::new(&history, &["NODE_TLS_REJECT_UNAUTHORIZED=0".to_owned()]);
        let place = |problem: &Problem| {
            let finding = finding(problem, &steps.starts);
            let place = finding.locations.keys().next().unwrap().name().to_owned();
            (finding.rule, place)
        };
        steps.problems().unwrap().iter().map(place).collect()
    }

    #[test]
    fn what_is_too_long_or_cannot_be_read_is_told() {
        let many = vec![format!("/bin/sh -c {}", "true ".repeat(shell::MAX_WORDS + 1))];
        let steps = |history: &[String]| {
            let history: Vec<Step> = history.iter().map(|text| step(text)).collect();
            Steps::new(&history, &[])
        };
        assert!(steps(&many).problems().unwrap_err().starts_with("the history is not judged: the commands"));
        let long = vec![format!("/bin/sh -c true # {}", "a".repeat(MAX_BYTES / 2)); 3];
        assert_eq!(steps(&long).left_out, 2);
        let good = steps(&["/bin/sh -c true".to_owned()]);
        assert!(good.problems().is_ok() && good.left_out == 0);
    }

    #[test]
    fn both_builders_words_are_understood() {
        let own = |rule: &str, place: &str| (rule.to_owned(), place.to_owned());
        let env = own("tls-check-off", "env");
        assert_eq!(
            found(&[
                "/bin/sh -c #(nop) ADD file:0123 in / ",
                "/bin/sh -c #(nop)  CMD [\"bash\"]",
                "/bin/sh -c apt-get update",
                "|1 A=b c /bin/sh -c apk add curl",
                "RUN /bin/sh -c sudo true # buildkit",
                "RUN |2 A=b C= /bin/sh -c set -e;\ncurl -k https://example.org/a\n # buildkit",
                "VOLUME [/proc]",
                "/bin/sh -c #(nop) ADD dir:4567 in /srv ",
                "COPY a b # buildkit",
                "RUN /bin/bash -euo pipefail -c apt-get dist-upgrade # buildkit",
                "RUN sudo true",
            ]),
            [
                env,
                own("apt-get-lists", "history:2"),
                own("update-alone", "history:2"),
                own("apk-cache", "history:3"),
                own("sudo", "history:4"),
                own("insecure-download", "history:5"),
                own("system-folder", "history:6"),
                own("add-instead-of-copy", "history:7"),
                own("dist-upgrade", "history:9"),
                own("sudo", "history:10"),
            ]
        );
    }

    #[test]
    fn a_stage_that_builds_is_known_by_its_commands() {
        let built = |text: &str| {
            let config = serde_json::json!({"history": [{"created_by": "ADD base"}, {"created_by": text}]});
            let manifest = super::super::tests::manifest(&config.to_string());
            build_step(&super::super::tests::subject(&manifest, &crate::facts::Inventory::default()))
        };
        let found = built("RUN /bin/sh -c ./configure && make -j4 && make install # buildkit");
        assert_eq!(found.as_deref(), Some("`make` in history:1"));
        assert_eq!(built("/bin/sh -c apt-get install -y make gcc"), None);
        assert_eq!(built("/bin/sh -c go version"), None);
    }

    #[test]
    fn every_rule_is_one() {
        for id in RULES {
            assert!(lint::rule(id).is_some(), "{id}");
        }
    }
}
