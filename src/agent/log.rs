//! What an agent does, told on standard error: the driver's own events, a line each.

use std::fmt::{self, Write};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::console::complain;

/// Tells what the driver says from now on.
pub(super) fn to_standard_error() {
    // A second one is refused; the first one serves.
    let _ = tracing::subscriber::set_global_default(Lines {
        began: Instant::now(),
    });
}

struct Lines {
    began: Instant,
}

/// An event's words.
#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string never fails.
        let _ = if field.name() == "message" {
            write!(self.0, " {value:?}")
        } else {
            write!(self.0, " {}={value:?}", field.name())
        };
    }
}

impl Subscriber for Lines {
    fn enabled(&self, of: &Metadata<'_>) -> bool {
        *of.level() <= Level::DEBUG && of.target().starts_with("bivalent")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut words = Words::default();
        event.record(&mut words);
        complain(&format!(
            "{:9.3}s{}\n",
            self.began.elapsed().as_secs_f64(),
            words.0
        ));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
