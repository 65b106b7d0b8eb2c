//! The arguments.

mod agent;
mod export;
pub(crate) mod fuzz;
mod history;
pub(crate) mod planted;
mod price;
mod probe;
mod watch;

use std::ops::Range;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::{
    check_history, completions, coordinate, explain, explore, man, replay, run, scenario, verify,
};

use fuzz::{FuzzArgs, MergeArgs, ShrinkArgs};
use planted::PlantedArgs;

pub(crate) use agent::{AgentArgs, AgentCommand, PlaceArgs, ProposeArgs, ProtocolName, ServeArgs};
pub(crate) use export::{ExportArgs, ExportFormat};
pub(crate) use history::{CheckHistoryArgs, ModelName};
pub(crate) use price::PriceArgs;
pub(crate) use probe::ProbeArgs;
pub(crate) use watch::WatchArgs;

const EXAMPLES: &str = "\
Examples:
  bivalent run                                  the built-in scenarios, each against its promise
  bivalent run duel.toml --seeds 0..1000        one scenario, a thousand seeds
  bivalent replay duel.toml@0x5eed              a run again, every step compared
  bivalent scenario new mine.toml               a scenario of your own, with comments";

const EXIT_CODES: &str = "\
Exit codes:
  0    every expectation held (an expected stall included); every history is linearizable
  1    safety broken where it was promised; a history is not linearizable
  2    usage
  3    liveness: a decision was expected and a stall came, or the reverse; also when a scenario
       promises a finding (a violation, a wedge) and none of its seeds brings it
  4    nothing selected to run, nothing to check; with --strict, a fault asked for that took effect in no run;
       a campaign that tested nothing: no decision, or a fault asked for that took effect in no run
  5    a replay diverged, or two runs of one seed differ
  6    inconclusive: the budget ended first
  65   a scenario, trace or history file is invalid
  70   a bug in Bivalent itself
  74   a file can't be read or written
  130  interrupted (Ctrl-C); the summary was printed, a second Ctrl-C quits at once
  141  whoever read the output closed it
Several at once: 1 beats 5 beats 3 beats 6 beats 4.";

const RUN_EXAMPLES: &str = "\
Examples:
  bivalent run                                  the built-in scenarios
  bivalent run duelling-agents                  one of them, by name
  bivalent run scenarios/flp                    every *.toml below a folder, or the built-in ones
  bivalent run duel.toml@0x5eed                 one run, by its coordinate
  bivalent run duel.toml --seeds 0..1000 --format jsonl | jq .outcome";

const RUN_MORE: &str = "\
Which seeds: those after @, --seed or --seeds; else those of [expect]; else the one of [schedule].
A scenario that promises a violation is run until it comes; with --seeds, through all of them.

Verdicts in the table:
  ok      as the scenario expects
  FAIL    safety broken where it was promised             (exit 1)
  STALL   a decision was expected, and a stall came       (exit 3)
  MISS    what was promised (a stall, a finding) came not (exit 3)
  UNSURE  the budget ended first, or Ctrl-C               (exit 6 or 130)";

const REPLAY_EXAMPLES: &str = "\
Examples:
  bivalent replay duel-5eed.trace               run a recorded trace again and compare every step
  bivalent replay duel.toml@0x5eed              run twice and compare
  bivalent replay duel.toml@0x5eed -o duel.trace
  bivalent replay duel.trace --until 412 --explain";

const EXPLORE_EXAMPLES: &str = "\
Examples:
  bivalent explore two-by-one                   every schedule of 2 agents on 1 store
  bivalent explore two-by-one --lasso flp.trace the shortest fair run that never decides
  bivalent verify flp.trace                     check it, and unroll it to a million steps
  bivalent explore small.toml --ballots 2 --images images.txt
  bivalent explore two-by-one --dot valence.dot && dot -Tsvg valence.dot > valence.svg";

const EXPLORE_MORE: &str = "\
One step is one whole read or write of one block. What the scenario says of delays, pauses and outages
adds nothing: every order is tried anyway. Crashes and restarts are tried at every moment, as often as
the scenario allows; torn writes make a checked block unreadable for a while. Other faults are refused.

Without --ballots, a new ballot is every one above the ballot that was met, and states are told with
ballots' ranks: the graph is finite and stands for all runs. With --ballots K, agent p of m owns ballots
p, p+m, ..., p+(K-1)m and stops when it has none left.";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  bivalent explain duelling-agents              why it stalls, and what would have helped
  bivalent explain duel.toml@0x5eed             one run, by its coordinate
  bivalent explain duel-5eed.trace              a recorded one
  bivalent explain duel.trace --influences 412  what could have brought step 412 about
  bivalent explain scenarios --stalled --format markdown";

const EXPLAIN_MORE: &str = "\
Told are the steps that mattered, the causes of what came of the run (from the end back, through the reads
that saw the writes), what could have influenced it and what could not, and each stall: who ended whose
attempts, how near a decision was, whether an agent left alone decides, and what would have helped. Each
remedy is tried from the very state in which the stall was found, on 64 seeds (16 where stores are
buckets), with all else as it is.

What could have influenced an event: what its agent did before in the same life, and whatever a chain of reads
that returned writes leads from. All else could not have, whenever it happened.

Where no seed is named: the first that brings what the scenario promises, if it promises that something
goes wrong; else the seed of its schedule.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  bivalent explore two-by-one --lasso flp.trace
  bivalent verify flp.trace
  bivalent verify flp.trace --steps 10000000";

const VERIFY_MORE: &str = "\
A certificate is a trace, or a scenario, whose schedule is a script with a turn. The verifier shares no
code with the explorer: it steps the agents in the order of the script, refuses a step that nobody has in
flight, a crash, a decision, an agent that some store never serves in the turn, and a state after the turn
that is not the one before it, up to the names of ballots. Then it takes turn after turn with integers for
ballots, and runs the script in the engine. A certificate that is refused exits with 65.";

const SCENARIO_EXAMPLES: &str = "\
Examples:
  bivalent scenario list                        the built-in scenarios
  bivalent scenario show duelling-agents        the text of one
  bivalent scenario show faults                 the kinds of fault
  bivalent scenario new mine.toml               a file to start from
  bivalent scenario check mine.toml             all of its errors at once
  bivalent scenario schema > bivalent.schema.json";

/// Deterministic fault-injection simulator for consensus on passive stores.
#[derive(Debug, Parser)]
#[command(
    name = "bivalent",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
#[command(after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colour; `NO_COLOR` is honoured.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(crate) color: ColorWhen,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Into files and pipes too, whatever `NO_COLOR` says.
    Always,
    /// No colour.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios and judge each against its own expectation.
    #[command(after_help = RUN_EXAMPLES)]
    #[command(after_long_help = format!("{RUN_EXAMPLES}\n\n{RUN_MORE}\n\n{EXIT_CODES}"))]
    Run(RunArgs),
    /// Run a trace or a coordinate again and compare every step.
    #[command(after_help = REPLAY_EXAMPLES)]
    #[command(after_long_help = format!("{REPLAY_EXAMPLES}\n\n{EXIT_CODES}"))]
    Replay(ReplayArgs),
    /// Try every schedule of a small system: agreement, valence, the fair run that never decides.
    #[command(after_help = EXPLORE_EXAMPLES)]
    #[command(after_long_help = format!("{EXPLORE_EXAMPLES}\n\n{EXPLORE_MORE}\n\n{EXIT_CODES}"))]
    Explore(ExploreArgs),
    /// Check a certificate of a fair run that never decides, and unroll it.
    #[command(after_help = VERIFY_EXAMPLES)]
    #[command(after_long_help = format!("{VERIFY_EXAMPLES}\n\n{VERIFY_MORE}\n\n{EXIT_CODES}"))]
    Verify(VerifyArgs),
    /// Tell why a run came out as it did, and what would have helped.
    #[command(after_help = EXPLAIN_EXAMPLES)]
    #[command(after_long_help = format!("{EXPLAIN_EXAMPLES}\n\n{EXPLAIN_MORE}\n\n{EXIT_CODES}"))]
    Explain(ExplainArgs),
    /// Run a campaign of many seeds, and make what is found small.
    #[command(after_help = fuzz::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", fuzz::EXAMPLES, fuzz::MORE))]
    Fuzz(Box<FuzzArgs>),
    /// Make one campaign out of parts that were run apart.
    #[command(after_help = fuzz::MERGE_EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{EXIT_CODES}", fuzz::MERGE_EXAMPLES))]
    Merge(MergeArgs),
    /// Make a failing run smaller.
    #[command(after_help = fuzz::SHRINK_EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{EXIT_CODES}", fuzz::SHRINK_EXAMPLES))]
    Shrink(ShrinkArgs),
    /// Walk about in a run on the whole screen: live, back and forth, and as its adversary.
    #[command(after_help = watch::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", watch::EXAMPLES, watch::MORE))]
    Watch(WatchArgs),
    /// Write a run: its events for other programs, or its screens as pictures.
    #[command(after_help = export::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", export::EXAMPLES, export::MORE))]
    Export(ExportArgs),
    /// Fill a matrix: how likely is it that nobody has decided, by who orders the operations.
    #[command(after_help = price::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", price::EXAMPLES, price::MORE))]
    Price(PriceArgs),
    /// Measure how long operations take on a real store, for use in a scenario.
    #[command(after_help = probe::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", probe::EXAMPLES, probe::MORE))]
    Probe(ProbeArgs),
    /// Agree with other processes through real stores: one value, or a key-value store.
    Agent(AgentArgs),
    /// Judge whether recorded histories of key-value stores are linearizable.
    #[command(after_help = history::EXAMPLES)]
    #[command(after_long_help = format!("{}\n\n{}\n\n{EXIT_CODES}", history::EXAMPLES, history::MORE))]
    CheckHistory(CheckHistoryArgs),
    /// Write, check and look up scenarios.
    #[command(after_help = SCENARIO_EXAMPLES)]
    Scenario {
        /// What to do with them.
        #[command(subcommand)]
        command: ScenarioCommand,
    },
    /// Print a shell's completions.
    #[command(after_help = "Example:\n  bivalent completions bash > \
                            ~/.local/share/bash-completion/completions/bivalent")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder.
    #[command(after_help = "Example:\n  bivalent man ~/.local/share/man/man1")]
    Man {
        /// Where to; made if it is not there.
        dir: PathBuf,
    },
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// GitHub annotations; what people read goes to standard error.
    Github,
}

/// How lists and single runs are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Scenario files, folders of them, names of built-in ones, or coordinates SCENARIO@SEED; the
    /// built-in scenarios if there is none.
    #[arg(value_name = "SCENARIO|DIR|COORD")]
    pub(crate) what: Vec<String>,
    /// Run this seed, decimal or 0x-hex.
    #[arg(long, value_name = "S", value_parser = coordinate::seed, conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// Run these seeds, B not included.
    #[arg(long, value_name = "A..B", value_parser = coordinate::seeds)]
    pub(crate) seeds: Option<Range<u64>>,
    /// How many runs at a time; results do not depend on it. [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Only scenarios with this tag.
    #[arg(long, value_name = "WORD")]
    pub(crate) tag: Option<String>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    /// Write a trace of each finding and of each unexpected run into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) trace: Option<PathBuf>,
    /// Tell the story of what was found, also where it was expected.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print how often each kind of fault struck.
    #[arg(long)]
    pub(crate) faults: bool,
    /// Exit with 4 if a fault asked for took effect in no run.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print only what is not as expected.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// A trace file, or a coordinate SCENARIO@SEED.
    #[arg(value_name = "TRACE|COORD")]
    pub(crate) what: String,
    /// Stop after this step.
    #[arg(long, value_name = "STEP")]
    pub(crate) until: Option<u64>,
    /// Write the trace to a file.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How the run is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: PlainFormat,
    /// Tell the run's story.
    #[arg(long)]
    pub(crate) explain: bool,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// What an abort does to operations in flight.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum InFlight {
    /// They stay in flight and land later: the truth.
    #[default]
    Keep,
    /// They are gone: the granularity of the paper.
    Drop,
}

/// Arguments of `explore`.
#[derive(Args, Debug)]
pub(crate) struct ExploreArgs {
    /// A scenario file, or the name of a built-in one.
    #[arg(value_name = "SCENARIO")]
    pub(crate) what: String,
    /// Bound the search: each agent owns this many ballots.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub(crate) ballots: Option<u64>,
    /// Count states once that differ only in which of several agents with the same proposal is which.
    #[arg(long, conflicts_with_all = ["ballots", "lasso"])]
    pub(crate) symmetry: bool,
    /// What an abort does to operations in flight.
    #[arg(long, value_enum, default_value_t, value_name = "WHAT")]
    pub(crate) in_flight: InFlight,
    /// Write every reachable content of the stores, one a line; needs --ballots.
    #[arg(long, value_name = "FILE", requires = "ballots")]
    pub(crate) images: Option<PathBuf>,
    /// Write the shortest fair run that never decides, for `verify`, `replay` and `watch`.
    #[arg(long, value_name = "FILE", conflicts_with = "ballots")]
    pub(crate) lasso: Option<PathBuf>,
    /// Write the graph of valences, for Graphviz; small systems only.
    #[arg(long, value_name = "FILE")]
    pub(crate) dot: Option<PathBuf>,
    /// Write a violation as a trace.
    #[arg(long, value_name = "FILE", conflicts_with = "ballots")]
    pub(crate) trace: Option<PathBuf>,
    /// Stop, inconclusive, when states and moves occupy more than this.
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = crate::explore::memory)]
    pub(crate) memory: usize,
    /// Stop, inconclusive, at states that are this many steps from the first one.
    #[arg(long, value_name = "STEPS")]
    pub(crate) depth: Option<usize>,
    /// How many threads; results do not depend on it. [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: PlainFormat,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// Arguments of `verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// A certificate: a trace, or a scenario with a script.
    #[arg(value_name = "TRACE")]
    pub(crate) what: String,
    /// Unroll it for this many steps.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) steps: u64,
}

/// How what is told at length is printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum TellingFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON array.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// As Markdown tables.
    Markdown,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    /// Traces, coordinates SCENARIO@SEED, scenario files, folders of them, or names of built-in ones.
    #[arg(required = true, value_name = "TRACE|COORD|SCENARIO")]
    pub(crate) what: Vec<String>,
    /// Leave out runs that did not stall.
    #[arg(long)]
    pub(crate) stalled: bool,
    /// Of one run, tell all that could have influenced what happened at this step, and nothing else.
    #[arg(long, value_name = "STEP", conflicts_with = "stalled")]
    pub(crate) influences: Option<u64>,
    /// How explanations are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: TellingFormat,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// The subcommands of `scenario`.
#[derive(Debug, Subcommand)]
pub(crate) enum ScenarioCommand {
    /// List the built-in scenarios.
    List {
        /// Only scenarios with this tag.
        #[arg(long, value_name = "WORD")]
        tag: Option<String>,
        /// How the list is printed.
        #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
        format: PlainFormat,
    },
    /// Print the text of a scenario; `faults` prints the kinds of fault.
    Show {
        /// A built-in scenario's name, a file, or `faults`.
        name: String,
    },
    /// Report every error of scenario files, and run nothing.
    Check {
        /// Scenario files, folders of them, or names of built-in ones.
        #[arg(required = true, value_name = "PATH")]
        what: Vec<String>,
    },
    /// Print the JSON Schema of scenario files, for editors.
    Schema,
    /// Write a scenario to start from.
    New {
        /// The file to write; it must not be there.
        file: PathBuf,
        /// Start from a built-in scenario instead.
        #[arg(long, value_name = "NAME")]
        from: Option<String>,
    },
}

/// Does what was asked, and says why if it can't.
pub(crate) fn dispatch(args: &Cli) -> Exit {
    let mut console = Console::new(args.color);
    let ended = act(&args.command, &mut console).and_then(|exit| {
        console.flush()?;
        Ok(exit)
    });
    ended.unwrap_or_else(|failure| {
        // What was written before the failure is still wanted; that it can't be is known by now.
        let _ = console.flush();
        console.failure(&failure);
        failure.exit
    })
}

fn act(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(args, console),
        Command::Replay(args) => replay::replay(args, console),
        Command::Explore(args) => explore::explore(args, console),
        Command::Verify(args) => verify::verify(args, console),
        Command::Explain(args) => explain::explain(args, console),
        Command::Fuzz(args) => crate::fuzz::fuzz((**args).clone(), console),
        Command::Merge(args) => crate::fuzz::merge::merge(args, console),
        Command::Shrink(args) => crate::fuzz::shrink::shrink(args, console),
        Command::Watch(args) => crate::watch::watch(args, console),
        Command::Export(args) => crate::export::export(args, console),
        Command::Price(args) => crate::price::price(args, console),
        Command::Probe(args) => crate::probe::probe(args, console),
        Command::Agent(args) => crate::agent::agent(args, console),
        Command::CheckHistory(args) => check_history::check_history(args, console),
        Command::Scenario { command } => scenario::scenario(command, console),
        Command::Completions { shell } => completions::completions(*shell, console),
        Command::Man { dir } => man::man(dir, console),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory;

        Cli::command().debug_assert();
    }

    /// The texts that stand below the options of a command and of all commands below it.
    fn examples(command: &clap::Command, all: &mut Vec<String>) {
        let after = command.get_after_long_help();
        all.extend(after.or(command.get_after_help()).map(ToString::to_string));
        for below in command.get_subcommands() {
            examples(below, all);
        }
    }

    #[test]
    fn scenarios_in_examples_are_there() {
        use clap::CommandFactory;

        let mut texts = Vec::new();
        examples(&Cli::command(), &mut texts);
        let takers = [
            "run", "replay", "explain", "explore", "export", "price", "fuzz", "show", "watch",
            "shrink",
        ];
        let mut found = 0;
        for line in texts.iter().flat_map(|text| text.lines()) {
            let mut words = line.split_whitespace();
            if words.next() != Some("bivalent") {
                continue;
            }
            let words: Vec<&str> = words.collect();
            let at = usize::from(words.first() == Some(&"scenario"));
            let (Some(taker), Some(word)) = (words.get(at), words.get(at + 1)) else {
                continue;
            };
            let name = word.split('@').next().unwrap_or(word);
            // Files of the reader's own, folders and options; what is described begins far to the right.
            let own = name.contains(['.', '/']) || name.starts_with('-');
            let described = line.contains(&format!("{taker}  "));
            if !takers.contains(taker)
                || own
                || described
                || *word == "faults"
                || *word == "scenarios"
            {
                continue;
            }
            let chapters = bivalent_sim::scenario::catalogue::chapters();
            let is_it = |path: &str| path.ends_with(&format!("/{name}.toml"));
            assert!(chapters.iter().any(|chapter| is_it(chapter.name)), "{line}");
            found += 1;
        }
        assert!(found > 8, "{found}");
    }
}
