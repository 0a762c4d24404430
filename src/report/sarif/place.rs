//! Places: files of the image and parts of its configuration.

use super::model::{
    ArtifactChange, ArtifactLocation, Content, Fix, LocationProperties, LogicalLocation, Message, PhysicalLocation,
    Region, Replacement, SarifLocation,
};
use super::text;
use crate::report::contract::{Edit, Location};

/// What stands for the image configuration where SARIF wants a file.
const CONFIG_ARTIFACT: &str = "image-configuration";

pub(super) fn location(place: &Location) -> SarifLocation {
    let mut logical = Vec::new();
    let artifact = match (&place.path, &place.config) {
        // A place with a column is in a file of the repository, whose paths are relative to its root.
        (Some(path), _) if place.column.is_some() => in_repository(path),
        (Some(path), _) => file(path),
        (None, config) => {
            let name = config.as_deref().unwrap_or("configuration");
            logical.push(LogicalLocation {
                name: name.rsplit(':').next().unwrap_or(name).to_owned(),
                fully_qualified_name: name.to_owned(),
                kind: "configuration",
            });
            config_artifact()
        }
    };
    if let (Some(layer), Some(index)) = (&place.layer, place.layer_index) {
        logical.push(LogicalLocation {
            name: format!("layer {}", index + 1),
            fully_qualified_name: layer.clone(),
            kind: "layer",
        });
    }
    SarifLocation {
        physical_location: PhysicalLocation {
            artifact_location: artifact,
            // GitHub wants a line; the whole file stands at its first.
            region: Region {
                start_line: place.line.unwrap_or(1).max(1),
                start_column: place.column,
                end_line: place.end_line,
                end_column: place.end_column,
            },
        },
        logical_locations: logical,
        message: message(place),
        properties: (place.path.is_some() || !place.platforms.is_empty()).then(|| LocationProperties {
            layer: place.layer.clone(),
            layer_index: place.layer_index,
            instruction: place.instruction.clone(),
            state: place.state.clone(),
            commit: place.commit.clone(),
            platforms: place.platforms.clone(),
        }),
    }
}

/// Which layer or commit brought it.
fn message(place: &Location) -> Option<Message> {
    let in_commit = || {
        let commit = place.commit.as_ref().filter(|commit| !commit.id.is_empty())?;
        Some(format!("commit {} of {} by {}", commit.id, commit.date, commit.author))
    };
    place.layer_index.map(|index| in_layer(place, index)).or_else(in_commit).map(|message| text(&message))
}

fn in_layer(place: &Location, index: usize) -> String {
    let state = match place.state.as_deref() {
        Some(state @ ("deleted" | "overwritten")) => format!(", {state} by a later one"),
        _ => String::new(),
    };
    let instruction = place.instruction.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
    format!("layer {}{state}{instruction}", index + 1)
}

/// What mends a finding, one fix a place.
pub(super) fn fix(place: &Location) -> Option<Fix> {
    let (path, fix) = (place.path.as_deref()?, place.fix.as_ref()?);
    let replacement = |edit: &Edit| Replacement {
        deleted_region: Region {
            start_line: edit.line,
            start_column: Some(edit.column),
            end_line: Some(edit.end_line),
            end_column: Some(edit.end_column),
        },
        inserted_content: Content { text: edit.text.clone() },
    };
    let replacements = fix.edits.iter().map(replacement).collect();
    Some(Fix {
        description: text(&fix.title),
        artifact_changes: [ArtifactChange { artifact_location: in_repository(path), replacements }],
    })
}

/// A file of a repository as a reference relative to its root.
fn in_repository(path: &str) -> ArtifactLocation {
    ArtifactLocation { uri_base_id: None, ..file(path.trim_start_matches("./")) }
}

pub(super) fn plain(artifact_location: ArtifactLocation) -> SarifLocation {
    SarifLocation {
        physical_location: PhysicalLocation { artifact_location, region: Region::line(1) },
        logical_locations: Vec::new(),
        message: None,
        properties: None,
    }
}

pub(super) fn config_artifact() -> ArtifactLocation {
    ArtifactLocation { uri: CONFIG_ARTIFACT.to_owned(), uri_base_id: None }
}

/// A file of the image as a relative reference (RFC 3986, section 4.2).
pub(super) fn file(path: &str) -> ArtifactLocation {
    let mut uri = String::with_capacity(path.len());
    for byte in path.trim_start_matches('/').bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    ArtifactLocation { uri, uri_base_id: Some("ROOTPATH") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_references() {
        assert_eq!(file("/srv/a b:[c]%\u{e9}.env").uri, "srv/a%20b%3A%5Bc%5D%25%C3%A9.env");
        assert_eq!(file("/app.jar!conf/x").uri, "app.jar!conf/x");
    }
}
