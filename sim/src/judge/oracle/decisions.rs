//! The judges of one decision: agreement, validity and integrity, of whatever agents decide.

use bivalent_core::Value;

use super::{Decider, agreement::Agreement, integrity::Integrity, validity::Validity};

/// The judges of what agents say that they have decided.
#[derive(Clone, Debug)]
pub(crate) struct Decisions {
    agreement: Agreement,
    validity: Validity,
    integrity: Integrity,
}

impl Decisions {
    /// Judges of a run in which values 1 to `values` are proposed.
    pub(crate) fn new(values: u64) -> Self {
        Self {
            agreement: Agreement::default(),
            validity: Validity::new(values),
            integrity: Integrity::default(),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.agreement.reset();
        self.integrity.reset();
    }

    /// An incarnation says it has decided: each property that this breaks, and how.
    pub(crate) fn decided(
        &mut self,
        who: Decider,
        value: Value,
    ) -> [Option<(&'static str, String)>; 3] {
        [
            self.agreement
                .decided(who, value)
                .map(|detail| ("agreement", detail)),
            self.validity
                .decided(who, value)
                .map(|detail| ("validity", detail)),
            self.integrity
                .decided(who, value)
                .map(|detail| ("integrity", detail)),
        ]
    }
}
