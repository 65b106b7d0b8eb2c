//! The worker: has the runs, and answers what the application asks of them. Nothing is drawn here, and
//! nothing here waits for a screen.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "keys and questions that are not meant at a place do nothing there"
)]

mod branch;
mod game;
mod next;
mod tour;

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use bivalent_sim::{
    engine::view::{Names, Track, Valence, View, Why},
    scenario::planted::Planted,
    watch::{
        game::{Game, Strike},
        playback::{Intervention, Playback},
    },
};

use branch::Future;

use crate::scene::{Branching, GameView};

/// Copies that are run on for a valence that is not exact.
const SAMPLES: u32 = 128;
/// Of which so many at once.
const SLICE: u32 = 16;
/// Steps that are run at once, between two looks at what is asked.
const STRETCH: u64 = 4096;
/// Steps that are run ahead of what is looked at, at most.
const AHEAD: u64 = 4_000_000;
/// The track is shown again after so long, while it grows.
const SHOWN_AGAIN: Duration = Duration::from_millis(200);
/// Steps that both branches are run on for, to find where they differ.
const COMPARED: u64 = 20_000;

/// How a branch differs from the run it comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BranchKind {
    /// Another seed from here on.
    Seed,
    /// The next choice is another one.
    Choice,
    /// Something else changes.
    Changed(Intervention),
}

/// The branches that are offered: a name, words, and how they differ.
pub const BRANCHES: &[(&str, &str, BranchKind)] = &[
    (
        "another seed",
        "the same up to here, then other luck",
        BranchKind::Seed,
    ),
    (
        "another choice",
        "the next choice is another one, the rest as before",
        BranchKind::Choice,
    ),
    (
        "a fair schedule",
        "no adversary, no duel",
        BranchKind::Changed(Intervention::DuelOff),
    ),
    (
        "one leader",
        "all others stand still",
        BranchKind::Changed(Intervention::OneLeader),
    ),
    (
        "backoff",
        "random pauses after an abort",
        BranchKind::Changed(Intervention::Backoff),
    ),
    (
        "no faults",
        "nothing breaks any more",
        BranchKind::Changed(Intervention::NoFaults),
    ),
];

/// What the application asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// Show a step.
    Seek(u64),
    /// Show the last step at or before a virtual time, ns.
    SeekTime(u64),
    /// Show the last step of all.
    SeekEnd,
    /// Which values are possible after a step.
    Value(u64),
    /// What led to the newest event of a step.
    Why(u64),
    /// Branch off after a step.
    Branch(BranchKind, u64),
    /// Show the future that was looked at before, at this step.
    Flip(u64),
    /// Show the next future of all, at this step.
    NextBranch(u64),
    /// Show this future, at this step.
    GoOnWith(usize, u64),
    /// Forget the branch that is looked at, and show the one it came from at this step.
    Drop(u64),
    /// Show the first step in which it differs from the one that was looked at before.
    Difference,
    /// A page of the tour, and whether the run is played up to it.
    Page(usize, usize, bool),
    /// The adversary is the user, in the game that the tour ends with.
    PlayGame,
    /// The adversary is the user from this step on.
    TakeOver(u64),
    /// A move.
    Take(usize),
    /// A fault, on what a move is about.
    Strike(Strike, usize),
    /// Take a move back.
    Undo,
    /// Show or hide what moves leave possible.
    Hint,
    /// Let the machine make so many moves.
    PlayOn(u64),
    /// Save the game.
    Save,
    /// End the game.
    GiveBack,
}

/// What the worker answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Another run is looked at.
    Opened {
        /// Its scenario's title.
        title: String,
        /// Its names.
        names: Names,
    },
    /// A step.
    Seen {
        /// The world after it.
        view: Arc<View>,
        /// Where to find it again.
        coordinate: String,
        /// A coordinate that can be opened: the same, or where the run left that of its seed.
        openable: String,
    },
    /// The tour plays from this step up to that one, which is its page's.
    Page(u64, u64),
    /// The run so far.
    Ran(Arc<Track>),
    /// The valence after a step.
    Valued(u64, Valence),
    /// The valence after each of the steps that come after a step, as far as it is known.
    ValuedNext(u64, Vec<Valence>),
    /// What led to the newest event of a step.
    Why(u64, Vec<Why>),
    /// There is another future, or none any more.
    Branched(Option<Branching>),
    /// The game, or none any more.
    Game(Option<Box<GameView>>),
    /// Something to tell the user.
    Said(String),
}

/// Keeps a text under a name that is made unlike any other; where it is, or why it could not be kept.
pub type Keep = dyn Fn(&str, &str) -> Result<String, String> + Send + Sync;

/// Has the runs.
pub struct Worker {
    planted: Planted,
    /// The run, and the branches of the session in the order in which they were made.
    futures: Vec<Future>,
    /// The one that is looked at.
    on: usize,
    /// The one that was looked at before, which it is compared with.
    other: usize,
    game: Option<Game>,
    hints: bool,
    /// Moves and undos of the game when it was saved last.
    saved: Option<(u64, u64)>,
    chapter: Option<usize>,
    forks: u64,
    /// The step whose valence is being worked out, and what is known so far.
    valuing: Option<(u64, Valence)>,
    /// The step whose next steps are being valued, and what is known of them so far.
    next: Option<(u64, Vec<Valence>)>,
    keep: Arc<Keep>,
    answer: Box<dyn FnMut(Answer) + Send>,
    shown: u64,
    shown_at: Instant,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("futures", &self.futures)
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker for a run, which answers through `answer` and keeps files through `keep`.
    pub fn new(
        main: Playback,
        planted: Planted,
        keep: Arc<Keep>,
        answer: Box<dyn FnMut(Answer) + Send>,
    ) -> Self {
        let mut worker = Self {
            planted,
            futures: vec![Future::main(main)],
            on: 0,
            other: 0,
            game: None,
            hints: false,
            saved: None,
            chapter: None,
            forks: 0,
            valuing: None,
            next: None,
            keep,
            answer,
            shown: 0,
            shown_at: Instant::now(),
        };
        worker.opened();
        worker
    }

    /// Answers until nobody asks any more.
    pub fn run(&mut self, asks: &Receiver<Ask>) {
        let mut waiting: Vec<Ask> = Vec::new();
        loop {
            loop {
                match asks.try_recv() {
                    Ok(ask) => waiting.push(ask),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return,
                }
            }
            forget_stale(&mut waiting);
            if !waiting.is_empty() {
                let ask = waiting.remove(0);
                if !matches!(ask, Ask::Why(_)) {
                    self.valuing = None;
                    self.next = None;
                }
                self.handle(ask);
                continue;
            }
            if self.run_ahead() {
                continue;
            }
            if self.valuing.is_some() {
                self.value_on();
                continue;
            }
            if self.next.is_some() {
                self.value_next();
                continue;
            }
            match asks.recv() {
                Ok(ask) => waiting.push(ask),
                Err(_) => return,
            }
        }
    }

    /// Finishes what is done when nobody asks for anything.
    pub fn settle(&mut self) {
        while self.valuing.is_some() {
            self.value_on();
        }
        while self.next.is_some() {
            self.value_next();
        }
    }

    /// Takes some samples more: whoever asks for a step meanwhile does not wait for all of them.
    fn value_on(&mut self) {
        let Some((step, mut so_far)) = self.valuing.take() else {
            return;
        };
        let done = so_far.samples.unwrap_or(0);
        let more = self.here().valence_by(step, done..done + SLICE);
        if so_far.samples.is_none() {
            so_far = more;
        } else {
            for (sum, part) in so_far.values.iter_mut().zip(&more.values) {
                sum.1 += part.1;
            }
            so_far.none += more.none;
            so_far.samples = so_far
                .samples
                .zip(more.samples)
                .map(|(sum, part)| sum + part);
        }
        if so_far.samples.is_some_and(|samples| samples < SAMPLES) {
            self.valuing = Some((step, so_far));
        } else {
            let has_values = !so_far.values.is_empty();
            self.tell(Answer::Valued(step, so_far));
            // In a game the moves are told with theirs, and a log has no values.
            let has_more = self.game.is_none() && has_values;
            self.next = has_more.then(|| (step, Vec::new()));
        }
    }

    /// The run that is looked at.
    fn here(&mut self) -> &mut Playback {
        &mut self.futures[self.on].run
    }

    fn tell(&mut self, answer: Answer) {
        (self.answer)(answer);
    }

    fn say(&mut self, text: impl Into<String>) {
        self.tell(Answer::Said(text.into()));
    }

    fn opened(&mut self) {
        let here = self.here();
        let (title, names) = (here.scenario().title.clone(), here.names().clone());
        self.tell(Answer::Opened { title, names });
        self.show_track();
    }

    /// Runs the head on a little; false if there is nothing to be done.
    fn run_ahead(&mut self) -> bool {
        if self.game.is_some() {
            return false;
        }
        let until = self.shown + AHEAD;
        let here = self.here();
        if here.track().over.is_some() || here.track().steps >= until {
            return false;
        }
        here.advance(STRETCH);
        let over = here.track().over.is_some();
        if over || self.shown_at.elapsed() > SHOWN_AGAIN {
            self.show_track();
        }
        true
    }

    fn show_track(&mut self) {
        let track = Arc::new(self.here().track().clone());
        self.shown_at = Instant::now();
        self.tell(Answer::Ran(track));
    }

    /// Runs on up to a step.
    fn reach(&mut self, step: u64) {
        let here = self.here();
        while here.track().steps < step && here.track().over.is_none() {
            here.advance((step - here.track().steps).min(STRETCH));
        }
    }

    fn show(&mut self, step: u64) {
        let known = self.here().track().steps;
        self.reach(step);
        let here = self.here();
        let view = Arc::new(here.view_at(step));
        let coordinate = here.coordinate(view.step);
        let openable = here.openable(view.step);
        let by_seed = here.file().is_none();
        if here.track().steps > known || known == 0 {
            self.show_track();
        }
        self.shown = view.step;
        let openable = if by_seed {
            self.with_bug(openable)
        } else {
            openable
        };
        self.tell(Answer::Seen {
            view,
            coordinate,
            openable,
        });
    }

    /// What it takes beside a coordinate to have the same run again: a trace says itself which bug its agents
    /// had.
    fn with_bug(&self, coordinate: String) -> String {
        match self.planted.name() {
            Some(name) => format!("{coordinate} --bug {name}"),
            None => coordinate,
        }
    }

    /// Answers one question.
    pub fn handle(&mut self, ask: Ask) {
        match ask {
            Ask::Seek(step) => self.show(step),
            Ask::SeekTime(ns) => {
                while self.here().track().time_ns < ns && self.here().advance(STRETCH) {}
                let step = self.here().step_at(ns);
                self.show(step);
            }
            Ask::SeekEnd => {
                let until = self.shown + AHEAD;
                self.reach(until);
                let last = self.here().track().steps;
                self.show(last);
            }
            Ask::Value(step) => {
                self.reach(step);
                let step = step.min(self.here().track().steps);
                self.valuing = Some((step, Valence::default()));
            }
            Ask::Why(step) => {
                self.reach(step);
                let parts = self.here().why_at(step);
                self.tell(Answer::Why(step, parts));
            }
            Ask::Branch(kind, step) => self.branch_off(kind, step),
            Ask::Flip(step) => self.go_on_with(self.other, step),
            Ask::NextBranch(step) => {
                self.go_on_with((self.on + 1) % self.futures.len(), step);
            }
            Ask::GoOnWith(future, step) => self.go_on_with(future, step),
            Ask::Drop(step) => self.drop_branch(step),
            Ask::Difference => self.jump_to_difference(),
            Ask::Page(chapter, page, plays) => self.page(chapter, page, plays),
            Ask::PlayGame => self.play_game(),
            Ask::TakeOver(step) => self.take_over(step),
            Ask::Take(_) | Ask::Strike(..) | Ask::Undo | Ask::Hint | Ask::PlayOn(_) | Ask::Save => {
                self.play(&ask);
            }
            Ask::GiveBack => {
                if self.game.take().is_some_and(|game| game.score().moves > 0) {
                    self.say("the run's own schedule again; p begins a new game");
                }
                self.show_track();
                self.tell(Answer::Game(None));
            }
        }
    }
}

/// Of several views only the last one is still wanted.
fn forget_stale(waiting: &mut Vec<Ask>) {
    let kind = |ask: &Ask| match ask {
        Ask::Seek(_) | Ask::SeekTime(_) => Some(0),
        Ask::Value(_) => Some(1),
        Ask::Why(_) => Some(2),
        _ => None,
    };
    let mut index = 0;
    while index < waiting.len() {
        let own = kind(&waiting[index]);
        let later = waiting[index + 1..].iter().map(kind);
        let replaced = own.is_some() && later.take_while(Option::is_some).any(|it| it == own);
        if replaced {
            waiting.remove(index);
        } else {
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_of_many_seeks_is_made() {
        let mut waiting = vec![
            Ask::Seek(1),
            Ask::Value(1),
            Ask::Seek(2),
            Ask::Value(2),
            Ask::Undo,
            Ask::Seek(3),
        ];
        forget_stale(&mut waiting);
        assert_eq!(
            waiting,
            [Ask::Seek(2), Ask::Value(2), Ask::Undo, Ask::Seek(3)]
        );
    }
}
