//! An agent that is told again what was recorded of it, and must do the same again: step by step, in the same order.

use std::fmt::Debug;

use bivalent_core::{
    Agent, Ballot, Content, Incarnation, Laid, LaidTag, LaidTimer, ObjectName, ObjectOp,
    ObjectsSaid, OnObjects, Pause, Port, StoreId,
};
use bivalent_driver::recording::{Life, Step};

/// Characters of a step that are told.
const TOLD: usize = 400;

/// Where an agent did something else than what was recorded.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    /// Which step of its life, from 0.
    pub(crate) position: usize,
    pub(crate) expected: String,
    pub(crate) got: String,
}

/// How much was the same.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Same {
    /// Events that the agent was told.
    pub(crate) events: u64,
    /// Operations that it asked for.
    pub(crate) asks: u64,
    /// Numbers and ballots that it was given.
    pub(crate) draws: u64,
    /// Alarms that it set, and what it said.
    pub(crate) others: u64,
}

/// Tells a fresh agent what was recorded. Every operation that it asks for, every alarm, every number and ballot it
/// wants and all that it says has to be what is recorded next.
pub(crate) fn replay<A: Laid>(life: &Life<A>) -> Result<Same, Difference> {
    let mut follower = Follower {
        steps: &life.steps,
        next: 0,
        difference: None,
    };
    let mut agent = OnObjects::<A>::start(&life.setup, Incarnation(0), &mut follower);
    loop {
        if let Some(difference) = follower.difference {
            return Err(difference);
        }
        let Some(step) = life.steps.get(follower.next) else {
            return Ok(count(&life.steps));
        };
        let Step::Told(told) = step else {
            return Err(Difference {
                position: follower.next,
                expected: words(step),
                got: "nothing more".to_owned(),
            });
        };
        follower.next += 1;
        agent.on(told.event(), &mut follower);
    }
}

fn count<A: Laid>(steps: &[Step<A>]) -> Same {
    let mut same = Same::default();
    for step in steps {
        let counter = match step {
            Step::Told(_) => &mut same.events,
            Step::Asked { .. } => &mut same.asks,
            Step::Drew { .. } | Step::Ballot { .. } => &mut same.draws,
            Step::Waits { .. } | Step::Said(_) => &mut same.others,
        };
        *counter += 1;
    }
    same
}

fn words(step: &impl Debug) -> String {
    let words = format!("{step:?}");
    match words.char_indices().nth(TOLD) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

/// A port that has the recorded life beside it.
struct Follower<'a, A: Laid> {
    steps: &'a [Step<A>],
    next: usize,
    /// The first one; what the agent does from there on is not looked at.
    difference: Option<Difference>,
}

impl<A: Laid> Follower<'_, A> {
    /// The agent does this.
    fn does(&mut self, got: &Step<A>) {
        if self.steps.get(self.next) == Some(got) {
            self.next += 1;
        } else {
            self.differs(words(got));
        }
    }

    fn differs(&mut self, got: String) {
        let position = self.next;
        let expected = self.steps.get(position).map(words);
        let expected = expected.unwrap_or_else(|| "nothing more".to_owned());
        self.difference.get_or_insert(Difference {
            position,
            expected,
            got,
        });
    }
}

impl<A: Laid> Port<OnObjects<A>> for Follower<'_, A> {
    fn ask(
        &mut self,
        store: StoreId,
        tag: LaidTag,
        tries: u8,
        op: ObjectOp<ObjectName, Content<A::Body>>,
    ) {
        self.does(&Step::Asked {
            store,
            tag,
            tries,
            op,
        });
    }

    fn wake(&mut self, timer: LaidTimer<A::Timer>, pause: Pause) {
        self.does(&Step::Waits { timer, pause });
    }

    fn draw(&mut self, wanted: u64) -> u64 {
        if let Some(&Step::Drew { below, number }) = self.steps.get(self.next)
            && below == wanted
            && self.difference.is_none()
        {
            self.next += 1;
            return number;
        }
        self.differs(format!("a draw below {wanted}"));
        0
    }

    fn ballot(&mut self, wanted: Option<Ballot>) -> Option<Ballot> {
        if let Some(&Step::Ballot { above, given }) = self.steps.get(self.next)
            && above == wanted
            && self.difference.is_none()
        {
            self.next += 1;
            return given;
        }
        self.differs(format!("a ballot above {wanted:?}"));
        None
    }

    fn say(&mut self, said: ObjectsSaid<A>) {
        self.does(&Step::Said(said));
    }
}
