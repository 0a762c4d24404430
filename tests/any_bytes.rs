//! Every parser of untrusted bytes on sound seeds and on random damage of these: always an answer. The targets are those of `fuzz/`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

#[path = "secrets/cases.rs"]
mod cases;
#[path = "../fuzz/targets.rs"]
mod targets;

/// Damaged inputs a seed.
const ROUNDS: usize = 200;

/// A rule file with every kind of key.
const RULES: &str = r#"
[extend]
useDefault = true
disabledRules = ["x"]
[[allowlists]]
targetRules = ["a"]
paths = ['^doc/']
[[rules]]
id = "a"
description = "A."
regex = '(?i)[\w.-]{0,20}(?:abc|def)[a-z]{4}\s=\s"([[:alnum:]]{8})'
secretGroup = 1
entropy = 2
keywords = ["abc"]
path = '\.ini$'
filter = 'entropy(finding["secret"]) <= 1.0 || containsAny(finding["secret"], ["x"]) || other()'
examples = ['abcwxyz = "{base62:8}']
[[rules.required]]
id = "b"
withinLines = 3
[[rules.allowlists]]
condition = "AND"
regexTarget = "line"
regexes = ['#']
stopwords = ["zz"]
[[rules]]
id = "b"
regex = '[QWX]{4}'
skipReport = true
"#;

/// A Dockerfile with every kind of instruction, and much that rules find and mend.
const DOCKERFILE: &str = "# syntax=docker/dockerfile:1\n# escape=\\\nARG V=latest\nFROM --platform=$TARGETPLATFORM debian:${V:-12} AS build\n\
    # imgguard ignore=apt reason=\"why\" expires=2030-01-01\nRUN --mount=type=cache,target=/x apt update \\\n  # in between\n && sudo apt-get install caf\u{e9} \\\n\n    b\n\
    MAINTAINER Ann\nENV A b\nENV C=\"d e\" PASSWORD=$A\nLABEL Version=1 org.opencontainers.image.created=now\nADD a /b\nADD https://example.org/x /x\n\
    RUN <<EOF\napk add curl | tee \"$(date)\"\nEOF\nCOPY <<-'E' f /g\n\thi $A\n\tE\nRUN [\"sh\", \"-c\", \"pip install x && npm i -g y\"]\n\
    ONBUILD RUN yum install z\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nFROM build\nCOPY --from=0 --chmod=777 / /\nCOPY a b c\n\
    EXPOSE 22 99999\nVOLUME [\"/proc\"]\nWORKDIR app\nUSER 0:0\nHEALTHCHECK --interval=5s CMD curl -k https://localhost\nHEALTHCHECK NONE\n\
    STOPSIGNAL SIGTERM\nENTRYPOINT exec app\nCMD run $A\nCMD [\"b\"]\n";

/// A script with every construct that is read.
const SHELL: &str = "set -e; A=1 B+=(x y) cmd 'a b' \"c $(d | e `f`)\" ${g:-h} $((1+2)) $'i\\n' 2>&1 >j <<EOF && k || l &\nbody\nEOF\n\
    if [[ $m == n && o ]]; then p; elif q; then r; fi; for s in t u; do v; done\ncase $w in x|y) z;; (*) aa ;& esac\n\
    fn() { bb; }; (cc; dd) | sudo -u ee env F=1 gg # comment\nbash -c 'hh && ii' <(jj) ${A//b/c} ${A%%x*} ${A:?no}";

/// A Compose file with what is read in it.
const COMPOSE: &str = "x-a: &a {restart: always, cap_add: [SYS_ADMIN]}\ninclude: [{path: b.yaml, env_file: c}]\nservices:\n  # imgguard ignore=all reason=\"x\"\n  web:\n    <<: *a\n\
    \x20   image: \"a:${T:-1}\"\n    extends: {service: db}\n    environment: [A=$B, \"PW=${C?x}\"]\n    ports: [\"80:80\", {target: 1, published: 2}]\n\
    \x20   volumes: [\"/:/h:ro,rslave\", {type: bind, source: /etc, target: /e}, v:/v]\n    security_opt: [\"seccomp:unconfined\"]\n    tmpfs: /t:exec\n\
    \x20 db:\n    build: {context: ., target: x}\n    healthcheck: {disable: true}\n    deploy: {resources: {limits: {memory: 1g}}}\n    logging: !reset {driver: none}\n\
    volumes:\n  v: {driver_opts: {o: bind, device: /dev}}\n";

/// The same of Kubernetes.
const MANIFEST: &str = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: d}\n  spec:\n    template:\n      spec:\n\
    \x20       hostPID: true\n        securityContext: {runAsUser: 0, seccompProfile: {type: Unconfined}}\n        volumes: [{name: h, hostPath: {path: /}}]\n\
    \x20       containers:\n        - name: c\n          image: i\n          ports: [{containerPort: 1, hostPort: 2}]\n          volumeMounts: [{name: h, mountPath: /h}]\n\
    \x20         env: [{name: PW, value: x}]\n          securityContext: {capabilities: {add: [ALL]}}\n---\napiVersion: v1\nkind: Pod\nspec: {containers: [{}]}\n";

/// Catalogues as their parts: empty, and with two images that the bundled one gives.
fn bases() -> Vec<Vec<u8>> {
    use imgguard::base::catalogue::{Catalogue, Draft, Read};
    use imgguard::facts::{FilePath, InstalledPackage, Inventory, PackageFact, PackageKind};
    use imgguard::source::PlatformChoice;
    use imgguard::source::layout::{self, Selection};
    let mut draft = Draft::default();
    let mut parts = vec![draft_parts(Draft::default())];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample");
    let image = layout::open(&path, &Selection::Only, &PlatformChoice::All, "sample").unwrap();
    let package = |name: &str| InstalledPackage {
        fact: PackageFact::new(PackageKind::Deb, name, "1.2-3"),
        path: FilePath::new(b""),
        layer: 0,
        owner: None,
        is_program: false,
        loaded: None,
    };
    let inventory = Inventory { packages: vec![package("openssl"), package("libc6")], ..Inventory::default() };
    let reads: Vec<Read<'_>> =
        image.manifests.iter().map(|manifest| Read { manifest, inventory: &inventory }).collect();
    let (name, root) = ("docker.io/library/debian", image.digest.clone().unwrap());
    draft.add(name, &root, Some(true), &reads);
    draft.saw(name, "12.5", &root, jiff::civil::date(2026, 1, 1));
    parts.push(draft_parts(draft));
    parts.iter().for_each(|parts| drop(Catalogue::from_memory(file_of(parts)).unwrap()));
    parts
}

/// The inflated parts of a catalogue, as the target takes them.
fn draft_parts(draft: imgguard::base::catalogue::Draft) -> Vec<u8> {
    let file = draft.compile().unwrap();
    let length = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap()) as usize;
    let (head, first) = (108, length(12));
    let inflate = |bytes: &[u8], length| zstd::bulk::decompress(bytes, length).unwrap();
    let content = inflate(&file[head..head + first], length(20));
    let packages = inflate(&file[head + first..], length(68));
    [&u32::try_from(content.len()).unwrap().to_le_bytes()[..], &content, &packages].concat()
}

fn file_of(parts: &[u8]) -> Vec<u8> {
    let (length, rest) = parts.split_first_chunk::<4>().unwrap();
    let (content, packages) = rest.split_at(u32::from_le_bytes(*length) as usize);
    targets::bases_file([content, packages])
}

/// Damage that a parser may meet: changed bytes, a cut, a piece that stands twice.
#[derive(Debug, Clone)]
struct Damage {
    changes: Vec<(u32, u8)>,
    cut: u16,
    twice: Option<(u16, u16)>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = prop_oneof![any::<u32>(), 0..2048u32];
    let byte = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(b'0'), Just(b'9'), Just(b'\n'), Just(b'/')];
    let changes = proptest::collection::vec((at, byte), 0..16);
    let cut = prop_oneof![3 => Just(u16::MAX), 1 => any::<u16>()];
    let twice = proptest::option::of((any::<u16>(), any::<u16>()));
    (changes, cut, twice).prop_map(|(changes, cut, twice)| Damage { changes, cut, twice })
}

impl Damage {
    fn apply(&self, seed: &[u8]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        let share = |part: u16| seed.len() * usize::from(part) / usize::from(u16::MAX);
        for (at, byte) in &self.changes {
            if let Some(place) = (*at as usize).checked_rem(bytes.len()) {
                bytes[place] = *byte;
            }
        }
        if let Some((from, to)) = self.twice {
            let (from, to) = (share(from.min(to)), share(from.max(to)));
            bytes.extend_from_within(from..to);
        }
        bytes.truncate(share(self.cut).max(1));
        bytes
    }
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

fn testdata(folder: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(folder), &mut found);
    found.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// The layers of the sample image as tar streams, and its configurations.
fn sample() -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let (mut tars, mut documents) = (Vec::new(), Vec::new());
    for bytes in testdata("sample/blobs") {
        if bytes.starts_with(&[0x1f, 0x8b]) {
            let mut tar = Vec::new();
            flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut tar).unwrap();
            tars.push(tar);
        } else {
            documents.push(bytes);
        }
    }
    assert!(tars.len() >= 4 && documents.len() >= 4);
    (tars, documents)
}

/// A ustar archive of these files.
fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, path, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn layout_archive() -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sample");
    let mut found = Vec::new();
    files(&root, &mut found);
    let named: Vec<(String, Vec<u8>)> = found
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), fs::read(path).unwrap()))
        .collect();
    archive(&named.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect::<Vec<_>>())
}

fn docker_archive() -> Vec<u8> {
    let config = br#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let manifest = br#"[{"Config":"config.json","RepoTags":["app:1"],"Layers":["layer.tar"]}]"#;
    let layer = archive(&[("etc/passwd", b"root:x:0:0::/:/bin/sh\n")]);
    archive(&[("manifest.json", manifest), ("config.json", config), ("layer.tar", &layer)])
}

/// An archive in an archive, with what each may say of itself.
fn jar() -> Vec<u8> {
    let pack = |name: &str, content: &[u8]| {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, content) in [
            ("META-INF/MANIFEST.MF", &b"Implementation-Title: a\r\nImplementation-Version: 1\r\n"[..]),
            ("META-INF/maven/g/a/pom.properties", b"groupId=g\nartifactId=a\nversion=1\n"),
            (name, content),
        ] {
            writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(content).unwrap();
        }
        writer.finish().unwrap().into_inner()
    };
    pack("lib/b-1.jar", &pack("A.class", b""))
}

/// Records of single formats, each behind the number of its path among those that are inspected.
fn records() -> Vec<Vec<u8>> {
    let jar = jar();
    let records: &[(&[&str], &[u8])] = &[
        (&["srv/app.jar"], &jar),
        (&["usr/lib/jvm/java/release"], b"JAVA_VERSION=\"1.8.0_352\"\nIMPLEMENTOR=\"a\"\n"),
        (&["usr/lib/ruby/gems/3.1.0/specifications/a-1.gemspec"], b"# stub: a 1.0 ruby lib\nGem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.licenses = ['MIT']\n"),
        (&["srv/vendor/composer/installed.json"], br#"{"packages":[{"name":"a/b","version":"v1.0.0","license":["MIT"]}]}"#),
        (&["srv/app.deps.json"], br#"{"runtimeTarget":{"name":"t"},"targets":{"t":{"A/1.0":{"runtime":{}}}},"libraries":{"A/1.0":{"type":"package"}}}"#),
        (&["srv/lib/a-1/ebin/a.app", "srv/deps/a/hex_metadata.config"], b"{application, 'a', [{vsn, \"1.0\"}]}.\n{<<\"name\">>,<<\"a\">>}.\n{<<\"version\">>,<<\"1\">>}.\n"),
        (&["usr/lib/perl5/perllocal.pod"], b"=head2 Tue Nov 25 19:00:00 2025: C<Module> L<A::B|A::B>\n\n=item *\n\nC<VERSION: 1.0>\n"),
        (&["usr/lib/R/library/a/DESCRIPTION"], b"Package: a\nVersion: 1.0\nLicense: MIT\nBuilt: R 4.2.2\n"),
        (&["usr/lib/luarocks/rocks-5.4/a/1-1/a-1-1.rockspec"], b"package = \"a\"\nversion = \"1-1\"\ndescription = {\n  license = \"MIT\"\n}\n"),
    ];
    let choice =
        |path: &str| u8::try_from(targets::INSPECTED.iter().position(|known| *known == path).unwrap()).unwrap();
    let seed = |path: &str, content: &[u8]| [&[choice(path)][..], content].concat();
    records.iter().flat_map(|(paths, content)| paths.iter().map(move |path| seed(path, content))).collect()
}

/// The content behind a number that a target takes for a choice.
fn chosen(choices: u8, content: &[u8]) -> Vec<Vec<u8>> {
    (0..choices).map(|choice| [&[choice][..], content].concat()).collect()
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let (tars, documents) = sample();
    match target {
        "airgap" => vec![airgap()],
        "archive" => vec![layout_archive(), docker_archive()],
        "bill" => bills(),
        "image" => tars.iter().flat_map(|tar| documents.iter().map(|json| [json, &[0xfe][..], tar].concat())).collect(),
        "inspectors" => {
            let texts: &[&[u8]] = &[
                b"ID=debian\nVERSION_ID=\"12\"\nroot:x:0:0:root:/root:/bin/sh\n",
                b"Package: a\nStatus: install ok installed\nVersion: 1:1.0-1\nArchitecture: amd64\nSource: b (2)\n\n",
                b"C:Q1=\nP:musl\nV:1.2.4-r2\nA:x86_64\no:musl\nF:lib\nR:libc.so\n\n",
                b"Metadata-Version: 2.1\nName: a\nVersion: 1\n\n",
                br#"{"name":"@a/b","version":"1.0.0","license":{"type":"MIT"}}"#,
                b"lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: '1', version: 1.0.0}\npackages:\n  a@1.0.0: {}\nsnapshots:\n  a@1.0.0: {}\n",
                b"__metadata:\n  version: 8\n\n\"a@npm:^1\":\n  version: 1.0.0\n  resolution: \"a@npm:1.0.0\"\n  linkType: hard\n",
                b"a@^1:\n  version \"1.0.0\"\n\nGEM\n  specs:\n    a (1.0)\n",
                b"module m\ngo 1.21\nrequire a.example/b v1.0.0\nreplace a.example/b => c.example/d v1.0.0\na==1.0 --hash=x \\\n-r b\n",
                br#"{"packages": {"node_modules/a": {"version": "1.0.0"}}, "dependencies": {"a": {"version": "npm:b@1"}}, "npm": {"a@1.0.0": {}}, "pins": []}"#,
                br#"<project><properties><v>1</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>a</artifactId><version>${v}</version></dependency></dependencies></project>"#,
                b"%{\n  \"a\": {:hex, :a, \"1.0.0\"},\n}\n",
                b"%NAME%\na\n\n%VERSION%\n1-1\n\n%FILES%\nusr/\nusr/bin/a\n\n%BACKUP%\netc/a\tabc\n",
                b"obj /usr/bin/a b 900150983cd24fb0d6963f7d28e17f72 1\nsym /usr/a -> b 1\ndir /usr\n",
                b"CentOS release 6.10 (Final)\nname: a\nversion: 1\narchitectures: [amd64]\n",
                b"/usr/bin/a\n/usr/bin/a.real\nb\nJAVA_VERSION=\"17.0.2\"\n",
                b"12345678appdata-version\x001.2.3\0\0s\x7fELF\x02\x01\x01\0\x003.11.2\0",
                br#"{"spdxVersion":"SPDX-2.3","bomFormat":"x","packages":[{"externalRefs":[{"referenceType":"purl","referenceLocator":"pkg:npm/a@1"}]}],"components":[{"purl":"pkg:npm/a@1"}]}"#,
                b"version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+x\"\n",
            ];
            let programs = tars.iter().map(Vec::as_slice).filter_map(|tar| {
                memchr::memmem::find(tar, b"\x7fELF\x02\x01\x01").map(|at| &tar[at..(at + 4096).min(tar.len())])
            });
            let choices = u8::try_from(targets::INSPECTED.len()).unwrap();
            let of_all = texts.iter().copied().chain(programs).flat_map(|content| chosen(choices, content));
            of_all.chain(records()).collect()
        }
        "credentials" => credentials(),
        "bases" => bases(),
        "delta" => vec![delta()],
        "feeds" => testdata("feeds"),
        "nested" => containers().iter().flat_map(|content| chosen(4, content)).collect(),
        "osv" => testdata("advisory"),
        "packages" => packages(),
        "policy" => vec![fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/gates/local.toml")).unwrap()],
        "purl" => {
            ["pkg:npm/%40a/b@1.0?x=y&arch=z#c/d", "pkg:rpm/rhel/a@1?epoch=2&upstream=a-1-1.src.rpm&distro=rhel-9.2"]
                .map(|text| text.as_bytes().to_vec())
                .to_vec()
        }
        "reference" => {
            ["registry.example:5000/a/b:c@sha256:aa", "oci:dir:tag", "docker-daemon:a", "dir:/", "-", "[::1]:5/x"]
                .map(|text| text.as_bytes().to_vec())
                .to_vec()
        }
        "git" => vec![
            b"\x01c1\x02N <a@b>\x022026-11-25T22:19:32+00:00\0\n:000000 100644 0000 aaaa A\0d/a\0".to_vec(),
            b"\x01c2\x02\x02\0\0::100644 100644 100644 bbbb aaaa eeee MM\0b\0".to_vec(),
            b":100644 100755 aaaa bbbb M\0d/a\0:100644 000000 cccc 0000 D\0e\0".to_vec(),
        ],
        "rpm" => {
            testdata("inspect/os-rpm").iter().filter_map(|bytes| zstd::decode_all(bytes.as_slice()).ok()).collect()
        }
        "secret_rules" => vec![RULES.as_bytes().to_vec()],
        "secrets" => tars.iter().flat_map(|tar| chosen(3, tar)).collect(),
        "signatures" => signatures(),
        "signing" => signing(),
        "store" => vec![store()],
        "harden" | "tar" => tars.iter().flat_map(|tar| chosen(2, tar)).collect(),
        "dockerfile" => vec![DOCKERFILE.as_bytes().to_vec()],
        "shell" => vec![SHELL.as_bytes().to_vec()],
        "vex" => testdata("vex"),
        "repository" => vec![
            b"*\n!src\n**/*.[ch] # x\n.env\n".to_vec(),
            b"version: 2\nupdates:\n  - package-ecosystem: docker\non: {schedule: [{cron: a}]}\njobs: {a: {uses: ./.github/workflows/a.yml}}\n".to_vec(),
            b"API_TOKEN=xK9pQ2vLm4Rt7Wz\nflask>=3\nrequests==2\n".to_vec(),
        ],
        "workload" => vec![COMPOSE.as_bytes().to_vec(), MANIFEST.as_bytes().to_vec()],
        "versions" => testdata("versions")
            .iter()
            .flat_map(|table| String::from_utf8(table.clone()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>())
            .filter_map(|row| row.split_once(" < ").map(|(left, right)| format!("{left}\n{right}").into_bytes()))
            .collect(),
        other => panic!("the target `{other}` has no seeds"),
    }
}

/// What comes from a repository, each behind the number by which the target chooses its reader.
fn packages() -> Vec<Vec<u8>> {
    const SCRIPT: &[u8] = b"#!/bin/sh\nset -e\nif [ \"$1\" = configure ] && ! which x >/dev/null; then\n\tcase \"${2:-}\" in a|*) ;; esac\nelif [ -x /a -o -n \"$DPKG_ROOT\" ]; then :; else exit 0; fi\nf() { rm x; }\n";
    let control = archive(&[
        ("control", b"Package: a\nVersion: 1\nArchitecture: all\nDepends: b (>= 1) | c:any, d\nProvides: e (= 1)\n"),
        ("conffiles", b"/etc/a\n"),
        ("postinst", SCRIPT),
        ("triggers", b"activate-noawait ldconfig\n"),
    ]);
    let data = archive(&[("./usr/a", b"x"), ("./etc/a", b"y"), ("./usr/lib/liba.so.1", b"z")]);
    let mut deb = b"!<arch>\n".to_vec();
    for (name, content) in [("debian-binary", &b"2.0\n"[..]), ("control.tar", &control), ("data.tar", &data)] {
        deb.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, content.len()).into_bytes());
        deb.extend_from_slice(content);
    }
    let mut rpm = [&[0xed, 0xab, 0xee, 0xdb][..], &[0; 92]].concat();
    for tag in [12, 232] {
        rpm.extend([
            0x8e,
            0xad,
            0xe8,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            1,
            0,
            0,
            0,
            8,
            0,
            0,
            if tag == 12 { 1 } else { 3 },
            tag,
            0,
            0,
            0,
            7,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            8,
        ]);
        rpm.extend([0; 8]);
    }
    let texts: [(u8, &[u8]); 8] = [
        (0, b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZw==\n-----END PGP PUBLIC KEY BLOCK-----\n"),
        (0, &[0x98, 0x33, 4, 0x5f, 0, 0, 0, 0x16, 9, 0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1, 1, 7, 0x40, 1, 2, 3]),
        (1, b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: a\n-----BEGIN PGP SIGNATURE-----\n\niHUEARYKAB0=\n-----END PGP SIGNATURE-----\n"),
        (2, &[0x88, 0x75, 4, 0, 0x16, 8, 0, 0x1d, 0x16, 0x21, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (3, &rpm),
        (4, &deb),
        (5, b"Package: a\nStatus: install ok installed\nVersion: 0\nArchitecture: all\nConffiles:\n /etc/a 00 obsolete\n\nPackage: b\nStatus: hold ok installed\nVersion: 1\nArchitecture: amd64\nBreaks: a (<< 1)\n"),
        (7, b"C:Q1=\nP:a\nV:0-r0\nA:x86_64\nD:so:b=1 !c>=2\np:cmd:a=1\nF:usr\nM:0:0:700\nR:a\na:0:0:755\nZ:Q1=\n\n"),
    ];
    let sums = [&b"\x08"[..], "0".repeat(64).as_bytes(), b"  a.deb\n"].concat();
    texts
        .iter()
        .map(|(choice, text)| [&[*choice][..], text].concat())
        .chain([sums, vec![6, 0x1f, 0x8b, 8, 0]])
        .collect()
}

/// A file that holds files, of each form.
fn containers() -> Vec<Vec<u8>> {
    let tar = archive(&[("conf/a.env", b"A=1\n"), ("b.jar", &jar())]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    bzip2.write_all(&tar).unwrap();
    // `printf 'A=1\n' | xz -0`
    let xz = b"\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4F\x02\x00!\x01\x0c\x00\x00\x00\x8f\x98A\x9c\x01\x00\x03A=1\x0a\x00\x15\xae\x85X\xf8}98\x00\x01\x1c\x04o,\x9c\xc1\x1f\xb6\xf3}\x01\x00\x00\x00\x00\x04YZ";
    let member = |name: &str, content: &[u8]| {
        let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
        [header.as_bytes(), content, &b"\n"[..content.len() % 2]].concat()
    };
    let debian = [b"!<arch>\n".to_vec(), member("debian-binary", b"2.0\n"), member("data.tar.gz", &gzip)].concat();
    let zlib = |content: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    // A blob of ten bytes, and one that copies four of them and adds three.
    let blob = [&[0x3a][..], &zlib(b"0123456789")].concat();
    let delta =
        [&[0x67, u8::try_from(blob.len()).unwrap()][..], &zlib(&[10, 7, 0x90, 4, 3, b'x', b'y', b'z'])].concat();
    let pack = [b"PACK\0\0\0\x02\0\0\0\x02", &blob[..], &delta, &[0; 20]].concat();
    let zstd = zstd::encode_all(&tar[..], 1).unwrap();
    vec![jar(), gzip, bzip2.finish().unwrap(), xz.to_vec(), zstd, debian, zlib(b"blob 4\0A=1\n"), pack, tar]
}

/// One of everything that hangs on an image. The encrypted key has parameters that are refused, since opening a sound one takes a third of a second.
/// A name of a key in a token and of one of a service, a signing configuration, an identity token, a condition, a root of TUF metadata.
fn signing() -> Vec<Vec<u8>> {
    let key = "0".repeat(64);
    let texts = [
        "pkcs11:token=My%20token;object=image;id=%01%02?module-path=/usr/lib/m.so&pin-source=file:/run/pin".to_owned(),
        "awskms://alias/release".to_owned(),
        r#"{"mediaType":"application/vnd.dev.sigstore.signingconfig.v0.2+json","caUrls":[{"url":"https://ca.example","majorApiVersion":1,"validFor":{"start":"2020-01-01T00:00:00Z"}}],"rekorTlogUrls":[],"tsaUrls":[],"rekorTlogConfig":{"selector":"EXACT","count":1}}"#.to_owned(),
        "e30.eyJpc3MiOiJodHRwczovL2kuZXhhbXBsZSIsImF1ZCI6WyJzaWdzdG9yZSJdLCJleHAiOjF9.c2ln".to_owned(),
        r#"predicate.a.exists(x, x == "b") && predicate_type.startsWith("t") ? 1 < 2 : [1, 2u, 3.0][0] == 1"#.to_owned(),
        format!(
            r#"{{"signed":{{"_type":"root","spec_version":"1.0","version":1,"expires":"2099-01-01T00:00:00Z","consistent_snapshot":true,"keys":{{"{key}":{{"keytype":"ed25519","scheme":"ed25519","keyval":{{"public":"{key}"}}}}}},"roles":{{"root":{{"keyids":["{key}"],"threshold":1}}}}}},"signatures":[{{"keyid":"{key}","sig":"{key}{key}"}}]}}"#
        ),
    ];
    texts.map(String::into_bytes).to_vec()
}

fn signatures() -> Vec<Vec<u8>> {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let digest = imgguard::digest::Digest::sha256(b"");
    let statement = format!(
        r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"digest":{{"sha256":"{}"}}}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{{}}}}"#,
        digest.hex()
    );
    let envelope = format!(
        r#"{{"payload":"{}","payloadType":"application/vnd.in-toto+json","signatures":[{{"sig":"{}"}}]}}"#,
        encode(statement.as_bytes()),
        encode(b"sig")
    );
    let material = r#""verificationMaterial":{"publicKey":{"hint":"x"}}"#;
    let bundle = format!(
        r#"{{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",{material},"dsseEnvelope":{envelope}}}"#
    );
    let log = r#"{\"SignedEntryTimestamp\":\"eA==\",\"Payload\":{\"body\":\"e30=\",\"integratedTime\":1,\"logIndex\":1,\"logID\":\"00\"}}"#;
    let annotations =
        format!(r#"{{"dev.cosignproject.cosign/signature":"eA==","dev.sigstore.cosign/bundle":"{log}"}}"#);
    let payload = format!(
        r#"{{"critical":{{"identity":{{"docker-reference":"x"}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"cosign container image signature"}},"optional":null}}"#
    );
    let manifest = format!(
        r#"{{"schemaVersion":2,"config":{{"digest":"{digest}","size":0}},"layers":[{{"digest":"{digest}","size":0}}],"subject":{{"digest":"{digest}","size":0}}}}"#
    );
    let pkcs8 = imgguard::sign::keys::private::generate().unwrap();
    let (encrypted, key) = imgguard::sign::keys::file::seal(&pkcs8, b"").unwrap();
    let public = imgguard::sign::keys::Signer::public_key(&key).clone();
    // Another character in the JSON's first line, before the base64 of the cost.
    let encrypted = encrypted.replacen("eyJ", "eyA", 1);
    let texts = [bundle, envelope, annotations, payload, manifest, public.to_pem(), encrypted];
    texts.map(String::into_bytes).into_iter().chain([public.spki().to_vec()]).collect()
}

/// Bills of each format, and one in a statement.
fn bills() -> Vec<Vec<u8>> {
    let cyclonedx = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"bom-ref":"i","type":"container","name":"i","properties":[{"name":"imgguard:platform","value":"linux/amd64"}]}},
        "components":[{"bom-ref":"a","type":"library","name":"a","purl":"pkg:deb/debian/a@1:2-3?arch=amd64&distro=debian-12&upstream=b%402","licenses":[{"license":{"id":"MIT"}},{"expression":"MIT"}],
        "evidence":{"occurrences":[{"location":"/../var/lib/dpkg/status"}]},"components":[{"type":"operating-system","name":"debian","version":"12"}]}],
        "dependencies":[{"ref":"i","dependsOn":["a"]}],"compositions":[{"aggregate":"incomplete","assemblies":["i"]}]}"#;
    let spdx = r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-a","name":"a","versionInfo":"1","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:rpm/rhel/a@1-2?epoch=1"}],
        "annotations":[{"comment":"SrcName: b"}],"attributionTexts":["FilePath: x"],"sourceInfo":"built package from: b 1"}],
        "relationships":[{"spdxElementId":"SPDXRef-a","relationshipType":"CONTAINS","relatedSpdxElement":"SPDXRef-a"}]}"#;
    let tags = "SPDXVersion: SPDX-2.3\nPackageName: a\nSPDXID: SPDXRef-a\nPackageVersion: 1\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1\n\
                Annotator: Tool: x\nSPDXREF: SPDXRef-a\nAnnotationComment: <text>imgguard:path: a/b\n</text>\nRelationship: SPDXRef-a CONTAINS SPDXRef-a\n";
    let statement = format!(r#"{{"predicateType":"https://cyclonedx.org/bom","predicate":{cyclonedx}}}"#);
    let envelope = r#"{"payloadType":"application/vnd.in-toto+json","payload":"eyJzcGR4VmVyc2lvbiI6IlNQRFgtMi4zIn0="}"#;
    [cyclonedx, spdx, tags, &statement, envelope].map(|text| text.as_bytes().to_vec()).to_vec()
}

/// Credential files with their paths, and keys in every format: DER by rcgen, keystores by openssl where it is there, others by hand.
fn credentials() -> Vec<Vec<u8>> {
    let with_path = |path: &str, content: &[u8]| [path.as_bytes(), b"\n", content].concat();
    let files = cases::CASES.iter().map(|(path, template, _)| with_path(path, template.as_bytes()));
    let kinds = [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519];
    let pairs = kinds.map(|kind| rcgen::KeyPair::generate_for(kind).unwrap());
    let certificate = rcgen::CertificateParams::new(vec!["a".to_owned()]).unwrap().self_signed(&pairs[0]).unwrap();
    let counted = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes()[..], bytes].concat();
    let entry =
        [&[0, 0, 0, 1, 0, 1, b'a'][..], &[0; 8], &counted(&pairs[0].serialize_der()), &[0, 0, 0, 1, 0, 5]].concat();
    let java =
        [b"\xfe\xed\xfe\xed\0\0\0\x02\0\0\0\x01", &entry[..], b"X.509", &counted(certificate.der()), &[7; 20]].concat();
    let keytab = b"\x05\x02\0\0\0\x22\0\x01\0\x01R\0\x01a\0\0\0\x01\0\0\0\0\x01\0\x11\0\x100123456789abcdef\0";
    let gnupg = b"(21:protected-private-key(3:rsa(1:n3:\xaabc)(1:e1:\x03)))Key: (private-key (rsa (n #00AA#)(e #03#)))";
    let jwk = br#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA","d":"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let mut seeds: Vec<Vec<u8>> = files.collect();
    seeds.extend(pairs.iter().map(|pair| with_path("k", &pair.serialize_der())));
    seeds.extend(pairs.iter().map(|pair| with_path("k", pair.serialize_pem().as_bytes())));
    seeds.extend([&java[..], keytab, gnupg, jwk].map(|content| with_path("k", content)));
    seeds.extend(keystore(&pairs[0].serialize_pem(), &certificate.pem()).map(|content| with_path("k", &content)));
    seeds
}

/// A PKCS #12 keystore; none without openssl.
fn keystore(key: &str, certificate: &str) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pair.pem");
    fs::write(&file, [key, certificate].concat()).unwrap();
    let export = ["pkcs12", "-export", "-passout", "pass:changeit", "-in"];
    let made = std::process::Command::new("openssl").args(export).arg(&file).output();
    made.ok().map(|output| output.stdout).filter(|bytes| !bytes.is_empty())
}

fn store() -> Vec<u8> {
    let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/advisory/records");
    imgguard::advisory::compile(&[records], imgguard::advisory::ImportOptions::default()).unwrap().0
}

/// What `db export` writes, without a signature.
fn airgap() -> Vec<u8> {
    let store = store();
    let layer = imgguard::source::Descriptor::of("application/vnd.imgguard.advisories.store.v2", &store);
    let manifest = serde_json::json!({
        "schemaVersion": 2, "artifactType": "application/vnd.imgguard.advisories", "layers": [layer],
        "config": {"digest": imgguard::digest::Digest::sha256(b"{}"), "size": 2}, "annotations": {"org.opencontainers.image.created": "2026-01-01T00:00:00Z"},
    });
    let manifest = manifest.to_string().into_bytes();
    let mut entry =
        serde_json::to_value(imgguard::source::Descriptor::of("application/vnd.oci.image.manifest.v1+json", &manifest))
            .unwrap();
    entry["annotations"] = serde_json::json!({"org.opencontainers.image.ref.name": "latest"});
    let index = serde_json::json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
    let name = |bytes: &[u8]| format!("blobs/sha256/{}", imgguard::digest::Digest::sha256(bytes).hex());
    archive(&[
        ("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#),
        ("index.json", index.as_bytes()),
        (&name(&manifest), &manifest),
        (&name(&store), &store),
    ])
}

/// A store behind its length, and what makes another of it.
fn delta() -> Vec<u8> {
    use imgguard::advisory::store::{Store, delta};
    let feeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/feeds");
    let new = imgguard::advisory::compile(&[feeds], imgguard::advisory::ImportOptions::default()).unwrap().0;
    let old = store();
    let made = delta::make(&Store::from_memory(old.clone()).unwrap(), &Store::from_memory(new).unwrap()).unwrap();
    [&u32::try_from(old.len()).unwrap().to_le_bytes()[..], &old, &made].concat()
}

#[test]
fn damaged_input_ends_in_an_answer() {
    let mut runner = TestRunner::deterministic();
    let strategy = damage();
    for (name, target) in targets::TARGETS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        let rounds = (ROUNDS * 12 / seeds.len()).clamp(4, ROUNDS);
        for seed in &seeds {
            target(seed);
            for _ in 0..rounds {
                target(&strategy.new_tree(&mut runner).unwrap().current().apply(seed));
            }
        }
    }
}

/// What stands in `fuzz/` and what runs here are the same list.
#[test]
fn every_target_has_its_fuzzer() {
    let mut found = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets"), &mut found);
    let fuzzers: Vec<&str> = found.iter().filter_map(|path| path.file_stem()?.to_str()).collect();
    let targets: Vec<&str> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    assert_eq!(fuzzers, targets);
}
