//! What is run at set times: cron's tables.
//!
//! Source: crontab(5) of Debian's cron and of cronie; BusyBox keeps tables of users in `etc/crontabs`.

use super::{InspectError, Inspector, Meta, whole};
use crate::facts::{CronJob, Fact, FilePath};
use crate::layer::path::normalise;
use crate::layer::{Entry, FileView};
use crate::shell;

/// Real tables have some lines.
const MAX_BYTES: u64 = 1 << 20;

/// Most jobs of a table.
const MAX_JOBS: usize = 1000;

/// Most programs and scripts that are kept of one job.
const MAX_PROGRAMS: usize = 20;

/// `etc/crontab`, `etc/cron.d`, and the tables of users.
pub(super) struct CronTables;

static META: Meta = Meta {
    name: "os/cron",
    summary: "what is run at set times",
    required: false,
    doc: "**Reads** `etc/crontab`, `etc/anacrontab`, and the files of `etc/cron.d`, `etc/crontabs` and `var/spool/cron`, up to 1 MiB each.\n\n**Reports** the user of each job, and the absolute paths that its command names.\n\n\
          **Cannot see** timers of systemd, and what the programs start themselves.\n\n**Since** 0.3.0",
};

/// Folders whose files are tables of the user that they are named after.
const OF_USERS: &[&[u8]] =
    &[b"var/spool/cron/crontabs/", b"var/spool/cron/tabs/", b"etc/crontabs/", b"var/spool/cron/"];

impl Inspector for CronTables {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn wants(&self, entry: &Entry<'_>, _head: &[u8]) -> bool {
        matches!(entry.path, b"etc/crontab" | b"etc/anacrontab")
            || entry.path.starts_with(b"etc/cron.d/")
            || user_of(entry.path).is_some()
    }

    fn inspect(&self, file: &FileView<'_>, facts: &mut Vec<Fact>) -> Result<(), InspectError> {
        let path = file.entry.path;
        let table = match (user_of(path), path) {
            (Some(user), _) => Table::Of(user),
            (None, b"etc/anacrontab") => Table::Anacron,
            _ => Table::System,
        };
        let text = String::from_utf8_lossy(whole(file, MAX_BYTES)?);
        let jobs: Vec<CronJob> =
            (1u32..).zip(text.lines()).filter_map(|(line, text)| job(line, text, &table)).take(MAX_JOBS + 1).collect();
        let is_cut = jobs.len() > MAX_JOBS;
        facts.push(Fact::CronJobs(jobs.into_iter().take(MAX_JOBS).collect()));
        if is_cut { Err(InspectError::Malformed("more jobs than are read")) } else { Ok(()) }
    }
}

/// Whose table a file is, where its name says so.
fn user_of(path: &[u8]) -> Option<String> {
    let name = OF_USERS.iter().find_map(|folder| path.strip_prefix(*folder))?;
    (!name.is_empty() && !name.contains(&b'/')).then(|| String::from_utf8_lossy(name).into_owned())
}

/// What a table's lines look like.
enum Table {
    /// They name the user before the command.
    System,
    /// Period, delay and a name before the command, which is root's.
    Anacron,
    /// They are this user's.
    Of(String),
}

fn job(line: u32, text: &str, table: &Table) -> Option<CronJob> {
    let text = text.trim();
    let mut words = text.split_whitespace();
    let first = words.next()?;
    // `NAME=value`, or `NAME = value`, is a setting.
    if first.starts_with('#') || first.contains('=') || words.next().is_some_and(|word| word.starts_with('=')) {
        return None;
    }
    let fields = match (table, text.starts_with('@')) {
        (Table::Anacron, _) => 3,
        (_, true) => 1,
        (_, false) => 5,
    };
    let rest = behind_words(text, fields)?;
    let (user, command) = match table {
        Table::System => {
            let user = rest.split_whitespace().next()?;
            (user.to_owned(), behind_words(rest, 1)?)
        }
        Table::Anacron => ("root".to_owned(), rest),
        Table::Of(user) => (user.clone(), rest),
    };
    Some(CronJob { line, user, programs: programs(command) })
}

/// What stands behind so many words.
fn behind_words(text: &str, count: usize) -> Option<&str> {
    let mut rest = text.trim_start();
    for _ in 0..count {
        rest = rest.split_once(char::is_whitespace)?.1.trim_start();
    }
    (!rest.is_empty()).then_some(rest)
}

/// Absolute paths among the words of its commands.
fn programs(command: &str) -> Vec<FilePath> {
    let script = shell::parse(command);
    let words = script.commands.iter().flat_map(|command| &command.words);
    let mut path = Vec::new();
    let paths = words.filter(|word| word.text.starts_with('/')).filter_map(|word| {
        normalise(word.text.as_bytes(), &mut path).ok()?;
        (!path.is_empty()).then(|| FilePath::new(&path))
    });
    paths.take(MAX_PROGRAMS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, table: &Table) -> Option<(String, Vec<String>)> {
        let job = job(1, text, table)?;
        Some((job.user, job.programs.iter().map(ToString::to_string).collect()))
    }

    #[test]
    fn lines_are_read_as_their_table_has_them() {
        let job = |user: &str, programs: &[&str]| {
            Some((user.to_owned(), programs.iter().map(|path| (*path).to_owned()).collect()))
        };
        for (text, table, expected) in [
            (
                "17 * * * * root cd / && /usr/sbin/run-parts --report /etc/cron.hourly",
                &Table::System,
                job("root", &["/usr/sbin/run-parts", "/etc/cron.hourly"]),
            ),
            ("*/5 * * * * /app/job.sh >/dev/null 2>&1", &Table::Of("app".into()), job("app", &["/app/job.sh"])),
            ("@reboot root /bin/sh /opt/a/../start", &Table::System, job("root", &["/bin/sh", "/opt/start"])),
            ("1 5 cron.daily run-parts /etc/cron.daily", &Table::Anacron, job("root", &["/etc/cron.daily"])),
            ("PATH=/usr/sbin:/usr/bin", &Table::System, None),
            ("MAILTO = a b c d e f g", &Table::System, None),
            ("# 17 * * * * root a", &Table::System, None),
            ("1 2 3", &Table::System, None),
        ] {
            assert_eq!(shown(text, table), expected, "{text}");
        }
    }

    #[test]
    fn a_table_of_a_user_is_named_after_it() {
        assert_eq!(user_of(b"var/spool/cron/crontabs/root").as_deref(), Some("root"));
        assert_eq!(user_of(b"var/spool/cron/app").as_deref(), Some("app"));
        assert_eq!(user_of(b"var/spool/cron/atjobs/a"), None);
    }
}
