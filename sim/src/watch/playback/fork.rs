//! Forks: runs that are the same up to a step and go another way from there.

use std::sync::Arc;

use super::{
    Intervention, Playback,
    cursor::{Snapshot, remember},
    drain::slots,
    world::World,
};
use crate::{
    campaign::trace::Trace,
    engine::{
        End,
        dice::Dice,
        runner::Rest,
        view::{Track, Turn},
    },
};

impl Playback {
    /// A run with the same choices up to a step, and from there on those of another seed.
    #[must_use]
    pub fn fork_with_seed(&self, step: u64, seed: u64) -> Self {
        self.fork(step, |_, world, _| {
            *world.dice_mut() = Dice::recording(seed);
        })
    }

    /// A run whose first choice after a step is another one. The rest follows the old list, as far as it
    /// fits: what does not is folded into its bounds. Where the old list ends, the seed's streams go on.
    #[must_use]
    pub fn fork_with_choice(&self, step: u64, choice: u32) -> Self {
        self.fork(step, |old, world, made| {
            let rest = old.choices().get(made + 1..).unwrap_or_default();
            let list = [&[choice], rest].concat();
            *world.dice_mut() = Dice::following(list, Rest::Seed(old.seed));
        })
    }

    /// A run in which something changes after a step, and all luck stays the same. Where the change means
    /// nothing ([`Self::can_change`]) it is the same run.
    #[must_use]
    pub fn fork_changed(&self, step: u64, what: Intervention) -> Self {
        let mut fork = self.fork(step, |old, world, _| {
            if world.dice_mut().played_so_far().is_some() {
                // A list is of one run: it does not fit another.
                *world.dice_mut() = Dice::recording(old.seed);
            }
            world.change(&old.scenario, what);
        });
        fork.changed = true;
        fork
    }

    /// Whether a change makes a difference to the world after the last step.
    pub fn can_change(&self, what: Intervention) -> bool {
        self.head.can_change(&self.scenario, what)
    }

    /// The step after which this run is no longer that of its seed or list.
    pub const fn forked_at(&self) -> Option<u64> {
        self.forked_at
    }

    /// The run up to a step, and how many choices were made by then; the new way is set out upon by `turn`.
    fn fork(&self, step: u64, turn: impl FnOnce(&Self, &mut World, usize)) -> Self {
        // The step at which a list did not fit is none of its run.
        let cut = self.list.is_some() && self.end == Some(End::Misfit);
        let step = step.min(self.track.steps - u64::from(cut));
        let from = self.snapshots.at(step);
        let mut world = from.listening();
        world.walk_to(step);
        let (_, notes) = world.take_told();
        let played = world.dice_mut().played_so_far();
        let made = played.unwrap_or_else(|| from.choices + world.dice_mut().take_choices().len());
        turn(self, &mut world, made);
        let mut latest = from.latest.clone();
        remember(&mut latest, notes);
        let stairs = self.track.stairs.iter();
        let marks = self.track.marks.iter();
        let track = Track {
            stairs: stairs.filter(|it| it.step <= step).copied().collect(),
            marks: marks.filter(|it| it.step <= step).cloned().collect(),
            slots: slots(&world, self.is_log),
            steps: step,
            time_ns: world.time_ns(),
            over: None,
        };
        let mut ballots = vec![None; self.names.agents.len()];
        for stair in track.stairs.iter().filter(|it| it.turn == Turn::Phase1) {
            ballots[usize::from(stair.ballot.agent)] = Some(stair.ballot);
        }
        let mut snapshots = self.snapshots.until(step);
        snapshots.keep(Snapshot {
            step,
            choices: made,
            time_ns: track.time_ns,
            latest: latest.clone(),
            world: world.silent_copy(),
            pinned: true,
        });
        let over = self.end.filter(|_| step == self.track.steps);
        let mut fork = Self {
            scenario: Arc::clone(&self.scenario),
            names: self.names.clone(),
            seed: self.seed,
            planted: self.planted,
            file: self.file.clone(),
            list: None,
            fits: false,
            changed: self.changed,
            forked_at: Some(self.forked_at.unwrap_or(step).min(step)),
            is_log: self.is_log,
            violations: world.finished().violations().len(),
            head: world,
            end: None,
            report: None,
            track,
            digests: self.digests[..step as usize].to_vec(),
            choices: self.choices()[..made.min(self.choices().len())].to_vec(),
            ballots,
            latest,
            snapshots,
            cursor: None,
            known: self.known.clone(),
        };
        if let Some(end) = over {
            fork.head.wind_up();
            fork.drain();
            fork.finish(end);
        }
        fork
    }

    /// The run as a trace that can be replayed. None before it is over; none of a fork in which something
    /// has changed but choices, or of a list that does not fit.
    pub fn trace(&self) -> Option<Trace> {
        let report = self.report.as_ref()?;
        let fits = self.list.is_none() || self.fits;
        let whole = fits && !self.changed;
        whole.then(|| {
            let run = (self.seed, self.planted, report.fingerprint.clone());
            Trace::of_digests(
                &self.scenario,
                run,
                self.choices().to_vec(),
                self.digests.clone(),
            )
        })
    }
}
