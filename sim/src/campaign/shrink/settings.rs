//! Simpler settings: the scenarios that differ from one in a single setting that says less there.

use bivalent_core::Contention;

use super::smaller::tidy;
use crate::{
    campaign::price::Matrix,
    scenario::{
        Adversary, Expected, Protocol, Scenario, Schedule,
        fault::{Delay, Fault, FaultRule, Span, StaleBound},
        workload::{Pace, Workload},
    },
};

/// How much the settings say: less is simpler.
pub(super) fn weight(scenario: &Scenario) -> u64 {
    let schedule = &scenario.schedule;
    let rules = scenario.faults.iter().map(weight_of_rule);
    let mut weight = weight_of_adversary(&schedule.adversary)
        + u64::from(schedule.crashes)
        + weight_of_delay(&schedule.read)
        + weight_of_delay(&schedule.write)
        + weight_of_pause(schedule.retry)
        + u64::from(schedule.start_ns > 0)
        + u64::from(scenario.heal_ns.is_some())
        + u64::from(scenario.price != Matrix::default())
        + rules.sum::<u64>();
    if scenario.cluster.protocol == Protocol::ReplicatedLog {
        let load = &scenario.workload;
        let (Pace::Closed(pause) | Pace::Open(pause)) = load.pace;
        let shares = [load.stale_reads, load.skew, load.give_up];
        weight += u64::from(load.keys)
            + u64::from(scenario.tuning.batch)
            + u64::from(scenario.tuning.window)
            + u64::from(matches!(load.pace, Pace::Open(_)))
            + weight_of_span(pause)
            + u64::from(load.reads > 0 && load.reads < ALL)
            + shares.iter().filter(|&&share| share > 0).count() as u64;
    }
    weight
}

/// A share of one.
const ALL: u32 = 1_000_000_000;

fn weight_of_adversary(adversary: &Adversary) -> u64 {
    match adversary {
        Adversary::Random => 0,
        Adversary::Fair => 1,
        Adversary::Pct { depth, within } => 2 + u64::from(*depth) + u64::from(within.is_some()),
        Adversary::Duel(..)
        | Adversary::Pos
        | Adversary::Oblivious
        | Adversary::ContentAware
        | Adversary::StateAware
        | Adversary::KeepBivalent
        | Adversary::Script(_) => 2,
    }
}

fn weight_of_delay(delay: &Delay) -> u64 {
    match delay {
        Delay::Range(span) => weight_of_span(*span),
        Delay::Histogram(_) => 2,
    }
}

const fn weight_of_span(span: Span) -> u64 {
    (span.min != span.max) as u64
}

const fn weight_of_pause(pause: Contention) -> u64 {
    match pause {
        Contention::None => 0,
        Contention::Random { min, max } if min == max => 1,
        Contention::Random { .. } => 2,
        Contention::Exponential { .. } => 3,
    }
}

fn weight_of_rule(rule: &FaultRule) -> u64 {
    let spans = spans_of(rule).map_or(0, weight_of_span);
    let amount = match rule.fault {
        Fault::BitRot { bits, .. } => u64::from(bits),
        Fault::StaleRead {
            bound: StaleBound::Versions(versions),
            ..
        } => u64::from(versions),
        Fault::Crash { .. }
        | Fault::Restart { .. }
        | Fault::Pause { .. }
        | Fault::ClockSkew { .. }
        | Fault::Outage { .. }
        | Fault::SlowStore { .. }
        | Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::MisdirectedWrite { .. } => 0,
    };
    spans + amount
}

fn spans_of(rule: &FaultRule) -> Option<Span> {
    match rule.fault {
        Fault::Crash { restart: span, .. }
        | Fault::Pause { span, .. }
        | Fault::Outage { span, .. }
        | Fault::SlowStore { span, .. } => span,
        Fault::Delay { by, .. } | Fault::LateWrite { by, .. } | Fault::Duplicate { by, .. } => {
            Some(by)
        }
        Fault::Restart { .. }
        | Fault::ClockSkew { .. }
        | Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => None,
    }
}

/// Scenarios that differ from one in one setting.
struct Variants<'a> {
    scenario: &'a Scenario,
    found: Vec<Scenario>,
}

impl Variants<'_> {
    /// One more, if it is simpler.
    fn with(&mut self, change: impl Fn(&mut Scenario)) {
        let mut next = self.scenario.clone();
        change(&mut next);
        let next = tidy(next);
        if weight(&next) < weight(self.scenario) {
            self.found.push(next);
        }
    }
}

/// Every scenario with one simpler setting, the greatest steps first.
///
/// Where it is about `progress`, what everybody needs to make progress stays: without a pause after an abort,
/// or without the heal, any run may stall, and that would not be the stall that was found.
pub(super) fn simpler(scenario: &Scenario, progress: bool) -> Vec<Scenario> {
    let found = Vec::new();
    let mut variants = Variants { scenario, found };
    variants.with(|next| next.price = Matrix::default());
    variants.with(|next| next.schedule.adversary = Adversary::Random);
    if let Adversary::Pct { depth, within } = scenario.schedule.adversary {
        let pct = |depth: u32, within| Adversary::Pct {
            depth: depth.max(1),
            within,
        };
        variants.with(|next| next.schedule.adversary = pct(depth, None));
        for depth in [1, depth / 2, depth.saturating_sub(1)] {
            variants.with(|next| next.schedule.adversary = pct(depth, within));
        }
    }
    variants.with(|next| next.schedule.crashes = 0);
    variants.with(|next| next.schedule.crashes = next.schedule.crashes.saturating_sub(1));
    if !progress && !matches!(scenario.expect.outcome, Expected::Stall { .. }) {
        variants.with(|next| next.heal_ns = None);
    }
    variants.with(|next| {
        least(&mut next.schedule.read);
        least(&mut next.schedule.write);
    });
    variants.with(|next| least(&mut next.schedule.read));
    variants.with(|next| least(&mut next.schedule.write));
    if !progress {
        variants.with(|next| next.schedule.retry = Contention::None);
        variants.with(|next| fix_pause(&mut next.schedule));
    }
    variants.with(|next| next.schedule.start_ns = 0);
    if scenario.cluster.protocol == Protocol::ReplicatedLog {
        simpler_replicas(&mut variants);
    }
    for number in 0..scenario.faults.len() {
        variants.with(|next| fix_span(&mut next.faults[number]));
        for amount in [1, 2] {
            variants.with(|next| at_most(&mut next.faults[number], amount));
        }
    }
    variants.found
}

fn simpler_replicas(variants: &mut Variants<'_>) {
    let keys = variants.scenario.workload.keys;
    for keys in [1, 2, keys / 2, keys - 1] {
        variants.with(|next| next.workload.keys = keys.max(1));
    }
    for size in [1, 2, 4] {
        variants.with(|next| next.tuning.batch = size.min(next.tuning.batch));
        variants.with(|next| next.tuning.window = size.min(next.tuning.window));
    }
    variants.with(|next| next.workload.skew = 0);
    variants.with(|next| next.workload.give_up = 0);
    variants.with(|next| next.workload.stale_reads = 0);
    variants.with(|next| next.workload.reads = 0);
    variants.with(|next| next.workload.reads = ALL);
    variants.with(|next| {
        let (Pace::Closed(span) | Pace::Open(span)) = next.workload.pace;
        next.workload.pace = Pace::Closed(fixed(span));
    });
}

/// Every scenario whose clients ask for less in all, the greatest steps first.
pub(super) fn idler(scenario: &Scenario) -> Vec<Scenario> {
    let Workload {
        requests, clients, ..
    } = scenario.workload;
    let mut found = Vec::new();
    let mut with = |change: &dyn Fn(&mut Workload)| {
        let mut next = scenario.clone();
        change(&mut next.workload);
        if self::requests(&next) < self::requests(scenario) {
            found.push(tidy(next));
        }
    };
    for few in [1, requests / 8, requests / 4, requests / 2] {
        with(&|load| load.requests = few.max(1));
    }
    with(&|load| load.clients = 1);
    with(&|load| load.clients = (clients / 2).max(1));
    for agent in 0..scenario.cluster.agents.len() {
        with(&|load| load.at = 1 << agent);
    }
    with(&|load| load.clients = clients.saturating_sub(1).max(1));
    with(&|load| load.requests = (requests * 3 / 4).max(1));
    with(&|load| load.requests = requests.saturating_sub(1).max(1));
    found
}

/// What all clients ask for in all.
pub(super) fn requests(scenario: &Scenario) -> u64 {
    if scenario.cluster.protocol != Protocol::ReplicatedLog {
        return 0;
    }
    let load = &scenario.workload;
    let agents = 0..scenario.cluster.agents.len();
    let homes = agents.filter(|agent| load.at & 1 << agent != 0).count() as u64;
    homes * u64::from(load.clients) * u64::from(load.requests)
}

const fn fixed(span: Span) -> Span {
    let min = span.min;
    Span { min, max: min }
}

fn least(delay: &mut Delay) {
    let min = match delay {
        Delay::Range(span) => span.min,
        Delay::Histogram(table) => table.values[0],
    };
    *delay = Delay::Range(Span { min, max: min });
}

fn fix_pause(schedule: &mut Schedule) {
    match schedule.retry {
        Contention::None => {}
        Contention::Random { min, .. } | Contention::Exponential { min, .. } => {
            schedule.retry = Contention::Random { min, max: min };
        }
    }
}

fn fix_span(rule: &mut FaultRule) {
    match &mut rule.fault {
        Fault::Crash { restart: span, .. }
        | Fault::Pause { span, .. }
        | Fault::Outage { span, .. }
        | Fault::SlowStore { span, .. } => *span = span.map(fixed),
        Fault::Delay { by, .. } | Fault::LateWrite { by, .. } | Fault::Duplicate { by, .. } => {
            *by = fixed(*by);
        }
        Fault::Restart { .. }
        | Fault::ClockSkew { .. }
        | Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::BitRot { .. }
        | Fault::MisdirectedWrite { .. } => {}
    }
}

fn at_most(rule: &mut FaultRule, amount: u32) {
    match &mut rule.fault {
        Fault::BitRot { bits: it, .. }
        | Fault::StaleRead {
            bound: StaleBound::Versions(it),
            ..
        } => *it = amount.min(*it),
        Fault::Crash { .. }
        | Fault::Restart { .. }
        | Fault::Pause { .. }
        | Fault::ClockSkew { .. }
        | Fault::Outage { .. }
        | Fault::SlowStore { .. }
        | Fault::Amnesia { .. }
        | Fault::StoreLoss { .. }
        | Fault::Delay { .. }
        | Fault::Reorder { .. }
        | Fault::LostRequest { .. }
        | Fault::LostAck { .. }
        | Fault::LateWrite { .. }
        | Fault::Duplicate { .. }
        | Fault::TornWrite { .. }
        | Fault::StaleRead { .. }
        | Fault::StaleListing { .. }
        | Fault::MisdirectedWrite { .. } => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::catalogue;

    fn chapter(path: &str) -> Scenario {
        let chapter = catalogue::chapters().iter().find(|it| it.name == path);
        Scenario::parse(path, chapter.unwrap().text, &catalogue::open).unwrap()
    }

    #[test]
    fn what_is_simpler_weighs_less_and_comes_to_an_end() {
        let mut scenario = chapter("scenarios/log/storm-kv.toml");

        for _ in 0..1000 {
            let Some(next) = simpler(&scenario, false).pop() else {
                break;
            };
            assert!(weight(&next) < weight(&scenario));
            scenario = next;
        }
        assert_eq!(simpler(&scenario, false), []);
        assert_eq!(scenario.heal_ns, None);
    }

    #[test]
    fn idler_clients_ask_for_less_down_to_one_request() {
        let mut scenario = chapter("scenarios/log/storm-kv.toml");
        assert_eq!(requests(&scenario), 3 * 2 * 16);

        while let Some(next) = idler(&scenario).pop() {
            assert!(requests(&next) < requests(&scenario));
            scenario = next;
        }
        assert_eq!(requests(&scenario), 1);
    }

    #[test]
    fn a_heal_that_is_spoken_of_stays() {
        let scenario = chapter("scenarios/basic/majority-out-until-the-heal.toml");

        let kept = |next: &Scenario| next.heal_ns == scenario.heal_ns;
        assert!(scenario.heal_ns.is_some() && simpler(&scenario, false).iter().all(kept));
    }
}
