//! FIRST's exploit prediction scores: `cve,epss,percentile` lines below a line that names model and date. Source: <https://www.first.org/epss/data_stats>.

use std::io::BufRead as _;

use super::{Document, Documents, Feed, Files, Head, Item, Meta, Output, SpeaksFor, Upstream, draft};
use crate::advisory::error::RecordError;
use crate::advisory::exploitation::Score;

/// The feed.
pub(super) struct Epss;

static META: Meta = Meta {
    name: "EPSS",
    upstream: Upstream {
        name: "epss",
        base: "https://epss.empiricalsecurity.com/",
        files: Files::Plain(&["epss_scores-current.csv.gz"]),
        speaks_for: SpeaksFor::Every,
    },
    license: "LicenseRef-FIRST-EPSS",
    redistributable: true,
    documents: Documents::Collections,
    data: None,
};

/// The columns that scores are read from.
const COLUMNS: &str = "cve,epss,percentile";

impl Feed for Epss {
    fn meta(&self) -> &Meta {
        &META
    }

    fn recognises(&self, head: &Head<'_>) -> bool {
        head.bytes.starts_with(b"#model_version:") || head.bytes.starts_with(COLUMNS.as_bytes())
    }

    fn read(&self, document: &mut Document<'_>, out: &mut Output<'_>) -> Result<(), RecordError> {
        let (stream, pace) = document.stream();
        let mut line = String::new();
        let mut columns = false;
        loop {
            line.clear();
            pace.step();
            if stream.read_line(&mut line).map_err(RecordError::Entry)? == 0 {
                break;
            }
            let text = line.trim();
            if text.is_empty() {
                continue;
            }
            if let Some(comment) = text.strip_prefix('#') {
                let date = comment.split(',').find_map(|part| part.trim().strip_prefix("score_date:"));
                if let Some(seconds) = date.and_then(draft::unix_seconds) {
                    out(Item::Made(seconds));
                }
            } else if !columns {
                if text != COLUMNS {
                    return Err(RecordError::Shape("its columns are not `cve,epss,percentile`"));
                }
                columns = true;
            } else {
                out(score(text));
            }
        }
        Ok(())
    }
}

fn score(line: &str) -> Item {
    let mut fields = line.split(',');
    let (cve, probability, percentile) = (fields.next(), fields.next(), fields.next());
    let cve = cve.and_then(draft::cve_of);
    match (cve, probability.zip(percentile).and_then(|(p, q)| Score::parse(p, q))) {
        (Some(cve), Some(score)) => Item::Score(cve.to_owned(), score),
        _ => Item::Malformed {
            name: line.chars().take(40).collect(),
            error: RecordError::Shape("it is not a CVE with two numbers from 0 to 1"),
        },
    }
}
