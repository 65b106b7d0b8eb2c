//! A scene: everything that a screen is drawn from, and nothing else.

use bivalent_sim::{
    engine::view::{MarkKind, Names, Track, Valence, View, Why},
    watch::game::{Move, Score},
};

use crate::{keys::Mode, theme::Look, tour::Page};

/// What is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Where to find it again: `SCENARIO@SEED#STEP`.
    pub coordinate: &'a str,
    /// The scenario's title.
    pub title: &'a str,
    /// Names of agents and stores.
    pub names: &'a Names,
    /// The world at the step that is looked at.
    pub view: &'a View,
    /// The run as far as it has been run.
    pub track: &'a Track,
    /// What the user has set.
    pub ui: &'a Ui,
    /// The game, while one is played.
    pub game: Option<&'a GameView>,
    /// The page of the tour, while there is one.
    pub page: Option<Page<'a>>,
    /// Colours and signs.
    pub look: Look,
}

/// What the user has set.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ui {
    /// What the keys are for.
    pub mode: Mode,
    /// Steps follow each other by themselves.
    pub playing: bool,
    /// The tour plays up to this step.
    pub arriving: Option<u64>,
    /// How fast: 0 is the usual speed, each more is twice as fast, each less half as fast.
    pub speed: i8,
    /// The panel that keys are for, from 1.
    pub focus: u8,
    /// It is shown alone.
    pub zoomed: bool,
    /// The chosen line of a list.
    pub chosen: usize,
    /// Events have this in them.
    pub filter: String,
    /// What lies over the panels.
    pub over: Over,
    /// A line for the user.
    pub message: Option<String>,
    /// The valence that is known, and of which step.
    pub valence: Option<(u64, Valence)>,
    /// The valence after each of the steps that come next, and after which step they come.
    pub valence_next: Option<(u64, Vec<Valence>)>,
    /// What led to the newest event of a step.
    pub why: Option<(u64, Vec<Why>)>,
    /// Lines of a text that have been scrolled away.
    pub scroll: usize,
    /// Which marks are jumped to.
    pub marks: Marks,
    /// There are several futures.
    pub branch: Option<Branching>,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            mode: Mode::Watch,
            playing: false,
            arriving: None,
            speed: 0,
            focus: 2,
            zoomed: false,
            chosen: 0,
            filter: String::new(),
            over: Over::Nothing,
            message: None,
            valence: None,
            valence_next: None,
            why: None,
            scroll: 0,
            marks: Marks::All,
            branch: None,
        }
    }
}

/// What lies over the panels.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Over {
    /// Nothing.
    #[default]
    Nothing,
    /// All keys.
    Help,
    /// What led to an event.
    Why,
    /// A step or a time is being typed.
    Goto(String),
    /// A word that events must have is being typed.
    Filter(String),
    /// Branches are offered; the chosen one.
    Branches(usize),
    /// The futures that there are; the chosen one.
    Futures(usize),
    /// What the words on the screen mean.
    Terms,
}

/// Which marks are jumped to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Marks {
    /// All.
    #[default]
    All,
    /// Faults.
    Faults,
    /// Stalls.
    Stalls,
    /// Decisions.
    Decisions,
    /// Violations.
    Violations,
}

impl Marks {
    /// The next one, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::All => Self::Faults,
            Self::Faults => Self::Stalls,
            Self::Stalls => Self::Decisions,
            Self::Decisions => Self::Violations,
            Self::Violations => Self::All,
        }
    }

    /// Whether a mark is one of them.
    pub const fn has(self, kind: MarkKind) -> bool {
        match self {
            Self::All => true,
            Self::Faults => matches!(kind, MarkKind::Fault(_)),
            Self::Stalls => matches!(kind, MarkKind::Stall),
            Self::Decisions => matches!(kind, MarkKind::Decision),
            Self::Violations => matches!(kind, MarkKind::Violation),
        }
    }

    /// The word for them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "marks",
            Self::Faults => "faults",
            Self::Stalls => "stalls",
            Self::Decisions => "decisions",
            Self::Violations => "violations",
        }
    }
}

/// Several futures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Branching {
    /// The run and its branches, in the order in which they were made.
    pub rows: Vec<FutureRow>,
    /// The one that is looked at.
    pub on: usize,
    /// The one that was looked at before.
    pub other: usize,
    /// The first step in which those two differ, if one does so far.
    pub differs: Option<u64>,
}

/// A future in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FutureRow {
    /// Its name: `main`, `a`, `b`.
    pub name: String,
    /// Which one it came from, and after which step.
    pub from: Option<(String, u64)>,
    /// What is different on it.
    pub what: String,
}

/// A game as it is drawn.
#[derive(Clone, Debug, Default)]
pub struct GameView {
    /// The moves.
    pub moves: Vec<Move>,
    /// How it goes.
    pub score: Score,
    /// The best so far, moves kept bivalent.
    pub best: u64,
    /// What may still be broken.
    pub budget: Vec<(&'static str, u32)>,
    /// What has waited longest, how long, and how long it may.
    pub oldest: Option<(String, u64, u64)>,
    /// What is possible now.
    pub valence: Valence,
    /// Hints are shown.
    pub hints: bool,
    /// There is nothing in it that is not saved.
    pub saved: bool,
    /// The best move, as far as is known.
    pub best_move: Option<usize>,
}
