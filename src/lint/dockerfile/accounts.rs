//! Accounts that a Dockerfile creates, and the `USER` that it lacks.

use super::Subject;
use crate::dockerfile::{Instruction, Keyword, Stage};
use crate::lint::image_name::ImageName;
use crate::lint::{Edit, is_root};
use crate::shell::Call;

/// Bases with an account that is there to be used, by the beginning of their names, and its uid as their publishers document it.
///
/// Sources: github.com/nodejs/docker-node, "Best Practices", "Non-root User"; github.com/GoogleContainerTools/distroless, "nonroot".
const KNOWN: &[(&str, &str)] = &[("node", "1000"), ("gcr.io/distroless/", "65532")];

/// Options of `useradd` and of both kinds of `adduser` that take the next word.
const WITH_VALUE: &[&str] = &[
    "-u",
    "--uid",
    "-g",
    "--gid",
    "-G",
    "--groups",
    "-d",
    "--home-dir",
    "--home",
    "-h",
    "-s",
    "--shell",
    "-c",
    "--comment",
    "--gecos",
    "-b",
    "--base-dir",
    "-e",
    "--expiredate",
    "-f",
    "--inactive",
    "-k",
    "--skel",
    "-K",
    "-p",
    "--password",
    "--ingroup",
    "--conf",
    "--firstuid",
    "--lastuid",
];

/// Programs with which a script gives root up.
const STEPS_DOWN: &[&str] = &["gosu", "su-exec", "setpriv", "s6-overlay", "/init", "runuser", "chroot --userspec"];

impl Subject<'_> {
    /// `USER` with the one account that can be meant, put behind the last instruction that needs to be root: the user of before, the one that is created here, or the base's.
    #[must_use]
    pub fn set_user(&self) -> Option<Edit> {
        let stage = self.final_stage()?;
        // What begins as root to become another later must begin as root, and a file that ends with root means it.
        let steps_down = self.file.instructions.iter().any(|instruction| {
            let text = self.file.source.get(&instruction.span);
            STEPS_DOWN.iter().any(|program| text.contains(program))
        });
        if steps_down {
            return None;
        }
        let user = self.earlier_user(stage).or_else(|| self.created(stage)).or_else(|| self.of_base(stage))?;
        let needs_root = |(_, instruction): &(usize, &Instruction)| {
            matches!(
                instruction.keyword,
                Keyword::Run | Keyword::Copy | Keyword::Add | Keyword::Workdir | Keyword::User | Keyword::Volume
            )
        };
        let last = self.file.body(stage).enumerate().filter(needs_root).last().map(|(_, instruction)| instruction);
        let after = last.or_else(|| self.file.instructions.get(stage.from))?;
        // Behind a heredoc stands its end, which is a line of its own.
        (after.heredocs.is_empty()
            && !(after.keyword == Keyword::User && is_root(after.text()))
            && !after.span.is_empty())
        .then(|| Edit::insert(after.span.end, format!("\nUSER {user}")))
    }

    /// The last user that was none of root's, in the stage and those below.
    fn earlier_user(&self, stage: &Stage) -> Option<String> {
        let users = self.chain(self.file.stages.get(stage.index)?).flat_map(|stage| {
            let all: Vec<&Instruction> = self.file.body(stage).collect();
            all.into_iter().rev().filter(|instruction| instruction.keyword == Keyword::User)
        });
        let mut plain = users.into_iter().map(Instruction::text).filter(|user| !user.contains('$') && !user.is_empty());
        plain.find(|user| !is_root(user)).map(str::to_owned)
    }

    /// The one account that is created: its uid, or its name.
    fn created(&self, stage: &Stage) -> Option<String> {
        let stages: Vec<usize> = self.chain(self.file.stages.get(stage.index)?).map(|stage| stage.index).collect();
        let runs = self.runs.iter().filter(|run| run.is_run());
        let runs = runs.filter(|run| run.stage.is_some_and(|stage| stages.contains(&stage.index)));
        let mut accounts: Vec<Option<String>> =
            runs.flat_map(|run| run.calls()).filter_map(|(_, call)| account(&call)).collect();
        accounts.dedup();
        match accounts.as_slice() {
            [Some(account)] => Some(account.clone()),
            _ => None,
        }
    }

    /// The account of the base.
    fn of_base(&self, stage: &Stage) -> Option<String> {
        let base = self.chain(self.file.stages.get(stage.index)?).last()?;
        let image = base.base.image()?;
        let name = ImageName::parse(image);
        let is_known = |known: &str| match known.strip_suffix('/') {
            Some(_) => image.starts_with(known),
            None => name.is_official() && name.repository == known,
        };
        KNOWN.iter().find(|(known, _)| is_known(known)).map(|(_, uid)| (*uid).to_owned())
    }
}

/// What a call creates: an account's uid, else its name; none inside where that is not plain. Outside none where it creates nothing.
fn account(call: &Call<'_>) -> Option<Option<String>> {
    if !matches!(call.name, "useradd" | "adduser") {
        return None;
    }
    let (mut uid, mut names, mut takes) = (None, Vec::new(), None);
    for word in call.arguments {
        let text = word.text.as_str();
        match (takes.take(), text.split_once('=')) {
            (Some("-u" | "--uid"), _) => uid = Some(text),
            (Some(_), _) => {}
            (None, Some(("--uid", value))) => uid = Some(value),
            (None, _) if WITH_VALUE.contains(&text) => takes = Some(text),
            (None, _) if text.starts_with('-') => {}
            (None, _) => names.push(text),
        }
    }
    let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let name = names.first().filter(|name| names.len() == 1 && is_plain(name) && !is_root(name));
    let uid = uid.filter(|uid| uid.parse::<u32>().is_ok_and(|uid| uid > 0));
    Some(name.map(|name| uid.unwrap_or(name).to_owned()))
}
