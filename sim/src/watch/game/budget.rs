//! What a hand may break: no more than the model promises to survive.

use bivalent_core::{AgentId, Format, Staleness, StoreId};

use crate::{
    engine::blocks::BlockEngine,
    scenario::{
        Scenario,
        script::{Deed, Entry},
    },
};

/// Torn writes in a game.
const TEARS: u32 = 4;
/// Old answers in a game.
const STALES: u32 = 16;
/// Delays in a game.
const DELAYS: u32 = 16;

/// A way of breaking something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strike {
    /// The agent of the move crashes.
    Crash,
    /// An agent that is down starts again: the move's, or the first one.
    Restart,
    /// The write gets half way; the rest of it comes when it is picked.
    Tear,
    /// The read is answered with the version before the newest one.
    Stale,
    /// The operation takes ten times as long as it still would.
    Delay,
}

/// What has been broken so far, and what may be.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    crashes: u32,
    tears: Result<u32, &'static str>,
    stales: Result<u32, &'static str>,
    delays: Result<u32, &'static str>,
    stale_stores: u32,
}

impl Budget {
    /// What is left after some entries.
    pub(super) fn of(scenario: &Scenario, taken: impl Iterator<Item = Entry>) -> Self {
        let cluster = &scenario.cluster;
        let conditional = cluster.protocol.is_conditional();
        let bound = match cluster.envelope.staleness() {
            Staleness::PerRun(bound) | Staleness::PerReader(bound) => u32::from(bound),
        };
        let tears = if conditional {
            Err("a conditional write takes effect as a whole, or not at all")
        } else if cluster.layout.format() == Format::Raw {
            Err("nothing tells a torn raw block from a whole one: outside the model")
        } else if cluster.layout.sectors_per_write() < 2 {
            Err("a block of one sector is written whole")
        } else {
            Ok(TEARS)
        };
        let stales = if conditional {
            Err("old answers matter to nobody who writes under a condition")
        } else if bound == 0 {
            Err("no store may give old answers: outside the model")
        } else {
            Ok(STALES)
        };
        let delays = if conditional {
            Err("leave it until later instead")
        } else {
            Ok(DELAYS)
        };
        let most = (cluster.agents.len() as u32).saturating_sub(1);
        let mut budget = Self {
            crashes: scenario.schedule.crashes.max(1).min(most),
            tears,
            stales,
            delays,
            stale_stores: bound,
        };
        for entry in taken {
            let spend = |left: &mut Result<u32, &'static str>| {
                if let Ok(left) = left {
                    *left = left.saturating_sub(1);
                }
            };
            match entry.deed {
                Deed::Crash => budget.crashes = budget.crashes.saturating_sub(1),
                Deed::Tear => spend(&mut budget.tears),
                Deed::Stale { .. } => spend(&mut budget.stales),
                Deed::Delay { .. } => spend(&mut budget.delays),
                Deed::Read { .. } | Deed::Write | Deed::Restart => {}
            }
        }
        budget
    }

    /// What is left, in a word and how often.
    pub(super) fn left(&self) -> Vec<(&'static str, u32)> {
        let count = |left: Result<u32, _>| left.unwrap_or(0);
        vec![
            ("crash", self.crashes),
            ("torn write", count(self.tears)),
            ("stale read", count(self.stales)),
            ("delay", count(self.delays)),
        ]
    }

    /// The entry for a strike on what a move is about.
    pub(super) fn entry(
        &self,
        engine: &BlockEngine,
        strike: Strike,
        about: Option<Entry>,
    ) -> Result<Entry, String> {
        let down = engine.down();
        if strike == Strike::Restart {
            let wanted = about
                .map(|entry| entry.agent)
                .filter(|agent| down.contains(agent));
            let agent = wanted
                .or_else(|| down.first().copied())
                .ok_or("nobody is down")?;
            return Ok(entry(agent, StoreId(0), Deed::Restart));
        }
        let about = about.ok_or("there is no operation to break")?;
        let Entry { agent, store, .. } = about;
        let left = |left: Result<u32, &'static str>| match left {
            Ok(0) => Err("none is left".to_owned()),
            Ok(left) => Ok(left),
            Err(why) => Err(why.to_owned()),
        };
        let deed = match (strike, about.deed) {
            (Strike::Crash, _) => {
                left(Ok(self.crashes))?;
                if down.contains(&agent) {
                    return Err("it is down already".to_owned());
                }
                Deed::Crash
            }
            (Strike::Tear, Deed::Write) => {
                left(self.tears)?;
                Deed::Tear
            }
            (Strike::Tear, _) => return Err("only a write can be torn".to_owned()),
            (Strike::Stale, Deed::Read { owner }) => {
                left(self.stales)?;
                self.bears_stale(engine, agent, store)?;
                Deed::Stale { owner }
            }
            (Strike::Stale, _) => {
                return Err("only a read can be answered with an old version".to_owned());
            }
            (Strike::Delay, deed) => {
                left(self.delays)?;
                let owner = match deed {
                    Deed::Read { owner } => Some(owner),
                    Deed::Write
                    | Deed::Crash
                    | Deed::Restart
                    | Deed::Tear
                    | Deed::Stale { .. }
                    | Deed::Delay { .. } => None,
                };
                Deed::Delay { owner }
            }
            (Strike::Restart, _) => unreachable!("seen to above"),
        };
        // A crash is nowhere.
        let store = if deed == Deed::Crash {
            StoreId(0)
        } else {
            store
        };
        Ok(entry(agent, store, deed))
    }

    /// Whether one more store may be stale, if this one is not yet.
    fn bears_stale(
        &self,
        engine: &BlockEngine,
        reader: AgentId,
        store: StoreId,
    ) -> Result<(), String> {
        let stale = engine.stale_stores(reader);
        if stale & store.bit() != 0 || stale.count_ones() < self.stale_stores {
            return Ok(());
        }
        Err(format!(
            "{} stale store{} and no more: outside the model",
            self.stale_stores,
            if self.stale_stores == 1 { "" } else { "s" }
        ))
    }
}

const fn entry(agent: AgentId, store: StoreId, deed: Deed) -> Entry {
    Entry {
        agent,
        store,
        deed,
        gap: None,
    }
}
