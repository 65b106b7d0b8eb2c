//! A log's engine whose machine is not known to whoever runs it.

use super::{Accused, Entry, Load, LogEngine, remedy};
use crate::{engine::Running, playback::What};

/// An engine of logs, of whichever machine.
#[derive(Debug)]
pub struct AnyLog(Box<dyn Logs>);

impl Clone for AnyLog {
    fn clone(&self) -> Self {
        Self(self.0.boxed())
    }
}

impl<L: Load> From<LogEngine<L>> for AnyLog {
    fn from(engine: LogEngine<L>) -> Self {
        Self(Box::new(engine))
    }
}

impl AnyLog {
    pub(crate) fn get(&self) -> &dyn Logs {
        &*self.0
    }

    pub(crate) fn get_mut(&mut self) -> &mut dyn Logs {
        &mut *self.0
    }
}

/// What is asked of a log's engine beside what is asked of every engine.
pub(crate) trait Logs: Running + Send {
    fn boxed(&self) -> Box<dyn Logs>;
    fn keep_ledger(&mut self);
    fn take_ledger(&mut self) -> Vec<Entry>;
    fn accused(&self) -> Accused;
    fn can_change(&self, what: What) -> bool;
    fn change(&mut self, what: What);
}

impl<L: Load> Logs for LogEngine<L> {
    fn boxed(&self) -> Box<dyn Logs> {
        Box::new(self.clone())
    }

    fn keep_ledger(&mut self) {
        self.keep_ledger();
    }

    fn take_ledger(&mut self) -> Vec<Entry> {
        self.take_ledger()
    }

    fn accused(&self) -> Accused {
        self.accused()
    }

    fn can_change(&self, what: What) -> bool {
        remedy::is_remedy(what)
    }

    fn change(&mut self, what: What) {
        self.remedy(what);
    }
}
