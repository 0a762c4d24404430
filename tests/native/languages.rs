//! Records of Ruby, PHP, R, Lua and Erlang, against the tools that keep them: of packages made here, and of what this machine has installed.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Row, compare, compare_list, packages, row, rows, run, scan, text};

/// Names and versions of one kind in `folder`.
fn ours(folder: &Path, kind: &str) -> BTreeSet<Row> {
    let report = scan(&format!("dir:{}", folder.display()));
    packages(&report, kind, None).iter().map(|package| row(package, &["name", "version"])).collect()
}

/// Whether the tool did what it was told; otherwise it is said.
fn works(command: &mut Command) -> bool {
    let Some(output) = run(command) else { return false };
    if !output.status.success() {
        skipped!("{:?}: {}", command, String::from_utf8_lossy(&output.stderr).trim());
    }
    output.status.success()
}

/// Copies the files below `from` whose path `wanted` picks.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) {
    for entry in fs::read_dir(from).into_iter().flatten() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() && !path.is_symlink() {
            copy(&path, &target, wanted);
        } else if wanted(&path) && path.is_file() {
            fs::create_dir_all(to).unwrap();
            fs::copy(&path, target).unwrap();
        }
    }
}

/// `NAME (VERSION, default: VERSION PLATFORM …)`.
fn gems(list: &str) -> BTreeSet<Row> {
    let of_line = |line: &str| {
        let (name, versions) = line.trim().trim_end_matches(')').split_once(" (").unwrap();
        let version = |text: &str| text.trim_start_matches("default: ").split(' ').next().unwrap().to_owned();
        versions.split(", ").map(|text| vec![name.to_owned(), version(text)]).collect::<Vec<_>>()
    };
    list.lines().filter(|line| !line.is_empty()).flat_map(of_line).collect()
}

#[test]
fn gem_list() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    let spec = "Gem::Specification.new do |s|\n  s.name = 'demo-gem'\n  s.version = '1.2.3.pre'\n  s.summary = 'x'\n  s.authors = ['x']\n  s.license = 'MIT'\n  s.files = []\nend\n";
    fs::write(folder.path().join("demo.gemspec"), spec).unwrap();
    let mut build = Command::new("gem");
    if !works(build.args(["build", "demo.gemspec"]).current_dir(folder.path())) {
        return;
    }
    let mut install = Command::new("gem");
    install.args(["install", "--local", "--no-document", "--prerelease", "--install-dir"]).arg(&home);
    assert!(works(install.arg("demo-gem-1.2.3.pre.gem").current_dir(folder.path())));
    let listed = run(Command::new("gem")
        .args(["list", "--quiet", "--prerelease", "--local"])
        .env("GEM_HOME", &home)
        .env("GEM_PATH", &home))
    .unwrap();
    let native = gems(text(&listed)).into_iter().filter(|row| row[0] == "demo-gem").collect();
    compare_list("gem list", "a gem built here", &native, &ours(&home, "gem"));

    // The gems of this machine, from everywhere that RubyGems looks.
    let paths =
        run(Command::new("ruby").args(["-e", "puts Gem::Specification.dirs, Gem.default_specifications_dir"])).unwrap();
    let all = folder.path().join("all");
    for (number, path) in text(&paths).lines().enumerate() {
        let to = all.join(number.to_string()).join("specifications");
        copy(Path::new(path), &to, &|file| file.extension().is_some_and(|extension| extension == "gemspec"));
    }
    let listed = run(Command::new("gem").args(["list", "--quiet", "--local", "--all"])).unwrap();
    compare("this machine's gems", &gems(text(&listed)), &ours(&all, "gem"));
}

#[test]
fn composer_show() {
    let folder = tempfile::tempdir().unwrap();
    let package = |name: &str, version: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        let json = format!(r#"{{"name":"acme/{name}","version":"{version}","license":"MIT"}}"#);
        fs::write(path.join("composer.json"), json).unwrap();
    };
    package("lib", "v1.4.0");
    package("other", "2.0.0-beta1");
    let json = r#"{"repositories":[{"type":"path","url":"./lib","options":{"symlink":false}},{"type":"path","url":"./other","options":{"symlink":false}},{"packagist.org":false}],
                   "require":{"acme/lib":"*"},"require-dev":{"acme/other":"@dev"},"minimum-stability":"dev"}"#;
    fs::write(folder.path().join("composer.json"), json).unwrap();
    let composer = || {
        let mut command = Command::new("composer");
        command
            .arg("--no-interaction")
            .env("COMPOSER_ALLOW_SUPERUSER", "1")
            .env("COMPOSER_HOME", folder.path().join("home"));
        command.current_dir(folder.path());
        command
    };
    if !works(composer().arg("install")) {
        return;
    }
    let shown = run(composer().args(["show", "--format", "json"])).unwrap();
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let field = |package: &Value, name: &str| package[name].as_str().unwrap().to_owned();
    let installed = shown["installed"].as_array().unwrap();
    let native = installed.iter().map(|package| vec![field(package, "name"), field(package, "version")]).collect();
    compare_list("composer show", "packages installed here", &native, &ours(&folder.path().join("vendor"), "composer"));
}

#[test]
fn installed_packages_of_r() {
    let script = "p <- installed.packages(); cat(paste(p[, 'Package'], p[, 'Version'], sep='\\t'), sep='\\n'); cat('\\n--\\n'); cat(.libPaths(), .Library, sep='\\n')";
    let Some(output) = run(Command::new("R").args(["--slave", "--vanilla", "-e", script])) else { return };
    let (listed, libraries) = text(&output).split_once("--\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (number, library) in libraries.lines().collect::<BTreeSet<_>>().into_iter().enumerate() {
        copy(Path::new(library), &folder.path().join(number.to_string()), &|file| file.ends_with("DESCRIPTION"));
    }
    compare("R", &rows(listed.trim()), &ours(folder.path(), "cran"));
}

#[test]
fn luarocks_list() {
    let folder = tempfile::tempdir().unwrap();
    let rockspec = "rockspec_format = \"3.0\"\npackage = \"Acme\"\nversion = \"1.0-2\"\nsource = { url = \"file://.\" }\ndescription = { license = \"MIT\" }\nbuild = { type = \"builtin\", modules = {} }\n";
    fs::write(folder.path().join("acme-1.0-2.rockspec"), rockspec).unwrap();
    let tree = folder.path().join("tree");
    let mut make = Command::new("luarocks");
    if !works(make.arg("--tree").arg(&tree).args(["make", "acme-1.0-2.rockspec"]).current_dir(folder.path())) {
        return;
    }
    let listed = run(Command::new("luarocks").arg("--tree").arg(&tree).args(["list", "--porcelain"])).unwrap();
    let of_tree = |row: &Row| row[3].starts_with(tree.to_str().unwrap());
    let native = rows(text(&listed)).into_iter().filter(of_tree).map(|row| row[..2].to_vec()).collect();
    compare_list("luarocks list", "a rock made here", &native, &ours(&tree, "luarocks"));
}

#[test]
fn applications_of_erlang() {
    let folder = tempfile::tempdir().unwrap();
    let ebin = folder.path().join("lib/demo_app-1.2.3/ebin");
    fs::create_dir_all(&ebin).unwrap();
    let resource = "%% a comment, {vsn, \"9\"}\n{application, demo_app,\n [{description, \"Says {vsn, no}\"},\n  {vsn, \"1.2.3\"},\n  {modules, []},\n  {applications, [kernel, stdlib]}]}.\n";
    fs::write(ebin.join("demo_app.app"), resource).unwrap();
    let ask = "{ok, [{application, Name, Keys}]} = file:consult(os:getenv(\"APP\")), \
               io:format(\"~s\\t~s~n~s~n\", [Name, proplists:get_value(vsn, Keys), erlang:system_info(otp_release)]), halt().";
    let mut erl = Command::new("erl");
    let Some(output) = run(erl.args(["-noshell", "-eval", ask]).env("APP", ebin.join("demo_app.app"))) else { return };
    let (native, _) = text(&output).split_once('\n').unwrap();
    compare_list("Erlang's file:consult", "an application made here", &rows(native), &ours(folder.path(), "hex"));
}
