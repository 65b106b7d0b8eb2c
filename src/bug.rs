//! What is said when Bivalent itself breaks: one message, what it was doing, how to see it again.

use std::panic;
use std::sync::Mutex;

use crate::render::escape;

/// What is being run, as a coordinate or a range of seeds.
static NOW: Mutex<Option<String>> = Mutex::new(None);

/// Remembers what is being run from here on.
pub(crate) fn while_running(what: impl Into<String>) {
    if let Ok(mut now) = NOW.lock() {
        *now = Some(what.into());
    }
}

/// Replaces the usual text of a panic; the exit code is `main`'s affair.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let said = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a panic without a message");
        let place = info.location().map(ToString::to_string);
        let now = NOW.try_lock().ok().and_then(|now| now.clone());
        crate::console::complain(&message(said, place.as_deref(), now.as_deref()));
    }));
}

fn message(said: &str, place: Option<&str>, now: Option<&str>) -> String {
    let mut text = format!("error: this is a bug in Bivalent: {}\n", escape::text(said));
    if let Some(place) = place {
        text += &format!("  at {place}\n");
    }
    if let Some(now) = now {
        text += &format!("  while running {}\n", escape::line(now));
    }
    text += "  Please report it with these lines and the scenario file.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_names_its_place_and_the_run_and_cannot_steer_the_terminal() {
        let text = message(
            "ballot \u{1b}]0;x\u{7} back",
            Some("core/src/a.rs:7:1"),
            Some("x@0x1"),
        );

        assert_eq!(
            text,
            "error: this is a bug in Bivalent: ballot \\u{1b}]0;x\\u{7} back\n  at \
             core/src/a.rs:7:1\n  while running x@0x1\n  Please report it with these lines and \
             the scenario file.\n"
        );
    }
}
