//! What is to be seen of a log's world: replicas, stores, slots, what has come of it.

mod next;

use std::collections::BTreeSet;

use bivalent_core::{LogOp, Standing as Part};

use super::{Event, LogEngine, Seat, machines::Load};
use crate::{
    blocks::view::{broken, requests_wait, rung, stall_view, store_rows, time},
    engine::Status,
    scenario::Scenario,
    verdict::Finished,
    view::{AgentRow, AgentState, LogView, ReplicaRow, Standing, View},
};

use next::Pending;

impl<L: Load> LogEngine<L> {
    /// The world as it is, without what was noted.
    pub(crate) fn view(&self, scenario: &Scenario) -> View {
        let pending = self.pending();
        let seats = self.seats.iter();
        let agents = seats.map(|seat| self.agent_row(scenario, seat, &pending));
        let stall = self.stalls.last().filter(|_| self.stall_open);
        View {
            step: self.steps,
            time_ns: self.virtual_ns(),
            agents: agents.collect(),
            stores: store_rows(&self.service, &self.net.percent, &self.waiting),
            blocks: None,
            log: Some(self.log_view()),
            next: self.next_steps(scenario, &pending),
            events: Vec::new(),
            standing: broken(scenario, self).unwrap_or_else(|| self.standing()),
            stall: stall.map(|stall| stall_view(scenario, self, stall, self.rounds.1)),
        }
    }

    fn standing(&self) -> Standing {
        let count = self.decided();
        if count == 0 {
            return Standing::Undecided;
        }
        let value = format!("{count} slots");
        Standing::Decided { value, count }
    }

    fn log_view(&self) -> LogView {
        // Who stands still leads on when it wakes, for all it knows: the row of agents says so too.
        let up = || {
            let standing =
                |seat: &&Seat<L::Machine>| matches!(seat.status, Status::Up | Status::Paused);
            self.seats.iter().filter(standing)
        };
        let leads = |seat: &&Seat<L::Machine>| seat.replica.standing() == Part::Leading;
        let leader = up().filter(leads).max_by_key(|seat| seat.replica.ballot());
        let all = self.seats.iter();
        let foremost = all.map(|seat| seat.replica.applied().0).max().unwrap_or(0);
        let replicas = self
            .seats
            .iter()
            .map(|seat| self.replica_row(seat, foremost));
        let clients = self.clients.all.iter();
        LogView {
            leader: leader.map(|seat| seat.id.0),
            leaders: up().filter(leads).count() as u32,
            applied: foremost.saturating_sub(1),
            answered: self.tally.commits.len() as u64,
            waiting: clients.filter(|client| client.doing.is_some()).count() as u64,
            replicas: replicas.collect(),
        }
    }

    fn replica_row(&self, seat: &Seat<L::Machine>, foremost: u64) -> ReplicaRow {
        let next = seat.replica.applied().0;
        // What it has told the stores of itself.
        let heads = self.kept.iter().filter_map(|store| store.head(seat.id));
        let floors = heads.filter_map(|read| read.head.floor);
        let floor = floors.map(|name| name.slot.0).max().unwrap_or(0);
        let own = self.flights.iter();
        let own = own.filter(|it| (it.agent, it.incarnation) == (seat.id, seat.incarnation));
        let slots: BTreeSet<u64> = own
            .filter_map(|flight| match &flight.op {
                LogOp::WriteVote(vote) => Some(vote.slot.0),
                LogOp::WriteHead { .. }
                | LogOp::WriteSnapshot { .. }
                | LogOp::Drop { .. }
                | LogOp::ReadHeads
                | LogOp::Scan { .. }
                | LogOp::ReadSnapshot { .. } => None,
            })
            .collect();
        ReplicaRow {
            next,
            lag: foremost - next,
            floor,
            in_flight: slots.len() as u32,
        }
    }

    fn agent_row(
        &self,
        scenario: &Scenario,
        seat: &Seat<L::Machine>,
        pending: &[Pending],
    ) -> AgentRow {
        let (state, shown) = match seat.status {
            Status::Up => (AgentState::Running, seat.replica.standing()),
            Status::Paused => (AgentState::Paused, seat.replica.standing()),
            Status::Down { returns: true } => (AgentState::Down, Part::Following),
            Status::Down { returns: false } => (AgentState::Lost, Part::Following),
        };
        let up = matches!(seat.status, Status::Up | Status::Paused);
        let phase = match shown {
            _ if !up => "-",
            Part::Recovering => "recovers",
            Part::Following => "follows",
            Part::Standing => "surveys",
            Part::Leading => "leads",
        };
        AgentRow {
            state,
            phase: phase.to_owned(),
            mbal: seat.replica.ballot().filter(|_| up).map(rung),
            doing: self.doing(scenario, seat, pending),
            incarnation: seat.incarnation,
            ..AgentRow::default()
        }
    }

    /// What a replica waits for, in words.
    fn doing(&self, scenario: &Scenario, seat: &Seat<L::Machine>, pending: &[Pending]) -> String {
        let due = |fits: &dyn Fn(Event) -> bool| {
            let mut own = pending.iter().filter(|it| it.agent == Some(seat.id));
            let found = own.find(|it| fits(it.event))?;
            Some(time(self.plan.ns(found.tick?)))
        };
        match seat.status {
            Status::Down { returns: false } => return "gone for good".to_owned(),
            Status::Down { returns: true } => {
                let at = due(&|event| matches!(event, Event::Restart { .. }));
                return at.map_or_else(
                    || "comes back".to_owned(),
                    |at| format!("comes back at {at}"),
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
        let waiting = seat.replica.waiting();
        let flights = self.flights.iter();
        let own = flights.filter(|it| (it.agent, it.incarnation) == (seat.id, seat.incarnation));
        let mut stores: Vec<u8> = own.map(|flight| flight.store.0).collect();
        stores.sort_unstable();
        stores.dedup();
        let names = stores.iter();
        let names: Vec<&str> = names
            .map(|&store| scenario.cluster.stores[usize::from(store)].as_str())
            .collect();
        match (waiting, names.is_empty()) {
            (0, true) => String::new(),
            (0, false) => format!("asks {}", names.join(", ")),
            (waiting, true) => requests_wait(waiting),
            (waiting, false) => {
                format!("asks {}; {}", names.join(", "), requests_wait(waiting))
            }
        }
    }
}
