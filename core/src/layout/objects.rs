//! An agent that carries another one's operations out on stores of named objects.

use alloc::{boxed::Box, vec::Vec};

use super::{
    at::StoreState,
    gather::Gather,
    house::{House, HouseCame, HouseKind},
    inner::{Inner, Texts},
    laid::Who,
    settle::Look,
    start::Starting,
    work::{Ended, Work},
};
use crate::{
    Agent, Call, Content, Event, Incarnation, Laid, LaidTag, LaidTimer, ObjectName, ObjectOp,
    ObjectReply, ObjectsSaid, ObjectsSetup, Pause, Port, Stop, StoreId, Why,
};

/// An agent of a protocol on stores of named objects: what agents on real buckets are.
///
/// It finds out whether the stores are its own, and sets them up if they are new; it takes a start; then it runs the
/// agent `A`. What it must know of its past it reads: the runner's number of its life says nothing to it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct OnObjects<A: Laid> {
    pub(super) setup: ObjectsSetup<A>,
    pub(super) work: Work<A>,
    pub(super) stage: Stage<A>,
    /// Rounds of questions to all stores.
    pub(super) round: u32,
    /// What clients asked before the agent began.
    early: Vec<(u64, A::Request)>,
}

/// How far it is.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Stage<A: Laid> {
    /// Looks at what the stores say of themselves.
    Settling { looks: Gather<Look>, again: bool },
    /// Sets blank stores up, one after the other, the last of these first.
    SettingUp {
        blank: Vec<StoreId>,
        system: Option<u64>,
        tries: u8,
    },
    /// Takes a start.
    Starting(Starting),
    /// Runs the wrapped agent.
    Running(Box<Running<A>>),
    /// Does nothing any more.
    Stopped,
}

/// The wrapped agent, and the texts that its values stand for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Running<A: Laid> {
    agent: A,
    texts: Texts<A>,
}

impl<A: Laid> Agent for OnObjects<A> {
    type Setup = ObjectsSetup<A>;
    type Op = ObjectOp<ObjectName, Content<A::Body>>;
    type Reply = ObjectReply<ObjectName, Content<A::Body>>;
    type Tag = LaidTag;
    type Timer = LaidTimer<A::Timer>;
    type Request = A::Request;
    type Said = ObjectsSaid<A>;

    /// Its start is the one that it takes on the stores, whatever life this is to the runner.
    fn start(setup: &ObjectsSetup<A>, _: Incarnation, port: &mut impl Port<Self>) -> Self {
        let who = Who {
            me: setup.me,
            agents: setup.agents,
            start: Incarnation(0),
            nonce: 0,
        };
        let states = setup.stores.iter().map(|&traits| StoreState {
            traits,
            ..StoreState::default()
        });
        let work = Work::new(who, usize::from(setup.quorum), states.collect());
        let mut agent = Self {
            setup: setup.clone(),
            work,
            stage: Stage::Stopped,
            round: 0,
            early: Vec::new(),
        };
        // Nothing is to be set up for what can't go on.
        let lacks = setup.stores.iter().position(|store| !store.conditional);
        match lacks {
            Some(place) if A::CONDITIONAL => {
                agent.stop(Stop::Unconditional(StoreId(place as u8)), port);
            }
            Some(_) | None => agent.look_at_all(false, port),
        }
        agent
    }

    fn on(&mut self, event: Event<'_, Self>, port: &mut impl Port<Self>) {
        if matches!(self.stage, Stage::Stopped) {
            return;
        }
        match event {
            Event::Replied(store, tag, reply) => self.work.replied(store, tag, reply, port),
            Event::TimedOut(store, tag) => self.work.timed_out(store, tag, port),
            Event::Woke(timer) => self.woke(timer, port),
            Event::Asked(number, request) => {
                if matches!(self.stage, Stage::Running(_)) {
                    self.tell(Event::Asked(number, request), port);
                } else {
                    self.early.push((number, request));
                }
            }
            Event::Withdrawn(number) => {
                self.early.retain(|early| early.0 != number);
                self.tell(Event::Withdrawn(number), port);
            }
        }
        while let Some(ended) = self.work.ended.pop_front() {
            self.conclude(ended, port);
        }
    }
}

impl<A: Laid> OnObjects<A> {
    /// The wrapped agent, once it has begun.
    pub fn inner(&self) -> Option<&A> {
        match &self.stage {
            Stage::Running(running) => Some(&running.agent),
            Stage::Settling { .. }
            | Stage::SettingUp { .. }
            | Stage::Starting(_)
            | Stage::Stopped => None,
        }
    }

    /// Whether it does nothing any more.
    pub const fn has_stopped(&self) -> bool {
        matches!(self.stage, Stage::Stopped)
    }

    /// The start that it has taken, once it has begun.
    pub fn taken(&self) -> Option<Incarnation> {
        self.inner().map(|_| self.work.who.start)
    }

    /// Tells the wrapped agent something, if it runs.
    fn tell(&mut self, event: Event<'_, A>, port: &mut impl Port<Self>) {
        if let Stage::Running(running) = &mut self.stage {
            let Running { agent, texts } = &mut **running;
            let work = &mut self.work;
            agent.on(event, &mut Inner { work, texts, port });
        }
    }

    /// Begins: the start is taken.
    pub(super) fn begin(&mut self, port: &mut impl Port<Self>) {
        let Self { setup, work, .. } = self;
        let start = work.who.start;
        port.say(ObjectsSaid::Began { start });
        let own = setup
            .text
            .is_some()
            .then(|| super::text::proposal(setup.me, start));
        let inner = A::settled(&setup.inner, own);
        let mut texts = Texts::new(setup.text.clone(), work.states.len());
        let inner_port = &mut Inner {
            work,
            texts: &mut texts,
            port,
        };
        let agent = A::start(&inner, start, inner_port);
        self.stage = Stage::Running(Box::new(Running { agent, texts }));
        for (number, request) in core::mem::take(&mut self.early) {
            self.tell(Event::Asked(number, request), port);
        }
    }

    /// Does nothing from now on.
    pub(super) fn stop(&mut self, stop: Stop, port: &mut impl Port<Self>) {
        self.stage = Stage::Stopped;
        self.work.ended.clear();
        port.say(ObjectsSaid::Stopped(stop));
    }

    /// Asks every store the same, as a new round.
    pub(super) fn ask_all(
        &mut self,
        tries: u8,
        kind: &HouseKind,
        first: &Call<A::Body>,
        port: &mut impl Port<Self>,
    ) {
        self.round += 1;
        for store in (0..self.setup.stores.len() as u8).map(StoreId) {
            let house = House {
                round: self.round,
                kind: kind.clone(),
            };
            self.work.house((store, tries), house, first.clone(), port);
        }
    }

    fn woke(&mut self, timer: LaidTimer<A::Timer>, port: &mut impl Port<Self>) {
        match timer {
            LaidTimer::Inner(timer) => self.tell(Event::Woke(timer), port),
            LaidTimer::Grace(round) => {
                if round == self.round {
                    self.go_on(true, port);
                }
            }
            LaidTimer::Again => self.start_again(port),
            LaidTimer::Failed { job, .. } => {
                if let Some((store, tag)) = self.work.failed(job) {
                    self.tell(Event::TimedOut(store, tag), port);
                }
            }
            LaidTimer::Text => {
                if let Stage::Running(running) = &mut self.stage {
                    running.texts.again(&mut self.work, port);
                }
            }
        }
    }

    /// Goes on with taking the stores and a start, if enough is known by now, or if `now` has to be enough.
    pub(super) fn go_on(&mut self, now: bool, port: &mut impl Port<Self>) {
        match &self.stage {
            Stage::Settling { .. } => self.settle(now, port),
            Stage::Starting(_) => self.take_start(now, port),
            Stage::SettingUp { .. } | Stage::Running(_) | Stage::Stopped => {}
        }
    }

    /// Draws what an undertaking that has ended comes to.
    fn conclude(&mut self, ended: Ended<A>, port: &mut impl Port<Self>) {
        match ended {
            Ended::Late(store, tag) => {
                let why = Why::Silent;
                let inner = Some(tag);
                port.say(ObjectsSaid::Failed {
                    store,
                    tag: inner,
                    why,
                });
                self.tell(Event::TimedOut(store, tag), port);
            }
            Ended::Logical {
                store,
                tag,
                result: Ok(reply),
                job,
                ..
            } => {
                port.say(ObjectsSaid::Answered {
                    store,
                    tag,
                    job,
                    reply: reply.clone(),
                });
                self.tell(Event::Replied(store, tag, &reply), port);
            }
            Ended::Logical {
                store,
                tag,
                result: Err(why),
                job,
                tries,
                late,
            } => {
                if self.ends(store, &why, port) {
                    return;
                }
                let inner = Some(tag);
                port.say(ObjectsSaid::Failed {
                    store,
                    tag: inner,
                    why,
                });
                if !late {
                    self.work.note_failed(job, store, tag);
                    port.wake(LaidTimer::Failed { job, tries }, Pause::Patience);
                }
            }
            Ended::House(store, house, result) => {
                if let Err(why) = &result {
                    if self.ends(store, why, port) {
                        return;
                    }
                    let (tag, why) = (None, why.clone());
                    port.say(ObjectsSaid::Failed { store, tag, why });
                }
                self.conclude_house(store, &house, result, port);
            }
        }
    }

    /// Stops if that is a reason to.
    fn ends(&mut self, store: StoreId, why: &Why, port: &mut impl Port<Self>) -> bool {
        let stop = match *why {
            Why::Fenced(by) => Stop::Fenced { by },
            Why::Unconditional => Stop::Unconditional(store),
            Why::Silent
            | Why::Failed
            | Why::Unknown
            | Why::Busy
            | Why::Unreadable(_)
            | Why::Blank
            | Why::Empty
            | Why::Other(_)
            | Why::StartGone
            | Why::Restless
            | Why::Unsteady
            | Why::TooFew => return false,
        };
        self.stop(stop, port);
        true
    }

    fn conclude_house(
        &mut self,
        store: StoreId,
        house: &House,
        result: Result<HouseCame, Why>,
        port: &mut impl Port<Self>,
    ) {
        match house.kind {
            HouseKind::Inspect(_) => {
                if house.round == self.round {
                    self.inspected(store, result, port);
                }
            }
            HouseKind::SetUp => self.set_up(store, result, port),
            HouseKind::Starts | HouseKind::Mark => {
                if house.round == self.round {
                    self.on_start(store, result, port);
                }
            }
            HouseKind::Keep => {
                let kept = result == Ok(HouseCame::Done(true));
                if let Stage::Running(running) = &mut self.stage {
                    running.texts.on_kept(store, kept, &mut self.work, port);
                }
            }
            HouseKind::Find => {
                if let Stage::Running(running) = &mut self.stage {
                    running.texts.on_found(result, &mut self.work, port);
                }
            }
            HouseKind::Tidy | HouseKind::Own(_) => {}
        }
    }
}
