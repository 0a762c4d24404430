//! One layer in place of several, on request.

use super::{Transform, Wishes};
use crate::harden::draft::Draft;
use crate::harden::plan::{Change, Step};

/// The transform.
pub(super) struct Squash;

impl Transform for Squash {
    fn name(&self) -> &'static str {
        "squash"
    }

    fn summary(&self) -> &'static str {
        "put all layers into one, without what upper layers replace or remove (--squash)"
    }

    fn apply(&self, draft: &mut Draft, wishes: &Wishes) {
        let count = draft.layers.len();
        if wishes.squash && count > 1 {
            draft.squash = true;
            let mut step = Step::new(self.name(), "put all layers into one", "it was asked for with --squash");
            step.changes.push(Change::new("layers", format!("{count} to 1; none is shared with the base any more")));
            draft.note(step);
        }
    }
}
