//! A bank whose total never changes.

use alloc::vec::Vec;

use super::StateMachine;

/// Accounts, numbered from 0.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Bank {
    balances: Vec<u64>,
}

/// What changes a [`Bank`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BankCommand {
    /// Moves money, if there is enough of it and both accounts exist; answered with
    /// [`BankAnswer::Moved`].
    Transfer {
        /// Out of this account.
        from: u32,
        /// Into this one.
        to: u32,
        /// So much.
        amount: u64,
    },
}

/// What can be asked of a [`Bank`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BankQuery {
    /// What is in an account; answered with [`BankAnswer::Amount`], 0 if there is no such account.
    Balance(u32),
    /// What is in all of them; answered with [`BankAnswer::Amount`].
    Total,
}

/// What a [`Bank`] answers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BankAnswer {
    /// Whether the money was moved.
    Moved(bool),
    /// So much.
    Amount(u64),
}

impl Bank {
    /// A bank with so many accounts, each with the same in it.
    pub fn new(accounts: u32, each: u64) -> Self {
        Self {
            balances: alloc::vec![each; accounts as usize],
        }
    }

    /// What is in all accounts together: always what they were opened with.
    pub fn total(&self) -> u64 {
        self.balances.iter().sum()
    }
}

impl StateMachine for Bank {
    type Command = BankCommand;
    type Query = BankQuery;
    type Answer = BankAnswer;
    type Snapshot = Vec<u64>;

    fn apply(&mut self, command: &BankCommand) -> BankAnswer {
        let BankCommand::Transfer { from, to, amount } = *command;
        let (from, to) = (from as usize, to as usize);
        let enough = self
            .balances
            .get(from)
            .is_some_and(|&balance| balance >= amount);
        if !enough || to >= self.balances.len() {
            return BankAnswer::Moved(false);
        }
        self.balances[from] -= amount;
        self.balances[to] += amount;
        BankAnswer::Moved(true)
    }

    fn query(&self, query: &BankQuery) -> BankAnswer {
        BankAnswer::Amount(match *query {
            BankQuery::Balance(account) => {
                self.balances.get(account as usize).copied().unwrap_or(0)
            }
            BankQuery::Total => self.total(),
        })
    }

    fn snapshot(&self) -> Vec<u64> {
        self.balances.clone()
    }

    fn restore(snapshot: &Vec<u64>) -> Self {
        Self {
            balances: snapshot.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_transfer_changes_the_total(
            transfers in prop::collection::vec((0..5_u32, 0..5_u32, 0..40_u64), 0..60),
        ) {
            let mut bank = Bank::new(4, 10);
            for (from, to, amount) in transfers {
                bank.apply(&BankCommand::Transfer { from, to, amount });
            }
            prop_assert_eq!(bank.total(), 40);
        }
    }
}
