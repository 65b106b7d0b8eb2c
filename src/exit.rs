//! Exit codes: what a script may rely on.

use std::fmt;
use std::process::ExitCode;

/// How the command ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Every expectation held.
    Ok = 0,
    /// Safety broken where it was promised.
    Unsafe = 1,
    /// Arguments that contradict each other; clap exits with the same code for its own errors.
    Usage = 2,
    /// A decision was expected and a stall came, or something promised did not come.
    Liveness = 3,
    /// Nothing selected, or nothing tested.
    Nothing = 4,
    /// A replay diverged.
    Diverged = 5,
    /// The budget ended first.
    Inconclusive = 6,
    /// A scenario or trace file is invalid.
    Invalid = 65,
    /// A bug in Bivalent itself.
    Bug = 70,
    /// A file can't be read or written.
    File = 74,
    /// Interrupted, summary printed.
    Interrupted = 130,
    /// Whoever read our output has closed it: what a program killed by SIGPIPE reports.
    PipeClosed = 141,
}

impl Exit {
    /// The code that says more. Of a run's verdicts 1 beats 5 beats 3 beats 6 beats 4 beats 0.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        if other.weight() > self.weight() {
            other
        } else {
            self
        }
    }

    const fn weight(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Nothing => 1,
            Self::Inconclusive => 2,
            Self::Liveness => 3,
            Self::Diverged => 4,
            Self::Unsafe => 5,
            Self::Usage => 6,
            Self::File => 7,
            Self::Invalid => 8,
            Self::Interrupted => 9,
            Self::PipeClosed => 10,
            Self::Bug => 11,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What went wrong, one line. Empty: there is nothing to say.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<String>,
}

impl Failure {
    /// A failure with no advice.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            help: None,
        }
    }

    /// The same with advice.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// A failure to write to standard output.
    pub(crate) fn of_stdout(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::new(Exit::PipeClosed, "")
        } else {
            Self::new(
                Exit::File,
                format!("standard output can't be written: {error}"),
            )
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_verdicts_one_beats_five_beats_three_beats_six() {
        let order = [
            Exit::Unsafe,
            Exit::Diverged,
            Exit::Liveness,
            Exit::Inconclusive,
            Exit::Nothing,
            Exit::Ok,
        ];

        for (i, winner) in order.iter().enumerate() {
            for loser in &order[i..] {
                assert_eq!(winner.or_worse(*loser), *winner);
                assert_eq!(loser.or_worse(*winner), *winner);
            }
        }
    }
}
