//! What is to be seen of a log's world: replicas, stores, slots, what has come of it.

use bivalent_core::Standing as Part;

use super::{LogEngine, Seat, machines::Load};
use crate::{
    engine::{
        seat::Status,
        view::{broken, rung, stall_view, store_row},
    },
    scenario::Scenario,
    verdict::Finished,
    view::{AgentRow, AgentState, LogView, ReplicaRow, Standing, View},
};

impl<L: Load> LogEngine<L> {
    /// The world as it is, without what was noted.
    pub(crate) fn view(&self, scenario: &Scenario) -> View {
        let stores = (0..self.plan.stores).map(|store| {
            store_row(
                self.service[store],
                self.net.percent[store],
                self.waiting[store].len(),
            )
        });
        let stall = self.stalls.last().filter(|_| self.stall_open);
        View {
            step: self.steps,
            time_ns: self.virtual_ns(),
            agents: self.seats.iter().map(agent_row).collect(),
            stores: stores.collect(),
            blocks: None,
            log: Some(self.log_view()),
            next: Vec::new(),
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
        let up = || self.seats.iter().filter(|seat| seat.status == Status::Up);
        let leads = |seat: &&Seat<L::Machine>| seat.replica.standing() == Part::Leading;
        let leader = up().filter(leads).max_by_key(|seat| seat.replica.ballot());
        let all = self.seats.iter();
        let foremost = all.map(|seat| seat.replica.applied().0).max().unwrap_or(0);
        let replicas = self.seats.iter().map(|seat| {
            let next = seat.replica.applied().0;
            ReplicaRow {
                next,
                lag: foremost - next,
                floor: 0,
                in_flight: 0,
            }
        });
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
}

fn agent_row<M: bivalent_core::StateMachine>(seat: &Seat<M>) -> AgentRow {
    let state = match seat.status {
        Status::Up => AgentState::Running,
        Status::Paused => AgentState::Paused,
        Status::Down { returns: true } => AgentState::Down,
        Status::Down { returns: false } => AgentState::Lost,
    };
    let phase = match seat.replica.standing() {
        Part::Recovering => "recovers",
        Part::Following => "follows",
        Part::Standing => "surveys",
        Part::Leading => "leads",
    };
    AgentRow {
        state,
        phase: phase.to_owned(),
        mbal: seat.replica.ballot().map(rung),
        incarnation: seat.incarnation,
        ..AgentRow::default()
    }
}
