//! A Compose file over another: what both say, and where the later one counts.
//!
//! Source: Compose specification, "Merge and override". Tables are merged, lists put behind each other; commands and tests are replaced; what has a name (a variable, a
//! mount point, a published port) is there once, as the later file says. `!reset` takes away, `!override` replaces.

use std::collections::BTreeMap;

use crate::workload::yaml::{Key, Node, Place, Scalar, Value};

/// Settings of a service that are lists of `NAME=value` or tables.
const PAIRS: &[&str] = &["environment", "labels", "annotations", "sysctls"];

/// Settings of a service that are lists of names or tables.
const NAMED: &[&str] = &["networks", "depends_on"];

/// Settings of a service that replace what was there.
const REPLACED: &[&str] = &["command", "entrypoint", "test"];

/// Longest lists whose items are compared.
const MAX_COMPARED: usize = 1000;

/// Brings what may be written in two ways into one: tables.
#[must_use]
pub(super) fn normal(service: Node) -> Node {
    let Value::Map(entries) = service.value else { return service };
    let entries = entries.into_iter().map(|(key, node)| {
        let node = match key.text.as_str() {
            name if PAIRS.contains(&name) => pairs(node, true),
            name if NAMED.contains(&name) => pairs(node, false),
            "build" => build(node),
            _ => node,
        };
        (key, node)
    });
    Node { value: Value::Map(entries.collect()), ..service }
}

/// A list to a table: `NAME=value` divided, a name alone without a value.
fn pairs(node: Node, divided: bool) -> Node {
    let Value::List(items) = node.value else { return node };
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for item in items {
        let Some(scalar) = item.scalar() else { continue };
        let pair = if divided { scalar.text.split_once('=') } else { None };
        let (name, value) = pair.map_or((scalar.text.as_str(), None), |(name, value)| (name, Some(value)));
        let literal =
            scalar.literal.as_deref().and_then(|literal| literal.split_once('=')).map(|(_, value)| value.to_owned());
        let value = value.map_or(Value::Null, |value| {
            Value::Scalar(Scalar { text: value.to_owned(), is_open: scalar.is_open, literal })
        });
        let key = Key { text: name.trim().to_owned(), at: item.at.clone() };
        let node = Node { value, at: item.at.clone(), tag: None };
        match known.get(&key.text).and_then(|at| entries.get_mut(*at)) {
            Some(entry) => *entry = (key, node),
            None => {
                known.insert(key.text.clone(), entries.len());
                entries.push((key, node));
            }
        }
    }
    Node { value: Value::Map(entries), ..node }
}

/// `build: DIR` is a table with a context.
fn build(node: Node) -> Node {
    match &node.value {
        Value::Scalar(_) => {
            let key = Key { text: "context".to_owned(), at: node.at.clone() };
            let (at, tag) = (node.at.clone(), node.tag.clone());
            Node { value: Value::Map(vec![(key, Node { tag: None, ..node })]), at, tag }
        }
        _ => node,
    }
}

/// What a later file says over what an earlier one says; `name` is the key of both.
#[must_use]
pub(super) fn merge(base: Node, over: Node, name: &str) -> Node {
    match over.tag.as_deref() {
        Some("!override") => return Node { tag: None, ..over },
        Some("!reset") => return Node { value: Value::Null, ..over },
        _ => {}
    }
    let is_other_driver = |base: &Node, over: &Node| {
        let driver = |node: &Node| node.get("driver").and_then(Node::text).map(str::to_owned);
        driver(over).is_some() && driver(base) != driver(over)
    };
    match (base.value, over.value) {
        (base_value, Value::Null) => Node { value: base_value, ..base },
        (Value::Map(low), Value::Map(high)) => {
            let (low_node, high_node) = (
                Node { value: Value::Map(low), at: base.at, tag: None },
                Node { value: Value::Map(high), at: over.at, tag: None },
            );
            // The options of one driver mean nothing to another.
            if name == "logging" && is_other_driver(&low_node, &high_node) {
                return high_node;
            }
            let at = high_node.at.clone();
            Node { value: Value::Map(tables(low_node.into_entries(), high_node.into_entries())), at, tag: None }
        }
        (Value::List(mut low), Value::List(high)) if !REPLACED.contains(&name) => {
            // Longer lists are no work of people, and comparing each with each would take its time.
            let is_compared = low.len() <= MAX_COMPARED && high.len() <= MAX_COMPARED;
            for item in high {
                match low.iter_mut().filter(|_| is_compared).find(|known| is_same(known, &item, name)) {
                    Some(known) => *known = item,
                    None => low.push(item),
                }
            }
            Node { value: Value::List(low), at: over.at, tag: None }
        }
        // One value where a list may stand.
        (Value::List(low), Value::Scalar(scalar)) if !REPLACED.contains(&name) => {
            let item = Node { value: Value::Scalar(scalar), at: over.at.clone(), tag: None };
            merge(
                Node { value: Value::List(low), at: base.at, tag: None },
                Node { value: Value::List(vec![item]), at: over.at, tag: None },
                name,
            )
        }
        (_, value) => Node { value, at: over.at, tag: None },
    }
}

fn tables(low: Vec<(Key, Node)>, high: Vec<(Key, Node)>) -> Vec<(Key, Node)> {
    let mut merged: Vec<Option<(Key, Node)>> = low.into_iter().map(Some).collect();
    let index: BTreeMap<String, usize> =
        merged.iter().flatten().enumerate().map(|(at, (key, _))| (key.text.clone(), at)).collect();
    for (key, over) in high {
        let slot = index.get(&key.text).and_then(|at| merged.get_mut(*at));
        match slot {
            Some(slot) => {
                *slot = match (slot.take(), over.tag.as_deref()) {
                    (_, Some("!reset")) | (None, _) => None,
                    (Some((_, base)), _) => {
                        let name = key.text.clone();
                        Some((key, merge(base, over, &name)))
                    }
                };
            }
            None if over.tag.as_deref() == Some("!reset") => {}
            None => merged.push(Some((key, over))),
        }
    }
    merged.into_iter().flatten().collect()
}

/// Whether two items of a list are about one thing.
fn is_same(low: &Node, high: &Node, name: &str) -> bool {
    match name {
        "volumes" => target(low).is_some() && target(low) == target(high),
        "ports" | "secrets" | "configs" | "cap_add" | "cap_drop" | "security_opt" | "devices" | "tmpfs" | "expose" => {
            same_value(low, high)
        }
        _ => false,
    }
}

fn same_value(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar(a), Value::Scalar(b)) => a.text == b.text,
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka.text == kb.text && same_value(a, b))
        }
        _ => false,
    }
}

/// Where a mount ends up in the container.
fn target(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar(scalar) => Some(super::volume::short(&scalar.text).target),
        Value::Map(_) => node.get("target").and_then(Node::text).map(|text| text.trim_end_matches('/').to_owned()),
        _ => None,
    }
}

/// From a key to the end of its value: what stands for a setting.
#[must_use]
pub(crate) fn whole(key: &Key, node: &Node) -> Place {
    if key.at.file != node.at.file || node.at.span.end < key.at.span.start {
        return node.at.clone();
    }
    Place { file: key.at.file, span: key.at.span.start..node.at.span.end.max(key.at.span.end) }
}
