//! What an agent knows of one store, beyond what its protocol does.

use alloc::vec::Vec;

use super::laid::Who;
use crate::{AgentId, Identity, Incarnation, Listing, StoreTraits, Version};

/// So many own versions below the newest are left: a listing is not made at one moment, and one that overlaps a few
/// writes must still show one of them.
const KEPT: usize = 4;

/// What is known of a store.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct StoreState {
    pub(super) traits: StoreTraits,
    /// What it must say of itself from now on.
    pub(super) identity: Option<Identity>,
    /// It has said that, and nothing else since.
    pub(super) known: bool,
    /// How often it has said something else, or nothing.
    pub(super) lost: u64,
    /// The start whose record has stood here, by this agent's doing.
    pub(super) marked: Option<Incarnation>,
    /// The latest own start whose record has been seen here.
    pub(super) latest: Option<Incarnation>,
    /// It has refused a write whose condition did not hold.
    pub(super) refuses: bool,
    /// The own versions that may stand here, in order.
    pub(super) own: Vec<Version>,
    /// The newest own version that stands here for certain.
    pub(super) newest: Option<Version>,
}

impl StoreState {
    /// Whether it needs no look now.
    pub(super) const fn is_trusted(&self) -> bool {
        self.identity.is_none() || (self.known && !self.traits.may_vanish)
    }

    /// It has said something else than it should.
    pub(super) const fn lose(&mut self) {
        self.known = false;
        self.lost += 1;
    }

    /// The own versions that are of no use any more: below the newest, and a few more.
    pub(super) fn outdated(&mut self) -> Vec<Version> {
        let Some(newest) = self.newest else {
            return Vec::new();
        };
        let below = self.own.partition_point(|&version| version < newest);
        self.own.drain(..below.saturating_sub(KEPT)).collect()
    }

    /// What a listing shows of the own versions.
    pub(super) fn note(&mut self, me: AgentId, listing: &Listing) {
        let listed = listing.versions_of(me);
        self.own.extend(listed);
        self.own.sort_unstable();
        self.own.dedup();
        self.latest = self.latest.max(listing.latest_start(me));
    }
}

/// What a step of a logical operation may know of its store and its agent.
#[derive(Debug)]
pub struct At<'a> {
    pub(super) who: &'a Who,
    pub(super) state: &'a mut StoreState,
}

impl At<'_> {
    /// Which agent asks.
    pub const fn me(&self) -> AgentId {
        self.who.me
    }

    /// Which start of it.
    pub const fn start(&self) -> Incarnation {
        self.who.start
    }

    /// How many agents there are.
    pub const fn agents(&self) -> u16 {
        self.who.agents
    }

    /// The own version is written: those a few before it are of no use any more.
    pub fn wrote(&mut self, version: Version) {
        let state = &mut *self.state;
        state.newest = state.newest.max(Some(version));
        if let Err(place) = state.own.binary_search(&version) {
            state.own.insert(place, version);
        }
    }

    /// The names of the own versions that are listed, below the newest and a few more.
    pub(super) fn outdated(listing: &Listing, me: AgentId) -> Vec<Version> {
        let own: Vec<_> = listing.versions_of(me).collect();
        let below = own.len().saturating_sub(1 + KEPT);
        own[..below].to_vec()
    }
}
