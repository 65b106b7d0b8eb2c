//! Swarm: each run's own configuration, drawn before its schedule.
//!
//! A run that can do everything seldom does much of anything: so each gets a random part of what its
//! scenario allows (Groce et al. 2012): some of its faults, more or less often, fewer or more agents and stores,
//! another pause, another workload, and faults that `[fuzz]` may add.

use bivalent_core::{Envelope, Format, Staleness};

use super::promise;
use crate::{
    campaign::shrink::smaller::{self, Smaller},
    engine::dice::Lots,
    scenario::{
        AgentSpec, Protocol, Scenario,
        fault::{Delay, Fault, FaultKind, FaultRule, Scope, Span, StaleBound, Trigger},
        workload::Pace,
    },
};

/// A run of one decision that has come to none after so many steps will show nothing new.
const STEPS_MAX: u64 = 100_000;
/// Chances are counted in parts of this.
const CERTAIN: u64 = 1_000_000_000;
/// No fault is made likelier than this.
const CHANCE_MAX: u64 = CERTAIN / 4;
/// All chances together are kept below this, so that they can meet in one operation.
const CHANCES_MAX: u64 = CERTAIN / 10 * 9;
/// How often an added fault strikes, parts of a billion of its opportunities.
const CHANCES: [u32; 5] = [1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000];

/// Lots a configuration of a scenario; the schedule is still the scenario's own.
pub(super) fn configuration(base: &Scenario, lots: &mut Lots) -> Scenario {
    let mut drawn = base.clone();
    let mut changed = stores(&mut drawn, lots);
    changed |= agents(&mut drawn, lots);
    if !drawn.schedule.adversary.has_patience() {
        // Nobody says it of such a scenario: what it is follows from its size.
        drawn.schedule.patience = patience(&drawn);
    }
    changed |= pauses(&mut drawn, lots);
    changed |= faults(&mut drawn, lots);
    changed |= added(&mut drawn, lots);
    if drawn.cluster.protocol == Protocol::ReplicatedLog {
        changed |= workload(&mut drawn, lots);
    }
    bound_chances(&mut drawn.faults);
    if drawn.cluster.protocol != Protocol::ReplicatedLog {
        drawn.limits.steps = drawn.limits.steps.min(STEPS_MAX);
    }
    promise::keep(&mut drawn, base, changed);
    drawn.expect.seeds = None;
    if drawn.expect.outcome != base.expect.outcome {
        drawn.expect.stall = None;
        drawn.expect.value = None;
    }
    drawn.settle();
    drawn.drop_idle_rules();
    drawn
}

/// How long operations may be held back where a scenario says nothing: four rounds of everybody's.
pub(super) fn patience(of: &Scenario) -> u64 {
    let (agents, stores) = (of.cluster.agents.len(), of.cluster.stores.len());
    ((4 * agents * agents * stores) as u64).max(64)
}

fn stores(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    let Some((least, most)) = drawn.fuzz.stores else {
        return false;
    };
    let had = drawn.cluster.stores.len();
    let want = lots.within(least.into(), most.into()) as usize;
    let staleness = drawn.cluster.envelope.staleness();
    let Ok(envelope) = Envelope::with_staleness(want as u8, staleness) else {
        return false;
    };
    if want == had {
        return false;
    }
    if want < had {
        let gone = ((1_u128 << had) - 1) & !((1 << want) - 1);
        return replaced(drawn, smaller::without_stores(drawn, gone));
    }
    let stores = &mut drawn.cluster.stores;
    for number in 1.. {
        if stores.len() == want {
            break;
        }
        let name = format!("s{number}");
        if !stores.contains(&name) {
            stores.push(name);
        }
    }
    drawn.cluster.envelope = envelope;
    true
}

/// Takes a smaller scenario; what may be varied stays as it was.
fn replaced(drawn: &mut Scenario, smaller: Option<Smaller>) -> bool {
    let Some(smaller) = smaller else { return false };
    let fuzz = std::mem::take(&mut drawn.fuzz);
    *drawn = Scenario {
        fuzz,
        ..smaller.scenario
    };
    true
}

fn agents(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    let Some((least, most)) = drawn.fuzz.agents else {
        return false;
    };
    let had = drawn.cluster.agents.len();
    let want = lots.within(least.into(), most.into()) as usize;
    let (fixed, _) = drawn.schedule.adversary.names();
    if want == had || (fixed && want < had) {
        return false;
    }
    if want < had {
        let below = |count: usize| {
            1_u128
                .checked_shl(count as u32)
                .map_or(u128::MAX, |bit| bit - 1)
        };
        let gone = below(had) & !below(want);
        return replaced(drawn, smaller::without_agents(drawn, gone));
    }
    let agents = &mut drawn.cluster.agents;
    for number in 1.. {
        if agents.len() == want {
            break;
        }
        let name = format!("a{number}");
        if agents.iter().all(|agent| agent.name != name) {
            let proposal = format!("v{number}");
            agents.push(AgentSpec { name, proposal });
        }
    }
    true
}

fn pauses(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    let retries = std::mem::take(&mut drawn.fuzz.retry);
    let picked = lots.pick(&retries).copied();
    drawn.fuzz.retry = retries;
    let mut changed = false;
    if let Some(retry) = picked {
        changed |= retry != drawn.schedule.retry;
        drawn.schedule.retry = retry;
    }
    // Slow writes leave room between them; agents that start apart meet what is done already.
    if lots.percent(25)
        && let Delay::Range(span) = &mut drawn.schedule.write
    {
        span.max = span
            .max
            .saturating_mul(1 + lots.below(20))
            .min(1_000_000_000);
        changed = true;
    }
    if lots.percent(25)
        && let Delay::Range(span) = &mut drawn.schedule.read
    {
        span.max = span
            .max
            .saturating_mul(1 + lots.below(10))
            .min(1_000_000_000);
        changed = true;
    }
    // Who is impatient asks again while the first try is on its way.
    if lots.percent(30) {
        let timeout = &mut drawn.schedule.timeout_ns;
        *timeout = (*timeout / 8).max(1) << lots.below(6);
        changed = true;
    }
    if lots.percent(25) {
        drawn.schedule.start_ns = lots.within(1, 40) * 1_000_000;
        changed = true;
    }
    changed
}

/// Some faults are left out; those by chance come more or less often.
fn faults(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    if drawn.faults.is_empty() {
        return false;
    }
    // A quarter of the runs has them all.
    if lots.percent(75) {
        drawn.faults.retain(|_| lots.percent(60));
    }
    for rule in &mut drawn.faults {
        if let Trigger::Chance(parts) = &mut rule.trigger {
            let more = [1, 1, 4, 16][lots.below(4) as usize];
            *parts = (u64::from(*parts) * more).min(CHANCE_MAX.max(u64::from(*parts))) as u32;
        }
    }
    true
}

fn added(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    let kinds = std::mem::take(&mut drawn.fuzz.add);
    let count = if kinds.is_empty() {
        0
    } else {
        lots.within(0, u64::from(drawn.fuzz.at_most).min(kinds.len() as u64))
    };
    let liars = liars(drawn, lots);
    let mut left: Vec<FaultKind> = kinds.clone();
    for _ in 0..count {
        let at = lots.below(left.len() as u64) as usize;
        let kind = left.swap_remove(at);
        if let Some(rule) = rule(kind, drawn, liars, lots) {
            drawn.faults.push(rule);
        }
    }
    drawn.fuzz.add = kinds;
    count > 0
}

/// The stores that may be stale within the envelope, as a set drawn once for all faults.
pub(super) fn liars(drawn: &Scenario, lots: &mut Lots) -> u16 {
    let (Staleness::PerRun(most) | Staleness::PerReader(most)) = drawn.cluster.envelope.staleness();
    let stores = drawn.cluster.stores.len() as u64;
    let mut liars = 0_u16;
    while liars.count_ones() < u32::from(most).min(stores as u32) {
        liars |= 1 << lots.below(stores);
    }
    liars
}

/// A fault of a kind, by chance, with settings in proportion to how long things take.
pub(super) fn rule(
    kind: FaultKind,
    of: &Scenario,
    liars: u16,
    lots: &mut Lots,
) -> Option<FaultRule> {
    let write = match &of.schedule.write {
        Delay::Range(span) => span.max,
        Delay::Histogram(table) => table.values[table.values.len() / 2],
    };
    let unit = write.clamp(1_000, 1_000_000_000);
    let mut span = |most: u64| {
        let min = unit / 2 + 1;
        let max = min + unit * (1 + lots.below(most));
        Span { min, max }
    };
    let (scope, all) = (Scope::ALL, u128::MAX);
    let versioned = of.cluster.layout.format() == Format::Versioned;
    // A replica's restart waits for nothing anyway.
    let waits = of.cluster.protocol == Protocol::DiskPaxos && of.cluster.bucket.is_none();
    let is_lying = matches!(
        kind,
        FaultKind::StaleRead | FaultKind::StaleListing | FaultKind::Amnesia
    );
    // Records are refused by what they are, not by who reads them late.
    let bears_all = of.cluster.protocol.is_conditional() && kind == FaultKind::StaleRead;
    if is_lying && liars == 0 && !bears_all {
        return None;
    }
    let stale = Scope {
        stores: if bears_all { u16::MAX } else { liars },
        writes: false,
        ..scope
    };
    let written = Scope {
        reads: false,
        ..scope
    };
    let fault = match kind {
        FaultKind::Crash => {
            let restart = span(20);
            Fault::Crash {
                agents: all,
                restart: Some(restart),
                unfenced: versioned && lots.percent(50) && waits,
            }
        }
        FaultKind::Restart => Fault::Restart { agents: all },
        FaultKind::Pause => Fault::Pause {
            agents: all,
            span: Some(span(40)),
        },
        FaultKind::ClockSkew => Fault::ClockSkew {
            agents: all,
            rate_ppm: if lots.percent(50) {
                2_000_000
            } else {
                -500_000
            },
        },
        FaultKind::Outage => Fault::Outage {
            stores: u16::MAX,
            span: Some(span(40)),
        },
        FaultKind::SlowStore => Fault::SlowStore {
            stores: u16::MAX,
            percent: 500,
            span: Some(span(60)),
        },
        FaultKind::Amnesia => Fault::Amnesia {
            stores: liars,
            versions: if lots.percent(50) { u32::MAX } else { 1 },
        },
        FaultKind::StoreLoss => {
            let stores = of.cluster.stores.len() as u64;
            Fault::StoreLoss {
                stores: 1 << lots.below(stores),
            }
        }
        FaultKind::Delay => Fault::Delay {
            scope,
            by: span(30),
        },
        FaultKind::Reorder => Fault::Reorder { scope },
        FaultKind::LostRequest => Fault::LostRequest { scope },
        FaultKind::LostAck => Fault::LostAck { scope },
        FaultKind::LateWrite => Fault::LateWrite {
            scope: written,
            by: span(60),
        },
        FaultKind::Duplicate => Fault::Duplicate {
            scope,
            by: span(60),
        },
        FaultKind::TornWrite => Fault::TornWrite {
            scope: written,
            keep: None,
            acknowledged: false,
        },
        FaultKind::StaleRead => Fault::StaleRead {
            scope: stale,
            bound: StaleBound::Versions(1 + lots.below(4) as u32),
        },
        FaultKind::StaleListing => Fault::StaleListing {
            scope: stale,
            bound: StaleBound::Versions(1 + lots.below(4) as u32),
        },
        FaultKind::BitRot => Fault::BitRot { scope, bits: 1 },
        FaultKind::MisdirectedWrite => Fault::MisdirectedWrite {
            scope: written,
            onto: None,
        },
    };
    let once = matches!(kind, FaultKind::StoreLoss | FaultKind::Amnesia);
    let chance = lots.pick(&CHANCES).copied().unwrap_or(CHANCES[0]);
    Some(FaultRule {
        trigger: Trigger::Chance(chance),
        times: once.then_some(1),
        fault,
        line: 0,
    })
}

fn workload(drawn: &mut Scenario, lots: &mut Lots) -> bool {
    let load = &mut drawn.workload;
    if lots.percent(50) {
        load.requests = lots.within(4, u64::from(load.requests.clamp(4, 40))) as u32;
    }
    if lots.percent(50) {
        load.clients = lots.within(1, u64::from(load.clients.min(3))) as u32;
    }
    if lots.percent(50) {
        load.reads = [0, 200_000_000, 500_000_000, 800_000_000][lots.below(4) as usize];
    }
    if lots.percent(50) {
        load.keys = lots.within(1, u64::from(load.keys)) as u32;
    }
    if lots.percent(50) {
        load.session = lots.within(2, 8) as u32;
    }
    if lots.percent(30) {
        load.skew = 800_000_000;
    }
    if lots.percent(30)
        && let Pace::Closed(span) = &mut load.pace
    {
        span.max = span.max.saturating_mul(8);
    }
    let tuning = &mut drawn.tuning;
    if lots.percent(50) {
        tuning.batch = [1, 2, 4, 16][lots.below(4) as usize];
    }
    if lots.percent(50) {
        tuning.window = [1, 2, 4, 8][lots.below(4) as usize];
    }
    if lots.percent(50) {
        tuning.snapshot_every = [2, 4, 8, 32][lots.below(4) as usize];
    }
    true
}

/// Keeps the chances of all rules together below what one operation can meet.
fn bound_chances(rules: &mut [FaultRule]) {
    let mut sum = 0;
    for rule in rules.iter() {
        if let Trigger::Chance(parts) = rule.trigger {
            sum += u64::from(parts);
        }
    }
    if sum <= CHANCES_MAX {
        return;
    }
    for rule in rules {
        if let Trigger::Chance(parts) = &mut rule.trigger {
            *parts = ((u64::from(*parts) * CHANCES_MAX / sum) as u32).max(1);
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Expected, catalogue};

    #[test]
    fn what_is_drawn_can_be_written_as_a_file_and_read_again() {
        for chapter in catalogue::chapters() {
            let base = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
            for seed in 0..40 {
                let drawn = configuration(&base, &mut Lots::new(seed));
                let text = drawn.to_toml();
                let again = Scenario::parse(chapter.name, &text, &catalogue::open);

                let mut again = again.unwrap_or_else(|errors| {
                    panic!(
                        "{} seed {seed}: {:?}\n{text}",
                        chapter.name,
                        errors.errors()
                    )
                });
                again.text.clone_from(&drawn.text);
                again.files.clone_from(&drawn.files);
                for (rule, was) in again.faults.iter_mut().zip(&drawn.faults) {
                    rule.line = was.line;
                }
                assert_eq!(again, drawn, "{} seed {seed}\n{text}", chapter.name);
            }
        }
    }

    #[test]
    fn what_may_vary_varies_and_what_may_not_does_not() {
        let text = "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = 3\nstores = 3\n[[fault]]\nchance = 0.01\ncrash = {}\n\
                    [fuzz]\nagents = \"2..4\"\nfaults = { add = [\"delay\", \"torn-write\"], at-most = 2 }\n";
        let base = Scenario::parse("t", text, &|_| Err(String::new())).unwrap();
        let drawn: Vec<Scenario> = (0..200)
            .map(|seed| configuration(&base, &mut Lots::new(seed)))
            .collect();
        let some = |such: &dyn Fn(&Scenario) -> bool| drawn.iter().filter(|it| such(it)).count();

        for agents in 2..=4 {
            assert!(
                some(&|it| it.cluster.agents.len() == agents) > 30,
                "{agents}"
            );
        }
        assert_eq!(some(&|it| it.cluster.stores.len() == 3), 200);
        for kind in [FaultKind::Crash, FaultKind::Delay, FaultKind::TornWrite] {
            let with = some(&|it| it.faults.iter().any(|rule| rule.fault.kind() == kind));
            assert!((40..180).contains(&with), "{kind:?} {with}");
        }
        let promised = |it: &Scenario| it.expect.outcome;
        assert!(some(&|it| promised(it) == Expected::Unwedged) > 20);
        assert_eq!(
            some(&|it| promised(it) != Expected::Any
                && it
                    .faults
                    .iter()
                    .any(|rule| rule.fault.kind() == FaultKind::TornWrite)),
            0,
            "nobody promises that an agent is never cut off by a torn write"
        );
    }
}
