//! npm, pnpm, Yarn and Bun over one project: a workspace, an alias, a package of another system, and packages for development.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Row, answer, compare_list, ours, registry, row, run, without_scope, write};

fn project(registry: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = r#"{"name": "app", "version": "1.0.0", "private": true, "workspaces": ["packages/*"], "dependencies": {"alpha": "^1.0.0", "other": "npm:real@^4"},
        "optionalDependencies": {"elsewhere": "^1.0.0"}, "devDependencies": {"epsilon": "3.0.0-rc.1", "beta": "^2.0.0"}}"#;
    write(folder.path(), "package.json", root);
    let own = r#"{"name": "@app/own", "version": "0.1.0", "devDependencies": {"alpha": "^1.0.0"}}"#;
    write(folder.path(), "packages/own/package.json", own);
    write(folder.path(), "pnpm-workspace.yaml", "packages:\n  - packages/*\n");
    write(
        folder.path(),
        ".npmrc",
        &format!("registry={registry}\nstore-dir=store\ncache-dir=cache\nomit-lockfile-registry-resolved=false\n"),
    );
    write(folder.path(), "bunfig.toml", &format!("[install]\nregistry = \"{registry}\"\n"));
    folder
}

/// A tool that finds its home and cache in `folder`.
fn tool(name: &str, folder: &Path, registry: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(folder).env("HOME", folder).env("XDG_CACHE_HOME", folder.join("cache"));
    for (variable, value) in [
        ("npm_config_registry", registry),
        ("YARN_REGISTRY", registry),
        ("YARN_NPM_REGISTRY_SERVER", registry),
        ("CI", ""),
    ] {
        command.env(variable, value);
    }
    for (variable, value) in [
        ("npm_config_cache", "cache/npm"),
        ("YARN_ENABLE_TELEMETRY", "0"),
        ("YARN_UNSAFE_HTTP_WHITELIST", "127.0.0.1"),
        ("YARN_ENABLE_IMMUTABLE_INSTALLS", "0"),
    ] {
        command.env(variable, value);
    }
    command.env_remove("NODE_OPTIONS");
    command
}

#[test]
fn npm_in_every_version_of_its_format() {
    let registry = registry::start();
    for version in ["1", "2", "3"] {
        let project = project(&registry);
        let folder = project.path();
        let lock = format!("--lockfile-version={version}");
        let flags = ["install", "--package-lock-only", "--no-audit", "--no-fund", &lock];
        if answer(tool("npm", folder, &registry).args(flags)).is_none() {
            return;
        }
        let listed = answer(tool("npm", folder, &registry).args(["query", "*", "--package-lock-only"])).unwrap();
        let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
        let text = |package: &Value, field: &str| package[field].as_str().map(str::to_owned);
        let native: BTreeSet<Row> = listed
            .iter()
            .filter(|package| {
                text(package, "location").unwrap().contains("node_modules/")
                    && text(package, "resolved").is_some_and(|from| from.starts_with("http"))
            })
            .map(|package| {
                let name = text(package, "packageName").or_else(|| text(package, "name")).unwrap();
                row(&name, &text(package, "version").unwrap(), package["dev"] == true)
            })
            .collect();
        compare_list("npm ls", &format!("package-lock.json of version {version}"), &merged(native), &ours(folder));
    }
}

/// A package that something needs at run time is not for development, wherever else it lies.
fn merged(rows: BTreeSet<Row>) -> BTreeSet<Row> {
    let is_needed = |(name, version, _): &Row| rows.contains(&(name.clone(), version.clone(), ""));
    rows.iter().filter(|row| row.2.is_empty() || !is_needed(row)).cloned().collect()
}

#[test]
fn pnpm() {
    let registry = registry::start();
    let project = project(&registry);
    let folder = project.path();
    if answer(tool("pnpm", folder, &registry).args(["install", "--lockfile-only"])).is_none() {
        return;
    }
    let mut lists = [&[][..], &["--prod"]].into_iter().map(|flags| {
        let flags = [&["list", "-r", "--depth", "Infinity", "--json", "--lockfile-only"], flags].concat();
        let output = run(tool("pnpm", folder, &registry).args(flags)).unwrap();
        let projects: Vec<Value> = serde_json::from_slice(&output.stdout).ok()?;
        let mut found = BTreeSet::new();
        projects.iter().for_each(|project| pnpm_tree(project, &mut found));
        Some(found)
    });
    let (Some(Some(all)), Some(Some(needed))) = (lists.next(), lists.next()) else {
        return skipped!("this pnpm cannot list what only a lock file names");
    };
    let native =
        all.iter().map(|(name, version)| row(name, version, !needed.contains(&(name.clone(), version.clone()))));
    compare_list("pnpm list", "pnpm-lock.yaml", &native.collect(), &ours(folder));
}

fn pnpm_tree(package: &Value, found: &mut BTreeSet<(String, String)>) {
    let kinds = ["dependencies", "devDependencies", "optionalDependencies"];
    let all = kinds.iter().filter_map(|kind| package[*kind].as_object()).flatten();
    for (name, package) in all {
        let version = package["version"].as_str().unwrap();
        if !version.starts_with("link:") {
            found.insert((package["from"].as_str().unwrap_or(name).to_owned(), version.to_owned()));
            pnpm_tree(package, found);
        }
    }
}

#[test]
fn yarn() {
    let registry = registry::start();
    let project = project(&registry);
    let folder = project.path();
    let Some(version) = answer(tool("yarn", folder, &registry).arg("--version")) else { return };
    let native = if version.starts_with("1.") { yarn_one(folder, &registry) } else { yarn_later(folder, &registry) };
    compare_list("yarn", &format!("yarn.lock of Yarn {}", &version[..1]), &native, &ours(folder));
}

fn yarn_one(folder: &Path, registry: &str) -> BTreeSet<Row> {
    answer(tool("yarn", folder, registry).args(["install", "--silent", "--ignore-platform"])).unwrap();
    let listed = answer(tool("yarn", folder, registry).args(["list", "--json", "--no-progress"])).unwrap();
    std::fs::remove_dir_all(folder.join("node_modules")).unwrap();
    let mut native = BTreeSet::new();
    for event in listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        event["data"]["trees"].as_array().into_iter().flatten().for_each(|tree| yarn_tree(tree, &mut native));
    }
    native
}

fn yarn_tree(tree: &Value, native: &mut BTreeSet<Row>) {
    let (name, version) = tree["name"].as_str().unwrap().rsplit_once('@').unwrap();
    if tree["shadow"] != true && name != "@app/own" {
        // The tool lists an alias under its own name.
        native.insert(row(if name == "other" { "real" } else { name }, version, false));
    }
    tree["children"].as_array().into_iter().flatten().for_each(|child| yarn_tree(child, native));
}

fn yarn_later(folder: &Path, registry: &str) -> BTreeSet<Row> {
    write(folder, ".yarnrc.yml", "nodeLinker: node-modules\nglobalFolder: ./cache/yarn\n");
    answer(tool("yarn", folder, registry).args(["install", "--mode=update-lockfile"])).unwrap();
    let listed = answer(tool("yarn", folder, registry).args(["info", "-AR", "--json"])).unwrap();
    let entries = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let packages = entries.filter(|entry| !entry["value"].as_str().unwrap().contains("@workspace:"));
    let name = |locator: &str| locator[..=locator[1..].find('@').unwrap()].to_owned();
    packages
        .map(|entry| {
            row(&name(entry["value"].as_str().unwrap()), entry["children"]["Version"].as_str().unwrap(), false)
        })
        .collect()
}

#[test]
fn bun() {
    let registry = registry::start();
    let project = project(&registry);
    let folder = project.path();
    if answer(tool("bun", folder, &registry).args(["install", "--lockfile-only"])).is_none() {
        return;
    }
    let listed = answer(tool("bun", folder, &registry).args(["pm", "ls", "--all"])).unwrap();
    let packages = listed.lines().skip(1).map(|line| line.rsplit(' ').next().unwrap().rsplit_once('@').unwrap());
    // The tool lists an alias under its own name.
    let real = |name: &str| if name == "other" { "real".to_owned() } else { name.to_owned() };
    let native =
        packages.filter(|(_, version)| !version.contains(':')).map(|(name, version)| row(&real(name), version, false));
    let ours = ours(folder);
    compare_list("bun pm ls", "bun.lock", &native.collect(), &without_scope(ours.clone()));
    let development: Vec<&str> =
        ours.iter().filter(|(.., scope)| *scope == "dev").map(|(name, ..)| name.as_str()).collect();
    assert_eq!(development, ["epsilon", "zeta"]);
}
