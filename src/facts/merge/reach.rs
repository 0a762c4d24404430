//! Which packages an image's command can load, as far as that can be seen without running anything.
//!
//! From the command and the health check: programs on `PATH`, the libraries they are linked with (as ld.so(8) finds them), the interpreters of scripts, the
//! commands of shell scripts, and everything in the folders of an interpreter that was met. What no such path leads to is marked and nothing else: a program
//! may open libraries and start programs by names that it computes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::loading::{self, Linkage, Loading, commands};
use super::super::path::{join, parent};
use super::super::tree::Node;
use super::super::{Evidence, Fact, Inventory, PackageKind};
use super::Merge;
use super::diversions::Diversions;
use crate::oci::RunConfig;

/// Where programs are looked for without a `PATH`, as runc does.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that start what their own configuration names; behind them nothing can be said.
const SUPERVISORS: &[&str] = &[
    "init",
    "systemd",
    "supervisord",
    "s6-svscan",
    "runsvdir",
    "runit",
    "openrc-init",
    "execlineb",
    "cron",
    "crond",
    "sshd",
    "monit",
];

/// Modules that a library opens by folders of its own configuration: the library's name, and the folder beside it.
const MODULES: &[(&str, &str)] = &[
    ("libpam.so.", "security"),
    ("libsasl2.so.", "sasl2"),
    ("libkrb5.so.", "krb5"),
    ("libcrypto.so.", "ossl-modules"),
    ("libc.so.6", "gconv"),
];

/// An interpreter whose modules are found by folders.
struct Language {
    /// Packages that it loads.
    kinds: &'static [PackageKind],
    /// Names of its programs, without their versions.
    programs: &'static [&'static str],
    /// Its library begins so.
    library: &'static str,
    /// Names of folders, without versions, below which its modules are.
    folders: &'static [&'static str],
}

const fn language(
    kinds: &'static [PackageKind],
    programs: &'static [&'static str],
    library: &'static str,
    folders: &'static [&'static str],
) -> Language {
    Language { kinds, programs, library, folders }
}

static LANGUAGES: &[Language] = &[
    language(
        &[PackageKind::PyPi],
        &["python", "pypy"],
        "libpython",
        &["python", "pypy", "site-packages", "dist-packages"],
    ),
    language(&[PackageKind::Npm], &["node", "nodejs", "bun", "deno"], "libnode", &["node_modules", "nodejs"]),
    language(&[PackageKind::Gem], &["ruby", "jruby", "truffleruby"], "libruby", &["ruby", "gems", "bundle"]),
    language(&[PackageKind::Composer], &["php"], "libphp", &["php"]),
    language(&[PackageKind::Maven], &["java"], "libjvm", &["jvm", "java", "jdk", "jre", "openjdk"]),
    language(&[PackageKind::Cpan], &["perl"], "libperl", &["perl"]),
    language(&[PackageKind::Cran], &["R", "Rscript"], "libR.so", &["R"]),
    language(&[PackageKind::LuaRocks], &["lua", "luajit", "resty"], "liblua", &["lua", "luarocks"]),
    language(&[PackageKind::NuGet], &["dotnet"], "libhostfxr", &["dotnet"]),
    language(&[PackageKind::Hex], &["erl", "beam", "erlexec", "elixir"], "liberl", &["erlang", "elixir", "erts"]),
];

impl Language {
    fn of_program(name: &str) -> Option<usize> {
        LANGUAGES.iter().position(|language| language.programs.contains(&unversioned(name)))
    }

    fn of_library(name: &str) -> Option<usize> {
        LANGUAGES.iter().position(|language| name.starts_with(language.library))
    }
}

/// A name up to its version: `python` of `python3.11`, `php` of `php-fpm8.2`.
fn unversioned(name: &str) -> &str {
    name.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default()
}

fn name_of(path: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default())
}

impl Merge<'_> {
    /// Marks the packages that the image's command can load and those that no path leads to; none where nothing can be said.
    pub(super) fn mark_loaded(&self, inventory: &mut Inventory, config: &RunConfig) {
        let Some(reach) = Walk::new(self, config).run(config) else { return };
        let (with_files, loaded) = self.loaded_systems(&reach);
        for package in &mut inventory.packages {
            let kind = package.fact.kind;
            let language = LANGUAGES.iter().position(|language| language.kinds.contains(&kind));
            package.loaded = match kind {
                _ if package.fact.evidence == Evidence::Listed => None,
                kind if kind.is_os() => {
                    let name = package.fact.name.as_str();
                    with_files.contains(name).then(|| loaded.contains(name))
                }
                PackageKind::Go | PackageKind::Cargo | PackageKind::Generic => {
                    Some(reach.files.contains(package.path.as_bytes()))
                }
                _ => language.map(|language| reach.languages.contains(&language)),
            };
        }
    }

    /// The OS packages whose files are recorded, and those of them that the command can load.
    fn loaded_systems(&self, reach: &Reach) -> (HashSet<&str>, HashSet<&str>) {
        let diversions = Diversions::of(self);
        let names: HashSet<Vec<u8>> = reach.files.iter().flat_map(|path| diversions.names_of(self, path)).collect();
        let (mut with_files, mut loaded) = (HashSet::new(), HashSet::new());
        for (_, file) in self.live_files().filter(|(_, file)| self.is_database(&file.path)) {
            for fact in &file.facts {
                let Fact::Owned(owned) = fact else { continue };
                let package = owned.package.as_str();
                with_files.insert(package);
                if !loaded.contains(package)
                    && owned.paths.iter().any(|path| names.contains(path) || reach.covers(path))
                {
                    loaded.insert(package);
                }
            }
        }
        (with_files, loaded)
    }
}

/// What the command can load.
#[derive(Default)]
struct Reach {
    /// Files, as they stand in the merged view.
    files: HashSet<Vec<u8>>,
    /// Places of interpreters in [`LANGUAGES`].
    languages: BTreeSet<usize>,
}

impl Reach {
    /// Whether the path is below a folder of an interpreter that was met.
    fn covers(&self, path: &[u8]) -> bool {
        let languages = || self.languages.iter().filter_map(|index| LANGUAGES.get(*index));
        !self.languages.is_empty() && languages().any(|language| is_module(language, path))
    }
}

/// Whether a folder above the file is one of the language's, or it is one of Node's compiled modules.
fn is_module(language: &Language, path: &[u8]) -> bool {
    let Some(folder) = parent(path) else { return false };
    folder.split(|byte| *byte == b'/').any(|part| {
        let Ok(part) = std::str::from_utf8(part) else { return false };
        language.folders.iter().any(|folder| part == *folder || unversioned(part) == *folder)
    })
}

/// A file: the layer that has it, and its path there.
type Place = (usize, Vec<u8>);

struct Walk<'m, 'a> {
    merge: &'m Merge<'a>,
    /// By layer and path.
    loading: HashMap<(usize, &'a [u8]), &'a Loading>,
    /// Folders of `PATH`.
    path: Vec<Vec<u8>>,
    /// Folders of libraries.
    libraries: Vec<Vec<u8>>,
    working_dir: Vec<u8>,
    found: HashMap<String, Option<Place>>,
    seen: HashSet<Place>,
    todo: Vec<Place>,
    reach: Reach,
}

impl<'m, 'a> Walk<'m, 'a> {
    fn new(merge: &'m Merge<'a>, config: &RunConfig) -> Self {
        let variable = |name: &str| {
            let of = |pair: &'_ String| {
                pair.split_once('=').filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
            };
            config.env.iter().rev().find_map(of)
        };
        let folders =
            |list: &str| -> Vec<Vec<u8>> { list.split(':').map(inside).filter(|folder| !folder.is_empty()).collect() };
        let layers = merge.layers.iter().enumerate().filter_map(|(index, facts)| Some((index, facts.as_ref()?)));
        let files = layers.flat_map(|(index, facts)| facts.loading.iter().map(move |file| (index, file)));
        let loading: HashMap<_, _> =
            files.map(|(index, file)| ((index, file.path.as_bytes()), &file.loading)).collect();
        let with_libraries: BTreeSet<&[u8]> =
            loading.keys().filter_map(|(_, path)| parent(path)).filter(|folder| is_library_folder(folder)).collect();
        let mut libraries = folders(&variable("LD_LIBRARY_PATH").unwrap_or_default());
        libraries.extend(with_libraries.into_iter().map(<[u8]>::to_vec));
        Self {
            merge,
            loading,
            path: folders(&variable("PATH").unwrap_or_else(|| DEFAULT_PATH.to_owned())),
            libraries,
            working_dir: inside(&config.working_dir),
            found: HashMap::new(),
            seen: HashSet::new(),
            todo: Vec::new(),
            reach: Reach::default(),
        }
    }

    /// None where nothing can be said: no command, a shell that waits for input, a supervisor, a program that is not there.
    fn run(mut self, config: &RunConfig) -> Option<Reach> {
        let command: Vec<&str> = config.entrypoint.iter().chain(&config.cmd).map(String::as_str).collect();
        let first = command.first()?;
        // A shell that is given no text: the command as a whole, or what an entrypoint is given to start.
        let waits = |words: &[&str]| {
            let is_shell = |word: &&str| loading::is_shell(&name_of(word.as_bytes()));
            words.first().is_some_and(is_shell) && words.iter().all(|word| word.starts_with('-') || is_shell(word))
        };
        let given: Vec<&str> = config.cmd.iter().map(String::as_str).collect();
        let supervised = |word: &&str| SUPERVISORS.contains(&name_of(word.as_bytes()).as_ref());
        if waits(&command) || waits(&given) || command.iter().any(supervised) || !self.start(first) {
            return None;
        }
        let health = config.healthcheck.iter().flat_map(|check| check.test.iter().map(String::as_str));
        for word in command.into_iter().chain(health) {
            // Programs start what their arguments name, and shells run theirs as text.
            if !self.start(word) {
                let mut words = BTreeSet::new();
                commands::add(word.as_bytes(), &mut words);
                self.start_all(words.into_iter());
            }
        }
        while let Some((layer, path)) = self.todo.pop() {
            self.follow(layer, &path);
        }
        Some(self.reach)
    }

    /// Starts a program by its name or path; false where there is none.
    fn start(&mut self, word: &str) -> bool {
        let place = if let Some(known) = self.found.get(word) { known.clone() } else { self.find(word) };
        self.found.insert(word.to_owned(), place.clone());
        let Some((layer, path)) = place else { return false };
        let languages = [Language::of_program(&name_of(word.as_bytes())), Language::of_program(&name_of(&path))];
        languages.into_iter().flatten().for_each(|language| self.speak(language));
        self.add(layer, path);
        true
    }

    /// Starts those words that name a program.
    fn start_all<'w>(&mut self, words: impl Iterator<Item = &'w [u8]>) {
        for word in words {
            self.start(&String::from_utf8_lossy(word));
        }
    }

    fn find(&mut self, word: &str) -> Option<Place> {
        let names: Vec<Vec<u8>> = match (word.strip_prefix('/'), word.contains('/')) {
            (Some(absolute), _) => vec![absolute.as_bytes().to_vec()],
            (None, true) => vec![join(&self.working_dir, word.strip_prefix("./").unwrap_or(word).as_bytes())],
            (None, false) => self.path.iter().map(|folder| join(folder, word.as_bytes())).collect(),
        };
        let view = &self.merge.view;
        let resolve = |name: &Vec<u8>| view.resolve(name).filter(|(_, path)| !view.is_folder(path));
        let (name, place) = names.into_iter().find_map(|name| resolve(&name).map(|place| (name, place)))?;
        // The link that leads to it may be of another package.
        self.reach.files.insert(name);
        Some(place)
    }

    fn add(&mut self, layer: usize, path: Vec<u8>) {
        if self.seen.insert((layer, path.clone())) {
            self.reach.files.insert(path.clone());
            self.todo.push((layer, path));
        }
    }

    fn follow(&mut self, layer: usize, path: &[u8]) {
        match self.loading.get(&(layer, path)).copied() {
            Some(Loading::Linked(linkage)) => self.link(path, linkage),
            Some(Loading::Script(script)) => {
                self.start_all(script.interpreter.iter().map(String::as_bytes));
                self.start_all(script.commands.iter());
            }
            None => {}
        }
    }

    fn link(&mut self, path: &[u8], linkage: &Linkage) {
        let origin = parent(path).unwrap_or_default();
        if let Some(interpreter) = &linkage.interpreter {
            self.start(interpreter);
        }
        let own: Vec<Vec<u8>> = linkage.search.iter().map(|folder| search_folder(folder, origin)).collect();
        for name in &linkage.needed {
            if let Some(language) = Language::of_library(name) {
                self.speak(language);
            }
            if let Some((layer, place)) = self.library(name, &own) {
                self.modules(name, &place);
                self.add(layer, place);
            }
        }
    }

    fn library(&mut self, name: &str, own: &[Vec<u8>]) -> Option<Place> {
        let resolve = |folder: &Vec<u8>| self.merge.view.resolve(&join(folder, name.as_bytes()));
        if let Some(place) = own.iter().find_map(resolve) {
            return Some(place);
        }
        if let Some(known) = self.found.get(name) {
            return known.clone();
        }
        let place = self.libraries.iter().find_map(resolve);
        self.found.insert(name.to_owned(), place.clone());
        place
    }

    /// Adds the modules of a library.
    fn modules(&mut self, name: &str, place: &[u8]) {
        let Some((_, folder)) = MODULES.iter().find(|(library, _)| name.starts_with(library)) else { return };
        let below = [parent(place).unwrap_or_default(), b"/", folder.as_bytes(), b"/"].concat();
        self.add_linked(|path| path.starts_with(&below));
    }

    /// Notes an interpreter, and adds the compiled modules in its folders.
    fn speak(&mut self, language: usize) {
        let Some(spoken) = LANGUAGES.get(language).filter(|_| self.reach.languages.insert(language)) else { return };
        self.add_linked(|path| is_module(spoken, path));
    }

    /// Adds the linked files of the merged view that `wanted` takes.
    fn add_linked(&mut self, wanted: impl Fn(&[u8]) -> bool) {
        let linked = self.loading.iter().filter(|(_, loading)| matches!(loading, Loading::Linked(_)));
        let wanted = linked.map(|((layer, path), _)| (*layer, *path)).filter(|(_, path)| wanted(path));
        let live: Vec<_> = wanted
            .filter(|(layer, path)| matches!(self.merge.view.entry(path), Some((top, Node::File)) if top == *layer))
            .collect();
        live.into_iter().for_each(|(layer, path)| self.add(layer, path.to_vec()));
    }
}

/// A path of the image without its leading and trailing slash.
fn inside(path: &str) -> Vec<u8> {
    path.trim_matches('/').as_bytes().to_vec()
}

/// Whether the loader looks here without being told: `lib`, `usr/lib64`, `usr/local/lib`, and what multiarch has below them.
fn is_library_folder(folder: &[u8]) -> bool {
    let folder = folder.strip_prefix(b"usr/").unwrap_or(folder);
    let folder = folder.strip_prefix(b"local/").unwrap_or(folder);
    let mut parts = folder.split(|byte| *byte == b'/');
    let first = parts.next().is_some_and(|part| matches!(part, b"lib" | b"lib32" | b"lib64" | b"libx32"));
    let triple = |part: &[u8]| memchr::memmem::find(part, b"-linux-").is_some();
    first && parts.next().is_none_or(triple) && parts.next().is_none()
}

/// A search folder, with what the loader replaces in it.
fn search_folder(folder: &str, origin: &[u8]) -> Vec<u8> {
    let rest = ["$ORIGIN", "${ORIGIN}"].iter().find_map(|word| folder.strip_prefix(word));
    match rest {
        Some(rest) => join(origin, rest.trim_matches('/').as_bytes()),
        None => inside(folder),
    }
}
