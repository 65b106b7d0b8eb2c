//! The oracles: they look at a run and never take part in it. One file each.

pub(crate) mod agreement;
pub(crate) mod envelope;
pub(crate) mod integrity;
pub(crate) mod invariants;
pub(crate) mod records;
pub(crate) mod store_model;
pub(crate) mod validity;

use std::{fmt, sync::Arc};

use bivalent_core::{AgentId, Value};

use crate::{plan::Plan, report::Violation};

/// Who decided: an agent and its incarnation.
pub(crate) type Decider = (AgentId, u16);

/// All judges of a run.
#[derive(Clone, Debug)]
pub(crate) struct Oracles {
    pub(crate) agreement: agreement::Agreement,
    pub(crate) validity: validity::Validity,
    pub(crate) integrity: integrity::Integrity,
    pub(crate) store_model: store_model::StoreModel,
    pub(crate) records: records::Records,
    pub(crate) envelope: envelope::Accounting,
    /// What they found, one a property, by step.
    pub(crate) violations: Vec<Violation>,
}

impl Oracles {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            agreement: agreement::Agreement::default(),
            validity: validity::Validity::new(plan.values.len() as u64),
            integrity: integrity::Integrity::default(),
            store_model: store_model::StoreModel::new(plan),
            records: records::Records::new(plan),
            envelope: envelope::Accounting::new(plan),
            violations: Vec::new(),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.agreement.reset();
        self.integrity.reset();
        self.store_model.reset();
        self.records.reset();
        self.envelope.reset();
        self.violations.clear();
    }

    /// An incarnation says it has decided.
    pub(crate) fn decided(&mut self, step: u64, who: Decider, value: Value) {
        let found = [
            ("agreement", self.agreement.decided(who, value)),
            ("validity", self.validity.decided(who, value)),
            ("integrity", self.integrity.decided(who, value)),
        ];
        for (property, detail) in found {
            if let Some(detail) = detail {
                self.found(step, property, detail);
            }
        }
    }

    /// Takes note of the first breach of each property.
    pub(crate) fn found(&mut self, step: u64, property: &'static str, detail: String) {
        if !self
            .violations
            .iter()
            .any(|known| known.property == property)
        {
            self.violations.push(Violation {
                property,
                step,
                detail,
            });
        }
    }
}

/// A block as reports name it: its owner's, or the one record that all agents share.
pub(crate) fn whose(plan: &Plan, owner: AgentId) -> Whose {
    Whose {
        owner: (!plan.protocol.is_conditional()).then_some(owner),
    }
}

/// See [`whose`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whose {
    owner: Option<AgentId>,
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.owner {
            Some(owner) => write!(f, "{}'s block", name(owner)),
            None => f.write_str("the record"),
        }
    }
}

/// An agent as reports name it before the scenario's names are put in: `{a0}`.
pub(crate) fn name(agent: AgentId) -> String {
    format!("{{a{}}}", agent.0)
}

/// A value as reports name it before the scenario's values are put in: `{v1}`.
pub(crate) fn spell(value: Value) -> String {
    format!("{{v{}}}", value.0)
}
