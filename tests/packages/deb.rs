//! Debian packages against dpkg.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgguard::harden::packages::Plan;

use crate::folder::{same, unpack};
use crate::make::{Source, copy, dpkg, has_dpkg, image, lay, refusals, run};

/// The old packages into an image, changed by `change`; then the new ones once by dpkg and once by us.
#[track_caller]
fn compare(files: &[(&str, &str)], old: &[Source<'_>], new: &[Source<'_>], change: impl Fn(&Path)) -> Plan {
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old: Vec<PathBuf> = old.iter().map(|source| source.build(before.path())).collect();
    let names: Vec<&str> = new.iter().map(|source| source.name).collect();
    let new: Vec<PathBuf> = new.iter().map(|source| source.build(after.path())).collect();
    let ours = image(files, &old);
    change(ours.path());
    let native = copy(ours.path());
    dpkg(native.path(), &new);
    let (plan, layer) = run(ours.path(), after.path(), &names);
    assert_eq!(refusals(&plan), Vec::<String>::new());
    unpack(&layer.unwrap(), ours.path());
    same(native.path(), ours.path());
    plan
}

const V1: Source<'_> = Source {
    name: "tool",
    version: "1.0-1",
    arch: "",
    control: "Section: utils\nPriority: optional\nHomepage: https://example.org\n",
    files: &[
        ("usr/bin/tool", "old"),
        ("usr/bin/alias", "-> tool"),
        ("usr/lib/tool/gone/only", "x"),
        ("usr/lib/tool/stays", "x"),
        ("usr/share/doc/tool/changelog", "1"),
        ("etc/tool/same", "a"),
        ("etc/tool/edited", "a"),
        ("etc/tool/edited-alike", "a"),
        ("etc/tool/untouched", "a"),
        ("etc/tool/removed", "a"),
        ("etc/tool/dropped", "a"),
    ],
    extra: &[(
        "conffiles",
        "/etc/tool/same\n/etc/tool/edited\n/etc/tool/edited-alike\n/etc/tool/untouched\n/etc/tool/removed\n/etc/tool/dropped\n",
    )],
};

const V2: Source<'_> = Source {
    version: "1:0.9-2",
    files: &[
        ("usr/bin/tool", "new"),
        ("usr/bin/alias", "-> /usr/bin/tool"),
        ("usr/lib/tool/stays", "x"),
        ("usr/lib/tool/new/deep", "x"),
        ("usr/share/doc/tool/changelog", "2"),
        ("etc/tool/same", "a"),
        ("etc/tool/edited", "b"),
        ("etc/tool/edited-alike", "b"),
        ("etc/tool/untouched", "b"),
        ("etc/tool/removed", "b"),
        ("etc/tool/fresh", "b"),
    ],
    extra: &[(
        "conffiles",
        "/etc/tool/same\n/etc/tool/edited\n/etc/tool/edited-alike\n/etc/tool/untouched\n/etc/tool/removed\n/etc/tool/fresh\n",
    )],
    ..V1
};

#[test]
fn files_links_and_configuration_come_out_as_dpkg_leaves_them() {
    if !has_dpkg() {
        return;
    }
    let plan = compare(&[], &[V1], &[V2], |root| {
        fs::write(root.join("etc/tool/edited"), "mine").unwrap();
        fs::write(root.join("etc/tool/edited-alike"), "b").unwrap();
        fs::remove_file(root.join("etc/tool/removed")).unwrap();
        fs::write(root.join("usr/lib/tool/stays"), "changed by the image").unwrap();
    });
    let [update] = plan.updates.as_slice() else { panic!("{plan:?}") };
    assert_eq!((update.from.as_deref(), update.to.as_str()), (Some("1.0-1"), "1:0.9-2"));
    assert_eq!(update.notes.len(), 2, "{:?}", update.notes);
}

#[test]
fn files_land_where_the_image_merged_usr() {
    if !has_dpkg() {
        return;
    }
    let library = |version, file: &'static [(&'static str, &'static str)]| Source {
        name: "libthing1",
        version,
        arch: "amd64",
        control: "Multi-Arch: same\nSection: libs\n",
        files: file,
        extra: &[("triggers", "# made\nactivate-noawait ldconfig\n"), ("shlibs", "libthing 1 libthing1\n")],
    };
    let merged = [
        ("usr/lib/x86_64-linux-gnu", "/"),
        ("usr/lib64", "/"),
        ("usr/bin", "/"),
        ("lib", "-> usr/lib"),
        ("lib64", "-> usr/lib64"),
        ("bin", "-> usr/bin"),
        ("etc/ld.so.cache", "cache"),
    ];
    let old = library(
        "1.0",
        &[
            ("lib/x86_64-linux-gnu/libthing.so.1.0", "1.0"),
            ("lib/x86_64-linux-gnu/libthing.so.1", "-> libthing.so.1.0"),
        ],
    );
    let new = library(
        "1.1",
        &[
            ("lib/x86_64-linux-gnu/libthing.so.1.1", "1.1"),
            ("lib/x86_64-linux-gnu/libthing.so.1", "-> libthing.so.1.1"),
        ],
    );
    let moved = library(
        "1.2",
        &[
            ("usr/lib/x86_64-linux-gnu/libthing.so.1.1", "1.2"),
            ("usr/lib/x86_64-linux-gnu/libthing.so.1", "-> libthing.so.1.1"),
        ],
    );
    let plan = compare(&merged, std::slice::from_ref(&old), std::slice::from_ref(&new), |_| {});
    assert_eq!(plan.updates[0].notes.len(), 1, "{:?}", plan.updates[0].notes);
    let plan = compare(&merged, &[new], &[moved], |_| {});
    assert_eq!(plan.updates[0].notes, Vec::<String>::new());
}

#[test]
fn what_the_image_tells_dpkg_to_leave_out_is_left_out() {
    if !has_dpkg() {
        return;
    }
    let slim = [(
        "etc/dpkg/dpkg.cfg.d/docker",
        "path-exclude /usr/share/doc/*\npath-include /usr/share/doc/*/copyright\npath-exclude /usr/share/man/*\n",
    )];
    let with =
        |version, text: &'static [(&'static str, &'static str)]| Source { version, files: text, extra: &[], ..V1 };
    let old = with(
        "1",
        &[("usr/share/doc/tool/changelog", "1"), ("usr/share/doc/tool/copyright", "1"), ("usr/bin/tool", "1")],
    );
    let new = with(
        "2",
        &[
            ("usr/share/doc/tool/changelog", "2"),
            ("usr/share/doc/tool/copyright", "2"),
            ("usr/share/man/man1/tool.1", "2"),
            ("usr/bin/tool", "2"),
        ],
    );
    compare(&slim, &[old], &[new], |_| {});
}

const QUIET: &str = r#"#!/bin/sh
set -e
case "$1" in
    configure|abort-upgrade)
    ;;
    *)
	echo "called with unknown argument \`$1'" >&2
	exit 1
    ;;
esac
# Automatically added by dh_installdeb/13
dpkg-maintscript-helper rm_conffile /etc/tool/ancient 0.5-1\~ -- "$@"
if [ "$1" = purge ] && [ -x "/usr/bin/deb-systemd-helper" ]; then
	rm -rf "$DPKG_ROOT/var/lib/tool"
fi
exit 0
"#;

#[test]
fn scripts_that_do_nothing_are_no_hindrance() {
    if !has_dpkg() {
        return;
    }
    let image = [
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("var/lib/dpkg/alternatives/t", "auto\n/usr/bin/t\n\n/usr/bin/other\n5\n/usr/bin/tool\n10\n\n"),
        ("usr/bin/t", "-> /etc/alternatives/t"),
        ("etc/alternatives/t", "-> /usr/bin/tool"),
        ("usr/bin/other", "x"),
    ];
    let extra = &[
        ("preinst", "#!/bin/sh\nset -e\ngetent passwd root >/dev/null || exit 1\n"),
        (
            "postrm",
            "#!/bin/sh\nset -e\n[ \"$1\" != upgrade ] || update-alternatives --install /usr/bin/t t /usr/bin/tool 10\n",
        ),
        ("postinst", QUIET),
        ("prerm", "#!/bin/sh\nset -e\nif [ \"$1\" = remove ]; then\n\tupdate-alternatives --remove x /y\nfi\n"),
    ];
    let with = |version| Source { version, extra, files: &[("usr/bin/tool", "x")], ..V1 };
    compare(&image, &[with("1")], &[with("2")], |_| {});
}

#[test]
fn what_scripts_would_do_is_refused_by_name() {
    if !has_dpkg() {
        return;
    }
    let says = |script: &str| {
        let folder = tempfile::tempdir().unwrap();
        let old = Source { files: &[("usr/bin/tool", "x")], extra: &[], ..V1 }.build(folder.path());
        let image = image(&[("usr/sbin/thing", "x")], std::slice::from_ref(&old));
        fs::remove_file(old).unwrap();
        let extra = [("postinst", script)];
        Source { version: "2", files: &[("usr/bin/tool", "y")], extra: &extra, ..V1 }.build(folder.path());
        let (plan, layer) = run(image.path(), folder.path(), &["tool"]);
        assert!(layer.is_none() && plan.updates.is_empty());
        refusals(&plan).join("\n")
    };
    for (script, word) in [
        ("#!/bin/sh\nupdate-alternatives --install a b c 1\n", "`update-alternatives --install a b c 1`"),
        ("#!/bin/sh\nif [ \"$1\" = configure ]; then rm -f /x; fi\n", "`rm -f /x`"),
        ("#!/bin/sh\nif [ -x /usr/sbin/thing ]; then /usr/sbin/thing; fi\n", "`/usr/sbin/thing`"),
        ("#!/bin/sh\nx=$(touch /x)\n", "touch /x"),
        ("#!/bin/sh\necho hello > /etc/x\n", "`echo hello > …`"),
        ("#!/bin/sh\ntrue() { rm -rf /; }\ntrue\n", "`true()`"),
        ("#!/bin/sh\nset -- purge\n", "`set -- purge`"),
        ("#!/bin/sh\ngetent passwd nobody >/dev/null || adduser nobody\n", "`adduser nobody`"),
        ("#!/usr/bin/perl\nprint 1;\n", "no shell script"),
        ("#!/bin/sh\n[ -d /proc/self ] || adduser x\n", "`adduser x`"),
        ("#!/bin/sh\ncat <<X\nX\n", "more than can be looked through"),
        ("#!/bin/sh\nfor x in a; do rm $x; done\n", "`for …`"),
    ] {
        let refusal = says(script);
        assert!(refusal.contains(word), "{script:?} gives {refusal:?}");
    }
}

#[test]
fn dependencies_come_along_or_hold_the_update_back() {
    if !has_dpkg() {
        return;
    }
    let lib = |version, control| Source { name: "libx1", version, control, ..Source::default() };
    let dev = |version, control| Source { name: "libx-dev", version, control, ..Source::default() };
    let old = [lib("1", ""), dev("1", "Depends: libx1 (= 1)\n")];
    let new = [lib("2", "Breaks: libx-dev (<< 2)\n"), dev("2", "Depends: libx1 (= 2)\n")];
    compare(&[], &old, &new, |_| {});

    let outcome = |news: &[Source<'_>]| {
        let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let image = image(&[], &old.iter().map(|one| one.build(before.path())).collect::<Vec<_>>());
        news.iter().for_each(|one| drop(one.build(after.path())));
        let plan = run(image.path(), after.path(), &["libx1"]).0;
        let updates: Vec<_> = plan.updates.iter().map(|one| (one.package.clone(), one.needed_by.clone())).collect();
        (updates, refusals(&plan).join("\n"))
    };
    let both = vec![("libx-dev".to_owned(), Some("libx1".to_owned())), ("libx1".to_owned(), None)];
    assert_eq!(outcome(&new).0, both);
    let (updates, refused) = outcome(&new[..1]);
    assert!(updates.is_empty() && refused.contains("libx1: libx-dev needs libx1 (= 1)"), "{refused}");
    let plain = [lib("2", "")];
    assert!(outcome(&plain).1.contains("libx1: libx-dev needs libx1 (= 1)"), "{:?}", outcome(&plain));
    let needs = [lib("2", "Depends: extra (>= 1) | other\n"), dev("2", "Depends: libx1\n")];
    assert!(outcome(&needs).1.contains("needs extra (>= 1) | other"), "{:?}", outcome(&needs));
    let extra = Source { name: "extra", version: "1", ..Source::default() };
    let with_extra = [needs[0].clone(), needs[1].clone(), extra];
    assert_eq!(outcome(&with_extra).0.len(), 3, "{:?}", outcome(&with_extra));
}

#[test]
fn architectures_that_share_files_stay_at_one_version() {
    if !has_dpkg() {
        return;
    }
    let lib =
        |version, arch| Source { name: "liby1", version, arch, control: "Multi-Arch: same\n", ..Source::default() };
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let image = image(
        &[("var/lib/dpkg/arch", "amd64\ni386\n")],
        &[lib("1", "amd64").build(before.path()), lib("1", "i386").build(before.path())],
    );
    lib("2", "amd64").build(after.path());
    let plan = run(image.path(), after.path(), &["liby1"]).0;
    let refused = refusals(&plan).join("\n");
    assert!(plan.updates.is_empty() && refused.contains("must have the version of liby1:i386"), "{refused}");
}

#[test]
fn a_distroless_image_keeps_its_own_kind_of_records() {
    if !has_dpkg() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    lay(
        root.path(),
        &[
            (
                "var/lib/dpkg/status.d/tool",
                "Package: tool\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n",
            ),
            (
                "var/lib/dpkg/status.d/tool.md5sums",
                "00000000000000000000000000000000  usr/bin/tool\n00000000000000000000000000000000  usr/bin/gone\n",
            ),
            ("usr/bin/tool", "1"),
            ("usr/bin/gone", "1"),
        ],
    );
    let after = tempfile::tempdir().unwrap();
    let package = Source { version: "2", files: &[("usr/bin/tool", "2")], extra: &[], ..V1 }.build(after.path());
    let (plan, layer) = run(root.path(), after.path(), &["tool"]);
    assert_eq!(refusals(&plan), Vec::<String>::new());
    unpack(&layer.unwrap(), root.path());
    let text = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
    let control = Command::new("dpkg-deb").arg("-I").arg(&package).arg("control").output().unwrap().stdout;
    assert_eq!(text("var/lib/dpkg/status.d/tool"), String::from_utf8(control).unwrap());
    assert_eq!(text("var/lib/dpkg/status.d/tool.md5sums"), "c81e728d9d4c2f636f067f89cc14862c  usr/bin/tool\n");
    assert_eq!(text("usr/bin/tool"), "2");
    assert!(!root.path().join("usr/bin/gone").exists() && !root.path().join("var/lib/dpkg/info").exists());
}
