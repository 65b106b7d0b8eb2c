//! Stills: screens of a run without a terminal, for pictures and films.

use bivalent_sim::{
    engine::view::{MarkKind, Valence},
    watch::playback::Playback,
};
use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    record::{self, Film},
    scene::{Scene, Ui},
    screen,
    theme::{Look, Theme},
};

/// Milliseconds of a step in a film.
const STEP_MS: u32 = 120;
/// Steps that a film shows, at most: of a longer run only every n-th.
const FRAMES_MAX: u64 = 1500;
/// Copies that are run on for a valence that is not exact.
const SAMPLES: u32 = 128;
/// Frames of a film whose valence is worked out, at most about so many: of a run in which something breaks in every
/// frame only some. Others show the one before, and say so.
const VALENCES_MAX: usize = 100;

/// How screens are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Still {
    /// Columns and rows.
    pub size: (u16, u16),
    /// Colours and signs.
    pub look: Look,
}

impl Still {
    /// The screen at a step.
    pub fn screen(&self, playback: &mut Playback, step: u64) -> Buffer {
        let valence = playback.valence_at(step, SAMPLES);
        let ui = Ui {
            valence: Some((step, valence)),
            why: Some((step, playback.why_at(step))),
            ..Ui::default()
        };
        self.draw(playback, step, &ui)
    }

    fn draw(&self, playback: &mut Playback, step: u64, ui: &Ui) -> Buffer {
        let view = playback.view_at(step);
        let coordinate = playback.coordinate(view.step);
        let (columns, rows) = self.size;
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        let scene = Scene {
            coordinate: &coordinate,
            title: &playback.scenario().title,
            names: playback.names(),
            view: &view,
            track: playback.track(),
            ui,
            game: None,
            page: None,
            look: self.look,
        };
        screen::draw(&scene, &mut buffer);
        buffer
    }

    /// The screen at a step as an SVG picture.
    pub fn svg(&self, playback: &mut Playback, step: u64) -> String {
        let buffer = self.screen(playback, step);
        let title = format!(
            "{}, {}",
            playback.scenario().title,
            playback.coordinate(step)
        );
        record::svg(&buffer, &title, self.look.theme == Theme::Light)
    }

    /// The run from a step to another as an asciicast, with a marker at every fault, stall, decision and
    /// violation.
    pub fn cast(&self, playback: &mut Playback, from: u64, to: u64) -> String {
        let title = format!(
            "{}, {}",
            playback.scenario().title,
            playback.coordinate(from)
        );
        let mut film = Film::new(self.size.0, self.size.1, &title);
        let stride = ((to - from) / FRAMES_MAX).max(1);
        let marks: Vec<(u64, String)> = playback
            .track()
            .marks
            .iter()
            .filter(|mark| mark.step >= from && mark.step <= to)
            .map(|mark| {
                let kind = match mark.kind {
                    MarkKind::Fault(kind) => kind.name(),
                    MarkKind::Stall => "stall",
                    MarkKind::Healed => "healed",
                    MarkKind::Decision => "decision",
                    MarkKind::Violation => "violation",
                };
                (mark.step, format!("{kind}: {}", mark.text))
            })
            .collect();
        let every = marks.len().div_ceil(VALENCES_MAX).max(1);
        let mut marked = 0;
        let mut marks = marks.into_iter().peekable();
        let mut valence: Option<(u64, Valence)> = None;
        let mut step = from;
        loop {
            let before = marked / every;
            while let Some((_, label)) = marks.next_if(|(at, _)| *at <= step) {
                film.marker(&label);
                marked += 1;
            }
            if marked / every > before || step == from {
                valence = Some((step, playback.valence_at(step, SAMPLES)));
            }
            let ui = Ui {
                valence: valence.clone(),
                playing: step < to,
                ..Ui::default()
            };
            let buffer = self.draw(playback, step, &ui);
            let pause = if step == from { 0 } else { STEP_MS };
            film.frame(pause, &buffer);
            if step >= to {
                return film.into_text();
            }
            step = (step + stride).min(to);
        }
    }
}
