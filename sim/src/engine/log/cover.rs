//! Features of a log's run: what happened out of the ordinary, with the cluster in outline.

use bivalent_core::{Replica, Standing};

use super::{Load, LogEngine, replica};
use crate::{engine::Status, store::Service};

impl<L: Load> LogEngine<L> {
    /// Replicas and stores in outline.
    pub(super) fn log_outline(&self) -> (u64, u64) {
        let mut leaders = 0_u64;
        let mut standing = 0_u64;
        let mut down = 0_u64;
        for seat in &self.participants {
            match (seat.status, replica(&seat.agent).map(Replica::standing)) {
                (Status::Down { .. }, _) => down += 1,
                (_, Some(Standing::Leading)) => leaders += 1,
                (_, Some(Standing::Standing)) => standing += 1,
                (_, Some(Standing::Following | Standing::Recovering) | None) => {}
            }
        }
        let out = self
            .service
            .iter()
            .filter(|&&service| service != Service::Up)
            .count() as u64;
        let agents = leaders.min(2)
            | standing.min(2) << 2
            | down.min(2) << 4
            | self.system.part.tally.leaders.min(3) << 6;
        let stores = out.min(2)
            | self.system.part.tally.installs.min(2) << 2
            | self.system.part.book.repeats.min(2) << 4;
        (agents, stores)
    }
}
