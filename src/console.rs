//! The two streams: data goes to standard output, talk to standard error.

use std::io::{self, BufWriter, IsTerminal, Write};

use bivalent_sim::scenario::{ScenarioErrors, render};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::cli::ColorWhen;
use crate::exit::Failure;
use crate::render::escape;
use crate::render::paint::Paint;

/// Where a piece of text belongs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    /// Data.
    Out,
    /// Talk.
    Err,
}

/// The terminal, or what stands in for it.
pub(crate) struct Console {
    out: BufWriter<io::Stdout>,
    color: ColorWhen,
}

impl Console {
    /// The process's own streams.
    pub(crate) fn new(color: ColorWhen) -> Self {
        Self {
            out: BufWriter::new(io::stdout()),
            color,
        }
    }

    /// Writes text to a stream. Text for standard error never fails: there is nobody to tell.
    pub(crate) fn put(&mut self, stream: Stream, text: &str) -> Result<(), Failure> {
        match stream {
            Stream::Out => self.data(text.as_bytes()),
            Stream::Err => {
                complain(text);
                Ok(())
            }
        }
    }

    /// Writes data, byte for byte.
    pub(crate) fn data(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out
            .write_all(bytes)
            .map_err(|e| Failure::of_stdout(&e))
    }

    /// Sends on what was written so far.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|e| Failure::of_stdout(&e))
    }

    /// Whether a person sees this stream.
    pub(crate) fn is_terminal(stream: Stream) -> bool {
        match stream {
            Stream::Out => io::stdout().is_terminal(),
            Stream::Err => io::stderr().is_terminal(),
        }
    }

    /// How to colour a stream.
    pub(crate) fn paint(&self, stream: Stream) -> Paint {
        let on = match self.color {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => Self::is_terminal(stream) && !color_unwanted(),
        };
        Paint { on }
    }

    /// How wide a stream is, if it is a terminal.
    pub(crate) fn width(stream: Stream) -> Option<usize> {
        let size = match stream {
            Stream::Out => terminal_size::terminal_size_of(io::stdout()),
            Stream::Err => terminal_size::terminal_size_of(io::stderr()),
        };
        // A terminal that claims no columns knows no width.
        size.map(|(width, _)| usize::from(width.0))
            .filter(|width| *width > 0)
    }

    /// Says what is wrong with a scenario: with pictures to a person, in plain lines to a log.
    pub(crate) fn scenario_errors(&self, errors: &ScenarioErrors) {
        let text = if Self::is_terminal(Stream::Err) {
            self.pictures_of(errors)
        } else {
            None
        };
        let text = text.unwrap_or_else(|| escape::text(&render(errors)));
        complain(&format!("{}\n", text.trim_end()));
    }

    fn pictures_of(&self, errors: &ScenarioErrors) -> Option<String> {
        let draw = |theme| {
            let mut text = String::new();
            GraphicalReportHandler::new_themed(theme)
                .with_links(false)
                .with_width(Self::width(Stream::Err).unwrap_or(80).max(40))
                .render_report(&mut text, errors)
                .ok()
                .map(|()| text)
        };
        let plain = draw(GraphicalTheme::unicode_nocolor())?;
        let safe = escape::text(&plain);
        // The picture quotes the file. What had to be escaped is shown without colour: in a
        // coloured one the file's escape codes could not be told from ours.
        if self.paint(Stream::Err).on && safe == plain {
            return draw(GraphicalTheme::unicode());
        }
        Some(safe)
    }

    /// Says why a command gave up.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let paint = self.paint(Stream::Err);
        let mut text = format!(
            "{} {}\n",
            paint.bad("error:"),
            escape::line(&failure.message)
        );
        if let Some(help) = &failure.help {
            text += &format!("  help: {}\n", escape::text(help));
        }
        complain(&text);
    }

    /// Says what may be wrong.
    pub(crate) fn warning(&self, message: &str) {
        let paint = self.paint(Stream::Err);
        complain(&format!(
            "{} {}\n",
            paint.odd("warning:"),
            escape::line(message)
        ));
    }
}

/// Writes to standard error, all at once.
pub(crate) fn complain(text: &str) {
    // A closed standard error is no reason to stop.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// The conventions of <https://no-color.org> and of terminals that say they are dumb.
fn color_unwanted() -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    no_color || dumb
}
