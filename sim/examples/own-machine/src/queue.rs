//! A queue of jobs: whoever takes one has it alone.

use std::collections::VecDeque;

use bivalent_core::StateMachine;

/// The jobs that nobody has taken yet, and how many were ever put in.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Queue {
    jobs: VecDeque<u64>,
    put: u64,
    taken: u64,
}

/// A command.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Take {
    /// One more job.
    Put(u64),
    /// The oldest job, for whoever asks.
    Next,
}

/// A question.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Ask;

/// An answer.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Said {
    /// So many jobs wait.
    Waiting(u64),
    /// The job is yours; none if there is none.
    Job(Option<u64>),
}

impl Queue {
    /// Jobs that wait, were put, and were taken: the first and the last make the second.
    pub fn counts(&self) -> (u64, u64, u64) {
        (self.jobs.len() as u64, self.put, self.taken)
    }
}

impl StateMachine for Queue {
    type Command = Take;
    type Query = Ask;
    type Answer = Said;
    type Snapshot = Self;

    fn apply(&mut self, command: &Take) -> Said {
        match command {
            Take::Put(job) => {
                self.jobs.push_back(*job);
                self.put += 1;
                Said::Waiting(self.jobs.len() as u64)
            }
            Take::Next => {
                let job = self.jobs.pop_front();
                self.taken += u64::from(job.is_some());
                Said::Job(job)
            }
        }
    }

    fn query(&self, Ask: &Ask) -> Said {
        Said::Waiting(self.jobs.len() as u64)
    }

    fn snapshot(&self) -> Self {
        self.clone()
    }

    fn restore(snapshot: &Self) -> Self {
        snapshot.clone()
    }
}
