//! The parts of SPDX that are written, as serde types; names are the specification's.

use serde::Serialize;

/// What is not told and not looked for.
pub(super) const NO_ASSERTION: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    pub(super) spdx_version: &'static str,
    pub(super) data_license: &'static str,
    #[serde(rename = "SPDXID")]
    pub(super) id: &'static str,
    pub(super) name: String,
    pub(super) document_namespace: String,
    pub(super) creation_info: CreationInfo,
    pub(super) packages: Vec<Package>,
    pub(super) relationships: Vec<Relationship>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) has_extracted_licensing_infos: Vec<ExtractedLicense>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo {
    pub(super) created: String,
    pub(super) creators: [String; 1],
    pub(super) license_list_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID")]
    pub(super) id: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version_info: Option<String>,
    pub(super) supplier: String,
    pub(super) download_location: &'static str,
    pub(super) files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source_info: Option<String>,
    pub(super) license_concluded: &'static str,
    pub(super) license_declared: String,
    pub(super) copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) external_refs: Vec<ExternalRef>,
    pub(super) primary_package_purpose: &'static str,
    pub(super) annotations: Vec<Annotation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub(super) algorithm: &'static str,
    pub(super) checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalRef {
    pub(super) reference_category: &'static str,
    pub(super) reference_type: &'static str,
    pub(super) reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Annotation {
    pub(super) annotation_date: String,
    pub(super) annotation_type: &'static str,
    pub(super) annotator: String,
    pub(super) comment: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    pub(super) spdx_element_id: String,
    pub(super) relationship_type: &'static str,
    pub(super) related_spdx_element: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtractedLicense {
    pub(super) license_id: String,
    pub(super) name: String,
    pub(super) extracted_text: String,
}
