//! Signals that stop or end a process at once: while something is shown, the terminal is given back first.

use std::io;
#[cfg(unix)]
use std::thread;

#[cfg(unix)]
use nix::sys::signal::{SigSet, Signal, raise};

/// A signal that is held back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "nobody sends these there"))]
pub(crate) enum Held {
    /// Stop until the shell says so.
    Stop,
    /// End, now.
    Quit,
}

#[cfg(unix)]
impl Held {
    const ALL: [Self; 2] = [Self::Stop, Self::Quit];

    const fn signal(self) -> Signal {
        match self {
            Self::Stop => Signal::SIGTSTP,
            Self::Quit => Signal::SIGQUIT,
        }
    }
}

#[cfg(unix)]
fn set(of: &[Held]) -> SigSet {
    let mut set = SigSet::empty();
    for held in of {
        set.add(held.signal());
    }
    set
}

/// Holds them back from this thread, and from those that it starts after that. A thread which is there already
/// would take them, and stop or end us all.
#[cfg(unix)]
pub fn hold() {
    // Fails only for a set that is none.
    let _ = set(&Held::ALL).thread_block();
}

/// There are no such signals here.
#[cfg(not(unix))]
pub const fn hold() {}

/// Tells of each one that comes, until nobody wants to know.
#[cfg(unix)]
pub(crate) fn listen(tell: impl Fn(Held) -> bool + Send + 'static) {
    hold();
    thread::spawn(move || {
        while let Ok(signal) = set(&Held::ALL).wait() {
            let held = Held::ALL.into_iter().find(|held| held.signal() == signal);
            if held.is_some_and(|held| !tell(held)) {
                return;
            }
        }
    });
}

#[cfg(not(unix))]
pub(crate) fn listen(_: impl Fn(Held) -> bool + Send + 'static) {}

/// What a signal does where nobody holds it back. Whoever is stopped goes on from here; where no shell could wake
/// us, nothing stops.
#[cfg(unix)]
pub(crate) fn give_in(held: Held) -> io::Result<()> {
    let one = set(&[held]);
    one.thread_unblock()?;
    // To this thread, which alone lets it in: all of them stop, or end.
    raise(held.signal())?;
    one.thread_block()?;
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn give_in(_: Held) -> io::Result<()> {
    Err(io::Error::from(io::ErrorKind::Unsupported))
}
