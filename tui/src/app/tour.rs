//! The tour: pages are turned.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "commands that are not meant at a place do nothing there"
)]

use super::{App, Deed};
use crate::{command::Command, tour::CHAPTERS, worker::Ask};

impl App {
    pub(super) fn tour(&mut self, command: Command) -> Vec<Deed> {
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
                self.ui.message = Some(
                    "this is the end of the tour: p begins the game, left goes back, q leaves"
                        .to_owned(),
                );
                return Vec::new();
            }
        };
        let on = matches!(command, Command::NextPage | Command::NextChapter);
        self.turn_to(chapter, page, on)
    }

    /// Turns to a page; on the way forward the run plays up to its moment.
    pub(super) fn turn_to(&mut self, chapter: usize, page: usize, plays: bool) -> Vec<Deed> {
        self.page = Some((chapter, page));
        self.ui.chosen = 0;
        self.ui.arriving = None;
        vec![Deed::Ask(Ask::Page(chapter, page, plays))]
    }

    /// The page's moment at once, if the tour is still on its way there.
    pub(super) fn arrive(&mut self) -> Vec<Deed> {
        match self.ui.arriving.take() {
            Some(step) => self.seek(step),
            None => Vec::new(),
        }
    }
}
