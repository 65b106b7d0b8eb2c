//! Passes over the scenario: its agents, stores, rules, clients and settings.

use super::{
    list::{renumbered, ways},
    settings::{idler, simpler},
    smaller::{Smaller, without_agents, without_rules, without_stores},
    trial::{Found, Trials},
};
use crate::{
    campaign::guard::How,
    scenario::{Scenario, fault::Trigger},
};

/// A smaller scenario may take so many times as long to fail as the greater one, and some steps more.
const LONGER: u64 = 2;
const LONGER_BY: u64 = 64;

impl Trials<'_> {
    /// Leaves out what it can of the scenario, and makes the rest simpler; says whether it did.
    pub(super) fn shrink_world(&mut self, best: &mut Found, longest: u64) -> bool {
        let mut smaller = false;
        smaller |= self.drop_some(
            best,
            longest,
            |scenario| scenario.faults.len(),
            |scenario, gone| Some(without_rules(scenario, gone)),
        );
        let agents = |scenario: &Scenario| scenario.cluster.agents.len();
        smaller |= self.drop_some(best, longest, agents, without_agents);
        // With fewer stores it takes fewer to be silent: what is about progress would be another thing.
        if best.failure.is_unsafe() {
            let stores = |scenario: &Scenario| scenario.cluster.stores.len();
            smaller |= self.drop_some(best, longest, stores, without_stores);
        }
        smaller |= self.idle(best, longest);
        smaller
    }

    /// Leaves out chunks of something that a scenario has so many of: large chunks first.
    fn drop_some(
        &mut self,
        best: &mut Found,
        longest: u64,
        count: impl Fn(&Scenario) -> usize,
        without: impl Fn(&Scenario, u128) -> Option<Smaller>,
    ) -> bool {
        let mut smaller = false;
        let mut size = count(&best.scenario);
        while size > 0 {
            let mut end = count(&best.scenario);
            while end > 0 && !self.over() {
                let start = end.saturating_sub(size);
                let gone = (start..end.min(128)).fold(0, |set, it| set | 1_u128 << it);
                if let Some(next) = without(&best.scenario, gone) {
                    smaller |= self.replant(best, next, longest);
                }
                end = start.min(count(&best.scenario));
            }
            size /= 2;
        }
        smaller
    }

    /// Fewer requests of fewer clients.
    fn idle(&mut self, best: &mut Found, longest: u64) -> bool {
        let mut smaller = false;
        'again: while !self.over() {
            for scenario in idler(&best.scenario) {
                let next = all_rules(scenario);
                if self.replant(best, next, longest) {
                    smaller = true;
                    continue 'again;
                }
            }
            break;
        }
        smaller
    }

    /// Simpler settings.
    pub(super) fn simplify(&mut self, best: &mut Found) -> bool {
        let mut smaller = false;
        let progress = !best.failure.is_unsafe();
        'again: while !self.over() {
            for scenario in simpler(&best.scenario, progress) {
                // Never for a longer run: a reader follows the run, not the settings.
                let longest = best.step;
                if self.replant(best, all_rules(scenario), longest) {
                    smaller = true;
                    continue 'again;
                }
            }
            break;
        }
        smaller
    }

    /// The same run in a scenario whose time ends with it, if nothing in it comes later.
    pub(super) fn end_sooner(&mut self, best: &mut Found) {
        let starts = best.scenario.faults.iter().map(|rule| match rule.trigger {
            Trigger::At(at) | Trigger::During(at, _) => at + 1,
            Trigger::When(_) | Trigger::Chance(_) | Trigger::Nth(_) => 0,
        });
        let last = starts.max().unwrap_or(0);
        let heal = best.scenario.heal_ns.map_or(0, |heal| heal + 1);
        let mut scenario = best.scenario.clone();
        let end = best.virtual_ns.max(last).max(heal).max(1);
        scenario.limits.time_ns = scenario.limits.time_ns.min(end);
        if let Some(found) = self.first(&scenario, best.choices.clone())
            && found.step == best.step
            && found.choices == best.choices
        {
            *best = found;
        }
    }

    /// Takes a run of another scenario that fails alike, if one is found: the same choices as far as they
    /// fit, or others.
    fn replant(&mut self, best: &mut Found, next: Smaller, longest: u64) -> bool {
        if self.over() {
            return false;
        }
        let mut scenario = next.scenario;
        scenario.limits.steps = longest.min(best.step * LONGER + LONGER_BY);
        let kinds = self.kinds(best);
        let choices = renumbered(&best.choices, &kinds, &next.rules);
        let fresh = self.seeds_for(&scenario, scenario.limits.steps);
        let hows = ways(&choices, &kinds).into_iter();
        let hows = hows.chain((0..fresh).map(How::Kept));
        self.replace(best, &scenario, hows)
    }
}

fn all_rules(scenario: Scenario) -> Smaller {
    let rules = (0..scenario.faults.len()).collect();
    Smaller { scenario, rules }
}
