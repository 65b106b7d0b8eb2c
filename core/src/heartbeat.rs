//! A leader by heartbeat in the stores: a contention manager for replicas, which bears on liveness only.
//!
//! Every agent looks at the heads on the stores at its own pace. A leader counts up in its own. Who
//! sees no count rise for long enough takes the leader for dead and, after a random pause, stands
//! itself: the failure detector Omega of Chandra, Hadzilacos and Toueg 1996, out of registers and
//! clocks that run at about the same rate. Where they don't, leaders change more often; nothing else.

use crate::Ballot;

/// How often a leader says that it lives, and how long others wait for it. Times in nanoseconds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Heartbeat {
    /// The pause between two beats of a leader, and between two looks of everybody else.
    pub every: u64,
    /// How many looks in a row may find nothing new before the leader is taken for dead, from 1.
    pub patience: u32,
    /// The longest pause before standing; it is drawn anew each time, so that rivals spread out.
    pub spread: u64,
}

/// What one agent has seen of the leader.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Watch {
    /// The greatest ballot met and its owner's count.
    last: (Option<Ballot>, u64),
    /// Something new was seen since the last look.
    moved: bool,
    /// Looks in a row that found nothing new.
    silent: u32,
}

impl Watch {
    /// Takes note of a head that was read.
    pub(crate) fn saw(&mut self, mbal: Option<Ballot>, beat: u64) {
        if (mbal, beat) > self.last {
            self.last = (mbal, beat);
            self.moved = true;
        }
    }

    /// A look is over; true if the leader is now taken for dead.
    pub(crate) const fn look(&mut self, patience: u32) -> bool {
        if self.moved {
            self.silent = 0;
        } else {
            self.silent = self.silent.saturating_add(1);
        }
        self.moved = false;
        self.silent >= patience
    }

    /// Begins to wait anew: somebody else may be at it.
    pub(crate) const fn wait(&mut self) {
        self.silent = 0;
    }

    /// Whether the leader is taken for dead, as far as the last look goes.
    pub(crate) const fn is_silent(&self, patience: u32) -> bool {
        !self.moved && self.silent >= patience
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AgentId, Incarnation};

    #[test]
    fn a_leader_is_taken_for_dead_after_so_many_looks_without_a_beat() {
        let ballot = |round| Some(Ballot::new(round, AgentId(0), Incarnation(0)));
        let mut watch = Watch::default();

        watch.saw(ballot(2), 1);
        assert!(!watch.look(2));
        watch.saw(ballot(2), 2);
        assert!(!watch.look(2));
        watch.saw(ballot(2), 2);
        watch.saw(ballot(1), 9);
        assert!(!watch.look(2), "an old ballot's beats are no news");
        assert!(watch.look(2));
        assert!(watch.is_silent(2));

        watch.saw(ballot(3), 0);
        assert!(!watch.is_silent(2));
        assert!(!watch.look(2));
    }
}
