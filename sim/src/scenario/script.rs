//! Scripts: an order of operations, step by step, that a schedule is to follow.

use bivalent_core::{AgentId, StoreId};

use crate::scenario::{Adversary, Scenario, fault::FaultKind};

/// What happens in a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    /// The agent's write takes effect.
    Write,
    /// The agent reads a block.
    Read {
        /// Whose.
        owner: AgentId,
    },
    /// The agent crashes.
    Crash,
    /// The agent starts again.
    Restart,
    /// The agent's write, which is in flight, has come half way: its block is torn until the rest of it
    /// lands.
    Tear,
    /// The agent reads the version before the newest one of a block.
    Stale {
        /// Whose.
        owner: AgentId,
    },
    /// The agent's operation, which is in flight, takes ten times as long as it still would.
    Delay {
        /// Whose block is read; none: it is a write.
        owner: Option<AgentId>,
    },
}

/// One step of a script.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Who.
    pub agent: AgentId,
    /// Where; of no meaning for a crash and a restart.
    pub store: StoreId,
    /// What.
    pub deed: Deed,
    /// Where the agent's next ballot goes, if this step makes it begin one: above so many of the ballots
    /// that are greater than the one it met; none: above all there are.
    pub gap: Option<u8>,
}

/// A way, and a cycle that it leads to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Script {
    /// It takes over after so many steps of a run that is the scenario's own until then: from there on no
    /// fault comes but the script's. 0: it has the whole run.
    pub from: u64,
    /// Who chooses until then; none: chance. No script.
    pub before: Option<Box<Adversary>>,
    /// The way.
    pub stem: Vec<Entry>,
    /// One turn of the cycle, which is taken for ever; empty: after the stem the script is over.
    pub turn: Vec<Entry>,
}

impl Script {
    /// Whether some ballot goes between others.
    pub fn has_gaps(&self) -> bool {
        let mut entries = self.stem.iter().chain(&self.turn);
        entries.any(|entry| entry.gap.is_some())
    }

    /// Whether some entry needs the version before the newest one of a block, or may come to: what takes a
    /// run over may be written while it is followed.
    pub(crate) fn looks_back(&self) -> bool {
        if self.from > 0 {
            return true;
        }
        let mut entries = self.stem.iter().chain(&self.turn);
        entries.any(|entry| matches!(entry.deed, Deed::Tear | Deed::Stale { .. }))
    }

    /// The kinds of fault that its entries are, as a bit set by [`FaultKind::index`].
    pub(crate) fn kinds(&self) -> u32 {
        let kind = |entry: &Entry| match entry.deed {
            Deed::Crash => Some(FaultKind::Crash),
            Deed::Restart => Some(FaultKind::Restart),
            Deed::Tear => Some(FaultKind::TornWrite),
            Deed::Stale { .. } => Some(FaultKind::StaleRead),
            Deed::Delay { .. } => Some(FaultKind::Delay),
            Deed::Write | Deed::Read { .. } => None,
        };
        let kinds = self.stem.iter().chain(&self.turn).filter_map(kind);
        kinds.fold(0, |set, kind| set | 1 << kind.index())
    }

    /// Entry number `at`, from 0; none after the end.
    pub fn entry(&self, at: u64) -> Option<Entry> {
        let stem = self.stem.len() as u64;
        if at < stem {
            return self.stem.get(at as usize).copied();
        }
        let turn = self.turn.len() as u64;
        let place = (at - stem).checked_rem(turn)?;
        self.turn.get(place as usize).copied()
    }
}

/// Reads an entry: `a1 write s1`, `a1 read s1 a2`, `a1 tear s1`, `a1 stale s1 a2`, `a1 delay s1` (a write),
/// `a1 delay s1 a2` (a read), `a1 crash`, `a1 restart`; where all agents share a record, `a1 read s1`, and
/// no tearing, staleness and delay. Names are looked up in `agents` and `stores`.
///
/// # Errors
///
/// What is wrong with it, in words.
pub fn parse(
    text: &str,
    agents: &[String],
    stores: &[String],
    conditional: bool,
) -> Result<Entry, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut gap = None;
    if let [.., "above", number] = words[..] {
        let read: Result<u8, _> = number.parse();
        gap = Some(read.map_err(|_| "`above` takes a number of ballots, 0 to 255".to_owned())?);
        words.truncate(words.len() - 2);
    }
    let place = |what: &str, known: &[String], name: &str| {
        let found = known.iter().position(|known| known == name);
        found.ok_or_else(|| format!("there is no {what} `{name}`"))
    };
    let agent = |name: &str| place("agent", agents, name).map(|index| AgentId(index as u16));
    let store = |name: &str| place("store", stores, name).map(|index| StoreId(index as u8));
    let entry = |name: &str, at: StoreId, deed: Deed| {
        Ok(Entry {
            agent: agent(name)?,
            store: at,
            deed,
            gap,
        })
    };
    match words[..] {
        [who, "write", at] => entry(who, store(at)?, Deed::Write),
        [who, "read", at] if conditional => {
            let owner = AgentId(0);
            entry(who, store(at)?, Deed::Read { owner })
        }
        [who, "read", at, whose] if !conditional => {
            let owner = agent(whose)?;
            entry(who, store(at)?, Deed::Read { owner })
        }
        [who, "tear", at] if !conditional => entry(who, store(at)?, Deed::Tear),
        [who, "stale", at, whose] if !conditional => {
            let owner = agent(whose)?;
            entry(who, store(at)?, Deed::Stale { owner })
        }
        [who, "delay", at] if !conditional => {
            entry(who, store(at)?, Deed::Delay { owner: None })
        }
        [who, "delay", at, whose] if !conditional => {
            let owner = Some(agent(whose)?);
            entry(who, store(at)?, Deed::Delay { owner })
        }
        [who, "crash"] => entry(who, StoreId(0), Deed::Crash),
        [who, "restart"] => entry(who, StoreId(0), Deed::Restart),
        _ if conditional => {
            Err("is none of `a1 write s1`, `a1 read s1`, `a1 crash`, `a1 restart`".to_owned())
        }
        _ => Err(
            "is none of `a1 write s1`, `a1 read s1 a2`, `a1 tear s1`, `a1 stale s1 a2`, `a1 delay s1`, \
             `a1 delay s1 a2`, `a1 crash`, `a1 restart`"
                .to_owned(),
        ),
    }
}

/// An entry in words, as [`parse`] reads it.
pub fn words(scenario: &Scenario, entry: Entry) -> String {
    let name = |agent: AgentId| &scenario.cluster.agents[agent.index()].name;
    let agent = name(entry.agent);
    let store = &scenario.cluster.stores[entry.store.index()];
    let said = match entry.deed {
        Deed::Write => format!("{agent} write {store}"),
        Deed::Read { .. } if scenario.cluster.protocol.is_conditional() => {
            format!("{agent} read {store}")
        }
        Deed::Read { owner } => format!("{agent} read {store} {}", name(owner)),
        Deed::Crash => format!("{agent} crash"),
        Deed::Restart => format!("{agent} restart"),
        Deed::Tear => format!("{agent} tear {store}"),
        Deed::Stale { owner } => format!("{agent} stale {store} {}", name(owner)),
        Deed::Delay { owner: None } => format!("{agent} delay {store}"),
        Deed::Delay { owner: Some(owner) } => format!("{agent} delay {store} {}", name(owner)),
    };
    entry
        .gap
        .map_or_else(|| said.clone(), |gap| format!("{said} above {gap}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(letter: &str, count: usize) -> Vec<String> {
        (1..=count)
            .map(|number| format!("{letter}{number}"))
            .collect()
    }

    fn read(text: &str, conditional: bool) -> Result<Entry, String> {
        parse(text, &names("a", 2), &names("s", 2), conditional)
    }

    #[test]
    fn entries_are_read_by_name() {
        let entry = read("a2  read s1 a1", false).unwrap();
        let owner = AgentId(0);
        assert_eq!((entry.agent, entry.store), (AgentId(1), StoreId(0)));
        assert_eq!(entry.deed, Deed::Read { owner });
        assert_eq!(read("a1 crash", false).unwrap().deed, Deed::Crash);
        assert_eq!(read("a1 tear s2", false).unwrap().deed, Deed::Tear);
        assert!(read("a1 tear s2", true).is_err());
        assert_eq!(
            read("a1 stale s1 a2", false).unwrap().deed,
            Deed::Stale { owner: AgentId(1) }
        );
        assert_eq!(
            read("a1 delay s1", false).unwrap().deed,
            Deed::Delay { owner: None }
        );
        let owner = Some(AgentId(1));
        assert_eq!(
            read("a1 delay s1 a2", false).unwrap().deed,
            Deed::Delay { owner }
        );
        assert!(read("a1 delay s1", true).is_err());
        assert_eq!(read("a1 read s1 a2 above 3", false).unwrap().gap, Some(3));
        assert!(read("a1 read s1 a2 above all", false).is_err());
        assert!(read("a1 read s1", true).is_ok());
    }

    #[test]
    fn what_is_no_entry_is_refused_in_words() {
        let refused = |text| read(text, false).unwrap_err();
        assert_eq!(refused("a3 write s1"), "there is no agent `a3`");
        assert_eq!(refused("a1 write s9"), "there is no store `s9`");
        assert!(refused("a1 read s1").starts_with("is none of"));
        assert!(refused("").starts_with("is none of"));
    }

    #[test]
    fn the_turn_follows_the_stem_for_ever() {
        let entry = |index: u8| Entry {
            agent: AgentId(index.into()),
            store: StoreId(0),
            deed: Deed::Write,
            gap: None,
        };
        let script = Script {
            stem: vec![entry(0)],
            turn: vec![entry(1), entry(2)],
            ..Script::default()
        };
        let agents = (0..6).map(|at| script.entry(at).unwrap().agent.0);
        assert_eq!(agents.collect::<Vec<_>>(), [0, 1, 2, 1, 2, 1]);
        let stem = Script {
            turn: Vec::new(),
            ..script
        };
        assert_eq!(stem.entry(1), None);
    }
}
