//! An agent over acceptor records up to renaming: what an explorer needs to see that two states are
//! the same.

use core::hash::{Hash, Hasher};

use super::{AcceptorRecords, Link, Step};
use crate::{
    Ballot, Block, BlockTag, DiskPaxos, Explored, Incarnation, Phase, RECORD, Renaming,
    SingleDecree, StoreId, Version, Vote,
};

/// Renaming leaves everything that only grows or no longer matters in one spelling. The epoch is then
/// [`DiskPaxos::CURRENT`] and a write that is waited for has attempt 0; operations in flight must be renamed with it.
/// Of versions an agent asks only whether they still stand: a write asked for on `expect` leaves the one after
/// `expect`. Of a decided agent only the value is left. Holds for runners that answer each operation at most once and
/// never time out.
impl Explored for AcceptorRecords {
    fn awaits(&self, store: StoreId, tag: BlockTag) -> bool {
        match tag {
            BlockTag::Read { owner, epoch } => {
                let step = self.links[store.index()].step;
                owner == RECORD && epoch == self.epoch && step == Step::Reading
            }
            BlockTag::Write { epoch, attempt } => self.awaits_write(store, epoch, attempt),
        }
    }

    fn ballots(&self, each: &mut impl FnMut(Ballot)) {
        if self.phase == Phase::Decided {
            return;
        }
        self.block.ballots(each);
        self.best.into_iter().for_each(|vote| each(vote.bal));
        self.above.into_iter().for_each(&mut *each);
        for link in &self.links {
            link.vote.into_iter().for_each(|vote| each(vote.bal));
        }
    }

    fn renamed(&self, names: &impl Renaming) -> Self {
        let mut config = self.config;
        config.me = names.agent(config.me);
        let mut same = Self::new(config, self.incarnation);
        same.phase = self.phase;
        same.epoch = DiskPaxos::CURRENT;
        if let Some(inp) = self.decision() {
            let bal = Ballot::new(1, config.me, Incarnation(0));
            same.block = Block {
                mbal: None,
                vote: Some(Vote { bal, inp }),
            };
            return same;
        }
        same.block = self.block.renamed(names);
        same.best = self.best.map(|vote| vote.renamed(names));
        same.above = self.above.map(|ballot| names.ballot(ballot));
        same.complete = self.complete;
        for store in self.config.stores() {
            let old = &self.links[store.index()];
            let promised = self.phase == Phase::One && self.complete & store.bit() != 0;
            let known = promised || old.step == Step::Writing;
            same.links[store.index()] = Link {
                step: old.step,
                writes: u8::from(old.step == Step::Writing),
                tag: if known {
                    names.version(store, old.tag)
                } else {
                    Version::default()
                },
                vote: old.vote.map(|vote| vote.renamed(names)),
            };
        }
        same
    }
}

/// As derived, but for the links of stores that do not exist: those never differ.
impl Hash for AcceptorRecords {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let stores = self.config.envelope.stores() as usize;
        (self.config, self.incarnation, self.above).hash(state);
        (self.phase, self.block, self.best).hash(state);
        (self.epoch, self.complete).hash(state);
        self.links[..stores].hash(state);
    }
}
