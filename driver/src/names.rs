//! The names of what an agent keeps in a folder of a store: its versions, and the marks of its starts.
//!
//! Fixed widths, so that the order of names is the order of versions.

use bivalent_core::{AgentId, Incarnation, Version};

/// What a name stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Name {
    /// A write of the agent's.
    Version(AgentId, Version),
    /// The mark that a start of the agent has begun.
    Start(AgentId, Incarnation),
}

impl Name {
    /// The name as it stands in the folder.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Version(agent, version) => format!("{:03}-{:016x}", agent.0, version.to_bits()),
            Self::Start(agent, start) => format!("{:03}-{:04x}-start", agent.0, start.0),
        }
    }

    /// What stands there; `None` for a name that is none of ours.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (agent, rest) = text.split_once('-')?;
        let agent = AgentId(agent.parse().ok()?);
        let name = if let Some(start) = rest.strip_suffix("-start") {
            Self::Start(agent, Incarnation(u16::from_str_radix(start, 16).ok()?))
        } else {
            Self::Version(
                agent,
                Version::from_bits(u64::from_str_radix(rest, 16).ok()?),
            )
        };
        (name.text() == text).then_some(name)
    }
}

/// A folder's names, read.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Every version, in order of agents and versions.
    pub(crate) versions: Vec<(AgentId, Version)>,
    /// Every start.
    pub(crate) starts: Vec<(AgentId, Incarnation)>,
}

impl Listing {
    /// Takes the names of a folder, in any order.
    pub(crate) fn of(names: &[String]) -> Self {
        let mut listing = Self::default();
        for name in names {
            match Name::parse(name) {
                Some(Name::Version(agent, version)) => listing.versions.push((agent, version)),
                Some(Name::Start(agent, start)) => listing.starts.push((agent, start)),
                None => {}
            }
        }
        listing.versions.sort_unstable();
        listing
    }

    /// The newest version of each agent that has one.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (AgentId, Version)> {
        let versions = &self.versions;
        (0..versions.len())
            .filter(|&at| {
                versions
                    .get(at + 1)
                    .is_none_or(|next| next.0 != versions[at].0)
            })
            .map(|at| versions[at])
    }

    /// The newest version of `agent`.
    pub(crate) fn newest_of(&self, agent: AgentId) -> Option<Version> {
        self.newest()
            .find_map(|(owner, version)| (owner == agent).then_some(version))
    }

    /// The names of `agent`'s versions below `newest`.
    pub(crate) fn below(&self, agent: AgentId, newest: Version) -> Vec<String> {
        let own = self.versions.iter().filter(|version| version.0 == agent);
        own.filter(|version| version.1 < newest)
            .map(|version| Name::Version(agent, version.1).text())
            .collect()
    }

    /// The names of the marks of `agent`'s starts before `start`.
    pub(crate) fn starts_before(&self, agent: AgentId, start: Incarnation) -> Vec<String> {
        let own = self.starts.iter().filter(|mark| mark.0 == agent);
        own.filter(|mark| mark.1 < start)
            .map(|mark| Name::Start(agent, mark.1).text())
            .collect()
    }

    /// The latest start of `agent`.
    pub(crate) fn latest_start(&self, agent: AgentId) -> Option<Incarnation> {
        let own = self.starts.iter().filter(|(owner, _)| *owner == agent);
        own.map(|&(_, start)| start).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_left_alone() {
        let version = Version::new(Incarnation(3), 17);
        for name in [
            Name::Version(AgentId(2), version),
            Name::Start(AgentId(127), Incarnation(65_535)),
        ] {
            assert_eq!(Name::parse(&name.text()), Some(name));
        }
        for other in [
            "",
            "002",
            "2-0000000000000001",
            "002-1",
            "002-1-start",
            ".DS_Store",
        ] {
            assert_eq!(Name::parse(other), None, "{other}");
        }
    }

    #[test]
    fn of_each_agent_the_newest_counts() {
        let version = |start, count| Version::new(Incarnation(start), count);
        let names = [
            Name::Version(AgentId(1), version(0, 9)),
            Name::Version(AgentId(0), version(0, 2)),
            Name::Start(AgentId(1), Incarnation(1)),
            Name::Version(AgentId(1), version(1, 1)),
            Name::Version(AgentId(0), version(0, 10)),
        ];
        let listing = Listing::of(&names.map(Name::text));

        let newest: Vec<_> = listing.newest().collect();
        assert_eq!(
            newest,
            [(AgentId(0), version(0, 10)), (AgentId(1), version(1, 1))]
        );
        assert_eq!(listing.latest_start(AgentId(1)), Some(Incarnation(1)));
        assert_eq!(listing.latest_start(AgentId(0)), None);
    }
}
