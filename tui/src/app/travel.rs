//! Time: steps on and back, jumps, playing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "commands that are not meant at a place do nothing there"
)]

use bivalent_sim::engine::view::MarkKind;
use ratatui::layout::Rect;

use super::{App, Deed};
use crate::{
    command::Command,
    keys::Mode,
    panel::{Panel, step_at},
    scene::{Marks, Over},
    screen,
    words::{grouped, read_time},
    worker::Ask,
};

/// Steps a second at the usual speed.
const PACE: u64 = 8;
/// Steps a second on the way to a page of the tour.
const TOUR_PACE: u64 = 20;
/// The fastest and the slowest speed, as powers of two.
const SPEEDS: std::ops::RangeInclusive<i8> = -2..=6;

impl App {
    /// Time has passed: plays on.
    pub fn tick(&mut self, ms: u64) -> Vec<Deed> {
        if let Some(step) = self.ui.arriving {
            return self.tour_on(ms, step);
        }
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

    /// Steps follow each other by themselves.
    pub const fn is_moving(&self) -> bool {
        self.ui.playing || self.ui.arriving.is_some()
    }

    /// Plays on towards the moment of a page.
    fn tour_on(&mut self, ms: u64, moment: u64) -> Vec<Deed> {
        self.owed += ms * TOUR_PACE;
        let steps = self.owed / 1000;
        self.owed %= 1000;
        if self.wanted + steps >= moment {
            return self.arrive();
        }
        if steps == 0 {
            return Vec::new();
        }
        self.wanted += steps;
        vec![Deed::Ask(Ask::Seek(self.wanted))]
    }

    /// The mouse is clicked in a window: keys are for that panel, and on the timeline that step is shown.
    pub fn click(&mut self, window: Rect, place: (u16, u16)) -> Vec<Deed> {
        let scene = self.scene();
        let Some((panel, area)) = screen::at(&scene, window, place) else {
            return Vec::new();
        };
        let step = step_at(&scene, area, place);
        let step = step.filter(|_| panel == Panel::Timeline && self.ui.mode == Mode::Watch);
        let mut deeds = match panel.number() {
            Some(number) if self.ui.mode != Mode::Adversary => self.focus(number),
            _ => Vec::new(),
        };
        if let Some(step) = step {
            self.ui.playing = false;
            deeds.extend(self.seek(step));
        }
        deeds
    }

    /// The wheel is turned: a step, or a line of a list.
    pub fn wheel(&mut self, down: bool) -> Vec<Deed> {
        let steps = self.ui.mode == Mode::Watch && self.ui.over == Over::Nothing;
        self.obey(match (steps, down) {
            (true, true) => Command::Forward(1),
            (true, false) => Command::Back(1),
            (false, true) => Command::Down,
            (false, false) => Command::Up,
        })
    }

    /// Goes to a step. What is asked of paused views is asked when it is there.
    pub(super) fn seek(&mut self, step: u64) -> Vec<Deed> {
        self.wanted = step;
        if step != u64::MAX {
            self.bound();
        }
        vec![Deed::Ask(Ask::Seek(self.wanted))]
    }

    pub(super) fn go_to(&mut self, text: &str) -> Vec<Deed> {
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

    pub(super) fn travel(&mut self, command: Command) -> Vec<Deed> {
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

    pub(super) fn jump(&mut self, on: bool) -> Vec<Deed> {
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

    /// Nobody wants to go beyond the end, once it is known.
    pub(super) fn bound(&mut self) {
        if self.track.over.is_some() && self.wanted > self.track.steps {
            self.wanted = self.track.steps;
            let text = format!("the run ends at step {}", grouped(self.wanted));
            self.ui.message = Some(text);
        }
    }

    pub(super) fn find_violation(&mut self) -> Vec<Deed> {
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
