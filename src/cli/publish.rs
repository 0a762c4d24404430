//! `db build` and `db push`.

use super::args::Global;
use super::db_args::{BuildArgs, Destination, PushArgs};
use super::exit::Ending;
use super::{Failed, created, db, fetch, keys, notice, places, sources, update};
use crate::advisory::ImportOptions;
use crate::advisory::store::Store;
use crate::advisory::upstream::Mirror;
use crate::artifact::{Payload, Publication, publish};
use crate::report::bytes;
use crate::source::repository::At;

/// `db build`.
pub(super) fn build(arguments: &BuildArgs) -> Result<Ending, Failed> {
    let mut inputs = arguments.inputs.clone();
    if inputs.is_empty() {
        let folder = arguments.mirror.clone().or_else(places::feeds);
        let folder = folder.ok_or_else(|| update::no_place("the feeds", "--mirror"))?;
        inputs = Mirror::open(&folder).map_err(update::failed)?.files();
        if inputs.is_empty() {
            let error = anyhow::anyhow!("no feeds were fetched to `{}` yet", folder.display());
            return Err(Failed::new(Ending::Usage, error)
                .hint("fetch them with `imgguard db update --ecosystem PyPI,Debian:12`, or name files of yours"));
        }
    }
    let options = ImportOptions { redistributable_only: true, accept_fewer: arguments.accept_fewer };
    db::import_into(&inputs, &arguments.output, options)
}

/// `db push`.
pub(super) fn push(arguments: &PushArgs, global: &Global) -> Result<Ending, Failed> {
    let store = Store::open(&arguments.db).map_err(|error| {
        let context = format!("the store `{}` cannot be published", arguments.db.display());
        Failed::new(Ending::Store, anyhow::Error::new(error).context(context))
            .hint("make one with `imgguard db build --output FILE`")
    })?;
    push_file(&store, &arguments.to, global)
}

/// Publishes a file of any kind.
pub(super) fn push_file<P: Payload>(payload: &P, to: &Destination, global: &Global) -> Result<Ending, Failed> {
    let key = keys::open_private(&to.key)?;
    let created = created()?;
    let opened = sources::artifact(&to.reference, &to.network, None, true)?;
    let At::Tag(tag) = opened.root() else {
        let error = anyhow::anyhow!("`{}` names a digest, and what is published gets its own", to.reference);
        return Err(Failed::new(Ending::Usage, error).hint("name a tag, such as registry.example/advisories:latest"));
    };
    let author = keys::author(&key)?;
    let publication = Publication {
        payload,
        author: &author,
        created: &created,
        extras: &[],
        for_own_use: false,
        accept_fewer: to.accept_fewer,
    };
    let pushed = publish(opened.repository.as_ref(), tag, &publication).map_err(|error| {
        fetch::failed(error, |error| error.context(format!("nothing new was published as `{}`", to.reference)))
    })?;
    let delta = match (pushed.delta, pushed.steps) {
        (Some(length), steps) => format!("a delta of {}, {steps} in all", bytes(length)),
        (None, 0) => "no delta: whoever has another one fetches it whole".to_owned(),
        (None, steps) => format!("the same as before, {steps} deltas lead to it"),
    };
    let length = bytes(payload.as_bytes().len() as u64);
    notice(global, &format!("{}: {}, {length}, {delta}", to.reference, pushed.manifest));
    Ok(Ending::Pass)
}
