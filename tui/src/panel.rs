//! Panels: each draws its part of a scene into a rectangle, and knows nothing else.

mod adversary;
mod agents;
mod ballots;
mod brief;
mod events;
mod header;
mod log;
mod next;
mod over;
mod store;
mod timeline;
mod tour;
mod why;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{pen::Pen, scene::Scene};

pub(crate) use brief::{body as brief_body, draw as brief};
pub(crate) use over::footer;
pub(crate) use over::message;
pub(crate) use over::scroll_end;
pub(crate) use timeline::step_at;

/// A panel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Panel {
    /// What came of it, which values are possible, the stall.
    Header,
    /// The agents.
    Agents,
    /// The staircase of ballots.
    Ballots,
    /// What stands on the stores; of a log its slots.
    Store,
    /// What is due.
    Next,
    /// What happened.
    Events,
    /// All of the run's time.
    Timeline,
    /// What led to the newest event.
    Why,
    /// The adversary's moves.
    Adversary,
    /// A page of the tour.
    Tour,
    /// What lies over the others.
    Over,
}

impl Panel {
    /// The panel of a number key.
    pub const fn of_number(number: u8) -> Self {
        match number {
            1 => Self::Agents,
            2 => Self::Ballots,
            3 => Self::Store,
            4 => Self::Next,
            5 => Self::Events,
            6 => Self::Timeline,
            _ => Self::Why,
        }
    }

    /// Its number key; none: it has none.
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Agents => Some(1),
            Self::Ballots => Some(2),
            Self::Store => Some(3),
            Self::Next => Some(4),
            Self::Events => Some(5),
            Self::Timeline => Some(6),
            Self::Why => Some(7),
            Self::Header | Self::Adversary | Self::Tour | Self::Over => None,
        }
    }

    /// Draws it.
    pub fn draw(self, scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
        let pen = Pen::new(buffer, area, scene.look);
        match self {
            Self::Header => header::draw(scene, pen),
            Self::Agents => agents::draw(scene, pen),
            Self::Ballots => ballots::draw(scene, pen),
            Self::Store if scene.view.log.is_some() => log::draw(scene, pen),
            Self::Store => store::draw(scene, pen),
            Self::Next => next::draw(scene, pen),
            Self::Events => events::draw(scene, pen),
            Self::Timeline => timeline::draw(scene, pen),
            Self::Why => why::draw(scene, pen),
            Self::Adversary => adversary::draw(scene, pen),
            Self::Tour => tour::draw(scene, pen),
            Self::Over => over::draw(scene, pen),
        }
    }
}

/// Whether keys are for a panel.
fn focused(scene: &Scene<'_>, panel: Panel) -> bool {
    panel.number() == Some(scene.ui.focus)
}

/// A ballot's number.
fn round(rung: Option<bivalent_sim::engine::view::Rung>, none: &str) -> String {
    rung.map_or_else(|| none.to_owned(), |rung| rung.round.to_string())
}
