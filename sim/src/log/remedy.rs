//! What can be changed in a log's run that goes on a stretch at a time.

use super::{Load, LogEngine, ballot};
use crate::{engine::Status, playback::What};

/// Whether a change means something to replicas.
pub(super) const fn is_remedy(what: What) -> bool {
    match what {
        What::OneLeader | What::NoFaults => true,
        What::DuelOff | What::Backoff => false,
    }
}

impl<L: Load> LogEngine<L> {
    /// Changes something from here on, if it can be.
    pub(super) fn remedy(&mut self, what: What) {
        match what {
            What::OneLeader => {
                let up = self
                    .participants
                    .iter()
                    .filter(|seat| seat.status == Status::Up);
                let leader = up.max_by_key(|seat| ballot(seat));
                let leader = leader.map(|seat| seat.id);
                for seat in &mut self.participants {
                    if Some(seat.id) != leader && seat.status == Status::Up {
                        seat.status = Status::Paused;
                        seat.pauses = seat.pauses.wrapping_add(1);
                    }
                }
            }
            What::NoFaults => {
                self.net.lottery = false;
                self.net.armed.clear();
                self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
            }
            What::DuelOff | What::Backoff => {}
        }
    }
}
