//! `bivalent man`: the manual pages.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::units;

/// Writes a page for the command and one for each subcommand.
pub(crate) fn man(dir: &Path, console: &mut Console) -> Result<Exit, Failure> {
    let mut root = Cli::command();
    root.build();
    files::make_folder(dir)?;
    let pages = write_pages(&root, "bivalent", dir)?;
    let pages = units::counted(pages, "page", "pages");
    console.put(Stream::Err, &format!("ok  {pages} written\n"))?;
    Ok(Exit::Ok)
}

fn write_pages(command: &Command, name: &str, dir: &Path) -> Result<u64, Failure> {
    let mut page = Vec::new();
    let named = command.clone().display_name(name.to_owned());
    Man::new(named)
        .render(&mut page)
        .map_err(|e| Failure::new(Exit::Bug, format!("{name}.1: {e}")))?;
    files::write(&dir.join(format!("{name}.1")), &page, Existing::Replace)?;
    let mut pages = 1;
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        pages += write_pages(sub, &format!("{name}-{}", sub.get_name()), dir)?;
    }
    Ok(pages)
}
