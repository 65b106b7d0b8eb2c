//! The application: what it knows, and what a command does to it. It draws nothing and runs nothing; what it
//! wants to know it asks the worker.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "keys and questions that are not meant at a place do nothing there"
)]

use std::sync::Arc;

use bivalent_sim::{
    game::Strike,
    view::{MarkKind, Names, Track, View},
};

use crate::{
    command::Command,
    keys::Mode,
    scene::{GameView, Marks, Over, Scene, Ui},
    theme::Look,
    tour::{CHAPTERS, Page},
    words::{grouped, read_time},
    worker::{Answer, Ask, BRANCHES},
};

/// Steps a second at the usual speed.
const PACE: u64 = 8;
/// The fastest and the slowest speed, as powers of two.
const SPEEDS: std::ops::RangeInclusive<i8> = -2..=6;
/// Moves that the machine makes at once.
const MACHINE_MOVES: u64 = 10;

/// What has to be done outside of the application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deed {
    /// Ask the worker.
    Ask(Ask),
    /// Copy this to the clipboard.
    Copy(String),
    /// Write the screen to a file.
    Export,
    /// Leave.
    Quit,
}

/// All that the live view knows.
#[derive(Debug)]
pub struct App {
    /// What the user has set.
    pub ui: Ui,
    /// Colours and signs.
    pub look: Look,
    coordinate: String,
    title: String,
    names: Names,
    view: Arc<View>,
    track: Arc<Track>,
    game: Option<GameView>,
    /// The step that was asked for last.
    wanted: u64,
    /// Thousandths of steps that playing still owes.
    owed: u64,
    /// Chapter and page of the tour, from 0.
    page: Option<(usize, usize)>,
    /// Opened at a run's violation, if it turns out to have one.
    seeks_violation: bool,
}

impl App {
    /// An application that knows nothing yet.
    pub fn new(look: Look) -> Self {
        Self {
            ui: Ui::default(),
            look,
            coordinate: String::new(),
            title: String::new(),
            names: Names::default(),
            view: Arc::default(),
            track: Arc::default(),
            game: None,
            wanted: 0,
            owed: 0,
            page: None,
            seeks_violation: false,
        }
    }

    /// Opens at a step.
    #[must_use]
    pub fn at(mut self, step: u64) -> Self {
        self.wanted = step;
        self
    }

    /// Opens at the violation, if the run has one.
    #[must_use]
    pub const fn at_violation(mut self) -> Self {
        self.seeks_violation = true;
        self
    }

    /// Opens with the tour.
    #[must_use]
    pub fn on_tour(mut self) -> Self {
        self.ui.mode = Mode::Tour;
        self.page = Some((0, 0));
        self
    }

    /// What is to be drawn.
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            coordinate: &self.coordinate,
            title: &self.title,
            names: &self.names,
            view: &self.view,
            track: &self.track,
            ui: &self.ui,
            game: self.game.as_ref(),
            page: self.page.and_then(|(chapter, page)| {
                let it = CHAPTERS.get(chapter)?;
                Some(Page {
                    chapter: chapter + 1,
                    chapters: CHAPTERS.len(),
                    title: it.title,
                    number: page + 1,
                    pages: it.pages.len(),
                    text: it.pages.get(page)?.1,
                })
            }),
            look: self.look,
        }
    }

    /// What to ask at the beginning.
    pub fn begin(&mut self) -> Vec<Deed> {
        if let Some((chapter, page)) = self.page {
            return self.turn_to(chapter, page);
        }
        if self.ui.mode == Mode::Adversary {
            return vec![Deed::Ask(Ask::TakeOver(self.wanted))];
        }
        self.seek(self.wanted)
    }

    /// Time has passed: plays on.
    pub fn tick(&mut self, ms: u64) -> Vec<Deed> {
        if !self.ui.playing {
            return Vec::new();
        }
        // Thousandths of a step.
        let rate = if self.ui.speed >= 0 {
            PACE << self.ui.speed
        } else {
            PACE >> -self.ui.speed
        };
        self.owed += ms * rate;
        let steps = self.owed / 1000;
        self.owed %= 1000;
        if steps == 0 {
            return Vec::new();
        }
        let next = self.wanted + steps;
        if self.track.over.is_some() && next >= self.track.steps {
            self.ui.playing = false;
            return self.seek(self.track.steps);
        }
        // Never further ahead than what has been shown: the view does not race away from the screen.
        if self.wanted > self.view.step + 4 * steps.max(rate / 10) {
            return Vec::new();
        }
        self.wanted = next;
        vec![Deed::Ask(Ask::Seek(next))]
    }

    /// Goes to a step, and has what is asked of paused views worked out.
    fn seek(&mut self, step: u64) -> Vec<Deed> {
        self.wanted = step;
        if step != u64::MAX {
            self.bound();
        }
        let step = self.wanted;
        let mut deeds = vec![Deed::Ask(Ask::Seek(step))];
        if !self.ui.playing {
            deeds.push(Deed::Ask(Ask::Value(step)));
            if self.ui.over == Over::Why || self.ui.why.is_some() {
                deeds.push(Deed::Ask(Ask::Why(step)));
            }
        }
        deeds
    }

    /// Something was pasted or typed where letters are text; true if it was taken.
    pub fn typed(&mut self, letter: Option<char>) -> bool {
        let text = match &mut self.ui.over {
            Over::Goto(text) | Over::Filter(text) => text,
            Over::Nothing | Over::Help | Over::Why | Over::Branches(_) => return false,
        };
        match letter {
            Some(letter) if !letter.is_control() && text.chars().count() < 60 => text.push(letter),
            Some(_) => {}
            None => {
                text.pop();
            }
        }
        if let Over::Filter(text) = &self.ui.over {
            self.ui.filter.clone_from(text);
        }
        true
    }

    /// Letters are text at the moment.
    pub const fn is_typing(&self) -> bool {
        matches!(self.ui.over, Over::Goto(_) | Over::Filter(_))
    }

    /// A list lies over everything.
    pub const fn is_choosing(&self) -> bool {
        matches!(self.ui.over, Over::Branches(_))
    }

    /// What is typed or chosen holds.
    pub fn enter(&mut self) -> Vec<Deed> {
        match std::mem::take(&mut self.ui.over) {
            Over::Goto(text) => self.go_to(&text),
            Over::Branches(chosen) => {
                let Some((.., kind)) = BRANCHES.get(chosen) else {
                    return Vec::new();
                };
                self.ui.playing = false;
                vec![Deed::Ask(Ask::Branch(*kind, self.view.step))]
            }
            Over::Filter(_) | Over::Nothing | Over::Help | Over::Why => Vec::new(),
        }
    }

    fn go_to(&mut self, text: &str) -> Vec<Deed> {
        self.ui.playing = false;
        let digits: String = text
            .chars()
            .filter(|it| !matches!(it, ',' | '_' | '#' | ' '))
            .collect();
        if let Ok(step) = digits.parse() {
            return self.seek(step);
        }
        if let Some(ns) = read_time(text) {
            return vec![Deed::Ask(Ask::SeekTime(ns))];
        }
        if !text.is_empty() {
            self.ui.message = Some(format!(
                "`{text}` is no step (1284) and no time (1.5s, 20ms)"
            ));
        }
        Vec::new()
    }

    /// What a command does.
    pub fn obey(&mut self, command: Command) -> Vec<Deed> {
        self.ui.message = None;
        match command {
            Command::Quit => vec![Deed::Quit],
            Command::Help => self.open(Over::Help),
            Command::Close => {
                if self.ui.over == Over::Nothing {
                    self.ui.zoomed = false;
                    self.ui.filter.clear();
                }
                self.ui.over = Over::Nothing;
                Vec::new()
            }
            Command::Copy => vec![Deed::Copy(self.coordinate.clone())],
            Command::Export => vec![Deed::Export],
            Command::Filter => self.open(Over::Filter(String::new())),
            Command::Why => {
                let deeds = vec![Deed::Ask(Ask::Why(self.view.step))];
                self.open(Over::Why);
                deeds
            }
            Command::Up | Command::Down => self.choose(command == Command::Down),
            Command::NextPanel => self.focus(self.ui.focus % 7 + 1),
            Command::LastPanel => self.focus((self.ui.focus + 5) % 7 + 1),
            Command::Panel(number) => self.focus(number),
            Command::Zoom => {
                self.ui.zoomed = !self.ui.zoomed;
                Vec::new()
            }
            Command::Play
            | Command::Forward(_)
            | Command::Back(_)
            | Command::First
            | Command::Last
            | Command::Faster
            | Command::Slower
            | Command::NextMark
            | Command::LastMark
            | Command::Marks
            | Command::Goto => self.travel(command),
            Command::Branch => self.open(Over::Branches(0)),
            Command::Flip => self.about_branches(Ask::Flip(self.view.step)),
            Command::Difference => self.about_branches(Ask::Difference),
            Command::TakeOver => {
                self.ui.playing = false;
                vec![Deed::Ask(Ask::TakeOver(self.view.step))]
            }
            Command::Value => vec![Deed::Ask(Ask::Value(self.view.step))],
            Command::NextPage | Command::LastPage | Command::NextChapter | Command::LastChapter => {
                self.tour(command)
            }
            Command::Take
            | Command::TakeNumber(_)
            | Command::Undo
            | Command::Hint
            | Command::PlayOn
            | Command::Crash
            | Command::Restart
            | Command::Tear
            | Command::Stale
            | Command::Delay
            | Command::Save
            | Command::GiveBack => self.play(command),
        }
    }

    fn open(&mut self, over: Over) -> Vec<Deed> {
        self.ui.over = if self.ui.over == over {
            Over::Nothing
        } else {
            over
        };
        Vec::new()
    }

    fn focus(&mut self, number: u8) -> Vec<Deed> {
        if self.ui.focus == number && self.ui.mode != Mode::Adversary {
            self.ui.zoomed = !self.ui.zoomed;
        }
        self.ui.focus = number;
        if self.ui.mode != Mode::Adversary {
            self.ui.chosen = 0;
        }
        if number == 7 && self.ui.why.is_none() {
            return vec![Deed::Ask(Ask::Why(self.view.step))];
        }
        Vec::new()
    }

    fn choose(&mut self, down: bool) -> Vec<Deed> {
        let step = |at: usize, most: usize| {
            if down {
                (at + 1).min(most.saturating_sub(1))
            } else {
                at.saturating_sub(1)
            }
        };
        if let Over::Branches(chosen) = &mut self.ui.over {
            *chosen = step(*chosen, BRANCHES.len());
            return Vec::new();
        }
        let most = match (&self.game, self.ui.focus) {
            (Some(game), _) => game.moves.len(),
            (None, 1) => self.names.agents.len(),
            (None, 3) => self.names.stores.len(),
            (None, 4) => self.view.next.len(),
            (None, 5) => {
                // Events are read upwards from the latest.
                let most = self.view.events.len();
                self.ui.chosen = if down {
                    self.ui.chosen.saturating_sub(1)
                } else {
                    (self.ui.chosen + 1).min(most.saturating_sub(1))
                };
                return Vec::new();
            }
            (None, _) => 0,
        };
        self.ui.chosen = step(self.ui.chosen, most);
        Vec::new()
    }

    fn travel(&mut self, command: Command) -> Vec<Deed> {
        match command {
            Command::Play => {
                self.ui.playing = !self.ui.playing;
                self.owed = 0;
                if self.ui.playing
                    && self.track.over.is_some()
                    && self.view.step >= self.track.steps
                {
                    return self.seek(0);
                }
                if self.ui.playing {
                    return Vec::new();
                }
                return self.seek(self.wanted);
            }
            Command::Faster | Command::Slower => {
                let speed = self.ui.speed + if command == Command::Faster { 1 } else { -1 };
                self.ui.speed = speed.clamp(*SPEEDS.start(), *SPEEDS.end());
                return Vec::new();
            }
            Command::Marks => {
                self.ui.marks = self.ui.marks.next();
                self.ui.message = Some(format!(", and . go to {}", self.ui.marks.name()));
                return Vec::new();
            }
            Command::Goto => return self.open(Over::Goto(String::new())),
            _ => {}
        }
        self.ui.playing = false;
        match command {
            Command::Forward(steps) => self.seek(self.wanted.saturating_add(steps)),
            Command::Back(steps) => self.seek(self.wanted.saturating_sub(steps)),
            Command::First => self.seek(0),
            Command::Last => vec![Deed::Ask(Ask::SeekEnd)],
            Command::NextMark | Command::LastMark => self.jump(command == Command::NextMark),
            _ => Vec::new(),
        }
    }

    fn jump(&mut self, on: bool) -> Vec<Deed> {
        let kinds: Marks = self.ui.marks;
        let marks = self.track.marks.iter().filter(|mark| kinds.has(mark.kind));
        let here = self.wanted;
        let found = if on {
            marks.into_iter().find(|mark| mark.step > here)
        } else {
            marks.into_iter().rev().find(|mark| mark.step < here)
        };
        let Some(mark) = found else {
            let where_to = if on { "after" } else { "before" };
            self.ui.message = Some(format!(
                "no {} {where_to} this step (m: other marks)",
                kinds.name()
            ));
            return Vec::new();
        };
        let (step, text) = (mark.step, mark.text.clone());
        self.ui.message = Some(format!("step {}: {text}", grouped(step)));
        self.seek(step)
    }

    fn about_branches(&mut self, ask: Ask) -> Vec<Deed> {
        if self.ui.branch.is_none() {
            self.ui.message = Some("there is one future so far: b forks here".to_owned());
            return Vec::new();
        }
        self.ui.playing = false;
        vec![Deed::Ask(ask)]
    }

    fn tour(&mut self, command: Command) -> Vec<Deed> {
        let Some((chapter, page)) = self.page else {
            return Vec::new();
        };
        let pages = CHAPTERS[chapter].pages.len();
        let last = CHAPTERS.len() - 1;
        let (chapter, page) = match command {
            Command::NextPage if page + 1 < pages => (chapter, page + 1),
            Command::NextPage | Command::NextChapter if chapter < last => (chapter + 1, 0),
            Command::LastPage if page > 0 => (chapter, page - 1),
            Command::LastPage if chapter > 0 => {
                (chapter - 1, CHAPTERS[chapter - 1].pages.len() - 1)
            }
            Command::LastChapter => (chapter.saturating_sub(1), 0),
            _ => {
                self.ui.message =
                    Some("this is the end of the tour: q leaves, left goes back".to_owned());
                return Vec::new();
            }
        };
        self.turn_to(chapter, page)
    }

    fn turn_to(&mut self, chapter: usize, page: usize) -> Vec<Deed> {
        self.page = Some((chapter, page));
        vec![Deed::Ask(Ask::Page(chapter, page))]
    }

    fn play(&mut self, command: Command) -> Vec<Deed> {
        let Some(game) = &self.game else {
            return Vec::new();
        };
        let chosen = self.ui.chosen.min(game.moves.len().saturating_sub(1));
        let strike = |strike| Ask::Strike(strike, chosen);
        let ask = match command {
            Command::Take => Ask::Take(chosen),
            Command::TakeNumber(number) => Ask::Take(number),
            Command::Undo => Ask::Undo,
            Command::Hint => Ask::Hint,
            Command::PlayOn => Ask::PlayOn(MACHINE_MOVES),
            Command::Crash => strike(Strike::Crash),
            Command::Restart => strike(Strike::Restart),
            Command::Tear => strike(Strike::Tear),
            Command::Stale => strike(Strike::Stale),
            Command::Delay => strike(Strike::Delay),
            Command::Save => Ask::Save,
            _ => {
                self.ui.mode = Mode::Watch;
                self.game = None;
                self.ui.chosen = 0;
                return vec![Deed::Ask(Ask::GiveBack)];
            }
        };
        vec![Deed::Ask(ask)]
    }

    /// The worker has answered.
    pub fn hear(&mut self, answer: Answer) -> Vec<Deed> {
        match answer {
            Answer::Opened { title, names } => {
                self.title = title;
                self.names = names;
                self.ui.valence = None;
                self.ui.why = None;
            }
            Answer::Seen { view, coordinate } => {
                self.view = view;
                self.coordinate = coordinate;
                if !self.ui.playing {
                    self.wanted = self.view.step;
                }
            }
            Answer::Ran(track) => {
                self.track = track;
                self.bound();
                return self.find_violation();
            }
            Answer::Valued(step, valence) => self.ui.valence = Some((step, valence)),
            Answer::Why(step, lines) => self.ui.why = Some((step, lines)),
            Answer::Branched(branch) => self.ui.branch = branch,
            Answer::Game(Some(game)) => {
                let best = self.game.as_ref().map_or(0, |game| game.best);
                let mut game = *game;
                game.best = best.max(game.score.bivalent);
                self.ui.mode = Mode::Adversary;
                self.ui.chosen = self.ui.chosen.min(game.moves.len().saturating_sub(1));
                if let Some(best) = game.best_move.filter(|_| game.hints) {
                    self.ui.chosen = best;
                }
                self.game = Some(game);
            }
            Answer::Game(None) => {
                if self.ui.mode == Mode::Adversary {
                    self.ui.mode = Mode::Watch;
                }
                self.game = None;
                return self.seek(self.wanted);
            }
            Answer::Said(text) => self.ui.message = Some(text),
        }
        Vec::new()
    }

    /// Nobody wants to go beyond the end, once it is known.
    fn bound(&mut self) {
        if self.track.over.is_some() && self.wanted > self.track.steps {
            self.wanted = self.track.steps;
            let text = format!("the run ends at step {}", grouped(self.wanted));
            self.ui.message = Some(text);
        }
    }

    fn find_violation(&mut self) -> Vec<Deed> {
        if !self.seeks_violation {
            return Vec::new();
        }
        let mut marks = self.track.marks.iter();
        let found = marks.find(|mark| mark.kind == MarkKind::Violation);
        let Some(mark) = found else {
            self.seeks_violation = self.track.over.is_none();
            return Vec::new();
        };
        self.seeks_violation = false;
        self.ui.playing = false;
        let (step, text) = (mark.step, mark.text.clone());
        self.ui.message = Some(format!(
            "opened at the violation, step {}: {text}",
            grouped(step)
        ));
        self.seek(step)
    }
}
