//! Symmetry: agents that propose the same, and may break the same, can change places.
//!
//! Of all states that differ in nothing but who is who, one is kept. Ballots are ranked already, and no
//! two agents have the same one, so a change of places keeps their order.

use bivalent_core::{AgentId, Ballot, Renaming, StoreId, Version};

use super::rules::Rules;

/// New places for all agents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Places {
    /// Where each agent goes.
    to: Vec<u16>,
}

impl Places {
    /// Who comes to a place.
    pub(super) fn from(&self, place: usize) -> usize {
        let found = self.to.iter().position(|&to| usize::from(to) == place);
        found.unwrap_or(place)
    }
}

impl Renaming for Places {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        Ballot::new(
            ballot.round(),
            self.agent(ballot.agent()),
            ballot.incarnation(),
        )
    }

    fn agent(&self, agent: AgentId) -> AgentId {
        AgentId(self.to[agent.index()])
    }

    fn version(&self, _: StoreId, version: Version) -> Version {
        version
    }
}

/// Every change of places but none at all that nobody would notice.
pub(super) fn changes(rules: &Rules) -> Vec<Places> {
    let alike = |a: usize, b: usize| {
        let bit = |mask: u128, agent: usize| mask >> agent & 1;
        rules.inputs[a] == rules.inputs[b]
            && bit(rules.mortal, a) == bit(rules.mortal, b)
            && bit(rules.restarts, a) == bit(rules.restarts, b)
    };
    let mut all = vec![Vec::new()];
    for agent in 0..rules.agents {
        let extended = all.iter().flat_map(|to: &Vec<u16>| {
            let free = (0..rules.agents as u16).filter(|place| !to.contains(place));
            let apt = free.filter(|&place| alike(agent, usize::from(place)));
            apt.map(|place| {
                let mut to = to.clone();
                to.push(place);
                to
            })
        });
        all = extended.collect();
    }
    let moves = |to: &Vec<u16>| to.iter().enumerate().any(|(a, &b)| a != usize::from(b));
    all.into_iter()
        .filter(moves)
        .map(|to| Places { to })
        .collect()
}
