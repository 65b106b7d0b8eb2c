//! What can be changed in a log's run that goes on a stretch at a time.

use super::{LogEngine, machines::Load};
use crate::{engine::Status, playback::What};

impl<L: Load> LogEngine<L> {
    /// Whether a change means something to replicas.
    pub(crate) const fn can_change(what: What) -> bool {
        match what {
            What::OneLeader | What::NoFaults => true,
            What::DuelOff | What::Backoff => false,
        }
    }

    /// Changes something from here on, if it can be.
    pub(crate) fn change(&mut self, what: What) {
        match what {
            What::OneLeader => {
                let up = self
                    .participants
                    .iter()
                    .filter(|seat| seat.status == Status::Up);
                let leader = up.max_by_key(|seat| seat.agent.ballot());
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
