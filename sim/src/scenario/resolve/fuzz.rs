//! What a campaign may vary, and what it could not.

use std::ops::Range;

use bivalent_core::{Envelope, MAX_AGENTS, MAX_STORES};
use serde_spanned::Spanned;

use super::adversary::SMALL;
use super::{Resolver, idle, missing};
use crate::scenario::bears;
use crate::scenario::fault::FaultKind;
use crate::scenario::shape::{Field, Flaw};
use crate::scenario::spec::FuzzSpec;
use crate::scenario::units::Counts;
use crate::scenario::{Adversary, Cluster, Fuzz, Schedule};

/// Faults that a campaign adds, unless it says how many.
pub(in crate::scenario) const FUZZ_FAULTS: u64 = 3;

impl Resolver<'_> {
    /// What a campaign may vary.
    pub(super) fn fuzz(
        &mut self,
        field: Option<Field<FuzzSpec>>,
        schedule: Option<&Schedule>,
        cluster: Option<&Cluster>,
    ) -> Fuzz {
        let mut fuzz = Fuzz::default();
        let Some(spec) = self.read(field) else {
            return fuzz;
        };
        let spec = spec.into_inner();
        let agents = self.counts("agents", spec.agents, MAX_AGENTS as u64);
        let stores = self.counts("stores", spec.stores, MAX_STORES as u64);
        if let Some(schedule) = schedule {
            self.counts_bound(schedule, cluster, agents.as_ref(), stores.as_ref());
            self.counts_small(schedule, cluster, agents.as_ref(), stores.as_ref());
        }
        if let Some(cluster) = cluster {
            self.counts_safe(cluster, stores.as_ref());
        }
        fuzz.agents = agents.map(Spanned::into_inner);
        fuzz.stores = stores.map(Spanned::into_inner);
        let retries = self.read(spec.retry);
        for retry in retries.map_or_else(Vec::new, Spanned::into_inner) {
            let retry = self.read(Some(retry));
            fuzz.retry.extend(retry.and_then(|retry| self.retry(retry)));
        }
        if let Some(faults) = self.read(spec.faults) {
            let place = faults.span();
            let faults = faults.into_inner();
            if let Some(schedule) = schedule {
                self.no_adding(schedule, &place);
            }
            if faults.add.is_none() {
                self.notes
                    .add(place, missing("add").help("add = [\"crash\", \"delay\"]"));
            }
            let kinds = FaultKind::ALL.map(FaultKind::name);
            let add = self.read(faults.add);
            for kind in add.map_or_else(Vec::new, Spanned::into_inner) {
                if let Some(word) = self.read(Some(kind))
                    && let Some(index) = self.word("fault", &word, &kinds)
                    && !fuzz.add.contains(&FaultKind::ALL[index])
                {
                    self.bearable(FaultKind::ALL[index], &word.span());
                    if let Some(cluster) = cluster {
                        self.addable(FaultKind::ALL[index], cluster, &word.span());
                    }
                    fuzz.add.push(FaultKind::ALL[index]);
                }
            }
            let most = self.number("at-most", faults.at_most, 1, 256);
            fuzz.at_most = most.map_or(FUZZ_FAULTS, Spanned::into_inner) as u32;
        }
        fuzz
    }

    /// Notes faults to be added where the adversary bears none.
    fn no_adding(&mut self, schedule: &Schedule, span: &Range<usize>) {
        let alone = matches!(
            schedule.adversary.at_first(),
            Adversary::Script(_) | Adversary::KeepBivalent
        );
        if alone {
            let flaw = idle("no faults are added here: the adversary bears none beside it");
            let help = "leave `faults` out, or use another adversary";
            self.notes.add(span.clone(), flaw.help(help));
        }
    }

    fn counts(
        &mut self,
        key: &str,
        field: Option<Field<Counts>>,
        most: u64,
    ) -> Option<Spanned<(u8, u8)>> {
        let counts = self.read(field)?;
        let Counts { from, to } = *counts.get_ref();
        let to = to.unwrap_or(from);
        if from == 0 || to > most {
            let flaw = Flaw::new(
                "bivalent::scenario::out_of_range",
                format!("`{key}` is {from}..{to}"),
                "out of range",
            );
            let help = format!("`{key}` lies within 1..{most}, both included");
            self.notes.add(counts.span(), flaw.help(help));
            return None;
        }
        Some(Spanned::new(counts.span(), (from as u8, to as u8)))
    }

    /// Notes counts that a campaign would not take because the adversary names agents or stores.
    fn counts_bound(
        &mut self,
        schedule: &Schedule,
        cluster: Option<&Cluster>,
        agents: Option<&Spanned<(u8, u8)>>,
        stores: Option<&Spanned<(u8, u8)>>,
    ) {
        let (names_agents, names_stores) = schedule.adversary.names();
        let had = cluster.map(|it| (it.agents.len(), it.stores.len()));
        let Some((had_agents, had_stores)) = had else {
            return;
        };
        for (what, bound, counts, had) in [
            ("agents", names_agents, agents, had_agents),
            ("stores", names_stores, stores, had_stores),
        ] {
            let Some(counts) = counts.filter(|_| bound) else {
                continue;
            };
            if usize::from(counts.get_ref().0) < had {
                let fact = format!("the adversary names {what}: there are never fewer than {had}");
                let help = format!("begin the range at {had}, or use another adversary");
                self.notes.add(counts.span(), idle(fact).help(help));
            }
        }
    }

    /// Notes counts of which some make a system too large for its adversary.
    fn counts_small(
        &mut self,
        schedule: &Schedule,
        cluster: Option<&Cluster>,
        agents: Option<&Spanned<(u8, u8)>>,
        stores: Option<&Spanned<(u8, u8)>>,
    ) {
        let exact = *schedule.adversary.at_first() == Adversary::KeepBivalent;
        let Some(cluster) = cluster.filter(|_| exact) else {
            return;
        };
        let most = |counts: Option<&Spanned<(u8, u8)>>, had: usize| {
            counts.map_or(had, |counts| usize::from(counts.get_ref().1))
        };
        let (had_agents, had_stores) = (cluster.agents.len(), cluster.stores.len());
        let most_agents = most(agents, had_agents);
        let most_stores = most(stores, had_stores);
        let Some(span) = stores.or(agents).map(Spanned::span) else {
            return;
        };
        if !bears::has_valences(cluster.protocol, most_agents, most_stores) {
            let fact = format!(
                "`keep-bivalent` needs the valence of every state, and there are too many with {most_agents} agents \
                 and {most_stores} stores"
            );
            let help = format!("{SMALL}; else adversary = \"state-aware\"");
            self.notes.add(span, idle(fact).help(help));
        }
    }

    /// Notes counts of stores on which no quorum is safe.
    fn counts_safe(&mut self, cluster: &Cluster, stores: Option<&Spanned<(u8, u8)>>) {
        let Some(stores) = stores else { return };
        let staleness = cluster.envelope.staleness();
        let (least, _) = *stores.get_ref();
        if let Err(error) = Envelope::with_staleness(least, staleness) {
            let safe = |count: &u8| Envelope::with_staleness(*count, staleness).is_ok();
            let first = (1..=MAX_STORES as u8).find(safe);
            let help = first.map_or_else(
                || "leave it out".to_owned(),
                |first| format!("begin the range at {first}"),
            );
            let flaw = idle(error.to_string());
            self.notes.add(stores.span(), flaw.help(help));
        }
    }

    /// Notes a fault that a campaign could never add.
    fn addable(&mut self, kind: FaultKind, cluster: &Cluster, place: &Range<usize>) {
        if kind == FaultKind::StaleListing && cluster.bucket.is_none() {
            let flaw = idle("a store of blocks lists nothing");
            let help = "add bucket = {} to [cluster], or leave the fault out";
            self.notes.add(place.clone(), flaw.help(help));
        }
    }
}
