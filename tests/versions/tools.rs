//! The package managers themselves: on pairs that each makes of a list of versions, on the rows of our own tables, and on those of other tables that it contradicts.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::version::by_name;

use super::{Row, contradicted, own_rows, row};

/// Every version of our own table against every other.
fn pairs(scheme: &str) -> Vec<Pair> {
    let rows = own_rows(scheme);
    let mut versions: Vec<&String> = rows.iter().flat_map(|(left, _, right)| [left, right]).collect();
    versions.sort();
    versions.dedup();
    versions.iter().flat_map(|a| versions.iter().map(|b| ((*a).clone(), (*b).clone()))).collect()
}

/// What a tool answers when it is given the pairs, a line a pair with a tab between: `-1`, `0`, `1` a line, or a word where it has no answer.
fn ask(command: &mut Command, pairs: &[Pair]) -> Vec<Option<Ordering>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs");
    let lines: Vec<String> = pairs.iter().map(|(a, b)| format!("{a}\t{b}\n")).collect();
    std::fs::write(&path, lines.concat()).unwrap();
    let output = command.arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| line.trim().parse::<i32>().ok().map(|number| number.cmp(&0)))
        .collect();
    assert_eq!(answers.len(), pairs.len());
    answers
}

type Pair = (String, String);

/// Compares on all pairs of our own table; pairs that the tool refuses do not count, but half must.
fn agrees(scheme: &str, tool: impl Fn(&[Pair]) -> Vec<Option<Ordering>>) {
    agrees_where(scheme, |_| true, tool);
}

fn agrees_where(scheme: &str, wanted: impl Fn(&Pair) -> bool, tool: impl Fn(&[Pair]) -> Vec<Option<Ordering>>) {
    let mut pairs = pairs(scheme);
    pairs.retain(wanted);
    let ours = by_name(scheme).unwrap();
    let mut answered = 0;
    for ((a, b), answer) in pairs.iter().zip(tool(&pairs)) {
        let Some(answer) = answer else { continue };
        answered += 1;
        assert_eq!(ours.compare(a, b), Ok(answer), "{scheme}: {a} and {b}");
    }
    assert!(answered * 2 >= pairs.len() && answered >= 100, "{scheme}: {answered} of {}", pairs.len());
}

/// The tool must say something else than these rows.
fn contradicts(rows: &[&str], tool: impl Fn(&[Pair]) -> Vec<Option<Ordering>>) {
    let rows: Vec<Row> = rows.iter().map(|line| row(line).unwrap()).collect();
    let pairs: Vec<Pair> = rows.iter().map(|(a, _, b)| (a.clone(), b.clone())).collect();
    for ((a, order, b), answer) in rows.iter().zip(tool(&pairs)) {
        assert_ne!(answer, Some(*order), "{a} and {b}");
    }
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    let there = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !there {
        skipped!("`{program} {}` does not work", arguments.join(" "));
    }
    there
}

#[test]
fn dpkg_agrees() {
    if !is_there("dpkg", &["--version"]) {
        return;
    }
    let script = "while IFS='\t' read -r a b; do if dpkg --compare-versions \"$a\" lt \"$b\"; then echo -1; \
                  elif dpkg --compare-versions \"$a\" eq \"$b\"; then echo 0; else echo 1; fi; done < \"$0\"";
    agrees("deb", |pairs| ask(Command::new("sh").args(["-c", script]), pairs));
}

#[test]
fn rubygems_agrees() {
    if !is_there("ruby", &["--version"]) {
        return;
    }
    let script = "File.foreach(ARGV[0]) { |line| a, b = line.chomp.split(\"\\t\"); \
                  puts(begin; Gem::Version.new(a) <=> Gem::Version.new(b); rescue ArgumentError; 'refused'; end) }";
    // A platform is a part of a file's name, of which `Gem::Version` makes something else.
    let has_platform =
        |text: &str| ["-x86", "-aarch64", "-arm64", "-java"].iter().any(|platform| text.contains(platform));
    agrees_where(
        "rubygems",
        |(a, b)| !has_platform(a) && !has_platform(b),
        |pairs| ask(Command::new("ruby").args(["-e", script]), pairs),
    );
}

const COMPOSER: &str = "/usr/share/php/Composer/Semver/autoload.php";

#[test]
fn composer_agrees() {
    if !Path::new(COMPOSER).is_file() {
        skipped!("`{COMPOSER}` is absent (Debian's php-composer-semver)");
        return;
    }
    let script = format!(
        "require '{COMPOSER}'; $p = new Composer\\Semver\\VersionParser(); foreach (file($argv[1], FILE_IGNORE_NEW_LINES) as $line) {{ \
         [$a, $b] = explode(\"\\t\", $line); try {{ $a = $p->normalize($a); $b = $p->normalize($b); \
         echo str_starts_with($a . $b, 'dev-') || str_contains($b, 'dev-') ? 'branch' : version_compare($a, $b), \"\\n\"; }} \
         catch (UnexpectedValueException $e) {{ echo \"refused\\n\"; }} }}"
    );
    let tool = |pairs: &[Pair]| ask(Command::new("php").args(["-r", &script, "--"]), pairs);
    agrees("packagist", tool);
    contradicts(contradicted::PACKAGIST, tool);
    contradicts(&[contradicted::PACKAGIST_NO_ORDER], tool);
}

/// The library of the installed Maven.
fn maven_artifact() -> Option<PathBuf> {
    let folder = std::fs::read_dir("/usr/share/maven/lib").ok()?;
    let mut jars: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    jars.sort();
    jars.into_iter().find(|path| path.to_string_lossy().contains("maven-artifact"))
}

#[test]
fn maven_agrees() {
    let Some(jar) = maven_artifact().filter(|_| is_there("java", &["-version"])) else {
        skipped!("Maven's maven-artifact or java is absent");
        return;
    };
    let source = "import org.apache.maven.artifact.versioning.ComparableVersion;\n\
        class Ask { public static void main(String[] a) throws Exception {\n\
        for (String line : java.nio.file.Files.readAllLines(java.nio.file.Path.of(a[0]))) { String[] p = line.split(\"\\t\");\n\
        System.out.println(Integer.signum(new ComparableVersion(p[0]).compareTo(new ComparableVersion(p[1])))); } } }\n";
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("Ask.java");
    std::fs::write(&program, source).unwrap();
    let tool = |pairs: &[Pair]| ask(Command::new("java").arg("-cp").arg(&jar).arg(program.as_os_str()), pairs);
    agrees("maven", tool);
    contradicts(contradicted::MAVEN, tool);
}

#[test]
fn libalpm_agrees() {
    let script = "import ctypes, sys\nalpm = ctypes.CDLL('libalpm.so.13').alpm_pkg_vercmp\nfor line in open(sys.argv[1]):\n  a, b = line.rstrip('\\n').split('\\t')\n  print(alpm(a.encode(), b.encode()))";
    if is_there("python3", &["-c", "import ctypes; ctypes.CDLL('libalpm.so.13')"]) {
        let tool = |pairs: &[Pair]| ask(Command::new("python3").args(["-c", script]), pairs);
        agrees("pacman", tool);
        contradicts(contradicted::PACMAN, tool);
    }
}

#[test]
fn r_agrees() {
    if is_there("Rscript", &["--version"]) {
        let script =
            "for (p in strsplit(readLines(commandArgs(TRUE)[1]), '\\t')) cat(compareVersion(p[1], p[2]), '\\n')";
        agrees("cran", |pairs| ask(Command::new("Rscript").args(["-e", script]), pairs));
    }
}

#[test]
fn node_semver_agrees() {
    let script = "const semver = require(require('path').join(process.argv[1], 'npm/node_modules/semver'));\n\
        for (const line of require('fs').readFileSync(process.argv[2], 'utf8').trimEnd().split('\\n')) { const [a, b] = line.split('\\t');\n\
        try { console.log(semver.compare(a, b, true)) } catch { console.log('refused') } }";
    if !is_there("npm", &["--version"]) {
        return;
    }
    let root = Command::new("npm").args(["root", "-g"]).output().unwrap();
    let root = String::from_utf8(root.stdout).unwrap();
    agrees("semver", |pairs| ask(Command::new("node").args(["-e", script, root.trim()]), pairs));
}
