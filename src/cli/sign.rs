//! `sign`, and what `attest` has in common with it.

use std::collections::BTreeMap;

use super::args::Global;
use super::exit::Ending;
use super::sign_args::{Place, SignArgs, Signing};
use super::signer::{self, Hand};
use super::sources::{self, Opened};
use super::{Failed, created, notice};
use crate::sign::Signer;
use crate::sign::make::{Form, Made, Maker, SignError};
use crate::sign::subject::subjects;
use crate::sign::verify::Subject;
use crate::source::PlatformChoice;

/// `sign`.
pub(super) fn sign(arguments: &SignArgs, global: &Global) -> Result<Ending, Failed> {
    let annotations: BTreeMap<String, String> = arguments.annotation.iter().cloned().collect();
    each(
        &arguments.place,
        &arguments.signing,
        arguments.signing.recursive,
        global,
        "signed",
        &|maker, subject, tell| tell("", maker.sign(subject, &annotations)),
    )?;
    Ok(Ending::Pass)
}

/// Makes something for the image, and with `recursive` for each platform.
pub(super) fn each(
    place: &Place,
    signing: &Signing,
    recursive: bool,
    global: &Global,
    done: &str,
    make: &Make<'_>,
) -> Result<(), Failed> {
    let hand = Hand::open(signing, &place.network, place.offline)?;
    let author = hand.author()?;
    let opened = sources::repository(&place.reference, place.offline, &place.network, true)?;
    let is_remote = !place.reference.starts_with("oci:");
    let children = recursive.then_some(&PlatformChoice::All);
    let subjects = read_subjects(place, &opened, children)?;
    let form = if signing.legacy { Form::Legacy } else { Form::Bundle };
    let created = created()?;
    let maker = Maker { repository: opened.repository.as_ref(), author: &author, form, created: &created };
    for subject in &subjects {
        let what = || format!("{} of `{}`", subject.digest, place.reference);
        let failed = |error| not_made(error, is_remote, done, &what());
        make(&maker, subject, &mut |what, made| {
            let made = made.map_err(failed)?;
            let platform = subject.platform.as_ref().map(|platform| format!(" ({platform})")).unwrap_or_default();
            let by = match made.proof.signer() {
                Signer::Key(_) => String::new(),
                identity @ Signer::Identity { .. } => format!(" by {identity}"),
            };
            notice(global, &format!("{done} {}{platform}{what}{by}: {}", subject.digest, made.manifest));
            Ok(())
        })?;
    }
    Ok(())
}

/// Makes what is wanted of one subject, and tells each thing: what it is, where that is not clear, and what came of it.
pub(super) type Make<'a> = dyn Fn(&Maker<'_>, &Subject, &mut Tell<'_>) -> Result<(), Failed> + 'a;

/// Takes what was made.
pub(super) type Tell<'a> = dyn FnMut(&str, Result<Made, SignError>) -> Result<(), Failed> + 'a;

/// The manifests that are meant.
pub(super) fn read_subjects(
    place: &Place,
    opened: &Opened,
    children: Option<&PlatformChoice>,
) -> Result<Vec<Subject>, Failed> {
    let is_remote = !place.reference.starts_with("oci:");
    subjects(opened.repository.as_ref(), opened.root(), children).map_err(|error| {
        sources::failed(error, is_remote, |error| error.context(format!("`{}` could not be read", place.reference)))
    })
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
            if is_foreign {
                failed.hint("if the services are of your own instance, name its root with --trusted-root")
            } else {
                failed
            }
        }
    }
}
