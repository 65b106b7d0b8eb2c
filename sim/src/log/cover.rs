//! Features of a log's run: what happened out of the ordinary, with the cluster in outline.

use bivalent_core::Standing;

use super::{LogEngine, machines::Load};
use crate::{coverage, engine::Status, store::Service};

impl<L: Load> LogEngine<L> {
    /// Notes the feature of the step that has just been taken.
    #[cold]
    pub(super) fn cover(&mut self) {
        let touched = std::mem::take(&mut self.net.touched).0;
        let mut leaders = 0_u64;
        let mut standing = 0_u64;
        let mut down = 0_u64;
        for seat in &self.seats {
            match (seat.status, seat.replica.standing()) {
                (Status::Down { .. }, _) => down += 1,
                (_, Standing::Leading) => leaders += 1,
                (_, Standing::Standing) => standing += 1,
                (_, Standing::Following | Standing::Recovering) => {}
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
            | self.tally.leaders.min(3) << 6;
        let stores = out.min(2) | self.tally.installs.min(2) << 2 | self.book.repeats.min(2) << 4;
        self.net
            .coverage
            .add(coverage::feature(touched, agents, stores));
    }
}
