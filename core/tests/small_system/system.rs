//! A system of a few agents and atomic stores, stepped one operation at a time by a list of choices.

use bivalent_core::{
    AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeEvent, DecreeSaid,
    DecreeTimer, DecreeWant, DiskPaxos, Envelope, Incarnation, Overwrite, Phase, SingleDecree,
    StoreId, Value, Version, Want,
};

#[cfg(feature = "planted-bugs")]
use bivalent_core::Bug;

/// How large a system is and what may befall it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Setup {
    pub(crate) agents: u16,
    pub(crate) stores: u8,
    pub(crate) overwrite: Overwrite,
    /// How many crashes there may be.
    pub(crate) crashes: u8,
    /// How many reads may be answered with garbage.
    pub(crate) unreadable: u8,
    /// How many requests may time out; they stay on their way.
    pub(crate) timeouts: u8,
    #[cfg(feature = "planted-bugs")]
    pub(crate) bug: Option<Bug>,
}

impl Setup {
    pub(crate) const fn new(agents: u16, stores: u8, overwrite: Overwrite) -> Self {
        Self {
            agents,
            stores,
            overwrite,
            crashes: 0,
            unreadable: 0,
            timeouts: 0,
            #[cfg(feature = "planted-bugs")]
            bug: None,
        }
    }

    pub(crate) fn envelope(self) -> Envelope {
        Envelope::majority(self.stores).unwrap()
    }

    /// The value depends on the incarnation: an input may differ after a restart.
    fn config(self, me: AgentId, incarnation: Incarnation) -> Config {
        let input = Value(100 * (u64::from(me.0) + 1) + incarnation.0);
        let config = Config::new(me, self.agents, self.envelope(), self.overwrite, input);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        config
    }
}

/// Something that may happen next.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) enum Pending {
    Start {
        above: Option<Ballot>,
    },
    Write {
        store: StoreId,
        tag: BlockTag,
        version: Version,
        block: Block,
    },
    Read {
        store: StoreId,
        tag: BlockTag,
        owner: AgentId,
    },
    /// An alarm goes off, or an answer comes.
    Tell(DecreeEvent),
}

/// A block that `reader` read in its current phase.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Held {
    pub(crate) reader: AgentId,
    pub(crate) store: StoreId,
    pub(crate) owner: AgentId,
    pub(crate) block: Block,
}

/// Who said what when: the ballot is that of the vote.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Decision {
    pub(crate) bal: Ballot,
    pub(crate) value: Value,
}

/// All agents and stores, and all that is on its way.
#[derive(Clone, Debug, Hash)]
pub(crate) struct System {
    pub(crate) setup: Setup,
    pub(crate) agents: Vec<DiskPaxos>,
    /// By store, then by owner.
    pub(crate) disks: Vec<Vec<(Block, Version)>>,
    pub(crate) pending: Vec<(AgentId, Pending)>,
    pub(crate) held: Vec<Held>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) proposed: Vec<Value>,
    /// Whom a random schedule favours: agents run in bursts.
    focus: AgentId,
}

impl System {
    pub(crate) fn new(setup: Setup) -> Self {
        let ids = (0..setup.agents).map(AgentId);
        let agents: Vec<DiskPaxos> = ids
            .clone()
            .map(|me| DiskPaxos::begin(&setup.config(me, Incarnation(0)), Incarnation(0)).0)
            .collect();
        let proposed = agents.iter().map(DiskPaxos::input).collect();
        let blocks = vec![<(Block, Version)>::default(); agents.len()];
        Self {
            setup,
            agents,
            disks: vec![blocks; usize::from(setup.stores)],
            pending: ids.map(|me| (me, Pending::Start { above: None })).collect(),
            held: Vec::new(),
            decisions: Vec::new(),
            proposed,
            focus: AgentId(0),
        }
    }

    /// Takes one step of a random schedule.
    pub(crate) fn step(&mut self, mut dice: u64) {
        if draw(&mut dice, 6) == 0 {
            self.focus = AgentId(draw(&mut dice, self.agents.len()) as u16);
        }
        if self.setup.crashes > 0 && draw(&mut dice, 24) == 0 {
            self.crash(self.focus, dice);
            return;
        }
        let anyone = draw(&mut dice, 10) == 0;
        let may_run: Vec<usize> = (0..self.pending.len())
            .filter(|&at| anyone || self.pending[at].0 == self.focus)
            .collect();
        if may_run.is_empty() {
            self.focus = AgentId((self.focus.0 + 1) % self.setup.agents);
            return;
        }
        let at = may_run[draw(&mut dice, may_run.len())];
        if self.setup.timeouts > 0 && draw(&mut dice, 12) == 0 {
            self.time_out(at);
        } else {
            self.take(at, dice);
        }
    }

    /// Lets the `at`-th pending thing happen.
    pub(crate) fn take(&mut self, at: usize, mut dice: u64) {
        let (me, pending) = self.pending.remove(at);
        let agent = &self.agents[me.index()];
        match pending {
            Pending::Start { above } => {
                // Safety asks for no more than an own ballot above the own last one.
                let own = agent.block().mbal;
                let low = draw(&mut dice, 4) == 1;
                let floor = if low { own } else { own.max(above) };
                let ballot = Ballot::above(floor, me, agent.incarnation());
                let wants = self.agents[me.index()].attempt(ballot);
                self.held.retain(|held| held.reader != me);
                self.queue(me, wants);
            }
            Pending::Write {
                store,
                tag,
                version,
                block,
            } => {
                let disk = &mut self.disks[store.index()][me.index()];
                if self.setup.overwrite == Overwrite::InPlace || version > disk.1 {
                    *disk = (block, version);
                }
                if version.incarnation() == agent.incarnation() {
                    let answer = DecreeEvent::Replied(store, tag, BlockReply::Written);
                    self.pending.push((me, Pending::Tell(answer)));
                }
            }
            Pending::Read { store, tag, owner } => {
                let (block, version) = self.disks[store.index()][owner.index()];
                let reply = if self.setup.unreadable > 0 && draw(&mut dice, 6) == 0 {
                    self.setup.unreadable -= 1;
                    BlockReply::Unreadable
                } else {
                    BlockReply::Block { block, version }
                };
                let answer = DecreeEvent::Replied(store, tag, reply);
                self.pending.push((me, Pending::Tell(answer)));
            }
            Pending::Tell(event) => self.tell(me, event),
        }
    }

    /// The request's answer is late; the request goes on.
    fn time_out(&mut self, at: usize) {
        let (me, pending) = self.pending[at];
        let (store, tag) = match pending {
            Pending::Write {
                store,
                tag,
                version,
                ..
            } if version.incarnation() == self.agents[me.index()].incarnation() => (store, tag),
            Pending::Read { store, tag, .. } => (store, tag),
            Pending::Write { .. } | Pending::Start { .. } | Pending::Tell(_) => return,
        };
        self.setup.timeouts -= 1;
        self.tell(me, DecreeEvent::TimedOut(store, tag));
    }

    /// `me` forgets everything and starts again. Its writes in place have landed by then or never
    /// will; versioned ones stay on their way.
    pub(crate) fn crash(&mut self, me: AgentId, mut dice: u64) {
        self.setup.crashes -= 1;
        let disks = &mut self.disks;
        let versioned = self.setup.overwrite == Overwrite::Versioned;
        self.pending.retain(|(agent, pending)| {
            if let Pending::Write {
                store,
                version,
                block,
                ..
            } = *pending
                && *agent == me
            {
                if !versioned && draw(&mut dice, 2) == 0 {
                    disks[store.index()][me.index()] = (block, version);
                }
                return versioned;
            }
            *agent != me
        });
        self.held.retain(|held| held.reader != me);
        let incarnation = Incarnation(self.agents[me.index()].incarnation().0 + 1);
        let config = self.setup.config(me, incarnation);
        let (agent, wants) = DiskPaxos::begin(&config, incarnation);
        self.proposed.push(agent.input());
        self.agents[me.index()] = agent;
        self.queue(me, wants);
    }

    fn tell(&mut self, me: AgentId, event: DecreeEvent) {
        let agent = &mut self.agents[me.index()];
        let before = agent.epoch();
        let wants = agent.step(event);
        if agent.epoch() != before {
            self.held.retain(|held| held.reader != me);
        } else if let DecreeEvent::Replied(
            store,
            BlockTag::Read { owner, epoch },
            BlockReply::Block { block, .. },
        ) = event
            && epoch == before
            && agent.seen(store) & owner.bit() != 0
        {
            self.held.push(Held {
                reader: me,
                store,
                owner,
                block,
            });
        }
        self.queue(me, wants);
    }

    fn queue(&mut self, me: AgentId, wants: Vec<DecreeWant>) {
        let mut met = None;
        for want in wants {
            let pending = match want {
                Want::Ask {
                    store,
                    tag,
                    op: BlockOp::Read { owner },
                    ..
                } => Pending::Read { store, tag, owner },
                Want::Ask {
                    store,
                    tag,
                    op: BlockOp::Write { version, block },
                    ..
                } => Pending::Write {
                    store,
                    tag,
                    version,
                    block,
                },
                Want::Ask {
                    op: BlockOp::Swap { .. },
                    ..
                } => panic!("Disk Paxos puts no conditions: {want:?}"),
                Want::Wake(DecreeTimer::Attempt, _) => Pending::Start { above: met },
                Want::Wake(timer @ DecreeTimer::Retry(..), _) => {
                    Pending::Tell(DecreeEvent::Woke(timer))
                }
                Want::Say(DecreeSaid::Preempted { above } | DecreeSaid::Recovered { above }) => {
                    met = above;
                    continue;
                }
                Want::Say(DecreeSaid::Decided(value)) => {
                    let agent = &self.agents[me.index()];
                    assert_eq!(agent.phase(), Phase::Decided);
                    let bal = agent.block().vote.unwrap().bal;
                    self.decisions.push(Decision { bal, value });
                    continue;
                }
            };
            self.pending.push((me, pending));
        }
    }
}

/// A number below `n`, out of what is left of `dice`.
fn draw(dice: &mut u64, n: usize) -> usize {
    let drawn = *dice % n as u64;
    *dice /= n as u64;
    drawn as usize
}
