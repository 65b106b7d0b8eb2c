//! `bivalent verify`: a certificate of a run that may never decide, checked and unrolled.

use bivalent_sim::campaign;
use bivalent_sim::campaign::trace::{self, ReplayError, Trace};
use bivalent_sim::explore::certificate::{self, Flaw, Held, Refused};
use bivalent_sim::judge::report::{Outcome, RunReport};
use bivalent_sim::scenario::script::{self, Entry, Script};
use bivalent_sim::scenario::{Adversary, Scenario};

use crate::cli::VerifyArgs;
use crate::console::{Console, Stream};
use crate::exit::{Exit, Failure};
use crate::render::escape;
use crate::render::units::{count, counted};
use crate::{bug, select};

/// Entries that are written out.
const ENTRIES_MAX: usize = 60;

/// Checks the certificate that was named.
pub(crate) fn verify(args: &VerifyArgs, console: &mut Console) -> Result<Exit, Failure> {
    let (scenario, trace) = load(&args.what, console)?;
    bug::while_running(&*scenario.name);
    let what = escape::line(&args.what);
    let Some(script) = certificate_of(&scenario) else {
        let message = format!("{what} is no certificate: its schedule is no script with a turn");
        let help = "`bivalent explore SCENARIO --lasso FILE` writes a certificate";
        return Err(Failure::new(Exit::Invalid, message).help(help));
    };
    let held = match certificate::verify(&scenario, script, args.steps) {
        Ok(held) => held,
        Err(refused) => {
            let paint = console.paint(Stream::Out);
            let why = in_words(&scenario, script, &refused);
            let text = format!("{}  {what}: {why}\n", paint.bad("REFUSED"));
            console.put(Stream::Out, &text)?;
            return Ok(Exit::Invalid);
        }
    };
    let replayed = trace
        .as_ref()
        .map(|trace| replay(trace, &what))
        .transpose()?;
    let run = unroll(&scenario, args.steps);
    let undecided = run.decided == 0 && run.outcome == Outcome::Stalled;
    let text = tell(
        &what, &scenario, script, &held, replayed, &run, undecided, console,
    );
    console.put(Stream::Out, &text)?;
    Ok(if undecided { Exit::Ok } else { Exit::Invalid })
}

/// The script, if it has a turn.
fn certificate_of(scenario: &Scenario) -> Option<&Script> {
    if let Adversary::Script(script) = &scenario.schedule.adversary {
        return Some(&**script).filter(|script| !script.turn.is_empty());
    }
    None
}

/// The scenario that carries the script, and the trace that carries the scenario.
fn load(what: &str, console: &Console) -> Result<(Scenario, Option<Trace>), Failure> {
    let help = "`bivalent explore SCENARIO --lasso FILE` writes a certificate";
    if let Some(trace) = select::trace(what, help)? {
        let invalid = |why: &str| Failure::new(Exit::Invalid, why);
        let scenario = trace.scenario().map_err(|errors| {
            console.scenario_errors(&errors);
            invalid(&format!("{what}: its scenario is invalid"))
        })?;
        return Ok((scenario, Some(trace)));
    }
    let mut picked = select::scenarios(&[what.to_owned()], console)?;
    if picked.len() > 1 {
        let message = format!("{what} is a folder; one certificate is checked at a time");
        return Err(Failure::new(Exit::Usage, message).help("name one file"));
    }
    picked
        .pop()
        .map(|one| (one.scenario, None))
        .ok_or_else(|| Failure::new(Exit::Nothing, "nothing to verify"))
}

/// Runs the trace again, step by step; its steps.
fn replay(trace: &Trace, what: &str) -> Result<u64, Failure> {
    match trace::replay(trace, None) {
        Ok(replayed) => Ok(replayed.compared),
        Err(ReplayError::Diverged { step, .. }) => {
            let message = format!("{what}: its run diverges at step {}", count(step));
            Err(Failure::new(Exit::Diverged, message).help("`bivalent replay` says where"))
        }
        Err(ReplayError::NeedsBug(name)) => Err(select::needs_bug(what, &name)),
        Err(ReplayError::Invalid(_)) => Err(Failure::new(
            Exit::Invalid,
            format!("{what}: its scenario is invalid"),
        )),
    }
}

/// A run of the same script in the engine, with delays and all.
fn unroll(scenario: &Scenario, steps: u64) -> RunReport {
    let mut long = scenario.clone();
    long.limits.steps = steps;
    long.limits.time_ns = u64::MAX >> 8;
    campaign::run_one(&long, 0)
}

fn in_words(scenario: &Scenario, script: &Script, refused: &Refused) -> String {
    let name = |kind: char, index: usize| {
        let cluster = &scenario.cluster;
        match kind {
            'a' => cluster.agents.get(index).map(|agent| agent.name.clone()),
            _ => cluster.stores.get(index).cloned(),
        }
        .unwrap_or_default()
    };
    let why = if let Flaw::NotServed(agent, store) = refused.flaw {
        let (agent, store) = (name('a', agent.index()), name('s', store.index()));
        format!("{agent} is never served by {store} in the turn")
    } else {
        refused.flaw.to_string()
    };
    let entry = refused.step.and_then(|step| {
        let entry = script.entry(step as u64 - 1)?;
        Some(format!(
            "step {step}, `{}`: ",
            script::words(scenario, entry)
        ))
    });
    escape::line(&(entry.unwrap_or_default() + &why))
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one finding of the verification"
)]
fn tell(
    what: &str,
    scenario: &Scenario,
    script: &Script,
    held: &Held,
    replayed: Option<u64>,
    run: &RunReport,
    undecided: bool,
    console: &Console,
) -> String {
    let paint = console.paint(Stream::Out);
    let mut lines = format!(
        "{}  {what}: a fair run of {} on {} that never decides\n",
        paint.good("verified"),
        counted(u64::from(run.agents), "agent", "agents"),
        counted(u64::from(run.stores), "store", "stores"),
    );
    let mut put = |label: &str, text: String| lines += &format!("  {label:<10}{text}\n");
    let words = |entries: &[Entry]| {
        let shown = entries.iter().take(ENTRIES_MAX);
        let shown: Vec<String> = shown.map(|&e| script::words(scenario, e)).collect();
        let more = if entries.len() > ENTRIES_MAX {
            ", …"
        } else {
            ""
        };
        let steps = counted(entries.len() as u64, "step", "steps");
        format!("{steps}: {}{more}", escape::line(&shown.join(", ")))
    };
    put("stem", words(&script.stem));
    put("turn", words(&script.turn));
    put(
        "closed",
        "after a turn the state is the one before it, up to the names of ballots".into(),
    );
    put(
        "fair",
        "every store serves every agent in each turn, nobody crashes, nobody decides".into(),
    );
    put(
        "unrolled",
        format!(
            "{} on the bare agents, {}, ballots up to {}: undecided; no operation waits longer than {}, \
             every agent takes {} or more",
            counted(held.steps, "step", "steps"),
            counted(held.turns, "turn", "turns"),
            count(held.round),
            counted(held.longest_wait, "step", "steps"),
            count(held.least_steps),
        ),
    );
    if let Some(steps) = replayed {
        put(
            "replayed",
            format!("{}, identical", counted(steps, "step", "steps")),
        );
    }
    let word = if undecided {
        "undecided".to_owned()
    } else {
        paint.bad("NOT undecided")
    };
    put(
        "run",
        format!(
            "{} in the engine: {word}; no operation is passed over by more than {}, every agent takes {} \
             or more",
            counted(run.steps, "step", "steps"),
            counted(run.fairness.longest_wait_ops, "other", "others"),
            count(run.fairness.least_steps),
        ),
    );
    lines
}
