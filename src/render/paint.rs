//! Colour, where it is wanted. Every coloured word says the same without colour.

use clap::builder::styling::{AnsiColor, Style};

/// Whether to colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Paint {
    /// Escape codes are welcome.
    pub(crate) on: bool,
}

impl Paint {
    /// What went as expected.
    pub(crate) fn good(self, text: &str) -> String {
        self.with(AnsiColor::Blue.on_default().bold(), text)
    }

    /// A broken promise.
    pub(crate) fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    /// Something that wants a look, with nothing broken.
    pub(crate) fn odd(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }

    /// What can be skipped.
    pub(crate) fn faint(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
