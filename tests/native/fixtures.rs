//! Images that the package managers made, with the lists that they gave of each.

use std::collections::BTreeSet;
use std::fs;

use super::{Row, compare_list, fixture, packages, row, rows, scan};

fn expected(name: &str, layer: usize) -> BTreeSet<Row> {
    rows(&fs::read_to_string(fixture(name).join(format!("expected.{layer}.tsv"))).unwrap())
}

/// A layout of the first `layers` layers of the fixture's image for `architecture`, in a folder of its own.
fn cut(name: &str, architecture: &str, layers: usize) -> tempfile::TempDir {
    let image = fixture(name).join("image");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let blobs = out.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    for blob in fs::read_dir(image.join("blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        fs::copy(blob.path(), blobs.join(blob.file_name())).unwrap();
    }
    let json = |path| -> serde_json::Value { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    let file_of = |digest: &serde_json::Value| blobs.join(digest.as_str().unwrap().strip_prefix("sha256:").unwrap());
    let store = |value: &serde_json::Value| {
        let bytes = serde_json::to_vec(value).unwrap();
        let digest = imgguard::digest::Digest::sha256(&bytes);
        fs::write(blobs.join(digest.hex()), &bytes).unwrap();
        (serde_json::Value::from(digest.to_string()), serde_json::Value::from(bytes.len()))
    };
    let mut index = json(image.join("index.json"));
    let descriptors = index["manifests"].as_array_mut().unwrap();
    descriptors.retain(|descriptor| descriptor["platform"]["architecture"] == architecture);
    for descriptor in descriptors {
        let mut manifest = json(file_of(&descriptor["digest"]));
        manifest["layers"].as_array_mut().unwrap().truncate(layers);
        let mut config = json(file_of(&manifest["config"]["digest"]));
        config["rootfs"]["diff_ids"].as_array_mut().unwrap().truncate(layers);
        (manifest["config"]["digest"], manifest["config"]["size"]) = store(&config);
        (descriptor["digest"], descriptor["size"]) = store(&manifest);
    }
    fs::copy(image.join("oci-layout"), out.join("oci-layout")).unwrap();
    fs::write(out.join("index.json"), serde_json::to_vec(&index).unwrap()).unwrap();
    folder
}

fn reference(folder: &tempfile::TempDir) -> String {
    format!("oci:{}", folder.path().display())
}

#[test]
fn dpkg() {
    for layers in 1..=3 {
        let folder = cut("os-dpkg", "amd64", layers);
        let report = scan(&reference(&folder));
        let removed = |row: &&Row| row[5] == "config-files" || row[5] == "not-installed";
        let native =
            expected("os-dpkg", layers).iter().filter(|row| !removed(row)).map(|row| row[..5].to_vec()).collect();
        let fields = ["name", "version", "?arch", "source/name", "source/version"];
        let ours = packages(&report, "deb", None).iter().map(|package| row(package, &fields)).collect();
        compare_list("dpkg-query", &format!("an image that it made, after layer {layers}"), &native, &ours);
    }
}

#[test]
fn packages_stand_in_the_layer_that_brought_them() {
    let report = scan(&format!("oci:{}", fixture("os-dpkg").join("image").display()));
    let layer = |name: &str| {
        let package = packages(&report, "deb", None).into_iter().find(|package| package["name"] == name).unwrap();
        package["locations"][0]["layer_index"].as_u64().unwrap()
    };
    assert_eq!((layer("fixture-base"), layer("fixture-old")), (2, 2), "the database was moved in the last layer");
    let report = scan(&reference(&cut("os-dpkg", "amd64", 2)));
    let layer = |name: &str| {
        let package = packages(&report, "deb", None).into_iter().find(|package| package["name"] == name).unwrap();
        package["locations"][0]["layer_index"].as_u64().unwrap()
    };
    assert_eq!((layer("fixture-base"), layer("fixture-old")), (0, 1));
}

#[test]
fn files_of_distribution_packages_are_owned() {
    let owners = rows(&fs::read_to_string(fixture("os-dpkg").join("owners.tsv")).unwrap());
    let report = scan(&format!("oci:{}", fixture("os-dpkg").join("image").display()));
    let owned = packages(&report, "pypi", None);
    assert_eq!(owned.len(), 1);
    let (path, owner) = (&owned[0]["locations"][0]["path"], &owned[0]["owner"]);
    let said = vec![path.as_str().unwrap().to_owned(), owner.as_str().unwrap().to_owned()];
    assert!(owners.contains(&said), "{said:?}");
}

#[test]
fn python() {
    for layers in 1..=3 {
        let folder = cut("language-python", "amd64", layers);
        let report = scan(&reference(&folder));
        let native: BTreeSet<Row> = expected("language-python", layers);
        let mut ours = BTreeSet::new();
        for package in packages(&report, "pypi", None) {
            for location in package["locations"].as_array().unwrap() {
                let path = location["path"].as_str().unwrap();
                // pip names the folder that it searches; where a link led it to the sources, that of the link.
                let site = match path.rsplit_once("/src/legacy/") {
                    Some(_) => "/venv/lib/python3.11/site-packages",
                    None => {
                        path.trim_end_matches("/METADATA").trim_end_matches("/PKG-INFO").rsplit_once('/').unwrap().0
                    }
                };
                let fields = [site, package["name"].as_str().unwrap(), package["version"].as_str().unwrap()];
                ours.insert(fields.map(str::to_owned).to_vec());
            }
        }
        compare_list("pip list", &format!("an image that it made, after layer {layers}"), &native, &ours);
    }
}

#[test]
fn node() {
    let without_place = |rows: BTreeSet<Row>| rows.into_iter().map(|row| row[1..].to_vec()).collect::<BTreeSet<Row>>();
    for layers in 1..=3 {
        let folder = cut("language-node", "arm64", layers);
        let report = scan(&reference(&folder));
        let native = without_place(expected("language-node", layers));
        let ours = packages(&report, "npm", None).iter().map(|package| row(package, &["name", "version"])).collect();
        compare_list("npm ls", &format!("an image that it made, after layer {layers}"), &native, &ours);
    }
}

#[test]
fn each_platform_has_its_own_packages() {
    let report = scan(&format!("oci:{}", fixture("language-node").join("image").display()));
    for (architecture, layers) in [("amd64", 2), ("arm64", 3)] {
        let native = expected("language-node", layers).iter().map(|row| row[1..].to_vec()).collect();
        let ours = packages(&report, "npm", Some(architecture));
        compare_list(
            "npm ls",
            &format!("one platform of two, {architecture}"),
            &native,
            &ours.iter().map(|package| row(package, &["name", "version"])).collect(),
        );
    }
}

#[test]
fn a_hard_link_into_a_store_is_read_under_its_own_name() {
    let report = scan(&reference(&cut("language-node", "arm64", 1)));
    let leaf =
        packages(&report, "npm", None).into_iter().find(|package| package["purl"] == "pkg:npm/leaf@1.0.0").unwrap();
    let paths: Vec<_> =
        leaf["locations"].as_array().unwrap().iter().map(|place| place["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"/srv/pnpm/node_modules/.pnpm/leaf@1.0.0/node_modules/leaf/package.json"), "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains(".store-of-pnpm")), "{paths:?}");
}
