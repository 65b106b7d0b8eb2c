//! Envelope accounting: did the faults that landed stay inside what the protocol promises to
//! survive?
//!
//! Counted: stores that answered anyone with an old version (stale reads, amnesia, lies about
//! writes, a rotten newest version), against the envelope, per run or per reader; and faults that a
//! block format does not survive at all. Not counted: what endangers progress only (silent stores,
//! crashes, unreadable blocks), and stale reads where all writes have a condition: there, a store
//! counts only if it forgets what it took.

use bivalent_core::{AgentId, Envelope, Format, Staleness, StoreId};

use crate::scenario::{fault::FaultKind, plan::Plan};

/// The account of one run.
#[derive(Clone, Debug)]
pub(crate) struct Accounting {
    envelope: Envelope,
    format: Format,
    /// All writes have a condition.
    conditional: bool,
    /// Stores stale to each reader.
    stale: Vec<u16>,
    /// Stores stale to somebody.
    any: u16,
    /// Kinds that this format does not survive, as a bit set.
    fatal: u32,
}

impl Accounting {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            envelope: plan.envelope,
            format: plan.layout.format(),
            conditional: plan.protocol.is_conditional(),
            stale: vec![0; plan.agents],
            any: 0,
            fatal: 0,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.stale.fill(0);
        self.any = 0;
        self.fatal = 0;
    }

    /// A store answered a reader with an old version.
    pub(crate) fn stale_to(&mut self, reader: AgentId, store: StoreId) {
        if self.conditional {
            // Whoever acts on an old record is refused; what an old record says was true once.
            return;
        }
        self.stale[reader.index()] |= store.bit();
        self.any |= store.bit();
    }

    /// A store holds old versions, whoever reads.
    pub(crate) fn stale_to_all(&mut self, store: StoreId) {
        self.stale
            .iter_mut()
            .for_each(|stores| *stores |= store.bit());
        self.any |= store.bit();
    }

    /// The stores that have been stale to a reader.
    pub(crate) fn stale_for(&self, reader: AgentId) -> u16 {
        self.stale[reader.index()]
    }

    /// Whether a store has been stale to anyone.
    pub(crate) const fn is_stale(&self, store: StoreId) -> bool {
        self.any & store.bit() != 0
    }

    /// A kind of fault changed a block on a store.
    pub(crate) fn landed(&mut self, kind: FaultKind, store: StoreId) {
        let fatal = match self.format {
            // Nothing tells a changed raw block from a written one.
            Format::Raw => matches!(
                kind,
                FaultKind::TornWrite
                    | FaultKind::BitRot
                    | FaultKind::MisdirectedWrite
                    | FaultKind::LateWrite
                    | FaultKind::Duplicate
            ),
            // A late write takes a place back in time, wherever places are overwritten.
            Format::Checked | Format::Dual => {
                matches!(kind, FaultKind::LateWrite | FaultKind::Duplicate)
            }
            Format::Versioned => false,
        };
        // Falling back a version; or a write that is not where it was acknowledged to be.
        let falls_back =
            kind == FaultKind::BitRot && matches!(self.format, Format::Dual | Format::Versioned);
        if falls_back || matches!(kind, FaultKind::MisdirectedWrite | FaultKind::Amnesia) {
            self.stale_to_all(store);
        }
        self.fatal |= u32::from(fatal) << kind.index();
    }

    /// What went beyond the promise, in words.
    pub(crate) fn exceeded(&self) -> Vec<String> {
        let mut exceeded: Vec<String> = FaultKind::ALL
            .into_iter()
            .filter(|kind| self.fatal & 1 << kind.index() != 0)
            .map(|kind| format!("{} on {} blocks", kind.name(), format_name(self.format)))
            .collect();
        let most = self
            .stale
            .iter()
            .map(|stores| stores.count_ones())
            .max()
            .unwrap_or(0);
        let (had, bound, whose) = match self.envelope.staleness() {
            Staleness::PerRun(bound) => (self.any.count_ones(), bound, "in the run"),
            Staleness::PerReader(bound) => (most, bound, "to one reader"),
        };
        if had > u32::from(bound) {
            exceeded.push(format!("{had} stale stores {whose}, {bound} promised"));
        }
        exceeded
    }
}

/// The word for a block format.
pub(crate) const fn format_name(format: Format) -> &'static str {
    match format {
        Format::Raw => "raw",
        Format::Checked => "checked",
        Format::Dual => "dual",
        Format::Versioned => "versioned",
    }
}

#[cfg(test)]
mod tests {
    use bivalent_core::Layout;

    use super::*;

    fn account(format: Format, staleness: Staleness) -> Accounting {
        Accounting {
            envelope: Envelope::with_staleness(5, staleness).unwrap(),
            format: Layout::new(512, 64, format).unwrap().format(),
            conditional: false,
            stale: vec![0; 3],
            any: 0,
            fatal: 0,
        }
    }

    #[test]
    fn stale_stores_count_once_each_and_up_to_the_bound_they_are_inside() {
        let mut account = account(Format::Dual, Staleness::PerRun(1));

        account.stale_to(AgentId(0), StoreId(2));
        account.stale_to(AgentId(1), StoreId(2));
        assert_eq!(account.exceeded(), [""; 0]);

        account.stale_to(AgentId(1), StoreId(3));
        assert_eq!(
            account.exceeded(),
            ["2 stale stores in the run, 1 promised"]
        );
    }

    #[test]
    fn readers_with_stale_stores_of_their_own_are_counted_apart() {
        let mut account = account(Format::Dual, Staleness::PerReader(1));

        account.stale_to(AgentId(0), StoreId(2));
        account.stale_to(AgentId(1), StoreId(3));
        assert_eq!(account.exceeded(), [""; 0]);

        account.landed(FaultKind::Amnesia, StoreId(2));
        assert_eq!(
            account.exceeded(),
            ["2 stale stores to one reader, 1 promised"]
        );
    }

    #[test]
    fn what_a_format_does_not_survive_is_outside_and_what_it_does_is_not() {
        let outside = |format, kind| {
            let mut account = account(format, Staleness::PerRun(1));
            account.landed(kind, StoreId(0));
            !account.exceeded().is_empty()
        };

        assert!(outside(Format::Raw, FaultKind::TornWrite));
        assert!(outside(Format::Raw, FaultKind::BitRot));
        assert!(outside(Format::Dual, FaultKind::LateWrite));
        assert!(outside(Format::Checked, FaultKind::Duplicate));
        assert!(!outside(Format::Dual, FaultKind::TornWrite));
        assert!(!outside(Format::Versioned, FaultKind::LateWrite));
        assert!(!outside(Format::Checked, FaultKind::BitRot));
    }
}
