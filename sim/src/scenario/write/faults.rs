//! Rules of what breaks, as a file says them.

use bivalent_core::{AgentId, StoreId};

use super::words::{duration, factor, quoted, range, share, size};
use super::{Writer, list};
use crate::scenario::Scenario;
use crate::scenario::fault::{
    Condition, Fault, FaultRule, Happening, Scope, Span, StaleBound, Trigger,
};
use crate::scenario::resolve::HAPPENINGS;

/// The keys of an inline table and their values.
type Parts = Vec<String>;

impl Scenario {
    pub(super) fn write_faults(&self, to: &mut Writer) {
        for rule in &self.faults {
            to.section("[[fault]]");
            self.write_rule(rule, to);
        }
    }

    fn write_rule(&self, rule: &FaultRule, to: &mut Writer) {
        match &rule.trigger {
            Trigger::At(at) => to.key("at", duration(*at)),
            Trigger::During(from, until) => {
                let (min, max) = (*from, *until);
                to.key("during", range(Span { min, max }));
            }
            Trigger::When(condition) => to.key("when", braces(&self.condition(condition))),
            Trigger::Chance(parts) => to.key("chance", share(*parts)),
            Trigger::Nth(nth) => to.key("nth", nth),
        }
        if rule.times != rule.trigger.strikes_once().then_some(1) {
            // A rule that strikes once if nothing is said has no other way to say "always".
            to.key("times", rule.times.unwrap_or(u32::MAX));
        }
        let parts = self.fault_in_words(&rule.fault);
        to.key(rule.fault.kind().name(), braces(&parts));
    }

    fn condition(&self, condition: &Condition) -> Parts {
        let Condition {
            happens,
            agents,
            stores,
            nth,
        } = *condition;
        let word = HAPPENINGS.iter().find(|(_, known)| *known == happens);
        let word = word.map_or("", |(word, _)| word);
        let mut parts = vec![format!("happens = {}", quoted(word))];
        parts.extend(self.agents_of(agents));
        if matches!(
            happens,
            Happening::Read | Happening::Write | Happening::Vote
        ) {
            parts.extend(self.stores_of(stores));
        }
        parts.extend((nth != 1).then(|| format!("nth = {nth}")));
        parts
    }

    fn fault_in_words(&self, fault: &Fault) -> Parts {
        match *fault {
            Fault::Crash {
                agents,
                restart,
                unfenced,
            } => {
                let mut parts = self.agents_of(agents);
                parts.extend(restart.map(|span| format!("restart = {}", range(span))));
                parts.extend(unfenced.then(|| "unfenced = true".to_owned()));
                parts
            }
            Fault::Restart { agents } => self.agents_of(agents),
            Fault::Pause { agents, span } => lasting(self.agents_of(agents), span),
            Fault::ClockSkew { agents, rate_ppm } => {
                let rate = 1_000_000_u64.saturating_add_signed(rate_ppm.into());
                let mut parts = self.agents_of(agents);
                parts.push(format!("rate = {}", factor(rate)));
                parts
            }
            Fault::Outage { stores, span } => lasting(self.stores_of(stores), span),
            Fault::SlowStore {
                stores,
                percent,
                span,
            } => {
                let mut parts = self.stores_of(stores);
                parts.push(format!("factor = {}", factor(u64::from(percent) * 10_000)));
                lasting(parts, span)
            }
            Fault::Amnesia { stores, versions } => {
                let mut parts = self.stores_of(stores);
                parts.push(if versions == u32::MAX {
                    "versions = \"all\"".to_owned()
                } else {
                    format!("versions = {versions}")
                });
                parts
            }
            Fault::StoreLoss { stores } => self.stores_of(stores),
            Fault::Delay { scope, by } | Fault::Duplicate { scope, by } => {
                let mut parts = vec![format!("by = {}", range(by))];
                parts.extend(self.operations(scope));
                parts
            }
            Fault::Reorder { scope } | Fault::LostRequest { scope } | Fault::LostAck { scope } => {
                self.operations(scope)
            }
            Fault::LateWrite { scope, by } => {
                let mut parts = vec![format!("by = {}", range(by))];
                parts.extend(self.places(scope));
                parts
            }
            Fault::TornWrite {
                scope,
                keep,
                acknowledged,
            } => {
                let sector = self.cluster.layout.sector();
                let keep = keep.map(|sectors| size(sectors.saturating_mul(sector)));
                let mut parts: Parts = keep
                    .map(|keep| format!("keep = {keep}"))
                    .into_iter()
                    .collect();
                parts.extend(acknowledged.then(|| "acknowledged = true".to_owned()));
                parts.extend(self.places(scope));
                parts
            }
            Fault::StaleRead { scope, bound } | Fault::StaleListing { scope, bound } => {
                let mut parts = vec![match bound {
                    StaleBound::Versions(versions) => format!("versions = {versions}"),
                    StaleBound::Age(ns) => format!("age = {}", duration(ns)),
                }];
                parts.extend(self.places(scope));
                parts
            }
            Fault::BitRot { scope, bits } => {
                let mut parts: Parts = (bits != 1)
                    .then(|| format!("bits = {bits}"))
                    .into_iter()
                    .collect();
                parts.extend(self.operations(scope));
                parts
            }
            Fault::MisdirectedWrite { scope, onto } => {
                let onto = onto.map(|agent| format!("onto = {}", self.agent_name(agent)));
                let mut parts: Parts = onto.into_iter().collect();
                parts.extend(self.places(scope));
                parts
            }
        }
    }

    /// Where operations go, and whether they read or write.
    fn operations(&self, scope: Scope) -> Parts {
        let mut parts = self.places(scope);
        match (scope.reads, scope.writes) {
            (true, false) => parts.push("operation = \"read\"".to_owned()),
            (false, true) => parts.push("operation = \"write\"".to_owned()),
            (true, true) | (false, false) => {}
        }
        parts
    }

    /// Where operations go.
    fn places(&self, scope: Scope) -> Parts {
        let mut parts = self.agents_of(scope.agents);
        parts.extend(self.stores_of(scope.stores));
        if scope.owners != u128::MAX {
            parts.push(format!("owner = {}", self.agent_names(scope.owners)));
        }
        parts
    }

    fn agents_of(&self, agents: u128) -> Parts {
        let some = agents != u128::MAX;
        let said = some.then(|| format!("agent = {}", self.agent_names(agents)));
        said.into_iter().collect()
    }

    fn stores_of(&self, stores: u16) -> Parts {
        if stores == u16::MAX {
            return Vec::new();
        }
        let known = (0..).map(StoreId).zip(&self.cluster.stores);
        let meant = known.filter(|(id, _)| stores & id.bit() != 0);
        let said = names(meant.map(|(_, name)| quoted(name)).collect());
        vec![format!("store = {said}")]
    }

    /// The agents in a set, by name.
    pub(super) fn agent_names(&self, agents: u128) -> String {
        let ids = (0..self.cluster.agents.len() as u16).map(AgentId);
        let ids = ids.filter(|id| agents & id.bit() != 0);
        names(ids.map(|id| self.agent_name(id)).collect())
    }

    fn agent_name(&self, id: AgentId) -> String {
        let agent = self.cluster.agents.get(id.index());
        quoted(agent.map_or("", |agent| &agent.name))
    }
}

/// One name, or a list of them.
fn names(mut names: Vec<String>) -> String {
    match names.len() {
        1 => names.remove(0),
        _ => list(names),
    }
}

fn lasting(mut parts: Parts, span: Option<Span>) -> Parts {
    parts.extend(span.map(|span| format!("for = {}", range(span))));
    parts
}

/// An inline table in one line; its lists may take more.
fn braces(parts: &[String]) -> String {
    if parts.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", parts.join(", "))
    }
}
