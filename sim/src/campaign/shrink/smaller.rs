//! Smaller scenarios: one without some agents, stores or rules, everything that names them put right.

use bivalent_core::{
    AgentId, Envelope,
    Staleness::{PerReader, PerRun},
};

use crate::scenario::{
    Adversary, Fuzz, Scenario, bears,
    fault::{Fault, FaultRule, Scope, Trigger},
};

/// What stays of a set when some of its members go and the others move up. All stays all.
fn squeezed(set: u128, gone: u128, count: usize) -> u128 {
    let all = 1_u128
        .checked_shl(count as u32)
        .map_or(u128::MAX, |bit| bit - 1);
    if set & all == all {
        return u128::MAX;
    }
    let stay = (0..count).filter(|member| gone & 1 << member == 0);
    let moved = stay
        .enumerate()
        .filter(|(_, member)| set & 1 << member != 0);
    moved.fold(0, |set, (to, _)| set | 1 << to)
}

/// How a set of agents and a set of stores change.
struct Squeeze {
    agents: (u128, usize),
    stores: (u128, usize),
}

impl Squeeze {
    fn agents(&self, set: &mut u128) -> bool {
        *set = squeezed(*set, self.agents.0, self.agents.1);
        *set != 0
    }

    fn stores(&self, set: &mut u16) -> bool {
        let all = u128::from(*set) | if *set == u16::MAX { u128::MAX } else { 0 };
        *set = squeezed(all, self.stores.0, self.stores.1) as u16;
        *set != 0
    }

    fn scope(&self, scope: &mut Scope) -> bool {
        // Each of them, whatever the others come to.
        let agents = self.agents(&mut scope.agents);
        let owners = self.agents(&mut scope.owners);
        self.stores(&mut scope.stores) && agents && owners
    }

    /// The rule afterwards, unless it can hit nobody any more.
    fn rule(&self, rule: &FaultRule) -> Option<FaultRule> {
        let mut rule = rule.clone();
        let waits = match &mut rule.trigger {
            Trigger::When(condition) => {
                self.agents(&mut condition.agents) && self.stores(&mut condition.stores)
            }
            Trigger::At(_) | Trigger::During(..) | Trigger::Chance(_) | Trigger::Nth(_) => true,
        };
        let hits = match &mut rule.fault {
            Fault::Crash { agents, .. }
            | Fault::Restart { agents }
            | Fault::Pause { agents, .. }
            | Fault::ClockSkew { agents, .. } => self.agents(agents),
            Fault::Outage { stores, .. }
            | Fault::SlowStore { stores, .. }
            | Fault::Amnesia { stores, .. }
            | Fault::StoreLoss { stores } => self.stores(stores),
            Fault::MisdirectedWrite { scope, onto } => {
                let there = onto.is_none_or(|id| self.agents.0 & id.bit() == 0);
                *onto = onto.and_then(|id| self.moved(id));
                self.scope(scope) && there
            }
            Fault::Delay { scope, .. }
            | Fault::Reorder { scope }
            | Fault::LostRequest { scope }
            | Fault::LostAck { scope }
            | Fault::LateWrite { scope, .. }
            | Fault::Duplicate { scope, .. }
            | Fault::TornWrite { scope, .. }
            | Fault::StaleRead { scope, .. }
            | Fault::StaleListing { scope, .. }
            | Fault::BitRot { scope, .. } => self.scope(scope),
        };
        (waits && hits).then_some(rule)
    }

    /// An agent's id afterwards, if it stays.
    fn moved(&self, id: AgentId) -> Option<AgentId> {
        let before = id.bit() - 1;
        let stays = self.agents.0 & id.bit() == 0;
        let passed = (self.agents.0 & before).count_ones() as u16;
        stays.then(|| AgentId(id.0 - passed))
    }
}

/// A smaller scenario, and which of the rules of the greater one are still there.
pub(crate) struct Smaller {
    pub(crate) scenario: Scenario,
    pub(crate) rules: Vec<usize>,
}

/// The scenario without these agents; none if that can't be.
pub(crate) fn without_agents(scenario: &Scenario, gone: u128) -> Option<Smaller> {
    let count = scenario.cluster.agents.len();
    let squeeze = Squeeze {
        agents: (gone, count),
        stores: (0, scenario.cluster.stores.len()),
    };
    let mut next = scenario.clone();
    next.cluster.agents = stay(&scenario.cluster.agents, gone);
    let place = |id: u16| squeeze.moved(AgentId(id)).map(|id| id.0);
    match scenario.schedule.adversary {
        // Its entries name agents.
        Adversary::Script(_) => return None,
        Adversary::Duel(a, b) => {
            let both = place(a).zip(place(b));
            next.schedule.adversary =
                both.map_or(Adversary::Random, |(a, b)| Adversary::Duel(a, b));
        }
        Adversary::Random
        | Adversary::Fair
        | Adversary::Pct { .. }
        | Adversary::Pos
        | Adversary::Oblivious
        | Adversary::ContentAware
        | Adversary::StateAware
        | Adversary::KeepBivalent => {}
    }
    let served = squeeze.agents(&mut next.workload.at);
    if next.cluster.agents.is_empty() || !served {
        return None;
    }
    let proposed = |value: &String| {
        let mut agents = next.cluster.agents.iter();
        agents.any(|agent| agent.proposal == *value)
    };
    next.expect.value = scenario.expect.value.clone().filter(proposed);
    Some(with_rules_of(next, &squeeze))
}

/// The scenario without these stores; none if that can't be.
pub(crate) fn without_stores(scenario: &Scenario, gone: u128) -> Option<Smaller> {
    if matches!(scenario.schedule.adversary, Adversary::Script(_)) {
        return None;
    }
    let squeeze = Squeeze {
        agents: (0, scenario.cluster.agents.len()),
        stores: (gone, scenario.cluster.stores.len()),
    };
    let mut next = scenario.clone();
    next.cluster.stores = stay(&scenario.cluster.stores, gone);
    let count = next.cluster.stores.len() as u8;
    next.cluster.envelope = envelope_of(count, scenario.cluster.envelope)?;
    Some(with_rules_of(next, &squeeze))
}

/// The scenario without these rules, by number.
pub(super) fn without_rules(scenario: &Scenario, gone: u128) -> Smaller {
    let mut next = scenario.clone();
    next.faults = stay(&scenario.faults, gone);
    let numbers: Vec<usize> = (0..scenario.faults.len()).collect();
    Smaller {
        scenario: tidy(next),
        rules: stay(&numbers, gone),
    }
}

/// The same scenario but for what says nothing any more.
pub(super) fn tidy(mut scenario: Scenario) -> Scenario {
    scenario.fuzz = Fuzz::default();
    if !scenario.schedule.adversary.picks() {
        let agents = scenario.cluster.agents.len() as u64;
        let stores = scenario.cluster.stores.len() as u64;
        // Nobody is patient: what a file without a word about it means.
        scenario.schedule.patience = 64.max(4 * agents * agents * stores);
        scenario.schedule.crashes = 0;
    }
    scenario.settle();
    scenario
}

fn with_rules_of(mut next: Scenario, squeeze: &Squeeze) -> Smaller {
    let all = next.faults.iter().enumerate();
    let (protocol, agents) = (next.cluster.protocol, next.cluster.agents.len());
    let hitting = all.filter_map(|(number, rule)| {
        let rule = squeeze.rule(rule)?;
        (!bears::is_idle(&rule, protocol, agents)).then_some((number, rule))
    });
    let (rules, faults) = hitting.unzip();
    next.faults = faults;
    Smaller {
        scenario: tidy(next),
        rules,
    }
}

/// The envelope of fewer stores that promises most like this one.
fn envelope_of(stores: u8, before: Envelope) -> Option<Envelope> {
    let (PerRun(most) | PerReader(most)) = before.staleness();
    let staleness = |stale| match before.staleness() {
        PerRun(_) => PerRun(stale),
        PerReader(_) => PerReader(stale),
    };
    let mut bearable = (0..=most).rev();
    let least =
        bearable.find_map(|stale| Envelope::with_staleness(stores, staleness(stale)).ok())?;
    let was_least = Envelope::with_staleness(before.stores(), before.staleness()) == Ok(before);
    if was_least {
        return Some(least);
    }
    let quorum = before.quorum().clamp(least.quorum(), stores);
    least.quorum_of(quorum).ok()
}

fn stay<T: Clone>(list: &[T], gone: u128) -> Vec<T> {
    let numbered = list.iter().enumerate();
    numbered
        .filter(|(number, _)| *number >= 128 || gone & 1 << number == 0)
        .map(|(_, thing)| thing.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: &str = r#"
title = "Named"
summary = "Rules that name agents and stores."
[cluster]
agents = { a = "x", b = "y", c = "z" }
stores = ["s", "t", "u"]
stale = 1
[schedule]
adversary = { duel = ["a", "c"] }
[[fault]]
when = { happens = "phase-2", agent = "c" }
crash = { agent = ["a", "c"], restart = "1ms" }
[[fault]]
at = "1ms"
outage = { store = "u", for = "1ms" }
[[fault]]
chance = 0.1
delay = { agent = "b", store = ["t", "u"], by = "1ms" }
[expect]
outcome = { violation = "agreement" }
"#;

    fn scenario() -> Scenario {
        let none = |_: &str| Err("no file".to_owned());
        Scenario::parse("named", NAMED, &none).unwrap()
    }

    #[test]
    fn a_set_closes_up_and_all_stays_all() {
        assert_eq!(squeezed(0b1101, 0b0001, 4), 0b110);
        assert_eq!(squeezed(0b0001, 0b0001, 4), 0);
        assert_eq!(squeezed(0b1111, 0b0001, 4), u128::MAX);
        assert_eq!(squeezed(u128::MAX, 1, 128), u128::MAX);
        assert_eq!(squeezed(1 << 127, 1, 128), 1 << 126);
    }

    #[test]
    fn an_agent_takes_its_rules_with_it_and_the_others_keep_theirs() {
        let smaller = without_agents(&scenario(), 0b010).unwrap();

        assert_eq!(smaller.rules, [0, 1], "the delay hit b alone");
        assert_eq!(smaller.scenario.schedule.adversary, Adversary::Duel(0, 1));
        let Trigger::When(condition) = smaller.scenario.faults[0].trigger else {
            panic!("it waits for a condition");
        };
        assert_eq!(condition.agents, 0b10);
        assert!(without_agents(&scenario(), 0b111).is_none());

        let without_duellist = without_agents(&scenario(), 0b001).unwrap();
        assert_eq!(
            without_duellist.scenario.schedule.adversary,
            Adversary::Random
        );
    }

    #[test]
    fn a_store_takes_its_rules_with_it_and_leaves_a_safe_quorum() {
        let two = without_stores(&scenario(), 0b100).unwrap();

        assert_eq!(two.rules, [0, 2]);
        assert_eq!(two.scenario.faults[1].fault.scope().unwrap().stores, 0b10);
        assert_eq!(two.scenario.cluster.envelope.quorum(), 2);
        assert_eq!(two.scenario.cluster.envelope.staleness(), PerRun(1));

        let one = without_stores(&scenario(), 0b110).unwrap();
        assert_eq!(one.scenario.cluster.envelope.staleness(), PerRun(0));
        assert!(without_stores(&scenario(), 0b111).is_none());
    }

    #[test]
    fn rules_go_by_number() {
        let smaller = without_rules(&scenario(), 0b101);

        assert_eq!(smaller.rules, [1]);
        assert_eq!(smaller.scenario.faults.len(), 1);
    }
}
