//! Package managers: which of their commands install what.

use super::Subject;
use crate::lint::{Edit, Problems};
use crate::shell::{Call, Link, Word};

/// How one package manager is called.
pub(super) struct Manager {
    /// Programs.
    programs: &'static [&'static str],
    /// Subcommands that install.
    install: &'static [&'static str],
    /// Options that take a value as the next word.
    with_value: &'static [&'static str],
}

const APT_VALUES: &[&str] = &[
    "-t",
    "--target-release",
    "--default-release",
    "-o",
    "--option",
    "-c",
    "--config-file",
    "-a",
    "--host-architecture",
];
pub(super) static APT: Manager =
    Manager { programs: &["apt-get", "apt", "aptitude"], install: &["install"], with_value: APT_VALUES };
pub(super) static APK: Manager = Manager {
    programs: &["apk"],
    install: &["add"],
    with_value: &[
        "-t",
        "--virtual",
        "-X",
        "--repository",
        "-p",
        "--root",
        "--repositories-file",
        "--keys-dir",
        "--cache-dir",
        "--arch",
        "--wait",
    ],
};
pub(super) static YUM: Manager = Manager { programs: &["yum"], install: RPM_INSTALL, with_value: RPM_VALUES };
pub(super) static DNF: Manager =
    Manager { programs: &["dnf", "dnf5", "microdnf", "tdnf"], install: RPM_INSTALL, with_value: RPM_VALUES };
const RPM_INSTALL: &[&str] = &["install", "localinstall", "reinstall"];
const RPM_VALUES: &[&str] = &[
    "-c",
    "-d",
    "-e",
    "-x",
    "--enablerepo",
    "--disablerepo",
    "--repo",
    "--repoid",
    "--releasever",
    "--installroot",
    "--setopt",
    "--exclude",
    "--config",
    "--comment",
    "--forcearch",
    "--disableplugin",
    "--enableplugin",
];
pub(super) static ZYPPER: Manager = Manager {
    programs: &["zypper"],
    install: &["install", "in"],
    with_value: &["-r", "--repo", "--from", "-t", "--type", "-C", "--capability", "-R", "--root", "-p", "--plus-repo"],
};
pub(super) static PIP: Manager =
    Manager { programs: &["pip", "pip2", "pip3"], install: &["install"], with_value: PIP_VALUES };
const PIP_VALUES: &[&str] = &[
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-e",
    "--editable",
    "-t",
    "--target",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--platform",
    "--python-version",
    "--implementation",
    "--abi",
    "--root",
    "--prefix",
    "-b",
    "--build",
    "--src",
    "--upgrade-strategy",
    "--install-option",
    "--global-option",
    "--no-binary",
    "--only-binary",
    "--progress-bar",
    "--cache-dir",
    "--trusted-host",
    "--timeout",
    "--retries",
    "--proxy",
    "--log",
    "--exists-action",
    "--cert",
    "--client-cert",
    "--config-settings",
    "-C",
    "--report",
    "--use-feature",
    "--use-deprecated",
    "--python",
    "--root-user-action",
    "--group",
];
pub(super) static NPM: Manager = Manager {
    programs: &["npm", "pnpm"],
    install: &["install", "i", "add"],
    with_value: &[
        "--prefix",
        "-C",
        "--registry",
        "--cache",
        "-w",
        "--workspace",
        "--omit",
        "--include",
        "--loglevel",
        "--tag",
        "--userconfig",
    ],
};
pub(super) static GEM: Manager = Manager {
    programs: &["gem"],
    install: &["install", "i"],
    with_value: &[
        "-v",
        "--version",
        "-i",
        "--install-dir",
        "-n",
        "--bindir",
        "-s",
        "--source",
        "-P",
        "--trust-policy",
        "--platform",
        "--without",
        "-p",
        "--http-proxy",
        "-B",
        "--build-root",
        "-g",
        "--file",
        "-E",
    ],
};
/// Options of `go` that take a value as the next word.
pub(super) const GO_VALUES: &[&str] =
    &["-ldflags", "-tags", "-o", "-mod", "-modfile", "-gcflags", "-asmflags", "-p", "-overlay"];

impl Manager {
    /// Whether a call is one of this manager's programs.
    pub(super) fn is(&self, call: &Call<'_>) -> bool {
        self.programs.contains(&call.name)
    }

    /// The packages that a call installs; none of a call that installs nothing.
    pub(super) fn installs<'a>(&'static self, call: &Call<'a>) -> Option<Vec<&'a Word>> {
        if !self.is(call) {
            return None;
        }
        let mut operands = call.operands(self.with_value);
        let subcommand = operands.next()?;
        // A word whose value is not known may be anything: a version, several packages, nothing.
        self.install.contains(&subcommand.text.as_str()).then(|| operands.filter(|word| word.is_literal).collect())
    }
}

/// The call of a program that Python runs as a module: `python -m pip install x` is `pip install x`.
pub(super) fn as_module<'a>(call: Call<'a>) -> Call<'a> {
    let is_python =
        call.name.starts_with("python") && call.name.bytes().skip(6).all(|byte| byte.is_ascii_digit() || byte == b'.');
    let module = call.arguments.iter().position(|word| word.text == "-m").filter(|_| is_python);
    match module.and_then(|at| Some((call.arguments.get(at + 1)?, call.arguments.get(at + 2..)?))) {
        Some((word, arguments)) => Call { name: &word.text, word, arguments },
        None => call,
    }
}

/// Whether a word names a file or an address, and no package of a repository.
pub(super) fn is_file(word: &str, extensions: &[&str]) -> bool {
    word.starts_with(['.', '/', '~'])
        || word.contains("://")
        || word.starts_with("git+")
        || extensions.iter().any(|extension| word.ends_with(extension))
}

/// Whether a package of an rpm distribution is named with its version: `name-1.2`, a group, something that it provides, or a file.
pub(super) fn is_rpm_pinned(word: &str) -> bool {
    let has_version = word
        .match_indices('-')
        .any(|(at, _)| word.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())));
    has_version || word.contains(['=', '(', '@', '*', '/']) || is_file(word, &[".rpm"])
}

/// States each command that installs packages of a manager without a version.
pub(super) fn unpinned(
    subject: &Subject<'_>,
    problems: &mut Problems,
    manager: &'static Manager,
    is_pinned: fn(&str) -> bool,
) {
    for (_, _, call) in subject.calls() {
        unpinned_of(&as_module(call), problems, manager, is_pinned);
    }
}

/// The same of one command: one problem, however many packages, from the first of them to the last.
pub(super) fn unpinned_of(
    call: &Call<'_>,
    problems: &mut Problems,
    manager: &'static Manager,
    is_pinned: fn(&str) -> bool,
) {
    let mut packages = manager.installs(call).unwrap_or_default();
    packages.retain(|word| !is_pinned(&word.text));
    let (Some(first), Some(last)) = (packages.first(), packages.last()) else { return };
    let names: Vec<&str> = packages.iter().map(|word| word.text.as_str()).collect();
    let message = match names.as_slice() {
        [one] => format!("`{one}` is installed without a version"),
        [one, two] => format!("`{one}` and `{two}` are installed without a version"),
        [one, two, rest @ ..] => format!("`{one}`, `{two}` and {} more are installed without a version", rest.len()),
        [] => return,
    };
    problems.add(&(first.span.start..last.span.end), names.join(" "), message);
}

/// States each command of a manager that waits for an answer, as none of the options that give one is there.
pub(super) fn asks(subject: &Subject<'_>, problems: &mut Problems, manager: &'static Manager, options: &[&str]) {
    for (_, command, call) in subject.calls() {
        if manager.installs(&call).is_none() || call.has_any(options) || command.link == Link::Pipe {
            continue;
        }
        let verb = call.operands(manager.with_value).next();
        let problem = problems.add(&command.span, call.name, format!("`{}` waits for an answer", call.name));
        if let Some(verb) = verb.filter(|verb| subject.is_verbatim(verb)) {
            problem.fix("add -y", [Edit::insert(verb.span.end, " -y")]);
        }
    }
}

/// States each `RUN` of a stage that is shipped in which a manager installs something and what it downloads stays.
pub(super) fn leaves_cache(
    subject: &Subject<'_>,
    problems: &mut Problems,
    manager: &'static Manager,
    folders: &[&str],
    remedy: &'static str,
) {
    for run in subject.runs.iter().filter(|run| run.is_run() && run.stage.is_none_or(|stage| subject.is_shipped(stage)))
    {
        let Some((command, call)) = run.calls().find(|(_, call)| manager.installs(call).is_some()) else { continue };
        let cleans = |call: &Call<'_>| {
            let verb = call.operands(manager.with_value).next().map_or("", |word| word.text.as_str());
            let is_folder = |word: &Word| {
                let path = word.text.trim_end_matches(['*', '/']);
                folders.iter().any(|folder| *folder == path || word.text.starts_with(folder)) || path == "/var/cache"
            };
            (RPM_CLEANERS.contains(&call.name) && matches!(verb, "clean" | "cc"))
                || (matches!(call.name, "rm" | "find") && call.arguments.iter().any(is_folder))
        };
        if run.calls().any(|(_, call)| cleans(&call)) || folders.iter().any(|folder| run.is_mounted(folder)) {
            continue;
        }
        let problem = problems.add(&command.span, call.name, "what is downloaded stays in the layer");
        // microdnf and tdnf clean with their own name.
        let own = remedy.split_once(' ').map_or(remedy.to_owned(), |(_, rest)| format!("{} {rest}", call.name));
        if let Some(edit) = subject.append(run, &own) {
            problem.fix("clean the cache at the end", [edit]);
        }
    }
}

/// Programs of which each cleans what the others of its kind leave.
const RPM_CLEANERS: &[&str] = &["yum", "dnf", "dnf5", "microdnf", "tdnf", "zypper"];
