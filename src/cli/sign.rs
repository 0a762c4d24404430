//! `sign` and `attest`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::args::Global;
use super::exit::Ending;
use super::sign_args::{AttestArgs, Place, SignArgs, Signing};
use super::sources::{self, read_file};
use super::signer::{self, Hand};
use super::{Failed, created, notice};
use crate::sign::make::{Form, Made, Maker, SignError};
use crate::sign::predicate::PredicateType;
use crate::sign::subject::subjects;
use crate::sign::verify::Subject;
use crate::sign::Signer;
use crate::source::{PlatformChoice, SourceError};

/// Largest predicate, in bytes: with base64 around it, it must stay below what `verify` reads.
const MAX_PREDICATE_BYTES: u64 = 16 << 20;

/// `sign`.
pub(super) fn sign(arguments: &SignArgs, global: &Global) -> Result<Ending, Failed> {
    let annotations: BTreeMap<String, String> = arguments.annotation.iter().cloned().collect();
    each(&arguments.place, &arguments.signing, global, "signed", &|maker, subject| maker.sign(subject, &annotations))
}

/// `attest`.
pub(super) fn attest(arguments: &AttestArgs, global: &Global) -> Result<Ending, Failed> {
    let bytes = read_file(&arguments.predicate, MAX_PREDICATE_BYTES, "predicate")?;
    let predicate = predicate(&arguments.predicate_type, &bytes).map_err(|error| {
        let context = format!("the predicate `{}` cannot be used", arguments.predicate.display());
        Failed::new(Ending::Usage, error.context(context))
            .hint("it must be a JSON document; --type custom takes any text")
    })?;
    let uri = arguments.predicate_type.uri();
    each(&arguments.place, &arguments.signing, global, "attested", &|maker, subject| {
        maker.attest(subject, uri, &predicate)
    })
}

/// The predicate of a file. Any text is the data of a custom one, as cosign has it.
fn predicate(kind: &PredicateType, bytes: &[u8]) -> anyhow::Result<Value> {
    if Ok(kind) == PredicateType::parse("custom").as_ref() {
        let text = std::str::from_utf8(bytes)?;
        let time = created().map_err(|failed| failed.error)?;
        return Ok(json!({"Data": text, "Timestamp": time}));
    }
    Ok(serde_json::from_slice(bytes)?)
}

/// Makes one for the image, and with `--recursive` for each platform.
fn each(
    place: &Place,
    signing: &Signing,
    global: &Global,
    done: &str,
    make: &dyn Fn(&Maker<'_>, &Subject) -> Result<Made, SignError>,
) -> Result<Ending, Failed> {
    let hand = Hand::open(signing, &place.network, place.offline)?;
    let author = hand.author()?;
    let opened = sources::repository(&place.reference, place.offline, &place.network, true)?;
    let is_remote = !place.reference.starts_with("oci:");
    let unread = |error: SourceError| {
        sources::failed(error, is_remote, |error| error.context(format!("`{}` could not be read", place.reference)))
    };
    let children = signing.recursive.then_some(&PlatformChoice::All);
    let subjects = subjects(opened.repository.as_ref(), opened.root(), children).map_err(unread)?;
    let form = if signing.legacy { Form::Legacy } else { Form::Bundle };
    let created = created()?;
    let maker = Maker { repository: opened.repository.as_ref(), author: &author, form, created: &created };
    for subject in &subjects {
        let what = || format!("{} of `{}`", subject.digest, place.reference);
        let made = make(&maker, subject).map_err(|error| not_made(error, is_remote, done, &what()))?;
        let platform = subject.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
        let by = match made.proof.signer() {
            Signer::Key(_) => String::new(),
            identity @ Signer::Identity { .. } => format!(" by {identity}"),
        };
        notice(global, &format!("{done} {}{platform}{by}: {}", subject.digest, made.manifest));
    }
    Ok(Ending::Pass)
}

/// Why something was not made or stored, as it counts.
fn not_made(error: SignError, is_remote: bool, done: &str, what: &str) -> Failed {
    match error {
        SignError::Source(error) => sources::failed(error, is_remote, |error| {
            error.context(format!("what was made for {what} could not be stored"))
        }),
        SignError::Service(error) => {
            let mut failed = signer::failed(error);
            failed.error = failed.error.context(format!("{what} was not {done}"));
            failed
        }
        error => {
            let is_foreign = matches!(error, SignError::Unverified(_));
            let error = anyhow::Error::new(error).context(format!("{what} was not {done}"));
            let failed = Failed::new(Ending::Incomplete, error);
            if is_foreign { failed.hint("if the services are of your own instance, name its root with --trusted-root") } else { failed }
        }
    }
}
