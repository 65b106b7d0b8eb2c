//! What stands on buckets of a log, as judges and the view look it up.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "of all names and contents only a log's own are looked for"
)]

use std::collections::BTreeSet;

use bivalent_core::{
    AgentId, Ballot, Content, Folder, HeadRead, Incarnation, LogBody, ObjectName, ObjectOp, Slot,
    SlotVote, StoreId,
};

use super::{Load, Log};
use crate::engine::objects::Objects;

/// Below every ballot there is.
const LEAST: Ballot = Ballot::new(1, AgentId(0), Incarnation(0));

impl<L: Load> Objects<Log<L>> {
    /// Whether a state at or after a slot can be had from a store.
    pub(super) fn covers(&self, store: StoreId, slot: Slot) -> bool {
        let mut kept = self.buckets[store.index()].folder(Folder::Snapshots);
        kept.any(|(name, _)| matches!(name, ObjectName::Snapshot(name) if name.slot > slot))
    }

    /// The vote of the greatest ballot that stands on a store for a slot.
    pub(super) fn vote(&self, store: StoreId, slot: Slot) -> Option<&SlotVote<L::Machine>> {
        let first = |slot| ObjectName::Vote(slot, LEAST);
        let bucket = &self.buckets[store.index()];
        let (_, content) = bucket.between(&first(slot), &first(slot.next())).last()?;
        match content {
            Content::Body(LogBody::Vote(vote)) => Some(vote),
            _ => None,
        }
    }

    /// An agent's newest head on a store.
    pub(super) fn head(&self, store: StoreId, agent: AgentId) -> Option<HeadRead<L::Machine>> {
        let kept = self.buckets[store.index()].folder(Folder::Agents);
        let heads = kept.filter_map(|(name, content)| match (name, content) {
            (ObjectName::Version(owner, version), Content::Body(LogBody::Head(head)))
                if *owner == agent =>
            {
                Some(HeadRead {
                    agent,
                    version: *version,
                    head: head.clone(),
                })
            }
            _ => None,
        });
        heads.last()
    }

    /// How many slots this life of an agent has votes under way for.
    pub(super) fn slots_in_flight(&self, id: AgentId, incarnation: u16) -> usize {
        let own = self.flights.iter();
        let own = own.filter(|it| (it.agent, it.incarnation) == (id, incarnation));
        let slots = own.filter_map(|flight| match &flight.op {
            ObjectOp::Put {
                name: ObjectName::Vote(slot, _),
                ..
            } => Some(*slot),
            _ => None,
        });
        slots.collect::<BTreeSet<_>>().len()
    }
}
