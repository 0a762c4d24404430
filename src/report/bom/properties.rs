//! What neither standard has a field for, as names and values: CycloneDX's properties, SPDX's annotations. [`crate::facts::listed`] reads them back, so that a scan of
//! the bill says what a scan of the image does.

use crate::report::contract::{Os, Package, Platform};

/// A name and its value.
pub(super) type Property = (String, String);

/// Of a package; `platforms` is how many the subject has.
pub(super) fn of_package(package: &Package, platforms: usize) -> Vec<Property> {
    let mut properties =
        vec![property("imgguard:ecosystem", &package.ecosystem), property("imgguard:evidence", &package.evidence)];
    if package.source.name != package.name || package.source.version != package.version {
        properties.push(property("imgguard:source", &format!("{}@{}", package.source.name, package.source.version)));
    }
    properties.extend(package.owner.iter().map(|owner| property("imgguard:owner", owner)));
    properties.extend(package.module.iter().map(|module| property("imgguard:module", module)));
    properties.extend(package.scope.iter().map(|scope| property("imgguard:scope", scope)));
    if package.program {
        properties.push(property("imgguard:program", "true"));
    }
    properties.extend(package.loaded.map(|loaded| property("imgguard:loaded", &loaded.to_string())));
    let layers = package.locations.iter().filter_map(|location| location.layer.as_deref());
    let layers: std::collections::BTreeSet<&str> = layers.collect();
    properties.extend(layers.into_iter().map(|layer| property("imgguard:layer", layer)));
    if package.platforms.len() < platforms {
        properties.extend(package.platforms.iter().map(|platform| property("imgguard:platform", platform)));
    }
    properties
}

/// Of a platform's image: what it is, and its layers with the instructions that made them.
pub(super) fn of_platform(platform: &Platform) -> Vec<Property> {
    let mut properties = vec![
        property("imgguard:platform", &platform.platform),
        property("imgguard:complete", &platform.complete.to_string()),
    ];
    for (index, layer) in platform.layers.iter().enumerate() {
        properties
            .extend(layer.digest.iter().map(|digest| property(&format!("imgguard:layer:{index}:digest"), digest)));
        let instruction = layer.instruction.iter();
        properties.extend(instruction.map(|text| property(&format!("imgguard:layer:{index}:instruction"), text)));
    }
    properties
}

/// Of a distribution.
pub(super) fn of_os(os: &Os) -> Vec<Property> {
    let channels = os.channels.join(", ");
    let said = [("imgguard:os:name", &os.name), ("imgguard:os:channels", &channels)];
    said.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| property(name, value)).collect()
}

fn property(name: &str, value: &str) -> Property {
    (name.to_owned(), value.to_owned())
}
