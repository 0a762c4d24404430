//! Whether a new image starts, asked of an engine on this machine: only where the user wants it, since its programs run then.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::args::Global;
use super::exit::Ending;
use super::{Failed, notice};
use crate::harden::image::NewImage;
use crate::harden::write::{Destination, Seen};
use crate::harden::{HardenError, Stage};
use crate::oci::Platform;

/// Engines by the names of their programs.
const ENGINES: [&str; 2] = ["docker", "podman"];

/// How often a container is looked at, and how long between.
const LOOKS: u32 = 25;
const BETWEEN: Duration = Duration::from_millis(200);

/// Starts the machine's own platform. One that still runs after [`LOOKS`] looks, or that ended without an error, is fine.
///
/// # Errors
/// When there is no engine, it does not take the image, or the container ends with an error.
pub(super) fn verify(new: &NewImage, stage: &Arc<Stage>, global: &Global) -> Result<(), Failed> {
    let usage = |text: &str, hint: &str| Failed::new(Ending::Usage, anyhow::anyhow!("{text}")).hint(hint);
    let native = Platform::native();
    let own = new.platforms.iter().find(|platform| platform.platform.satisfies(&native));
    let own = own.ok_or_else(|| usage("the image has no platform that runs here", "leave out --verify-runs"))?;
    let engine = ENGINES.iter().find(|engine| ask(engine, &["info"]).is_some());
    let engine = engine
        .ok_or_else(|| usage("neither docker nor podman answers here", "start one, or leave out --verify-runs"))?;
    let single = NewImage { root: own.manifest.clone(), platforms: vec![own.clone()] };
    let name = format!("localhost/imgguard-harden:{}", new.root.digest.hex().get(..16).unwrap_or_default());
    let folder = tempfile::tempdir().map_err(|error| Failed::new(Ending::Incomplete, error))?;
    let path = folder.path().join("image.tar");
    let archive = Destination::DockerArchive { path: path.clone(), name: Some(name.clone()) };
    let unwritten = |error: HardenError| Failed::new(Ending::Incomplete, error);
    archive.publish(&single, stage, &Seen::Nothing).map_err(unwritten)?;
    let outcome = start(engine, &path, &name);
    let _ = ask(engine, &["rmi", "--force", &name]);
    match outcome {
        Ok(how) => {
            notice(global, &format!("{engine} started it: {how}"));
            Ok(())
        }
        Err(why) => {
            let error = anyhow::anyhow!("the new image is not published: {why}");
            Err(Failed::new(Ending::Refused, error).hint("look whether the old one starts alone and without network, and leave out the step that breaks it with --skip"))
        }
    }
}

fn start(engine: &str, archive: &Path, name: &str) -> Result<String, String> {
    let archive = archive.to_str().unwrap_or_default();
    ask(engine, &["load", "--input", archive]).ok_or_else(|| format!("{engine} does not load it"))?;
    // As little as a service can have: what does not start so is better known now.
    let arguments =
        ["run", "--detach", "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", name];
    let container = ask(engine, &arguments).ok_or_else(|| format!("{engine} cannot start it"))?;
    let container = container.trim();
    let outcome = watch(engine, container);
    let _ = ask(engine, &["rm", "--force", container]);
    outcome
}

fn watch(engine: &str, container: &str) -> Result<String, String> {
    for _ in 0..LOOKS {
        let state = ask(engine, &["inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", container]);
        let state = state.ok_or_else(|| format!("{engine} does not tell how it runs"))?;
        match state.trim().split_once(' ') {
            Some(("exited", "0")) => return Ok("it ended without an error".to_owned()),
            Some(("exited" | "dead", code)) => return Err(format!("its command ended with the code {code}")),
            _ => std::thread::sleep(BETWEEN),
        }
    }
    Ok("it was running five seconds later".to_owned())
}

/// What an engine answers; none where it says no.
fn ask(engine: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(engine);
    let output = command.args(arguments).stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
