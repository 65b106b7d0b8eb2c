//! Mutation: an earlier run's list of choices, changed, so that the run goes the same way for a while.

use crate::engine::dice::Lots;

/// Single choices that are changed at most.
const POINTS_MAX: u64 = 8;

/// A changed copy of `list`; `other` is the list of another run, to be spliced in.
pub(super) fn changed(list: &[u32], other: &[u32], lots: &mut Lots) -> Vec<u32> {
    let mut list = list.to_vec();
    if list.is_empty() {
        return list;
    }
    match lots.below(8) {
        // The way up to here, and then another one.
        0..=2 => list.truncate(place(&list, lots)),
        3 | 4 => {
            for _ in 0..=lots.below(POINTS_MAX) {
                let at = place(&list, lots);
                list[at] = lots.bits();
            }
        }
        5 => {
            let from = place(&list, lots);
            let length = chunk(&list[from..], lots);
            list.drain(from..from + length);
        }
        6 => {
            let from = place(&list, lots);
            let length = chunk(&list[from..], lots);
            let again: Vec<u32> = list[from..from + length].to_vec();
            let at = place(&list, lots);
            list.splice(at..at, again);
        }
        _ => {
            let at = place(&list, lots);
            list.truncate(at);
            let from = at.min(other.len());
            list.extend_from_slice(&other[from..]);
        }
    }
    list
}

fn place(list: &[u32], lots: &mut Lots) -> usize {
    lots.below(list.len() as u64) as usize
}

/// How much of what is left: short ones are likelier.
fn chunk(left: &[u32], lots: &mut Lots) -> usize {
    let most = 1_u64 << lots.below(8);
    (1 + lots.below(most) as usize).min(left.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_list_can_be_changed(list in prop::collection::vec(any::<u32>(), 0..50), seed: u64) {
            let mut lots = Lots::new(seed);
            let other = [1, 2, 3];
            for _ in 0..20 {
                let new = changed(&list, &other, &mut lots);
                prop_assert!(new.len() <= 2 * list.len() + other.len());
            }
        }
    }
}
