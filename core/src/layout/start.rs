//! Starts of agents: each takes a number that no other start of the same agent has, nor will have.
//!
//! A start record on a quorum makes it ours: two quorums share a store, and a store lets only one create a start's
//! record. One that was made on fewer is used up. Whoever has it makes the records on the other stores too, before it
//! counts anything that it reads there.

use alloc::vec::Vec;

use super::{
    gather::Gather,
    house::{HouseCame, HouseKind},
    objects::{OnObjects, Stage},
};
use crate::{Call, Folder, Incarnation, Laid, LaidTimer, Port, Stop, StoreId, Why};

/// How often a start is asked for before the stores are given up.
const TRIES: u8 = 5;

/// A start on its way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Starting {
    tried: u8,
    /// The latest start that is known of.
    above: Option<Incarnation>,
    /// How many stores have answered at best, and why the others did not.
    most: usize,
    why: Vec<(StoreId, Why)>,
    phase: Phase,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Phase {
    /// Looks for the starts that there are: for each store the latest own one.
    Looking(Gather<Option<Incarnation>>),
    /// Makes the records of its own.
    Marking(Gather<bool>),
    /// Waits before it tries again.
    Pausing,
}

impl Starting {
    pub(super) fn new(stores: usize) -> Self {
        Self {
            tried: 0,
            above: None,
            most: 0,
            why: Vec::new(),
            phase: Phase::Looking(Gather::new(stores)),
        }
    }
}

impl<A: Laid> OnObjects<A> {
    /// Looks for the starts that there are.
    pub(super) fn look_for_starts(&mut self, port: &mut impl Port<Self>) {
        if let Stage::Starting(starting) = &mut self.stage {
            starting.phase = Phase::Looking(Gather::new(self.setup.stores.len()));
            let tries = starting.tried;
            self.ask_all(tries, &HouseKind::Starts, &Call::List(Folder::Agents), port);
        }
    }

    pub(super) fn on_start(
        &mut self,
        store: StoreId,
        result: Result<HouseCame, Why>,
        port: &mut impl Port<Self>,
    ) {
        let me = self.setup.me;
        let Stage::Starting(starting) = &mut self.stage else {
            return;
        };
        match (&mut starting.phase, result) {
            (Phase::Looking(looks), Ok(HouseCame::Starts(listing))) => {
                looks.take(store, Ok(listing.latest_start(me)));
            }
            (Phase::Marking(marks), Ok(HouseCame::Done(ours))) => marks.take(store, Ok(ours)),
            (Phase::Looking(looks), Err(why)) => looks.take(store, Err(why)),
            (Phase::Marking(marks), Err(why)) => marks.take(store, Err(why)),
            (Phase::Looking(_) | Phase::Marking(_), Ok(_)) | (Phase::Pausing, _) => return,
        }
        self.go_on(false, port);
    }

    /// Goes on with the start once enough is known.
    pub(super) fn take_start(&mut self, now: bool, port: &mut impl Port<Self>) {
        let quorum = self.work.quorum;
        let Stage::Starting(starting) = &mut self.stage else {
            return;
        };
        let (counted, complete, hurries) = match &mut starting.phase {
            Phase::Looking(looks) => (
                looks.count(|_| true),
                looks.is_complete(),
                &mut looks.hurries,
            ),
            Phase::Marking(marks) => (
                marks.count(|&ours| ours),
                marks.is_complete(),
                &mut marks.hurries,
            ),
            Phase::Pausing => return,
        };
        if !now && !complete {
            if counted >= quorum && !*hurries {
                *hurries = true;
                port.wake(LaidTimer::Grace(self.round), self.setup.grace);
            }
            return;
        }
        match &starting.phase {
            Phase::Looking(looks) => {
                let latest = looks.answers().filter_map(|(_, latest)| *latest).max();
                starting.above = starting.above.max(latest);
                starting.most = starting.most.max(counted);
                starting.why = looks.failures().collect();
                if counted >= quorum {
                    self.mark(port);
                } else {
                    self.pause(port);
                }
            }
            Phase::Marking(marks) => {
                starting.most = marks.count(|_| true);
                starting.why = marks.failures().collect();
                let start = Some(self.work.who.start);
                let latest = self.work.states.iter().filter_map(|state| state.latest);
                let latest = latest.max().max(start);
                if counted >= quorum && latest == start {
                    self.begin(port);
                } else {
                    // Of one that died while it took a later start something may have come late: better a later one
                    // still than to be fenced by it at once.
                    starting.above = latest;
                    self.pause(port);
                }
            }
            Phase::Pausing => {}
        }
    }

    /// Makes the records of the next start.
    fn mark(&mut self, port: &mut impl Port<Self>) {
        self.work.drop_round(self.round);
        let Stage::Starting(starting) = &mut self.stage else {
            return;
        };
        let start = match starting.above {
            None => Incarnation(0),
            Some(last) if last >= Incarnation::MAX => return self.stop(Stop::StartsUsedUp, port),
            Some(Incarnation(last)) => Incarnation(last + 1),
        };
        starting.phase = Phase::Marking(Gather::new(self.setup.stores.len()));
        let tries = starting.tried;
        self.work.who.start = start;
        self.work.who.nonce = port.draw(u64::MAX);
        self.ask_all(tries, &HouseKind::Mark, &Call::Mark { stood: false }, port);
    }

    /// Waits before the start is asked for again, or gives up.
    fn pause(&mut self, port: &mut impl Port<Self>) {
        self.work.drop_round(self.round);
        let Stage::Starting(starting) = &mut self.stage else {
            return;
        };
        starting.tried += 1;
        starting.phase = Phase::Pausing;
        if starting.tried < TRIES {
            port.wake(LaidTimer::Again, self.setup.again);
            return;
        }
        let stop = Stop::TooFewStores {
            answered: starting.most,
            needed: self.work.quorum,
            first: false,
            why: core::mem::take(&mut starting.why),
        };
        self.stop(stop, port);
    }

    /// The pause is over.
    pub(super) fn start_again(&mut self, port: &mut impl Port<Self>) {
        if let Stage::Starting(Starting {
            phase: Phase::Pausing,
            ..
        }) = &self.stage
        {
            self.look_for_starts(port);
        }
    }
}
