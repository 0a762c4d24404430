//! Cargo, Go, Composer, Bundler and uv, without any network.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Row, answer, compare, compare_list, ours, row, run, write};

#[test]
fn cargo_over_our_own_lock_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let flags = ["metadata", "--format-version=1", "--locked", "--offline", "--quiet"];
    let Some(output) = run(Command::new("cargo").args(flags).current_dir(root)) else { return };
    let Ok(metadata) = serde_json::from_slice::<Value>(&output.stdout) else {
        return skipped!("crates for other systems are not here, so that cargo cannot list them");
    };
    let foreign = metadata["packages"].as_array().unwrap().iter().filter(|package| !package["source"].is_null());
    let native =
        foreign.map(|package| row(package["name"].as_str().unwrap(), package["version"].as_str().unwrap(), false));
    let folder = tempfile::tempdir().unwrap();
    fs::copy(root.join("Cargo.lock"), folder.path().join("Cargo.lock")).unwrap();
    compare("cargo metadata", &native.collect(), &ours(folder.path()));
}

#[test]
fn go_reads_the_same_requirements() {
    let folder = tempfile::tempdir().unwrap();
    let module = "module example.org/app\n\ngo 1.21.3\n\nrequire (\n\ta.example/b v1.0.0\n\t\"c.example/d/v2\" v2.1.0 // indirect\n\te.example/f v0.0.0-20240101000000-0badcafe0bad\n\tg.example/h v1.1.0\n)\n\n\
                  replace a.example/b v1.0.0 => n.example/b v1.0.1\n\nreplace (\n\te.example/f => ./f\n\tg.example/h v1.0.0 => n.example/h v9.0.0\n)\n\nexclude g.example/h v1.0.5\n";
    write(folder.path(), "go.mod", module);
    let Some(text) = answer(Command::new("go").args(["mod", "edit", "-json"]).current_dir(folder.path())) else {
        return;
    };
    let edited: Value = serde_json::from_str(&text).unwrap();
    let replaced = |required: &Value| {
        let replaces = edited["Replace"].as_array().into_iter().flatten();
        let fits = |old: &Value| {
            old["Path"] == required["Path"] && (old["Version"].is_null() || old["Version"] == required["Version"])
        };
        replaces
            .map(|replace| (&replace["Old"], &replace["New"]))
            .find(|(old, _)| fits(old))
            .map(|(_, new)| new.clone())
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let required = edited["Require"]
        .as_array()
        .unwrap()
        .iter()
        .map(|required| replaced(required).unwrap_or_else(|| required.clone()));
    let mut native: BTreeSet<Row> =
        required.filter_map(|module| Some(row(&text(&module["Path"])?, &text(&module["Version"])?, false))).collect();
    native.insert(row("stdlib", edited["Go"].as_str().unwrap(), false));
    compare_list("go mod edit", "go.mod", &native, &ours(folder.path()));
}

#[test]
fn composer() {
    let folder = tempfile::tempdir().unwrap();
    let package = |name: &str, version: &str, needs: Value| json!({"name": name, "version": version, "license": ["MIT"], "require": needs, "dist": {"type": "zip", "url": format!("file:///nowhere/{name}.zip")}});
    let packages = [
        package("v/a", "v1.2.3", json!({"v/b": "^2"})),
        package("v/b", "2.0.0-RC1", json!({})),
        package("v/c", "3.0.0.1", json!({"v/b": "*"})),
    ];
    let project = json!({"name": "app/app", "minimum-stability": "dev", "repositories": [{"type": "package", "package": packages}, {"packagist.org": false}],
        "require": {"v/a": "*"}, "require-dev": {"v/c": "*"}});
    write(folder.path(), "composer.json", &project.to_string());
    let composer = || {
        let mut command = Command::new("composer");
        command
            .current_dir(folder.path())
            .env("COMPOSER_HOME", folder.path().join("home"))
            .env("COMPOSER_ALLOW_SUPERUSER", "1");
        command
    };
    if answer(composer().args(["update", "--no-install", "--no-interaction"])).is_none() {
        return;
    }
    let listed = answer(composer().args(["show", "--locked", "--format=json"])).unwrap();
    let needed = answer(composer().args(["show", "--locked", "--no-dev", "--format=json"])).unwrap();
    let names = |text: &str| -> BTreeSet<(String, String)> {
        let listed: Value = serde_json::from_str(text).unwrap();
        let pair = |package: &Value| {
            (package["name"].as_str().unwrap().to_owned(), package["version"].as_str().unwrap().to_owned())
        };
        listed["locked"].as_array().unwrap().iter().map(pair).collect()
    };
    let needed = names(&needed);
    let native = names(&listed).into_iter().map(|pair| row(&pair.0, &pair.1, !needed.contains(&pair)));
    compare_list("composer show", "composer.lock", &native.collect(), &ours(folder.path()));
}

#[test]
fn bundler_over_gems_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let Some(gems) = run(Command::new("gem").args(["list", "--local", "--quiet"])) else { return };
    let gems = String::from_utf8(gems.stdout).unwrap();
    let usable = ["rake", "test-unit", "minitest", "rexml", "net-imap", "irb"];
    let installed: Vec<&str> =
        usable.into_iter().filter(|name| gems.lines().any(|line| line.starts_with(&format!("{name} (")))).collect();
    if installed.is_empty() {
        return skipped!("no gem is installed");
    }
    let list: String = installed.iter().map(|name| format!("gem \"{name}\"\n")).collect();
    write(folder.path(), "Gemfile", &format!("source \"https://gems.invalid\"\n{list}"));
    let bundle = || {
        let mut command = Command::new("bundle");
        command
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("BUNDLE_USER_HOME", folder.path().join("bundle"));
        command
    };
    if answer(bundle().args(["lock", "--local"])).is_none() {
        return;
    }
    let listed = answer(bundle().arg("list")).unwrap();
    let gem = |line: &str| {
        let (name, version) = line.trim().strip_prefix("* ")?.split_once(" (")?;
        (name != "bundler").then(|| row(name, version.trim_end_matches(')'), false))
    };
    compare_list("bundle list", "Gemfile.lock", &listed.lines().filter_map(gem).collect(), &ours(folder.path()));
}

/// A wheel of no code that needs `needs`.
fn wheel(folder: &Path, name: &str, version: &str, needs: &[&str]) {
    let file = fs::File::create(folder.join(format!("{name}-{version}-py3-none-any.whl"))).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let needs: String = needs.iter().map(|need| format!("Requires-Dist: {need}\n")).collect();
    let files = [
        ("METADATA", format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: x\n{needs}\n")),
        ("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n".to_owned()),
        ("RECORD", String::new()),
    ];
    for (part, text) in files {
        archive
            .start_file(format!("{name}-{version}.dist-info/{part}"), zip::write::SimpleFileOptions::default())
            .unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap();
}

#[test]
fn uv_and_what_it_exports() {
    let folder = tempfile::tempdir().unwrap();
    let (project, wheels) = (folder.path().join("project"), folder.path().join("wheels"));
    fs::create_dir_all(&wheels).unwrap();
    for (name, version, needs) in [
        ("alpha", "1.0", &["beta_two[x]>=1"][..]),
        ("beta_two", "2.0.post1", &["gamma; extra == 'x'"]),
        ("gamma", "0.1rc1", &[]),
        ("delta", "4.0", &["gamma"]),
        ("epsilon", "5.0", &[]),
    ] {
        wheel(&wheels, name, version, needs);
    }
    let text = "[project]\nname = \"app\"\nversion = \"0.1\"\nrequires-python = \">=3.8\"\ndependencies = [\"alpha\", \"own\"]\n[project.optional-dependencies]\nmore = [\"epsilon\"]\n[dependency-groups]\ndev = [\"delta\"]\n\
                [tool.uv]\nno-index = true\nfind-links = [\"../wheels\"]\nprerelease = \"allow\"\n[tool.uv.workspace]\nmembers = [\"own\"]\n[tool.uv.sources]\nown = { workspace = true }\n";
    write(&project, "pyproject.toml", text);
    write(
        &project,
        "own/pyproject.toml",
        "[project]\nname = \"own\"\nversion = \"0.1\"\nrequires-python = \">=3.8\"\ndependencies = []\n",
    );
    let uv = |arguments: &[&str]| {
        let mut command = Command::new("uv");
        command.args(arguments).current_dir(&project).env("UV_CACHE_DIR", folder.path().join("cache"));
        answer(command.arg("--offline"))
    };
    if uv(&["lock"]).is_none() {
        return;
    }
    let export = |flags: &[&str]| -> BTreeSet<(String, String)> {
        let flags =
            [&["export", "--frozen", "--all-packages", "--all-extras", "--no-hashes", "--no-emit-workspace"], flags]
                .concat();
        let text = uv(&flags).unwrap();
        let pinned = text.lines().filter_map(|line| line.split(';').next()?.trim().split_once("=="));
        pinned.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
    };
    let needed = export(&["--no-dev"]);
    let all = export(&["--all-groups"]);
    let native: BTreeSet<Row> = all.iter().map(|pair| row(&pair.0, &pair.1, !needed.contains(pair))).collect();
    compare_list("uv export", "uv.lock", &native, &ours(&project));
    let plain: BTreeSet<Row> = all.iter().map(|(name, version)| row(name, version, false)).collect();
    for (format, file) in [("requirements.txt", "requirements.txt"), ("pylock.toml", "pylock.toml")] {
        let exported = folder.path().join(format);
        fs::create_dir(&exported).unwrap();
        let text = uv(&[
            "export",
            "--frozen",
            "--all-packages",
            "--all-extras",
            "--all-groups",
            "--no-emit-workspace",
            "--format",
            format,
        ])
        .unwrap();
        write(&exported, file, &text);
        compare_list("uv export", format, &plain, &ours(&exported));
    }
}
