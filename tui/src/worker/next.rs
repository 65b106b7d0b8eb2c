//! What can still be decided after each of the steps that come next, worked out while nobody asks for anything.

use bivalent_sim::engine::view::Valence;

use super::{Answer, Worker};

/// Steps that are looked at.
const ROWS: usize = 8;
/// Samples of each, where it has to be tried: fewer than of the step that is looked at, since there are so many.
const SAMPLES: u32 = 32;

impl Worker {
    /// Values one step more; nothing is left to do once the list of what is due is not the order any more in
    /// which the run goes on.
    pub(super) fn value_next(&mut self) {
        let Some((step, mut known)) = self.next.take() else {
            return;
        };
        let row = known.len() as u64;
        self.reach(step + row + 1);
        let here = self.here();
        if here.track().steps <= step + row {
            return;
        }
        let listed = here.view_at(step).next.get(known.len()).cloned();
        let comes = here.view_at(step + row).next.first().cloned();
        let (Some(listed), Some(comes)) = (listed, comes) else {
            return;
        };
        // Where an adversary picks, nothing is due: what comes next is not written anywhere.
        let same = listed.due_ns.is_some()
            && (listed.agent, listed.store, &listed.text)
                == (comes.agent, comes.store, &comes.text);
        if !same {
            return;
        }
        known.push(here.valence_by(step + row + 1, 0..SAMPLES));
        let values: Vec<Valence> = known.clone();
        if known.len() < ROWS {
            self.next = Some((step, known));
        }
        self.tell(Answer::ValuedNext(step, values));
    }
}
