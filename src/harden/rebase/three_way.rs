//! Records of three versions of a file to one: what the application changed since the old base, put on the new one.
//!
//! A record that only one side changed is that side's; one that both changed alike is theirs; of one that both changed in different ways only whoever knows the format can say what becomes. Nothing is
//! guessed: a [`Clash`] is an answer.

use std::collections::{BTreeMap, BTreeSet};

/// A record and what makes it the same one in another version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

impl Record {
    /// One that is its own key.
    pub(super) fn plain(bytes: &[u8]) -> Self {
        Self { key: bytes.to_vec(), bytes: bytes.to_vec() }
    }
}

/// The three versions of something; none where it is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Versions<T> {
    /// In the old base.
    pub(super) old: Option<T>,
    /// In the image.
    pub(super) app: Option<T>,
    /// In the new base.
    pub(super) new: Option<T>,
}

/// Which version counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Winner {
    /// The image's: the new base did not change it.
    App,
    /// The new base's: the application did not change it, or changed it alike.
    New,
}

/// Both sides changed the same record in different ways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// Which record, for people.
    pub(super) key: String,
}

impl Clash {
    pub(super) fn of(key: &[u8]) -> Self {
        Self { key: String::from_utf8_lossy(key).into_owned() }
    }
}

impl<T: PartialEq> Versions<T> {
    /// Which version counts; none where both sides changed it in different ways.
    pub(super) fn winner(&self) -> Option<Winner> {
        if self.app == self.old || self.app == self.new {
            Some(Winner::New)
        } else if self.new == self.old {
            Some(Winner::App)
        } else {
            None
        }
    }
}

/// What becomes of a record that both sides changed; none where it goes.
pub(super) type Resolve<'r> = dyn FnMut(&[u8], Versions<&[u8]>) -> Result<Option<Vec<u8>>, Clash> + 'r;

/// No record may be changed by both.
pub(super) fn refuse(key: &[u8], _versions: Versions<&[u8]>) -> Result<Option<Vec<u8>>, Clash> {
    Err(Clash::of(key))
}

/// Records by their keys. Of two with one key the first counts, as for the programs that read such files.
pub(super) fn by_key(records: Option<&[Record]>) -> BTreeMap<&[u8], &[u8]> {
    let records = records.unwrap_or_default().iter().rev();
    records.map(|record| (record.key.as_slice(), record.bytes.as_slice())).collect()
}

/// Merges records: those of the new base in its order, then what the application added, in its order.
pub(super) fn merge(versions: Versions<&[Record]>, resolve: &mut Resolve<'_>) -> Result<Vec<Vec<u8>>, Clash> {
    let (old, app, new) = (by_key(versions.old), by_key(versions.app), by_key(versions.new));
    let (mut merged, mut seen) = (Vec::new(), BTreeSet::new());
    for record in versions.new.unwrap_or_default().iter().chain(versions.app.unwrap_or_default()) {
        let key = record.key.as_slice();
        if !seen.insert(key) {
            continue;
        }
        let versions = Versions { old: old.get(key).copied(), app: app.get(key).copied(), new: new.get(key).copied() };
        merged.extend(match versions.winner() {
            Some(Winner::New) => versions.new.map(<[u8]>::to_vec),
            Some(Winner::App) => versions.app.map(<[u8]>::to_vec),
            None => resolve(key, versions)?,
        });
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Record> {
        let key = |word: &str| word.split('=').next().unwrap_or_default().as_bytes().to_vec();
        text.split_whitespace().map(|word| Record { key: key(word), bytes: word.as_bytes().to_vec() }).collect()
    }

    fn merged(old: &str, app: &str, new: &str) -> Result<String, String> {
        let (old, app, new) = (words(old), words(app), words(new));
        let versions = Versions { old: Some(&*old), app: Some(&*app), new: Some(&*new) };
        let merged = merge(versions, &mut refuse).map_err(|clash| clash.key)?;
        Ok(merged.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_side_keeps_what_it_changed() {
        for (old, app, new, expected) in [
            ("a=1 b=1", "a=1 b=1", "a=2 b=1 c=1", "a=2 b=1 c=1"),
            ("a=1 b=1", "a=1 b=2 d=1", "a=2 b=1 c=1", "a=2 b=2 c=1 d=1"),
            ("a=1 b=1", "b=1", "a=1 b=1 c=1", "b=1 c=1"),
            ("a=1 b=1", "a=1", "b=1", ""),
            ("a=1", "a=2", "a=2", "a=2"),
            ("", "a=1", "a=1", "a=1"),
        ] {
            assert_eq!(merged(old, app, new).as_deref(), Ok(expected), "{old} | {app} | {new}");
        }
        for (old, app, new) in [("a=1", "a=2", "a=3"), ("", "a=1", "a=2"), ("a=1", "", "a=2"), ("a=1", "a=2", "")] {
            assert_eq!(merged(old, app, new), Err("a".to_owned()), "{old} | {app} | {new}");
        }
    }
}
