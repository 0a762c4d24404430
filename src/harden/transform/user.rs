//! A user who is not root: an account where there is none, the folders that a service writes given to it, and `USER`.
//!
//! Sources: passwd(5), group(5), shadow(5), gshadow(5); `check::user` for how a runtime resolves a user.

use std::collections::BTreeSet;

use super::{Transform, Wishes};
use crate::check::user::{User, resolve};
use crate::facts::FilePath;
use crate::harden::draft::Draft;
use crate::harden::entry::{NewEntry, NewKind};
use crate::harden::plan::{Change, Step};
use crate::layer::EntryKind;
use crate::layer::tar::HeaderChange;

/// The transform.
pub(super) struct NonRootUser;

/// The account where the user names none.
const NAME: &str = "app";

/// The lowest uid that is chosen: beyond those of distributions, and of most people on a host.
const FIRST_UID: u32 = 10001;

const FILES: [&[u8]; 4] = [b"etc/passwd", b"etc/group", b"etc/shadow", b"etc/gshadow"];

/// Folders that are the system's, whatever `WORKDIR` says.
const SYSTEM: &[&str] = &[
    "", "bin", "boot", "dev", "etc", "home", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp",
    "usr", "var",
];

/// Whether a survey should keep the file.
pub(super) fn reads(path: &[u8]) -> bool {
    FILES.contains(&path)
}

impl Transform for NonRootUser {
    fn name(&self) -> &'static str {
        "non-root-user"
    }

    fn summary(&self) -> &'static str {
        "run as a user who is not root, who owns the working folder and the volumes"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let spec = draft.config.setting("User").and_then(|user| user.as_str()).unwrap_or_default().to_owned();
        let before = resolve(&spec, &draft.inventory);
        if wishes.user.is_none()
            && let User { uid: Some(uid @ 1..), gid: Some(gid), .. } = before
        {
            draft.service = Some((uid, gid));
            return;
        }
        let mut step = Step::new(self.name(), "", "root in a container is root for the kernel");
        match obstacle(draft) {
            Some(obstacle) => step.cannot.push(obstacle),
            None => {
                let name = wishes.user.as_deref().unwrap_or(NAME);
                match account(draft, name, wishes.uid, &mut step) {
                    Ok(account) => run_as(draft, &account, before.uid.unwrap_or(0), &mut step),
                    Err(why) => step.cannot.push(why),
                }
            }
        }
        draft.note(step);
    }
}

/// Why another user than root cannot be right.
fn obstacle(draft: &Draft) -> Option<String> {
    let ports = draft.config.setting("ExposedPorts").and_then(|ports| ports.as_object());
    let low = |port: &&String| {
        port.split(['/', '-']).next().and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port < 1024)
    };
    let low: Vec<&str> = ports.into_iter().flat_map(|ports| ports.keys()).filter(low).map(String::as_str).collect();
    let can_bind = || draft.inventory.privileged.iter().any(|found| found.file.capabilities & (1 << 10) != 0);
    if !low.is_empty() && !can_bind() {
        let ports = low.join(", ");
        return Some(format!(
            "it stays root: a user who is not root cannot open port {ports} everywhere; let the service listen above 1023, or give its program cap_net_bind_service"
        ));
    }
    let program = ["Entrypoint", "Cmd"].iter().find_map(|name| draft.config.setting(name)?.get(0)?.as_str());
    let path = program.and_then(|program| draft.program(program))?;
    let entry = draft.view.get(&path).filter(|entry| entry.kind == EntryKind::File)?;
    (entry.mode & 0o001 == 0).then(|| format!("it stays root: others may not run {}", FilePath::new(&path)))
}

/// An account to run as.
struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

/// The account of this name, made where there is none.
fn account(draft: &mut Draft, name: &str, uid: Option<u32>, step: &mut Step) -> Result<Account, String> {
    let inventory = draft.inventory.clone();
    let accounts = inventory.accounts.as_deref().unwrap_or_default();
    if let Some(known) = accounts.iter().find(|account| account.name == name) {
        let ids = u32::try_from(known.uid).ok().zip(u32::try_from(known.gid).ok());
        let (known_uid, gid) = ids
            .filter(|(uid, _)| *uid != 0)
            .ok_or_else(|| format!("the account `{name}` is root's; name another one with --user"))?;
        if uid.is_some_and(|uid| uid != known_uid) {
            return Err(format!(
                "the account `{name}` has the uid {known_uid} in the image; leave out the one after --user"
            ));
        }
        return Ok(Account { name: name.to_owned(), uid: known_uid, gid });
    }
    let taken: BTreeSet<i64> =
        accounts.iter().map(|account| account.uid).chain(inventory.groups.iter().map(|group| group.gid)).collect();
    let free = |id: &u32| !taken.contains(&i64::from(*id));
    let id = match uid {
        Some(uid) if free(&uid) => uid,
        Some(uid) => {
            return Err(format!("the id {uid} is taken in the image; choose another one after --user {name}:"));
        }
        None => (FIRST_UID..).find(free).unwrap_or(FIRST_UID),
    };
    let gid = inventory.groups.iter().find(|group| group.name == name).and_then(|group| u32::try_from(group.gid).ok());
    let account = Account { name: name.to_owned(), uid: id, gid: gid.unwrap_or(id) };
    create(draft, &account, gid.is_none(), step);
    Ok(account)
}

/// Writes the account into the files that the image has; `passwd` and `group` are made where they are missing.
fn create(draft: &mut Draft, account: &Account, with_group: bool, step: &mut Step) {
    let Account { name, uid, gid } = account;
    let workdir = workdir(draft);
    let home = if SYSTEM.contains(&workdir.as_str()) { "/nonexistent".to_owned() } else { format!("/{workdir}") };
    let shell = ["usr/sbin/nologin", "sbin/nologin", "bin/false"];
    let shell = shell.iter().find(|path| draft.program(&format!("/{path}")).is_some()).unwrap_or(&"sbin/nologin");
    let lines = [
        (
            "etc/passwd",
            Some("root:x:0:0:root:/root:/sbin/nologin\n"),
            format!("{name}:x:{uid}:{gid}:{name}:{home}:/{shell}\n"),
        ),
        ("etc/group", Some("root:x:0:\n"), format!("{name}:x:{gid}:\n")),
        ("etc/shadow", None, format!("{name}:!:::::::\n")),
        ("etc/gshadow", None, format!("{name}:!::\n")),
    ];
    for (path, default, line) in lines {
        if !with_group && matches!(path, "etc/group" | "etc/gshadow") {
            continue;
        }
        let known = draft.read(path.as_bytes()).map(|content| content.to_vec());
        let Some(mut content) = known.or_else(|| default.map(|text| text.as_bytes().to_vec())) else { continue };
        if !content.is_empty() && !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        content.extend_from_slice(line.as_bytes());
        draft.write(path.as_bytes(), content, 0o644);
        step.changes.push(Change::new(format!("/{path}"), format!("gets `{}`", line.trim_end())));
    }
}

/// `WORKDIR` where it leads to, without a leading slash; empty for the root.
fn workdir(draft: &Draft) -> String {
    let named = draft.config.setting("WorkingDir").and_then(|folder| folder.as_str()).unwrap_or_default();
    let place = draft.view.follow(named.trim_matches('/').as_bytes()).unwrap_or_default();
    String::from_utf8(place).unwrap_or_default()
}

fn run_as(draft: &mut Draft, account: &Account, before: u32, step: &mut Step) {
    let Account { name, uid, gid } = account;
    step.title =
        format!("run as {name} ({uid}:{gid}) instead of {}", if before == 0 { "root" } else { "another user" });
    // As numbers, since Kubernetes' runAsNonRoot believes nothing else.
    draft.config.set("User", format!("{uid}:{gid}").into());
    draft.service = Some((*uid, *gid));
    step.changes.push(Change::new("config:User", format!("set to {uid}:{gid}")));
    for folder in folders(draft) {
        own(draft, &folder, (*uid, *gid), before, step);
    }
}

/// What the service writes: its working folder and its volumes.
fn folders(draft: &Draft) -> BTreeSet<String> {
    let volumes = draft.config.setting("Volumes").and_then(|volumes| volumes.as_object());
    let volumes = volumes.into_iter().flat_map(|volumes| volumes.keys());
    let volumes = volumes.filter_map(|volume| {
        let place = draft.view.follow(volume.trim_matches('/').as_bytes())?;
        String::from_utf8(place).ok()
    });
    volumes.chain([workdir(draft)]).filter(|folder| !SYSTEM.contains(&folder.as_str())).collect()
}

/// Gives a folder, and what of the old user is in it, to the account. One that is missing is made, since an engine would make it root's.
fn own(draft: &mut Draft, folder: &str, (uid, gid): (u32, u32), before: u32, step: &mut Step) {
    let path = FilePath::new(folder.as_bytes());
    let view = draft.view.clone();
    let change = HeaderChange { uid: Some(uid), gid: Some(gid), ..HeaderChange::default() };
    let known = view.get(folder.as_bytes());
    if known.is_none() {
        draft.put(NewEntry::new(folder.as_bytes(), NewKind::Directory, 0o755, draft.mtime).owned(uid, gid));
        step.changes.push(Change::new(&path, format!("made, owned by {uid}:{gid}")));
    }
    let mut count = 0;
    let below = view.below(folder.as_bytes());
    for (path, entry) in known.map(|entry| (&path, entry)).into_iter().chain(below) {
        if entry.uid == u64::from(before) && draft.is_there(path) {
            draft.change(path, change);
            count += 1;
        }
    }
    if count > 0 {
        let what = if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        step.changes.push(Change::new(path, format!("{what} given to {uid}:{gid}")));
    }
}
