//! An OVAL document as written, as far as rpm distributions need it.

use std::collections::HashMap;

use crate::advisory::error::RecordError;
use crate::advisory::feed::xml::{Element, Node, Xml};

/// Most tests, objects and states of a document. Oracle's, the largest, has some 400,000 of each.
const MAX_PARTS: usize = 4_000_000;

/// Most criteria of one definition. Kernels have some 200.
const MAX_CRITERIA: usize = 100_000;

/// The document.
#[derive(Default)]
pub(super) struct Oval {
    pub(super) definitions: Vec<Definition>,
    tests: HashMap<String, (String, String)>,
    objects: HashMap<String, String>,
    states: HashMap<String, State>,
}

/// One definition.
#[derive(Default)]
pub(super) struct Definition {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) references: Vec<Reference>,
    pub(super) severity: String,
    pub(super) date: String,
    /// Azure Linux: `true`, `false` or `Not Applicable`.
    pub(super) patchable: String,
    /// CVSS vectors of its CVEs.
    pub(super) vectors: Vec<String>,
    pub(super) criteria: Criteria,
}

/// A reference: kind (`CVE`, `elsa`) and id.
pub(super) struct Reference {
    pub(super) kind: String,
    pub(super) id: String,
}

/// What must hold together, or of which one must hold.
#[derive(Default, Debug)]
pub(super) struct Criteria {
    pub(super) any: bool,
    pub(super) criterions: Vec<Criterion>,
    pub(super) nested: Vec<Self>,
}

/// One test.
#[derive(Debug)]
pub(super) struct Criterion {
    pub(super) test: String,
    pub(super) comment: String,
}

/// A package's name and what its version must be.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'a> {
    pub(super) name: &'a str,
    pub(super) evr: &'a str,
    /// Whether the version itself is meant, too.
    pub(super) or_equal: bool,
}

/// What an installed package must be; only versions are of interest.
#[derive(Default)]
struct State {
    evr: String,
    operation: String,
}

impl Oval {
    /// Reads a document.
    pub(super) fn read(xml: &mut Xml<'_, '_>) -> Result<Self, RecordError> {
        let mut oval = Self::default();
        let mut part = Part::None;
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(element) => oval.start(&mut part, &element)?,
                Node::End(name, text) => oval.end(&mut part, &name, text),
            }
            if oval.tests.len().max(oval.objects.len()).max(oval.states.len()) > MAX_PARTS {
                return Err(RecordError::Shape("it has more than 4000000 tests"));
            }
        }
        Ok(oval)
    }

    /// What a criterion compares, if it compares a version. Where a definition stands without its tests, Oracle's comments say the same.
    pub(super) fn comparison<'a>(&'a self, criterion: &'a Criterion) -> Option<Comparison<'a>> {
        let Some((object, state)) = self.tests.get(&criterion.test) else {
            let (name, evr) = criterion.comment.split_once(" is earlier than ")?;
            let word = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
            return (word(name) && word(evr)).then_some(Comparison { name, evr, or_equal: false });
        };
        let (name, state) = (self.objects.get(object)?, self.states.get(state)?);
        let or_equal = match state.operation.as_str() {
            "less than" => false,
            "less than or equal" => true,
            _ => return None,
        };
        Some(Comparison { name, evr: &state.evr, or_equal })
    }

    fn start(&mut self, part: &mut Part, element: &Element) -> Result<(), RecordError> {
        let id = || element.attribute("id").to_owned();
        match (&mut *part, element.name.as_str()) {
            (Part::None, "definition") => {
                *part = Part::Definition(Definition { id: id(), ..Definition::default() }, vec![], 0)
            }
            (Part::None, name) if name.ends_with("_test") => *part = Part::Test(id(), String::new(), String::new()),
            (Part::None, name) if name.ends_with("_object") => *part = Part::Object(id()),
            (Part::None, name) if name.ends_with("_state") => *part = Part::State(id(), State::default()),
            (Part::Definition(definition, open, count), _) => {
                *count += 1;
                if *count > MAX_CRITERIA {
                    return Err(RecordError::Shape("a definition has more than 100000 elements"));
                }
                definition.start(open, element);
            }
            (Part::Test(_, object, _), "object") => element.attribute("object_ref").clone_into(object),
            (Part::Test(_, _, state), "state") => element.attribute("state_ref").clone_into(state),
            (Part::State(_, state), "evr") => element.attribute("operation").clone_into(&mut state.operation),
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, part: &mut Part, name: &str, text: String) {
        let whole = match part {
            Part::None => false,
            Part::Definition(definition, open, _) => {
                definition.end(open, name, text);
                name == "definition"
            }
            Part::Test(..) => name.ends_with("_test"),
            Part::Object(id) => {
                if name == "name" {
                    self.objects.insert(id.clone(), text);
                }
                name.ends_with("_object")
            }
            Part::State(_, state) => {
                if name == "evr" {
                    state.evr = text;
                }
                name.ends_with("_state")
            }
        };
        if whole {
            match std::mem::take(part) {
                Part::Definition(definition, ..) => self.definitions.push(definition),
                Part::Test(id, object, state) => drop(self.tests.insert(id, (object, state))),
                Part::State(id, state) => drop(self.states.insert(id, state)),
                Part::Object(_) | Part::None => {}
            }
        }
    }
}

/// What is being read.
#[derive(Default)]
enum Part {
    #[default]
    None,
    /// With the criteria that are open, and how many elements it has.
    Definition(Definition, Vec<Criteria>, usize),
    Test(String, String, String),
    Object(String),
    State(String, State),
}

impl Definition {
    fn start(&mut self, open: &mut Vec<Criteria>, element: &Element) {
        let attribute = |name: &str| element.attribute(name).to_owned();
        match element.name.as_str() {
            "criteria" => open.push(Criteria { any: element.attribute("operator") == "OR", ..Criteria::default() }),
            "criterion" => {
                if let Some(criteria) = open.last_mut() {
                    criteria.criterions.push(Criterion { test: attribute("test_ref"), comment: attribute("comment") });
                }
            }
            "reference" => self.references.push(Reference { kind: attribute("source"), id: attribute("ref_id") }),
            "issued" => self.date = attribute("date"),
            "cve" => {
                // `5.5/CVSS:3.1/AV:…`: score, then vector.
                let vectors = ["cvss3", "cvss2"].map(attribute);
                self.vectors.extend(vectors.iter().filter_map(|text| text.split_once('/')).map(|(_, v)| v.to_owned()));
            }
            _ => {}
        }
    }

    fn end(&mut self, open: &mut Vec<Criteria>, name: &str, text: String) {
        match name {
            "criteria" => match (open.pop(), open.last_mut()) {
                (Some(criteria), Some(outer)) => outer.nested.push(criteria),
                (Some(criteria), None) => self.criteria = criteria,
                (None, _) => {}
            },
            "title" if self.title.is_empty() => self.title = text,
            "severity" if self.severity.is_empty() => self.severity = text,
            "patchable" => self.patchable = text,
            "advisory_date" => self.date = text,
            _ => {}
        }
    }
}
