//! Files, pipes, several reports, several images, standard input, and machines with little on them.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::world::{AS_OF, Built, Layout, SAMPLE, end, end_with_input, layer, program, run, scan};

const COMMON: [&str; 4] = ["scan", "--offline", "--as-of", AS_OF];

#[test]
fn several_reports_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let also = |format: &str| format!("{format}={}", file(format));
    let [json, sarif, cyclonedx] = ["json", "sarif", "cyclonedx"].map(also);
    let ended = scan([SAMPLE, "-o", &json, "-o", &sarif, "-o", &cyclonedx, "--format", "table"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.starts_with("oci:testdata/sample"));
    for format in ["json", "sarif", "cyclonedx"] {
        let alone = scan([SAMPLE, "--format", format]).out;
        assert_eq!(fs::read_to_string(file(format)).unwrap(), alone, "{format}");
    }
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["cyclonedx", "json", "sarif"], "nothing is left aside");
}

#[test]
fn a_report_replaces_the_old_one_or_leaves_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("report.json"), folder.path().join("link.json"));
    fs::write(&file, "old").unwrap();
    symlink("report.json", &link).unwrap();
    let (file_text, link_text) = (file.to_str().unwrap(), link.to_str().unwrap());
    assert_eq!(scan(["oci:/nonexistent", "--format", "json", "--output", file_text]).code, 5);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old", "no image, no report");
    // A disk that is full after one block: the shell's limit on file sizes, with its signal ignored.
    let script = format!(
        "ulimit -f 1; trap '' XFSZ; exec {} scan {SAMPLE} --offline --format json --output {file_text}",
        env!("CARGO_BIN_EXE_imgguard")
    );
    let ended = end(Command::new("sh").args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear());
    assert_eq!(ended.code, 3, "{}", ended.err);
    assert!(ended.err.contains("the report") && ended.err.contains("could not be written"), "{}", ended.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old", "a part of a report is none");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left aside");
    let before = fs::metadata(&file).unwrap().ino();
    assert_eq!(scan([SAMPLE, "--format", "json", "--output", link_text]).code, 0);
    assert!(serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).is_ok());
    assert_ne!(fs::metadata(&file).unwrap().ino(), before, "it was renamed into place");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link stays");
}

#[test]
fn the_umask_decides_who_may_read_a_report() {
    let folder = tempfile::tempdir().unwrap();
    for (umask, mode) in [("022", 0o644), ("077", 0o600)] {
        let file = folder.path().join(umask);
        let script = format!(
            "umask {umask}; exec {} scan {SAMPLE} --offline --quiet --format json --output {}",
            env!("CARGO_BIN_EXE_imgguard"),
            file.display()
        );
        let ended = end(Command::new("sh").args(["-c", &script]).current_dir(env!("CARGO_MANIFEST_DIR")).env_clear());
        assert_eq!(ended.code, 0, "{}", ended.err);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, mode, "{umask}");
    }
}

#[test]
fn special_files_are_written_and_not_replaced() {
    let ended = scan([SAMPLE, "--format", "table", "-o", "json=/dev/stdout", "--output", "/dev/null"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(ended.json()["subject"]["reference"], SAMPLE);
    let ended = scan([SAMPLE, "--format", "json", "--output", "/dev/full"]);
    assert_eq!(ended.code, 3);
    assert!(ended.err.contains("the report `/dev/full` could not be written"), "{}", ended.err);
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let mut child = program()
        .args(COMMON)
        .args([SAMPLE, "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn nothing_but_the_report_is_printed_into_a_pipe() {
    let ended = scan([SAMPLE]);
    assert_eq!(ended.err, "");
    assert!(!ended.out.contains('\u{1b}'));
    assert!(scan([SAMPLE, "--color", "always"]).out.contains("\u{1b}[1m"));
    let colored = |variables: &[(&str, &str)]| {
        end(program().args(COMMON).args([SAMPLE, "--color", "auto"]).envs(variables.iter().copied())).out
    };
    assert!(!colored(&[("NO_COLOR", "1")]).contains('\u{1b}'));
    assert!(!colored(&[("TERM", "xterm-256color")]).contains('\u{1b}'));
}

/// The same image in three forms, without what differs by name.
fn without_subject(mut report: Value) -> Value {
    report["subject"] = json!(null);
    report["platforms"].as_array_mut().unwrap().iter_mut().for_each(|platform| platform["digest"] = json!(null));
    report
}

#[test]
fn an_archive_on_standard_input() {
    let built = Built::new(vec![layer(&[(
        "usr/lib/python3/site-packages/Django-4.2.1.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: Django\nVersion: 4.2.1\n",
    )])]);
    let layout = Layout::of(std::slice::from_ref(&built));
    let direct = scan([layout.reference().as_str(), "--format", "json"]).json();
    assert_eq!(direct["packages"].as_array().unwrap().len(), 1);
    for (what, archive) in [("oci", layout.archive()), ("docker", built.docker_archive("app:1"))] {
        let ended = end_with_input(program().args(COMMON).args(["-", "--format", "json"]), &archive);
        assert_eq!(ended.code, 0, "{what}: {}", ended.err);
        let (mut piped, mut direct) = (without_subject(ended.json()), without_subject(direct.clone()));
        if what == "docker" {
            // It stores layers uncompressed and names them by their diff IDs, which are those of this layout.
            for report in [&mut piped, &mut direct] {
                report["platforms"][0]["layers"][0]["digest"] = json!(null);
                for list in ["packages", "findings"] {
                    for fact in report[list].as_array_mut().unwrap() {
                        let location = fact["locations"][0].as_object_mut().unwrap();
                        location.remove("layer");
                        location.remove("layer_index");
                    }
                }
            }
        }
        assert_eq!(piped, direct, "{what}");
    }
    let ended = end_with_input(program().args(COMMON).arg("-"), b"this is no archive");
    assert_eq!(ended.code, 3, "{}", ended.err);
}

#[test]
fn a_list_of_references() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("images.txt");
    let text = format!("# ours\n{SAMPLE}\n\n  oci:testdata/sample:latest  # the same by name\n{SAMPLE}\n");
    fs::write(&list, &text).unwrap();
    let subjects = |report: &Value| -> Vec<String> {
        let reports = report["reports"].as_array().unwrap();
        reports.iter().map(|report| report["subject"]["reference"].as_str().unwrap().to_owned()).collect()
    };
    let from_file = scan(["--from", list.to_str().unwrap(), "--format", "json"]).json();
    assert_eq!(subjects(&from_file), [SAMPLE, "oci:testdata/sample:latest"]);
    assert_eq!(from_file["schema_version"], "1.0");
    let from_pipe = end_with_input(program().args(COMMON).args(["--from", "-", "--format", "json"]), text.as_bytes());
    assert_eq!(from_pipe.json(), from_file);
    // Named twice is scanned once; one image is the report itself.
    let once = scan([SAMPLE, SAMPLE, "--format", "json"]).json();
    assert_eq!(once["subject"]["reference"], SAMPLE);
    assert_eq!(once, from_file["reports"][0]);
}

#[test]
fn the_same_bytes_every_time_with_and_without_a_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache").to_str().unwrap().to_owned();
    for format in ["json", "sarif", "cyclonedx", "table"] {
        let report = |cache: &str| {
            let ended = scan([SAMPLE, "--format", format, "--cache", cache]);
            assert_eq!((ended.code, ended.err.as_str()), (0, ""));
            ended.out
        };
        let first = report("none");
        assert_eq!(report("none"), first, "{format}");
        assert_eq!(report(&cache), first, "{format}: cold or warm");
        assert_eq!(report(&cache), first, "{format}: warm");
    }
    assert!(fs::read_dir(&cache).unwrap().count() > 0, "facts were kept");
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_second_scan_reads_manifests_and_one_file_a_platform() {
    let image = Layout::sample();
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let report = |reading: &[&str]| scan([&[image.reference().as_str(), "--format", "json"], reading].concat());
    let cached = ["--cache", cache.to_str().unwrap()];
    let first = report(&cached);
    assert_eq!(first.code, 0, "{}", first.err);
    // Neither the layers nor what was kept of them is there any more; manifests and configurations are.
    for platform in first.json()["platforms"].as_array().unwrap() {
        for layer in platform["layers"].as_array().unwrap() {
            let digest = layer["digest"].as_str().unwrap();
            let _ = fs::remove_file(image.blob_path(digest));
            let kept = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
            kept.filter(|path| path.to_str().unwrap().contains(&digest.replace(':', "-")))
                .for_each(|path| fs::remove_file(path).unwrap());
        }
    }
    let platforms = first.json()["platforms"].as_array().unwrap().len();
    assert_eq!(fs::read_dir(&cache).unwrap().count(), platforms);
    let second = report(&cached);
    assert_eq!((second.code, second.out.as_str()), (0, first.out.as_str()));
    // What the merge depends on, and what asks for the bytes, does not take it.
    for reading in [
        &["--cache", "none"][..],
        &[&cached[..], &["--verify-files"]].concat(),
        &[&cached[..], &["--verify-diff-ids"]].concat(),
    ] {
        let ended = report(reading);
        assert_eq!(ended.code, 3, "{reading:?}: {}", ended.err);
    }
}

#[test]
fn the_date_is_an_input() {
    let report = |date: &str| run(["scan", "--offline", "--as-of", date, SAMPLE, "--format", "json"]).json();
    let data = |report: &Value| {
        let rows = report["coverage"].as_array().unwrap();
        rows.iter().find(|row| row["ecosystem"] == "Go").unwrap()["data"].as_str().unwrap().to_owned()
    };
    let (fresh, old) = (report("2026-08-22"), report("2027-08-22"));
    assert_eq!((data(&fresh).as_str(), data(&old).as_str()), ("full", "stale"));
    assert_eq!(old["evaluated_at"], "2027-08-22");
}

/// A dpkg database that is too large to be gathered in memory.
fn large_database() -> Layout {
    let mut status = String::new();
    while status.len() < 9 << 20 {
        let number = status.len();
        status.push_str(&format!(
            "Package: package-{number}\nStatus: install ok installed\nVersion: 1.0-{number}\nArchitecture: all\nDescription: {}\n\n",
            "x".repeat(8000)
        ));
    }
    let files = [("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n"), ("var/lib/dpkg/status", status.as_str())];
    Layout::of(&[Built::new(vec![layer(&files)])])
}

#[test]
fn nothing_needs_to_be_writable() {
    let image = large_database();
    let reference = image.reference();
    let expected = scan([reference.as_str(), "--format", "json"]).json();
    let packages = expected["packages"].as_array().unwrap().len();
    assert!(packages > 1000, "{packages}");
    // Nobody can make files in /proc, root neither.
    for variables in
        [vec![("HOME", "/proc"), ("TMPDIR", "/proc")], vec![("XDG_CACHE_HOME", "/proc"), ("TMPDIR", "/nonexistent")]]
    {
        let ended = end(program().args(COMMON).args([&reference, "--format", "json"]).envs(variables));
        assert_eq!((ended.code, ended.err.as_str()), (0, ""));
        assert_eq!(ended.json(), expected);
    }
    let ended =
        end_with_input(program().args(COMMON).args(["-", "--format", "json"]).env("TMPDIR", "/proc"), &image.archive());
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(without_subject(ended.json())["packages"], expected["packages"]);
}

#[test]
fn any_user_on_a_root_that_cannot_be_written() {
    // In a user and mount namespace of its own, everything is read-only and the user is one that no passwd knows.
    let script = format!(
        "mount -o bind,ro / / 2>/dev/null || mount -o remount,bind,ro / || exit 77
         exec setpriv --reuid 54321 --regid 54321 --clear-groups {} scan {SAMPLE} --offline --as-of {AS_OF} --format json",
        env!("CARGO_BIN_EXE_imgguard")
    );
    let isolated = Command::new("unshare")
        .args(["--mount", "sh", "-c", &script])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .output();
    let output = match isolated {
        Ok(output) if [Some(0), Some(3)].contains(&output.status.code()) || !output.stdout.is_empty() => output,
        other => {
            skipped!("no namespace with another user and a read-only root can be made here ({other:?})");
            return;
        }
    };
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report, scan([SAMPLE, "--format", "json"]).json());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
