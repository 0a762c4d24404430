use jiff::civil::date;

use super::*;
use crate::facts::{FilePath, PackageFact, PackageKind};
use crate::oci::History;
use crate::source::{Documents, Layer, Manifest, Place as LayerPlace};

pub(in crate::base) const DEBIAN: &str = "docker.io/library/debian";

pub(in crate::base) fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

/// An image of these layers; a layer's name is the text that its diff ID is the digest of, and `gz` of its stored form.
pub(in crate::base) fn manifest(name: &str, layers: &[&str]) -> Manifest {
    let layer = |layer: &&str| Layer {
        digest: Some(digest(&format!("{layer} gz"))),
        size: 1,
        media_type: String::new(),
        diff_id: Some(digest(layer)),
        place: LayerPlace::Digest,
    };
    let mut config = ImageConfig { created: Some("2026-01-10T00:00:00Z".into()), ..ImageConfig::default() };
    let step = |layer: &&str| History {
        created_by: format!("ADD {layer}"),
        created: Some("2026-01-10T00:00:00Z".into()),
        ..History::default()
    };
    config.history = layers.iter().map(step).collect();
    Manifest {
        platform: "linux/amd64".parse().unwrap(),
        digest: Some(digest(name)),
        annotations: BTreeMap::new(),
        config,
        layers: layers.iter().map(layer).collect(),
        listing: None,
        documents: Documents::default(),
    }
}

/// Debian packages of these versions.
pub(in crate::base) fn inventory(packages: &[(&str, &str)]) -> Inventory {
    let installed = |(name, version): &(&str, &str)| InstalledPackage {
        fact: PackageFact::new(PackageKind::Deb, *name, *version),
        path: FilePath::new(b"var/lib/dpkg/status"),
        layer: 0,
        owner: None,
        is_program: false,
        loaded: Some(true),
    };
    let os = OsRelease { id: "debian".into(), version_id: "12".into(), ..OsRelease::default() };
    let packages = packages.iter().map(installed).collect();
    Inventory { os: Some(os), packages, ..Inventory::default() }
}

/// A catalogue of images, each with its root, tag, layers and packages, seen one a day; a root is an index of one platform.
pub(in crate::base) type Known<'a> = (&'a str, &'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);

pub(in crate::base) fn catalogue(images: &[Known<'_>]) -> Catalogue {
    let mut draft = Draft::default();
    draft.declare(DEBIAN, true);
    for (day, (name, tag, layers, packages)) in (1..).zip(images) {
        let (manifest, inventory) = (manifest(name, layers), inventory(packages));
        let root = digest(&format!("{name} index"));
        draft.add(DEBIAN, &root, Some(true), &[Read { manifest: &manifest, inventory: &inventory }]);
        draft.saw(DEBIAN, tag, &root, date(2026, 1, day));
    }
    Catalogue::from_memory(draft.compile().unwrap()).unwrap()
}

fn sample() -> Catalogue {
    catalogue(&[
        ("one", "12.5", &["a", "b"], &[("openssl", "1"), ("libc6", "2")]),
        ("two", "12.7", &["c"], &[("openssl", "1.1"), ("libc6", "2")]),
    ])
}

#[test]
fn what_goes_in_comes_out_without_what_advisories_do_not_ask() {
    let catalogue = sample();
    catalogue.verify().unwrap();
    let image = &catalogue.content().images[&digest("one")];
    assert_eq!((image.layers.len(), image.diff_ids[1].clone()), (2, digest("b")));
    let inventory = catalogue.inventory(image).unwrap();
    let names: Vec<_> =
        inventory.packages.iter().map(|package| (&*package.fact.name, &*package.fact.version)).collect();
    assert_eq!(names, [("libc6", "2"), ("openssl", "1")]);
    assert!(inventory.packages.iter().all(|package| package.loaded.is_none() && package.path.as_bytes().is_empty()));
    assert_eq!(catalogue.packages().unwrap().rows.len(), 3, "libc6 is written once");
    let again = Draft::of(&catalogue).unwrap().compile().unwrap();
    assert_eq!(again, catalogue.as_bytes(), "the same images give the same bytes");
}

#[test]
fn tags_remember_what_they_pointed_to() {
    let mut draft = Draft::of(&sample()).unwrap();
    let (one, two) = (digest("one index"), digest("two index"));
    for (day, root) in [(5, &one), (6, &one), (7, &two), (8, &two), (9, &one)] {
        draft.saw(DEBIAN, "12", root, date(2026, 1, day));
    }
    let catalogue = Catalogue::from_memory(draft.compile().unwrap()).unwrap();
    let history = &catalogue.content().repositories[DEBIAN].tags["12"];
    let told: Vec<_> = history.iter().map(|held| (&held.root, held.since.day(), held.until.day())).collect();
    assert_eq!(told, [(&one, 5, 6), (&two, 7, 8), (&one, 9, 9)]);
    assert_eq!(catalogue.content().indexed, Some(date(2026, 1, 9)));
}

#[test]
fn a_file_that_was_cut_or_changed_is_refused() {
    let sample = sample();
    let whole = sample.as_bytes();
    for length in 0..whole.len() {
        assert!(Catalogue::from_memory(whole[..length].to_vec()).is_err(), "cut at {length}");
    }
    for at in 0..whole.len() {
        let mut changed = whole.to_vec();
        changed[at] ^= 1;
        // What passes would be another file, with another root digest.
        assert!(Catalogue::from_memory(changed).map_or(true, |other| other.digest() != sample.digest()), "byte {at}");
    }
    let longer = [whole, b"x"].concat();
    assert!(matches!(Catalogue::from_memory(longer), Err(CatalogueError::Damaged(_))));
}

#[test]
fn a_promise_of_much_takes_no_memory() {
    let sample = sample();
    let mut bytes = sample.as_bytes().to_vec();
    // The inflated length of the first part.
    for (promise, is_possible) in [(100_u64 << 20, true), (u64::MAX, false)] {
        bytes[20..28].copy_from_slice(&promise.to_le_bytes());
        let error = Catalogue::from_memory(bytes.clone()).unwrap_err();
        assert_eq!(matches!(error, CatalogueError::TooLarge { .. }), !is_possible, "{error}");
    }
    bytes[8..12].copy_from_slice(&7_u32.to_le_bytes());
    assert!(matches!(Catalogue::from_memory(bytes), Err(CatalogueError::Format { found: 7, supported: FORMAT })));
}

#[test]
fn names_that_no_build_file_can_have_are_refused() {
    for (name, tag) in [("docker.io/library/debian\nRUN evil", "1"), ("debian", "1"), (DEBIAN, "1 evil"), (DEBIAN, "")]
    {
        let mut draft = Draft::of(&sample()).unwrap();
        draft.add(name, &digest("x"), None, &[]);
        draft.saw(name, tag, &digest("x"), date(2026, 1, 1));
        let error = Catalogue::from_memory(draft.compile().unwrap()).unwrap_err();
        assert!(matches!(error, CatalogueError::Damaged(_)), "{name}: {error}");
    }
}

#[test]
fn a_delta_leads_to_the_same_bytes_and_fits_nothing_else() {
    let old = sample();
    let mut draft = Draft::of(&old).unwrap();
    let (manifest, inventory) = (manifest("three", &["c", "d"]), inventory(&[("openssl", "1.2")]));
    draft.add(DEBIAN, &digest("three index"), None, &[Read { manifest: &manifest, inventory: &inventory }]);
    draft.saw(DEBIAN, "12.8", &digest("three index"), date(2026, 2, 1));
    let new = Catalogue::from_memory(draft.compile().unwrap()).unwrap();
    let delta = new.delta_from(&old).unwrap();
    assert_eq!(old.follow(&delta).unwrap(), new.as_bytes());
    assert!(new.follow(&delta).is_err());
    for at in 0..delta.len() {
        let mut damaged = delta.clone();
        damaged[at] ^= 1;
        assert!(old.follow(&damaged).map_or(true, |bytes| bytes == new.as_bytes()), "byte {at}");
        assert!(old.follow(&delta[..at]).is_err(), "cut at {at}");
    }
}

/// What is written here must be read by every release that calls it this format: if this fails, raise `FORMAT`.
#[test]
fn the_format_is_the_one_of_its_number() {
    let content = file::encode(sample().content()).unwrap();
    let packages = file::encode(sample().packages().unwrap()).unwrap();
    let told = [&content, &packages].map(|bytes| (bytes.len(), Digest::sha256(bytes).hex()[..12].to_owned()));
    let known = [(1304, "287ca9fb0fce"), (80, "c132f75f9f3d")].map(|(length, sum)| (length, sum.to_owned()));
    assert_eq!(told, known);
}
