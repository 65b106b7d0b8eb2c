//! The application: what it knows, and what a command does to it. It draws nothing and runs nothing; what it
//! wants to know it asks the worker.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "overlays that are not meant at a place do nothing there"
)]

mod game;
mod hear;
mod tour;
mod travel;

use std::sync::Arc;

use bivalent_sim::engine::view::{Names, Track, View};
use ratatui::layout::Rect;

use crate::{
    command::Command,
    keys::Mode,
    scene::{GameView, Over, Scene, Ui},
    screen,
    theme::Look,
    tour::{CHAPTERS, Page, sentences},
    worker::{Ask, BRANCHES},
};

/// What has to be done outside of the application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deed {
    /// Ask the worker.
    Ask(Ask),
    /// Copy this to the clipboard, and say this of it.
    Copy(String, String),
    /// Write the screen to a file.
    Export,
    /// Give the terminal to the shell for a while.
    Suspend,
    /// Leave.
    Quit,
}

/// All that the live view knows.
#[derive(Clone, Debug)]
pub struct App {
    /// What the user has set.
    pub ui: Ui,
    /// Colours and signs.
    pub look: Look,
    coordinate: String,
    openable: String,
    title: String,
    names: Names,
    view: Arc<View>,
    track: Arc<Track>,
    game: Option<GameView>,
    /// The step that was asked for last.
    wanted: u64,
    /// Thousandths of steps that playing still owes.
    owed: u64,
    /// Chapter and page of the tour, from 0; kept while its game is played.
    page: Option<(usize, usize)>,
    /// Opened at a run's violation, if it turns out to have one.
    seeks_violation: bool,
    /// By this a game would have been lost: the user has been asked.
    asked: Option<Command>,
    /// The filter that holds if the one that is being typed is not taken.
    old_filter: String,
    /// The size of the window.
    window: Rect,
}

impl App {
    /// An application that knows nothing yet.
    pub fn new(look: Look) -> Self {
        Self {
            ui: Ui::default(),
            look,
            coordinate: String::new(),
            openable: String::new(),
            title: String::new(),
            names: Names::default(),
            view: Arc::default(),
            track: Arc::default(),
            game: None,
            wanted: 0,
            owed: 0,
            page: None,
            seeks_violation: false,
            asked: None,
            old_filter: String::new(),
            window: Rect::ZERO,
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

    /// The size of the window, as far as anybody has said.
    pub const fn shown_in(&mut self, columns: u16, rows: u16) {
        self.window = Rect::new(0, 0, columns, rows);
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
            page: self
                .page
                .filter(|_| self.ui.mode == Mode::Tour)
                .and_then(|(chapter, page)| {
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
            return self.turn_to(chapter, page, true);
        }
        if self.ui.mode == Mode::Adversary {
            return vec![Deed::Ask(Ask::TakeOver(self.wanted))];
        }
        self.seek(self.wanted)
    }

    /// Something was pasted or typed where letters are text; true if it was taken.
    pub fn typed(&mut self, letter: Option<char>) -> bool {
        let text = match &mut self.ui.over {
            Over::Goto(text) | Over::Filter(text) => text,
            Over::Nothing
            | Over::Help
            | Over::Terms
            | Over::Why
            | Over::Branches(_)
            | Over::Futures(_) => return false,
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
        matches!(self.ui.over, Over::Branches(_) | Over::Futures(_))
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
            Over::Futures(chosen) => self.about_branches(Ask::GoOnWith(chosen, self.view.step)),
            Over::Filter(text) => {
                if !text.is_empty() {
                    let text = format!("only events with `{text}` are listed; / Enter lists all");
                    self.ui.message = Some(text);
                }
                self.ui.filter = text;
                Vec::new()
            }
            Over::Nothing | Over::Help | Over::Terms | Over::Why => Vec::new(),
        }
    }

    /// What a command does.
    pub fn obey(&mut self, command: Command) -> Vec<Deed> {
        self.ui.message = None;
        let mut deeds = self.arrive();
        if command == Command::NextPage && !deeds.is_empty() {
            // Whoever presses a key while the tour plays wants to see where it goes.
            return deeds;
        }
        let asked = std::mem::take(&mut self.asked);
        let done = self.do_at_once(command, asked);
        deeds.extend(done);
        deeds
    }

    fn do_at_once(&mut self, command: Command, asked: Option<Command>) -> Vec<Deed> {
        match command {
            Command::Quit | Command::GiveBack
                if asked != Some(command) && self.would_lose(command) =>
            {
                Vec::new()
            }
            Command::Quit => vec![Deed::Quit],
            Command::Help => {
                self.ui.scroll = 0;
                self.ui.over = match self.ui.over {
                    Over::Help => Over::Terms,
                    Over::Terms => Over::Nothing,
                    _ => Over::Help,
                };
                Vec::new()
            }
            Command::Close => {
                match std::mem::take(&mut self.ui.over) {
                    Over::Nothing => {
                        self.ui.zoomed = false;
                        self.ui.filter.clear();
                    }
                    Over::Filter(_) => self.ui.filter = std::mem::take(&mut self.old_filter),
                    _ => {}
                }
                Vec::new()
            }
            Command::Copy => vec![self.copy()],
            Command::Export => vec![Deed::Export],
            Command::Filter => {
                self.old_filter.clone_from(&self.ui.filter);
                self.open(Over::Filter(String::new()))
            }
            Command::Why => {
                let deeds = vec![Deed::Ask(Ask::Why(self.view.step))];
                self.open(Over::Why);
                deeds
            }
            Command::Up | Command::Down => self.choose(command == Command::Down),
            Command::NextPanel => self.focus_in_turn(self.ui.focus % 7 + 1),
            Command::LastPanel => self.focus_in_turn((self.ui.focus + 5) % 7 + 1),
            Command::Panel(number) => self.focus(number),
            Command::Turn(lines) => self.turn(lines),
            Command::Suspend => vec![Deed::Suspend],
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
            Command::NextBranch => self.about_branches(Ask::NextBranch(self.view.step)),
            Command::Drop => self.about_branches(Ask::Drop(self.view.step)),
            Command::Futures => match &self.ui.branch {
                Some(branch) => self.open(Over::Futures(branch.on)),
                None => self.one_future(),
            },
            Command::Difference => self.about_branches(Ask::Difference),
            Command::TakeOver => {
                self.ui.playing = false;
                vec![Deed::Ask(Ask::TakeOver(self.view.step))]
            }
            Command::Value => vec![Deed::Ask(Ask::Value(self.view.step))],
            Command::PlayGame => vec![Deed::Ask(Ask::PlayGame)],
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

    /// What is copied: a coordinate that can be opened, and what it does not tell.
    fn copy(&self) -> Deed {
        let note = if self.openable.starts_with(&self.coordinate) {
            ""
        } else if self.game.is_some() {
            ", where this game began: ^S saves the game itself"
        } else {
            ", where this branch left its run: it has no coordinate of its own, e writes its screen"
        };
        Deed::Copy(self.openable.clone(), note.to_owned())
    }

    /// The panel after or before. While a game is played there may be no room for it.
    fn focus_in_turn(&mut self, number: u8) -> Vec<Deed> {
        if self.ui.mode == Mode::Adversary {
            let text = format!("panel {number} is chosen: z shows it above the moves, or hides it");
            self.ui.message = Some(text);
        }
        self.focus(number)
    }

    /// Help is scrolled by so many lines, down or up.
    fn turn(&mut self, lines: isize) -> Vec<Deed> {
        let end = screen::help_end(&self.scene(), self.window);
        self.ui.scroll = self.ui.scroll.saturating_add_signed(lines).min(end);
        Vec::new()
    }

    /// Keys are for a panel.
    fn focus(&mut self, number: u8) -> Vec<Deed> {
        if number == 7 && self.ui.over == Over::Why {
            // The same once more, where it has its place.
            self.ui.over = Over::Nothing;
        }
        if self.ui.focus == number {
            return Vec::new();
        }
        self.ui.focus = number;
        self.ui.scroll = 0;
        if self.ui.mode != Mode::Adversary {
            self.ui.chosen = 0;
        }
        if number == 7 {
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
        let futures = self.ui.branch.as_ref().map_or(0, |it| it.rows.len());
        match &mut self.ui.over {
            Over::Branches(chosen) => {
                *chosen = step(*chosen, BRANCHES.len());
                return Vec::new();
            }
            Over::Futures(chosen) => {
                *chosen = step(*chosen, futures);
                return Vec::new();
            }
            Over::Terms | Over::Help => return self.turn(if down { 1 } else { -1 }),
            _ => {}
        }
        if self.ui.over == Over::Why || (self.game.is_none() && self.ui.focus == 7) {
            let parts = self.ui.why.iter().flat_map(|(_, parts)| parts);
            let lines = parts.map(|part| part.lines.len() + 1).sum();
            self.ui.scroll = step(self.ui.scroll, lines);
            return Vec::new();
        }
        let most = match (&self.game, self.ui.focus) {
            (Some(game), _) => game.moves.len(),
            (None, _) if self.ui.mode == Mode::Tour => self
                .scene()
                .page
                .map_or(0, |page| sentences(page.text).len()),
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

    fn about_branches(&mut self, ask: Ask) -> Vec<Deed> {
        if self.ui.branch.is_none() {
            return self.one_future();
        }
        self.ui.playing = false;
        vec![Deed::Ask(ask)]
    }

    fn one_future(&mut self) -> Vec<Deed> {
        self.ui.message = Some("there is one future so far: b forks here".to_owned());
        Vec::new()
    }
}
