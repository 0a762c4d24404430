//! The images that a file names, for `--from`: a list, one reference a line, or a file that runs or builds images.
//!
//! Sources: Compose Specification, `services`; Kubernetes API, `PodSpec`; Docker Buildx bake file reference (`docker buildx bake --print` writes the JSON form).

use serde_json::Value;

/// Why a file names no images.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ListError {
    /// It looks like YAML or JSON, and is none.
    #[error("it is no YAML: {0}")]
    Malformed(String),
    /// It is another kind of file.
    #[error("it is neither a list of images nor a compose file, a bake file in JSON, or Kubernetes manifests")]
    Unknown,
    /// The name is only known when the file is used.
    #[error("the image `{0}` holds a variable; `docker compose config` prints the file with its variables filled in")]
    Variable(String),
}

/// The images, in the order of the file.
pub(super) fn images(text: &str) -> Result<Vec<String>, ListError> {
    if !is_structured(text) {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        return Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect());
    }
    let malformed = |error: serde_saphyr::Error| ListError::Malformed(first_line(&error.to_string()));
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).map_err(malformed)?;
    let mut found = Vec::new();
    for document in &documents {
        collect(document, &mut found)?;
    }
    match found.iter().find(|name| name.contains('$')) {
        Some(name) => Err(ListError::Variable(name.clone())),
        None => Ok(found),
    }
}

/// A line with a key, or the start of JSON; no reference has either.
fn is_structured(text: &str) -> bool {
    let has_key = |line: &str| {
        let line = line.trim();
        line == "---" || line.starts_with('{') || line.ends_with(':') || line.contains(": ")
    };
    text.lines().filter(|line| !line.trim_start().starts_with('#')).any(has_key)
}

fn collect(document: &Value, found: &mut Vec<String>) -> Result<(), ListError> {
    let strings = |value: &Value| value.as_str().map(str::to_owned);
    if let Some(services) = document.get("services").and_then(Value::as_object) {
        found.extend(services.values().filter_map(|service| strings(service.get("image")?)));
    } else if let Some(targets) = document.get("target").and_then(Value::as_object) {
        let tags = targets.values().filter_map(|target| target.get("tags")?.as_array()).flatten();
        found.extend(tags.filter_map(strings));
    } else if document.get("kind").is_some() && document.get("apiVersion").is_some() {
        containers(document, found);
    } else if !document.is_null() {
        return Err(ListError::Unknown);
    }
    Ok(())
}

/// Containers of every pod below `value`, whatever resource holds it. The parser bounds the depth.
fn containers(value: &Value, found: &mut Vec<String>) {
    const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if LISTS.contains(&name.as_str()) {
                    let images = field.as_array().into_iter().flatten().filter_map(|container| container.get("image"));
                    found.extend(images.filter_map(Value::as_str).map(str::to_owned));
                } else {
                    containers(field, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| containers(item, found)),
        _ => {}
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Result<Vec<String>, ListError> {
        images(text)
    }

    #[test]
    fn a_list_is_one_image_a_line() {
        let text = "# ours\nregistry.example:5000/app:1.2 # the first\n\n  oci:build/image:latest\napp@sha256:00\n";
        assert_eq!(names(text).unwrap(), ["registry.example:5000/app:1.2", "oci:build/image:latest", "app@sha256:00"]);
        assert!(names("").unwrap().is_empty());
    }

    #[test]
    fn a_compose_file_names_the_images_of_its_services() {
        let text = "services:\n  web:\n    image: registry.example/web:1\n    build: .\n  db:\n    image: \"postgres:16\"\n  job:\n    build: ./job\nvolumes:\n  data:\n";
        assert_eq!(names(text).unwrap(), ["registry.example/web:1", "postgres:16"]);
        let variable = names("services:\n  web:\n    image: web:${TAG:-1}\n");
        assert_eq!(variable, Err(ListError::Variable("web:${TAG:-1}".into())));
    }

    #[test]
    fn manifests_name_the_images_of_their_containers() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  template:\n    spec:\n      initContainers:\n      - {name: i, image: init:1}\n      containers:\n      - name: a\n        image: app:2\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  spec:\n    containers:\n    - image: pod:3\n---\napiVersion: v1\nkind: Service\nspec: {}\n";
        assert_eq!(names(text).unwrap(), ["init:1", "app:2", "pod:3"]);
    }

    #[test]
    fn a_bake_file_names_the_tags_of_its_targets() {
        let text = r#"{"group": {"default": {"targets": ["app"]}}, "target": {"app": {"tags": ["app:1", "app:latest"]}, "test": {}}}"#;
        assert_eq!(names(text).unwrap(), ["app:1", "app:latest"]);
    }

    #[test]
    fn other_files_are_refused_and_bombs_do_not_go_off() {
        assert_eq!(names("name: ci\non: push\n"), Err(ListError::Unknown));
        assert!(matches!(names("services:\n  web: [\n"), Err(ListError::Malformed(_))));
        let bomb = "services: {}\na: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: [*g,*g,*g,*g,*g,*g,*g,*g,*g]\n";
        assert!(matches!(names(bomb), Err(ListError::Malformed(_))));
    }
}
