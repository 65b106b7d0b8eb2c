//! The terminal: keys in, screens out. Nothing is drawn unless something has changed, and never more often
//! than thirty times a second.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "keys and questions that are not meant at a place do nothing there"
)]

use std::{
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bivalent_sim::{scenario::planted::Planted, watch::playback::Playback};
use ratatui::{
    DefaultTerminal,
    crossterm::event::{
        self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent,
        MouseEventKind,
    },
    crossterm::style::force_color_output,
    layout::Rect,
};

use crate::{
    app::{App, Deed},
    command::Command,
    keys::{self, Mode},
    record,
    scene::Over,
    screen,
    signals::{self, Held},
    theme::Theme,
    worker::{Answer, Ask, Keep, Worker},
};

/// Between two screens.
const FRAME: Duration = Duration::from_millis(33);
/// How soon a signal is noticed by one that waits.
const SIGNAL: Duration = Duration::from_millis(200);

/// What is shown, and how.
pub struct Show {
    /// The application as it opens.
    pub app: App,
    /// The run.
    pub playback: Playback,
    /// A bug that its agents have.
    pub planted: Planted,
    /// Keeps files.
    pub keep: Arc<Keep>,
    /// Whether somebody wants an end: a signal.
    pub stopped: fn() -> bool,
}

impl std::fmt::Debug for Show {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Show")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// What comes in.
enum Incoming {
    Input(Event),
    Answer(Answer),
    /// From outside.
    Signal(Held),
    /// The worker is no more.
    Gone,
}

/// How a user left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// He was done.
    Quit,
    /// With Ctrl-C, or by a signal.
    Interrupted,
    /// By a signal that ends whoever gets it.
    Killed,
}

/// Shows a run until the user leaves.
///
/// # Errors
///
/// The terminal can't be used, or the run panicked.
pub fn show(show: Show) -> io::Result<Left> {
    // Whoever asked for a theme with colours asked for more than `NO_COLOR`, which would leave nothing of it.
    force_color_output(show.app.look.theme != Theme::Mono);
    let mut terminal = ratatui::try_init()?;
    // Before the terminal is restored, also by a panic: else it would go on reporting clicks.
    let restore = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let _ = tell_terminal(MOUSE_OFF);
        restore(info);
    }));
    let outcome = tell_terminal(MOUSE_ON).and_then(|()| talk(show, &mut terminal));
    let mouse = tell_terminal(MOUSE_OFF);
    ratatui::try_restore()?;
    let left = mouse.and(outcome)?;
    if left == Left::Killed {
        signals::give_in(Held::Quit)?;
    }
    Ok(left)
}

/// Clicks and the wheel are reported, with coordinates of any size; movements are not: they would wake us.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

fn tell_terminal(code: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(code.as_bytes())?;
    out.flush()
}

fn talk(show: Show, terminal: &mut DefaultTerminal) -> io::Result<Left> {
    let Show {
        mut app,
        playback,
        planted,
        keep,
        stopped,
    } = show;
    let (tell, incoming) = mpsc::channel();
    let (ask, asks) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    listen(tell.clone(), Arc::clone(&over));
    let told = tell.clone();
    signals::listen(move |held| told.send(Incoming::Signal(held)).is_ok());
    let own_keep = Arc::clone(&keep);
    let worker = thread::spawn(move || {
        let gone = Leaving(tell.clone());
        let answer = Box::new(move |answer| {
            // Nobody listens any more: the user has left.
            let _ = tell.send(Incoming::Answer(answer));
        });
        Worker::new(playback, planted, own_keep, answer).run(&asks);
        drop(gone);
    });
    let mut talk = Talk {
        ask: Some(ask),
        keep,
        quits: false,
        interrupted: false,
        killed: false,
        fails: false,
    };
    let deeds = app.begin();
    talk.perform(&mut app, deeds, terminal);
    let mut ticked = Instant::now();
    let mut drawn = ticked.checked_sub(FRAME).unwrap_or(ticked);
    let mut changed = true;
    while !talk.quits && !stopped() {
        let now = Instant::now();
        if changed && now >= drawn + FRAME {
            terminal.draw(|frame| {
                app.shown_in(frame.area().width, frame.area().height);
                screen::draw(&app.scene(), frame.buffer_mut());
            })?;
            (drawn, changed) = (now, false);
        }
        let wait = match (changed, app.is_moving()) {
            (true, _) => (drawn + FRAME).saturating_duration_since(Instant::now()),
            (false, true) => FRAME,
            (false, false) => SIGNAL,
        };
        match incoming.recv_timeout(wait) {
            Ok(first) => {
                // All that is there, before the next screen.
                for it in std::iter::once(first).chain(incoming.try_iter()) {
                    let deeds = talk.hear(&mut app, it, terminal);
                    talk.perform(&mut app, deeds, terminal);
                }
                changed = true;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        let now = Instant::now();
        let passed = now.duration_since(ticked).as_millis() as u64;
        if passed > 0 {
            ticked = now;
            if app.is_moving() {
                // Whoever was away for long does not want to see it all at once.
                let deeds = app.tick(passed.min(100));
                talk.perform(&mut app, deeds, terminal);
            }
        }
    }
    over.store(true, Ordering::Relaxed);
    drop(talk.ask.take());
    // Whoever reads keys is not waited for: a terminal that is gone keeps him for ever. And one that computes a valence is not waited for.
    if worker.is_finished() && worker.join().is_err() || talk.fails {
        return Err(io::Error::other("the run panicked, see above"));
    }
    Ok(if talk.killed {
        Left::Killed
    } else if talk.interrupted || stopped() {
        Left::Interrupted
    } else {
        Left::Quit
    })
}

/// Says that the worker has gone, however it went.
struct Leaving(Sender<Incoming>);

impl Drop for Leaving {
    fn drop(&mut self) {
        let _ = self.0.send(Incoming::Gone);
    }
}

/// Reads keys until it is over.
fn listen(tell: Sender<Incoming>, over: Arc<AtomicBool>) {
    thread::spawn(move || {
        while !over.load(Ordering::Relaxed) {
            match event::poll(SIGNAL) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(_) => return,
            }
            let Ok(input) = event::read() else {
                return;
            };
            if tell.send(Incoming::Input(input)).is_err() {
                return;
            }
        }
    });
}

struct Talk {
    ask: Option<Sender<Ask>>,
    keep: Arc<Keep>,
    quits: bool,
    interrupted: bool,
    killed: bool,
    fails: bool,
}

impl Talk {
    fn hear(&mut self, app: &mut App, incoming: Incoming, terminal: &DefaultTerminal) -> Vec<Deed> {
        match incoming {
            Incoming::Answer(answer) => app.hear(answer),
            Incoming::Input(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                self.interrupted |= is_interrupt(key);
                press(app, key)
            }
            Incoming::Input(Event::Paste(text)) => {
                for letter in text.chars() {
                    app.typed(Some(letter));
                }
                Vec::new()
            }
            Incoming::Input(Event::Mouse(mouse)) => match terminal.size() {
                Ok(size) => point(app, mouse, Rect::new(0, 0, size.width, size.height)),
                Err(_) => Vec::new(),
            },
            Incoming::Input(_) => Vec::new(),
            Incoming::Signal(Held::Stop) => vec![Deed::Suspend],
            Incoming::Signal(Held::Quit) => {
                self.killed = true;
                vec![Deed::Quit]
            }
            Incoming::Gone => {
                self.fails = true;
                vec![Deed::Quit]
            }
        }
    }

    fn perform(&mut self, app: &mut App, deeds: Vec<Deed>, terminal: &mut DefaultTerminal) {
        for deed in deeds {
            match deed {
                Deed::Ask(ask) => {
                    if let Some(worker) = &self.ask {
                        let _ = worker.send(ask);
                    }
                }
                Deed::Copy(text, note) => {
                    let code = BASE64_STANDARD.encode(&text);
                    let mut out = io::stdout();
                    let sent = write!(out, "\x1b]52;c;{code}\x07").and_then(|()| out.flush());
                    app.ui.message = Some(match sent {
                        Ok(()) => format!("copied, if the terminal allows it: {text}{note}"),
                        Err(_) => text,
                    });
                }
                Deed::Export => {
                    app.ui.message = Some(self.export(app, terminal));
                }
                Deed::Suspend => {
                    if let Err(error) = suspend(terminal) {
                        app.ui.message = Some(format!("not suspended: {error}"));
                    }
                }
                Deed::Quit => self.quits = true,
            }
        }
    }

    /// Writes what is on the screen to a file.
    fn export(&self, app: &App, terminal: &mut DefaultTerminal) -> String {
        let area = match terminal.size() {
            Ok(size) => Rect::new(0, 0, size.width, size.height),
            Err(error) => return error.to_string(),
        };
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        let scene = app.scene();
        screen::draw(&scene, &mut buffer);
        let light = app.look.theme == Theme::Light;
        let svg = record::svg(&buffer, scene.coordinate, light);
        match (self.keep)("bivalent-screen.svg", &svg) {
            Ok(path) => format!("written: {path}"),
            Err(why) => why,
        }
    }
}

/// Gives the terminal back, stops as Ctrl-Z stops others, and takes it again when the shell says so.
fn suspend(terminal: &mut DefaultTerminal) -> io::Result<()> {
    use ratatui::crossterm::{execute, terminal as screens};

    tell_terminal(MOUSE_OFF)?;
    ratatui::try_restore()?;
    terminal.show_cursor()?;
    let stopped = signals::give_in(Held::Stop);
    screens::enable_raw_mode()?;
    execute!(io::stdout(), screens::EnterAlternateScreen)?;
    tell_terminal(MOUSE_ON)?;
    terminal.clear()?;
    stopped
}

/// Whether a key is Ctrl-C, which always leaves.
fn is_interrupt(key: KeyEvent) -> bool {
    key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c')
}

/// The mouse does something in a window of a size.
pub fn point(app: &mut App, mouse: MouseEvent, window: Rect) -> Vec<Deed> {
    match mouse.kind {
        _ if app.is_typing() => Vec::new(),
        MouseEventKind::Down(MouseButton::Left) => app.click(window, (mouse.column, mouse.row)),
        MouseEventKind::ScrollDown => app.wheel(true),
        MouseEventKind::ScrollUp => app.wheel(false),
        _ => Vec::new(),
    }
}

/// A key is pressed.
pub fn press(app: &mut App, key: KeyEvent) -> Vec<Deed> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_interrupt(key) {
        // At once, whatever is not saved.
        return vec![Deed::Quit];
    }
    if app.is_typing() {
        match key.code {
            KeyCode::Enter => return app.enter(),
            KeyCode::Esc => return app.obey(Command::Close),
            KeyCode::Backspace => {
                app.typed(None);
            }
            KeyCode::Char(letter) if !control => {
                app.typed(Some(letter));
            }
            _ => {}
        }
        return Vec::new();
    }
    if app.is_choosing() {
        return match key.code {
            KeyCode::Enter => app.enter(),
            KeyCode::Esc | KeyCode::Char('q' | 'b' | 'B') => app.obey(Command::Close),
            KeyCode::Up | KeyCode::Char('k') => app.obey(Command::Up),
            KeyCode::Down | KeyCode::Char('j') => app.obey(Command::Down),
            _ => Vec::new(),
        };
    }
    if matches!(app.ui.over, Over::Help | Over::Terms) {
        return keys::command_in_help(key).map_or_else(Vec::new, |command| app.obey(command));
    }
    let is_open = app.ui.over != Over::Nothing;
    if is_open && matches!(key.code, KeyCode::Esc | KeyCode::Char('q')) {
        return app.obey(Command::Close);
    }
    match keys::command(app.ui.mode, key) {
        Some(command) => app.obey(command),
        None if app.ui.mode == Mode::Adversary && key.code == KeyCode::Char(' ') => {
            let text = "nothing plays by itself here: Enter makes the chosen move, a lets the machine play";
            app.ui.message = Some(text.to_owned());
            Vec::new()
        }
        None => Vec::new(),
    }
}
