//! An agent's port in a run: what it wants goes to the net, its alarms to the queue.

use bivalent_core::{
    AgentId, Ballot, BlockOp, BlockTag, DecreeSaid, DecreeTimer, Incarnation, Pause, SingleDecree,
    StoreId,
};

use super::{Milestone, Net, Pending, by_clock};
use crate::engine::{
    dice::Purpose,
    event::{Event, ReadOp},
};

/// One agent's door to the net.
pub(crate) struct Port<'a> {
    pub(crate) net: &'a mut Net,
    pub(crate) agent: AgentId,
    pub(crate) incarnation: u16,
    /// The agent's clock: own nanoseconds in a million true ones.
    pub(crate) rate: u32,
}

impl<A: SingleDecree> bivalent_core::Port<A> for Port<'_> {
    #[inline]
    fn ask(&mut self, store: StoreId, tag: BlockTag, _: u8, op: BlockOp) {
        let (agent, incarnation) = (self.agent, self.incarnation);
        // An agent that asks under a name of the other kind gets no answer that it knows.
        let (epoch, attempt) = match tag {
            BlockTag::Read { epoch, .. } => (epoch, 0),
            BlockTag::Write { epoch, attempt } => (epoch, attempt),
        };
        match op {
            BlockOp::Read { owner } => {
                let op = ReadOp {
                    agent,
                    incarnation,
                    store,
                    owner,
                    epoch,
                    rule: None,
                };
                self.net.ask_read(op, self.rate);
            }
            BlockOp::Write { version, block } => {
                let write = Pending {
                    block,
                    version,
                    expect: None,
                    epoch,
                    incarnation,
                    agent,
                    store,
                    attempt,
                    rule: None,
                    fences: true,
                };
                self.net.ask_write(write, self.rate);
            }
            BlockOp::Swap {
                expect,
                version,
                block,
            } => self.put(Pending {
                block,
                version,
                expect: Some(expect),
                epoch,
                incarnation,
                agent,
                store,
                attempt,
                rule: None,
                // A late one is refused: nobody has to wait for it.
                fences: false,
            }),
        }
    }

    #[inline]
    fn wake(&mut self, timer: DecreeTimer, pause: Pause) {
        match timer {
            DecreeTimer::Attempt => self.wake_for_attempt(pause),
            DecreeTimer::Retry(store, tag) => self.retry(store, tag, pause),
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.net.dice.below(Purpose::Pause, below)
    }

    #[inline]
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        let incarnation = Incarnation(self.incarnation.into());
        self.net.ballots.next(above, self.agent, incarnation)
    }

    #[inline]
    fn say(&mut self, said: DecreeSaid) {
        let over = |recovered, above| Milestone::Over {
            recovered,
            above,
            alarm: None,
        };
        self.net.milestone = Some(match said {
            DecreeSaid::Preempted { above } => over(false, above),
            DecreeSaid::Recovered { above } => over(true, above),
            DecreeSaid::Decided(value) => Milestone::Decided(value),
        });
    }
}

impl Port<'_> {
    /// Apart, so that plain writes keep their code in line.
    #[inline(never)]
    fn put(&mut self, write: Pending) {
        self.net.ask_write(write, self.rate);
    }

    #[cold]
    fn wake_for_attempt(&mut self, pause: Pause) {
        match &mut self.net.milestone {
            Some(Milestone::Over { alarm, .. }) => *alarm = Some(pause),
            // Who has decided makes no more attempts.
            Some(Milestone::Decided(_)) => {}
            Some(Milestone::Alarm(_)) | None => self.net.milestone = Some(Milestone::Alarm(pause)),
        }
    }

    /// The alarm and the silence are one event: agents take them alike.
    #[cold]
    fn retry(&mut self, store: StoreId, tag: BlockTag, pause: Pause) {
        let (agent, incarnation) = (self.agent, self.incarnation);
        let pause = match pause {
            Pause::Patience | Pause::Backoff => self.net.plan.timeout,
            Pause::Between { min, max } => {
                let (min, max) = (self.net.plan.ticks(min), self.net.plan.ticks(max));
                self.net.dice.within(Purpose::Pause, min, max)
            }
        };
        let at = self.net.now() + by_clock(pause, self.rate).max(1);
        let event = match tag {
            BlockTag::Read { owner, epoch } => Event::ReadTimeout(ReadOp {
                agent,
                incarnation,
                store,
                owner,
                epoch,
                rule: None,
            }),
            BlockTag::Write { epoch, attempt } => Event::WriteTimeout {
                agent,
                incarnation,
                store,
                epoch,
                attempt,
            },
        };
        self.net.wheel.put(at, event.pack());
    }
}
