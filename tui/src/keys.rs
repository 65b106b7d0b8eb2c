//! Keys: one table for what they do, the line at the foot and the help.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::command::Command;

/// What the keys are for at the moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// A run is looked at.
    #[default]
    Watch,
    /// The next step is yours.
    Adversary,
    /// Chapters are gone through.
    Tour,
}

/// A line of the table.
#[derive(Debug)]
pub struct Binding {
    /// The modes in which it holds.
    pub modes: &'static [Mode],
    /// The keys.
    pub keys: &'static [Key],
    /// What the keys are called.
    pub name: &'static str,
    /// What they do.
    pub command: Command,
    /// The same in a word or two, for the foot; empty: not there.
    pub short: &'static str,
    /// The same in a sentence, for the help.
    pub words: &'static str,
}

/// A key, with control or without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Key(pub KeyCode, pub bool);

const fn key(letter: char) -> Key {
    Key(KeyCode::Char(letter), false)
}

const fn code(code: KeyCode) -> Key {
    Key(code, false)
}

const fn control(letter: char) -> Key {
    Key(KeyCode::Char(letter), true)
}

const EVERY: &[Mode] = &[Mode::Watch, Mode::Adversary, Mode::Tour];
const WATCH: &[Mode] = &[Mode::Watch];
const SEEN: &[Mode] = &[Mode::Watch, Mode::Tour];
const PLAYED: &[Mode] = &[Mode::Adversary];
const TOUR: &[Mode] = &[Mode::Tour];

macro_rules! table {
    ($($modes:ident [$($key:expr),+] $name:literal $command:expr, $short:literal, $words:literal;)+) => {
        &[$(Binding {
            modes: $modes,
            keys: &[$($key),+],
            name: $name,
            command: $command,
            short: $short,
            words: $words,
        }),+]
    };
}

/// Lines of the help that are turned at once.
const HELP_PAGE: isize = 10;

/// All keys, in the order in which they are told.
pub const TABLE: &[Binding] = table! {
    TOUR [key(' '), code(KeyCode::Enter), code(KeyCode::Right), key('l')] "space" Command::NextPage, "next", "next page of the tour";
    TOUR [code(KeyCode::Left), key('h'), code(KeyCode::Backspace)] "left" Command::LastPage, "back", "page before";
    TOUR [key('n')] "n" Command::NextChapter, "chapter", "next chapter";
    TOUR [key('N')] "N" Command::LastChapter, "", "chapter before";
    TOUR [key('p')] "p" Command::PlayGame, "be the adversary", "the game that the last page is about; Esc there comes back to the page";
    WATCH [key(' ')] "space" Command::Play, "play/pause", "play, or pause";
    WATCH [code(KeyCode::Right), key('l')] "right" Command::Forward(1), "step", "one step on";
    WATCH [code(KeyCode::Left), key('h')] "left" Command::Back(1), "", "one step back";
    WATCH [code(KeyCode::PageDown)] "PgDn" Command::Forward(100), "", "a hundred steps on";
    WATCH [code(KeyCode::PageUp)] "PgUp" Command::Back(100), "", "a hundred steps back";
    WATCH [code(KeyCode::Home)] "Home" Command::First, "", "to the beginning";
    WATCH [code(KeyCode::End)] "End" Command::Last, "", "to the end";
    WATCH [key('+'), key('=')] "+" Command::Faster, "speed", "twice as fast";
    WATCH [key('-')] "-" Command::Slower, "", "half as fast";
    WATCH [key('.')] "." Command::NextMark, "next mark", "to the next fault, stall, decision or violation";
    WATCH [key(',')] "," Command::LastMark, "", "to the one before";
    WATCH [key('m')] "m" Command::Marks, "", "which of them , and . go to";
    WATCH [key('g')] "g" Command::Goto, "goto", "to a step, or a time such as 1.5s";
    WATCH [key('b')] "b" Command::Branch, "branch", "fork here: another seed, choice, schedule";
    WATCH [key('x')] "x" Command::Flip, "", "flip to the future looked at before";
    WATCH [key('X')] "X" Command::NextBranch, "", "to the next future of all";
    WATCH [key('B')] "B" Command::Futures, "", "list all futures: the run and its branches";
    WATCH [key('D')] "D" Command::Drop, "", "forget the branch that is looked at";
    WATCH [key('J')] "J" Command::Difference, "", "to the first step in which those two differ";
    WATCH [key('p')] "p" Command::TakeOver, "be the adversary", "take the schedule over from here";
    WATCH [key('v')] "v" Command::Value, "", "work out which values are still possible";
    PLAYED [code(KeyCode::Enter), code(KeyCode::Right), key('l')] "Enter" Command::Take, "take it", "let the chosen operation take effect";
    PLAYED [key('1')] "1" Command::TakeNumber(0), "", "let the first one take effect; 2 to 9 likewise";
    PLAYED [key('2')] "2" Command::TakeNumber(1), "", "";
    PLAYED [key('3')] "3" Command::TakeNumber(2), "", "";
    PLAYED [key('4')] "4" Command::TakeNumber(3), "", "";
    PLAYED [key('5')] "5" Command::TakeNumber(4), "", "";
    PLAYED [key('6')] "6" Command::TakeNumber(5), "", "";
    PLAYED [key('7')] "7" Command::TakeNumber(6), "", "";
    PLAYED [key('8')] "8" Command::TakeNumber(7), "", "";
    PLAYED [key('9')] "9" Command::TakeNumber(8), "", "";
    PLAYED [key('u'), code(KeyCode::Left), code(KeyCode::Backspace)] "u" Command::Undo, "undo", "take the last move back";
    PLAYED [key('h')] "h" Command::Hint, "hint", "what each move leaves possible, and the best one";
    PLAYED [key('a')] "a" Command::PlayOn, "machine", "let the machine play ten moves on";
    PLAYED [key('c')] "c" Command::Crash, "crash", "crash the agent of the chosen operation";
    PLAYED [key('r')] "r" Command::Restart, "restart", "start a crashed agent again";
    PLAYED [key('t')] "t" Command::Tear, "tear", "let the chosen write get half way";
    PLAYED [key('s')] "s" Command::Stale, "stale", "answer the chosen read with an old version";
    PLAYED [key('d')] "d" Command::Delay, "delay", "make the chosen operation take ten times as long";
    PLAYED [control('s')] "^S" Command::Save, "save", "save the game as a scenario";
    PLAYED [code(KeyCode::Esc)] "Esc" Command::GiveBack, "give back", "give the schedule back";
    EVERY [code(KeyCode::Up), key('k')] "up" Command::Up, "", "the line above";
    EVERY [code(KeyCode::Down), key('j')] "down" Command::Down, "", "the line below";
    EVERY [code(KeyCode::Tab)] "Tab" Command::NextPanel, "panel", "the next panel";
    EVERY [code(KeyCode::BackTab)] "S-Tab" Command::LastPanel, "", "the panel before";
    SEEN [key('1')] "1-7" Command::Panel(1), "", "keys are for this panel; z shows it alone";
    SEEN [key('2')] "2" Command::Panel(2), "", "";
    SEEN [key('3')] "3" Command::Panel(3), "", "";
    SEEN [key('4')] "4" Command::Panel(4), "", "";
    SEEN [key('5')] "5" Command::Panel(5), "", "";
    SEEN [key('6')] "6" Command::Panel(6), "", "";
    SEEN [key('7')] "7" Command::Panel(7), "", "";
    EVERY [key('z')] "z" Command::Zoom, "zoom", "the panel alone, or all of them";
    EVERY [key('w')] "w" Command::Why, "why", "what led to the newest event";
    SEEN [key('/')] "/" Command::Filter, "", "only events with a word";
    EVERY [key('y')] "y" Command::Copy, "", "copy where this is, as watch and replay take it";
    EVERY [key('e')] "e" Command::Export, "", "write this screen to an SVG file";
    SEEN [code(KeyCode::Esc)] "Esc" Command::Close, "", "close what is open";
    EVERY [control('z')] "^Z" Command::Suspend, "", "to the shell; `fg` there comes back";
    EVERY [key('?')] "?" Command::Help, "help", "all keys; once more: what the words mean";
    EVERY [key('q'), control('c')] "q" Command::Quit, "quit", "leave";
};

/// What a key does in a mode, if anything.
pub fn command(mode: Mode, event: KeyEvent) -> Option<Command> {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    let pressed = Key(event.code, control);
    let bound = bindings(mode).find(|binding| binding.keys.contains(&pressed))?;
    Some(bound.command)
}

/// The keys that mean something while help is open.
const IN_HELP: &[(KeyCode, Command)] = &[
    (KeyCode::Esc, Command::Close),
    (KeyCode::Char('q'), Command::Close),
    (KeyCode::Char('?'), Command::Help),
    (KeyCode::Up, Command::Up),
    (KeyCode::Char('k'), Command::Up),
    (KeyCode::Down, Command::Down),
    (KeyCode::Char('j'), Command::Down),
    (KeyCode::PageUp, Command::Turn(-HELP_PAGE)),
    (KeyCode::PageDown, Command::Turn(HELP_PAGE)),
    (KeyCode::Char(' '), Command::Turn(HELP_PAGE)),
    (KeyCode::Home, Command::Turn(isize::MIN)),
    (KeyCode::End, Command::Turn(isize::MAX)),
];

/// What a key does while help is open: nothing else moves behind it.
pub fn command_in_help(event: KeyEvent) -> Option<Command> {
    let mut bound = IN_HELP.iter();
    let found = bound.find(|(code, _)| *code == event.code);
    found.map(|(_, command)| *command)
}

/// The table's lines that hold in a mode.
pub fn bindings(mode: Mode) -> impl Iterator<Item = &'static Binding> {
    TABLE
        .iter()
        .filter(move |binding| binding.modes.contains(&mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_a_mode() {
        for mode in [Mode::Watch, Mode::Adversary, Mode::Tour] {
            let mut seen: Vec<Key> = Vec::new();
            for binding in bindings(mode) {
                for key in binding.keys {
                    assert!(!seen.contains(key), "{key:?} twice in {mode:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn every_command_has_a_key_and_every_mode_can_be_left() {
        for command in Command::ALL {
            assert!(
                TABLE.iter().any(|it| it.command == command),
                "{command:?} has no key"
            );
        }
        for mode in [Mode::Watch, Mode::Adversary, Mode::Tour] {
            for needed in [Command::Quit, Command::Help] {
                assert!(bindings(mode).any(|it| it.command == needed));
            }
        }
    }

    #[test]
    fn keys_are_looked_up_with_control() {
        let plain = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::NONE);
        let held = KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL);
        assert_eq!(command(Mode::Adversary, plain), Some(Command::Stale));
        assert_eq!(command(Mode::Adversary, held), Some(Command::Save));
        assert_eq!(command(Mode::Watch, plain), None);
        let shifted = KeyEvent::new(KeyCode::Char('J'), KeyModifiers::SHIFT);
        assert_eq!(command(Mode::Watch, shifted), Some(Command::Difference));
    }
}
