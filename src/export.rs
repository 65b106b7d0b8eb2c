//! `bivalent export`: a run for other programs.

use bivalent_sim::engine::view::MarkKind;
use bivalent_sim::story::{export, timeline};
use bivalent_sim::watch::playback::Playback;
use bivalent_tui::still::Still;

use crate::cli::{ExportArgs, ExportFormat};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::escape;
use crate::render::units::{count, counted};
use crate::{bug, select};

/// Columns and rows of a screen, if nothing else is asked for.
const SIZE: (u16, u16) = (120, 36);

/// Exports the run that was named.
pub(crate) fn export(args: &ExportArgs, console: &mut Console) -> Result<Exit, Failure> {
    fits(args)?;
    let why = "an export is of one run";
    let run = select::run::one(&args.what, args.planted.planted(), why, console)?;
    bug::while_running(format!("{}@{:#x}", run.scenario.name, run.seed));
    if matches!(args.format, ExportFormat::Svg | ExportFormat::Cast) {
        return pictures(&run, args, console);
    }
    let history = timeline::of(&run.scenario, run.seed, run.planted);
    let text = match args.format {
        ExportFormat::Shiviz => export::shiviz(&history),
        ExportFormat::Jsonl | ExportFormat::Svg | ExportFormat::Cast => {
            escape::json(&export::jsonl(&history))
        }
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

/// Refuses options that another format takes: who gives one expects something of it.
fn fits(args: &ExportArgs) -> Result<(), Failure> {
    use ExportFormat::{Cast, Svg};
    let screens = &[Svg, Cast][..];
    let options = [
        ("--at", args.at.is_some(), &[Svg][..]),
        ("--from", args.from.is_some(), &[Cast]),
        ("--to", args.to.is_some(), &[Cast]),
        ("--size", args.size.is_some(), screens),
        ("--theme", args.look.theme.is_some(), screens),
        ("--ascii", args.look.ascii, screens),
    ];
    let misfit = options
        .into_iter()
        .find(|(_, given, formats)| *given && !formats.contains(&args.format));
    let Some((option, _, formats)) = misfit else {
        return Ok(());
    };
    let name = args.format.name();
    let takers: Vec<String> = formats
        .iter()
        .map(|it| format!("`--as {}`", it.name()))
        .collect();
    let verb = if takers.len() == 1 { "takes" } else { "take" };
    let message = format!("{option} means nothing to {name}");
    Err(Failure::new(Exit::Usage, message).help(format!("{} {verb} it", takers.join(" and "))))
}

/// Exports screens of a run.
fn pictures(
    run: &select::run::Run,
    args: &ExportArgs,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let mut playback = Playback::of_seed(&run.scenario, run.seed, run.planted);
    if run.is_trace {
        playback = playback.out_of(run.again.clone());
    }
    while playback.advance(1 << 16) {}
    let last = playback.track().steps;
    let beyond = [args.at, args.from, args.to]
        .into_iter()
        .flatten()
        .find(|&step| step > last);
    if let Some(step) = beyond {
        let message = format!(
            "step {} comes after the end: the run has {} steps",
            count(step),
            count(last)
        );
        return Err(Failure::new(Exit::Usage, message));
    }
    let still = Still {
        size: args.size.unwrap_or(SIZE),
        // Pictures have colours, whoever asks for them from wherever.
        look: args.look.look(true),
    };
    let (text, what) = if args.format == ExportFormat::Svg {
        let step = args.at.unwrap_or_else(|| moment(&playback));
        (
            still.svg(&mut playback, step),
            format!("step {}", count(step)),
        )
    } else {
        let (from, to) = (args.from.unwrap_or(0), args.to.unwrap_or(last));
        if to < from {
            return Err(Failure::new(Exit::Usage, "--to comes before --from"));
        }
        let what = format!("steps {} to {}", count(from), count(to));
        (still.cast(&mut playback, from, to), what)
    };
    let Some(file) = &args.output else {
        console.data(text.as_bytes())?;
        return Ok(Exit::Ok);
    };
    files::write(file, text.as_bytes(), Existing::Replace)?;
    let run = escape::line(&playback.coordinate(0));
    let run = run.trim_end_matches("#0");
    console.put(Stream::Err, &format!("ok  {what} of {run} written\n"))?;
    Ok(Exit::Ok)
}

/// The moment that a run is known for.
fn moment(playback: &Playback) -> u64 {
    let track = playback.track();
    let first = |kind| track.marks.iter().find(|mark| mark.kind == kind);
    let found = first(MarkKind::Violation).or_else(|| first(MarkKind::Stall));
    found.map_or(track.steps, |mark| mark.step)
}
