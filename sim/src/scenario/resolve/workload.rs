//! How replicas are tuned, and what their clients ask for.

use std::ops::Range;

use bivalent_core::Spread;

use super::{Resolver, conflict, idle};
use crate::scenario::shape::Field;
use crate::scenario::spec::{ReplicaSpec, WorkloadSpec};
use crate::scenario::units::Chance;
use crate::scenario::workload::{MachineKind, Pace, Tuning, Workload};

/// No workload has more clients an agent, or more requests a client, than that.
const CLIENTS_MAX: u64 = 1000;
const REQUESTS_MAX: u64 = 1_000_000;
const KEYS_MAX: u64 = 100_000;

impl Resolver<'_> {
    /// How replicas are tuned.
    pub(super) fn tuning(&mut self, field: Option<Field<ReplicaSpec>>) -> Tuning {
        let mut tuning = Tuning::default();
        let Some(spec) = self.read(field) else {
            return tuning;
        };
        let spec = spec.into_inner();
        if let Some(every) = self.positive("heartbeat", spec.heartbeat) {
            tuning.heartbeat.every = *every.get_ref();
            tuning.heartbeat.spread = *every.get_ref();
        }
        if let Some(patience) = self.number("patience", spec.patience, 1, 1_000_000) {
            tuning.heartbeat.patience = *patience.get_ref() as u32;
        }
        if let Some(spread) = self.read(spec.spread) {
            tuning.heartbeat.spread = spread.get_ref().0;
        }
        if let Some(batch) = self.number("batch", spec.batch, 1, 4096) {
            tuning.batch = *batch.get_ref() as u16;
        }
        if let Some(window) = self.number("window", spec.window, 1, 4096) {
            tuning.window = *window.get_ref() as u16;
        }
        let every = self.number("snapshot-every", spec.snapshot_every, 1, u64::MAX);
        if let Some(every) = every {
            tuning.snapshot_every = *every.get_ref();
        }
        if let Some(word) = self.read(spec.send_to)
            && let Some(index) = self.word("number of stores", &word, &["all", "quorum"])
        {
            tuning.spread = [Spread::All, Spread::Quorum][index];
        }
        tuning
    }

    /// What clients ask for.
    pub(super) fn workload(&mut self, field: Option<Field<WorkloadSpec>>) -> Workload {
        let mut load = Workload::default();
        let Some(spec) = self.read(field) else {
            return load;
        };
        let spec = spec.into_inner();
        if let Some(word) = self.read(spec.machine)
            && let Some(index) =
                self.word("machine", &word, &MachineKind::ALL.map(MachineKind::name))
        {
            load.machine = MachineKind::ALL[index];
        }
        if let Some(clients) = self.number("clients", spec.clients, 1, CLIENTS_MAX) {
            load.clients = *clients.get_ref() as u32;
        }
        load.at = self.agent_set(spec.at);
        if let Some(requests) = self.number("requests", spec.requests, 1, REQUESTS_MAX) {
            load.requests = *requests.get_ref() as u32;
        }
        match (self.read(spec.think), self.read(spec.every)) {
            (Some(_), Some(every)) => {
                let flaw = conflict(
                    "`think` is for a closed loop, `every` for an open one",
                    "which one?",
                );
                let help = "think: a pause after each answer; every: a request at each time, answered or not";
                self.notes.add(every.span(), flaw.help(help));
            }
            (Some(think), None) => load.pace = Pace::Closed(think.get_ref().0),
            (None, Some(every)) => load.pace = Pace::Open(every.get_ref().0),
            (None, None) => {}
        }
        self.share(spec.reads, &mut load.reads);
        let stale_reads = self.share(spec.stale_reads, &mut load.stale_reads);
        if let (Some(span), 0, 1..) = (stale_reads, load.reads, load.stale_reads) {
            let flaw = idle("`stale-reads` does nothing here: there are no queries");
            self.notes
                .add(span, flaw.help("leave it out, or make `reads` more than 0"));
        }
        let skew = self.share(spec.skew, &mut load.skew);
        self.share(spec.give_up, &mut load.give_up);
        if let Some(keys) = self.number("keys", spec.keys, 1, KEYS_MAX) {
            load.keys = *keys.get_ref() as u32;
        }
        if let (Some(span), 1, 1..) = (skew, load.keys, load.skew) {
            let flaw = idle("`skew` does nothing here: there is one key");
            self.notes
                .add(span, flaw.help("leave it out, or make `keys` more than 1"));
        }
        if let Some(retry) = self.positive("retry", spec.retry) {
            load.retry_ns = retry.into_inner();
        }
        if let Some(session) = self.number("session", spec.session, 1, REQUESTS_MAX) {
            load.session = *session.get_ref() as u32;
        }
        load
    }

    /// A share, and where it stands.
    fn share(&mut self, field: Option<Field<Chance>>, share: &mut u32) -> Option<Range<usize>> {
        let chance = self.read(field)?;
        *share = chance.get_ref().0;
        Some(chance.span())
    }
}
