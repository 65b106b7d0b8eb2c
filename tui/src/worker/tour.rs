//! The tour: chapters are opened, their runs played up to pages, its game begun.

use bivalent_sim::watch::playback::Playback;

use super::{AHEAD, Answer, Worker, branch::Future};
use crate::tour::{CHAPTERS, Chapter, GAME};

/// Steps before a page's moment that the tour plays, at most.
const PLAYED: u64 = 40;

impl Worker {
    /// Looks at another run, with all branches gone; false, and says so, if it is not there.
    fn open(&mut self, it: &Chapter) -> bool {
        let Some(scenario) = it.open() else {
            self.say(format!("{} is not in this build", it.scenario));
            return false;
        };
        let run = Playback::of_seed(&scenario, it.seed, self.planted);
        self.futures = vec![Future::main(run)];
        (self.on, self.other) = (0, 0);
        self.tell(Answer::Branched(None));
        self.opened();
        true
    }

    /// The game that the tour ends with; whoever gives it back is shown his page again.
    pub(super) fn play_game(&mut self) {
        self.chapter = None;
        if self.open(&GAME) {
            self.take_over(0);
        }
    }

    pub(super) fn page(&mut self, chapter: usize, page: usize, plays: bool) {
        let Some(it) = CHAPTERS.get(chapter) else {
            return;
        };
        if self.chapter != Some(chapter) {
            if !self.open(it) {
                return;
            }
            self.chapter = Some(chapter);
            // Its moments are found in the whole run.
            self.reach(AHEAD);
            self.show_track();
        }
        let track = self.here().track();
        let step_of = |page: usize| it.pages.get(page)?.0.step(track);
        let step = step_of(page).unwrap_or(0);
        let before = page.checked_sub(1).and_then(step_of).unwrap_or(0);
        if plays && before < step {
            let from = before.max(step.saturating_sub(PLAYED));
            self.tell(Answer::Page(from, step));
            self.show(from);
        } else {
            self.show(step);
        }
    }
}
