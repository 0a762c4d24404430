//! `docs/promises.md`: what security policies promise about containers, each as what checks it, or why nothing here can. `UPDATE_DOCS=1 cargo test --test lint` writes it.

use std::fs;
use std::path::Path;

use imgguard::check;
use imgguard::lint;
use imgguard::policy::Policy;

/// What holds a promise.
enum By {
    /// A rule about files.
    Rule(&'static str),
    /// A check of the image.
    Check(&'static str),
    /// A part of every scan, with the test that proves it.
    Scan(&'static str, Test),
    /// What the program itself does, proved by a test.
    Proof(Test),
    /// A demand of a built-in policy that has this word.
    Policy(&'static str, &'static str),
    /// Nothing, and why.
    Nothing(&'static str),
}

/// A file of tests and a function in it.
type Test = (&'static str, &'static str);

use By::{Check, Nothing, Policy as Demand, Proof, Rule, Scan};

const SECRETS: By = Scan(
    "secrets in layers, variables, labels and history",
    ("tests/cli/secret_places.rs", "every_format_is_found_in_every_state"),
);
const AROUND: By =
    Scan("secrets around the layers", ("tests/cli/secret_places.rs", "every_place_around_the_layers_is_looked_at"));

/// A promise, and what holds it.
type Promise = (&'static str, &'static [By]);

const PROMISES: &[(&str, &[Promise])] = &[
    (
        "The image",
        &[
            (
                "It runs as a user who is not root, by number",
                &[
                    Check("root-user"),
                    Check("unresolved-user"),
                    Rule("root-user"),
                    Rule("missing-user"),
                    Rule("non-numeric-user"),
                ],
            ),
            ("Compilers and build tools stay in an earlier stage", &[Check("unnecessary-package")]),
            ("It has a health check", &[Check("no-healthcheck"), Rule("no-healthcheck")]),
            (
                "It has no more than it needs: no caches, shells and package managers are told",
                &[
                    Check("package-cache"),
                    Check("unneeded-file"),
                    Check("documentation"),
                    Check("unnecessary-package"),
                    Check("wasted-space"),
                    Rule("apt-get-lists"),
                    Rule("apt-get-recommends"),
                    Rule("apk-cache"),
                    Rule("pip-cache"),
                    Rule("dnf-cache"),
                    Rule("yum-cache"),
                    Rule("zypper-cache"),
                    Rule("yarn-cache"),
                ],
            ),
            (
                "No setuid files but those of the distribution",
                &[Check("world-writable-file"), Check("privileged-file"), Rule("setuid-file")],
            ),
            (
                "Secrets are never in layers, variables, labels or history",
                &[
                    SECRETS,
                    AROUND,
                    Check("secret-name"),
                    Rule("secret-in-file"),
                    Rule("secret-name"),
                    Rule("copy-secret-file"),
                    Rule("secret-in-context"),
                ],
            ),
            (
                "`.env` and credentials are absent",
                &[Check("unneeded-file"), SECRETS, Rule("copy-secret-file"), Rule("secret-in-context")],
            ),
            (
                "The base is an official one, fresh, and pinned by digest",
                &[
                    Rule("untrusted-registry"),
                    Rule("end-of-life-base"),
                    Rule("latest-base"),
                    Rule("untagged-base"),
                    Rule("unpinned-base"),
                    Rule("no-update-automation"),
                    Check("latest-tag"),
                ],
            ),
            ("All platforms are there and equal", &[Check("platforms-differ")]),
            (
                "Dependencies are pinned",
                &[
                    Rule("unlocked-packages"),
                    Rule("open-requirements"),
                    Rule("apt-get-unpinned"),
                    Rule("apk-unpinned"),
                    Rule("pip-unpinned"),
                    Rule("npm-unpinned"),
                    Rule("gem-unpinned"),
                    Rule("go-unpinned"),
                ],
            ),
            (
                "Dependencies have no known vulnerability",
                &[Scan("vulnerabilities of every package", ("tests/os_packages.rs", ""))],
            ),
            (
                "Its signature is verified",
                &[Scan(
                    "`verify`, and `[[signature]]` of a policy",
                    ("tests/registry/signing.rs", "the_bases_signature_can_be_demanded"),
                )],
            ),
            (
                "Packages are those that their publisher signed",
                &[
                    Check("unowned-program"),
                    Check("modified-os-file"),
                    Rule("apt-unauthenticated"),
                    Rule("rpm-unsigned"),
                    Rule("apk-allow-untrusted"),
                    Rule("pipe-to-shell"),
                    Rule("add-without-checksum"),
                ],
            ),
        ],
    ),
    (
        "How it is run",
        &[
            (
                "Ports are bound to the host itself",
                &[Rule("public-port"), Rule("published-database"), Rule("host-port"), Rule("privileged-port")],
            ),
            ("The root filesystem cannot be written", &[Rule("writable-root"), Rule("tmpfs-exec")]),
            (
                "Mounts are read-only where they can be, and none of what matters to the host",
                &[
                    Rule("sensitive-host-path"),
                    Rule("shared-propagation"),
                    Rule("shared-volume"),
                    Nothing("whether a service needs to write to a volume of its own is not in the files"),
                ],
            ),
            ("A network of its own", &[Rule("host-network"), Rule("default-bridge"), Rule("host-namespace")]),
            (
                "Limits of memory, processors and processes",
                &[Rule("memory-unlimited"), Rule("cpu-unlimited"), Rule("pids-unlimited")],
            ),
            (
                "Capabilities are dropped",
                &[Rule("capabilities-kept"), Rule("dangerous-capability"), Rule("new-privileges")],
            ),
            (
                "Nothing is privileged",
                &[
                    Rule("privileged-container"),
                    Rule("dangerous-device"),
                    Rule("confinement-off"),
                    Rule("seccomp-unset"),
                ],
            ),
            (
                "Secrets come by `secrets:` or from outside, and never stand in the file",
                &[Rule("literal-secret"), Rule("service-token")],
            ),
            (
                "Something looks after its health, and starts it again",
                &[Rule("no-health-check"), Rule("no-restart"), Rule("restart-unlimited")],
            ),
            ("The engine's socket stays with the engine", &[Rule("host-socket")]),
            ("The user is set", &[Rule("root-container"), Rule("root-allowed")]),
            ("The image is pinned", &[Rule("unpinned-image"), Rule("untagged-image"), Rule("latest-image")]),
        ],
    ),
    (
        "The repository",
        &[
            ("`.env` is ignored by git", &[Rule("env-tracked"), Rule("env-not-ignored")]),
            (
                "`.env` is left out by `.dockerignore`, which is there and does what it seems to",
                &[
                    Rule("secret-in-context"),
                    Rule("no-dockerignore"),
                    Rule("dockerignore-pattern"),
                    Rule("git-in-context"),
                    Rule("remade-in-context"),
                ],
            ),
            (
                "`.env` and files with credentials have mode 0600",
                &[Check("readable-credential-file"), Rule("readable-secret-file")],
            ),
            ("Requirements are pinned", &[Rule("open-requirements"), Rule("unlocked-packages")]),
            ("Something proposes new versions", &[Rule("no-update-automation")]),
            (
                "Scans run on a schedule",
                &[
                    Rule("no-scheduled-scan"),
                    Nothing("GitLab and other services keep schedules outside of the repository"),
                ],
            ),
            ("A vulnerability can be reported in private", &[Rule("no-security-contact")]),
            (
                "Changes are reviewed, branches protected",
                &[Nothing(
                    "it is a setting of the service that keeps the repository, and no file says that it is kept to",
                )],
            ),
        ],
    ),
    (
        "Transport and data",
        &[
            (
                "Connections are encrypted",
                &[
                    Rule("cleartext-connection"),
                    Rule("cleartext-endpoint"),
                    Rule("plain-http-download"),
                    Nothing("what a program does in its own code (`verify=False`) is not in the files that start it"),
                ],
            ),
            (
                "Certificates are checked",
                &[
                    Rule("certificate-check-off"),
                    Rule("tls-check-off"),
                    Rule("insecure-download"),
                    Rule("pip-trusted-host"),
                    Rule("strict-ssl-off"),
                ],
            ),
            (
                "Certificates have not expired",
                &[Check("expired-certificate"), Nothing("what a running service shows is known by asking it")],
            ),
            ("No default passwords", &[SECRETS, Rule("literal-secret"), Check("empty-password")]),
            (
                "Databases are reached from their network alone, ask for a password, and are not used as their superuser",
                &[Rule("published-database"), Rule("open-database"), Rule("database-superuser")],
            ),
            ("No dumps, logs or temporary files with data in an image", &[Rule("data-in-context"), SECRETS]),
            (
                "Logs are rotated",
                &[
                    Rule("unrotated-logs"),
                    Rule("logging-off"),
                    Nothing("the engine's own default may be set on the host (`/etc/docker/daemon.json`)"),
                ],
            ),
            ("Data is encrypted where it is kept", &[Nothing("a volume does not say what the disk below it does")]),
            ("Backups are made, and tried", &[Nothing("they run outside of the image and its files")]),
            (
                "The host's firewall lets in what it must; administration is reached by VPN",
                &[Nothing(
                    "it is the host's and the network's configuration; that a port is published is `public-port`",
                )],
            ),
            ("The host and its engine are kept up to date", &[Nothing("an image does not say where it runs")]),
            (
                "Accounts of people have a second factor and the rights that they need",
                &[Nothing("it is a setting of the services that they use")],
            ),
        ],
    ),
    (
        "The process, and this program",
        &[
            (
                "What was leaked is renewed: it is said what, and where",
                &[Proof(("tests/cli/secrets_verb.rs", "the_page_of_an_incident_says_what_to_do_and_is_escaped"))],
            ),
            (
                "No secret is in our reports, caches or temporary files",
                &[
                    Proof(("tests/cli/secrets_verb.rs", "no_output_no_cache_and_no_temporary_file_has_a_secret")),
                    Proof(("tests/cli/hostile.rs", "no_report_and_no_cache_holds_a_secret")),
                    Proof(("tests/cli/lint.rs", "a_report_follows_the_contract_and_shows_no_secret")),
                ],
            ),
            (
                "The network is waited for no longer than was said",
                &[Proof(("tests/registry/faults.rs", "silence_ends_with_the_timeout"))],
            ),
            (
                "Certificates are always checked; `--insecure-tls` names the one registry that is not",
                &[Proof(("tests/registry/real.rs", ""))],
            ),
            ("`--offline` opens no connection", &[Proof(("tests/registry/faults.rs", "offline_opens_no_connection"))]),
            (
                "A gate says no",
                &[
                    Demand("local", "secrets, fixable critical vulnerabilities, root"),
                    Proof(("tests/cli/exit_codes.rs", "")),
                ],
            ),
        ],
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What stands in the table; that it is there is a part of it.
fn cell(by: &By) -> String {
    let test = |(file, name): &Test| {
        let text = fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(name.is_empty() || text.contains(&format!("fn {name}(")), "{file} has no test {name}");
        if name.is_empty() { format!("`{file}`") } else { format!("`{name}` ({file})") }
    };
    match by {
        Rule(id) => {
            let rule = lint::rule(id).unwrap_or_else(|| panic!("there is no rule {id}"));
            let off = if rule.meta.default { "" } else { ", with `--enable`" };
            format!("[`{id}`](rules/{}/{id}.md){off}", rule.check.kind())
        }
        Check(name) => {
            assert!(check::metas().any(|meta| meta.name == *name), "there is no check {name}");
            format!("`{name}` (image)")
        }
        Scan(what, proof) => format!("{what}, tested by {}", test(proof)),
        Proof(proof) => format!("tested by {}", test(proof)),
        Demand(policy, word) => {
            assert!(Policy::builtin(policy).is_ok(), "there is no policy {policy}");
            format!("policy `{policy}` ({word})")
        }
        Nothing(why) => format!("not decidable from these files: {why}"),
    }
}

#[test]
fn every_promise_is_held_by_what_is_there() {
    let mut page = "# Promises\n\nWhat security policies promise about containers, and what checks it here: rules about files (`imgguard lint`), checks of the image (`imgguard scan`), tests of this program, or \
        nothing, with the reason. `tests/lint/promises.rs` has the list, and fails where one of them is not there.\n"
        .to_owned();
    for (section, promises) in PROMISES {
        page.push_str(&format!("\n## {section}\n\n| promise | held by |\n|---|---|\n"));
        for (promise, by) in *promises {
            let cells: Vec<String> = by.iter().map(cell).collect();
            page.push_str(&format!("| {promise} | {} |\n", cells.join("; ")));
        }
    }
    let path = root().join("docs/promises.md");
    let is_current = fs::read_to_string(&path).is_ok_and(|current| current == page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).unwrap();
    } else {
        assert!(is_current, "run UPDATE_DOCS=1 cargo test --test lint");
    }
}
