//! The page of an incident names the other tags of the repository that carry a leaked layer, and says what was not looked at.

use serde_json::{Value, json};

use crate::server::{Answer, Stored};
use crate::world::{AS_OF, end, program};

#[test]
fn tags_that_carry_the_layer_are_named() {
    let stored = Stored::with_secret();
    let server = stored.serve(|asked, stored| {
        let config = Answer::new(200, json!({"schemaVersion": 2, "layers": []}).to_string());
        match asked.path.as_str() {
            // A page of two, and the rest.
            "/v2/app/tags/list" => {
                let link = "</v2/app/tags/list?last=2>; rel=\"next\"";
                Some(Answer::new(200, json!({"name": "app", "tags": ["1", "2"]}).to_string()).with("Link", link))
            }
            "/v2/app/tags/list?last=2" => {
                Some(Answer::new(200, json!({"name": "app", "tags": ["3", "denied", "other"]}).to_string()))
            }
            // The same image under another tag, and an index that lists it.
            "/v2/app/manifests/2" => {
                Some(Answer::new(200, stored.bytes(&stored.manifest)).with("Content-Type", "application/vnd.oci.image.manifest.v1+json"))
            }
            "/v2/app/manifests/3" => {
                let entry = json!({"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": stored.manifest, "size": stored.bytes(&stored.manifest).len()});
                let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [entry]});
                Some(Answer::new(200, index.to_string()).with("Content-Type", "application/vnd.oci.image.index.v1+json"))
            }
            "/v2/app/manifests/denied" => Some(Answer::new(403, "no")),
            "/v2/app/manifests/other" => Some(config.with("Content-Type", "application/vnd.oci.image.manifest.v1+json")),
            _ => None,
        }
    });
    let plain = server.address.to_string();
    let ended = end(program().args([
        "secrets",
        &server.image(),
        "--cache",
        "none",
        "--as-of",
        AS_OF,
        "--plain-http",
        &plain,
        "--incident",
        "--format",
        "json",
    ]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    let incident: Value = ended.json();
    assert_eq!(incident["secrets"][0]["tags"], json!(["1", "2", "3"]), "{incident:#}");
    assert_eq!(incident["tags"]["looked_at"], 4);
    let not_looked_at = incident["tags"]["not_looked_at"].as_array().unwrap();
    assert!(
        not_looked_at.len() == 1 && not_looked_at[0].as_str().unwrap().starts_with("denied: "),
        "{not_looked_at:?}"
    );
}

#[test]
fn a_registry_that_lists_no_tags_is_told() {
    let server =
        Stored::with_secret().serve(|asked, _| (asked.path == "/v2/app/tags/list").then(|| Answer::new(404, "{}")));
    let plain = server.address.to_string();
    let ended =
        end(program().args(["secrets", &server.image(), "--cache", "none", "--plain-http", &plain, "--incident"]));
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(ended.out.contains("does not list its tags"), "{}", ended.out);
    assert!(!ended.out.contains("Tags with it"), "{}", ended.out);
}
