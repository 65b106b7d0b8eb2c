//! The `bivalent` command: arguments in, an exit code out.

#![expect(
    clippy::format_push_string,
    clippy::format_collect,
    reason = "text of a few lines: what it says matters more than an allocation"
)]

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
