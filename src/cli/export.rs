//! The arguments of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::planted::PlantedArgs;
use super::watch::{LookArgs, size};

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent export duelling-agents-with-backoff@0x3 --as shiviz -o duel.log
  bivalent export duel-5eed.trace --as jsonl | jq 'select(.kind == \"decided\")'
  bivalent export duelling-agents --as svg --at 600 -o duel.svg
  bivalent export duelling-agents --as cast --from 500 --to 640 -o duel.cast";

pub(super) const MORE: &str = "\
Each event of an agent has a vector clock: of each agent, how many of its steps could have influenced it.
Agents reach each other only through blocks, so one event comes before another if a chain leads there, of an
agent's own steps and of reads that returned the very version a step had asked to write. A stale read has
the clock of the old version; what can't be read as a block carries nothing. All that an agent takes, does
and asks for in one step has one clock; a write that lands has that of the step that asked for it.

A restarted agent remembers nothing: it is a process of its own, NAME'1, NAME'2, and knows of the one before
what it reads back. What befalls stores has no clock.

Formats:
  jsonl   an object a line: step, virtual_ns, agent, incarnation, store, kind, fault, text, lamport, clock
  shiviz  a log for ShiViz (https://bestchai.bitbucket.io/shiviz), which draws it; events without a
          clock are left out, and a write is told in the step that asked for it, with that of its landing
  svg     a picture of the screen that `watch` shows after one step
  cast    a film of it (asciicast v3), a frame a step, with a marker at each fault, stall and decision

Of a long run the first 200,000 events are written; fewer, if very many agents or restarts make clocks long.";

/// In which format a run is exported.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    Jsonl,
    /// A log for `ShiViz`.
    Shiviz,
    /// A picture of the screen.
    Svg,
    /// A film of the screen.
    Cast,
}

impl ExportFormat {
    /// As it is typed.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Shiviz => "shiviz",
            Self::Svg => "svg",
            Self::Cast => "cast",
        }
    }
}

/// Arguments of `export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// A trace, a coordinate SCENARIO@SEED, a scenario file, or the name of a built-in one.
    #[arg(value_name = "TRACE|COORD")]
    pub(crate) what: String,
    /// In which format.
    #[arg(long = "as", value_enum, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// Write to a file instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Of a picture: the step. [default: the violation, else the first stall, else the end]
    #[arg(long, value_name = "STEP")]
    pub(crate) at: Option<u64>,
    /// Of a film: the first step. [default: 0]
    #[arg(long, value_name = "STEP")]
    pub(crate) from: Option<u64>,
    /// Of a film: the last step. [default: the end]
    #[arg(long, value_name = "STEP")]
    pub(crate) to: Option<u64>,
    /// Of pictures and films: columns and rows. [default: 120x36]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub(crate) size: Option<(u16, u16)>,
    #[command(flatten)]
    pub(crate) look: LookArgs,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}
