//! What runs came to, so that it can be added up: block by block, shard by shard, in any order.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer as _, V2DeflateSerializer},
};
use serde::{Deserialize, Serialize, Serializer};

use super::portfolio::Scheduler;
use crate::{
    campaign::failure::Failure,
    judge::{
        coverage::Coverage,
        probe::Probe,
        report::{FaultCount, Outcome},
        verdict::Finished,
    },
    scenario::{fault::FaultKind, hlog},
};

/// Different sets of faults that failures of one kind are kept apart by; the rest is counted with the first.
const SETS_MAX: usize = 64;

/// What a number of runs came to.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Runs, those run twice to be compared counted once.
    pub runs: u64,
    /// Runs that decided.
    pub decided: u64,
    /// Runs that stalled.
    pub stalled: u64,
    /// Runs that broke a property, or panicked, or did not end.
    pub broken: u64,
    /// Runs whose budget ended first.
    pub inconclusive: u64,
    /// Violations outside the envelope: limits that are known.
    pub beyond: u64,
    /// Runs that were run twice and compared.
    pub compared: u64,
    /// Steps in all.
    pub steps: u64,
    /// Reads and writes in all.
    pub store_ops: u64,
    /// By scheduler.
    pub schedulers: BTreeMap<Scheduler, SchedulerTally>,
    /// Faults of each kind.
    pub faults: BTreeMap<String, Struck>,
    /// How many runs came to each probe, by the number of the probe.
    pub probes: Vec<u64>,
    /// The features that some run has been in.
    pub features: Features,
    /// Virtual time to each decision, ns.
    pub latency: Times,
    /// Steps of each run.
    pub lengths: Times,
    /// The runs that failed, by failure and by what had struck them.
    pub failures: Vec<Failed>,
    /// The exclusive or of all runs' fingerprints, each mixed with its seed: equal if the runs are.
    pub fingerprint: u64,
}

/// What one scheduler did.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SchedulerTally {
    /// Its runs.
    pub runs: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were in a feature new to their block.
    pub new: u64,
}

/// How often a kind of fault struck.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Struck {
    /// It was chosen.
    pub drawn: u64,
    /// It changed something.
    pub landed: u64,
    /// An agent met the change.
    pub observed: u64,
}

/// Runs that failed alike, with the same kinds of fault.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failed {
    /// How.
    pub failure: Failure,
    /// The kinds of fault that had struck, as a bit set by [`FaultKind::index`].
    pub struck: u32,
    /// How many.
    pub count: u64,
    /// The first of them.
    pub seed: u64,
    /// Whose the first one was.
    pub scheduler: Scheduler,
}

/// A set of features that can be written down.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Features(pub Coverage);

/// A histogram that can be written down: the compressed form of version 2, in base64.
#[derive(Clone, Debug, PartialEq)]
pub struct Times(pub Histogram<u64>);

impl Times {
    /// The histogram as a log that other programs and scenarios read.
    pub fn log(&self, comment: &str) -> String {
        hlog::log(&self.0, comment, std::time::Duration::ZERO)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self(crate::judge::verdict::latency_histogram())
    }
}

impl Tally {
    /// Adds a run that has ended by itself or in a panic.
    pub(super) fn add_run(&mut self, seed: u64, run: &dyn Finished, outcome: Outcome) {
        self.runs += 1;
        match outcome {
            Outcome::Decided => self.decided += 1,
            Outcome::Stalled => self.stalled += 1,
            Outcome::Unsafe => self.broken += 1,
            Outcome::Inconclusive => self.inconclusive += 1,
        }
        self.steps += run.steps();
        self.store_ops += run.store_ops();
        for (kind, count) in run.faults() {
            if count != FaultCount::default() {
                let sum = self.faults.entry(kind.name().to_owned()).or_default();
                sum.drawn += count.drawn;
                sum.landed += count.landed;
                sum.observed += count.observed;
            }
        }
        self.probes.resize(Probe::ALL.len(), 0);
        let probes = run.probes();
        for (probe, count) in Probe::ALL.iter().zip(&mut self.probes) {
            *count += u64::from(probes & probe.bit() != 0);
        }
        run.latencies(&mut |ns| self.latency.0.saturating_record(ns.max(1)));
        self.lengths.0.saturating_record(run.steps().max(1));
        self.fingerprint ^= mixed(seed, run.fingerprint());
    }

    /// Adds a run that failed.
    pub(super) fn add_failure(&mut self, failed: Failed) {
        let alike = |known: &Failed| known.failure.is_like(&failed.failure);
        let same = |known: &&mut Failed| alike(known) && known.struck == failed.struck;
        if let Some(known) = self.failures.iter_mut().find(same) {
            known.count += failed.count;
            if failed.seed < known.seed {
                (known.seed, known.scheduler) = (failed.seed, failed.scheduler);
            }
            return;
        }
        if self.failures.iter().filter(|known| alike(known)).count() >= SETS_MAX {
            if let Some(first) = self.failures.iter_mut().find(|known| alike(known)) {
                first.count += failed.count;
            }
            return;
        }
        self.failures.push(failed);
    }

    /// Adds what others came to. The failures are not part of the sum: they belong to a scenario.
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.decided += other.decided;
        self.stalled += other.stalled;
        self.broken += other.broken;
        self.inconclusive += other.inconclusive;
        self.beyond += other.beyond;
        self.compared += other.compared;
        self.steps += other.steps;
        self.store_ops += other.store_ops;
        for (&scheduler, tally) in &other.schedulers {
            let sum = self.schedulers.entry(scheduler).or_default();
            sum.runs += tally.runs;
            sum.failed += tally.failed;
            sum.new += tally.new;
        }
        for (kind, count) in &other.faults {
            let sum = self.faults.entry(kind.clone()).or_default();
            sum.drawn += count.drawn;
            sum.landed += count.landed;
            sum.observed += count.observed;
        }
        self.probes.resize(Probe::ALL.len(), 0);
        for (sum, count) in self.probes.iter_mut().zip(&other.probes) {
            *sum += count;
        }
        self.features.0.take(&other.features.0);
        let both = "all of them have the same bounds";
        self.latency.0.add(&other.latency.0).expect(both);
        self.lengths.0.add(&other.lengths.0).expect(both);
        self.fingerprint ^= other.fingerprint;
    }

    /// How many runs came to a probe.
    pub fn probe(&self, probe: Probe) -> u64 {
        self.probes.get(probe as usize).copied().unwrap_or(0)
    }

    /// How often a kind of fault struck.
    pub fn struck(&self, kind: FaultKind) -> Struck {
        self.faults.get(kind.name()).copied().unwrap_or_default()
    }
}

/// A run's fingerprint with its seed.
fn mixed(seed: u64, fingerprint: u64) -> u64 {
    let mut hash = crate::engine::fingerprint::Fingerprint::new();
    hash.mix(seed, fingerprint);
    hash.value()
}

impl Serialize for Features {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = self.0.features().flat_map(u16::to_le_bytes).collect();
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Features {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        let pairs = bytes.chunks_exact(2);
        Ok(Self(
            pairs
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect(),
        ))
    }
}

impl Serialize for Times {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut bytes)
            .map_err(serde::ser::Error::custom)?;
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = BASE64_STANDARD
            .decode(text)
            .map_err(serde::de::Error::custom)?;
        let read: Histogram<u64> = Deserializer::new()
            .deserialize(&mut &bytes[..])
            .map_err(serde::de::Error::custom)?;
        // Into one with our own bounds: what is added up must have the same.
        let mut times = Self::default();
        times.0.add(&read).map_err(serde::de::Error::custom)?;
        Ok(times)
    }
}
