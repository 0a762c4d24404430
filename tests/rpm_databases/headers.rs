//! Single headers: what is read of them, and what is said about damaged ones.

use imgguard::inspect::rpm::{HeaderError, MAX_STRING_BYTES, RpmError, RpmPackage, Summary, read};

use super::compose::{NAMED, TagValue, header, ndb, with};
use super::row;

/// Reads one header through an NDB file: the package with its paths, and the summary.
fn one(blob: Vec<u8>) -> (Option<(RpmPackage, Vec<String>)>, Summary) {
    let mut found = None;
    let summary = read(&ndb(&[blob]).as_slice(), &mut |entry| {
        let files = entry.files.map(|file| String::from_utf8_lossy(&file.path).into_owned());
        found = Some((entry.package, files.collect()));
    });
    (found, summary.unwrap())
}

#[test]
fn a_minimal_header_is_a_package() {
    let (found, summary) = one(with(&[]));
    let (package, files) = found.unwrap();
    assert_eq!(row(&package), "named\t(none)\t1\t2\t(none)\t(none)\t(none)\t(none)");
    assert_eq!((package.evr().as_str(), files.len(), summary.damaged), ("1-2", 0, 0));
}

#[test]
fn later_entries_replace_earlier_ones() {
    let (found, _) = one(with(&[(1003, 4, 1, &[0, 0, 0, 5]), (1003, 4, 1, &[0, 0, 0, 9])]));
    assert_eq!(found.unwrap().0.epoch, Some(9));
}

#[test]
fn text_that_is_not_utf8_is_kept_with_replacements() {
    let (found, _) = one(with(&[(1011, 6, 1, b"Andr\xe9\0"), (1014, 9, 1, b"MIT\0")]));
    let package = found.unwrap().0;
    assert_eq!((package.vendor.as_deref(), package.license.as_deref()), (Some("Andr\u{fffd}"), Some("MIT")));
}

#[test]
fn damaged_headers_say_what_is_wrong() {
    let long = [vec![b'x'; MAX_STRING_BYTES + 1], vec![0]].concat();
    let oversized = [[0, 1, 0, 0], [0, 0, 0, 0]].concat();
    let mut beyond = with(&[(1014, 6, 1, b"MIT\0")]);
    beyond[8 + 3 * 16 + 8..8 + 3 * 16 + 12].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
    let cases = [
        (Vec::new(), HeaderError::Truncated { claimed: 8, stored: 0 }),
        (vec![0, 0, 0, 1, 0, 0, 0, 9], HeaderError::Truncated { claimed: 33, stored: 8 }),
        (vec![0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], HeaderError::Truncated { claimed: 0x1_0000_0007, stored: 8 }),
        (oversized, HeaderError::TooManyEntries { count: 0x1_0000 }),
        (header(&NAMED[1..]), HeaderError::Missing { tag: 1000 }),
        (header(&NAMED[..2]), HeaderError::Missing { tag: 1002 }),
        (with(&[(1003, 6, 1, b"5\0")]), HeaderError::WrongType { tag: 1003, kind: 6 }),
        (with(&[(1000, 4, 1, &[0; 4])]), HeaderError::WrongType { tag: 1000, kind: 4 }),
        (with(&[(1003, 4, 0, &[0; 4])]), HeaderError::WrongCount { tag: 1003, count: 0 }),
        (with(&[(1003, 4, 1, &[0; 3])]), HeaderError::OutOfRange { tag: 1003 }),
        (with(&[(1014, 6, 1, b"no end")]), HeaderError::OutOfRange { tag: 1014 }),
        (beyond, HeaderError::OutOfRange { tag: 1014 }),
        (with(&[(1014, 6, 1, &long)]), HeaderError::StringTooLong { tag: 1014 }),
    ];
    for (blob, reason) in cases {
        let (found, summary) = one(blob);
        assert!(found.is_none(), "{reason}");
        let damage = summary.first_damage.unwrap();
        assert_eq!((damage.reason, damage.offset, summary.damaged, summary.packages), (reason, 4096, 1, 0));
    }
}

#[test]
fn a_damaged_file_list_does_not_hide_the_package() {
    let names: TagValue<'_> = (1117, 8, 2, b"a\0b\0");
    let directories: TagValue<'_> = (1118, 8, 1, b"/usr/\0");
    let indexes: TagValue<'_> = (1116, 4, 2, &[0; 8]);
    let cases: [(Vec<TagValue<'_>>, HeaderError); 6] = [
        (vec![names], HeaderError::Missing { tag: 1118 }),
        (vec![names, directories], HeaderError::Missing { tag: 1116 }),
        (vec![names, directories, (1116, 4, 1, &[0; 4])], HeaderError::WrongCount { tag: 1116, count: 1 }),
        (vec![names, directories, (1116, 4, 2, &[0; 7])], HeaderError::OutOfRange { tag: 1116 }),
        (vec![names, directories, indexes, (1030, 3, 3, &[0; 6])], HeaderError::WrongCount { tag: 1030, count: 3 }),
        (vec![(1117, 8, 0x10_0000, b"a\0")], HeaderError::WrongCount { tag: 1117, count: 0x10_0000 }),
    ];
    for (tags, reason) in cases {
        let (found, summary) = one(with(&tags));
        assert_eq!(found.unwrap().1, Vec::<String>::new());
        assert_eq!((summary.packages, summary.damaged), (1, 1));
        assert_eq!(summary.first_damage.unwrap().reason, reason);
    }
}

#[test]
fn unsafe_paths_are_dropped_and_counted() {
    let long = [vec![b'n'; 300], vec![0]].concat();
    let base_names = [b"ok\0..\0\0x\0a/../b\0root\0".as_slice(), &long, b"far\0"].concat();
    let indexes: Vec<u8> = [0u32, 0, 1, 2, 0, 1, 0, 3].iter().flat_map(|i| i.to_be_bytes()).collect();
    let tags: [TagValue<'_>; 3] = [
        (1117, 8, 9, &base_names),
        (1118, 8, 3, b"/usr/\0/\0/../etc/\0"),
        (1116, 4, 9, &[indexes, vec![0; 4]].concat()),
    ];
    let (found, summary) = one(with(&tags));
    // `/` itself is no loss; dropped are `..` three times, a name too long, a directory that is not there, a name that is not there.
    assert_eq!(found.unwrap().1, ["usr/ok", "root"]);
    assert_eq!((summary.dropped_paths, summary.damaged), (6, 0));
}

#[test]
fn paths_that_share_a_long_directory_are_bounded() {
    let directory = [b"/".as_slice(), &b"0123456/".repeat(500), b"\0"].concat();
    let count = 300_000u32;
    let tags: [TagValue<'_>; 3] = [
        (1117, 8, count, &b"f\0".repeat(count as usize)),
        (1118, 8, 1, &directory),
        (1116, 4, count, &vec![0; count as usize * 4]),
    ];
    let db = ndb(&[with(&tags)]);
    let mut bytes = 0;
    let result = read(&db.as_slice(), &mut |entry| bytes += entry.files.map(|file| file.path.len()).sum::<usize>());
    assert!(matches!(result, Err(RpmError::TooMuchPathText)), "{result:?}");
    assert!(bytes <= 1 << 30 && bytes > (1 << 30) - 4096);
}

#[test]
fn directories_longer_than_any_path_are_never_copied() {
    let directory = [b"/".as_slice(), &b"d".repeat(8 << 20), b"/\0"].concat();
    let count = 200u32;
    let tags: [TagValue<'_>; 3] = [
        (1117, 8, count, &b"f\0".repeat(count as usize)),
        (1118, 8, 1, &directory),
        (1116, 4, count, &vec![0; count as usize * 4]),
    ];
    // Joined they would have 1.6 GiB, more than is allowed for all paths.
    let (found, summary) = one(with(&tags));
    assert_eq!((found.unwrap().1.len(), summary.dropped_paths, summary.damaged), (0, 200, 0));
}
