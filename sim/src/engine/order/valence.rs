//! The adversary that knows which values can still be decided, from a graph of all states.

use std::{ops::ControlFlow, sync::Arc};

use super::super::Engine;
use crate::{
    explore::{Exploration, Options, explore},
    scenario::Scenario,
};

/// Exact valences of a small system.
#[derive(Clone, Debug)]
pub(super) struct Valuer {
    known: Option<Arc<Exploration>>,
}

impl Valuer {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let options = Options::default();
        let known = explore(scenario, &options, &mut |_| ControlFlow::Continue(()));
        Self {
            // Scenarios of systems that can't be explored are refused when they are read.
            known: known.ok().map(Arc::new),
        }
    }

    /// The oldest operation after which more than one value can be decided; else somebody's pause is waited
    /// for; else the oldest after which nobody has decided.
    pub(super) fn pick(&self, engine: &Engine) -> usize {
        let known = self.known.as_ref();
        let after = known.and_then(|known| engine.with_world(|world| known.after(world)));
        let Some(after) = after else {
            return 0;
        };
        let best = after.iter().position(|after| after.values.count_ones() > 1);
        let open = || after.iter().position(|after| !after.decided);
        best.or_else(|| engine.wait_choice())
            .or_else(open)
            .unwrap_or(0)
    }
}
