//! What the build ran, as the image's history tells: the rules about Dockerfiles, put to an image whose Dockerfile nobody has.

use super::{Check, Meta, Subject};
use crate::dockerfile::Dockerfile;
use crate::finding::{Finding, Kind, Location};
use crate::lint::{self, Options, Problem, Surroundings};
use crate::oci::History as Step;

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
        let config = &subject.manifest.config;
        let (text, steps) = dockerfile(&config.history, &config.config.env);
        let Ok(file) = Dockerfile::parse(text.as_bytes()) else { return Vec::new() };
        let others = lint::rules().map(|rule| rule.meta.id).filter(|id| !RULES.contains(id));
        let options = Options { disabled: others.map(str::to_owned).collect(), ..Options::default() };
        let around = Surroundings { store: None, evaluated_at: jiff::civil::Date::default(), options: &options };
        // A history that is longer than anybody's is not judged; whoever made it could have left it out.
        let problems = lint::dockerfile::run(&file, around).unwrap_or_default();
        problems.iter().map(|problem| finding(problem, &steps)).collect()
    }
}

fn finding(problem: &Problem, steps: &[(usize, Option<usize>)]) -> Finding {
    let step = steps.iter().rev().find(|(start, _)| *start <= problem.span.start).and_then(|(_, step)| *step);
    let place = step.map_or_else(|| "env".to_owned(), |step| format!("history:{step}"));
    let message = crate::secret::Scanner::in_use().redact(&problem.message);
    let finding = Finding::new(Kind::Config, problem.meta.id, problem.severity, message, &problem.subject);
    let aliases = problem.meta.aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Finding { aliases, confidence: problem.confidence, ..finding }
        .at(Location::Config(place))
        .advise(problem.meta.advice)
}

/// A Dockerfile of what a history ran, and where in it each step begins.
fn dockerfile(history: &[Step], env: &[String]) -> (String, Vec<(usize, Option<usize>)>) {
    let mut text = "FROM scratch\n".to_owned();
    let mut steps = vec![(0, None)];
    for pair in env.iter().filter(|pair| !pair.contains(['\n', '"', '\\', '$'])) {
        if let Some((name, value)) = pair.split_once('=') {
            text.push_str(&format!("ENV {name}=\"{value}\"\n"));
        }
    }
    for (index, step) in history.iter().enumerate() {
        let Some(instruction) = instruction(&step.created_by, index == 0) else { continue };
        if text.len() + instruction.len() > MAX_BYTES {
            break;
        }
        steps.push((text.len(), Some(index)));
        text.push_str(&instruction);
    }
    (text, steps)
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
        "/bin/sh" | "/bin/bash" => run(text),
        _ if keyword.starts_with('|') => run(text),
        _ => None,
    }
}

fn one_line(keyword: &str, rest: &str) -> Option<String> {
    (!rest.contains('\n')).then(|| format!("{keyword} {rest}\n"))
}

/// A command behind the build arguments that its step had, and the shell that ran it.
fn run(text: &str) -> Option<String> {
    let command =
        ["/bin/sh -c ", "/bin/sh -ec ", "/bin/bash -c ", "/bin/bash -ec ", "/bin/bash -o pipefail -c ", "/bin/ash -c "];
    let script = command.iter().find_map(|shell| {
        let at = text.find(shell)?;
        // Before the shell stand arguments alone.
        (at == 0 || text.starts_with('|')).then(|| text.get(at + shell.len()..)).flatten()
    })?;
    // A heredoc whose end no script has.
    let end = "END-OF-THE-STEP";
    (!script.contains(end) && !script.trim().is_empty()).then(|| format!("RUN <<'{end}'\n{script}\n{end}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(created_by: &str) -> Step {
        serde_json::from_value(serde_json::json!({ "created_by": created_by })).unwrap()
    }

    /// Rules and steps that a history is told of.
    fn found(history: &[&str]) -> Vec<(String, String)> {
        let history: Vec<Step> = history.iter().map(|text| step(text)).collect();
        let (text, steps) = dockerfile(&history, &["NODE_TLS_REJECT_UNAUTHORIZED=0".to_owned()]);
        let file = Dockerfile::parse(text.as_bytes()).unwrap();
        let options = Options::default();
        let around = Surroundings { store: None, evaluated_at: jiff::civil::Date::default(), options: &options };
        let problems = lint::dockerfile::run(&file, around).unwrap();
        let asked = problems.iter().filter(|problem| RULES.contains(&problem.meta.id));
        asked
            .map(|problem| {
                let finding = finding(problem, &steps);
                let place = finding.locations.keys().next().unwrap().name().to_owned();
                (finding.rule, place)
            })
            .collect()
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
            ]
        );
    }

    #[test]
    fn every_rule_is_one() {
        for id in RULES {
            assert!(lint::rule(id).is_some(), "{id}");
        }
    }
}
