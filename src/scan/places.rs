//! Secrets in what stands around the layers: environment, labels, annotations, commands, and the history with its build arguments.

use super::findings::secret_finding;
use super::run::ScannedPlatform;
use crate::facts::SecretFact;
use crate::finding::{Finding, Location};
use crate::secret::Scanner;
use crate::source::{Image, Manifest};

/// Most build arguments of one step that are looked at one by one; of more, the rest counts as part of the command.
const MAX_ARGUMENTS: usize = 256;

/// What a text is, which decides what in it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A variable; a check looks at its name.
    Variable,
    /// A build argument, or a variable that a step sets.
    Argument,
    /// A label or an annotation.
    Metadata,
    /// A command, or several.
    Command,
}

/// A text of the configuration that may hold a secret.
struct ConfigText<'a> {
    /// As the report names it: `env:NAME`, `history:INDEX:NAME`.
    place: String,
    /// What stays the same when a build step is added before it: the place without the step's index.
    identity: String,
    name: &'a str,
    value: String,
    kind: Kind,
}

impl<'a> ConfigText<'a> {
    fn new(kind: Kind, place: String, name: &'a str, value: impl Into<String>) -> Self {
        Self { identity: place.clone(), place, name, value: value.into(), kind }
    }

    fn command(place: &str, words: &[String]) -> Self {
        Self::new(Kind::Command, place.to_owned(), "", words.join(" "))
    }

    fn secrets(&self) -> Vec<SecretFact> {
        let scanner = Scanner::in_use();
        match self.kind {
            Kind::Variable => scanner.scan_variable(self.name, &self.value),
            Kind::Argument => scanner.scan_argument(self.name, &self.value),
            Kind::Metadata => scanner.scan_metadata(self.name, &self.value),
            Kind::Command => scanner.scan_command(&self.value),
        }
    }
}

/// The secrets of the statements that are attached to an image.
pub(super) fn attached_secrets(image: &Image, reveal: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for attached in &image.attached {
        for mut fact in attached.content.iter().flat_map(|content| Scanner::in_use().scan_statement(content)) {
            fact.value = fact.value.filter(|_| reveal);
            let key = fact.key.clone().map(|key| format!(":{key}")).unwrap_or_default();
            let place = Location::Config(format!("attestation:{}{key}", attached.digest));
            findings.push(secret_finding(&fact, &format!("attestation{key}")).at(place));
        }
    }
    findings
}

/// The secrets of one platform's configuration and annotations.
pub(super) fn config_secrets(image: &Image, platform: &ScannedPlatform, reveal: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for text in texts(image, &platform.manifest) {
        for mut fact in text.secrets() {
            fact.value = fact.value.filter(|_| reveal);
            findings.push(secret_finding(&fact, &text.identity).at(Location::Config(text.place.clone())));
        }
    }
    findings
}

/// A secret around the layers, in clear: for whoever takes it out of there.
#[derive(Clone, Debug)]
pub struct PlacedSecret {
    /// As the report names its place: `env:NAME`, `history:INDEX:NAME`.
    pub place: String,
    /// The text that it is in.
    pub text: String,
    /// What was seen, with the value.
    pub fact: SecretFact,
}

/// The secrets of one platform's configuration and annotations.
#[must_use]
pub fn secrets_around(image: &Image, manifest: &Manifest) -> Vec<PlacedSecret> {
    let found = |text: ConfigText<'_>| {
        let facts = text.secrets();
        let (place, text) = (text.place, text.value);
        facts.into_iter().map(move |fact| PlacedSecret { place: place.clone(), text: text.clone(), fact })
    };
    texts(image, manifest).into_iter().flat_map(found).collect()
}

/// Of several with one name each is looked at: all of them are published.
fn texts<'a>(image: &'a Image, manifest: &'a Manifest) -> Vec<ConfigText<'a>> {
    let config = &manifest.config.config;
    let mut texts = Vec::new();
    let env = config.env.iter().filter_map(|pair| pair.split_once('='));
    texts.extend(env.map(|(name, value)| ConfigText::new(Kind::Variable, format!("env:{name}"), name, value)));
    let labels = config.labels.iter().map(|(name, value)| ("label", name, value));
    let annotations = image.annotations.iter().chain(&manifest.annotations);
    let annotations = annotations.map(|(name, value)| ("annotation", name, value));
    texts.extend(
        labels
            .chain(annotations)
            .map(|(place, name, value)| ConfigText::new(Kind::Metadata, format!("{place}:{name}"), name, value)),
    );
    texts.push(ConfigText::command("entrypoint", &config.entrypoint));
    texts.push(ConfigText::command("cmd", &config.cmd));
    texts.push(ConfigText::command("shell", &config.shell));
    texts.extend(config.healthcheck.iter().map(|check| ConfigText::command("healthcheck", &check.test)));
    for instruction in &config.on_build {
        texts.extend(step("onbuild", "onbuild".to_owned(), instruction));
    }
    for (index, entry) in manifest.config.history.iter().enumerate() {
        let place = format!("history:{index}");
        texts.extend(step("history", place.clone(), &entry.created_by));
        let comment = ConfigText::new(Kind::Command, place, "", entry.comment.as_str());
        texts.push(ConfigText { identity: "history".to_owned(), ..comment });
    }
    texts
}

/// One build step: its arguments, the variables that it sets, and what is left of it.
fn step<'a>(identity: &str, place: String, instruction: &'a str) -> Vec<ConfigText<'a>> {
    let (arguments, rest) = build_arguments(instruction);
    let argument = |(name, value): (&'a str, &'a str)| ConfigText {
        identity: format!("{identity}:{name}"),
        ..ConfigText::new(Kind::Argument, format!("{place}:{name}"), name, value)
    };
    let mut texts: Vec<_> = arguments.into_iter().map(argument).collect();
    texts.push(ConfigText { identity: identity.to_owned(), ..ConfigText::new(Kind::Command, place.clone(), "", rest) });
    texts
}

/// A step's build arguments, and what is left of it. Docker's classic builder writes `|2 NAME=value OTHER=value /bin/sh -c …`, BuildKit
/// puts `RUN ` before that; both write `ARG NAME=value` (the classic one behind `#(nop) `).
fn build_arguments(created_by: &str) -> (Vec<(&str, &str)>, &str) {
    let step = created_by.strip_prefix("/bin/sh -c #(nop)").unwrap_or(created_by).trim_start();
    if let Some(argument) = step.strip_prefix("ARG ") {
        return (argument.trim().split_once('=').into_iter().collect(), "");
    }
    let Some((count, mut rest)) =
        step.strip_prefix("RUN ").unwrap_or(step).strip_prefix('|').and_then(|rest| rest.split_once(' '))
    else {
        return (Vec::new(), created_by);
    };
    let mut arguments = Vec::new();
    for _ in 0..count.parse::<usize>().unwrap_or(0).min(MAX_ARGUMENTS) {
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        arguments.extend(word.split_once('='));
        rest = after;
    }
    (arguments, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_arguments_stand_in_front_of_the_command() {
        for step in
            ["|2 TOKEN=abc MODE=x /bin/sh -c make TARGET=all", "RUN |2 TOKEN=abc MODE=x /bin/sh -c make TARGET=all"]
        {
            assert_eq!(build_arguments(step), (vec![("TOKEN", "abc"), ("MODE", "x")], "/bin/sh -c make TARGET=all"));
        }
        for step in ["ARG TOKEN=a b", "/bin/sh -c #(nop)  ARG TOKEN=a b"] {
            assert_eq!(build_arguments(step), (vec![("TOKEN", "a b")], ""));
        }
        assert_eq!(build_arguments("ARG TOKEN"), (vec![], ""));
        for step in ["/bin/sh -c A=b", "RUN /bin/sh -c A=b # buildkit", "|", "|x"] {
            assert_eq!(build_arguments(step), (vec![], step));
        }
    }
}
