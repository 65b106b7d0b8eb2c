//! What is to be seen of a single decision's world: agents, stores, blocks, what has come of it.

mod next;

use bivalent_core::{AgentId, Ballot, Phase, Place, RECORD, SingleDecree, StoreId, Value};

use super::{Blocks, Engine, seat::Seat};
use crate::engine::Status;
use crate::{
    engine::{
        event::Event,
        nearness::nearness,
        view::{
            AgentRow, AgentState, Cell, Matrix, Rung, StallView, Standing, StoreRow, StoreState,
            View,
        },
    },
    judge::{report::Stall, verdict},
    scenario::{Expected, Scenario, StallKind},
    store::Service,
};

use next::{How, Pending};

/// A ballot as people compare it.
pub(crate) const fn rung(ballot: Ballot) -> Rung {
    Rung {
        round: ballot.round(),
        agent: ballot.agent().0,
        incarnation: ballot.incarnation().0,
    }
}

/// Whether a scenario expects a stall of this kind.
fn is_expected(scenario: &Scenario, kind: &str) -> bool {
    let expect = &scenario.expect;
    match expect.outcome {
        Expected::Stall { .. } => expect.stall.is_none_or(|wanted| wanted.name() == kind),
        Expected::Wedge | Expected::ViolationOrWedge(_) => kind == StallKind::Wedged.name(),
        Expected::Any | Expected::Decide | Expected::Unwedged | Expected::Violation(_) => false,
    }
}

/// A stall that is open, as far as it has come; its rounds reach up to the greatest one.
pub(crate) fn stall_view(
    scenario: &Scenario,
    engine: &dyn verdict::Finished,
    stall: &Stall,
    greatest: u64,
) -> StallView {
    let agents = stall.agents.iter();
    StallView {
        kind: stall.kind.to_owned(),
        found: stall.to_step,
        since_ns: stall.from_ns,
        agents: agents
            .map(|name| verdict::spelled(scenario, engine, name))
            .collect(),
        rounds: [stall.ballots[0], stall.ballots[1].max(greatest)],
        expected: is_expected(scenario, stall.kind),
    }
}

/// The first breach of a property that the scenario asks about, if there is one.
pub(crate) fn broken(scenario: &Scenario, engine: &dyn verdict::Finished) -> Option<Standing> {
    let mut found = engine.violations().iter();
    let first = found.find(|found| verdict::is_armed(&scenario.expect, found.property))?;
    Some(Standing::Broken {
        property: first.property.to_owned(),
        detail: verdict::spelled(scenario, engine, &first.detail),
        step: first.step,
    })
}

/// How many requests wait.
pub(crate) fn requests_wait(waiting: usize) -> String {
    match waiting {
        1 => "1 request waits".to_owned(),
        waiting => format!("{waiting} requests wait"),
    }
}

/// How each store is, in its row: whether it answers, its delays in percent, what waits for it.
pub(crate) fn store_rows(
    service: &[Service],
    percent: &[u32],
    waiting: &[Vec<u64>],
) -> Vec<StoreRow> {
    let stores = service.iter().zip(percent).zip(waiting);
    let row = |((service, percent), waiting): ((&Service, &u32), &Vec<u64>)| StoreRow {
        state: match service {
            Service::Lost => StoreState::Lost,
            Service::Out => StoreState::Down,
            Service::Up if *percent > 100 => StoreState::Slow,
            Service::Up => StoreState::Up,
        },
        percent: *percent,
        waiting: waiting.len() as u32,
    };
    stores.map(row).collect()
}

impl Engine<Blocks> {
    /// The world as it is, without what was noted.
    pub(crate) fn view(&self, scenario: &Scenario) -> View {
        let pending = self.pending();
        let agents = self.participants.iter();
        View {
            step: self.steps,
            time_ns: self.virtual_ns(),
            agents: agents
                .map(|seat| self.agent_row(scenario, seat, &pending))
                .collect(),
            stores: store_rows(&self.service, &self.net.percent, &self.waiting),
            blocks: Some(self.matrix(scenario, &pending)),
            log: None,
            next: self.next_steps(scenario, &pending),
            events: Vec::new(),
            standing: self.standing(scenario),
            stall: self.open_stall(scenario),
        }
    }

    fn word(&self, value: Value) -> String {
        verdict::value_in_words(self, value)
    }

    fn standing(&self, scenario: &Scenario) -> Standing {
        let decided = || {
            self.system.value.map_or(Standing::Undecided, |value| {
                let (value, count) = (self.word(value), self.system.decided);
                Standing::Decided { value, count }
            })
        };
        broken(scenario, self).unwrap_or_else(decided)
    }

    fn open_stall(&self, scenario: &Scenario) -> Option<StallView> {
        let stall = self.liveness.stalls.last().filter(|_| self.liveness.open)?;
        let greatest = self.liveness.rounds.map_or(0, |rounds| rounds.1);
        Some(stall_view(scenario, self, stall, greatest))
    }

    fn agent_row(&self, scenario: &Scenario, seat: &Seat, pending: &[Pending]) -> AgentRow {
        let block = seat.agent.block();
        let phase = seat.agent.phase();
        let state = match seat.status {
            Status::Down { returns: true } => AgentState::Down,
            Status::Down { returns: false } if self.is_scripted() => AgentState::Down,
            Status::Down { returns: false } => AgentState::Lost,
            Status::Paused => AgentState::Paused,
            Status::Up if seat.decided => AgentState::Decided,
            Status::Up if phase == Phase::Waiting => AgentState::Idle,
            Status::Up => AgentState::Running,
        };
        let up = !matches!(seat.status, Status::Down { .. });
        let shown = match phase {
            Phase::Recovering if up => "recovers",
            Phase::One if up => "1",
            Phase::Two if up => "2",
            Phase::Waiting | Phase::Decided | Phase::Recovering | Phase::One | Phase::Two => "-",
        };
        let decided = seat.agent.decision().filter(|_| seat.decided);
        let missing = nearness(&seat.agent, &self.plan).map(|near| near.missing);
        AgentRow {
            state,
            phase: shown.to_owned(),
            mbal: block.mbal.map(rung),
            bal: block.vote.map(|vote| rung(vote.bal)),
            inp: block.vote.map(|vote| self.word(vote.inp)),
            proposes: Some(self.word(Value(self.plan.inputs[seat.id.index()]))),
            decided: decided.map(|value| self.word(value)),
            doing: self.doing(scenario, seat, pending),
            incarnation: seat.incarnation.into(),
            aborts: seat.own.aborts,
            missing: missing.filter(|_| up),
        }
    }

    /// What an agent waits for, in words.
    fn doing(&self, scenario: &Scenario, seat: &Seat, pending: &[Pending]) -> String {
        let own = || pending.iter().filter(|it| it.agent == Some(seat.id));
        let due = |fits: &dyn Fn(Event) -> bool| {
            let mut own = own();
            let found = own.find(|it| fits(Event::unpack(it.bits)))?;
            Some(time(self.plan.ns(found.tick?)))
        };
        match seat.status {
            // It is for the script to say whether it comes back, or for the hand that writes one.
            Status::Down { returns: false } if self.is_scripted() => {
                return "is down".to_owned();
            }
            Status::Down { returns: false } => return "gone for good".to_owned(),
            Status::Down { returns: true } => {
                let at = due(&|event| matches!(event, Event::Restart { .. }));
                return at.map_or_else(
                    || "comes back".to_owned(),
                    |at| match self.net.fences[seat.id.index()] {
                        0 => format!("comes back at {at}"),
                        writes => format!("comes back once {writes} old writes have landed"),
                    },
                );
            }
            Status::Paused => {
                let at = due(&|event| matches!(event, Event::Wake { .. }));
                return at.map_or_else(
                    || "stands still".to_owned(),
                    |at| format!("stands still until {at}"),
                );
            }
            Status::Up => {}
        }
        match seat.agent.phase() {
            Phase::Decided => String::new(),
            Phase::Waiting => due(&|event| matches!(event, Event::Start { .. }))
                .map_or_else(|| "waits".to_owned(), |at| format!("begins at {at}")),
            Phase::Recovering | Phase::One | Phase::Two => {
                let own: Vec<&Pending> = own().filter(|it| it.counts).collect();
                asked(scenario, &own)
            }
        }
    }

    /// The rows of a matrix: an agent each, or the one record that all share.
    fn owners(&self, scenario: &Scenario) -> Vec<(AgentId, String)> {
        if self.plan.protocol.is_conditional() {
            return vec![(RECORD, "record".to_owned())];
        }
        let agents = scenario.cluster.agents.iter().zip(0..);
        agents
            .map(|(agent, id)| (AgentId(id), agent.name.clone()))
            .collect()
    }

    fn matrix(&self, scenario: &Scenario, pending: &[Pending]) -> Matrix {
        let owners = self.owners(scenario);
        let cells = owners.iter().map(|(owner, _)| {
            let stores = (0..self.plan.stores as u8).map(StoreId);
            let cell = |store| {
                let owner = *owner;
                self.cell_view(Place { store, owner }, pending)
            };
            stores.map(cell).collect()
        });
        Matrix {
            cells: cells.collect(),
            owners: owners.into_iter().map(|(_, name)| name).collect(),
        }
    }

    fn cell_view(&self, place: Place, pending: &[Pending]) -> Cell {
        let cell = self.system.stores.cell(place);
        let shown = !cell.unreadable;
        let vote = cell.block.vote.filter(|_| shown);
        let writes = pending.iter().filter(|it| it.writes == Some(place));
        // A read on its way that will be given an older version, if there is one.
        let stale = pending
            .iter()
            .any(|it| it.reads_old == Some(place) && self.system.stores.remembered(place) > 0);
        Cell {
            mbal: cell.block.mbal.filter(|_| shown).map(rung),
            bal: vote.map(|vote| rung(vote.bal)),
            inp: vote.map(|vote| self.word(vote.inp)),
            unreadable: cell.unreadable,
            in_flight: writes.count() as u32,
            stale,
            damaged: cell.marks != 0 || self.is_not_what_was_acknowledged(place),
        }
    }

    /// An owner knows its block to be written here, and something else stands here.
    fn is_not_what_was_acknowledged(&self, place: Place) -> bool {
        if self.plan.protocol.is_conditional() {
            return false;
        }
        let agent = &self.participants[place.owner.index()].agent;
        let written = agent
            .disk()
            .is_some_and(|agent| agent.written() & place.store.bit() != 0);
        written && self.system.stores.cell(place).block != agent.block()
    }
}

/// Operations in flight, by what they do and where.
fn asked(scenario: &Scenario, pending: &[&Pending]) -> String {
    let stores = |fits: fn(&Pending) -> bool| {
        let of = pending.iter().filter(|it| fits(it));
        let mut set: Vec<StoreId> = of.filter_map(|it| it.store).collect();
        set.sort_unstable();
        set.dedup();
        let names = set.iter();
        let names: Vec<&str> = names
            .map(|store| scenario.cluster.stores[store.index()].as_str())
            .collect();
        names.join(", ")
    };
    let (writes, reads) = (stores(|it| it.writes.is_some()), stores(|it| it.reads));
    let mut words = match (writes.is_empty(), reads.is_empty()) {
        (true, true) => return "waits for an answer that does not come".to_owned(),
        (false, true) => format!("writes {writes}"),
        (true, false) => format!("reads {reads}"),
        (false, false) => format!("writes {writes}; reads {reads}"),
    };
    if pending.iter().any(|it| it.how == How::Held) {
        words.push_str(" (held back)");
    }
    words
}

/// A time in words, from nanoseconds.
pub(crate) fn time(ns: u64) -> String {
    let (unit, name) = match ns {
        0..1_000_000 => (1_000, "us"),
        1_000_000..10_000_000_000 if !ns.is_multiple_of(1_000_000_000) => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (whole, tenth) = (ns / unit, ns % unit * 10 / unit);
    if tenth == 0 {
        format!("{whole}{name}")
    } else {
        format!("{whole}.{tenth}{name}")
    }
}
