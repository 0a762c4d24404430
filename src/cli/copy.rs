//! `copy`: an image to another repository, with every platform and what hangs on it.

use std::io::Write as _;

use clap::Args;
use serde_json::{Value, json};

use super::args::{Global, Network};
use super::exit::Ending;
use super::progress::Bar;
use super::sign_args::Format;
use super::sources;
use super::{Failed, notice};
use crate::report::bytes;
use crate::report::escape::write_json;
use crate::source::SourceError;
use crate::source::copy::{Copied, Plan};

pub(super) const EXAMPLES: &str = "Examples:
  imgguard copy oci:build/image registry.example/app:1.2
  imgguard copy registry.example/staging/app@sha256:… registry.example/app:1.2
  imgguard copy registry.example/app:1.2 oci:mirror:1.2 --no-referrers";

/// What `copy` takes.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The image: registry.example/app:tag, or oci:DIR[:ref]
    #[arg(value_name = "SOURCE")]
    source: String,
    /// Where to: registry.example/app:tag, or oci:DIR[:ref], which is made if it is not there; without a tag it is latest
    #[arg(value_name = "DESTINATION")]
    destination: String,
    /// Leave out what hangs on the image: signatures, attestations, bills of materials
    #[arg(long)]
    no_referrers: bool,
    /// Format of the answer
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORMAT", help_heading = "Report")]
    format: Format,
    /// How the network is used.
    #[command(flatten)]
    network: Network,
}

/// `copy`.
pub(super) fn copy(arguments: &CopyArgs, global: &Global) -> Result<Ending, Failed> {
    let CopyArgs { source, destination, network, .. } = arguments;
    let opened = sources::repository(source, false, network, false)?;
    let (to, tag) = sources::destination(destination, &[source], network)?;
    let failed = |place: &str, error: SourceError| {
        let context = format!("`{source}` could not be copied to `{destination}`");
        sources::failed(error, !place.starts_with("oci:"), |error| error.context(context))
    };
    let from = &opened.repository;
    let plan = Plan::read(from.as_ref(), opened.root(), !arguments.no_referrers);
    let plan = plan.map_err(|error| failed(source, error))?;
    let bar = Bar::new(plan.bytes(), global);
    bar.say("copying");
    let progress = |bytes| crate::scan::Progress::read(&bar, bytes);
    let copied = plan.write(from, to.as_ref(), &tag, &progress);
    bar.finish();
    let copied = copied.map_err(|error| failed(destination, error))?;
    let place = format!("{}:{tag}", to.name());
    let mut out = std::io::stdout().lock();
    let written = match arguments.format {
        Format::Json => write_json(&report(&plan, &copied, &place), &mut out),
        Format::Table => writeln!(out, "{}@{}", crate::report::escape::terminal(&place), plan.digest()),
    };
    tell(&copied, global);
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failed::new(Ending::Incomplete, error)),
        _ => Ok(Ending::Pass),
    }
}

fn tell(copied: &Copied, global: &Global) {
    let Copied { manifests, referrers, present, mounted, sent, bytes: length, .. } = copied;
    let blobs = format!("{sent} blobs sent ({}), {mounted} mounted, {present} were there", bytes(*length));
    notice(global, &format!("{manifests} manifests and {referrers} that hang on them; {blobs}"));
    if let Some(replaced) = &copied.replaced {
        notice(global, &format!("the tag pointed to {replaced} before"));
    }
    for digest in &copied.left_out {
        notice(global, &format!("the layer {digest} is not kept in registries; it stays where its manifest says"));
    }
    for tag in &copied.kept {
        notice(global, &format!("the tag {tag} had something else at the destination, which was kept"));
    }
}

fn report(plan: &Plan, copied: &Copied, place: &str) -> Value {
    json!({
        "schema_version": "1.0",
        "reference": place,
        "digest": plan.digest(),
        "replaced": copied.replaced,
        "manifests": copied.manifests,
        "referrers": copied.referrers,
        "blobs": {"sent": copied.sent, "mounted": copied.mounted, "present": copied.present, "sent_bytes": copied.bytes},
        "left_out": copied.left_out,
        "kept": copied.kept,
    })
}
