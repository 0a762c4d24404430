use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::base::catalogue::tests::{Known, catalogue, digest, inventory, manifest};
use crate::base::findings;
use crate::base::staleness::newer;

const DEBIAN: &[(&str, &str)] = &[("openssl", "1"), ("libc6", "2"), ("bash", "3"), ("dpkg", "4")];

fn bases() -> Catalogue {
    let known: &[Known<'_>] = &[
        ("debian", "12.5", &["a"], DEBIAN),
        ("newer", "12.7", &["c"], &[("openssl", "1.1")]),
        ("python", "3.12.1-slim", &["a", "p", "q"], DEBIAN),
    ];
    catalogue(known)
}

/// An image in the making.
struct Image {
    manifest: Manifest,
    inventory: Inventory,
    read: Vec<LayerRead>,
    attached: Vec<Attached>,
}

impl Image {
    fn of(layers: &[&str]) -> Self {
        let read = vec![LayerRead::Stored; layers.len()];
        let attached = Vec::new();
        Self { manifest: manifest("app", layers), inventory: inventory(&[("app", "1")]), read, attached }
    }

    fn identify<'c>(&self, catalogue: Option<&'c Catalogue>) -> Identity<'c> {
        let index = BTreeMap::new();
        let (manifest, inventory, read, attached) = (&self.manifest, &self.inventory, &self.read, &self.attached);
        identify(&Subject { manifest, index: &index, attached, inventory, read }, catalogue).unwrap()
    }

    /// The name of the base that is proven, and its layers.
    fn proven(&self, catalogue: &Catalogue) -> Option<(String, usize)> {
        let identity = self.identify(Some(catalogue));
        identity.base.filter(|base| base.is_proven).map(|base| (base.name.full(), base.layers))
    }

    fn says(mut self, name: &str, base: &str) -> Self {
        let own = [("name", name.to_owned()), ("digest", digest(base).to_string())];
        let own = own.map(|(key, value)| (format!("org.opencontainers.image.base.{key}"), value));
        self.manifest.annotations.extend(own);
        self
    }
}

/// Provenance as BuildKit attaches it, about an image and with these materials: purl, and what its digest is of.
fn provenance(of: &Digest, materials: &[(&str, &str)]) -> Attached {
    let material = |(purl, of): &(&str, &str)| json!({"uri": purl, "digest": {"sha256": digest(of).hex()}});
    let statement = json!({
        "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://slsa.dev/provenance/v0.2",
        "subject": [{"name": "pkg:docker/app@1", "digest": {"sha256": of.hex()}}],
        "predicate": {"materials": materials.iter().map(material).collect::<Vec<_>>()},
    });
    Attached { digest: "sha256:x".into(), content: Ok(statement.to_string().into_bytes()) }
}

fn debian(tag: &str) -> String {
    format!("docker.io/library/debian:{tag}")
}

#[test]
fn the_longest_base_counts_and_the_one_below_is_told() {
    let bases = bases();
    let image = Image::of(&["a", "p", "q", "app"]);
    let identity = image.identify(Some(&bases));
    assert_eq!(image.proven(&bases), Some((debian("3.12.1-slim"), 3)));
    assert_eq!(identity.below.iter().map(|base| base.name.full()).collect::<Vec<_>>(), [debian("12.5")]);
    assert_eq!(Image::of(&["a", "p", "x"]).proven(&bases), Some((debian("12.5"), 1)));
    assert_eq!(Image::of(&["x", "a"]).proven(&bases), None, "a layer further up is no base");
}

#[test]
fn layers_that_were_not_read_prove_nothing() {
    let bases = bases();
    let mut image = Image::of(&["a", "app"]);
    image.read[0] = LayerRead::Unread;
    assert_eq!(image.proven(&bases), None);
    let identity = image.identify(Some(&bases));
    assert!(identity.evidence[0].detail.ends_with("not all of them were read"), "{:?}", identity.evidence);
    image.read = vec![LayerRead::Stored, LayerRead::Unread];
    assert_eq!(image.proven(&bases), Some((debian("12.5"), 1)), "what lies above does not matter");
}

#[test]
fn diff_ids_prove_only_what_was_unpacked() {
    let bases = bases();
    let mut image = Image::of(&["a", "p", "q", "app"]);
    for layer in &mut image.manifest.layers {
        layer.digest = Some(digest(&format!("{:?} zstd", layer.diff_id)));
    }
    assert_eq!(image.proven(&bases), None, "the configuration says so itself");
    let claimed = image.identify(Some(&bases));
    assert_eq!((claimed.evidence[0].source, claimed.evidence[0].holds), (Source::DiffIds, Holds::Unchecked));
    image.read = vec![LayerRead::Unpacked; 4];
    assert_eq!(image.proven(&bases), Some((debian("3.12.1-slim"), 3)));
}

#[test]
fn a_chain_id_is_the_one_of_the_specification() {
    let ids = ["a", "b", "c"].map(digest);
    let two = Digest::sha256(format!("{} {}", ids[0], ids[1]).as_bytes());
    assert_eq!(chain_id(&ids[..1]), Some(ids[0].clone()));
    assert_eq!(chain_id(&ids), Some(Digest::sha256(format!("{two} {}", ids[2]).as_bytes())));
    assert_eq!(chain_id(&[]), None);
}

#[test]
fn a_claim_is_confirmed_left_open_or_contradicted_by_layers() {
    let bases = bases();
    let of = |layers: &[&str], name: &str, base: &str| {
        let identity = Image::of(layers).says(name, base).identify(Some(&bases));
        let claim = identity.evidence.iter().find(|evidence| evidence.source == Source::Annotation).unwrap();
        (claim.holds, identity.base.map(|base| base.name.full()))
    };
    let below = Some(debian("12.5"));
    assert_eq!(of(&["a", "x"], "debian:12.5", "debian index"), (Holds::Confirmed, below.clone()));
    assert_eq!(of(&["a", "x"], "debian:12.5", "debian"), (Holds::Confirmed, below.clone()), "by the manifest's digest");
    assert_eq!(of(&["a", "x"], "debian:12.7", "newer index"), (Holds::Contradicted, below.clone()));
    assert_eq!(of(&["a", "x"], "registry.example/own:1", "nobody knows"), (Holds::Unchecked, below));
    assert_eq!(of(&["x"], "debian:12.7", "newer index").0, Holds::Contradicted);
    let long = "x".repeat(1 << 20);
    let identity = Image::of(&["x"]).says(&long, "debian").identify(Some(&bases));
    assert!(identity.evidence.iter().all(|evidence| evidence.detail.len() < 1000), "a megabyte is not repeated");
}

#[test]
fn provenance_is_confirmed_by_layers_and_tells_whether_the_base_was_pinned() {
    let bases = bases();
    let told = |layers: &[&str], about: &str, materials: &[(&str, &str)]| {
        let mut image = Image::of(layers);
        image.attached = vec![provenance(&digest(about), materials)];
        let identity = image.identify(Some(&bases));
        let of = |evidence: &&Evidence| evidence.source == Source::Provenance;
        let holds: Vec<Holds> = identity.evidence.iter().filter(of).map(|evidence| evidence.holds).collect();
        let rules = findings::of_base(&identity, None, 0).into_iter().map(|finding| finding.rule);
        (holds, rules.collect::<Vec<_>>())
    };
    let tagged = ("pkg:docker/debian@12.5?platform=linux%2Famd64", "debian index");
    let pinned_purl = format!("pkg:docker/debian@12.5?digest={}", digest("debian index"));
    let unpinned = vec![findings::UNPINNED.0.to_owned()];
    assert_eq!(told(&["a", "x"], "app", &[tagged]), (vec![Holds::Confirmed], unpinned.clone()));
    let pinned = (&*pinned_purl, "debian index");
    assert_eq!(told(&["a", "x"], "app", &[pinned]), (vec![Holds::Confirmed], vec![]));
    // Of several stages one may be the base; the others are no lie.
    let other = ("pkg:docker/golang@1.22", "newer index");
    assert_eq!(told(&["a", "x"], "app", &[tagged, other]), (vec![Holds::Confirmed, Holds::Unchecked], unpinned));
    assert_eq!(told(&["x"], "app", &[tagged]), (vec![Holds::Unchecked], vec![]));
    assert_eq!(told(&["a", "x"], "another", &[tagged]), (vec![], vec![]), "it is about another image");
}

#[test]
fn what_is_attached_may_be_anything() {
    let bases = bases();
    let mut image = Image::of(&["a", "x"]);
    let bytes = [&b"{"[..], b"[]", b"{\"payload\":\"%\"}", b"{\"predicate\":{\"materials\":[1,{\"uri\":2}]}}", b"\xff"];
    image.attached =
        bytes.iter().map(|bytes| Attached { digest: String::new(), content: Ok(bytes.to_vec()) }).collect();
    image.attached.push(Attached { digest: String::new(), content: Err("not there".into()) });
    let many: Vec<String> = (0..5000).map(|number| format!("pkg:docker/a{number}@1")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|purl| (&**purl, "x")).collect();
    image.attached.push(provenance(&digest("app"), &many));
    let identity = image.identify(Some(&bases));
    assert!(identity.evidence.len() < 300, "{}", identity.evidence.len());
    assert_eq!(identity.proven_layers(), 1);
}

#[test]
fn without_a_catalogue_a_claim_stays_one() {
    let identity = Image::of(&["a", "x"]).says("debian:12.5", "debian").identify(None);
    assert!(identity.base.is_none() && identity.proven_layers() == 0);
    assert_eq!(identity.evidence[0].holds, Holds::Unchecked);
    assert!(Image::of(&["a"]).identify(None).evidence.is_empty(), "nothing speaks of a base");
}

#[test]
fn a_squashed_image_is_known_by_its_history_and_by_its_packages() {
    let bases = bases();
    let mut squashed = Image::of(&["squashed"]);
    squashed.manifest.config.history = manifest("x", &["a", "app"]).config.history;
    let identity = squashed.identify(Some(&bases));
    let base = identity.base.unwrap();
    assert_eq!((base.name.full(), base.by, base.is_proven), (debian("12.5"), Source::History, false));
    let mut alike = Image::of(&["squashed"]);
    alike.inventory = inventory(&[DEBIAN, &[("app", "1")]].concat());
    let identity = alike.identify(Some(&bases));
    assert_eq!(identity.base.unwrap().by, Source::Packages);
    assert_eq!(identity.evidence[0].confidence, Confidence::Low);
    alike.inventory = inventory(&[("app", "1"), ("bash", "3")]);
    assert!(alike.identify(Some(&bases)).base.is_none(), "too little is alike");
}

#[test]
fn a_base_is_behind_the_later_ones_of_its_line() {
    let bases = bases();
    let identity = Image::of(&["a", "x"]).identify(Some(&bases));
    let (base, platform) = (identity.base.unwrap(), "linux/amd64".parse().unwrap());
    let newer = newer(&bases, &base, &platform).unwrap();
    assert_eq!((newer.tag, newer.releases, newer.days), ("12.7", 1, Some(0)));
    assert_eq!(newer.from_line(), format!("FROM debian:12.7@{}", digest("newer index")));
    let newest = Image::of(&["c", "x"]).identify(Some(&bases)).base.unwrap();
    assert!(super::super::staleness::newer(&bases, &newest, &platform).is_none());
}

proptest! {
    /// Whatever an image is made of and says: a base that is called proven has exactly the image's first layers, and these were read.
    #[test]
    fn a_proven_base_is_at_the_bottom(
        layers in prop::collection::vec(prop::sample::select(vec!["a", "p", "q", "c", "x"]), 0..6),
        read in prop::collection::vec(0..3_u8, 6),
        swapped in prop::collection::vec(any::<bool>(), 6),
        claim in prop::sample::select(vec!["debian", "newer index", "python", "x"]),
    ) {
        let bases = bases();
        let mut image = Image::of(&layers).says("debian:12.5", claim);
        image.read = read.iter().take(layers.len()).map(|read| [LayerRead::Unread, LayerRead::Stored, LayerRead::Unpacked][usize::from(*read)]).collect();
        for (layer, swapped) in image.manifest.layers.iter_mut().zip(&swapped) {
            if *swapped {
                layer.digest = Some(digest("another form of it"));
            }
        }
        let identity = image.identify(Some(&bases));
        for base in identity.base.iter().chain(&identity.below).filter(|base| base.is_proven) {
            prop_assert!(base.layers > 0 && base.layers == base.image.layers.len());
            let own = image.manifest.layers.iter().take(base.layers);
            let stored = own.clone().map(|layer| layer.digest.clone().unwrap()).eq(base.image.layers.iter().cloned());
            let unpacked = own.map(|layer| layer.diff_id.clone().unwrap()).eq(base.image.diff_ids.iter().cloned());
            let least = image.read[..base.layers].iter().min().copied().unwrap();
            prop_assert!((stored && least >= LayerRead::Stored) || (unpacked && least == LayerRead::Unpacked));
        }
    }
}
