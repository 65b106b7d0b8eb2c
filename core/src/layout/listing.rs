//! What the folder of agents shows.

use alloc::vec::Vec;

use crate::{AgentId, Incarnation, ObjectName, Version};

/// The names of what agents overwrite, and of their starts.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Listing {
    /// Every version, in order of agents and versions.
    versions: Vec<(AgentId, Version)>,
    /// Every start, in order of agents and starts.
    starts: Vec<(AgentId, Incarnation)>,
}

impl Listing {
    /// Takes the names of the folder, in any order.
    pub(super) fn of(names: &[ObjectName]) -> Self {
        let mut listing = Self::default();
        for name in names {
            match *name {
                ObjectName::Version(agent, version) => listing.versions.push((agent, version)),
                ObjectName::Start(agent, start) => listing.starts.push((agent, start)),
                ObjectName::Identity
                | ObjectName::Record
                | ObjectName::Trial
                | ObjectName::Snapshot(_)
                | ObjectName::Text(..)
                | ObjectName::Vote(..) => {}
            }
        }
        listing.versions.sort_unstable();
        listing.starts.sort_unstable();
        listing
    }

    /// The newest version of each agent that has one, in order of agents.
    pub fn newest(&self) -> impl Iterator<Item = (AgentId, Version)> {
        let ends = self.versions.chunk_by(|one, next| one.0 == next.0);
        ends.filter_map(|own| own.last().copied())
    }

    /// The versions of `agent`, in order.
    pub fn versions_of(&self, agent: AgentId) -> impl DoubleEndedIterator<Item = Version> {
        let own = self
            .versions
            .iter()
            .filter(move |(owner, _)| *owner == agent);
        own.map(|&(_, version)| version)
    }

    /// The newest version of `agent`.
    pub fn newest_of(&self, agent: AgentId) -> Option<Version> {
        self.versions_of(agent).next_back()
    }

    /// The starts of `agent`, in order.
    pub fn starts_of(&self, agent: AgentId) -> impl DoubleEndedIterator<Item = Incarnation> {
        let own = self.starts.iter().filter(move |(owner, _)| *owner == agent);
        own.map(|&(_, start)| start)
    }

    /// The latest start of `agent`.
    pub fn latest_start(&self, agent: AgentId) -> Option<Incarnation> {
        self.starts_of(agent).next_back()
    }

    /// Whether any agent has begun.
    pub const fn has_begun(&self) -> bool {
        !self.starts.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn of_each_agent_the_newest_counts() {
        let version = |start, count| Version::new(Incarnation(start), count);
        let listing = Listing::of(&[
            ObjectName::Version(AgentId(1), version(0, 9)),
            ObjectName::Version(AgentId(0), version(0, 2)),
            ObjectName::Start(AgentId(1), Incarnation(1)),
            ObjectName::Version(AgentId(1), version(1, 1)),
            ObjectName::Version(AgentId(0), version(0, 10)),
        ]);

        let newest: Vec<_> = listing.newest().collect();
        assert_eq!(
            newest,
            [(AgentId(0), version(0, 10)), (AgentId(1), version(1, 1))]
        );
        assert_eq!(listing.latest_start(AgentId(1)), Some(Incarnation(1)));
        assert_eq!(listing.latest_start(AgentId(0)), None);
    }
}
