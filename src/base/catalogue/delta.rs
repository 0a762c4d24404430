//! What turns one catalogue into another: each part compressed against what it replaces.
//!
//! ```text
//! magic, format number of the delta, format number of the catalogues, root digests of the old and of the new one
//! sections, as in the advisory store's deltas: content, then packages
//! ```
//!
//! Whoever applies it packs the parts again, and gets the new file byte for byte or an error.

use super::file::{FORMAT, Sections};
use super::{Catalogue, CatalogueError};
use crate::advisory::store::delta::{DeltaError, Parts, write_part};
use crate::digest::hex;

const MAGIC: &[u8; 8] = b"imgbdiff";

/// Format of deltas.
const DELTA_FORMAT: u32 = 1;

/// Magic, formats of delta and catalogues, roots.
const HEAD: usize = 8 + 4 + 4 + 32 + 32;

/// Largest inflated part, in bytes; that of a catalogue.
const MAX_BYTES: usize = 128 << 20;

impl Catalogue {
    /// What leads from `old` to this one.
    ///
    /// # Errors
    /// When one of them is damaged.
    pub fn delta_from(&self, old: &Self) -> Result<Vec<u8>, DeltaError> {
        let mut delta = prologue();
        for catalogue in [old, self] {
            delta.extend(root_bytes(catalogue));
        }
        for number in 0..2 {
            let [before, now] = [old, self].map(|catalogue| catalogue.sections.plain(number));
            write_part(&mut delta, &before.map_err(damaged)?, &now.map_err(damaged)?)
                .map_err(|_| DeltaError::Damaged("a part cannot be compressed"))?;
        }
        Ok(delta)
    }

    /// The bytes of the catalogue that a delta leads to.
    ///
    /// # Errors
    /// When the delta is for another catalogue, is damaged, or does not lead where it says.
    pub fn follow(&self, delta: &[u8]) -> Result<Vec<u8>, DeltaError> {
        let (head, rest) = delta.split_at_checked(HEAD).ok_or(DeltaError::NotADelta)?;
        let roots = head.strip_prefix(prologue().as_slice()).ok_or(DeltaError::NotADelta)?;
        let (from, to) = roots.split_at_checked(32).ok_or(DeltaError::NotADelta)?;
        let [wanted, to] = [from, to].map(|root| format!("sha256:{}", hex(root)));
        let found = self.digest().to_string();
        if wanted != found {
            return Err(DeltaError::WrongBase { wanted, found });
        }
        let mut parts = Parts::new(rest);
        let mut plain = Vec::new();
        for number in 0..2 {
            plain.push(parts.next(&self.sections.plain(number).map_err(damaged)?, MAX_BYTES)?);
        }
        parts.finish()?;
        let [content, packages] = plain.as_slice() else { return Err(DeltaError::NotADelta) };
        let bytes = Sections::assemble([content, packages]).map_err(damaged)?;
        let made = Sections::parse(bytes).map_err(damaged)?;
        let found = made.root().to_string();
        if found == to { Ok(made.as_bytes().to_vec()) } else { Err(DeltaError::WrongResult { wanted: to, found }) }
    }
}

fn prologue() -> Vec<u8> {
    [&MAGIC[..], &DELTA_FORMAT.to_le_bytes(), &FORMAT.to_le_bytes()].concat()
}

fn root_bytes(catalogue: &Catalogue) -> [u8; 32] {
    use sha2::Digest as _;
    let head = catalogue.as_bytes().get(..super::file::HEAD).unwrap_or_default();
    sha2::Sha256::digest(head).into()
}

fn damaged(_: CatalogueError) -> DeltaError {
    DeltaError::Damaged("the catalogue that it is for is damaged")
}
