//! Who an image runs as, against moby's `sys/user` (`testdata/inspect/accounts`).

use std::collections::BTreeMap;
use std::fs;

use imgguard::check::user;
use imgguard::facts::{Fact, FilePath, Inventory};
use imgguard::inspect::wanted_by_name;
use imgguard::layer::{Entry, EntryKind, FileView};
use serde::Deserialize;

use super::fixture;

#[derive(Deserialize)]
struct Case {
    passwd: Option<String>,
    group: Option<String>,
    answers: BTreeMap<String, Option<Answer>>,
}

#[derive(Deserialize, Debug, PartialEq)]
struct Answer {
    uid: u32,
    gid: u32,
}

fn facts(path: &str, content: &str) -> Vec<Fact> {
    let (path, bytes) = (FilePath::new(path.as_bytes()), content.as_bytes());
    let entry = Entry {
        path: path.as_bytes(),
        kind: EntryKind::File,
        size: bytes.len() as u64,
        mode: 0o644,
        uid: 0,
        gid: 0,
        link: b"",
        capability: None,
    };
    let mut facts = Vec::new();
    wanted_by_name(entry.path).unwrap().inspect(&FileView::in_memory(entry, bytes), &mut facts).unwrap();
    facts
}

#[test]
fn users_are_who_the_engines_take_them_for() {
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(fixture("accounts").join("cases.json")).unwrap()).unwrap();
    let mut answered = 0;
    for case in &cases {
        let mut inventory = Inventory::default();
        let files = [("etc/passwd", &case.passwd), ("etc/group", &case.group)];
        for fact in files.iter().flat_map(|(path, text)| text.iter().flat_map(|text| facts(path, text))) {
            match fact {
                Fact::Accounts(accounts) => inventory.accounts = Some(accounts),
                Fact::Groups(groups) => inventory.groups = groups,
                _ => {}
            }
        }
        for (spec, answer) in &case.answers {
            let ours = user::resolve(spec, &inventory);
            let resolved = ours.problem.is_none().then(|| Answer { uid: ours.uid.unwrap(), gid: ours.gid.unwrap() });
            assert_eq!(resolved, *answer, "USER {spec:?} over {:?} and {:?}", case.passwd, case.group);
            answered += usize::from(answer.is_some());
        }
    }
    assert!(answered > 80, "{answered}");
}
