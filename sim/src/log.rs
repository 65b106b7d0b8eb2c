//! Runs of replicated state machines: replicas and their clients on simulated stores.
//!
//! One run is one seed, as in `engine.rs`: the same dice, the same wheel, the same rules of faults. What
//! differs is what stands on the stores (a log, not one block an agent) and who is served (clients).

mod account;
mod any;
mod carry;
mod clients;
mod cover;
mod diary;
mod judge;
mod ledger;
mod liveness;
mod machines;
mod oracle;
mod outbox;
mod serve;
mod shelf;
pub(crate) mod story;
mod strike;
mod tally;
mod turns;
mod view;
mod vows;
mod walk;
mod wire;
mod witness;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bivalent_core::{
    Agent, AgentId, Ballot, Collected, HeadRead, Incarnation, LogOp, LogReply, LogSaid, Replica,
    ReplicaConfig, ReplicaSetup, SlotVote, StateMachine, StoreId, Timer, Want, Wanted,
};

use crate::{
    dice::{Dice, Purpose},
    engine::{End, Status, net::Net},
    fault::Happening,
    fingerprint::Fingerprint,
    oracle::envelope::Accounting,
    plan::Plan,
    planted::Planted,
    report::Stall,
    scenario::Scenario,
    store::Service,
    workload::{Tuning, Workload},
};

pub use any::AnyLog;
pub use clients::Seen;
pub use machines::{Asked, BankLoad, Call, Draw, KvLoad, Load, LockLoad};
pub(crate) use tally::LogShapes;
pub use tally::{History, LogCounts, LogOps, LogReport, LogSum};

use carry::{Event, Slab};
use clients::Clients;
use diary::Who;
pub(crate) use diary::{LogJournal, LogNote};
use ledger::Charges;
pub(crate) use ledger::{Accused, Cast, Deed, Entry, Errand, Spoken};
use oracle::Book;
use outbox::Outbox;
use shelf::Shelf;
use tally::Tally;
use vows::Vows;

/// A machine's answer.
type Answer<M> = <M as StateMachine>::Answer;

/// An operation in flight.
#[derive(Clone, Debug)]
struct Flight<M: StateMachine> {
    agent: AgentId,
    incarnation: u16,
    store: StoreId,
    tag: u64,
    op: LogOp<M>,
    tries: u8,
    rule: Option<u8>,
    /// It is the second of two.
    copy: bool,
    /// Of a read: as of when it is answered.
    at: u64,
    /// What a scan has found so far.
    votes: Vec<SlotVote<M>>,
    /// Not before this tick is it answered, though it may take effect before.
    answer: u64,
    /// It has been answered, and the answer is on its way or the agent stood still.
    kept: Option<LogReply<M>>,
}

/// One agent's place in a run.
#[derive(Clone, Debug)]
struct Seat<M: StateMachine> {
    replica: Replica<M>,
    id: AgentId,
    status: Status,
    incarnation: u16,
    /// Own nanoseconds in a million true ones.
    rate: u32,
    /// Tells one pause from the next.
    pauses: u16,
    /// What came while it stood still.
    held: Vec<u64>,
    steps: u64,
    /// Requests that this life of it was given.
    asked: u64,
    /// The last ballot it began.
    ballot: Option<Ballot>,
}

/// A simulator of one scenario with replicas, to be run with many seeds.
#[derive(Clone, Debug)]
pub struct LogEngine<L: Load> {
    load: L,
    tuning: Tuning,
    workload: Workload,
    plan: Arc<Plan>,
    net: Net,
    seats: Vec<Seat<L::Machine>>,
    kept: Vec<Shelf<L::Machine>>,
    service: Vec<Service>,
    /// Requests that wait for a store to come back.
    waiting: Vec<Vec<u64>>,
    outages: Vec<u16>,
    slow_spells: Vec<u16>,
    flights: Slab<Flight<L::Machine>>,
    clients: Clients<L::Machine>,
    book: Book<L::Machine>,
    vows: Vows,
    envelope: Accounting,
    tally: Tally,
    fingerprint: Fingerprint,
    journal: Option<Box<LogJournal>>,
    steps: u64,
    healed: bool,
    /// Only this agent takes steps: a solo probe.
    solo: Option<AgentId>,
    stalls: Vec<Stall>,
    stall_open: bool,
    /// The tick and step of the last answer to a client, or of the start.
    since: u64,
    since_step: u64,
    leaders_since: u64,
    rounds: (u64, u64),
    /// When the last client was done, ticks.
    done_at: Option<u64>,
    over: bool,
    history: History,
    /// What is wrong with the whole of a run that is over.
    charges: Charges,
    awaited: u32,
    wanted: Vec<Wanted<Replica<L::Machine>>>,
    heads: Vec<HeadRead<L::Machine>>,
    #[cfg(feature = "planted-bugs")]
    bug: Option<bivalent_core::Bug>,
}

impl<L: Load> LogEngine<L> {
    /// Works a scenario out and allocates what its runs need. What the scenario says of the machine is
    /// the load's business; all else is taken from it.
    pub fn new(scenario: &Scenario, load: L) -> Self {
        let plan = Arc::new(Plan::new(scenario));
        let (tuning, workload) = (scenario.tuning, scenario.workload);
        let machine = load.machine();
        let remembers = plan.history > 0;
        let seat = |index: u8| Seat {
            replica: Replica::start(
                &ReplicaSetup {
                    config: config(&plan, tuning, AgentId(index)),
                    machine: machine.clone(),
                },
                Incarnation(0),
                &mut Collected::new(AgentId(index), Incarnation(0)),
            ),
            id: AgentId(index),
            status: Status::Up,
            incarnation: 0,
            rate: 1_000_000,
            pauses: 0,
            held: Vec::new(),
            steps: 0,
            asked: 0,
            ballot: None,
        };
        Self {
            seats: (0..plan.agents as u8).map(seat).collect(),
            kept: (0..plan.stores)
                .map(|_| Shelf::new(plan.agents, remembers))
                .collect(),
            service: vec![Service::Up; plan.stores],
            waiting: vec![Vec::new(); plan.stores],
            outages: vec![0; plan.stores],
            slow_spells: vec![0; plan.stores],
            flights: Slab::default(),
            clients: Clients::new(std::iter::empty(), 0),
            book: Book::new(machine),
            vows: Vows::new(plan.agents, plan.stores, plan.envelope.quorum()),
            envelope: Accounting::new(&plan),
            tally: Tally::new(),
            fingerprint: Fingerprint::new(),
            journal: None,
            steps: 0,
            healed: false,
            solo: None,
            stalls: Vec::new(),
            stall_open: false,
            since: 0,
            since_step: 0,
            leaders_since: 0,
            rounds: (0, 0),
            done_at: None,
            over: false,
            history: History::Unknown,
            charges: Charges::default(),
            awaited: crate::engine::strike::awaited(&plan),
            wanted: Vec::new(),
            heads: Vec::new(),
            net: Net::new(Arc::clone(&plan)),
            plan,
            load,
            tuning,
            workload,
            #[cfg(feature = "planted-bugs")]
            bug: scenario.planted.bug,
        }
    }

    /// Gives every replica a planted bug from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub fn plant(&mut self, bug: Option<bivalent_core::Bug>) {
        self.bug = bug;
    }

    /// Gives every replica the bug, if there is one, instead of the scenario's, from the next run on.
    #[cfg(feature = "planted-bugs")]
    pub(crate) fn plant_any(&mut self, planted: Planted) {
        self.bug = planted.bug.or(self.bug);
    }

    /// Does nothing: this build has no bugs.
    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "as where there are bugs")]
    pub(crate) const fn plant_any(&mut self, _: Planted) {}

    fn setup(&self, id: AgentId) -> ReplicaSetup<L::Machine> {
        let config = config(&self.plan, self.tuning, id);
        #[cfg(feature = "planted-bugs")]
        let config = config.with_bug(self.bug);
        ReplicaSetup {
            config,
            machine: self.load.machine(),
        }
    }

    /// An agent starts, for the first time or again; what it wants is still to be carried out.
    fn begin_life(&mut self, id: AgentId) {
        let setup = self.setup(id);
        let seat = &mut self.seats[id.index()];
        let start = Incarnation(seat.incarnation);
        let mut port = Outbox {
            wanted: &mut self.wanted,
            dice: &mut self.net.dice,
            agent: id,
            start,
        };
        seat.replica = Replica::start(&setup, start, &mut port);
        seat.status = Status::Up;
        seat.asked = 0;
    }

    /// Runs one seed to its end.
    pub fn run(&mut self, seed: u64) -> End {
        self.start(self.plan.dice(seed), None);
        self.go(u64::MAX)
    }

    /// Runs one seed and keeps its choices, a digest of every step, and notes.
    pub(crate) fn run_recorded(&mut self, seed: u64) -> (End, Vec<u32>, LogJournal) {
        let journal = LogJournal::new(self.plan.agents);
        self.start(self.plan.dice_kept(seed), Some(Box::new(journal)));
        let end = self.go(u64::MAX);
        let choices = self.net.dice.take_choices();
        (end, choices, self.take_journal())
    }

    /// Runs one seed and keeps its choices, and nothing else.
    pub(crate) fn run_kept(&mut self, seed: u64) -> End {
        self.run_dice(self.plan.dice_kept(seed))
    }

    /// Runs with these dice and nothing written down.
    pub(crate) fn run_dice(&mut self, dice: Dice) -> End {
        self.start(dice, None);
        self.go(u64::MAX)
    }

    /// Runs with these dice up to a step.
    pub(crate) fn run_dice_until(&mut self, dice: Dice, until: u64) {
        self.start(dice, None);
        self.go(until);
    }

    /// Runs with these dice, step by step; `taken` is told of each step that is over.
    pub(crate) fn run_step_by_step(&mut self, dice: Dice, taken: &AtomicU64) {
        self.start(dice, None);
        let mut step = 1;
        while self.go(step) == End::Steps && self.steps >= step {
            taken.store(step, Ordering::Relaxed);
            step += 1;
        }
    }

    /// The choices that the dice have kept.
    pub(crate) fn take_choices(&mut self) -> Vec<u32> {
        self.net.dice.take_choices()
    }

    /// Runs a list of choices, at most to a step; says which of the choices did not fit.
    pub(crate) fn run_choices(
        &mut self,
        choices: Vec<u32>,
        until: u64,
    ) -> (End, LogJournal, Option<usize>) {
        let journal = LogJournal::new(self.plan.agents);
        self.start(Dice::playing(choices), Some(Box::new(journal)));
        let end = self.go(until);
        let misfit = self.net.dice.misfit();
        (end, self.take_journal(), misfit)
    }

    fn take_journal(&mut self) -> LogJournal {
        let agents = self.plan.agents;
        self.journal
            .take()
            .map_or_else(|| LogJournal::new(agents), |journal| *journal)
    }

    fn start(&mut self, dice: Dice, journal: Option<Box<LogJournal>>) {
        self.net.reset(dice);
        self.kept.iter_mut().for_each(Shelf::clear);
        self.service.fill(Service::Up);
        self.waiting.iter_mut().for_each(Vec::clear);
        self.outages.fill(0);
        self.slow_spells.fill(0);
        self.flights.clear();
        self.book = Book::new(self.load.machine());
        self.vows.reset();
        self.envelope.reset();
        self.tally.reset();
        self.fingerprint = Fingerprint::new();
        self.journal = journal;
        self.steps = 0;
        self.healed = false;
        self.solo = None;
        self.stalls.clear();
        self.stall_open = false;
        (self.since, self.since_step) = (0, 0);
        self.leaders_since = 0;
        self.rounds = (0, 0);
        self.done_at = None;
        self.over = false;
        self.history = History::Unknown;
        self.charges = Charges::default();
        let (at, each) = (self.workload.at, self.workload.clients);
        let homes = (0..self.plan.agents as u8)
            .map(AgentId)
            .filter(|id| at & id.bit() != 0)
            .flat_map(|id| std::iter::repeat_n(id, each as usize));
        self.clients = Clients::new(homes, self.workload.requests);
        self.set_triggers();
        for index in 0..self.seats.len() as u8 {
            let id = AgentId(index);
            let seat = &mut self.seats[id.index()];
            seat.incarnation = 0;
            seat.rate = 1_000_000;
            seat.pauses = 0;
            seat.held.clear();
            seat.steps = 0;
            seat.ballot = None;
            self.begin_life(id);
            self.carry_out(id);
        }
        for index in 0..self.clients.all.len() as u32 {
            let start = self.net.dice.within(Purpose::Pause, 0, self.plan.start);
            let begins = start.max(1);
            self.clients.all[index as usize].due = begins;
            self.put(
                begins,
                Event::Next {
                    client: index,
                    count: 0,
                },
            );
        }
        if let Some(heal) = self.plan.heal {
            self.put(heal, Event::Heal);
        }
        self.put(self.plan.stall, Event::StallCheck);
    }

    /// A tick as nanoseconds.
    pub(crate) fn ns(&self, tick: u64) -> u64 {
        self.plan.ns(tick)
    }

    fn now(&self) -> u64 {
        self.net.now()
    }

    fn put(&mut self, tick: u64, event: Event) {
        self.net.wheel.put(tick.max(self.net.now()), event.pack());
    }

    fn go(&mut self, until: u64) -> End {
        let end = self.run_on(until);
        if self.solo.is_none() {
            self.wind_up();
        }
        end
    }

    /// The same, and nothing is wound up.
    fn run_on(&mut self, until: u64) -> End {
        let until = until.min(self.plan.steps_max);
        loop {
            if self.over {
                break End::Decided;
            }
            if self.steps >= until {
                break End::Steps;
            }
            let Some(bits) = self.net.wheel.pop() else {
                break End::Quiet;
            };
            if self.net.now() > self.plan.end {
                break End::Time;
            }
            self.steps += 1;
            self.fingerprint.mix(self.net.now(), Event::print(bits));
            self.step(bits);
            if self.net.touched.0 != 0 {
                self.cover();
            }
            if let Some(journal) = &mut self.journal {
                journal.digests.push(self.fingerprint.value() as u16);
            }
        }
    }

    fn step(&mut self, bits: u64) {
        match Event::unpack(bits) {
            Event::Op { flight } => self.on_op(flight, bits),
            Event::Heads { flight } => self.on_heads(flight, bits),
            Event::Timeout {
                agent,
                incarnation,
                store,
                tag,
            } => self.on_timeout(agent, incarnation, store, tag, bits),
            Event::Tick { agent, incarnation } => {
                self.on_alarm(agent, incarnation, Timer::Tick, bits);
            }
            Event::Stand { agent, incarnation } => {
                self.on_alarm(agent, incarnation, Timer::Stand, bits);
            }
            Event::Next { client, count } => self.on_next(client, count),
            Event::Again { client, count } => self.on_again(client, count),
            Event::Request { client, count } => self.on_request(client, count),
            Event::Restart { agent, incarnation } => self.on_restart(agent, incarnation),
            Event::Wake { agent, count } => {
                if self.seats[agent.index()].pauses == count {
                    self.wake(agent);
                }
            }
            Event::StoreUp { store, count } => {
                if self.outages[store.index()] == count {
                    self.store_up(store);
                }
            }
            Event::StoreFast { store, count } => {
                if self.slow_spells[store.index()] == count {
                    self.net.percent[store.index()] = 100;
                }
            }
            Event::Trigger { rule } => self.on_trigger(rule, None, None),
            Event::TriggerEnd { rule } => self.on_trigger_end(rule),
            Event::Heal => self.heal(),
            Event::StallCheck => self.check_stall(),
        }
    }

    /// Carries out what a replica left in `self.wanted`: up to its crash, if one of them brings that about.
    fn carry_out(&mut self, id: AgentId) {
        let mut all = std::mem::take(&mut self.wanted);
        let incarnation = self.seats[id.index()].incarnation;
        for wanted in all.drain(..) {
            if self.seats[id.index()].incarnation != incarnation {
                break;
            }
            match wanted {
                Want::Ask {
                    store,
                    tag,
                    tries,
                    op,
                } => self.ask(id, store, tag, tries, op),
                Want::Wake(timer, pause) => self.set_alarm(id, timer, pause),
                Want::Say(said) => self.hear(id, said),
            }
        }
        self.wanted = all;
    }

    fn hear(&mut self, id: AgentId, said: LogSaid<L::Machine>) {
        match said {
            LogSaid::Answer { ticket, outcome } => self.on_answer(ticket, outcome),
            LogSaid::Chosen { slot, batch } => self.on_chosen(id, slot, &batch),
            LogSaid::Applied { slot } => self.on_applied(id, slot),
            LogSaid::Installed { slot } => self.on_installed(id, slot),
            LogSaid::Leads { ballot, from } => self.on_leads(id, ballot, from),
            LogSaid::Follows { above } => self.on_follows(id, above),
        }
    }

    fn happens(&mut self, what: Happening, agent: AgentId, store: Option<StoreId>) {
        if self.awaited & 1 << what as u32 != 0 && !self.healed {
            self.happened(what, agent, store);
        }
    }
}

fn config(plan: &Plan, tuning: Tuning, id: AgentId) -> ReplicaConfig {
    ReplicaConfig::new(id, plan.agents as u8, plan.envelope, tuning.heartbeat)
        .batch(tuning.batch)
        .window(tuning.window)
        .snapshot_every(tuning.snapshot_every)
        .spread(tuning.spread)
}
