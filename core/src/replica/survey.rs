//! Surveys: reading the log off a quorum of stores, to recover, to catch up, or to lead.

use alloc::{collections::BTreeMap, sync::Arc};

use super::{
    Bug, Replica, Role,
    desk::{Doing, Errand},
    state::State,
};
use crate::{
    Ballot, Batch, HeadRead, LogOp, LogSaid, Port, Slot, SlotVote, Snapshot, SnapshotName,
    StateMachine, StoreId,
};

/// Slots that a lagging replica reads at a time.
const CHUNK: u64 = 512;

/// What was read so far.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Survey<M: StateMachine> {
    /// Tells its answers from those to an earlier one.
    number: u64,
    from: Slot,
    to: Slot,
    /// Stores that were read.
    complete: u16,
    /// The vote of the greatest ballot for each slot.
    pub(super) votes: BTreeMap<Slot, SlotVote<M>>,
    /// Every slot below was known to be decided **before** the first read: only then does a quorum's
    /// greatest vote for it have the decided value.
    pub(super) decided: Slot,
    /// The greatest floor met.
    floor: Option<SnapshotName>,
    /// The greatest ballot that an earlier incarnation of this agent promised.
    own: Option<Ballot>,
    /// The snapshot that is being read, and the store it is asked of.
    fetching: Option<(SnapshotName, StoreId)>,
}

impl<M: StateMachine> Replica<M> {
    /// A survey of the slots that are not applied, up to `to`.
    pub(super) fn new_survey(&mut self, to: Slot) -> Survey<M> {
        self.surveys += 1;
        Survey {
            number: self.surveys,
            from: self.state.applied,
            to,
            complete: 0,
            votes: BTreeMap::new(),
            decided: self.known_decided.min(to),
            floor: None,
            own: None,
            fetching: None,
        }
    }

    /// Reads what is decided and not applied, as much as one read should give.
    pub(super) fn learn(&mut self, port: &mut impl Port<Self>) {
        let to = Slot(self.state.applied.0.saturating_add(CHUNK));
        let survey = self.new_survey(to);
        if let Role::Following { learning } = &mut self.role {
            *learning = Some(survey);
            self.scan_all(port);
        }
    }

    fn survey_mut(&mut self) -> Option<&mut Survey<M>> {
        match &mut self.role {
            Role::Recovering(survey) | Role::Standing { survey, .. } => Some(survey),
            Role::Following { learning } => learning.as_mut(),
            Role::Leading(_) => None,
        }
    }

    /// Asks every store for what the survey wants.
    pub(super) fn scan_all(&mut self, port: &mut impl Port<Self>) {
        for store in self.config.base.stores() {
            self.scan(store, 0, port);
        }
    }

    /// Asks a store, if the survey may count it: who stands reads only where his promise is written.
    pub(super) fn scan(&mut self, store: StoreId, tries: u8, port: &mut impl Port<Self>) {
        let (survey, promised) = match &self.role {
            Role::Recovering(survey) => (survey, true),
            Role::Standing { survey, count, .. } => {
                (survey, self.head.acked[store.index()] >= *count)
            }
            Role::Following { learning } => match learning {
                Some(survey) => (survey, true),
                None => return,
            },
            Role::Leading(_) => return,
        };
        if !promised || survey.complete & store.bit() != 0 || survey.fetching.is_some() {
            return;
        }
        let (number, from, to) = (survey.number, survey.from, survey.to);
        let errand = Errand {
            store,
            doing: Doing::Scan { survey: number },
            tries,
        };
        self.desk.ask(errand, LogOp::Scan { from, to }, port);
    }

    /// Whether the survey of that number still wants an answer from that store.
    pub(super) fn wants_scan(&mut self, number: u64) -> bool {
        self.survey_mut()
            .is_some_and(|survey| survey.number == number)
    }

    pub(super) fn on_scanned(
        &mut self,
        store: StoreId,
        number: u64,
        votes: &[SlotVote<M>],
        heads: &[HeadRead<M>],
        port: &mut impl Port<Self>,
    ) {
        self.note_heads(heads, port);
        let me = self.config.base.me;
        if !self.wants_scan(number) {
            return;
        }
        if let Role::Standing { ballot, .. } = self.role {
            let highest = votes.iter().map(|vote| vote.bal).max();
            let above = self.rival(heads).max(highest);
            if above > Some(ballot) {
                self.step_down(above, port);
                return;
            }
        }
        let Some(survey) = self.survey_mut() else {
            return;
        };
        for vote in votes.iter().filter(|vote| vote.slot >= survey.from) {
            let known = survey.votes.get(&vote.slot);
            if known.is_none_or(|known| known.bal < vote.bal) {
                survey.votes.insert(vote.slot, vote.clone());
            }
        }
        for read in heads {
            survey.floor = survey.floor.max(read.head.floor);
            if read.agent == me {
                survey.own = survey.own.max(read.head.mbal);
            }
        }
        survey.complete |= store.bit();
        self.advance(port);
    }

    /// Goes on with a survey that may be complete.
    fn advance(&mut self, port: &mut impl Port<Self>) {
        let recovering = matches!(self.role, Role::Recovering(_));
        let quorum = if recovering && self.has(Bug::RecoversFromOne) {
            1
        } else {
            self.config.base.envelope.quorum()
        };
        let applied = self.state.applied;
        let Some(survey) = self.survey_mut() else {
            return;
        };
        if survey.complete.count_ones() < u32::from(quorum) || survey.fetching.is_some() {
            return;
        }
        if let Some(name) = survey.floor.filter(|name| name.slot > applied) {
            self.fetch(name, StoreId(0), 0, port);
            return;
        }
        let role = core::mem::replace(&mut self.role, Role::Following { learning: None });
        match role {
            Role::Recovering(mut survey) => {
                self.take_decided(&mut survey, port);
                // Its next head must say so too: votes below may have been dropped.
                self.floor = self.floor.max(survey.floor);
                self.recovered(survey.own, port);
            }
            Role::Standing {
                mut survey, ballot, ..
            } => {
                self.take_decided(&mut survey, port);
                self.lead(ballot, survey, port);
            }
            Role::Following { learning } => {
                if let Some(mut survey) = learning {
                    self.take_decided(&mut survey, port);
                    if self.known_decided > self.state.applied && self.state.applied > applied {
                        self.learn(port);
                    }
                }
            }
            Role::Leading(_) => {}
        }
    }

    /// Applies what is known to be decided, as far as its votes were found.
    fn take_decided(&mut self, survey: &mut Survey<M>, port: &mut impl Port<Self>) {
        let mut slot = self.state.applied;
        while slot < survey.decided {
            let Some(vote) = survey.votes.remove(&slot) else {
                break;
            };
            let batch = self.half(vote.batch);
            self.choose(slot, batch, port);
            slot = slot.next();
        }
        self.apply_chosen(port);
    }

    #[cfg(not(feature = "planted-bugs"))]
    #[expect(clippy::unused_self, reason = "as where there are bugs")]
    fn half(&self, batch: Batch<M>) -> Batch<M> {
        batch
    }

    #[cfg(feature = "planted-bugs")]
    fn half(&self, batch: Batch<M>) -> Batch<M> {
        if self.has(Bug::AppliesHalf) && batch.len() > 1 {
            return batch[..batch.len() / 2].into();
        }
        batch
    }

    fn fetch(&mut self, name: SnapshotName, store: StoreId, tries: u8, port: &mut impl Port<Self>) {
        if let Some(survey) = self.survey_mut() {
            survey.fetching = Some((name, store));
            let errand = Errand {
                store,
                doing: Doing::Fetch { name },
                tries,
            };
            self.desk.ask(errand, LogOp::ReadSnapshot { name }, port);
        }
    }

    /// A store has given a snapshot, or has none that can be read, or is silent.
    pub(super) fn on_fetched(
        &mut self,
        store: StoreId,
        name: SnapshotName,
        found: Option<&Arc<Snapshot<M>>>,
        port: &mut impl Port<Self>,
    ) {
        let stores = self.config.base.envelope.stores();
        let Some(survey) = self.survey_mut() else {
            return;
        };
        if survey.fetching != Some((name, store)) {
            return;
        }
        survey.fetching = None;
        if let Some(snapshot) = found {
            self.install(snapshot, port);
            self.advance(port);
        } else if store.0 + 1 < stores {
            self.fetch(name, StoreId(store.0 + 1), 0, port);
        } else {
            // It may have made way for a newer one meanwhile.
            self.survey_again(port);
        }
    }

    /// Begins the survey anew.
    fn survey_again(&mut self, port: &mut impl Port<Self>) {
        let Some(to) = self.survey_mut().map(|survey| survey.to) else {
            return;
        };
        let fresh = self.new_survey(to);
        if let Some(survey) = self.survey_mut() {
            *survey = fresh;
        }
        self.scan_all(port);
    }

    fn install(&mut self, snapshot: &Snapshot<M>, port: &mut impl Port<Self>) {
        if snapshot.slot <= self.state.applied {
            return;
        }
        self.state = State::restore(snapshot);
        if self.has(Bug::ForgetsSessions) {
            self.state.sessions.clear();
        }
        if self.has(Bug::ForgetsPromise) {
            self.mbal = None;
            if let Some(survey) = self.survey_mut() {
                survey.own = None;
            }
        }
        self.met = self.met.max(snapshot.ballot);
        self.known_decided = self.known_decided.max(snapshot.slot);
        let applied = self.state.applied;
        self.chosen.retain(|&slot, _| slot >= applied);
        if let Some(survey) = self.survey_mut() {
            survey.votes.retain(|&slot, _| slot >= applied);
        }
        port.say(LogSaid::Installed { slot: applied });
        self.apply_chosen(port);
    }
}
