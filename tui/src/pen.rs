//! A pen: writes into one rectangle of a buffer and never beside it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::Line,
    widgets::{Block, Widget},
};
use unicode_width::UnicodeWidthStr;

use crate::{
    theme::{Look, Role},
    words::cut,
};

/// Writes into a rectangle.
pub(crate) struct Pen<'a> {
    buffer: &'a mut Buffer,
    area: Rect,
    /// Colours and signs.
    pub(crate) look: Look,
}

impl<'a> Pen<'a> {
    /// A pen for as much of a rectangle as the buffer has.
    pub(crate) fn new(buffer: &'a mut Buffer, area: Rect, look: Look) -> Self {
        let area = area.intersection(buffer.area);
        Self { buffer, area, look }
    }

    /// The same in a frame with a title; what is left within.
    #[must_use]
    pub(crate) fn framed(self, title: &str, right: &str, focused: bool) -> Self {
        let Self { buffer, area, look } = self;
        if area.width < 2 || area.height < 2 {
            let area = Rect {
                width: 0,
                height: 0,
                ..area
            };
            return Self { buffer, area, look };
        }
        let role = if focused { Role::Strong } else { Role::Dim };
        let room = usize::from(area.width - 2);
        let more = look.signs.more;
        let mut block = Block::bordered()
            .border_set(look.signs.border)
            .border_style(look.style(role))
            .title(Line::styled(
                cut(title, room, more),
                look.style(Role::Strong),
            ));
        if !right.is_empty() && title.width() + right.width() + 1 < room {
            block =
                block.title(Line::styled(right.to_owned(), look.style(Role::Dim)).right_aligned());
        }
        let inner = block.inner(area);
        block.render(area, buffer);
        Self {
            buffer,
            area: inner,
            look,
        }
    }

    /// Columns.
    pub(crate) const fn width(&self) -> usize {
        self.area.width as usize
    }

    /// Rows.
    pub(crate) const fn height(&self) -> usize {
        self.area.height as usize
    }

    /// Writes at a place; what has no room is cut, with a sign. The column after it.
    pub(crate) fn put(&mut self, x: usize, y: usize, text: &str, role: Role) -> usize {
        let style = self.look.style(role);
        self.put_styled(x, y, text, style)
    }

    fn put_styled(&mut self, x: usize, y: usize, text: &str, style: Style) -> usize {
        if x >= self.width() || y >= self.height() {
            return x;
        }
        let room = self.width() - x;
        let shown = cut(text, room, self.look.signs.more);
        let (at, row) = (self.area.x + x as u16, self.area.y + y as u16);
        self.buffer.set_stringn(at, row, &shown, room, style);
        x + shown.width()
    }

    /// Writes so that it ends at the right edge.
    pub(crate) fn put_right(&mut self, y: usize, text: &str, role: Role) {
        let shown = cut(text, self.width(), self.look.signs.more);
        let x = self.width() - shown.width();
        self.put(x, y, &shown, role);
    }

    /// Several pieces after each other. The column after them.
    pub(crate) fn pieces(&mut self, x: usize, y: usize, pieces: &[(&str, Role)]) -> usize {
        pieces
            .iter()
            .fold(x, |x, (text, role)| self.put(x, y, text, *role))
    }

    /// Empties the rectangle.
    pub(crate) fn clear(&mut self) {
        for y in self.area.top()..self.area.bottom() {
            for x in self.area.left()..self.area.right() {
                self.buffer[(x, y)].reset();
            }
        }
    }
}
