//! Why a log's property broke: what its ledger says of who did what, and who was shown what.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each story is about a few kinds of deeds"
)]

mod slot;
mod state;

use bivalent_core::{AgentId, Ballot, Slot, SnapshotName, StoreId};

use crate::{
    engine::log::{Accused, Cast, Deed, Entry, Errand},
    scenario::fault::FaultKind,
};

/// A part of a story; agents and stores are in braces, to be spelled.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Part {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

/// A line of it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// When; none: not an event.
    pub(crate) step: Option<u64>,
    pub(crate) text: String,
}

/// The ledger of a run up to where a property broke.
struct Ledger<'a> {
    entries: &'a [Entry],
    stores: usize,
}

/// What a head binds its owner to: its promise and its floor.
type Vow = (Option<Ballot>, Option<SnapshotName>);

/// A read that did not show what stood there: places in the ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Lie {
    read: usize,
    stood: usize,
}

/// Why a property broke at a step, the last one in the ledger; empty if that can't be told. `accused`: what
/// was found when the run was over.
pub(crate) fn of(
    entries: &[Entry],
    property: &str,
    step: u64,
    stores: usize,
    accused: &Accused,
) -> Vec<Part> {
    let ledger = Ledger { entries, stores };
    let told = match property {
        "agreement" => ledger.disagreement(step),
        "durability" => {
            let told = ledger.overlooked(step).or_else(|| ledger.dropped(step));
            told.or_else(|| ledger.lost(accused.slot?))
        }
        "invariant-promise" => ledger.fallen(step, true),
        "invariant-floor" => ledger.fallen(step, false),
        "replicas" | "exactly-once" | "machine" => ledger.differing_states(step),
        "linearizability" => accused
            .answer
            .as_ref()
            .and_then(|(asked, before)| ledger.misanswered(asked, before.as_ref())),
        _ => None,
    };
    told.unwrap_or_default()
}

impl Ledger<'_> {
    /// The places at which something fits.
    fn places(&self, fits: impl Fn(&Deed) -> bool) -> impl DoubleEndedIterator<Item = usize> {
        let places = self.entries.iter().enumerate();
        places.filter_map(move |(at, entry)| fits(&entry.deed).then_some(at))
    }

    fn deed(&self, at: usize) -> &Deed {
        &self.entries[at].deed
    }

    fn step(&self, at: usize) -> u64 {
        self.entries[at].step
    }

    /// An entry as a line; `slot`: the one that it is about.
    fn line(&self, at: usize, slot: Slot) -> Line {
        Line {
            step: Some(self.step(at)),
            text: words(self.deed(at), slot),
        }
    }

    /// The same with something added.
    fn line_but(&self, at: usize, slot: Slot, but: &str) -> Line {
        let mut line = self.line(at, slot);
        line.text.push_str(but);
        line
    }

    /// Of what an agent was told after one place and before another, the latest showing of each store that
    /// fits.
    fn shown_to(
        &self,
        agent: AgentId,
        after: usize,
        before: usize,
        fits: impl Fn(&Deed) -> bool,
    ) -> Vec<usize> {
        let mut found: Vec<(StoreId, usize)> = Vec::new();
        let told: Vec<Errand> = self.entries[after..before]
            .iter()
            .filter_map(|entry| match entry.deed {
                Deed::Told { errand } if errand.agent == agent => Some(errand),
                _ => None,
            })
            .collect();
        for at in self.places(fits).filter(|&at| at < before) {
            let (Deed::Scanned { errand, .. } | Deed::Shown { errand, .. }) = self.deed(at) else {
                continue;
            };
            if !told.contains(errand) {
                continue;
            }
            match found.iter_mut().find(|(store, _)| *store == errand.store) {
                Some((_, latest)) => *latest = at,
                None => found.push((errand.store, at)),
            }
        }
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// The newest head of an agent that came to stand on a store before a place, and what it says. An older one that
    /// comes late is not what counts.
    fn head_on(&self, on: StoreId, whose: AgentId, before: usize) -> Option<(usize, Vow)> {
        let entries = self.entries[..before].iter().enumerate();
        let heads = entries.filter_map(|(at, entry)| match entry.deed {
            Deed::Headed {
                store,
                agent,
                version,
                promise,
                floor,
            } if store == on && agent == whose => Some((version, at, (promise, floor))),
            _ => None,
        });
        heads
            .max_by_key(|&(version, ..)| version)
            .map(|(_, at, vow)| (at, vow))
    }

    /// A read of heads that hid a promise above a ballot: told to an agent between two places.
    fn hidden_promise(
        &self,
        agent: AgentId,
        above: Ballot,
        after: usize,
        before: usize,
    ) -> Option<Lie> {
        let is_read = |deed: &Deed| matches!(deed, Deed::Shown { .. });
        let reads = self.shown_to(agent, after, before, is_read);
        reads.into_iter().find_map(|read| {
            let Deed::Shown { errand, heads } = self.deed(read) else {
                return None;
            };
            let owners = self.entries[..read]
                .iter()
                .filter_map(|entry| match entry.deed {
                    Deed::Stands { agent, ballot } if ballot > above => Some(agent),
                    _ => None,
                });
            let hides = |owner: AgentId| {
                let (stood, (promise, _)) = self.head_on(errand.store, owner, read)?;
                let shown = heads.iter().find(|(whose, ..)| *whose == owner);
                let shown = shown.and_then(|&(_, promise, _)| promise);
                (promise > Some(above) && promise > shown).then_some(Lie { read, stood })
            };
            owners.into_iter().find_map(hides)
        })
    }

    /// The fault behind a read that did not show what had stood there.
    fn fault_behind(&self, lie: Lie) -> Option<usize> {
        let (Deed::Scanned { errand, .. } | Deed::Shown { errand, .. }) = self.deed(lie.read)
        else {
            return None;
        };
        // An old answer is one from the moment at which the operation took effect: of a scan, its first half.
        let took = self.places(|deed| {
            matches!(deed, Deed::Scanned { errand: other, .. } | Deed::Shown { errand: other, .. } if other == errand)
        });
        let took: Vec<u64> = took
            .filter(|&at| at <= lie.read)
            .map(|at| self.step(at))
            .collect();
        let (entries, store) = (self.entries, errand.store);
        self.damages(store).rfind(|&at| {
            let Deed::Broke { kind, .. } = &entries[at].deed else {
                return false;
            };
            let meets = *kind != FaultKind::StaleRead || took.contains(&entries[at].step);
            meets && lie.stood < at && at < lie.read
        })
    }

    /// Faults that change what stands on a store, or hide it.
    fn damages(&self, on: StoreId) -> impl DoubleEndedIterator<Item = usize> {
        self.places(move |deed| {
            let Deed::Broke {
                kind,
                store: Some(store),
                ..
            } = deed
            else {
                return false;
            };
            let damages = matches!(
                kind,
                FaultKind::Amnesia
                    | FaultKind::BitRot
                    | FaultKind::StaleRead
                    | FaultKind::StoreLoss
                    | FaultKind::TornWrite
                    | FaultKind::MisdirectedWrite
            );
            damages && *store == on
        })
    }

    /// A read that lied, what had stood there, and the fault behind it, in the order in which they came.
    fn told_lie(&self, lie: Lie, slot: Slot) -> Vec<Line> {
        let mut lines = vec![
            self.line(lie.stood, slot),
            self.line_but(lie.read, slot, ": that is older than what had been written"),
        ];
        lines.extend(self.fault_behind(lie).map(|at| self.line(at, slot)));
        lines.sort_by_key(|line| line.step);
        lines
    }

    /// Entries as a list of stores with steps: `s1 (#12), s2 (#14)`, the first of each store.
    fn stores_of(&self, places: impl Iterator<Item = usize>) -> Vec<String> {
        let mut known: Vec<StoreId> = Vec::new();
        let mut list = Vec::new();
        for at in places {
            let (Deed::Voted { store, .. } | Deed::Headed { store, .. } | Deed::Kept { store, .. }) =
                self.deed(at)
            else {
                continue;
            };
            if !known.contains(store) {
                known.push(*store);
                list.push(format!("{{s{}}} (#{})", store.0, self.step(at)));
            }
        }
        list
    }
}

/// What a deed is in words; `slot`: the one that it is about.
fn words(deed: &Deed, slot: Slot) -> String {
    let n = slot.0;
    match deed {
        Deed::Voted { store, cast } => format!(
            "{{a{}}}'s vote for slot {n} in ballot {:?} comes to stand on {{s{}}}",
            cast.ballot.agent().0,
            cast.ballot,
            store.0
        ),
        Deed::Headed {
            store,
            agent,
            promise,
            ..
        } => format!(
            "{{a{}}}'s promise of {} comes to stand on {{s{}}}",
            agent.0,
            ballot(*promise),
            store.0
        ),
        Deed::Vowed { agent, promise, .. } => {
            format!("{{a{}}} promises {}", agent.0, ballot(*promise))
        }
        Deed::Kept { store, name } => format!(
            "{{a{}}}'s snapshot before slot {} comes to stand on {{s{}}}",
            name.agent.0, name.slot.0, store.0
        ),
        Deed::Dropped {
            store,
            agent,
            below,
        } => format!(
            "{{a{}}} has {{s{}}} drop what is below slot {}",
            agent.0, store.0, below.0
        ),
        Deed::Scanned { errand, votes, .. } => {
            let vote = greatest(votes, slot);
            let vote = vote.map_or_else(
                || "no vote".to_owned(),
                |vote| format!("a vote in ballot {:?}", vote.ballot),
            );
            format!(
                "{{a{}}} reads slot {n} on {{s{}}}: {vote}",
                errand.agent.0, errand.store.0
            )
        }
        Deed::Shown { errand, heads } => {
            let most = heads.iter().max_by_key(|(_, promise, _)| *promise);
            let most = most.and_then(|&(_, promise, _)| promise);
            format!(
                "{{a{}}} reads promises on {{s{}}}: the greatest is {}",
                errand.agent.0,
                errand.store.0,
                ballot(most)
            )
        }
        Deed::Told { errand } => {
            format!("{{a{}}} hears from {{s{}}}", errand.agent.0, errand.store.0)
        }
        Deed::Stands { agent, ballot } => {
            format!("{{a{}}} stands for leader in ballot {ballot:?}", agent.0)
        }
        Deed::Leads {
            agent,
            ballot,
            from,
        } => format!(
            "{{a{}}} leads in ballot {ballot:?} from slot {} on",
            agent.0, from.0
        ),
        Deed::Follows { agent } => format!("{{a{}}} does not lead any more", agent.0),
        Deed::Chosen {
            agent,
            slot,
            requests,
            ..
        } => format!(
            "{{a{}}} decides slot {}: {requests} request{}",
            agent.0,
            slot.0,
            if *requests == 1 { "" } else { "s" }
        ),
        Deed::Applied { agent, slot, .. } => {
            format!("{{a{}}} has applied every slot before {}", agent.0, slot.0)
        }
        Deed::Installed { agent, slot } => format!(
            "{{a{}}} goes on from a snapshot before slot {}",
            agent.0, slot.0
        ),
        Deed::Asked { agent, .. } => format!("{{a{}}} is asked", agent.0),
        Deed::Answered { agent, .. } => format!("{{a{}}} answers", agent.0),
        Deed::Broke {
            kind,
            agent,
            store,
            what,
        } => {
            let agent = agent.map(|agent| format!("{{a{}}} ", agent.0));
            let store = store.map(|store| format!("{{s{}}} ", store.0));
            let who = agent.or(store).unwrap_or_default();
            format!("{}: {who}{what}", kind.name())
        }
    }
}

/// A ballot, or none, in words.
fn ballot(it: Option<Ballot>) -> String {
    it.map_or_else(|| "none".to_owned(), |it| format!("ballot {it:?}"))
}

/// The vote of the greatest ballot for a slot.
fn greatest(votes: &[Cast], slot: Slot) -> Option<Cast> {
    let votes = votes.iter().filter(|vote| vote.slot == slot).copied();
    votes.max_by_key(|vote| vote.ballot)
}

/// A line that is no event.
fn fact(text: impl Into<String>) -> Line {
    Line {
        step: None,
        text: text.into(),
    }
}
