//! Criteria ▸ comparisons, each with the comments of all that must hold with it.

use super::document::{Comparison, Criteria, Oval};

/// Walks criteria and hands out each comparison with the comments that hold beside it.
pub(super) fn each_comparison<'a>(
    oval: &'a Oval,
    criteria: &'a Criteria,
    context: &mut Vec<&'a str>,
    each: &mut dyn FnMut(Comparison<'a>, &[&'a str]),
) {
    let outer = context.len();
    if !criteria.any {
        context.extend(criteria.criterions.iter().map(|criterion| criterion.comment.as_str()));
    }
    for criterion in &criteria.criterions {
        if let Some(comparison) = oval.comparison(criterion) {
            each(comparison, context);
        }
    }
    for nested in &criteria.nested {
        each_comparison(oval, nested, context, each);
    }
    context.truncate(outer);
}
