//! A lock service with fencing tokens.

use alloc::collections::BTreeMap;

use super::StateMachine;

/// Named locks, each held by at most one holder at a time.
///
/// Every grant has a token that is greater than those of all earlier grants of any lock: what a
/// holder writes elsewhere carries it, and whoever keeps that refuses a lower token than it has seen.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct Locks {
    held: BTreeMap<u32, Grant>,
    /// The last token granted.
    last: u64,
}

/// A lock held.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Grant {
    /// By whom.
    pub holder: u32,
    /// Its fencing token, from 1.
    pub token: u64,
}

/// What changes [`Locks`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LockCommand {
    /// Takes a lock if it is free, or held by the same holder already; answered with
    /// [`LockAnswer::Granted`] or [`LockAnswer::Busy`].
    Acquire {
        /// Which.
        lock: u32,
        /// For whom.
        holder: u32,
    },
    /// Gives a lock back, if that grant still holds it; answered with [`LockAnswer::Released`].
    Release {
        /// Which.
        lock: u32,
        /// The grant's token.
        token: u64,
    },
}

/// What can be asked of [`Locks`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LockQuery {
    /// Who holds a lock; answered with [`LockAnswer::Held`].
    Holder(u32),
}

/// What [`Locks`] answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum LockAnswer {
    /// The lock is yours, under this token.
    Granted(u64),
    /// Somebody else holds it.
    Busy,
    /// Whether it was yours to give back.
    Released(bool),
    /// Who holds it.
    Held(Option<Grant>),
}

impl StateMachine for Locks {
    type Command = LockCommand;
    type Query = LockQuery;
    type Answer = LockAnswer;
    type Snapshot = Self;

    fn apply(&mut self, command: &LockCommand) -> LockAnswer {
        match *command {
            LockCommand::Acquire { lock, holder } => match self.held.get(&lock) {
                Some(grant) if grant.holder == holder => LockAnswer::Granted(grant.token),
                Some(_) => LockAnswer::Busy,
                None => {
                    self.last += 1;
                    let token = self.last;
                    self.held.insert(lock, Grant { holder, token });
                    LockAnswer::Granted(token)
                }
            },
            LockCommand::Release { lock, token } => {
                let yours = self
                    .held
                    .get(&lock)
                    .is_some_and(|grant| grant.token == token);
                if yours {
                    self.held.remove(&lock);
                }
                LockAnswer::Released(yours)
            }
        }
    }

    fn query(&self, query: &LockQuery) -> LockAnswer {
        let LockQuery::Holder(lock) = query;
        LockAnswer::Held(self.held.get(lock).copied())
    }

    fn snapshot(&self) -> Self {
        self.clone()
    }

    fn restore(snapshot: &Self) -> Self {
        snapshot.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_rise_and_an_old_one_releases_nothing() {
        let mut locks = Locks::default();
        let acquire = |holder| LockCommand::Acquire { lock: 7, holder };
        let release = |token| LockCommand::Release { lock: 7, token };

        assert_eq!(locks.apply(&acquire(1)), LockAnswer::Granted(1));
        assert_eq!(locks.apply(&acquire(1)), LockAnswer::Granted(1));
        assert_eq!(locks.apply(&acquire(2)), LockAnswer::Busy);
        assert_eq!(locks.apply(&release(1)), LockAnswer::Released(true));
        assert_eq!(locks.apply(&acquire(2)), LockAnswer::Granted(2));
        assert_eq!(locks.apply(&release(1)), LockAnswer::Released(false));
        let held = Some(Grant {
            holder: 2,
            token: 2,
        });
        assert_eq!(locks.query(&LockQuery::Holder(7)), LockAnswer::Held(held));
    }
}
