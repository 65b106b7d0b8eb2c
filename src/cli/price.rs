//! The arguments of `price`.

use std::path::PathBuf;

use bivalent_sim::campaign::price::Matrix;
use clap::Args;

use super::TellingFormat;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent price price-of-blocking                     the matrix of the scenario's [price]
  bivalent price price-of-blocking --runs 100 --agents 2,5
  bivalent price duel.toml --adversary state-aware --retry 0ms --retry 5ms..50ms --at 1s,10s
  bivalent price duel.toml --adversary '{ pct = 3 }' --retry '{ exponential = \"1ms..100ms\" }'
  bivalent price price-of-blocking --format markdown > price.md";

pub(super) const MORE: &str = "\
Each cell is one adversary, one pause after an abort and one number of agents, run with the seeds from 0 on
to the first decision or to the last time asked for. Told are the share of runs in which nobody had decided
at each time, with Wilson's interval of 95 %, and the time to the first decision. [price] in the scenario
says what is varied, options come before it, and what neither says is as usual: 2, 5 and 20 agents, all
adversaries but keep-bivalent and scripts, no pause, a random and a growing one, at 10ms, 100ms and 1s.

A combination that is no system, such as a duel of one, is shown as `-` with the reason below.";

/// Arguments of `price`.
#[derive(Args, Debug)]
pub(crate) struct PriceArgs {
    /// A scenario file, or the name of a built-in one.
    #[arg(value_name = "SCENARIO")]
    pub(crate) what: String,
    /// Numbers of agents.
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    #[arg(value_parser = part("agents"))]
    pub(crate) agents: Vec<Matrix>,
    /// An adversary as in a scenario: a word, or an inline table; may be repeated.
    #[arg(long, value_name = "WORD|TABLE", value_parser = part("adversary"))]
    pub(crate) adversary: Vec<Matrix>,
    /// A pause after an abort as in a scenario: a range, or an inline table; may be repeated.
    #[arg(long, value_name = "RANGE|TABLE", value_parser = part("retry"))]
    pub(crate) retry: Vec<Matrix>,
    /// When the share of undecided runs is asked for.
    #[arg(long, value_name = "TIME,..", value_delimiter = ',', value_parser = part("at"))]
    pub(crate) at: Vec<Matrix>,
    /// Runs of a cell.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) runs: Option<u64>,
    /// Runs of a cell whose adversary looks at the run, if they are fewer.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub(crate) adaptive_runs: Option<u64>,
    /// Write the times to the first decision into this folder: one `HdrHistogram` log a cell.
    #[arg(long, value_name = "DIR")]
    pub(crate) histograms: Option<PathBuf>,
    /// How many runs at a time; results do not depend on it. [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// How the matrix is printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: TellingFormat,
}

impl PriceArgs {
    /// All that was said of the matrix.
    pub(crate) fn matrix(&self) -> Matrix {
        let mut matrix = Matrix {
            runs: self.runs,
            adaptive_runs: self.adaptive_runs,
            ..Matrix::default()
        };
        let parts = [&self.agents, &self.adversary, &self.retry, &self.at];
        for part in parts.into_iter().flatten() {
            matrix.agents.extend(&part.agents);
            matrix.adversaries.extend(part.adversaries.iter().cloned());
            matrix.retries.extend(part.retries.iter().cloned());
            matrix.at_ns.extend(&part.at_ns);
        }
        matrix.at_ns.sort_unstable();
        matrix.at_ns.dedup();
        matrix
    }
}

/// Reads a value of a key of `[price]`.
fn part(key: &'static str) -> impl Fn(&str) -> Result<Matrix, String> + Clone + Send + Sync {
    move |text| Matrix::part(key, text)
}
