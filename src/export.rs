//! `bivalent export`: a run for other programs.

use bivalent_sim::{export, timeline};

use crate::cli::{ExportArgs, ExportFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::escape;
use crate::render::units::{count, counted};
use crate::{bug, select};

/// Exports the run that was named.
pub(crate) fn export(args: &ExportArgs, console: &mut Console) -> Result<Exit, Failure> {
    let why = "an export is of one run";
    let run = select::run::one(&args.what, args.planted.planted(), why, console)?;
    bug::while_running(format!("{}@{:#x}", run.scenario.name, run.seed));
    let history = timeline::of(&run.scenario, run.seed, run.planted);
    let text = match args.format {
        ExportFormat::Jsonl => escape::json(&export::jsonl(&history)),
        ExportFormat::Shiviz => export::shiviz(&history),
    };
    if history.left_out > 0 {
        let (first, rest) = (count(history.events.len() as u64), count(history.left_out));
        console.warning(&format!(
            "only the first {first} events are written; {rest} came later"
        ));
    }
    let Some(file) = &args.output else {
        console.data(text.as_bytes())?;
        return Ok(Exit::Ok);
    };
    files::write(file, text.as_bytes(), Existing::Replace)?;
    let events = counted(history.events.len() as u64, "event", "events");
    let coordinate = escape::line(&history.coordinate);
    console.put(
        Stream::Err,
        &format!("ok  {events} of {coordinate} written\n"),
    )?;
    Ok(Exit::Ok)
}
