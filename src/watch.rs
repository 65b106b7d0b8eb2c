//! `bivalent watch`: a run on the whole screen, to walk about in; its events, where there is no screen.

use std::path::Path;
use std::sync::Arc;

use bivalent_sim::judge::report::Violation;
use bivalent_sim::scenario::planted::Planted;
use bivalent_sim::story::timeline;
use bivalent_sim::watch::playback::Playback;
use bivalent_tui::app::App;
use bivalent_tui::keys::Mode;
use bivalent_tui::signals;
use bivalent_tui::term::{self, Left, Show};
use bivalent_tui::tour::CHAPTERS;

use crate::cli::{WatchArgs, planted};
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};
use crate::render::escape;
use crate::render::units::{count, time};
use crate::{bug, interrupt, select};

/// Copies of a file that is there already, at most.
const COPIES_MAX: u32 = 1000;

/// What can be named.
const NAMED: &str = "`bivalent watch --tour` shows you around; `bivalent watch duelling-agents` shows a run of a \
                     scenario; `bivalent scenario list` names all scenarios";

/// Shows what was named.
pub(crate) fn watch(args: &WatchArgs, console: &mut Console) -> Result<Exit, Failure> {
    if args.what.is_none() && !args.tour {
        let message = "nothing is named that could be watched";
        return Err(Failure::new(Exit::Usage, message).help(NAMED));
    }
    let screen =
        Console::is_terminal(Stream::Out) && std::io::IsTerminal::is_terminal(&std::io::stdin());
    if !screen {
        return lines(args, console);
    }
    let colours = console.paint(Stream::Out).on;
    let mut app = App::new(args.look.look(colours));
    let (playback, planted, step) = open(args, console)?;
    app = match step {
        _ if args.tour => app.on_tour(),
        Some(step) => app.at(step),
        None => app.at_violation(),
    };
    if args.adversary {
        app.ui.mode = Mode::Adversary;
    } else if step.is_none() && !args.tour {
        app.ui.playing = true;
    }
    let folder = args.save.clone();
    // Before any thread begins that is there as long as the screen.
    signals::hold();
    interrupt::listen();
    let shown = term::show(Show {
        app,
        playback,
        planted,
        keep: Arc::new(move |name, text| keep(&folder, name, text)),
        stopped: interrupt::was_asked,
    });
    match shown {
        Ok(Left::Quit) => Ok(Exit::Ok),
        // One that was killed is no more, as a rule.
        Ok(Left::Interrupted | Left::Killed) => Ok(Exit::Interrupted),
        Err(error) => {
            let message = format!("the screen can't be used: {error}");
            Err(Failure::new(Exit::File, message))
        }
    }
}

/// The run that was named, the bug that its agents have, and the step to open it at.
fn open(args: &WatchArgs, console: &Console) -> Result<(Playback, Planted, Option<u64>), Failure> {
    let planted = args.planted.planted();
    let Some(what) = &args.what else {
        let first = CHAPTERS
            .first()
            .and_then(|chapter| Some((chapter.open()?, chapter.seed)));
        let (scenario, seed) = first.ok_or_else(|| {
            Failure::new(Exit::Bug, "the tour's first chapter is not in this build")
        })?;
        return Ok((Playback::of_seed(&scenario, seed, planted), planted, None));
    };
    let (what, step) = at_step(what);
    let help = "`bivalent replay SCENARIO@SEED -o FILE` writes a trace";
    let Some(trace) = select::trace(what, help)? else {
        let run = select::run::one(what, planted, "one run is watched at a time", console)?;
        bug::while_running(format!("{}@{:#x}", run.scenario.name, run.seed));
        let playback = Playback::of_seed(&run.scenario, run.seed, planted);
        return Ok((playback, planted, step));
    };
    planted::not_with_trace(planted, what)?;
    let scenario = trace.scenario().map_err(|errors| {
        console.scenario_errors(&errors);
        Failure::new(Exit::Invalid, format!("{what}: its scenario is invalid"))
    })?;
    let planted = trace
        .planted()
        .map_err(|name| select::needs_bug(what, name))?;
    bug::while_running(what);
    if args.adversary {
        // A game is of a seed: what a trace's choices were is not its business.
        let playback = Playback::of_seed(&scenario, trace.seed(), planted);
        return Ok((playback, planted, step));
    }
    let list = trace.list().to_vec();
    let playback = Playback::of_choices(&scenario, trace.seed(), list, planted);
    let playback = playback.out_of(escape::shell(what));
    Ok((playback, planted, step))
}

/// A name, and the step behind its `#`.
fn at_step(what: &str) -> (&str, Option<u64>) {
    let Some((name, step)) = what.rsplit_once('#') else {
        return (what, None);
    };
    match step.replace(['_', ','], "").parse() {
        Ok(step) if !name.is_empty() => (name, Some(step)),
        Ok(_) | Err(_) => (what, None),
    }
}

/// The events of the run, a line each.
fn lines(args: &WatchArgs, console: &mut Console) -> Result<Exit, Failure> {
    let Some(what) = args.what.as_ref().filter(|_| !args.adversary) else {
        let message = "there is no terminal to play on: --tour and --adversary need one";
        return Err(Failure::new(Exit::Usage, message)
            .help("in a pipe, `bivalent watch SCENARIO` prints a run's events"));
    };
    let (what, from) = at_step(what);
    let run = select::run::one(
        what,
        args.planted.planted(),
        "one run is watched at a time",
        console,
    )?;
    bug::while_running(format!("{}@{:#x}", run.scenario.name, run.seed));
    let history = timeline::of(&run.scenario, run.seed, run.planted);
    let mut broken = history.violations.iter().peekable();
    let mut before = 0;
    for event in &history.events {
        while let Some(found) = broken.next_if(|found| found.step < event.step) {
            violation(found, before, from, console)?;
        }
        before = event.virtual_ns;
        if event.step < from.unwrap_or(0) {
            continue;
        }
        let who = event
            .agent
            .as_deref()
            .or(event.store.as_deref())
            .unwrap_or("~");
        line(event.step, event.virtual_ns, who, &event.text, console)?;
    }
    for found in broken {
        violation(found, before, from, console)?;
    }
    let last = history.events.last().map_or(0, |event| event.step);
    if from.is_some_and(|from| from > last) && history.left_out == 0 {
        console.warning(&format!("nothing is told after step {}", count(last)));
    }
    if history.left_out > 0 {
        console.warning(&format!(
            "{} later events are left out",
            count(history.left_out)
        ));
    }
    Ok(Exit::Ok)
}

/// A property is broken, behind all that happened in that step; `time`: the last event's, nanoseconds.
fn violation(
    found: &Violation,
    time: u64,
    from: Option<u64>,
    console: &mut Console,
) -> Result<(), Failure> {
    if found.step < from.unwrap_or(0) {
        return Ok(());
    }
    let what = format!("{} BROKEN: {}", found.property.to_uppercase(), found.detail);
    line(found.step, time, "~", &what, console)
}

/// An event, a line.
fn line(step: u64, ns: u64, who: &str, what: &str, console: &mut Console) -> Result<(), Failure> {
    let line = format!(
        "{:>10} {:>9}  {who:4} {}\n",
        format!("#{}", count(step)),
        time(ns),
        escape::line(what)
    );
    console.put(Stream::Out, &line)
}

/// Writes a file under a name that is not taken yet, into a folder.
fn keep(folder: &Path, name: &str, text: &str) -> Result<String, String> {
    let (stem, end) = name.rsplit_once('.').unwrap_or((name, "txt"));
    for copy in 1..=COPIES_MAX {
        let name = if copy == 1 {
            name.to_owned()
        } else {
            format!("{stem}-{copy}.{end}")
        };
        let path = folder.join(name);
        if path.exists() {
            continue;
        }
        return match files::write(&path, text.as_bytes(), Existing::Keep) {
            Ok(()) => Ok(path.display().to_string()),
            Err(failure) => Err(failure.message),
        };
    }
    Err(format!(
        "{} holds {COPIES_MAX} of these already",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_follows_the_last_hash() {
        assert_eq!(at_step("duel@7#1_284"), ("duel@7", Some(1284)));
        assert_eq!(at_step("a#b.toml"), ("a#b.toml", None));
        assert_eq!(at_step("#9"), ("#9", None));
    }

    #[test]
    fn nothing_that_is_there_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let first = keep(folder.path(), "game.toml", "one").unwrap();
        let second = keep(folder.path(), "game.toml", "two").unwrap();
        assert_ne!(first, second);
        assert!(second.ends_with("game-2.toml"), "{second}");
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        assert!(keep(&folder.path().join("none"), "game.toml", "x").is_err());
    }
}
