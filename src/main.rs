//! The `bivalent` command: arguments in, an exit code out.

// Texts of a few lines: what they say matters more than an allocation.
#![expect(clippy::format_push_string, reason = "texts are short")]
#![expect(clippy::format_collect, reason = "texts are short")]

mod agent;
mod bug;
mod check_history;
mod cli;
mod completions;
mod console;
mod coordinate;
mod exit;
mod explain;
mod explore;
mod export;
mod files;
mod fuzz;
mod interrupt;
mod man;
mod price;
mod probe;
mod progress;
mod render;
mod replay;
mod run;
mod scenario;
mod select;
mod verify;
mod watch;

use {clap::Parser, std::panic::catch_unwind, std::process::ExitCode};

fn main() -> ExitCode {
    bug::install_hook();
    let args = cli::Cli::parse();
    // A panic has told its story through the hook; here it only becomes a code.
    catch_unwind(|| cli::dispatch(&args)).map_or(exit::Exit::Bug.into(), Into::into)
}
