//! Folders on `PATH` into which somebody else than root may put programs.

use super::{Check, Meta, Subject, user};
use crate::advisory::model::Severity;
use crate::facts::access::{GROUP_WRITES, OTHERS_WRITE};
use crate::facts::inventory::Entrusted;
use crate::finding::{Finding, Kind};

/// `writable-path-folder`.
pub(super) struct WritablePath;

static META: Meta = Meta {
    name: "writable-path-folder",
    summary: "the service can put programs into a folder of PATH",
    doc: "**Reads** `PATH` and `USER` of the image configuration, and the modes and owners of the folders that `PATH` names, through the image's links.\n\n\
          **Reports** folders that everyone may write, and those that the user whom the image runs as owns or may write by its group: whoever takes over the service puts a program there that others start.\n\n\
          **Cannot see** a `PATH` that the service sets itself, further groups of the user, and folders that are not there yet.\n\n**Since** 0.3.0",
    aliases: &[],
    needs_config: true,
};

impl Check for WritablePath {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn run(&self, subject: &Subject<'_>) -> Vec<Finding> {
        let user = user::resolve(&subject.manifest.config.config.user, subject.inventory);
        subject.inventory.search_path.iter().filter_map(|folder| finding(subject, folder, &user)).collect()
    }
}

fn finding(subject: &Subject<'_>, folder: &Entrusted, user: &user::User) -> Option<Finding> {
    let access = folder.access;
    let is = |id: Option<u32>, other: u64| id.is_some_and(|id| id != 0 && u64::from(id) == other);
    let in_group = user.uid != Some(0) && user.gid.is_some_and(|gid| u64::from(gid) == access.gid);
    let (severity, who) = if access.mode & OTHERS_WRITE != 0 {
        (Severity::Medium, "by everyone")
    } else if is(user.uid, access.uid) {
        (Severity::Low, "by the user whom the image runs as, its owner")
    } else if in_group && access.mode & GROUP_WRITES != 0 {
        (Severity::Low, "by the group of the user whom the image runs as")
    } else {
        return None;
    };
    let title = format!("{} is on PATH and may be written {who} ({:04o})", folder.path, access.mode);
    let finding = Finding::new(Kind::Config, META.name, severity, title, folder.path.to_string());
    Some(
        finding
            .at(subject.place(&folder.path, folder.layer))
            .advise("leave the folders of PATH to root (chown root, chmod go-w): the service only needs to read them"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::{account, manifest, subject};
    use super::*;
    use crate::facts::access::Access;
    use crate::facts::{FilePath, Inventory};

    #[test]
    fn a_folder_of_somebody_else_is_none_of_the_service() {
        for (user, mode, uid, gid, expected) in [
            ("", 0o755, 0, 0, None),
            ("", 0o777, 0, 0, Some(Severity::Medium)),
            ("", 0o1777, 0, 0, Some(Severity::Medium)),
            ("", 0o755, 1000, 1000, None),
            ("app", 0o755, 1000, 1000, Some(Severity::Low)),
            ("app", 0o755, 1001, 1000, None),
            ("app", 0o775, 1001, 1000, Some(Severity::Low)),
            ("app", 0o775, 0, 50, None),
            ("1001", 0o775, 0, 0, Some(Severity::Low)),
            ("0", 0o775, 0, 0, None),
        ] {
            let manifest = manifest(&format!(r#"{{"config":{{"User":"{user}"}}}}"#));
            let folder =
                Entrusted { path: FilePath::new(b"app/bin"), layer: 0, access: Access { mode, uid, gid }, owner: None };
            let inventory = Inventory {
                accounts: Some(vec![account("root", 0), account("app", 1000)]),
                search_path: vec![folder],
                ..Inventory::default()
            };
            let found = WritablePath.run(&subject(&manifest, &inventory));
            assert_eq!(found.first().map(|finding| finding.severity), expected, "{user} {mode:o} {uid} {gid}");
        }
    }
}
