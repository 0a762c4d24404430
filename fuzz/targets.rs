//! What must hold for any bytes: one function a parser of untrusted input.
//!
//! `fuzz_targets/` runs each under libFuzzer (`cargo +nightly fuzz run tar`); `tests/any_bytes.rs` runs all of them on seeds and random damage of

//! these in every `cargo test`. No target may panic, hang or take memory that the input does not justify.
use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::ops::ControlFlow;
use std::sync::Arc;

use imgguard::advisory::osv::Record;
use imgguard::advisory::store::delta as store_delta;
use imgguard::advisory::{ImportOptions, Store, import};
use imgguard::base::Catalogue;
use imgguard::base::catalogue::Draft;
use imgguard::digest::Digest;
use imgguard::dockerfile::{Dockerfile, Environment};
use imgguard::facts::cache::Cache;
use imgguard::facts::listed;
use imgguard::facts::merge::MergeOptions;
use imgguard::facts::purl_parse;
use imgguard::harden::packages::deb;
use imgguard::harden::packages::openpgp::Keyring;
use imgguard::harden::packages::{self as updates, Found, Root, Wanted, apk};
use imgguard::harden::rewrite::rewrite_layer;
use imgguard::harden::{Edit, Editor, Packing, Stage as HardenStage};
use imgguard::inspect::INSPECTORS;
use imgguard::inspect::rpm;
use imgguard::layer::inflate::Compression;
use imgguard::layer::tar::{EntryKind as TarKind, Header, HeaderChange, Parser, Sink};
use imgguard::layer::{Entry, EntryKind, FileView, Slice};
use imgguard::lint::repository::dockerignore::IgnoreFile;
use imgguard::lint::repository::listing::{Entry as Listed, Kind as ListedKind, Listing};
use imgguard::lint::repository::{self, Repository, tracking};
use imgguard::lint::{self, Options, Surroundings};
use imgguard::nested::{self, Allowance, Form, NestedError};
use imgguard::oci::ImageConfig;
use imgguard::policy::Policy;
use imgguard::policy::baseline::Baseline;
use imgguard::policy::gitleaks_ignore::GitleaksIgnore;
use imgguard::policy::suppress::Suppressions;
use imgguard::policy::vex::{Subject, Vex};
use imgguard::policy::waiver;
use imgguard::reference::Reference;
use imgguard::scan::{self, CollectOptions, Judging, Progress, ReadOptions, Request, Stage};
use imgguard::secret::{Scanner, Scratch};
use imgguard::sign::keys::{PublicKey, file, pkcs11, private, program};
use imgguard::sign::predicate::condition::Condition;
use imgguard::sign::services::{Services, Token};
use imgguard::sign::tuf;
use imgguard::sign::{Engine, Signed, Trust, bundle, legacy};
use imgguard::source::archive::{self, Format};
use imgguard::source::git::Changes;
use imgguard::source::layout::{LayoutRepository, Selection};
use imgguard::source::repository::{At, Document, Stored};
use imgguard::source::sbom;
use imgguard::source::{Blobs, Content, Documents, Image, Layer, Manifest, Place, PlatformChoice, SourceError};
use imgguard::version::SCHEMES;
use imgguard::workload::{Files, Workload, compose, kubernetes};

/// A target and its name.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// Every target.
pub(crate) const TARGETS: &[Target] = &[
    ("airgap", airgap),
    ("archive", archive),
    ("bases", bases),
    ("bill", bill),
    ("credentials", credentials),
    ("delta", delta),
    ("dockerfile", dockerfile),
    ("feeds", feeds),
    ("git", git),
    ("harden", harden),
    ("image", image),
    ("inspectors", inspectors),
    ("nested", nested),
    ("osv", osv),
    ("packages", packages),
    ("policy", policy),
    ("purl", purl),
    ("reference", reference),
    ("repository", repository_files),
    ("rpm", rpm),
    ("secret_rules", secret_rules),
    ("secrets", secrets),
    ("shell", shell),
    ("signatures", signatures),
    ("signing", signing),
    ("store", store),
    ("tar", tar),
    ("versions", versions),
    ("vex", vex),
    ("workload", workload),
];

/// What a walk of a tar stream gave, to compare walks.
#[derive(Default, PartialEq, Debug)]
struct Walked(Vec<WalkedEntry>);

#[derive(PartialEq, Debug)]
struct WalkedEntry {
    path: Vec<u8>,
    link: Vec<u8>,
    kind: TarKind,
    size: u64,
    content: Vec<u8>,
}

impl Sink for Walked {
    fn entry(&mut self, header: &Header<'_>) -> ControlFlow<()> {
        assert!(header.size == 0 || header.kind.has_content());
        let (path, link) = (header.path.to_vec(), header.link_target.to_vec());
        self.0.push(WalkedEntry { path, link, kind: header.kind, size: header.size, content: Vec::new() });
        ControlFlow::Continue(())
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        self.0.last_mut().expect("content follows an entry").content.extend_from_slice(bytes);
    }

    fn hole(&mut self, _length: u64) {}

    fn end_entry(&mut self) {}
}

/// Any stream, in windows of any length, gives the same entries and the same refusal.
pub(crate) fn tar(data: &[u8]) {
    let Some((&step, stream)) = data.split_first() else { return };
    let walk = |window: usize| {
        let (mut parser, mut walked) = (Parser::new(), Walked::default());
        let pushed = stream.chunks(window).try_for_each(|bytes| parser.push(bytes, &mut walked));
        (walked, pushed.and_then(|()| parser.finish()))
    };
    let whole = walk(stream.len().max(1));
    assert_eq!(whole, walk(usize::from(step) + 1));
}

/// Keeps all, or changes and drops some by the lengths of their names.
struct Choosy(u8);

impl Editor for Choosy {
    fn edit(&mut self, entry: &Entry<'_>) -> Edit {
        let change = HeaderChange { mode: Some(0o600), uid: Some(10001), gid: None, drop_capability: true };
        match (self.0, (entry.path.len() + usize::from(self.0)) % 3) {
            (0, _) | (_, 0) => Edit::Keep,
            (_, 1) => Edit::Change(change),
            _ => Edit::Drop,
        }
    }
}

/// A rewritten layer is one that is read again; where everything is kept, with the same entries and contents.
pub(crate) fn harden(data: &[u8]) {
    let Some((&choice, stream)) = data.split_first() else { return };
    let layer = Layer {
        digest: None,
        size: stream.len() as u64,
        media_type: String::new(),
        diff_id: None,
        place: Place::Digest,
    };
    let stage = HardenStage::new().expect("a folder for temporary files");
    let (reader, packing) = (Box::new(Cursor::new(stream.to_vec())), Packing::usual(Compression::None));
    let Ok(done) = rewrite_layer(reader, &layer, &mut Choosy(choice), &stage, packing) else { return };
    let mut written = Vec::new();
    let mut file = stage.open(&done.staged.digest).expect("it is there");
    std::io::Read::read_to_end(&mut file, &mut written).expect("it is read");
    let walk = |stream: &[u8]| {
        let (mut parser, mut walked) = (Parser::new(), Walked::default());
        parser.push(stream, &mut walked).and_then(|()| parser.finish()).map(|_| walked)
    };
    let walked = walk(&written).expect("what was written is read");
    if choice == 0 && Compression::detect(stream) == Compression::None {
        assert!(!done.changed);
        assert_eq!(Ok(walked), walk(stream));
    }
}

/// Layers that are in memory.
struct Memory(Vec<Vec<u8>>);

impl Blobs for Memory {
    fn open(&self, layer: &Layer) -> Result<Content, SourceError> {
        let Place::Range { offset, .. } = layer.place else { unreachable!("this test makes no other places") };
        let bytes = self.0.get(usize::try_from(offset).expect("a small index")).expect("the layer is there");
        Ok(Content::Bytes(Box::new(Cursor::new(bytes.clone()))))
    }
}

struct Silent;

impl Progress for Silent {
    fn read(&self, _stored_bytes: u64) {}
}

/// A configuration and up to three layers: the whole way from bytes to a report.
pub(crate) fn image(data: &[u8]) {
    let mut parts = data.split(|byte| *byte == 0xfe);
    let config = parts.next().and_then(|json| serde_json::from_slice::<ImageConfig>(json).ok()).unwrap_or_default();
    let rest = data.get(data.iter().position(|byte| *byte == 0xfe).map_or(data.len(), |at| at + 1)..).unwrap_or(&[]);
    let third = rest.len() / 3 / 512 * 512;
    let layers = match third {
        0 => vec![rest.to_vec()],
        third => vec![rest[..third].to_vec(), rest[third..2 * third].to_vec(), rest[2 * third..].to_vec()],
    };
    drop(report(config, layers));
}

/// The report about an image of these layers.
pub(crate) fn report(config: ImageConfig, layers: Vec<Vec<u8>>) -> String {
    let layer = |index: usize, bytes: &Vec<u8>| Layer {
        digest: None,
        size: bytes.len() as u64,
        media_type: "application/vnd.oci.image.layer.v1.tar".into(),
        diff_id: None,
        place: Place::Range { offset: index as u64, length: bytes.len() as u64 },
    };
    let manifest = Manifest {
        platform: config.platform(),
        digest: None,
        annotations: BTreeMap::new(),
        config,
        documents: Documents::default(),
        layers: layers.iter().enumerate().map(|(index, bytes)| layer(index, bytes)).collect(),
        listing: None,
    };
    let image = Image {
        reference: "any".into(),
        transport: "oci",
        digest: None,
        media_type: String::new(),
        annotations: BTreeMap::new(),
        index: None,
        offered: Vec::new(),
        manifests: vec![manifest],
        attached: Vec::new(),
        blobs: Arc::new(Memory(layers)),
    };
    let answers = scan::run(Request {
        images: vec![image],
        read: ReadOptions {
            collect: CollectOptions { secrets: true, ..CollectOptions::default() },
            verify_diff_ids: false,
            merging: MergeOptions { verify_files: true, ..MergeOptions::default() },
            threads: 1,
        },
        cache: &Cache::Off,
        stage: Stage::Everything(&Store::embedded().expect("the embedded store opens")),
        catalogue: None,
        judging: Judging {
            policy: &Policy::builtin("local").expect("it is built in"),
            signatures: &BTreeMap::new(),
            suppressions: &Suppressions::default(),
            verifier: None,
            shows_secrets: false,
            vex: &Vex::default(),
            judged: true,
            evaluated_at: jiff::civil::date(2026, 11, 25),
        },
        progress: Arc::new(Silent),
    });
    let reports: Vec<_> =
        answers.expect("the embedded store is sound").into_iter().map(|answer| answer.report).collect();
    serde_json::to_string(&reports).expect("a report is JSON")
}

/// A docker or OCI archive: manifests, configurations and the places of layers.
pub(crate) fn archive(data: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("it is written");
    for format in [Format::Detect, Format::Docker, Format::Oci] {
        let _ = archive::open_file(file.path(), format, &Selection::Only, &PlatformChoice::All, "any");
    }
}

/// Paths that inspectors want, one for each format; the first byte of an input chooses.
pub(crate) const INSPECTED: &[&str] = &[
    "etc/os-release",
    "etc/passwd",
    "etc/group",
    "etc/shadow",
    "var/lib/dpkg/status",
    "var/lib/dpkg/status.d/base",
    "var/lib/dpkg/info/base.list",
    "var/lib/dpkg/info/base.md5sums",
    "lib/apk/db/installed",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/python3/site-packages/a-1.dist-info/METADATA",
    "usr/lib/python3/site-packages/a-1.egg-info",
    "usr/lib/node_modules/a/package.json",
    "srv/app/Cargo.lock",
    "etc/ssl/certs/a.pem",
    "usr/bin/program",
    "srv/app.jar",
    "usr/lib/jvm/java/release",
    "usr/lib/ruby/gems/3.1.0/specifications/a-1.gemspec",
    "srv/vendor/composer/installed.json",
    "srv/app.deps.json",
    "opt/conda/conda-meta/a-1-0.json",
    "srv/lib/a-1/ebin/a.app",
    "srv/deps/a/hex_metadata.config",
    "usr/lib/erlang/releases/25/OTP_VERSION",
    "usr/share/perl5/.meta/A-1/MYMETA.json",
    "usr/lib/perl5/perllocal.pod",
    "usr/lib/R/library/a/DESCRIPTION",
    "usr/lib/luarocks/rocks-5.4/a/1-1/a-1-1.rockspec",
    "srv/app/package-lock.json",
    "srv/app/yarn.lock",
    "srv/app/pnpm-lock.yaml",
    "srv/app/bun.lock",
    "srv/app/deno.lock",
    "srv/app/poetry.lock",
    "srv/app/uv.lock",
    "srv/app/pdm.lock",
    "srv/app/Pipfile.lock",
    "srv/app/pylock.toml",
    "srv/app/requirements.txt",
    "srv/app/go.mod",
    "srv/app/Gemfile.lock",
    "srv/app/composer.lock",
    "srv/app/gradle.lockfile",
    "srv/app/pom.xml",
    "srv/app/packages.lock.json",
    "srv/app/packages.config",
    "srv/app/mix.lock",
    "srv/app/rebar.lock",
    "srv/app/pubspec.lock",
    "srv/app/Package.resolved",
    "srv/app/conan.lock",
    "srv/app/renv.lock",
    "etc/redhat-release",
    "etc/debian_version",
    "var/lib/dpkg/diversions",
    "var/lib/pacman/local/a-1-1/desc",
    "var/lib/pacman/local/a-1-1/files",
    "var/lib/pacman/local/a-1-1/mtree",
    "var/db/pkg/dev-libs/a-1/PF",
    "var/db/pkg/dev-libs/a-1/CONTENTS",
    "snap/a/1/meta/snap.yaml",
    "var/lib/flatpak/app/a.b.C/x86_64/stable/0/deploy",
    "usr/share/sbom/a.json",
    "opt/java/release",
    "usr/bin/python3.11",
    "etc/sudoers",
    "etc/cron.d/job",
    "etc/anacrontab",
    "var/spool/cron/crontabs/root",
];

/// Every inspector on any content, at a path that it wants.
pub(crate) fn inspectors(data: &[u8]) {
    let Some((&choice, content)) = data.split_first() else { return };
    let path = INSPECTED[usize::from(choice) % INSPECTED.len()].as_bytes();
    let entry = Entry {
        path,
        kind: EntryKind::File,
        size: content.len() as u64,
        mode: 0o755,
        uid: 0,
        gid: 0,
        link: b"",
        capability: None,
    };
    let head = &content[..content.len().min(imgguard::inspect::HEAD_BYTES)];
    for inspector in INSPECTORS.iter().filter(|inspector| inspector.wants(&entry, head)) {
        let mut facts = Vec::new();
        let _ = inspector.inspect(&FileView::in_memory(entry, content), &mut facts);
    }
}

/// Every form of rpm database.
pub(crate) fn rpm(data: &[u8]) {
    let _ = rpm::read(&data, &mut |entry| {
        for file in entry.files {
            assert!(!file.path.is_empty() && !file.path.starts_with(b"/"));
        }
    });
}

/// An image over which packages are put.
struct Rooted(BTreeMap<&'static [u8], Vec<u8>>);

impl Root for Rooted {
    fn at(&self, path: &[u8]) -> Option<Found> {
        let is_folder = self.0.keys().any(|name| name.strip_prefix(path).is_some_and(|rest| rest.starts_with(b"/")));
        if is_folder { Some(Found::Directory) } else { self.0.get(path).map(|_| Found::File) }
    }

    fn names(&self, folder: &[u8]) -> Vec<Vec<u8>> {
        let below = self.0.keys().filter_map(|name| name.strip_prefix(folder)?.strip_prefix(b"/"));
        below.filter_map(|rest| rest.split(|byte| *byte == b'/').next()).map(<[u8]>::to_vec).collect()
    }

    fn read(&self, path: &[u8], _limit: u64) -> std::io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| std::io::ErrorKind::NotFound.into())
    }
}

/// What the first byte chooses: a package, a record, a list, a keyring or a signature. Nothing that is put into an image leaves it.
pub(crate) fn packages(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let at = jiff::Timestamp::UNIX_EPOCH;
    match choice {
        0 => drop(Keyring::default().add(bytes)),
        1 => drop(Keyring::default().verify_cleartext(bytes, at)),
        2 => drop(Keyring::default().verify_detached(b"", bytes, at)),
        3 => drop(rpm::PackageFile::read(&bytes)),
        4 => update_deb(bytes, DPKG_STATUS),
        5 => update_deb(b"", bytes),
        6 => update_apk(bytes, b""),
        7 => update_apk(b"", bytes),
        _ => drop(deb::Repository::default().add_plain(updates::Store::Folder("/nonexistent".into()), bytes, "sums")),
    }
}

const DPKG_STATUS: &[u8] = b"Package: a\nStatus: install ok installed\nVersion: 0\nArchitecture: all\n\n";

fn wants() -> Vec<Wanted> {
    vec![Wanted { package: "a".into(), arch: None, fixes: vec![("CVE-1".into(), "1".into())] }]
}

fn stays_inside(layer: Option<updates::Layer>) {
    for (path, _) in layer.into_iter().flat_map(|layer| layer.entries) {
        assert!(
            !path.is_empty() && !path.starts_with(b"/") && !path.split(|byte| *byte == b'/').any(|part| part == b"..")
        );
    }
}

/// A package file of Debian over an image whose `status` is given.
fn update_deb(package: &[u8], status: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.deb"), package).expect("it is written");
    let sums = format!("{}  a.deb\n", Digest::sha256(package).hex());
    let mut repository = deb::Repository::default();
    let _ = repository.add_plain(updates::Store::Folder(folder.path().to_owned()), sums.as_bytes(), "sums");
    let root = Rooted(
        [(&b"var/lib/dpkg/status"[..], status.to_vec()), (b"var/lib/dpkg/info/a.list", b"/.\n/usr\n/usr/a\n".to_vec())]
            .into(),
    );
    let target = deb::Target { arch: "amd64".into(), codename: None, at: jiff::Timestamp::UNIX_EPOCH };
    let spool = tempfile::tempfile().expect("a temporary file");
    if let Ok((_, layer)) = deb::update(&root, &repository, &wants(), &target, spool) {
        stays_inside(layer);
    }
}

/// A package file of Alpine, or a list of installed ones.
fn update_apk(package: &[u8], installed: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a-1.apk"), package).expect("it is written");
    let mut repository = apk::Repository::new(apk::Keys::default());
    let _ = repository.add(updates::Store::Folder(folder.path().to_owned()), "x86_64");
    let root = Rooted([(&b"lib/apk/db/installed"[..], installed.to_vec())].into());
    let spool = tempfile::tempfile().expect("a temporary file");
    if let Ok((_, layer)) = apk::update(&root, &repository, &wants(), "x86_64", spool) {
        stays_inside(layer);
    }
}

/// A record, alone and through an import; what was imported can be read back whole.
pub(crate) fn osv(data: &[u8]) {
    let parsed = Record::parse(data).is_ok();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join("record.json");
    std::fs::write(&input, data).expect("it is written");
    let output = folder.path().join("store");
    let options = ImportOptions::default();
    if let Ok(report) = import(&[input], &output, options) {
        assert!(parsed || report.provenance.advisories == 0);
        Store::open(&output).and_then(|store| store.verify()).expect("an imported store is sound");
    }
}

/// A document of any feed, told by its content: what was imported can be read back whole, and nothing harms a terminal.
pub(crate) fn feeds(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let input = folder.path().join("azurelinux-3.0-photon5.0");
    std::fs::write(&input, data).expect("it is written");
    let output = folder.path().join("store");
    let options = ImportOptions { accept_fewer: true, ..ImportOptions::default() };
    if import(&[input], &output, options).is_err() {
        return;
    }
    let store = Store::open(&output).expect("an imported store opens");
    store.verify().expect("it is sound");
    for (ecosystem, name) in store.packages().expect("it is sound") {
        assert!(!ecosystem.chars().chain(name.chars()).any(char::is_control));
        for (number, _) in store.rows(&ecosystem, &name).expect("it is sound") {
            let id = store.advisory(number).expect("it is sound").id.clone();
            assert!(id.bytes().all(|byte| byte.is_ascii_graphic()));
        }
    }
}

/// A store file that nobody vouches for.
pub(crate) fn store(data: &[u8]) {
    let Ok(store) = Store::from_memory(data.to_vec()) else { return };
    let _ = store.verify();
    for (ecosystem, name) in store.packages().unwrap_or_default() {
        for (number, _) in store.rows(&ecosystem, &name).unwrap_or_default() {
            let _ = store.advisory(number);
        }
    }
}

/// A file for a closed network. What is unpacked has no more bytes than the file, and lies in the folder.
pub(crate) fn airgap(data: &[u8]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (file, inside) = (folder.path().join("file"), folder.path().join("inside"));
    std::fs::write(&file, data).expect("writes");
    std::fs::create_dir(&inside).expect("a folder");
    if archive::unpack_layout(&file, &inside).is_ok() {
        let blobs = std::fs::read_dir(inside.join("blobs/sha256")).expect("a folder");
        let bytes: u64 = blobs.map(|blob| blob.expect("a blob").metadata().expect("its size").len()).sum();
        assert!(bytes <= data.len() as u64);
        if let Ok(layout) = LayoutRepository::open(&inside) {
            let _ = imgguard::artifact::consult::<Store>(&layout, At::Tag("latest"), None);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing lies beside it");
}

/// A store and what shall make another of it, behind the store's length. What comes of it is the store that the delta names.
pub(crate) fn delta(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk::<4>() else { return };
    let Some((store, delta)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { return };
    let Ok(store) = Store::from_memory(store.to_vec()) else { return };
    if let Ok(bytes) = store_delta::apply(&store, delta) {
        let made = Store::from_memory(bytes).expect("what is accepted is a store");
        assert_eq!(
            store_delta::ends(delta).expect("it was read").last().map(String::as_str),
            Some(made.digest().as_str())
        );
    }
}

/// A base catalogue: as a file, and as what stands behind the digests of a file that somebody signed. Whatever opens tells only names that a build file can have, and follows no delta to
/// anything but a catalogue.
pub(crate) fn bases(data: &[u8]) {
    let Some((length, rest)) = data.split_first_chunk::<4>() else { return };
    let Some((first, second)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { return };
    for file in [data.to_vec(), bases_file([first, second])] {
        let Ok(catalogue) = Catalogue::from_memory(file) else { continue };
        let is_whole = catalogue.verify().is_ok();
        for (digest, image) in &catalogue.content().images {
            assert!(catalogue.inventory(image).is_ok() || !is_whole);
            for place in catalogue.places(digest) {
                assert!(!place.name.contains(char::is_whitespace));
            }
        }
        let _ = Draft::of(&catalogue).map(Draft::compile);
        if let Ok(bytes) = catalogue.follow(second) {
            Catalogue::from_memory(bytes).expect("what is accepted is a catalogue");
        }
    }
}

/// The file of these parts, with digests that fit (`base::catalogue::file`).
pub(crate) fn bases_file(parts: [&[u8]; 2]) -> Vec<u8> {
    let mut file = [&b"imgbases"[..], &imgguard::base::catalogue::FORMAT.to_le_bytes()].concat();
    let stored = parts.map(|part| zstd::bulk::compress(part, 1).expect("it fits in memory"));
    for (part, stored) in parts.iter().zip(&stored) {
        file.extend((stored.len() as u64).to_le_bytes());
        file.extend((part.len() as u64).to_le_bytes());
        let hex = Digest::sha256(stored);
        let digits = hex.hex().as_bytes().chunks(2);
        file.extend(digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("hex"), 16).expect("hex")));
    }
    file.extend(stored.concat());
    file
}

/// A bill of materials, in any format and wrapping. What it lists is no more than what it is long, and no path of it leaves the image.
pub(crate) fn bill(data: &[u8]) {
    let Ok(bill) = sbom::parse(data) else { return };
    for manifest in bill.manifests("bill").into_iter().flatten() {
        let listing = manifest.listing.expect("a bill lists");
        let inventory = listed::inventory(&listing);
        assert!(inventory.packages.len() <= data.len());
        for package in &inventory.packages {
            let path = package.path.as_bytes();
            assert!(path.split(|byte| *byte == b'/').all(|part| part != b".."), "{path:?}");
        }
    }
}

/// A policy file.
pub(crate) fn policy(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = Policy::parse(text);
        let _ = waiver::parse(text);
        drop(GitleaksIgnore::parse(text));
    }
    let _ = Baseline::parse(data);
}

/// A purl that others wrote: what is read of it can be written, and read again.
pub(crate) fn purl(data: &[u8]) {
    let Some(parsed) = std::str::from_utf8(data).ok().and_then(|text| purl_parse::parse(text).ok()) else { return };
    let written = imgguard::facts::purl::purl(&parsed.package, parsed.distribution.as_ref());
    assert!(written.starts_with("pkg:"), "{written}");
}

/// What `git diff-tree` writes of a hostile history: each change has a blob, and the bytes bound how many there are.
pub(crate) fn git(data: &[u8]) {
    let mut changes = Changes::new(data, "fuzz");
    let mut count = 0;
    while let Ok(Some(change)) = changes.next_change() {
        assert!(change.path.len() < data.len());
        count += 1;
    }
    assert!(count <= data.len());
}

/// What a user, a list or a compose file may name.
pub(crate) fn reference(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        let _ = text.parse::<Reference>();
    }
}

/// A path, a line end and a file: every parser of credential files, and every format of keys. What is told is masked and bounded.
pub(crate) fn credentials(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (path, content) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    scan.begin(path, content.len() as u64);
    scan.feed(content);
    for fact in scan.finish() {
        assert!(fact.masked.len() < 1024 && fact.key.is_none_or(|key| key.len() <= 128));
    }
    if let Ok(text) = std::str::from_utf8(content) {
        let _ = Scanner::builtin().scan_command(text);
    }
}

/// Any split of a file gives the same secrets, and none is shown whole.
pub(crate) fn secrets(data: &[u8]) {
    let Some((&step, content)) = data.split_first() else { return };
    let mut scratch = Scratch::default();
    let mut scan = Scanner::builtin().scan(&mut scratch);
    let mut found = |window: usize| {
        scan.begin(b"srv/app/.env", content.len() as u64);
        content.chunks(window.max(1)).for_each(|bytes| scan.feed(bytes));
        scan.finish()
    };
    assert_eq!(found(content.len()), found(usize::from(step) + 1));
}

/// A rule file: it is refused with advice, or its rules run, and any split of a file gives the same findings.
pub(crate) fn secret_rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match Scanner::with_text(std::path::Path::new("rules.toml"), text) {
        Ok(scanner) => {
            let _ = scanner.remarks();
            let mut scratch = Scratch::default();
            let mut scan = scanner.scan(&mut scratch);
            let mut found = |window: usize| {
                scan.begin(b"srv/app.conf", data.len() as u64);
                data.chunks(window).for_each(|bytes| scan.feed(bytes));
                scan.finish()
            };
            assert_eq!(found(data.len().max(1)), found(7));
        }
        Err(error) => assert!(!error.hint().is_empty() && !error.to_string().is_empty()),
    }
}

/// Checks the order of calls, and counts.
#[derive(Default)]
struct Shown {
    open: bool,
    bytes: u64,
}

impl nested::Visitor for Shown {
    fn begin(&mut self, _inside: &[u8], _size: u64) {
        assert!(!std::mem::replace(&mut self.open, true));
    }

    fn data(&mut self, bytes: &[u8]) {
        assert!(self.open);
        self.bytes += bytes.len() as u64;
    }

    fn hole(&mut self, _length: u64) {
        assert!(self.open);
    }

    fn end(&mut self) {
        assert!(std::mem::replace(&mut self.open, false));
    }

    fn text(&mut self, _inside: &[u8], text: &[u8], _at: u64) {
        assert!(!self.open && text.len() <= 2 << 20);
    }

    fn unread(&mut self, _inside: &[u8], error: &NestedError) {
        assert!(!self.open && !error.to_string().is_empty());
    }
}

/// A file that holds files: each is shown whole or told, one after the other, and no more than the allowance.
pub(crate) fn nested(data: &[u8]) {
    const FREE: u64 = 4 << 20;
    let Some((&choice, content)) = data.split_first() else { return };
    let paths = ["a", ".git/objects/ab/cdef0123456789abcdef0123456789abcdef01", "tool.pyz", "a.pyc"];
    let path = paths[usize::from(choice) % paths.len()].as_bytes();
    let Some(form) = Form::detect(path, &content[..content.len().min(nested::HEAD_BYTES)]) else { return };
    let mut shown = Shown::default();
    nested::walk(Slice::whole(&content), path, form, &mut Allowance::of(FREE), &mut shown);
    // A piece of each open container may be shown before its cost is known.
    assert!(!shown.open && shown.bytes <= FREE + 100 * content.len() as u64 + (1 << 20));
}

/// A VEX document of any format: what it says decides about a package, or it is refused.
pub(crate) fn vex(data: &[u8]) {
    let mut vex = Vex::default();
    if vex.add(data, "any").is_ok() {
        let subject = Subject { digests: &[], repository: "registry.example/app" };
        let _ = vex.decide(&["CVE-2030-1"], "pkg:deb/debian/bash@5.2?arch=amd64", &subject);
    }
}

/// Two versions: every scheme orders them one way or says that it cannot.
pub(crate) fn versions(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (left, right) = text.split_once('\n').unwrap_or((text, text));
    for scheme in SCHEMES {
        let order = scheme.compare(left, right);
        let back = scheme.compare(right, left);
        assert_eq!(order.is_ok(), back.is_ok(), "{}", scheme.name);
        if let (Ok(order), Ok(back)) = (order, back) {
            assert_eq!(order, back.reverse(), "{}: {left} and {right}", scheme.name);
        }
        if let Ok(same) = scheme.compare(left, left) {
            assert!(same.is_eq(), "{}: {left}", scheme.name);
        }
    }
}

/// Whatever hangs on an image: manifests, bundles, payloads and annotations of both forms, keys. Nothing that nobody trusts is accepted.
pub(crate) fn signatures(data: &[u8]) {
    use imgguard::digest::Digest;
    let digest = Digest::sha256(data);
    let _ = Document::parse(&Stored { bytes: data.to_vec(), digest: digest.clone(), media_type: String::new() });
    let _ = legacy::Payload::parse(data, &digest);
    let _ = PublicKey::from_pem(data);
    let _ = PublicKey::from_spki(data);
    let _ = private::import(data);
    let _ = file::open(data, b"");
    let annotations: BTreeMap<String, String> = serde_json::from_slice(data).unwrap_or_default();
    let engine = Engine::new(Trust { allow_no_log: true, ..Trust::default() }, None).expect("the embedded root");
    for bundle in [bundle::parse(data), legacy::signature(&annotations), legacy::envelope(data, &annotations)]
        .into_iter()
        .flatten()
    {
        assert!(engine.check(&bundle, Signed { digest: &digest, bytes: Some(data) }).is_err());
    }
}

/// A Dockerfile is read or refused; every place of what was found lies in it, and what the fixes make of it can be read and is mended.
pub(crate) fn dockerfile(data: &[u8]) {
    let Ok(file) = Dockerfile::parse(data) else { return };
    let options = Options { enabled: vec!["all".to_owned()], ..Options::default() };
    let evaluated_at = jiff::civil::date(2026, 11, 25);
    let around = Surroundings { store: None, evaluated_at, options: &options };
    let Ok(problems) = lint::dockerfile::run(&file, around) else { return };
    for problem in &problems {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= file.source.text().len());
        assert!(file.source.text().get(problem.span.clone()).is_some(), "{} cuts a character", problem.meta.id);
    }
    let found = lint::findings::findings(
        "Dockerfile",
        &file.source,
        &problems,
        &lint::dockerfile::ignores(&file),
        evaluated_at,
    );
    assert!(found.len() <= problems.len());
    if let Ok((mended, _)) = scan::mended(data, around) {
        assert!(Dockerfile::parse(&mended).is_ok());
    }
}

/// A script is read to its end or to its fault, and its words lie in it.
pub(crate) fn shell(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let script = imgguard::shell::parse(&text);
    for command in &script.commands {
        for word in command.words.iter().chain(&command.assignments) {
            assert!(text.get(word.span.clone()).is_some(), "a word lies in its script");
        }
        let _ = command.call();
    }
    let environment = Environment::from([("A".to_owned(), text.chars().take(50).collect())]);
    for escape in ['\\', '`'] {
        let _ = imgguard::dockerfile::expand_words(&text, &environment, escape);
    }
}

/// What signing reads of its user and of services: names of keys in tokens, signing configurations, identity tokens, conditions, metadata of TUF.
pub(crate) fn signing(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(uri) = pkcs11::Uri::parse(&text) {
        assert!(uri.object.is_some() || uri.id.is_some(), "a name names a key");
    }
    if let Some((program, _)) = program::named(&text) {
        assert_eq!(program.components().count(), 1, "a name is looked for in PATH and nowhere else");
    }
    let _ = Services::parse(&text);
    let _ = Token::parse(data, 0);
    let _ = repository_of(data);
    // A thread for each expression; the text of most inputs is none.
    if data.len() < 256
        && let Ok(condition) = Condition::parse(&text)
    {
        let _ = condition.check("t", &serde_json::json!({"a": [1, "b", null]}));
    }
}

/// A repository whose trusted root is `data`, and which has nothing else.
fn repository_of(data: &[u8]) -> Result<Vec<Vec<u8>>, tuf::TufError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    tuf::targets(
        tuf::Mirror::Folder(folder.path().to_owned()),
        data,
        None,
        &[tuf::TRUSTED_ROOT],
        jiff::Timestamp::UNIX_EPOCH,
    )
}

/// Reads a project with other contents of its files.
type Load<'a> = &'a dyn Fn(&BTreeMap<String, Vec<u8>>) -> Result<Workload, String>;

/// Compose files and manifests are read or refused; every place of what was found lies in its file, and what the fixes make of it can be read.
pub(crate) fn workload(data: &[u8]) {
    struct Same<'a>(&'a BTreeMap<String, Vec<u8>>, &'a [u8]);
    impl Files for Same<'_> {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            Ok(self.0.get(path).cloned().unwrap_or_else(|| self.1.to_vec()))
        }
    }
    let options = Options { enabled: vec!["all".to_owned()], ..Options::default() };
    let around = Surroundings { store: None, evaluated_at: jiff::civil::date(2026, 11, 25), options: &options };
    let project = compose::Project { files: vec!["a.yaml".to_owned()], ..Default::default() };
    let compose = |overlay: &BTreeMap<String, Vec<u8>>| {
        compose::load(&project, &Same(overlay, data)).map_err(|error| error.to_string())
    };
    let manifest = |overlay: &BTreeMap<String, Vec<u8>>| {
        kubernetes::load("a.yaml", &Same(overlay, data)).map_err(|error| error.to_string())
    };
    let loads: [Load<'_>; 2] = [&compose, &manifest];
    for load in loads {
        let Ok(workload) = load(&BTreeMap::new()) else { continue };
        for problem in lint::container::run(&workload, around) {
            let text = std::str::from_utf8(&workload.files[problem.file].bytes).expect("a file that was read is text");
            assert!(text.get(problem.span.clone()).is_some(), "{} cuts a character", problem.meta.id);
        }
        for file in &workload.files {
            let _ = lint::container::ignores(file);
        }
        for file in scan::mended_workload(load, around).unwrap_or_default() {
            assert!(load(&[(file.path, file.new)].into()).is_ok());
        }
    }
}

/// The files around a Dockerfile are read, whatever is in them; places lie in their files, a pattern decides each path alike however it is asked, and fixes are made at once.
pub(crate) fn repository_files(data: &[u8]) {
    const NAMES: &[&str] = &[
        ".dockerignore",
        ".env",
        ".gitignore",
        ".github/dependabot.yml",
        ".github/workflows/a.yml",
        "SECURITY.md",
        "package.json",
        "renovate.json",
        "requirements.txt",
        "all.sql",
        "key.pem",
    ];
    struct Same<'a>(&'a BTreeMap<String, Vec<u8>>, &'a [u8]);
    impl Files for Same<'_> {
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            let known = || NAMES.contains(&path).then(|| self.1.to_vec()).ok_or_else(|| "none".to_owned());
            self.0.get(path).cloned().map_or_else(known, Ok)
        }
    }
    if let Ok(ignore) = IgnoreFile::parse(data) {
        for path in ["a", "a/b", ".env", "src/main.rs", "a b/c\u{e9}"] {
            let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
            let mut state = (false, Default::default());
            for end in ends {
                state = ignore.step(&path[..end], &state.1);
            }
            assert_eq!(ignore.excludes(path), state.0, "{path}");
        }
    }
    let none = BTreeMap::new();
    let _ = tracking::is_ignored("a/b/.env", &Same(&none, data));
    let options = Options { enabled: vec!["all".to_owned()], ..Options::default() };
    let around = Surroundings { store: None, evaluated_at: jiff::civil::date(2026, 11, 25), options: &options };
    let entry = Listed { kind: ListedKind::File, bytes: data.len() as u64, mode: Some(0o644) };
    let entries = NAMES.iter().map(|name| ((*name).to_owned(), entry)).collect();
    let listing = Listing { entries, ..Listing::default() };
    let repository = Repository { is_root: true, listing, ..Repository::default() };
    let file = Dockerfile::parse(b"FROM a\nCOPY . .\nRUN pip install -r requirements.txt && npm install\n").unwrap();
    let dockerfiles = [("Dockerfile".to_owned(), file)];
    let look =
        |overlay: &BTreeMap<String, Vec<u8>>| repository::run(&repository, &dockerfiles, &Same(overlay, data), around);
    let report = look(&none);
    for problem in &report.problems {
        assert!(problem.span.start <= problem.span.end && problem.span.end <= report.files[problem.file].1.len());
    }
    report.files.iter().for_each(|(_, bytes)| drop(repository::ignores(bytes)));
    for file in scan::mended_repository(&look, around) {
        assert!(file.new.len() > file.old.len(), "{} is shorter", file.path);
    }
}
