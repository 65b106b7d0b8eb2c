//! The wrapped agent's port, and the texts that its values stand for.

use alloc::{sync::Arc, vec, vec::Vec};

use super::{
    house::{House, HouseCame, HouseKind},
    objects::OnObjects,
    text::{proposal, proposer},
    work::Work,
};
use crate::{
    AgentId, Ballot, Call, Content, If, Incarnation, Laid, LaidTimer, ObjectName, ObjectsSaid,
    Pause, Port, StoreId, Why,
};

/// A write that must wait until its text is kept.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Held<A: Laid> {
    store: StoreId,
    tag: A::Tag,
    tries: u8,
    op: A::Op,
}

/// The own text on its way to the stores, and the decided one on its way back.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Texts<A: Laid> {
    /// The own text, if values stand for texts.
    own: Option<Arc<str>>,
    /// On which stores it is kept.
    kept: Vec<bool>,
    is_kept: bool,
    /// How many stores are being asked to keep it; none before the first vote for it.
    keeping: Option<usize>,
    held: Vec<Held<A>>,
    /// Whose text is wanted, and which store is asked for it.
    wanted: Option<(AgentId, Incarnation, usize)>,
}

impl<A: Laid> Texts<A> {
    pub(super) fn new(own: Option<Arc<str>>, stores: usize) -> Self {
        Self {
            own,
            kept: vec![false; stores],
            is_kept: false,
            keeping: None,
            held: Vec::new(),
            wanted: None,
        }
    }

    /// Writes the own text to every store that has not kept it.
    fn keep(&mut self, work: &mut Work<A>, port: &mut impl Port<OnObjects<A>>) {
        let Some(text) = &self.own else {
            return;
        };
        let name = ObjectName::Text(work.who.me, work.who.start);
        let missing = self.kept.iter().enumerate().filter(|(_, kept)| !**kept);
        let missing: Vec<_> = missing.map(|(place, _)| StoreId(place as u8)).collect();
        self.keeping = Some(missing.len());
        for store in missing {
            let content = Content::Text(Arc::clone(text));
            let put = Call::Put(name, content, If::Always);
            work.house((store, 0), house(HouseKind::Keep), put, port);
        }
    }

    /// A store has kept the own text, or not.
    pub(super) fn on_kept(
        &mut self,
        store: StoreId,
        kept: bool,
        work: &mut Work<A>,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        self.kept[store.index()] |= kept;
        let open = self.keeping.map_or(0, |open| open.saturating_sub(1));
        self.keeping = Some(open);
        if self.is_kept {
            return;
        }
        if self.kept.iter().filter(|&&kept| kept).count() >= work.quorum {
            self.is_kept = true;
            for held in core::mem::take(&mut self.held) {
                work.logical((held.store, held.tag, held.tries), held.op, port);
            }
        } else if open == 0 {
            port.wake(LaidTimer::Text, Pause::Patience);
        }
    }

    /// The text of a decided value: a quorum has it, so some store that answers has.
    fn find(&mut self, work: &mut Work<A>, port: &mut impl Port<OnObjects<A>>) {
        let Some((by, start, place)) = self.wanted else {
            return;
        };
        let get = Call::Get(ObjectName::Text(by, start));
        let store = StoreId(place as u8);
        work.house((store, 0), house(HouseKind::Find), get, port);
    }

    /// A store has the decided text, or not.
    pub(super) fn on_found(
        &mut self,
        found: Result<HouseCame, Why>,
        work: &mut Work<A>,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let Some((by, _, place)) = &mut self.wanted else {
            return;
        };
        if let Ok(HouseCame::Text(Some(text))) = found {
            port.say(ObjectsSaid::Text { by: *by, text });
            self.wanted = None;
            return;
        }
        *place += 1;
        if *place < work.states.len() {
            self.find(work, port);
        } else {
            *place = 0;
            port.wake(LaidTimer::Text, Pause::Patience);
        }
    }

    /// Some time has passed since no store was of any help.
    pub(super) fn again(&mut self, work: &mut Work<A>, port: &mut impl Port<OnObjects<A>>) {
        if self.wanted.is_some() {
            self.find(work, port);
        } else if !self.is_kept && self.keeping == Some(0) {
            self.keep(work, port);
        }
    }
}

const fn house(kind: HouseKind) -> House {
    House {
        round: u32::MAX,
        kind,
    }
}

/// What the wrapped agent leaves its wishes in.
pub(super) struct Inner<'a, A: Laid, P> {
    pub(super) work: &'a mut Work<A>,
    pub(super) texts: &'a mut Texts<A>,
    pub(super) port: &'a mut P,
}

impl<A: Laid, P: Port<OnObjects<A>>> Port<A> for Inner<'_, A, P> {
    fn ask(&mut self, store: StoreId, tag: A::Tag, tries: u8, op: A::Op) {
        self.port.say(ObjectsSaid::Asked {
            store,
            tag,
            op: op.clone(),
        });
        let texts = &mut *self.texts;
        // Not before: a start that only asks what was decided needs no room for a text of its own.
        if texts.own.is_some() && !texts.is_kept {
            let own = proposal(self.work.who.me, self.work.who.start);
            if A::votes_for(&op) == Some(own) {
                // Whoever finds the vote finds the text.
                texts.held.push(Held {
                    store,
                    tag,
                    tries,
                    op,
                });
                if texts.keeping.is_none() {
                    texts.keep(self.work, self.port);
                }
                return;
            }
        }
        self.work.logical((store, tag, tries), op, self.port);
    }

    fn wake(&mut self, timer: A::Timer, pause: Pause) {
        self.port.wake(LaidTimer::Inner(timer), pause);
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.port.draw(below)
    }

    /// The runner does not know which start this is: its choice is the round.
    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        let round = self.port.ballot(above)?.round();
        let (me, start) = (self.work.who.me, self.work.who.start);
        let own = Ballot::new(round, me, start);
        if above.is_none_or(|above| own > above) {
            return Some(own);
        }
        Ballot::next(above, me, start)
    }

    fn say(&mut self, said: A::Said) {
        let decided = A::decided(&said);
        self.port.say(ObjectsSaid::Inner(said));
        if let Some(value) = decided
            && self.texts.own.is_some()
        {
            let (by, start) = proposer(value);
            self.texts.wanted = Some((by, start, 0));
            self.texts.find(self.work, self.port);
        }
    }
}
