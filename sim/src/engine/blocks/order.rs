//! Order: adversaries that pick each operation that takes effect.
//!
//! Every operation that is asked for goes into a pool. The adversary picks one; it takes effect at its
//! time, or now if that is past, and then the next one is picked. So an adversary orders operations and
//! can do nothing else; and as none is passed over more often than its patience allows, its schedules are
//! fair. What it has picked is a choice like any other, recorded and played back.

mod content;
pub(crate) mod hand;
mod sampled;
mod script;
mod state;
mod valence;

use bivalent_core::{AgentId, Phase, SingleDecree};

use super::{Blocks, Engine};
use crate::engine::{
    Status,
    net::{Pending, Pooled},
};
use crate::{
    engine::{
        dice::{Dice, Purpose},
        event::{self, Event, ReadOp},
    },
    scenario::{Adversary, Scenario, fault::FaultKind, plan::Plan},
};

use content::Content;
use sampled::Sampled;
use valence::Valuer;

/// Turns that an oblivious adversary draws before the run; then they repeat.
const TURNS: usize = 1024;
/// Operations of one attempt and agent within which priorities change.
const CHANGES_WITHIN: u64 = 64;

/// What came of an attempt to pick.
pub(super) enum Pick {
    /// Something was picked, was picked before, or nothing can be: the queue goes on.
    Made,
    /// The adversary did something that is a step of its own.
    Acted,
    /// The script asks for what nobody has in flight.
    Misfit,
}

/// The adversary's own state.
#[derive(Clone, Debug)]
pub(super) struct Order {
    mind: Mind,
    /// It picks; not after the heal, and not in a probe.
    active: bool,
    /// After this step it does; `u64::MAX`: it does already, or never will.
    pub(super) takes_over: u64,
    /// It has taken a run over.
    pub(super) took_over: bool,
    /// What was picked and has not taken effect yet, and when its time was.
    committed: Option<Pooled>,
    /// Crashes it may still bring about.
    crashes: u32,
    /// Of the pool, so many are known to be waited for, as long as `epochs` is the same.
    earnest: usize,
    /// A digest of all incarnations and epochs.
    epochs: u64,
    /// The longest that anything was passed over, operations.
    pub(super) longest_ops: u64,
    /// The longest that anything was kept beyond its time, ticks.
    pub(super) longest_ticks: u64,
}

#[derive(Clone, Debug)]
enum Mind {
    /// Nobody picks.
    None,
    /// Follows a script; the number of the entry that is next.
    Script(u64),
    /// Each agent's priority, the greatest first, and the picks at which the first becomes the last.
    Priorities {
        of: Vec<u32>,
        changes: Vec<u64>,
    },
    /// Whose turn it is, for ever.
    Turns {
        of: Vec<u16>,
        at: usize,
    },
    Sampled(Sampled),
    Content(Content),
    State,
    Bivalent(Valuer),
}

impl Order {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let mind = match *scenario.schedule.adversary.at_first() {
            Adversary::Random | Adversary::Fair | Adversary::Duel(..) => Mind::None,
            Adversary::Script(_) => Mind::Script(0),
            Adversary::Pct { .. } => Mind::Priorities {
                of: Vec::new(),
                changes: Vec::new(),
            },
            Adversary::Pos => Mind::Sampled(Sampled::default()),
            Adversary::Oblivious => Mind::Turns {
                of: Vec::new(),
                at: 0,
            },
            Adversary::ContentAware => Mind::Content(Content::default()),
            Adversary::StateAware => Mind::State,
            Adversary::KeepBivalent => Mind::Bivalent(Valuer::new(scenario)),
        };
        Self {
            mind,
            active: false,
            takes_over: u64::MAX,
            took_over: false,
            committed: None,
            crashes: 0,
            earnest: 0,
            epochs: 0,
            longest_ops: 0,
            longest_ticks: 0,
        }
    }

    /// A new run.
    pub(super) fn begin(&mut self, plan: &Plan, dice: &mut Dice) {
        self.active = plan.adversary.at_first().picks();
        self.takes_over = plan.adversary.takes_over().unwrap_or(u64::MAX);
        self.took_over = false;
        self.committed = None;
        self.crashes = plan.crashes;
        self.earnest = 0;
        self.epochs = 0;
        self.longest_ops = 0;
        self.longest_ticks = 0;
        let agents = plan.agents as u64;
        match &mut self.mind {
            Mind::None | Mind::State | Mind::Bivalent(_) => {}
            Mind::Script(at) => *at = 0,
            Mind::Sampled(sampled) => sampled.begin(),
            Mind::Content(content) => content.begin(plan),
            Mind::Turns { of, at } => {
                *at = 0;
                of.clear();
                of.extend((0..TURNS).map(|_| dice.below(Purpose::Lottery, agents) as u16));
            }
            Mind::Priorities { of, changes } => {
                of.clear();
                for agent in 0..plan.agents as u32 {
                    let place = dice.below(Purpose::Lottery, u64::from(agent) + 1) as usize;
                    of.insert(place, agent);
                }
                // `of` is a random order of ranks; one agent each, the greatest first.
                changes.clear();
                let Adversary::Pct { depth, within } = *plan.adversary.at_first() else {
                    return;
                };
                let usual = CHANGES_WITHIN * agents * plan.stores as u64;
                let within = within.unwrap_or(usual);
                changes.extend((1..depth).map(|_| 1 + dice.below(Purpose::Lottery, within)));
                changes.sort_unstable();
            }
        }
    }

    /// Something was held back for so long.
    pub(super) fn waited(&mut self, ops: u64, ticks: u64) {
        self.longest_ops = self.longest_ops.max(ops);
        self.longest_ticks = self.longest_ticks.max(ticks);
    }

    /// An aborted agent begins its next attempt in the same step, as an explorer's do.
    pub(super) const fn restarts_at_once(&self) -> bool {
        self.active && matches!(self.mind, Mind::Script(_))
    }
}

/// From here on the adversary has no plan but chance.
pub(super) fn pick_at_random(order: &mut Order) {
    order.mind = Mind::Sampled(Sampled::default());
    order.takes_over = u64::MAX;
}

impl Engine<Blocks> {
    /// Picks the next operation, unless one is picked already.
    pub(super) fn pick(&mut self) -> Pick {
        if self.system.order.committed.is_some() {
            return Pick::Made;
        }
        if let Some(answer) = self.pick_answer_to_nobody() {
            self.commit(answer);
            return Pick::Made;
        }
        if let Mind::Script(at) = self.system.order.mind {
            return self.pick_by_script(at);
        }
        if self.net.pool.is_empty() {
            return Pick::Made;
        }
        let pooled = self.net.pool.len();
        match self.choice(pooled) {
            place if place < pooled => self.commit(place),
            place if place == self.crash_choice() && self.system.order.crashes > 0 => {
                return self.crash_leader();
            }
            // To wait is to pick nothing, until an agent's pause is over.
            _ => {}
        }
        Pick::Made
    }

    /// A choice out of a list, or the adversary's own.
    fn choice(&mut self, pooled: usize) -> usize {
        let played = self.net.dice.played(pooled as u64 + 2);
        if let Some(choice) = played {
            return choice as usize;
        }
        let choice = match self.net.dice.followed() {
            // It was made for another run: nothing may be held back by it for longer than by a mind.
            Some(_) if self.is_overdue() => self.pick_overdue(),
            Some(choice) => self.folded(choice, pooled),
            None => self.think(),
        };
        self.net.dice.keep(choice as u64);
        choice
    }

    /// A choice made to fit: a place, a crash if one is left, or to wait if somebody pauses.
    fn folded(&self, choice: u64, pooled: usize) -> usize {
        let (crashes, wait) = (self.system.order.crashes > 0, self.wait_choice());
        let crash = crashes && choice == self.crash_choice() as u64;
        let waits = wait.is_some_and(|wait| choice == wait as u64);
        if choice < pooled as u64 || crash || waits {
            return choice as usize;
        }
        let count = pooled + usize::from(crashes) + usize::from(wait.is_some());
        let choice = (choice % count as u64) as usize;
        match wait {
            Some(wait) if choice + 1 == count => wait,
            _ => choice,
        }
    }

    /// Whether something has been held back for as long as it may be.
    fn is_overdue(&self) -> bool {
        let oldest = self.net.pool.front().map_or(0, |pooled| pooled.since);
        self.net.picks - oldest >= self.plan.patience
    }

    /// Instead of a place in the pool: crash somebody.
    fn crash_choice(&self) -> usize {
        self.net.pool.len()
    }

    /// Instead of a place in the pool: wait for an agent that pauses. None if there is none.
    fn wait_choice(&self) -> Option<usize> {
        let pauses = |seat: &super::Seat| {
            seat.status == Status::Up && seat.agent.phase() == Phase::Waiting && !seat.decided
        };
        let waits = self.participants.iter().any(pauses);
        waits.then_some(self.net.pool.len() + 1)
    }

    /// Reads whose answer means nothing any more are let go at once: they change nothing.
    fn pick_answer_to_nobody(&mut self) -> Option<usize> {
        // While nobody's epoch changes, what was waited for still is, and is not looked at again.
        let epochs = self.participants.iter().fold(0_u64, |digest, seat| {
            let epoch = u64::from(seat.incarnation) << 32 | u64::from(seat.agent.epoch());
            (digest ^ epoch).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        if self.system.order.epochs != epochs {
            self.system.order.epochs = epochs;
            self.system.order.earnest = 0;
        }
        let to_nobody = |pooled: &Pooled| {
            if event::kind(pooled.bits) != event::KIND_READ {
                return false;
            }
            let op = ReadOp::unpack(pooled.bits);
            let seat = &self.participants[op.agent.index()];
            let current = seat.agent.epoch() & 0xff_ffff;
            seat.incarnation != op.incarnation || current != op.epoch
        };
        let from = self.system.order.earnest;
        let found = self.net.pool.iter().skip(from).position(to_nobody);
        let found = found.map(|place| from + place);
        self.system.order.earnest = found.unwrap_or(self.net.pool.len());
        found
    }

    fn commit(&mut self, place: usize) {
        let Some(pooled) = self.net.pool.remove(place) else {
            return;
        };
        if place < self.system.order.earnest {
            self.system.order.earnest -= 1;
        }
        if matches!(self.system.order.mind, Mind::Sampled(_)) {
            self.like_anew(place, pooled.bits);
        }
        let at = pooled.due.max(self.net.now() + 1);
        self.net.wheel.put(at, pooled.bits);
        self.system.order.committed = Some(pooled);
    }

    /// Whether something was picked and has not taken effect yet.
    pub(super) const fn has_picked(&self) -> bool {
        self.system.order.committed.is_some()
    }

    /// What was picked takes effect.
    pub(super) fn picked_takes_effect(&mut self, bits: u64) {
        let Some(pooled) = self
            .system
            .order
            .committed
            .take_if(|pooled| pooled.bits == bits)
        else {
            return;
        };
        self.net.picks += 1;
        // Itself not counted.
        let passed = self.net.picks - pooled.since - 1;
        let late = self.net.wheel.now().saturating_sub(pooled.due);
        self.system.order.waited(passed, late);
        self.system.order.watch(&self.net, bits);
    }

    /// From here on nobody picks.
    pub(super) fn stop_picking(&mut self) {
        self.net.picked = false;
        self.system.order.active = false;
        self.system.order.committed = None;
        let now = self.net.now();
        let mut pool = std::mem::take(&mut self.net.pool);
        for pooled in pool.drain(..) {
            self.net.wheel.put(pooled.due.max(now + 1), pooled.bits);
        }
        self.net.pool = pool;
    }

    /// A step of the adversary's own.
    fn act(&mut self, deed: impl FnOnce(&mut Self)) -> Pick {
        self.steps += 1;
        self.fingerprint
            .mix(self.net.now(), self.system.order.crashes.into());
        deed(self);
        if let Some(journal) = &mut self.journal {
            journal.digests.push(self.fingerprint.value() as u16);
        }
        Pick::Acted
    }

    /// The write that an event stands for, if it is one.
    pub(super) fn pooled_write(&self, bits: u64) -> Option<Pending> {
        if let Event::Write { pending } = Event::unpack(bits) {
            return Some(self.net.pending[pending as usize]);
        }
        None
    }

    /// Which of the pool: the adversary's own mind, unless its patience is at an end.
    fn think(&mut self) -> usize {
        if self.is_overdue() {
            return self.pick_overdue();
        }
        let mut mind = std::mem::replace(&mut self.system.order.mind, Mind::None);
        let choice = match &mut mind {
            Mind::None | Mind::Script(_) => 0,
            Mind::Priorities { of, changes } => {
                while changes.first().is_some_and(|&at| at <= self.net.picks) {
                    changes.remove(0);
                    demote(of, |agent| self.has_pooled(agent));
                }
                self.oldest_of(|agent| of.iter().position(|&it| it == u32::from(agent.0)))
            }
            Mind::Turns { of, at } => {
                let next = (0..of.len()).find_map(|_| {
                    let agent = AgentId(of[*at]);
                    *at = (*at + 1) % of.len();
                    self.net
                        .pool
                        .iter()
                        .position(|p| self.agent_of(p.bits) == agent)
                });
                next.unwrap_or(0)
            }
            Mind::Sampled(sampled) => sampled.pick(&mut self.net),
            Mind::Content(content) => content.pick(self),
            Mind::State => self.pick_by_state(),
            Mind::Bivalent(valuer) => valuer.pick(self),
        };
        self.system.order.mind = mind;
        choice
    }

    /// What has waited for too long goes next, unless a crash is a way out of it.
    fn pick_overdue(&self) -> usize {
        let sees = matches!(self.system.order.mind, Mind::State) && self.system.order.crashes > 0;
        if sees
            && self
                .net
                .pool
                .front()
                .is_some_and(|op| self.decides(op.bits))
        {
            return self.crash_choice();
        }
        0
    }

    fn has_pooled(&self, agent: u32) -> bool {
        let mut pool = self.net.pool.iter();
        pool.any(|pooled| u32::from(self.agent_of(pooled.bits).0) == agent)
    }

    /// The oldest operation of the agent that comes first.
    fn oldest_of(&self, rank: impl Fn(AgentId) -> Option<usize>) -> usize {
        let ranked = self.net.pool.iter().enumerate();
        let best = ranked.min_by_key(|(place, pooled)| (rank(self.agent_of(pooled.bits)), *place));
        best.map_or(0, |(place, _)| place)
    }

    /// Whose operation it is.
    fn agent_of(&self, bits: u64) -> AgentId {
        self.pooled_write(bits)
            .map_or_else(|| event::agent(bits), |write| write.agent)
    }

    /// Crashes the agent that is nearest to a decision, if it is not the last one.
    fn crash_leader(&mut self) -> Pick {
        let live = |seat: &&super::Seat| seat.status == Status::Up && !seat.decided;
        let leader = self.participants.iter().filter(live).max_by_key(|seat| {
            let block = seat.agent.block();
            (block.vote.map(|vote| vote.bal), block.mbal)
        });
        let leader = leader.map(|seat| seat.id);
        let others = self.participants.iter().filter(live).count() > 1;
        self.system.order.crashes = self.system.order.crashes.saturating_sub(1);
        let Some(leader) = leader.filter(|_| others) else {
            return Pick::Acted;
        };
        self.net.drawn(FaultKind::Crash);
        self.act(|engine| engine.crash(leader, None, false))
    }
}

/// The first of those that are apt becomes the last.
fn demote(of: &mut Vec<u32>, apt: impl Fn(u32) -> bool) {
    if let Some(first) = of.iter().position(|&agent| apt(agent)) {
        let agent = of.remove(first);
        of.push(agent);
    }
}

impl Order {
    /// Notes what takes effect.
    fn watch(&mut self, net: &crate::engine::net::Net, bits: u64) {
        if let Mind::Content(content) = &mut self.mind
            && let Event::Write { pending } = Event::unpack(bits)
        {
            content.landed(&net.pending[pending as usize]);
        }
    }
}
