//! A screen as text, as a picture, and several of them as a film.

use std::fmt::Write as _;

use ratatui::{
    buffer::{Buffer, Cell},
    style::{Color, Modifier, Style},
};

/// Pixels of a cell.
const CELL: (u32, u32) = (9, 18);
/// The picture's margin.
const MARGIN: u32 = 12;

/// A screen as lines of text, blanks at their ends cut off.
pub fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let line: String = row(buffer, y).map(Cell::symbol).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(buffer: &Buffer, y: u16) -> impl Iterator<Item = &Cell> {
    (buffer.area.left()..buffer.area.right()).map(move |x| &buffer[(x, y)])
}

/// Cells of one row that look the same: from which column, and what they say.
fn runs(buffer: &Buffer, y: u16) -> Vec<(u16, String, Style)> {
    let mut runs: Vec<(u16, String, Style)> = Vec::new();
    for (x, cell) in row(buffer, y).enumerate() {
        match runs.last_mut() {
            Some((_, text, style)) if *style == cell.style() => text.push_str(cell.symbol()),
            Some(_) | None => runs.push((x as u16, cell.symbol().to_owned(), cell.style())),
        }
    }
    runs
}

/// A screen as an SVG picture. Every run of cells has its place and its width, so that a letter which the
/// reader's font does not have moves no other.
pub fn svg(buffer: &Buffer, title: &str, light: bool) -> String {
    let (paper, ink) = if light {
        ("#ffffff", "#24292f")
    } else {
        ("#15181e", "#d5dae2")
    };
    let (width, height) = (
        u32::from(buffer.area.width) * CELL.0 + 2 * MARGIN,
        u32::from(buffer.area.height) * CELL.1 + 2 * MARGIN,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{paper}\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"15\" fill=\"{ink}\" xml:space=\"preserve\">\n",
        escaped(title)
    );
    for y in buffer.area.top()..buffer.area.bottom() {
        for (x, text, style) in runs(buffer, y) {
            let cells = text.chars().count() as u32;
            let reversed = style.add_modifier.contains(Modifier::REVERSED);
            let (left, top) = (
                MARGIN + u32::from(x) * CELL.0,
                MARGIN + u32::from(y - buffer.area.top()) * CELL.1,
            );
            let wide = cells * CELL.0;
            if reversed {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{}\" fill=\"{ink}\"/>",
                    CELL.1
                );
            }
            if text.trim().is_empty() {
                continue;
            }
            let mut look = String::new();
            if reversed {
                let _ = write!(look, " fill=\"{paper}\"");
            } else if let Some(Color::Rgb(r, g, b)) = style.fg {
                let _ = write!(look, " fill=\"#{r:02x}{g:02x}{b:02x}\"");
            }
            if style.add_modifier.contains(Modifier::BOLD) {
                look.push_str(" font-weight=\"bold\"");
            }
            if style.add_modifier.contains(Modifier::DIM) {
                look.push_str(" opacity=\"0.6\"");
            }
            if style.add_modifier.contains(Modifier::UNDERLINED) {
                look.push_str(" text-decoration=\"underline\"");
            }
            let _ = writeln!(
                svg,
                "<text x=\"{left}\" y=\"{}\" textLength=\"{wide}\" lengthAdjust=\"spacingAndGlyphs\"{look}>{}</text>",
                top + CELL.1 - 5,
                escaped(&text)
            );
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // No XML has these.
            control if control.is_control() => safe.push(' '),
            other => safe.push(other),
        }
    }
    safe
}

/// A screen as a terminal is told of it, from the upper left corner on.
fn ansi(buffer: &Buffer) -> String {
    let mut out = String::from("\x1b[H");
    for y in buffer.area.top()..buffer.area.bottom() {
        if y > buffer.area.top() {
            out.push_str("\r\n");
        }
        for (_, text, style) in runs(buffer, y) {
            out.push_str("\x1b[0");
            for (modifier, code) in [
                (Modifier::BOLD, ";1"),
                (Modifier::DIM, ";2"),
                (Modifier::UNDERLINED, ";4"),
                (Modifier::REVERSED, ";7"),
            ] {
                if style.add_modifier.contains(modifier) {
                    out.push_str(code);
                }
            }
            if let Some(Color::Rgb(r, g, b)) = style.fg {
                let _ = write!(out, ";38;2;{r};{g};{b}");
            }
            out.push('m');
            out.push_str(&text);
        }
    }
    out.push_str("\x1b[0m");
    out
}

/// A film: screens one after the other, as an asciicast of version 3 (newline-separated JSON).
#[derive(Debug)]
pub struct Film {
    text: String,
}

impl Film {
    /// A film of this size.
    pub fn new(columns: u16, rows: u16, title: &str) -> Self {
        let header = serde_json::json!({
            "version": 3,
            "term": { "cols": columns, "rows": rows },
            "title": title,
        });
        Self {
            text: format!("{header}\n"),
        }
    }

    /// Shows a screen so many milliseconds after the one before.
    pub fn frame(&mut self, after_ms: u32, buffer: &Buffer) {
        self.event(after_ms, "o", &ansi(buffer));
    }

    /// Marks a moment, by which a player can be told to go there.
    pub fn marker(&mut self, label: &str) {
        self.event(0, "m", label);
    }

    fn event(&mut self, after_ms: u32, code: &str, data: &str) {
        let seconds = f64::from(after_ms) / 1000.0;
        let event = serde_json::json!([seconds, code, data]);
        let _ = writeln!(self.text, "{event}");
    }

    /// The file.
    pub fn into_text(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn screen() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 2));
        buffer.set_string(0, 0, "a<b", Style::new().fg(Color::Rgb(1, 2, 3)));
        buffer.set_string(2, 1, "◆", Style::new().add_modifier(Modifier::REVERSED));
        buffer
    }

    #[test]
    fn text_has_the_letters_and_no_blanks_at_ends() {
        assert_eq!(text(&screen()), "a<b\n  ◆\n");
    }

    #[test]
    fn a_picture_is_well_formed_and_every_run_has_its_place() {
        let svg = svg(&screen(), "x & y", false);
        assert!(svg.contains("<title>x &amp; y</title>"));
        assert!(svg.contains(
            "textLength=\"27\" lengthAdjust=\"spacingAndGlyphs\" fill=\"#010203\">a&lt;b</text>"
        ));
        assert!(svg.contains("<rect x=\"30\" y=\"30\" width=\"9\""));
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }

    #[test]
    fn a_film_is_lines_of_json() {
        let mut film = Film::new(6, 2, "t");
        film.marker("stall");
        film.frame(40, &screen());
        let film = film.into_text();
        let lines: Vec<serde_json::Value> = film
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            (
                lines[0]["version"].as_i64(),
                lines[0]["term"]["cols"].as_i64()
            ),
            (Some(3), Some(6))
        );
        assert_eq!(lines[1][1], "m");
        assert_eq!(lines[2][0], 0.04);
        assert!(lines[2][2].as_str().unwrap().starts_with("\u{1b}[H"));
    }
}
