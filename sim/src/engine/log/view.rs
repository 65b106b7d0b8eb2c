//! Replicas and their clients as they are shown.

use bivalent_core::{AgentId, Standing as Part};

use super::{Load, LogEngine, Seat, ballot, replica};
use crate::engine::{
    Status,
    blocks::view::rung,
    event::Turn,
    view::{Act, AgentRow, LogView, ReplicaRow, Standing},
};

impl<L: Load> LogEngine<L> {
    /// How many slots are decided.
    pub(crate) fn log_standing(&self) -> Standing {
        let count = self.slots();
        if count == 0 {
            return Standing::Undecided;
        }
        let value = format!("{count} slots");
        Standing::Decided { value, count }
    }

    /// Leaders, slots and clients.
    pub(crate) fn log_view(&self) -> LogView {
        // Who stands still leads on when it wakes, for all it knows: the row of agents says so too.
        let up = || {
            let standing = |it: &&Seat<L>| matches!(it.status, Status::Up | Status::Paused);
            self.participants.iter().filter(standing)
        };
        let leads = |it: &&Seat<L>| {
            let replica = replica(&it.agent);
            replica.is_some_and(|replica| replica.standing() == Part::Leading)
        };
        let leader = up().filter(leads).max_by_key(|it| ballot(it));
        let all = self.participants.iter();
        let foremost = all.map(next_slot::<L>).max().unwrap_or(0);
        let rows = self.participants.iter();
        let log = &self.system.part;
        let waiting = log.clients.all.iter();
        LogView {
            leader: leader.map(|it| it.id.0),
            leaders: up().filter(leads).count() as u32,
            applied: foremost.saturating_sub(1),
            answered: log.tally.commits.len() as u64,
            waiting: waiting.filter(|client| client.doing.is_some()).count() as u64,
            replicas: rows.map(|it| self.replica_row(it, foremost)).collect(),
        }
    }

    fn replica_row(&self, participant: &Seat<L>, foremost: u64) -> ReplicaRow {
        let (id, next) = (participant.id, next_slot(participant));
        // What it has told the stores of itself.
        let stores = (0..self.plan.stores as u8).map(bivalent_core::StoreId);
        let heads = stores.filter_map(|store| self.system.head(store, id));
        let floors = heads.filter_map(|read| read.head.floor);
        let floor = floors.map(|name| name.slot.0).max().unwrap_or(0);
        let in_flight = self.system.slots_in_flight(id, participant.incarnation);
        ReplicaRow {
            next,
            lag: foremost - next,
            floor,
            in_flight: in_flight as u32,
        }
    }

    /// Whom a client's turn is about; none if it means nothing any more.
    pub(crate) fn about_client(&self, index: u32, count: u16, turn: Turn) -> Option<AgentId> {
        let client = &self.system.part.clients.all[index as usize];
        let waits = match turn {
            Turn::Next => true,
            Turn::Again | Turn::Request => client.doing.is_some(),
        };
        (client.count == count && !client.done && waits).then_some(client.at)
    }

    /// A client's turn in words.
    pub(crate) fn turn_in_words(&self, index: u32, turn: Turn) -> (Act, String, String) {
        let name = self.system.part.clients.all[index as usize].name;
        let text = match turn {
            Turn::Next => format!("client {name} asks for something"),
            Turn::Again => format!("client {name} has waited long enough"),
            Turn::Request => format!("client {name}'s request is read"),
        };
        (Act::Client, text, String::new())
    }
}

/// The first slot that an agent has not applied.
fn next_slot<L: Load>(participant: &Seat<L>) -> u64 {
    replica(&participant.agent).map_or(0, |it| it.applied().0)
}

/// A replica's part, and its ballot.
pub(crate) fn replica_of<M: bivalent_core::StateMachine>(
    replica: &bivalent_core::Replica<M>,
    row: &mut AgentRow,
) {
    let part = match replica.standing() {
        Part::Recovering => "recovers",
        Part::Following => "follows",
        Part::Standing => "surveys",
        Part::Leading => "leads",
    };
    part.clone_into(&mut row.phase);
    row.mbal = replica.ballot().map(rung);
}
