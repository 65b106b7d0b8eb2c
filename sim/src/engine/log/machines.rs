//! State machines as workloads: what clients ask of them, and what they promise.

use std::fmt::Debug;

use bivalent_core::{
    Bank, BankAnswer, BankCommand, BankQuery, Kv, KvAnswer, KvCommand, KvQuery, LockAnswer,
    LockCommand, LockQuery, Locks, StateMachine,
};

use crate::engine::dice::{Dice, Purpose};

/// What a client asks for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Call<M: StateMachine> {
    /// A command.
    Run(M::Command),
    /// A query.
    Query(M::Query),
}

/// What a client asked for, and the answer, if it came.
pub type Asked<M> = (Call<M>, Option<<M as StateMachine>::Answer>);

/// Chance, for whoever draws up a client's requests: every draw is a recorded choice of the run.
#[derive(Debug)]
pub struct Draw<'a> {
    pub(crate) dice: &'a mut Dice,
    /// The share of queries, in parts of a billion.
    pub(crate) reads: u32,
    pub(crate) skew: u32,
    pub(crate) keys: u32,
}

impl Draw<'_> {
    /// A whole number below a bound; 0 for the bound 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.dice.below(Purpose::Load, bound.max(1))
    }

    /// True with a chance in parts of a billion.
    fn chance(&mut self, parts: u32) -> bool {
        parts > 0 && self.below(1_000_000_000) < u64::from(parts)
    }

    /// Whether the next request is a query, as often as the scenario says.
    pub fn is_query(&mut self) -> bool {
        let reads = self.reads;
        self.chance(reads)
    }

    /// A key, as skewed as the scenario says.
    pub fn key(&mut self) -> u32 {
        let (skew, keys) = (self.skew, self.keys);
        if self.chance(skew) {
            0
        } else {
            self.below(u64::from(keys)) as u32
        }
    }
}

/// A state machine with clients: what to run it under, and what to hold it to.
///
/// ```
/// use bivalent_core::{Bank, BankCommand, BankQuery};
/// use bivalent_sim::engine::log::{Asked, Call, Draw, Load};
///
/// /// Everybody gives the first account a penny, now and then.
/// #[derive(Clone, Debug)]
/// struct Pennies;
///
/// impl Load for Pennies {
///     type Machine = Bank;
///
///     fn machine(&self) -> Bank {
///         Bank::new(4, 100)
///     }
///     fn draw(&self, client: u32, _: Option<&Asked<Bank>>, draw: &mut Draw<'_>) -> Call<Bank> {
///         if draw.is_query() {
///             return Call::Query(BankQuery::Total);
///         }
///         Call::Run(BankCommand::Transfer { from: client % 4, to: 0, amount: 1 })
///     }
///     fn check(&self, bank: &Bank) -> Result<(), String> {
///         (bank.total() == 400).then_some(()).ok_or_else(|| format!("the total is {}", bank.total()))
///     }
/// }
/// ```
pub trait Load: Clone + Debug + Send + Sync + 'static {
    /// The machine. Runs of it go on in several threads.
    type Machine: StateMachine<
            Command: Send + Sync,
            Query: Send + Sync,
            Answer: Send + Sync,
            Snapshot: Send + Sync,
        > + Send
        + Sync;

    /// Its first state.
    fn machine(&self) -> Self::Machine;

    /// A client's next request. `last` is its previous one with the answer, if it came.
    fn draw(
        &self,
        client: u32,
        last: Option<&Asked<Self::Machine>>,
        draw: &mut Draw<'_>,
    ) -> Call<Self::Machine>;

    /// Calls of different keys never affect each other; one key for all unless it is said.
    fn key(&self, _: &Call<Self::Machine>) -> u64 {
        0
    }

    /// Whether a command with this answer changed nothing, whatever the state was; for the speed of the
    /// linearizability checker only.
    fn changes_nothing(
        &self,
        _: &Call<Self::Machine>,
        _: &<Self::Machine as StateMachine>::Answer,
    ) -> bool {
        false
    }

    /// Whether a command leads to the same state from every state of its key; for speed likewise.
    fn overwrites(&self, _: &Call<Self::Machine>) -> bool {
        false
    }

    /// What always holds of the machine, or why it does not.
    fn check(&self, _: &Self::Machine) -> Result<(), String> {
        Ok(())
    }
}

/// Clients of a map: gets, puts, swaps and deletes of numbered keys, each value unique.
#[derive(Clone, Copy, Debug)]
pub struct KvLoad;

impl Load for KvLoad {
    type Machine = Kv<u32, u64>;

    fn machine(&self) -> Self::Machine {
        Kv::new()
    }

    fn draw(
        &self,
        client: u32,
        last: Option<&Asked<Self::Machine>>,
        draw: &mut Draw<'_>,
    ) -> Call<Self::Machine> {
        let key = draw.key();
        if draw.is_query() {
            return Call::Query(KvQuery::Get { key });
        }
        // Hardly any two values alike: a lost or doubled write then shows.
        let to = u64::from(client) << 32 | draw.below(1 << 32);
        // What was read last is what a swap expects, so that some succeed.
        let read = match last {
            Some((Call::Query(KvQuery::Get { key }), Some(KvAnswer::Value(value)))) => {
                Some((*key, *value))
            }
            _ => None,
        };
        Call::Run(match (draw.below(8), read) {
            (0, _) => KvCommand::Delete { key },
            (1 | 2, Some((key, from))) => KvCommand::Swap { key, from, to },
            (3, None) => KvCommand::Swap {
                key,
                from: None,
                to,
            },
            _ => KvCommand::Put { key, value: to },
        })
    }

    fn changes_nothing(
        &self,
        _: &Call<Self::Machine>,
        answer: &<Self::Machine as StateMachine>::Answer,
    ) -> bool {
        matches!(answer, KvAnswer::Swapped(false))
    }

    fn overwrites(&self, call: &Call<Self::Machine>) -> bool {
        matches!(
            call,
            Call::Run(KvCommand::Put { .. } | KvCommand::Delete { .. })
        )
    }

    fn key(&self, call: &Call<Self::Machine>) -> u64 {
        let key = match call {
            Call::Run(
                KvCommand::Put { key, .. }
                | KvCommand::Delete { key }
                | KvCommand::Swap { key, .. },
            )
            | Call::Query(KvQuery::Get { key }) => *key,
        };
        u64::from(key)
    }
}

/// What each account is opened with.
const BALANCE: u64 = 100;

/// Clients of a bank: transfers between accounts, and questions for a balance or the total.
#[derive(Clone, Copy, Debug)]
pub struct BankLoad {
    /// How many accounts.
    pub accounts: u32,
}

impl Load for BankLoad {
    type Machine = Bank;

    fn machine(&self) -> Bank {
        Bank::new(self.accounts, BALANCE)
    }

    fn draw(&self, _: u32, _: Option<&Asked<Bank>>, draw: &mut Draw<'_>) -> Call<Bank> {
        let from = draw.key();
        if draw.is_query() {
            return Call::Query(if draw.below(2) == 0 {
                BankQuery::Total
            } else {
                BankQuery::Balance(from)
            });
        }
        let to = draw.below(u64::from(self.accounts)) as u32;
        let amount = 1 + draw.below(BALANCE);
        Call::Run(BankCommand::Transfer { from, to, amount })
    }

    fn changes_nothing(&self, _: &Call<Bank>, answer: &BankAnswer) -> bool {
        matches!(answer, BankAnswer::Moved(false))
    }

    fn check(&self, bank: &Bank) -> Result<(), String> {
        let (total, opened) = (bank.total(), BALANCE * u64::from(self.accounts));
        (total == opened)
            .then_some(())
            .ok_or_else(|| format!("the total is {total}, and was {opened}"))
    }
}

/// Clients of a lock service: they take a lock, and give it back.
#[derive(Clone, Copy, Debug)]
pub struct LockLoad;

impl Load for LockLoad {
    type Machine = Locks;

    fn machine(&self) -> Locks {
        Locks::default()
    }

    fn draw(&self, client: u32, last: Option<&Asked<Locks>>, draw: &mut Draw<'_>) -> Call<Locks> {
        if let Some((
            Call::Run(LockCommand::Acquire { lock, .. }),
            Some(LockAnswer::Granted(token)),
        )) = last
        {
            return Call::Run(LockCommand::Release {
                lock: *lock,
                token: *token,
            });
        }
        let lock = draw.key();
        if draw.is_query() {
            Call::Query(LockQuery::Holder(lock))
        } else {
            let holder = client;
            Call::Run(LockCommand::Acquire { lock, holder })
        }
    }

    fn changes_nothing(&self, _: &Call<Locks>, answer: &LockAnswer) -> bool {
        matches!(answer, LockAnswer::Busy | LockAnswer::Released(false))
    }
}
