//! Stall reports: who got in whose way, how near a decision was, and what would have helped.
//!
//! What would have helped is tried, not guessed: from the very state in which the stall was found, a
//! change is made and the run goes on, on 64 seeds each where stores are blocks, on 16 where they are buckets.

use bivalent_core::{AgentId, Contention};
use serde::Serialize;

use crate::{
    engine::{
        Change, Engine, System,
        dice::Dice,
        journal::{Contest, Found, Journal},
    },
    judge::report::Stall,
    scenario::{Adversary, Protocol, Scenario},
};

/// A trial has this many times as long as the scenario gives a run before it calls it stalled.
pub const STALLS_LONG: u64 = 10;
/// Pairs of agents that are named; the rest are counted.
const PAIRS_MAX: usize = 8;

/// A stall, with what led to it and what would have ended it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StallReport {
    /// Kind, span, agents, ballots, and whether it heals.
    #[serde(flatten)]
    pub stall: Stall,
    /// The step that found it: from the state after it the remedies are tried.
    pub found_step: u64,
    /// Who ended whose attempts, the most frequent first.
    pub preemptions: Vec<Preemption>,
    /// Pairs that are not in `preemptions`.
    pub more_pairs: u64,
    /// The nearest that anybody came to a decision in phase 2, if anybody was there.
    pub nearest: Option<Nearest>,
    /// What was tried.
    pub remedies: Vec<Remedy>,
    /// How long a trial lasted at most, virtual ns.
    pub trial_ns: u64,
    /// And at most so many steps.
    pub trial_steps: u64,
}

/// One agent's ballots ended another's attempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preemption {
    /// Who gave up.
    pub agent: String,
    /// Whose ballot it met.
    pub by: String,
    /// How often.
    pub times: u64,
}

/// How near a decision was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// Who.
    pub agent: String,
    /// The round of its ballot.
    pub ballot: u64,
    /// How many answers were missing.
    pub missing: u32,
}

/// One change, tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// Its name: `nothing`, `fair-schedule`, `random-backoff`, `one-leader`, `no-faults`,
    /// `stores-repaired`, `agents-restarted`, `everything`.
    pub remedy: &'static str,
    /// What was changed, in words.
    pub change: String,
    /// How many trials; none if it makes no sense here.
    pub tried: u32,
    /// In how many somebody decided.
    pub decided: u32,
    /// Half of those that decided had done so after this, virtual ns.
    pub median_ns: Option<u64>,
    /// Why it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<&'static str>,
}

/// One change to each trial, or why there is none.
type Changes = Result<Vec<Change>, &'static str>;

/// The stalls of a run, as it was reported and as it was noted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stalls<'a> {
    pub(crate) stalls: &'a [Stall],
    pub(crate) journal: &'a Journal,
}

/// Reports on the first stalls of a run of a seed.
pub(crate) fn reports<S: System>(
    engine: &mut Engine<S>,
    scenario: &Scenario,
    seed: u64,
    of: Stalls<'_>,
) -> Vec<StallReport> {
    let found = of.journal.found.iter().zip(of.stalls);
    found
        .take(S::TRIALS.stalls)
        .map(|(found, stall)| report(engine, scenario, seed, stall, found))
        .collect()
}

fn report<S: System>(
    engine: &mut Engine<S>,
    scenario: &Scenario,
    seed: u64,
    stall: &Stall,
    found: &Found,
) -> StallReport {
    let name = |id: AgentId| scenario.cluster.agents[id.index()].name.clone();
    let Contest { preempted, nearest } = &found.contest;
    let mut preemptions: Vec<Preemption> = preempted
        .iter()
        .map(|(&(agent, by), &times)| Preemption {
            agent: name(agent),
            by: name(by),
            times,
        })
        .collect();
    // Stable: equally frequent ones stay in the order of the agents.
    preemptions.sort_by_key(|preemption| std::cmp::Reverse(preemption.times));
    let more_pairs = preemptions.len().saturating_sub(PAIRS_MAX) as u64;
    preemptions.truncate(PAIRS_MAX);
    let dice = engine.plan.dice(seed);
    let world = engine.world_after(dice, found.step);
    let until = world.horizon(STALLS_LONG);
    let remedies = remedies(scenario, &world)
        .into_iter()
        .enumerate()
        .map(|(number, (remedy, change, changes))| {
            let seed = seed ^ (number as u64 + 1) << 56;
            let tried = try_all(&world, changes, seed, until);
            Remedy {
                remedy,
                change,
                ..tried
            }
        })
        .collect();
    StallReport {
        stall: stall.clone(),
        found_step: found.step,
        preemptions,
        more_pairs,
        nearest: nearest.map(|nearest| Nearest {
            agent: name(nearest.agent),
            ballot: nearest.ballot.round(),
            missing: nearest.missing,
        }),
        remedies,
        trial_ns: world.ns(until.saturating_sub(world.now())),
        trial_steps: S::TRIALS.steps,
    }
}

/// Every remedy there is, and what to change in a trial of it.
fn remedies<S: System>(
    scenario: &Scenario,
    world: &Engine<S>,
) -> Vec<(&'static str, String, Changes)> {
    let adversary = &scenario.schedule.adversary;
    let scripted = is_scripted(scenario);
    let orders = !matches!(adversary, Adversary::Random | Adversary::Fair);
    let contenders = world.contenders();
    let fallen = world.fallen();
    let backoff = backoff(scenario, world);
    // A script knows one course of things only.
    let unless_scripted = |changes: Changes| {
        if scripted {
            Err("the script says who does what")
        } else {
            changes
        }
    };
    let when = |holds: bool, change: Change, why| if holds { Ok(vec![change]) } else { Err(why) };
    let nobody = "no undecided agent is up";
    let leaders: Vec<Change> = contenders.iter().map(|&id| Change::OneLeader(id)).collect();
    let leaders = if leaders.is_empty() {
        Err(nobody)
    } else {
        Ok(leaders)
    };
    let (who, restarts) = if fallen.is_empty() {
        ("an agent that is up is restarted", &contenders)
    } else {
        ("an agent that is down is restarted", &fallen)
    };
    let restarts: Vec<Change> = restarts.iter().map(|&id| Change::Restart(id)).collect();
    let restarts = if restarts.is_empty() {
        Err("every agent has decided, or is about to return")
    } else {
        Ok(restarts)
    };
    let (pause, changes) = match backoff {
        Ok((min, max)) => {
            let change = Change::Backoff(Contention::Random { min, max });
            let pause = format!("random backoff, {}", range(min, max));
            (pause, when(!contenders.is_empty(), change, nobody))
        }
        Err(why) => ("random backoff".to_owned(), Err(why)),
    };
    vec![
        (
            "nothing",
            "nothing: other luck".to_owned(),
            Ok(vec![Change::Nothing]),
        ),
        (
            "fair-schedule",
            "the schedule turns fair".to_owned(),
            when(orders, Change::FairSchedule, "it is fair"),
        ),
        ("random-backoff", pause, unless_scripted(changes)),
        (
            "one-leader",
            "one leader, the others stand still".to_owned(),
            unless_scripted(leaders),
        ),
        (
            "no-faults",
            "no new faults".to_owned(),
            when(
                !scenario.faults.is_empty(),
                Change::NoFaults,
                "there are none",
            ),
        ),
        (
            "stores-repaired",
            "every store answers again".to_owned(),
            when(
                world.has_broken_stores(),
                Change::StoresRepaired,
                "every store answers",
            ),
        ),
        (
            "agents-restarted",
            who.to_owned(),
            unless_scripted(restarts),
        ),
        (
            "everything",
            "no new faults, all stores answer, all agents restarted".to_owned(),
            unless_scripted(Ok(vec![Change::Everything])),
        ),
    ]
}

/// Whether a script says who does what.
pub(crate) const fn is_scripted(scenario: &Scenario) -> bool {
    matches!(scenario.schedule.adversary, Adversary::Script(_))
}

/// A random pause that leaves room for a whole attempt between those of all others, nanoseconds; or why there is none.
pub(crate) fn backoff<S: System>(
    scenario: &Scenario,
    world: &Engine<S>,
) -> Result<(u64, u64), &'static str> {
    const MS: u64 = 1_000_000;
    match scenario.cluster.protocol {
        Protocol::ReplicatedLog => return Err("replicas wait for heartbeats, not for a pause"),
        Protocol::PutIfAbsent => return Err("an agent has one attempt, which nothing aborts"),
        Protocol::DiskPaxos | Protocol::AcceptorRecords => {}
    }
    // Two phases, a write and a read in each.
    let attempt = 2 * S::HOPS * world.typical_ns();
    let attempt = attempt.div_ceil(MS) * MS;
    let agents = scenario.cluster.agents.len() as u64;
    let wanted = (attempt, 4 * agents * attempt);
    let (_, longest) = scenario.schedule.retry.pause(u32::MAX);
    if longest < wanted.1 {
        Ok(wanted)
    } else {
        Err("its pauses are random and longer already")
    }
}

fn range(min: u64, max: u64) -> String {
    format!("{}ms..{}ms", min / 1_000_000, max / 1_000_000)
}

/// Trials go through the changes in turn.
fn try_all<S: System>(world: &Engine<S>, changes: Changes, seed: u64, until: u64) -> Remedy {
    let mut remedy = Remedy {
        remedy: "",
        change: String::new(),
        tried: 0,
        decided: 0,
        median_ns: None,
        skipped: None,
    };
    let changes = match changes {
        Ok(changes) => changes,
        Err(why) => {
            remedy.skipped = Some(why);
            return remedy;
        }
    };
    let mut times: Vec<u64> = (0..S::TRIALS.seeds)
        .filter_map(|trial| {
            let change = changes[trial as usize % changes.len()];
            // Seeds of their own: one after the other, high above those of campaigns.
            let dice = Dice::new(seed.rotate_left(32) ^ u64::from(trial) << 48);
            world.with(change, dice, (S::TRIALS.steps, until))
        })
        .collect();
    times.sort_unstable();
    remedy.tried = S::TRIALS.seeds;
    remedy.decided = times.len() as u32;
    // The lower one of the two in the middle.
    remedy.median_ns = times
        .get(times.len().saturating_sub(1) / 2)
        .map(|&ticks| world.ns(ticks));
    remedy
}
