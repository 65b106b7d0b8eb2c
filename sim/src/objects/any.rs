//! An engine of buckets whose protocol is not known to whoever runs it.

use super::{Engine, Objects, Part};
use crate::{engine::Running, playback::What};

/// An engine of buckets, of whichever protocol.
#[derive(Debug)]
pub struct AnyBucket(Box<dyn Buckets>);

impl Clone for AnyBucket {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl<P: Part> From<Engine<Objects<P>>> for AnyBucket
where
    Engine<Objects<P>>: Send,
{
    fn from(engine: Engine<Objects<P>>) -> Self {
        Self(Box::new(engine))
    }
}

impl AnyBucket {
    pub(crate) fn get(&self) -> &dyn Buckets {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Buckets {
        &mut *self.0
    }
}

/// What is asked of an engine of buckets beside what is asked of every engine.
pub(crate) trait Buckets: Running + Send {
    fn boxed(&self) -> Box<dyn Buckets>;
    fn can_change(&self, what: What) -> bool;
    fn change(&mut self, what: What);
}

impl<P: Part> Buckets for Engine<Objects<P>>
where
    Self: Send,
{
    fn boxed(&self) -> Box<dyn Buckets> {
        Box::new(self.clone())
    }

    fn can_change(&self, what: What) -> bool {
        match what {
            What::NoFaults => !self.plan.rules.is_empty(),
            What::OneLeader | What::DuelOff | What::Backoff => false,
        }
    }

    fn change(&mut self, what: What) {
        match what {
            What::NoFaults => {
                self.net.lottery = false;
                self.net.armed.clear();
                self.net.rules.iter_mut().for_each(|rule| rule.left = 0);
            }
            What::OneLeader | What::DuelOff | What::Backoff => {}
        }
    }
}
