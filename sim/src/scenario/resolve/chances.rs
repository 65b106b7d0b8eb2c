//! Chances of faults that can hit the same operation must not add up to more than one.

use super::Resolver;
use super::faults::Rule;
use crate::scenario::fault::{Fault, Scope, Trigger};
use crate::scenario::shape::Flaw;
use crate::scenario::units::CERTAIN;

impl Resolver<'_> {
    /// Notes each rule by chance that leaves no room in some operation.
    pub(super) fn chances(&mut self, rules: &[Rule]) {
        let (Some(agents), Some(stores)) = (&self.agents, &self.stores) else {
            return;
        };
        let (agents, stores) = (agents.len(), stores.len());
        // What has been given away of each operation: reads and writes, by agent, store and owner.
        let mut given = vec![0_u64; 2 * agents * stores * agents];
        for rule in rules {
            let Trigger::Chance(chance) = rule.rule.trigger else {
                continue;
            };
            let scope = opportunities(&rule.rule.fault);
            let mut most = 0;
            let each = (0..agents)
                .flat_map(|agent| (0..stores).map(move |store| (agent, store)))
                .flat_map(|(agent, store)| (0..agents).map(move |owner| (agent, store, owner)));
            for ((agent, store, owner), sums) in each.zip(given.chunks_exact_mut(2)) {
                let inside = scope.agents & 1 << agent != 0
                    && scope.stores & 1 << store != 0
                    && scope.owners & 1 << owner != 0;
                // An agent writes no block but its own.
                let hits = [scope.reads, scope.writes && agent == owner];
                for (sum, hit) in sums.iter_mut().zip(hits) {
                    if inside && hit {
                        *sum += u64::from(chance);
                        most = most.max(*sum);
                    }
                }
            }
            if most > u64::from(CERTAIN) {
                let flaw = Flaw::new(
                    "bivalent::scenario::chance_sum",
                    format!("with this, chances add up to {}", shown(most)),
                    "more than 1 in all",
                );
                let left = u64::from(CERTAIN).saturating_sub(most - u64::from(chance));
                let help = format!(
                    "one draw decides what befalls an operation: {} is left for this fault",
                    shown(left)
                );
                self.notes.add(rule.trigger.clone(), flaw.help(help));
            }
        }
    }
}

/// The operations at which a fault by chance is drawn.
fn opportunities(fault: &Fault) -> Scope {
    if let Some(scope) = fault.scope() {
        return scope;
    }
    match *fault {
        Fault::Crash { agents, .. }
        | Fault::Pause { agents, .. }
        | Fault::ClockSkew { agents, .. } => Scope {
            agents,
            ..Scope::ALL
        },
        Fault::Outage { stores, .. }
        | Fault::SlowStore { stores, .. }
        | Fault::Amnesia { stores, .. }
        | Fault::StoreLoss { stores } => Scope {
            stores,
            ..Scope::ALL
        },
        Fault::Restart { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => Scope::ALL,
    }
}

fn shown(parts: u64) -> String {
    let one = u64::from(CERTAIN);
    let text = format!("{}.{:09}", parts / one, parts % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
