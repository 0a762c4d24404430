use super::super::tree::{Node, TreeBuilder};
use super::super::view::StackedLayer;
use super::super::{Fact, FileFacts, FilePath, LayerFacts, PackageFact, PackageKind};
use super::{MergeOptions, RunConfig, merge, unread_files};

/// A layer of these entries (`path`, `path -> symlink`, `path => hard link`, `path/`) in which the files given were read.
fn layer(entries: &[&str], files: &[(&str, &str)]) -> LayerFacts {
    let mut tree = TreeBuilder::default();
    for entry in entries {
        let (path, node, target) = match (entry.split_once(" -> "), entry.split_once(" => "), entry.strip_suffix('/')) {
            (Some((path, target)), ..) => (path, Node::Symlink, target),
            (_, Some((path, target)), _) => (path, Node::HardLink, target),
            (.., Some(path)) => (path, Node::Directory, ""),
            _ => (*entry, Node::File, ""),
        };
        tree.add(path.as_bytes(), node, target.as_bytes(), 0);
    }
    let file = |(path, package): &(&str, &str)| {
        let package = Fact::Package(PackageFact::new(PackageKind::Apk, *package, "1"));
        FileFacts { path: FilePath::new(path.as_bytes()), inspector: "os/apk".into(), facts: vec![package] }
    };
    LayerFacts { tree: tree.build(), files: files.iter().map(file).collect(), ..LayerFacts::default() }
}

fn merged(layers: &[LayerFacts]) -> Vec<(String, String, usize)> {
    let stack: Vec<StackedLayer<'_>> = layers.iter().map(Some).collect();
    let inventory = merge(&stack, &RunConfig::default(), MergeOptions::default());
    inventory.packages.into_iter().map(|p| (p.fact.name, p.path.to_string(), p.layer)).collect()
}

const DATABASE: &str = "lib/apk/db/installed";

#[test]
fn a_database_below_a_symlink_of_a_lower_layer_is_live() {
    let base = || layer(&["lib -> usr/lib", "usr/", "usr/lib/"], &[]);
    let without_folders = layer(&[DATABASE], &[(DATABASE, "a")]);
    assert_eq!(merged(&[base(), without_folders]), [("a".into(), "/usr/lib/apk/db/installed".into(), 1)]);
    // A folder takes the place of the symlink.
    let with_folders = layer(&["lib/", "lib/apk/", "lib/apk/db/", DATABASE], &[(DATABASE, "a")]);
    assert_eq!(merged(&[base(), with_folders]), [("a".into(), format!("/{DATABASE}"), 1)]);
}

#[test]
fn what_a_layer_itself_replaces_is_not_live() {
    let replaced = layer(&[DATABASE, "lib -> usr/lib"], &[(DATABASE, "a")]);
    assert_eq!(merged(&[replaced]), []);
    let elsewhere = layer(&["opt/installed"], &[("opt/installed", "a")]);
    assert_eq!(merged(&[elsewhere]), [], "no package manager looks there");
}

#[test]
fn the_name_of_a_database_may_be_gone() {
    let other_name = layer(&["opt/db", "lib/apk/db/installed => opt/db"], &[("opt/db", "a")]);
    let mut removal = layer(&[], &[]);
    let mut tree = TreeBuilder::default();
    tree.add(b"opt/db", Node::Whiteout, b"", 0);
    removal.tree = tree.build();
    assert_eq!(merged(&[other_name, removal]), [("a".into(), "/opt/db".into(), 0)]);
}

#[test]
fn files_that_only_links_name_are_asked_for() {
    let mut facts =
        layer(&["store/1", "app/node_modules/a/package.json => store/1", "var/lib/dpkg -> /db", "db/status"], &[]);
    facts.links.push(FilePath::new(b"app/node_modules/a/package.json"));
    let unread = unread_files(&[Some(&facts)]);
    let shown: Vec<_> =
        unread.iter().map(|f| (f.path.to_string(), f.known_as.to_string(), f.keep_at.to_string())).collect();
    let row = |path: &str, known_as: &str, keep_at: &str| (path.to_owned(), known_as.to_owned(), keep_at.to_owned());
    let package = "/app/node_modules/a/package.json";
    assert_eq!(shown, [row("/db/status", "/var/lib/dpkg/status", "/db/status"), row("/store/1", package, package)]);
}
