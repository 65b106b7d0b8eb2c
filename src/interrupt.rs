//! Ctrl-C: the first asks the command to finish what it can, the second quits at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Exit;

static STOP: AtomicBool = AtomicBool::new(false);

/// Starts to listen, and returns the flag that the first Ctrl-C sets.
pub(crate) fn listen() -> &'static AtomicBool {
    // A second listener is refused; the first one serves.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            quit();
        }
    });
    &STOP
}

#[expect(
    clippy::exit,
    reason = "the user has asked twice: nothing is left to tidy up"
)]
fn quit() {
    std::process::exit(Exit::Interrupted as i32);
}

/// Whether somebody has asked to stop.
pub(crate) fn was_asked() -> bool {
    STOP.load(Ordering::SeqCst)
}

/// Stops what is running for a reason of our own.
pub(crate) fn stop() {
    STOP.store(true, Ordering::SeqCst);
}
