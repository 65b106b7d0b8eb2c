//! The oracles: they look at a run and never take part in it. One file each.

pub(crate) mod agreement;
pub(crate) mod decisions;
pub(crate) mod envelope;
pub(crate) mod integrity;
pub(crate) mod records;
pub(crate) mod store_model;
pub(crate) mod validity;

use std::{fmt, sync::Arc};

use bivalent_core::{AgentId, Value};

use crate::scenario::plan::Plan;

/// Who decided: an agent and its incarnation.
pub(crate) type Decider = (AgentId, u16);

/// All judges of a run of blocks.
#[derive(Clone, Debug)]
pub(crate) struct Oracles {
    pub(crate) decisions: decisions::Decisions,
    pub(crate) store_model: store_model::StoreModel,
    pub(crate) records: records::Records,
}

impl Oracles {
    pub(crate) fn new(plan: &Arc<Plan>) -> Self {
        Self {
            decisions: decisions::Decisions::new(plan.values.len() as u64),
            store_model: store_model::StoreModel::new(plan),
            records: records::Records::new(plan),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.decisions.reset();
        self.store_model.reset();
        self.records.reset();
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
