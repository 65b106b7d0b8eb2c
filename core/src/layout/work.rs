//! The operations under way: each a stack of small state machines, over the objects of one store.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec,
    vec::Vec,
};

use super::{
    at::StoreState,
    house::{House, HouseCame, HouseKind, HouseNext},
    laid::Who,
    objects::OnObjects,
    routine::{Reply, Routine, Told, Turn},
};
use crate::{At, Call, Came, Laid, Next, ObjectName, Port, StoreId, Why};

/// So many operations that were given up are waited for: their answers may still count.
const LATE: usize = 256;

/// An agent's name for an operation on an object: which of its undertakings it belongs to, and which of that one's
/// operations it is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LaidTag {
    /// The undertaking.
    pub job: u64,
    /// The operation.
    pub part: u32,
}

/// An alarm of an agent on objects.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LaidTimer<T> {
    /// One of the wrapped agent's.
    Inner(T),
    /// Who has not answered this round of questions by now is not waited for.
    Grace(u32),
    /// A start is asked for again.
    Again,
    /// What failed is taken for silence from now on.
    Failed {
        /// The undertaking.
        job: u64,
        /// How often the same was asked for before: a runner waits longer each time.
        tries: u8,
    },
    /// Texts are asked for again.
    Text,
}

/// What an undertaking is for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
enum Purpose<A: Laid> {
    Logical { tag: A::Tag, task: A::Task },
    House(House),
}

/// One undertaking on one store.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Job<A: Laid> {
    store: StoreId,
    tries: u8,
    purpose: Purpose<A>,
    /// What it called, and what that called in its turn.
    stack: Vec<Routine<A::Body>>,
    /// Its object operations that have no answer, each with its number in the routine that asked.
    open: Vec<(u32, usize)>,
    asked: u32,
    /// It waits for so many other stores, of which so many have yet to agree.
    others: Option<(usize, usize)>,
    /// The wrapped agent has been told that there is no answer.
    late: bool,
}

/// What has ended, or is given up.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Ended<A: Laid> {
    Logical {
        store: StoreId,
        tag: A::Tag,
        result: Result<A::Reply, Why>,
        job: u64,
        tries: u8,
        late: bool,
    },
    /// There is no answer yet.
    Late(StoreId, A::Tag),
    House(StoreId, House, Result<HouseCame, Why>),
}

/// All that is under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Work<A: Laid> {
    pub(super) who: Who,
    pub(super) quorum: usize,
    pub(super) states: Vec<StoreState>,
    pub(super) ended: VecDeque<Ended<A>>,
    jobs: BTreeMap<u64, Job<A>>,
    next: u64,
    /// Those that were given up, in that order.
    late: VecDeque<u64>,
    /// Those that failed, until the wrapped agent is told.
    failed: BTreeMap<u64, (StoreId, A::Tag)>,
}

impl<A: Laid> Work<A> {
    pub(super) fn new(who: Who, quorum: usize, states: Vec<StoreState>) -> Self {
        Self {
            who,
            quorum,
            states,
            ended: VecDeque::new(),
            jobs: BTreeMap::new(),
            next: 0,
            late: VecDeque::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Begins a logical operation.
    pub(super) fn logical(
        &mut self,
        (store, tag, tries): (StoreId, A::Tag, u8),
        op: A::Op,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let task = A::task(op);
        let job = self.begin(store, tries, Purpose::Logical { tag, task }, Vec::new());
        self.drive(job, Told::Came(Came::Begun), port);
    }

    /// Begins some housekeeping.
    pub(super) fn house(
        &mut self,
        (store, tries): (StoreId, u8),
        house: House,
        first: Call<A::Body>,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let stack = vec![Routine::of(first)];
        let job = self.begin(store, tries, Purpose::House(house), stack);
        self.drive(job, Told::Came(Came::Begun), port);
    }

    fn begin(
        &mut self,
        store: StoreId,
        tries: u8,
        purpose: Purpose<A>,
        stack: Vec<Routine<A::Body>>,
    ) -> u64 {
        let job = self.next;
        self.next += 1;
        self.jobs.insert(
            job,
            Job {
                store,
                tries,
                purpose,
                stack,
                open: Vec::new(),
                asked: 0,
                others: None,
                late: false,
            },
        );
        job
    }

    /// Gives up what belongs to a round of questions.
    pub(super) fn drop_round(&mut self, round: u32) {
        self.jobs.retain(|_, job| match &job.purpose {
            Purpose::House(house) => house.round != round,
            Purpose::Logical { .. } => true,
        });
    }

    /// A store has answered an object operation.
    pub(super) fn replied(
        &mut self,
        store: StoreId,
        tag: LaidTag,
        reply: &Reply<A::Body>,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let Some(job) = self.jobs.get_mut(&tag.job) else {
            return;
        };
        let place = job.open.iter().position(|open| open.0 == tag.part);
        let Some(place) = place.filter(|_| job.store == store) else {
            return;
        };
        let (_, number) = job.open.swap_remove(place);
        self.drive(tag.job, Told::Reply(number, reply), port);
    }

    /// An object operation has had no answer for long.
    pub(super) fn timed_out(
        &mut self,
        store: StoreId,
        tag: LaidTag,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let Some(job) = self.jobs.get_mut(&tag.job) else {
            return;
        };
        let waits = job.open.iter().any(|open| open.0 == tag.part);
        if job.late || job.store != store || !waits {
            return;
        }
        match &job.purpose {
            Purpose::Logical { tag: inner, task } => {
                self.ended.push_back(Ended::Late(store, *inner));
                if !A::goes_on(task) {
                    self.jobs.remove(&tag.job);
                    return;
                }
                job.late = true;
                self.late.push_back(tag.job);
                if self.late.len() > LATE
                    && let Some(oldest) = self.late.pop_front()
                {
                    self.jobs.remove(&oldest);
                }
            }
            Purpose::House(_) => self.end_house(tag.job, Err(Why::Silent), port),
        }
    }

    /// The wrapped agent's operation that failed some time ago.
    pub(super) fn failed(&mut self, job: u64) -> Option<(StoreId, A::Tag)> {
        self.failed.remove(&job)
    }

    /// It failed: the wrapped agent is told after a pause. Asked again at once, the store would refuse again.
    pub(super) fn note_failed(&mut self, job: u64, store: StoreId, tag: A::Tag) {
        self.failed.insert(job, (store, tag));
    }

    /// Goes on with an undertaking until it waits for something.
    fn drive(&mut self, id: u64, mut told: Told<'_, A::Body>, port: &mut impl Port<OnObjects<A>>) {
        loop {
            let Some(job) = self.jobs.get_mut(&id) else {
                return;
            };
            let mut at = At {
                who: &self.who,
                state: &mut self.states[job.store.index()],
            };
            let turn = if let Some(routine) = job.stack.last_mut() {
                routine.step(told, &mut at)
            } else {
                let Told::Came(came) = told else {
                    return;
                };
                match &mut job.purpose {
                    Purpose::Logical { task, .. } => match A::step(task, came, &mut at) {
                        Next::Call(call) => Turn::Call(call),
                        Next::Answer(reply) => return self.answered(id, reply, port),
                        Next::Fail(why) => Turn::Fail(why),
                    },
                    Purpose::House(house) => match house.kind.step(came) {
                        HouseNext::Call(call) => Turn::Call(call),
                        HouseNext::End(came) => return self.end_house(id, Ok(came), port),
                        HouseNext::Fail(why) => Turn::Fail(why),
                    },
                }
            };
            match turn {
                Turn::Wait => return,
                Turn::Ask(first, ops) => {
                    for (number, op) in ops.into_iter().enumerate() {
                        let ordinal = job.asked;
                        job.asked += 1;
                        job.open.push((ordinal, first + number));
                        let tag = LaidTag {
                            job: id,
                            part: ordinal,
                        };
                        port.ask(job.store, tag, job.tries, op);
                    }
                    return;
                }
                Turn::Call(Call::Everywhere) => return self.look_everywhere(id, port),
                Turn::Call(call) => {
                    job.stack.push(Routine::of(call));
                    told = Told::Came(Came::Begun);
                }
                Turn::Return(came) => {
                    job.stack.pop();
                    told = Told::Came(came);
                }
                Turn::Fail(why) => return self.fail(id, why, port),
            }
        }
    }

    /// Looks on all stores whether the own start record is the latest, for an operation that needs a quorum of them.
    fn look_everywhere(&mut self, id: u64, port: &mut impl Port<OnObjects<A>>) {
        let (stores, quorum) = (self.states.len(), self.quorum);
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        job.others = Some((stores, quorum));
        let tries = job.tries;
        for store in (0..stores as u8).map(StoreId) {
            let house = House {
                round: u32::MAX,
                kind: HouseKind::Own(id),
            };
            self.house((store, tries), house, Call::Own, port);
        }
    }

    /// One of the other stores has answered, or will not.
    fn looked(&mut self, id: u64, agrees: bool, port: &mut impl Port<OnObjects<A>>) {
        let Some(job) = self.jobs.get_mut(&id) else {
            return;
        };
        let Some((open, needed)) = &mut job.others else {
            return;
        };
        *open -= 1;
        *needed -= usize::from(agrees);
        if *needed == 0 {
            job.others = None;
            self.drive(id, Told::Came(Came::Done(true)), port);
        } else if *open < *needed {
            job.others = None;
            self.fail(id, Why::TooFew, port);
        }
    }

    fn answered(&mut self, id: u64, reply: A::Reply, port: &mut impl Port<OnObjects<A>>) {
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        if job.late {
            self.late.retain(|&late| late != id);
        }
        if let Purpose::Logical { tag, .. } = job.purpose {
            self.ended.push_back(Ended::Logical {
                store: job.store,
                tag,
                result: Ok(reply),
                job: id,
                tries: job.tries,
                late: job.late,
            });
        }
        let old = self.states[job.store.index()].outdated();
        if !old.is_empty() {
            let me = self.who.me;
            let old = old.into_iter();
            let names = old.map(|version| ObjectName::Version(me, version));
            let house = House {
                round: u32::MAX,
                kind: HouseKind::Tidy,
            };
            self.house((job.store, 0), house, Call::Remove(names.collect()), port);
        }
    }

    fn fail(&mut self, id: u64, why: Why, port: &mut impl Port<OnObjects<A>>) {
        let Some(job) = self.jobs.get(&id) else {
            return;
        };
        let Purpose::Logical { tag, task } = &job.purpose else {
            return self.end_house(id, Err(why), port);
        };
        let is_identity = why == Why::Unreadable(ObjectName::Identity);
        if matches!(why, Why::Unreadable(_))
            && !is_identity
            && let Some(reply) = A::unreadable(task)
        {
            return self.answered(id, reply, port);
        }
        self.ended.push_back(Ended::Logical {
            store: job.store,
            tag: *tag,
            result: Err(why),
            job: id,
            tries: job.tries,
            late: job.late,
        });
        self.late.retain(|&late| late != id);
        self.jobs.remove(&id);
    }

    fn end_house(
        &mut self,
        id: u64,
        result: Result<HouseCame, Why>,
        port: &mut impl Port<OnObjects<A>>,
    ) {
        let Some(job) = self.jobs.remove(&id) else {
            return;
        };
        if let Purpose::House(house) = job.purpose {
            let (kind, agrees) = (house.kind.clone(), result.is_ok());
            self.ended.push_back(Ended::House(job.store, house, result));
            if let HouseKind::Own(parent) = kind {
                self.looked(parent, agrees, port);
            }
        }
    }
}
