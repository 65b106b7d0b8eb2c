//! What a frame costs: the screen is drawn and compared with the one before, as for a real terminal, and
//! nothing is written to one.

#![expect(
    clippy::print_stdout,
    reason = "a benchmark measures real time and prints it"
)]

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    time::Instant,
};

use bivalent_sim::{
    scenario::{Scenario, catalogue, planted::Planted},
    watch::playback::Playback,
};
use bivalent_tui::{
    app::{App, Deed},
    screen,
    term::press,
    theme::{Look, Theme},
    worker::{Answer, Worker},
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers},
};

/// Frames of each scene.
const FRAMES: usize = 500;
/// Columns and rows.
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 36), (180, 40)];

/// The application and its worker on one thread: what the worker needs is not part of a frame.
struct Desk {
    app: App,
    worker: Worker,
    answers: Receiver<Answer>,
}

impl Desk {
    fn open(name: &str) -> Self {
        let mut chapters = catalogue::chapters().iter();
        let chapter = chapters
            .find(|chapter| chapter.name.contains(name))
            .expect("a chapter of the catalogue");
        let scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open)
            .expect("the catalogue is valid");
        let mut playback = Playback::of_seed(&scenario, 0, Planted::default());
        while playback.advance(1 << 16) {}
        let (tell, answers) = mpsc::channel();
        let keep = Arc::new(|_: &str, _: &str| Err("nothing is kept".to_owned()));
        let answer = Box::new(move |answer| tell.send(answer).expect("somebody listens"));
        let mut desk = Self {
            app: App::new(Look::new(Theme::Dark, false)),
            worker: Worker::new(playback, Planted::default(), keep, answer),
            answers,
        };
        let deeds = desk.app.begin();
        desk.perform(deeds);
        desk
    }

    fn perform(&mut self, deeds: Vec<Deed>) {
        let mut left: VecDeque<Deed> = deeds.into();
        loop {
            while let Ok(answer) = self.answers.try_recv() {
                left.extend(self.app.hear(answer));
            }
            match left.pop_front() {
                Some(Deed::Ask(ask)) => {
                    self.worker.handle(ask);
                    self.worker.settle();
                }
                Some(_) => {}
                None => return,
            }
        }
    }

    fn key(&mut self, code: KeyCode) {
        let deeds = press(&mut self.app, KeyEvent::new(code, KeyModifiers::NONE));
        self.perform(deeds);
    }

    fn keys(&mut self, keys: &str) {
        for letter in keys.chars() {
            self.key(if letter == '\n' {
                KeyCode::Enter
            } else {
                KeyCode::Char(letter)
            });
        }
    }
}

/// Microseconds: the one in the middle, and the one that one of a hundred exceeds.
fn figures(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn terminal((columns, rows): (u16, u16)) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(columns, rows)).expect("memory is no device that fails")
}

fn timed(terminal: &mut Terminal<TestBackend>, app: Option<&App>) -> f64 {
    let start = Instant::now();
    let drawn = terminal.draw(|frame| {
        if let Some(app) = app {
            screen::draw(&app.scene(), frame.buffer_mut());
        }
    });
    let us = start.elapsed().as_secs_f64() * 1e6;
    drawn.expect("memory is no device that fails");
    us
}

/// Draws a scene once after each of some keys, so that each frame differs from the one before.
fn measure(what: &str, name: &str, to: &str, back: &str, on: &str) {
    for size in SIZES {
        let mut terminal = terminal(size);
        let empty: Vec<f64> = (0..FRAMES).map(|_| timed(&mut terminal, None)).collect();
        let mut desk = Desk::open(name);
        desk.keys(to);
        desk.keys(back);
        // What the first screen costs, which has everything to write, is none of the figures.
        timed(&mut terminal, Some(&desk.app));
        let frames: Vec<f64> = (0..FRAMES)
            .map(|frame| {
                // There and back again where a run is too short.
                let keys = if frame / 50 % 2 == 0 { on } else { back };
                let keys = if back.is_empty() { on } else { keys };
                let key = keys.chars().nth(frame % keys.len().max(1));
                desk.key(key.map_or(KeyCode::Right, KeyCode::Char));
                timed(&mut terminal, Some(&desk.app))
            })
            .collect();
        let (middle, late) = figures(frames);
        let (none, _) = figures(empty);
        println!(
            "{what} at {}x{}: median {middle:.0} us, p99 {late:.0} us; {:.1} times an empty frame ({none:.0} us)",
            size.0,
            size.1,
            middle / none
        );
    }
}

fn main() {
    measure(
        "the duel from its stall on",
        "flp/duelling-agents.toml",
        ".",
        "",
        "l",
    );
    measure(
        "a violation and the steps around it",
        "fault/stale-reads-outside",
        "mmmm.",
        "h",
        "l",
    );
    measure(
        "the adversary, a move and back",
        "flp/keep-bivalent.toml",
        "pah",
        "",
        "lu",
    );
    measure("a log", "log/storm-kv", "g1000\n", "", "l");
}
