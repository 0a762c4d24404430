//! `docs/rules/`: a page a rule, the list of all, and how far they cover the rules of others. `UPDATE_DOCS=1 cargo test --test lint` writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imgguard::check::controls::{BASE_RULES, CONTROLS};
use imgguard::check::{self, HISTORY_RULES};
use imgguard::lint::findings::VOID_IGNORE;
use imgguard::lint::{self, Meta};

use super::hadolint::DIFFERENCES;
use super::{cases, setting};

/// The rules of other tools, each with those that nothing of ours covers and why.
struct Other {
    title: &'static str,
    note: &'static str,
    ids: &'static [&'static str],
    prefix: &'static str,
    uncovered: &'static [(&'static str, &'static str)],
}

const OTHERS: &[Other] = &[
    Other {
        title: "CIS Docker Benchmark 1.6.0, section 4",
        note: "Each control is decided by machine: by rules about the Dockerfile, checks of the image, and what is named here besides them. `controls` of a scan's report says `pass`, `fail` or `unknown` of each: it fails by an open finding, and passes only where everything that could fail it was looked at.",
        prefix: "",
        ids: &[
            "CIS-4.1", "CIS-4.2", "CIS-4.3", "CIS-4.4", "CIS-4.5", "CIS-4.6", "CIS-4.7", "CIS-4.8", "CIS-4.9",
            "CIS-4.10", "CIS-4.11", "CIS-4.12",
        ],
        uncovered: &[
            ("CIS-4.2", "`[[signature]]` demands of a policy about the base"),
            ("CIS-4.4", "vulnerabilities with a fix, from `scan`"),
            ("CIS-4.5", "`[[signature]]` demands of a policy, and `verify`"),
            ("CIS-4.10", "the rules for secrets, in layers, variables, labels and history"),
            ("CIS-4.12", "`[[signature]]` demands for attestations, and `verify --type`"),
        ],
    },
    Other {
        title: "Dockle",
        note: "",
        prefix: "",
        ids: &[
            "CIS-DI-0001",
            "CIS-DI-0002",
            "CIS-DI-0003",
            "CIS-DI-0004",
            "CIS-DI-0005",
            "CIS-DI-0006",
            "CIS-DI-0007",
            "CIS-DI-0008",
            "CIS-DI-0009",
            "CIS-DI-0010",
            "CIS-DI-0011",
            "DKL-DI-0001",
            "DKL-DI-0002",
            "DKL-DI-0003",
            "DKL-DI-0004",
            "DKL-DI-0005",
            "DKL-DI-0006",
            "DKL-LI-0001",
            "DKL-LI-0002",
            "DKL-LI-0003",
        ],
        uncovered: &[
            ("CIS-DI-0002", "`untrusted-registry` and `unpinned-base` of the Dockerfile; Dockle has no check"),
            ("CIS-DI-0004", "vulnerabilities with a fix, from `scan`"),
            (
                "CIS-DI-0005",
                "`[[signature]]` demands of a policy, and `verify`; Dockle looks at a variable of its own host",
            ),
        ],
    },
    Other {
        title: "hadolint",
        note: "Its `# hadolint ignore=` comments are read. ShellCheck's rules are not ours to repeat; a script that cannot be read is `shell-syntax`.",
        prefix: "",
        ids: &[
            "DL1001", "DL3000", "DL3001", "DL3002", "DL3003", "DL3004", "DL3006", "DL3007", "DL3008", "DL3009",
            "DL3010", "DL3011", "DL3012", "DL3013", "DL3014", "DL3015", "DL3016", "DL3018", "DL3019", "DL3020",
            "DL3021", "DL3022", "DL3023", "DL3024", "DL3025", "DL3026", "DL3027", "DL3028", "DL3029", "DL3030",
            "DL3032", "DL3033", "DL3034", "DL3035", "DL3036", "DL3037", "DL3038", "DL3040", "DL3041", "DL3042",
            "DL3043", "DL3044", "DL3045", "DL3046", "DL3047", "DL3048", "DL3049", "DL3050", "DL3051", "DL3052",
            "DL3053", "DL3054", "DL3055", "DL3056", "DL3057", "DL3058", "DL3059", "DL3060", "DL3061", "DL3062",
            "DL3063", "DL3064", "DL3065", "DL3066", "DL3067", "DL4000", "DL4001", "DL4003", "DL4004", "DL4005",
            "DL4006",
        ],
        uncovered: &[],
    },
    Other {
        title: "Trivy",
        note: "",
        prefix: "",
        ids: &[
            "DS-0001", "DS-0002", "DS-0004", "DS-0005", "DS-0006", "DS-0007", "DS-0008", "DS-0009", "DS-0010",
            "DS-0011", "DS-0012", "DS-0013", "DS-0014", "DS-0015", "DS-0016", "DS-0017", "DS-0019", "DS-0020",
            "DS-0021", "DS-0022", "DS-0023", "DS-0024", "DS-0025", "DS-0026", "DS-0027", "DS-0029", "DS-0030",
            "DS-0031",
        ],
        uncovered: &[],
    },
    Other {
        title: "Checkov",
        note: "",
        prefix: "",
        ids: &[
            "CKV_DOCKER_1",
            "CKV_DOCKER_2",
            "CKV_DOCKER_3",
            "CKV_DOCKER_4",
            "CKV_DOCKER_5",
            "CKV_DOCKER_6",
            "CKV_DOCKER_7",
            "CKV_DOCKER_8",
            "CKV_DOCKER_9",
            "CKV_DOCKER_10",
            "CKV_DOCKER_11",
            "CKV2_DOCKER_1",
            "CKV2_DOCKER_2",
            "CKV2_DOCKER_3",
            "CKV2_DOCKER_4",
            "CKV2_DOCKER_5",
            "CKV2_DOCKER_6",
            "CKV2_DOCKER_7",
            "CKV2_DOCKER_8",
            "CKV2_DOCKER_9",
            "CKV2_DOCKER_10",
            "CKV2_DOCKER_11",
            "CKV2_DOCKER_12",
            "CKV2_DOCKER_13",
            "CKV2_DOCKER_14",
            "CKV2_DOCKER_15",
            "CKV2_DOCKER_16",
            "CKV2_DOCKER_17",
        ],
        uncovered: &[],
    },
    Other {
        title: "KICS, queries about Dockerfiles",
        note: "By the first eight digits of a query's id.",
        prefix: "KICS-",
        ids: &[
            "71bf8cf8", "6db6e0c2", "cdddb86f", "fd54f200", "6b376af8", "f2daed12", "6938958b", "8ada6e80", "682fe378",
            "09fda05e", "989ab888", "8f6456be", "67fd0c4a", "f4a6bcd3", "68a51e22", "41c195f4", "9bae49be", "b86987e1",
            "8a301064", "efbf148a", "c3e1b6ae", "965a08d7", "77783205", "00481784", "22cd11f7", "93d88cf7", "e36d8880",
            "fc775e75", "6452c424", "7ebd323c", "295acb63", "f2f903fb", "6e19193a", "38300d1a", "562952e4", "9efb0b2d",
            "b16e8501", "02d9c71f", "b84a0b47", "d3499f6d", "d4895357", "45e1fca5", "f45ea400", "99614418", "aa93e17f",
            "9513a694", "b03a748a", "df746b39", "7384dfb2", "ae9c56a6", "9b6b0f38",
        ],
        uncovered: &[(
            "aa93e17f",
            "`--chown` is how files get their owner without a layer more; nothing is wrong with it",
        )],
    },
    Other {
        title: "KICS, queries about Compose files",
        note: "By the first eight digits of a query's id. A service without `networks` is on a network of its project, which is no default bridge: ce14a68b is told where the default bridge is asked for.",
        prefix: "KICS-",
        ids: &[
            "baa452f0", "1c1325ff", "d6355c88", "27fcc7d6", "ae5b6871", "698ed579", "4d9f44c6", "2fc99041", "bc2908f3",
            "451d79dc", "ce14a68b", "071a71ff", "baa3890f", "404fde2c", "4f31dd9f", "bb9ac4f7", "221e0658", "8af7162d",
            "610e266e", "6b610c50", "ce76b7d0", "8c978947",
        ],
        uncovered: &[],
    },
    Other {
        title: "compose-lint",
        note: "Compared with 0.36 on 55 real files: what it finds and this does not is an image, a port or a path that is a variable which nothing sets, folders below `/etc` of a service's own, `/dev/net/tun`, and values such as `xxx`.",
        prefix: "",
        ids: &[
            "CL-0001", "CL-0002", "CL-0003", "CL-0004", "CL-0005", "CL-0006", "CL-0007", "CL-0008", "CL-0009",
            "CL-0010", "CL-0011", "CL-0013", "CL-0014", "CL-0016", "CL-0017", "CL-0018", "CL-0019", "CL-0020",
            "CL-0021", "CL-0022", "CL-0024", "CL-0025", "CL-0026", "CL-0027", "CL-0028", "CL-0029", "CL-0030",
        ],
        uncovered: &[],
    },
];

/// What covers an id, with the link to its page.
fn covering(id: &str) -> Vec<String> {
    let rules = lint::rules().filter(|rule| rule.meta.aliases.contains(&id));
    let of_history = |id: &str| if HISTORY_RULES.contains(&id) { " (also of an image's history)" } else { "" };
    let link = |id: &str, kind: &str| format!("[`{id}`]({kind}/{id}.md){}", of_history(id));
    let rules = rules.map(|rule| link(rule.meta.id, rule.check.kind()));
    let checks = check::metas().filter(|meta| meta.aliases.contains(&id));
    let checks = checks.map(|meta| format!("[`{0}`](image/{0}.md) (image)", meta.name));
    let controls = CONTROLS.iter().filter(|control| control.id == id || control.aliases.contains(&id));
    let bases = BASE_RULES.iter().filter(|(_, control)| *control == id);
    let bases = bases.map(|(rule, _)| format!("[`{rule}`](../base.md) (image)"));
    rules.chain(checks).chain(bases).chain(controls.map(|control| format!("control `{}`", control.id))).collect()
}

fn coverage() -> String {
    let mut page = "# Rules of others\n\nWhat the rules and checks of imgguard cover of those of other tools. A name of another tool stands for ours in `# imgguard ignore=`, `--enable` and `--disable`.\n\n\
        This page is made from the rules' aliases; `tests/lint/pages.rs` has the lists.\n"
        .to_owned();
    for other in OTHERS {
        let mut rows = String::new();
        let mut covered = 0;
        for id in other.ids {
            let reason = other.uncovered.iter().find(|(known, _)| known == id).map(|(_, reason)| (*reason).to_owned());
            let names = covering(&format!("{}{id}", other.prefix));
            assert!(!names.is_empty() || reason.is_some(), "{id} is covered by nothing, and nobody says why");
            covered += usize::from(!names.is_empty() || reason.as_deref().is_some_and(|reason| !is_missing(reason)));
            let cells: Vec<String> = names.into_iter().chain(reason).collect();
            rows.push_str(&format!("| {id} | {} |\n", cells.join(", ")));
        }
        let note = if other.note.is_empty() { String::new() } else { format!("{}\n\n", other.note) };
        let (title, all) = (other.title, other.ids.len());
        page.push_str(&format!("\n## {title}: {covered} of {all}\n\n{note}| theirs | ours |\n|---|---|\n{rows}"));
    }
    page.push_str("\n## Where the answer is another one than hadolint's\n\n| theirs | why |\n|---|---|\n");
    for (id, _, why) in DIFFERENCES {
        page.push_str(&format!("| {id} | {why} |\n"));
    }
    page
}

fn is_missing(reason: &str) -> bool {
    reason.starts_with("not yet") || reason.contains("nothing is wrong with it")
}

/// What a file of a repository is, before its content.
fn label(settings: &str) -> String {
    let Some(path) = setting(settings, "path") else { return String::new() };
    let mode = setting(settings, "mode").map(|mode| format!(", mode {mode}")).unwrap_or_default();
    let tracked = if settings.contains(" tracked") { ", kept by git" } else { "" };
    format!("\n`{path}`{mode}{tracked}:\n")
}

/// The page of a rule.
fn page(kind: &str, meta: &Meta) -> String {
    let severity = format!("{:?}", meta.severity).to_lowercase();
    let default = if meta.default { "" } else { ", only when asked for (`--enable`)" };
    let mut page = format!(
        "# {}\n\n{}: {}{default}.\n\n**Why:** {}\n\n**What to do:** {}.\n",
        meta.id, severity, meta.summary, meta.why, meta.advice
    );
    let all = cases(kind, meta.id);
    let language = match kind {
        "dockerfile" => kind,
        "repository" => "text",
        _ => "yaml",
    };
    for (title, is_bad) in [("Bad", true), ("Good", false)] {
        if let Some(case) = all.iter().find(|case| case.is_bad == is_bad) {
            page.push_str(&format!("\n## {title}\n"));
            for (settings, text) in &case.files {
                page.push_str(&label(settings));
                if !text.is_empty() {
                    page.push_str(&format!("\n```{language}\n{text}```\n"));
                }
            }
        }
    }
    if let Some(fixed) = all.iter().find_map(|case| case.fixed.as_ref()) {
        let (path, fixed) = if kind == "repository" { fixed.split_once('\n').unwrap() } else { ("", fixed.as_str()) };
        let label = if path.is_empty() { String::new() } else { format!("\n`{path}`:\n") };
        page.push_str(&format!("\n## Fixed by `--fix`\n{label}\n```{language}\n{fixed}```\n"));
    }
    if !meta.aliases.is_empty() {
        page.push_str(&format!("\nElsewhere: {}.\n", meta.aliases.join(", ")));
    }
    if !meta.sources.is_empty() {
        let links = meta
            .sources
            .iter()
            .map(|source| if source.starts_with("http") { format!("<{source}>") } else { (*source).to_owned() });
        page.push_str(&format!("\nSources: {}\n", links.collect::<Vec<_>>().join(", ")));
    }
    page
}

/// The page of a check of the image.
fn image_page(meta: &check::Meta) -> String {
    let aliases = meta.aliases.join(", ");
    let elsewhere = if aliases.is_empty() { String::new() } else { format!("\nElsewhere: {aliases}.\n") };
    format!("# {}\n\nOf a built image: {}.\n\n{}\n{elsewhere}", meta.name, meta.summary, meta.doc)
}

fn index() -> String {
    let mut page = "# Rules about build and run files, and what is around them\n\n`imgguard lint` runs them; `imgguard rules list` prints the table. [Rules of others](coverage.md) tells what they cover.\n\n\
        | rule | severity | what is wrong | fix |\n|---|---|---|---|\n"
        .to_owned();
    for rule in lint::rules() {
        let meta = &rule.meta;
        let severity = format!("{:?}", meta.severity).to_lowercase();
        let off = if meta.default { "" } else { " (off)" };
        let fix = if cases(rule.check.kind(), meta.id).iter().any(|case| case.fixed.is_some()) { "yes" } else { "" };
        page.push_str(&format!(
            "| [{0}]({1}/{0}.md) | {severity}{off} | {2} | {fix} |\n",
            meta.id,
            rule.check.kind(),
            meta.summary
        ));
    }
    page.push_str(&format!("\n`{}`: {}. {}\n", VOID_IGNORE.id, VOID_IGNORE.summary, VOID_IGNORE.why));
    page.push_str(
        "\n## Checks of built images\n\n`imgguard scan` runs them.\n\n| check | what is wrong |\n|---|---|\n",
    );
    for meta in check::metas() {
        page.push_str(&format!("| [{0}](image/{0}.md) | {1} |\n", meta.name, meta.summary));
    }
    page.push_str("\n## Controls\n\nSection 4 of the CIS Docker Benchmark 1.6.0, in our words, and what it takes to say that one passes.\n\n| control | what it asks for | needs |\n|---|---|---|\n");
    for control in CONTROLS {
        let needs: Vec<String> = control.needs.iter().map(ToString::to_string).collect();
        page.push_str(&format!("| {} | {} | {} |\n", control.id, control.summary, needs.join(", ")));
    }
    page
}

#[test]
fn every_control_and_every_checkpoint_of_dockle_is_decided() {
    let of_cis: Vec<&str> = CONTROLS.iter().map(|control| control.id).collect();
    assert_eq!(of_cis, OTHERS[0].ids);
    for id in OTHERS[1].ids {
        assert!(!covering(id).is_empty(), "{id} is an alias of nothing");
    }
    assert_eq!((OTHERS[0].ids.len(), OTHERS[1].ids.len()), (12, 20));
}

#[test]
fn the_pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let mut pages: BTreeMap<PathBuf, String> = BTreeMap::new();
    pages.insert("README.md".into(), index());
    pages.insert("coverage.md".into(), coverage());
    for rule in lint::rules() {
        let kind = rule.check.kind();
        pages.insert(Path::new(kind).join(format!("{}.md", rule.meta.id)), page(kind, &rule.meta));
    }
    for meta in check::metas() {
        pages.insert(Path::new("image").join(format!("{}.md", meta.name)), image_page(meta));
    }
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut stale = Vec::new();
    for (name, text) in &pages {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_ref() != Some(text) {
            if update {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, text).unwrap();
            }
            stale.push(name.display().to_string());
        }
    }
    let kinds: BTreeSet<&str> = lint::rules().map(|rule| rule.check.kind()).chain(["image"]).collect();
    for kind in kinds {
        for entry in fs::read_dir(folder.join(kind)).into_iter().flatten() {
            let name = Path::new(kind).join(entry.unwrap().file_name());
            assert!(pages.contains_key(&name), "{} is of no rule; remove it", name.display());
        }
    }
    assert!(update || stale.is_empty(), "run UPDATE_DOCS=1 cargo test --test lint: {}", stale.join(", "));
}
