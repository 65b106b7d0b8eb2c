//! The portfolio: which scheduler a run gets, since none finds everything.

use serde::{Deserialize, Serialize};

use crate::{engine::dice::Lots, scenario::Adversary};

/// Who orders the steps of a run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheduler {
    /// Delays drawn at random, as the scenario says.
    Uniform,
    /// Priorities that change a few times (Burckhardt et al. 2010).
    Pct,
    /// Priorities of operations, drawn anew where operations conflict (Yuan, Yang and Gu 2018).
    Pos,
    /// Changed choices of an earlier run that came to something new.
    Guided,
}

impl Scheduler {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Uniform, Self::Pct, Self::Pos, Self::Guided];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Pct => "pct",
            Self::Pos => "pos",
            Self::Guided => "guided",
        }
    }
}

/// How large a share of the runs each scheduler gets, in the order of [`Scheduler::ALL`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Portfolio(pub [u32; 4]);

impl Default for Portfolio {
    fn default() -> Self {
        Self([40, 30, 15, 15])
    }
}

impl Portfolio {
    /// All runs to one scheduler.
    pub const fn only(scheduler: Scheduler) -> Self {
        let mut shares = [0; 4];
        shares[scheduler as usize] = 1;
        Self(shares)
    }

    /// Reads `uniform=40,pct=30`; what is not named gets nothing.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what would be right.
    ///
    /// ```
    /// use bivalent_sim::campaign::fuzz::Portfolio;
    ///
    /// assert_eq!(Portfolio::parse("uniform=1, guided=3").unwrap(), Portfolio([1, 0, 0, 3]));
    /// assert!(Portfolio::parse("pct").is_ok());
    /// assert!(Portfolio::parse("pct=0").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut shares = [0_u32; 4];
        for part in text.split(',') {
            let (word, share) = part.trim().split_once('=').unwrap_or((part.trim(), "1"));
            let found = Scheduler::ALL
                .iter()
                .find(|scheduler| scheduler.name() == word.trim());
            let Some(&scheduler) = found else {
                let known = Scheduler::ALL.map(Scheduler::name).join(", ");
                return Err(format!(
                    "no scheduler is called `{word}`; there are {known}"
                ));
            };
            let share = share.trim().parse::<u32>().ok().filter(|&n| n <= 1000);
            let Some(share) = share else {
                return Err(format!("the share of `{word}` is a number from 0 to 1000"));
            };
            shares[scheduler as usize] = share;
        }
        if shares.iter().sum::<u32>() == 0 {
            return Err("some scheduler must have a share: uniform=40,pct=30".to_owned());
        }
        Ok(Self(shares))
    }

    /// The scheduler of one run. What can't be picked for is drawn for.
    pub(super) fn draw(self, lots: &mut Lots, can_pick: bool) -> Scheduler {
        let sum: u32 = self.0.iter().sum();
        let mut draw = lots.below(u64::from(sum.max(1))) as u32;
        let mut drawn = Scheduler::Uniform;
        for (scheduler, &share) in Scheduler::ALL.iter().zip(&self.0) {
            if draw < share {
                drawn = *scheduler;
                break;
            }
            draw -= share;
        }
        match drawn {
            Scheduler::Pct | Scheduler::Pos if !can_pick => Scheduler::Uniform,
            Scheduler::Uniform | Scheduler::Pct | Scheduler::Pos | Scheduler::Guided => drawn,
        }
    }
}

/// The adversary that a scheduler is; none: as the scenario says. `length` is how many operations were picked
/// in recent runs, if there were any.
pub(super) fn adversary(
    scheduler: Scheduler,
    lots: &mut Lots,
    length: Option<u64>,
) -> Option<Adversary> {
    match scheduler {
        Scheduler::Uniform | Scheduler::Guided => None,
        Scheduler::Pct => {
            let depth = lots.within(1, 4) as u32;
            let within = length.map(|length| length.max(1));
            Some(Adversary::Pct { depth, within })
        }
        Scheduler::Pos => Some(Adversary::Pos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_to() {
        let mut lots = Lots::new(1);
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[Portfolio::default().draw(&mut lots, true) as usize] += 1;
        }

        let near = |count: i32, wanted: i32| (count - wanted).abs() < 300;
        assert!(
            near(counts[0], 4000) && near(counts[1], 3000) && near(counts[3], 1500),
            "{counts:?}"
        );
    }

    #[test]
    fn where_nobody_can_pick_chance_orders() {
        let mut lots = Lots::new(1);
        let none = (0..1000).all(|_| {
            let drawn = Portfolio::default().draw(&mut lots, false);
            matches!(drawn, Scheduler::Uniform | Scheduler::Guided)
        });

        assert!(none);
    }
}
