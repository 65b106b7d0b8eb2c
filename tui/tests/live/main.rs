//! The live view as a user meets it: keys in, screens out, over real runs.

#![cfg(test)]

mod keys;
mod newcomer;
mod screens;
mod sizes;
mod tour;

use std::sync::{
    Arc, Mutex,
    mpsc::{self, Receiver},
};

use bivalent_sim::{
    scenario::{Scenario, catalogue, planted::Planted},
    watch::playback::Playback,
};
use bivalent_tui::{
    app::{App, Deed},
    record, screen,
    term::{point, press},
    theme::{Look, Theme},
    worker::{Answer, Worker},
};
use ratatui::{
    buffer::Buffer,
    crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent, MouseEventKind},
    layout::Rect,
};

/// A built-in scenario.
fn scenario(name: &str) -> Scenario {
    let name = format!("scenarios/{name}.toml");
    let chapter = catalogue::chapters()
        .iter()
        .find(|it| it.name == name)
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

/// The application and its worker, without threads and without a terminal.
struct Desk {
    app: App,
    worker: Worker,
    answers: Receiver<Answer>,
    /// What was kept: names and texts.
    kept: Arc<Mutex<Vec<(String, String)>>>,
    copied: Option<String>,
    /// What was said of it.
    note: String,
    quits: bool,
}

impl Desk {
    /// Opens a run of a built-in scenario; the whole run is known at once.
    fn open(name: &str, seed: u64, app: App) -> Self {
        let mut playback = Playback::of_seed(&scenario(name), seed, Planted::default());
        while playback.advance(1 << 16) {}
        let (tell, answers) = mpsc::channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&kept);
        let keep = Arc::new(move |name: &str, text: &str| {
            keeps
                .lock()
                .unwrap()
                .push((name.to_owned(), text.to_owned()));
            Ok(name.to_owned())
        });
        let answer = Box::new(move |answer| tell.send(answer).unwrap());
        let worker = Worker::new(playback, Planted::default(), keep, answer);
        let mut desk = Self {
            app,
            worker,
            answers,
            kept,
            copied: None,
            note: String::new(),
            quits: false,
        };
        let deeds = desk.app.begin();
        desk.perform(deeds);
        desk
    }

    fn plain(name: &str, seed: u64) -> Self {
        Self::open(name, seed, App::new(Look::new(Theme::Dark, false)))
    }

    fn perform(&mut self, deeds: Vec<Deed>) {
        let mut left: std::collections::VecDeque<Deed> = deeds.into();
        loop {
            while let Ok(answer) = self.answers.try_recv() {
                left.extend(self.app.hear(answer));
            }
            match left.pop_front() {
                Some(Deed::Ask(ask)) => {
                    self.worker.handle(ask);
                    self.worker.settle();
                }
                Some(Deed::Copy(text, note)) => {
                    self.copied = Some(text);
                    self.note = note;
                }
                Some(Deed::Quit) => self.quits = true,
                Some(Deed::Export | Deed::Suspend) => {}
                None => return,
            }
        }
    }

    /// Presses keys: letters, or `<Enter>`, `<Left>`, `<C-s>` and so on.
    fn keys(&mut self, keys: &str) {
        let mut rest = keys;
        while let Some(first) = rest.chars().next() {
            let named = rest.strip_prefix('<').and_then(|it| it.split_once('>'));
            let (code, modifiers) = if let Some((name, after)) = named {
                rest = after;
                let code = match name {
                    "Enter" => KeyCode::Enter,
                    "Esc" => KeyCode::Esc,
                    "Left" => KeyCode::Left,
                    "Right" => KeyCode::Right,
                    "Up" => KeyCode::Up,
                    "Down" => KeyCode::Down,
                    "PgUp" => KeyCode::PageUp,
                    "PgDn" => KeyCode::PageDown,
                    "Home" => KeyCode::Home,
                    "End" => KeyCode::End,
                    "Tab" => KeyCode::Tab,
                    "Back" => KeyCode::Backspace,
                    "C-s" => KeyCode::Char('s'),
                    "C-c" => KeyCode::Char('c'),
                    other => panic!("no key {other}"),
                };
                let held = name.starts_with("C-");
                (
                    code,
                    if held {
                        KeyModifiers::CONTROL
                    } else {
                        KeyModifiers::NONE
                    },
                )
            } else {
                rest = &rest[first.len_utf8()..];
                (KeyCode::Char(first), KeyModifiers::NONE)
            };
            let deeds = press(&mut self.app, KeyEvent::new(code, modifiers));
            self.perform(deeds);
        }
    }

    /// The mouse does something in a window of 120x36.
    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) {
        let mouse = MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        let deeds = point(&mut self.app, mouse, Rect::new(0, 0, 120, 36));
        self.perform(deeds);
    }

    /// Lets the tour play up to its page.
    fn arrive(&mut self) {
        for _ in 0..1000 {
            if !self.app.is_moving() {
                return;
            }
            let deeds = self.app.tick(33);
            self.perform(deeds);
        }
        panic!("the tour never comes to its page");
    }

    fn step(&self) -> u64 {
        self.app.scene().view.step
    }

    fn buffer(&self, columns: u16, rows: u16) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        screen::draw(&self.app.scene(), &mut buffer);
        buffer
    }

    fn text(&self, columns: u16, rows: u16) -> String {
        record::text(&self.buffer(columns, rows))
    }
}
