//! Branches: futures of the run, all of which are kept.

use bivalent_sim::watch::playback::Playback;

use super::{Answer, BRANCHES, BranchKind, COMPARED, Worker};
use crate::{
    scene::{Branching, FutureRow},
    words::grouped,
};

/// Branches that are kept, at most: each has copies of its whole world.
const BRANCHES_MAX: usize = 16;

/// A run that can be looked at: the one that was opened, or a branch.
#[derive(Debug)]
pub(super) struct Future {
    row: FutureRow,
    pub(super) run: Playback,
}

impl Future {
    /// The run that was opened.
    pub(super) fn main(run: Playback) -> Self {
        let row = FutureRow {
            name: "main".to_owned(),
            from: None,
            what: run.coordinate(0).trim_end_matches("#0").to_owned(),
        };
        Self { row, run }
    }
}

impl Worker {
    pub(super) fn branch_off(&mut self, kind: BranchKind, step: u64) {
        if self.futures.len() > BRANCHES_MAX {
            return self.say(format!(
                "{BRANCHES_MAX} branches are kept and no more: D forgets the one that is looked at"
            ));
        }
        self.reach(step);
        self.forks += 1;
        let number = self.forks;
        let parent = self.futures[self.on].row.name.clone();
        let here = self.here();
        let (run, what) = match kind {
            BranchKind::Seed => {
                let seed = here.seed().wrapping_add(number);
                (here.fork_with_seed(step, seed), format!("seed 0x{seed:x}"))
            }
            BranchKind::Choice => {
                let run = here.fork_with_choice(step, number as u32);
                (run, "another choice".to_owned())
            }
            BranchKind::Changed(change) => {
                let name = BRANCHES
                    .iter()
                    .find(|(.., it)| *it == kind)
                    .map_or("", |it| it.0);
                (here.fork_changed(step, change), name.to_owned())
            }
        };
        let row = FutureRow {
            name: letters(number),
            from: Some((parent, step)),
            what,
        };
        // Both are run on, to find where they differ.
        self.reach(step + COMPARED);
        self.futures.push(Future { row, run });
        self.other = self.on;
        self.on = self.futures.len() - 1;
        self.shown = step;
        self.reach(step + COMPARED);
        self.show_track();
        self.tell_branch();
        self.show(step);
    }

    /// Looks at another future, at a step.
    pub(super) fn go_on_with(&mut self, future: usize, step: u64) {
        if future >= self.futures.len() {
            return;
        }
        if future != self.on {
            self.other = self.on;
            self.on = future;
        }
        self.show_track();
        self.tell_branch();
        self.show(step);
    }

    /// Forgets the branch that is looked at; what branched off from it stays.
    pub(super) fn drop_branch(&mut self, step: u64) {
        let Some((parent, _)) = &self.futures[self.on].row.from else {
            return self.say("this is the run itself: only branches are forgotten");
        };
        let parent = parent.clone();
        let gone = self.futures.remove(self.on).row.name;
        let mut rows = self.futures.iter();
        // The run itself, if the one it came from has been forgotten before.
        self.on = rows.position(|it| it.row.name == parent).unwrap_or(0);
        self.other = if self.on == 0 {
            self.futures.len() - 1
        } else {
            0
        };
        self.show_track();
        self.tell_branch();
        self.show(step);
        self.say(format!("branch {gone} is forgotten"));
    }

    pub(super) fn jump_to_difference(&mut self) {
        let other = self.futures[self.other].row.name.clone();
        match self.difference() {
            Some(step) => {
                self.show(step);
                self.say(format!(
                    "step {} is the first that differs from {other}",
                    grouped(step)
                ));
            }
            None => self.say(format!("the same as {other} as far as both were run")),
        }
    }

    fn difference(&self) -> Option<u64> {
        let (on, other) = (&self.futures[self.on], &self.futures[self.other]);
        on.run.first_difference(&other.run)
    }

    fn tell_branch(&mut self) {
        let branching = (self.futures.len() > 1).then(|| Branching {
            rows: self.futures.iter().map(|it| it.row.clone()).collect(),
            on: self.on,
            other: self.other,
            differs: self.difference(),
        });
        self.tell(Answer::Branched(branching));
    }
}

/// The name of a branch, by its number from 1: a to z, then aa.
fn letters(number: u64) -> String {
    let (before, last) = ((number - 1) / 26, (number - 1) % 26);
    let last = char::from(b'a' + last as u8);
    if before == 0 {
        last.to_string()
    } else {
        format!("{}{last}", letters(before))
    }
}

#[cfg(test)]
mod tests {
    use super::letters;

    #[test]
    fn names_are_letters_and_never_run_out() {
        assert_eq!((letters(1), letters(26)), ("a".into(), "z".into()));
        assert_eq!((letters(27), letters(52)), ("aa".into(), "az".into()));
        assert_eq!(letters(53), "ba");
    }
}
