//! The arguments of `fuzz`, `merge` and `shrink`.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use bivalent_sim::campaign::fuzz::Portfolio;
use bivalent_sim::scenario::fault::FaultKind;
use clap::Args;

use super::{Format, PlantedArgs};
use crate::coordinate;
use crate::fuzz::partition::Partition;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent fuzz                                        the built-in scenarios, 20,000 runs
  bivalent fuzz mine.toml --for 10m --out campaign     ten minutes; run it again to go on
  bivalent fuzz scenarios/fuzz --seeds 0..1000000 --partition slice:3/8 --out results
  bivalent fuzz --profile ci                           as [profile.ci] in bivalent.toml says
  bivalent fuzz mine.toml --nth-fault torn-write       the first operation, the second, ...
  bivalent merge results                               one campaign of all its parts";

pub(super) const MORE: &str = "\
Each seed first draws a configuration from what its scenario and its [fuzz] allow (agents, stores, pauses,
which faults and how often, the clients' load), then a scheduler: uniform delays, pct, pos (partial order
sampling) or guided (an earlier run that came to something new, changed). A failure is a property broken inside
the envelope, a stall or wedge where none was promised, a panic, a step that does not end, or two runs of one
seed that differ. It is made small at once; with --out it is kept as a trace and as a scenario that
reproduces it alone. Put one of them into regressions/: they are run first.

Seeds fall into blocks. What a block comes to does not depend on --jobs, --partition or what was run before,
so parts of a campaign add up. With --out a campaign that was interrupted goes on where it was.

--partition slice:M/N is part M of N. auto reads SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, or
CI_NODE_INDEX and CI_NODE_TOTAL; auto/N reads JOB_COMPLETION_INDEX as well.

bivalent.toml, in the current folder or named by --config:
  [profile.ci]
  scenarios = [\"scenarios/fuzz\"]
  for = \"10m\"
  out = \"campaign\"
  regressions = \"regressions\"
  check-determinism = \"1%\"";

/// Arguments of `fuzz`.
#[derive(Args, Clone, Debug)]
pub(crate) struct FuzzArgs {
    /// Scenario files, folders of them, or names of built-in ones; the built-in scenarios if there is none.
    #[arg(value_name = "SCENARIO|DIR")]
    pub(crate) what: Vec<String>,
    /// So many runs in all, the same number of each scenario. [default: 20000]
    #[arg(long, value_name = "N", conflicts_with_all = ["seeds", "for"])]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub(crate) runs: Option<u64>,
    /// These seeds of every scenario, B not included; from 0 on if only --for says how many.
    #[arg(long, value_name = "A..B", value_parser = coordinate::seeds)]
    pub(crate) seeds: Option<Range<u64>>,
    /// For so long, 90s, 10m, 8h, or until all seeds of --seeds are run.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) r#for: Option<Duration>,
    /// How many runs at a time; results do not depend on it. [default: number of cores]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) jobs: Option<u16>,
    /// Stop when so many findings are made.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) stop_after: Option<u64>,
    /// Keep everything in this folder: progress, findings, results.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Run only a part: slice:M/N, auto, or auto/N.
    #[arg(long, value_name = "PART", value_parser = Partition::parse)]
    pub(crate) partition: Option<Partition>,
    /// Traces and scenarios that are run first. [default: regressions, if it is there]
    #[arg(long, value_name = "DIR")]
    pub(crate) regressions: Option<PathBuf>,
    /// Settings by name, from bivalent.toml; options come before them.
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Where profiles are. [default: bivalent.toml]
    #[arg(long, value_name = "FILE", requires = "profile")]
    pub(crate) config: Option<PathBuf>,
    /// The schedulers' shares of the runs. [default: uniform=40,pct=30,pos=15,guided=15]
    #[arg(long, value_name = "SHARES", value_parser = Portfolio::parse)]
    pub(crate) portfolio: Option<Portfolio>,
    /// Every run has its scenario's own configuration.
    #[arg(long)]
    pub(crate) no_swarm: bool,
    /// Run this share of the runs twice and compare: 5%.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) check_determinism: Option<u32>,
    /// A run without a sign of life for this long never ends. [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) hang_after: Option<Duration>,
    /// Instead: this kind of fault at the first operation, the second, ..., until there is no such operation.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    #[arg(conflicts_with_all = ["runs", "seeds", "for", "portfolio", "no_swarm", "check_determinism", "partition"])]
    pub(crate) nth_fault: Option<FaultKind>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

pub(super) const MERGE_EXAMPLES: &str = "\
Examples:
  bivalent merge results                        all parts in and below a folder
  bivalent merge part-1 part-2 --out whole      and what they are together, written down";

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// Folders that `fuzz --out` has written, or folders of such.
    #[arg(value_name = "DIR", required = true)]
    pub(crate) dirs: Vec<PathBuf>,
    /// Write findings and results of the whole campaign into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: Format,
}

pub(super) const SHRINK_EXAMPLES: &str = "\
Examples:
  bivalent replay duel.toml@0x44 -o big.trace
  bivalent shrink big.trace -o small.trace
  bivalent shrink big.trace -o small.trace --scenario small.toml";

/// Arguments of `shrink`.
#[derive(Args, Debug)]
pub(crate) struct ShrinkArgs {
    /// A trace file, or a coordinate SCENARIO@SEED.
    #[arg(value_name = "TRACE|COORD")]
    pub(crate) what: String,
    /// Where the smaller trace goes.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Where the scenario that reproduces it alone goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) scenario: Option<PathBuf>,
    /// Try so many candidates at most.
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tries: u64,
    #[command(flatten)]
    pub(crate) planted: PlantedArgs,
}

/// Reads a time with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "a time with its unit: 90s, 10m, 8h".to_owned();
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let ms = number.checked_mul(ms).filter(|&ms| ms > 0 && ms < 1 << 50);
    ms.map(Duration::from_millis).ok_or_else(wrong)
}

/// Reads a share in percent as parts of a million.
pub(crate) fn share(text: &str) -> Result<u32, String> {
    let wrong = || "a share from 0% to 100%: 5%, 0.1%".to_owned();
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    if rest.len() > 4 || whole.is_empty() || whole.len() > 3 {
        return Err(wrong());
    }
    let parts: u32 = format!("{whole}{rest:0<4}").parse().map_err(|_| wrong())?;
    if parts > 1_000_000 {
        return Err(wrong());
    }
    Ok(parts)
}

fn kind(text: &str) -> Result<FaultKind, String> {
    let found = FaultKind::ALL.into_iter().find(|kind| kind.name() == text);
    found.ok_or_else(|| {
        format!(
            "there are {}",
            FaultKind::ALL.map(FaultKind::name).join(", ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_have_units() {
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(share("5%"), Ok(50_000));
        assert_eq!(share("0.1%"), Ok(1_000));
        assert_eq!(share("100%"), Ok(1_000_000));
        for wrong in ["10", "m", "0s", "1y", "-1s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        for wrong in ["5", "101%", "%", "1.23456%", "-1%", "1e3%"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
