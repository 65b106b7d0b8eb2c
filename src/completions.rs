//! `bivalent completions`: a shell's completions.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::console::Console;
use crate::exit::{Exit, Failure};

/// Prints them.
pub(crate) fn completions(shell: Shell, console: &mut Console) -> Result<Exit, Failure> {
    // Through memory: the generator panics if a stream is closed.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bivalent", &mut text);
    console.data(&text)?;
    Ok(Exit::Ok)
}
