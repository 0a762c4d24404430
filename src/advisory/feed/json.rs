//! JSON documents of any length, record by record.
//!
//! Each record is cut out as text first and parsed then: a record of a wrong shape is one malformed record, and does not cost those after it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::document::{Document, Pace};
use crate::advisory::error::RecordError;

/// What is found on the way through a document.
pub(super) enum Found<'a> {
    /// An item of the list, or of the object with its key.
    Item(Cow<'a, str>, &'a RawValue),
    /// A text or number beside the list.
    Scalar(&'a str, String),
}

/// Walks the list in `field` of the top-level object, or the top-level list itself.
pub(super) fn each_in_list(
    document: &mut Document<'_>,
    field: &str,
    each: &mut dyn FnMut(Found<'_>),
) -> Result<(), RecordError> {
    walk(document, Some(field), each)
}

/// Walks the members of the top-level object, or of the object in `field` of it.
pub(super) fn each_in_map(
    document: &mut Document<'_>,
    field: Option<&str>,
    each: &mut dyn FnMut(Found<'_>),
) -> Result<(), RecordError> {
    walk(document, field, each)
}

fn walk(document: &mut Document<'_>, field: Option<&str>, each: &mut dyn FnMut(Found<'_>)) -> Result<(), RecordError> {
    let (stream, pace) = document.stream();
    let mut deserializer = serde_json::Deserializer::from_reader(stream);
    Walk { field, each, pace }.deserialize(&mut deserializer).map_err(RecordError::Json)?;
    deserializer.end().map_err(RecordError::Json)
}

/// Reads an item as `T`.
pub(super) fn item<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, RecordError> {
    serde_json::from_str(raw.get()).map_err(RecordError::Json)
}

/// An item's name when it cannot be read: the beginning of its text, printable.
pub(super) fn excerpt(raw: &RawValue) -> String {
    raw.get().chars().take(60).map(|character| if character.is_control() { ' ' } else { character }).collect()
}

struct Walk<'f, 'c> {
    /// Where the items are; the top level itself if `None`, or if that is a list.
    field: Option<&'f str>,
    each: &'c mut dyn FnMut(Found<'_>),
    pace: Pace,
}

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list or an object of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut number: u64 = 0;
        while let Some(raw) = list.next_element::<Box<RawValue>>()? {
            (self.each)(Found::Item(Cow::Owned(number.to_string()), &raw));
            self.pace.step();
            number += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.field {
                None => {
                    let raw = map.next_value::<Box<RawValue>>()?;
                    (self.each)(Found::Item(Cow::Borrowed(&key), &raw));
                }
                Some(field) if field == key => {
                    map.next_value_seed(Walk { field: None, each: self.each, pace: self.pace.clone() })?;
                }
                Some(_) => {
                    if let Scalar(Some(value)) = map.next_value()? {
                        (self.each)(Found::Scalar(&key, value));
                    }
                }
            }
            self.pace.step();
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(()) // `null` for an empty list
    }
}

/// A text or number; anything else is passed over.
struct Scalar(Option<String>);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyScalar;
        impl<'de> Visitor<'de> for AnyScalar {
            type Value = Scalar;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(Some(text.to_owned())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(Some(number.to_string())))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_unit<E>(self) -> Result<Scalar, E> {
                Ok(Scalar(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar(None))
            }
        }
        deserializer.deserialize_any(AnyScalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(text: &str, field: Option<&str>) -> (Vec<String>, bool) {
        let mut bytes = text.as_bytes();
        let mut seen = Vec::new();
        let outcome = walk(&mut Document::new("x", &mut bytes), field, &mut |found| match found {
            Found::Item(key, raw) => seen.push(format!("{key}={}", raw.get())),
            Found::Scalar(key, value) => seen.push(format!("{key}:{value}")),
        });
        (seen, outcome.is_ok())
    }

    #[test]
    fn items_come_in_order_wherever_the_list_stands() {
        let expected = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            walked(r#"{"count":2,"x":{"y":[1]},"list":[1,{"a":2}]}"#, Some("list")),
            (expected(&["count:2", "0=1", r#"1={"a":2}"#]), true)
        );
        assert_eq!(walked("[1,2]", Some("list")), (expected(&["0=1", "1=2"]), true));
        assert_eq!(walked(r#"{"a":1,"b":[]}"#, None), (expected(&["a=1", "b=[]"]), true));
        assert_eq!(walked(r#"{"list":null}"#, Some("list")), (vec![], true));
    }

    #[test]
    fn a_cut_document_is_an_error_after_what_was_whole() {
        assert_eq!(walked(r#"{"list":[1,2"#, Some("list")), (vec!["0=1".to_owned(), "1=2".to_owned()], false));
        assert!(!walked("[1] x", None).1, "something after the end");
    }
}
