//! Files that are keys or hold some: told by their first bytes, whatever they are called.

use super::{Structure, der, gnupg, jks, keytab, pgp, pkcs12, told};
use crate::facts::Confidence;

/// Bytes that tell a format.
pub(in crate::secret) const HEAD: usize = 24;

/// Ids of the rules for keys.
pub(super) const CLEAR: &str = "private-key";
pub(super) const LOCKED: &str = "private-key-encrypted";
pub(super) const OPENED: &str = "keystore-known-password";
pub(super) const KERBEROS: &str = "kerberos-keytab";

/// A key in a file of keys.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::secret) struct Held {
    /// Id of the rule.
    pub(in crate::secret) rule: &'static str,
    /// Its name in the file; empty where it has none.
    pub(in crate::secret) name: String,
    /// How sure.
    pub(in crate::secret) confidence: Confidence,
    /// What may be shown.
    pub(in crate::secret) shown: String,
    /// What identifies it.
    pub(in crate::secret) identity: Option<Vec<u8>>,
}

impl Held {
    /// A key that stands alone in its file of these bytes.
    fn alone(structure: Structure, bytes: &[u8]) -> Self {
        let rule = if structure.encrypted { LOCKED } else { CLEAR };
        let (confidence, shown) = told(structure.words(), structure.public.as_deref(), bytes);
        let clear = (!structure.encrypted).then(|| bytes.to_vec());
        Self { rule, name: String::new(), confidence, shown, identity: structure.public.or(clear) }
    }

    /// A key of a store (`a Java keystore`) that opens with `password`, where one that is known does; `sealed` is how it stands there.
    pub(super) fn stored(
        name: String,
        structure: Structure,
        sealed: &[u8],
        store: &str,
        password: Option<&str>,
    ) -> Self {
        let encrypted = structure.encrypted && password.is_none();
        let words = Structure { encrypted, ..structure.clone() }.words();
        let words = match password {
            Some("") => format!("{words}, in {store} that opens with an empty password"),
            Some(password) => format!("{words}, in {store} that opens with the well-known password `{password}`"),
            None => format!("{words}, in {store}"),
        };
        let (confidence, shown) = told(words, structure.public.as_deref(), sealed);
        let rule = if password.is_some() {
            OPENED
        } else if encrypted {
            LOCKED
        } else {
            CLEAR
        };
        Self { rule, name, confidence, shown, identity: structure.public.or_else(|| password.map(|_| sealed.to_vec())) }
    }
}

/// A format of keys.
#[derive(Debug)]
pub(in crate::secret) struct Format {
    read: fn(&[u8]) -> Option<Vec<Held>>,
    /// Its first bytes are no accident, so a file that does not parse is damaged.
    certain: bool,
}

impl Format {
    /// The private keys of a file; none where it is not of this format after all.
    pub(in crate::secret) fn read(&self, bytes: &[u8]) -> Option<Vec<Held>> {
        (self.read)(bytes)
    }

    /// Whether the first bytes prove the format.
    pub(in crate::secret) fn is_certain(&self) -> bool {
        self.certain
    }
}

const JKS: &Format = &Format { read: jks::read, certain: true };
const PKCS12: &Format = &Format { read: pkcs12::read, certain: true };
const KEYTAB: &Format = &Format { read: keytab::read, certain: false };
const OPENPGP: &Format = &Format { read: |bytes| alone(pgp::read(bytes), bytes), certain: false };
const GNUPG: &Format = &Format { read: |bytes| alone(gnupg::read(bytes), bytes), certain: false };
const DER: &Format = &Format { read: |bytes| alone(der::file(bytes), bytes), certain: false };

fn alone(structure: Option<Structure>, bytes: &[u8]) -> Option<Vec<Held>> {
    structure.map(|structure| vec![Held::alone(structure, bytes)])
}

/// The format of a file with these first bytes ([`HEAD`] of them, fewer only where it is shorter), if it may be one of keys. No text begins so
/// but GnuPG's.
pub(in crate::secret) fn format_of(head: &[u8]) -> Option<&'static Format> {
    match head {
        [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 1 | 2, ..] | [0xce, 0xce, 0xce, 0xce, 0, 0, 0, 1 | 2, ..] => Some(JKS),
        [5, 2, 0, 0, ..] => Some(KEYTAB),
        // An OpenPGP secret key packet of a known version, with an old or a new header.
        [0x94, _, 3..=6, ..]
        | [0x95, _, _, 3..=6, ..]
        | [0xc5, 1..=191, 3..=6, ..]
        | [0xc5, 192..=223, _, 3..=6, ..] => Some(OPENPGP),
        [0x30, 0..=0x80, rest @ ..]
        | [0x30, 0x81, _, rest @ ..]
        | [0x30, 0x82, _, _, rest @ ..]
        | [0x30, 0x83, _, _, _, rest @ ..] => in_sequence(rest),
        _ => gnupg::is(head).then_some(GNUPG),
    }
}

/// What a SEQUENCE is that begins with a version, or with an algorithm.
fn in_sequence(content: &[u8]) -> Option<&'static Format> {
    match content {
        [2, 1, 3, 0x30, ..] => Some(PKCS12),
        [2, 1, 0 | 1, 2 | 4 | 0x30, ..] | [0x30, _, 6, ..] => Some(DER),
        _ => None,
    }
}
