//! Programs that give their user the rights of another: setuid, setgid, file capabilities.

use super::{Transform, Wishes};
use crate::facts::inventory::FoundPrivileged;
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};
use crate::harden::survey::SETID;
use crate::layer::tar::HeaderChange;

/// The transform.
pub(super) struct Privileges;

/// `CAP_NET_BIND_SERVICE`: ports below 1024 (Linux `include/uapi/linux/capability.h`).
const NET_BIND_SERVICE: u64 = 1 << 10;

impl Transform for Privileges {
    fn name(&self) -> &'static str {
        "privileges"
    }

    fn summary(&self) -> &'static str {
        "take setuid, setgid and capabilities from programs, but for those of --keep-privileged"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let why = "a service needs none of them, and each is a way from its user to root";
        let mut step = Step::new(self.name(), "take special rights from programs", why);
        let inventory = draft.inventory.clone();
        for FoundPrivileged { file, .. } in &inventory.privileged {
            let path = file.path.to_string();
            if !draft.is_there(&file.path) {
                continue;
            }
            if wishes.keep_privileged.is_match(&path) {
                step.cannot.push(format!("{path} keeps its rights: --keep-privileged names it"));
                continue;
            }
            // What binds a low port for a user who is not root is the reason why it can be that user.
            if file.mode & SETID == 0 && file.capabilities == NET_BIND_SERVICE {
                step.cannot.push(format!("{path} keeps cap_net_bind_service: it may be what opens a port below 1024"));
                continue;
            }
            let change = HeaderChange {
                mode: (file.mode & SETID != 0).then_some(file.mode & !SETID),
                drop_capability: file.capabilities != 0,
                ..HeaderChange::default()
            };
            draft.change(&file.path, change);
            step.changes.push(Change::new(path, describe(file.mode, file.capabilities)));
        }
        draft.note(step);
    }
}

fn describe(mode: u32, capabilities: u64) -> String {
    let mut parts = Vec::new();
    if mode & SETID != 0 {
        parts.push(format!("mode {mode:04o} to {:04o}", mode & !SETID));
    }
    if capabilities != 0 {
        parts.push(format!("without its capabilities ({capabilities:#x})"));
    }
    parts.join(", ")
}
