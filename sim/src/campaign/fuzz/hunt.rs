//! A campaign: which blocks there are, in which order they are run, and what is found, as it comes.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{
    block::{self, Block, Reproduced, Settings, block_size},
    tally::Tally,
};
use crate::{campaign::guard::Subject, engine::fingerprint, pool::watched, scenario::Scenario};

/// Threads that never come back before the campaign is given up: each keeps a core busy.
const LOST_MAX: usize = 8;

/// A campaign.
#[derive(Clone)]
pub struct Hunt {
    /// What is fuzzed.
    pub subject: Arc<dyn Subject>,
    /// On which scenarios.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The seeds of each scenario.
    pub seeds: Vec<Range<u64>>,
    /// How seeds become runs.
    pub settings: Settings,
    /// Which part of it is run here.
    pub slice: Slice,
}

/// A part of a campaign: `number` of `count`, from 1.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Slice {
    /// Which part, from 1.
    pub number: u32,
    /// Of how many.
    pub count: u32,
}

impl Slice {
    /// The whole.
    pub const WHOLE: Self = Self {
        number: 1,
        count: 1,
    };
}

/// A block, and what is known of it from earlier attempts.
#[derive(Clone, Debug)]
struct Piece {
    block: Block,
    endless: Vec<u64>,
}

/// A block that was run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// Which.
    pub block: Block,
    /// Seeds of it that never come to an end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endless: Vec<u64>,
    /// What it came to.
    pub tally: Tally,
}

impl Done {
    /// The block as a line of a file: a checksum, and what it came to.
    pub fn to_line(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:016x} {text}\n", fingerprint::of_text(&text))
    }

    /// The block that a line tells of; none, if the line was cut or changed.
    pub fn from_line(line: &str) -> Option<Self> {
        let (sum, text) = line.strip_suffix('\n')?.split_once(' ')?;
        if sum != format!("{:016x}", fingerprint::of_text(text)) {
            return None;
        }
        serde_json::from_str(text).ok()
    }
}

/// Why a campaign ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Close {
    /// All blocks were run.
    Complete,
    /// Whoever took the results wanted no more.
    Enough,
    /// It was stopped.
    Stopped,
    /// Too many threads did not come back.
    Lost,
}

impl Hunt {
    /// The blocks of this part, in order: in each round one of every scenario.
    pub fn blocks(&self) -> impl Iterator<Item = Block> + '_ {
        let sizes: Vec<u64> = self.scenarios.iter().map(|s| block_size(s)).collect();
        let rounds =
            |(seeds, &size): (&Range<u64>, &u64)| (seeds.start / size)..seeds.end.div_ceil(size);
        let rounds: Vec<Range<u64>> = self.seeds.iter().zip(&sizes).map(rounds).collect();
        let last = rounds.iter().map(|rounds| rounds.end - rounds.start).max();
        let slice = self.slice;
        (0..last.unwrap_or(0)).flat_map(move |round| {
            let (rounds, sizes) = (rounds.clone(), sizes.clone());
            (0..self.scenarios.len()).filter_map(move |scenario| {
                let number = rounds[scenario].start + round;
                // Shifted from round to round, so that no part gets all of an expensive scenario.
                let part = (number + scenario as u64) % u64::from(slice.count) + 1;
                if number >= rounds[scenario].end || part != u64::from(slice.number) {
                    return None;
                }
                let (size, seeds) = (sizes[scenario], &self.seeds[scenario]);
                let from = (number * size).max(seeds.start);
                let to = (number + 1).saturating_mul(size).min(seeds.end);
                Some(Block {
                    scenario,
                    seeds: from..to,
                })
            })
        })
    }

    /// Runs the blocks of this part, but for those that `skip` knows, on `jobs` threads; `take` gets them in
    /// their order, until it returns false. Nothing it gets depends on `jobs`. `idle` is called now and then, and with
    /// what a block came to as soon as it is run, while others before it may not be: for whoever shows how it gets on.
    ///
    /// A run that shows no sign of life for `patience` is taken for one that never ends.
    pub fn run(
        &self,
        jobs: usize,
        patience: Duration,
        stop: &Arc<AtomicBool>,
        skip: &dyn Fn(&Block) -> bool,
        idle: &mut dyn FnMut(Option<&Tally>),
        take: &mut dyn FnMut(Done) -> bool,
    ) -> Close {
        self.go(false, (jobs, patience), stop, skip, idle, take)
    }

    /// The same, and a block in which a run never ends goes no further: for whoever wants the first finding only.
    pub(crate) fn run_to_the_first(
        &self,
        jobs: usize,
        patience: Duration,
        take: &mut dyn FnMut(Done) -> bool,
    ) -> Close {
        let never = Arc::new(AtomicBool::new(false));
        let all = |_: &Block| false;
        self.go(true, (jobs, patience), &never, &all, &mut |_| (), take)
    }

    fn go(
        &self,
        short: bool,
        (jobs, patience): (usize, Duration),
        stop: &Arc<AtomicBool>,
        skip: &dyn Fn(&Block) -> bool,
        idle: &mut dyn FnMut(Option<&Tally>),
        take: &mut dyn FnMut(Done) -> bool,
    ) -> Close {
        let mut blocks = self.blocks().filter(|block| !skip(block));
        let (hunt, stopping) = (self.clone(), Arc::clone(stop));
        let work: watched::Work<Piece, Option<Tally>> = Arc::new(move |piece, pulse| {
            let Block { scenario, seeds } = &piece.block;
            let (base, pulse) = (&hunt.scenarios[*scenario], block::Pulse::of(pulse));
            let subject = &*hunt.subject;
            let seeds = seeds.clone();
            block::run(
                subject,
                base,
                seeds,
                hunt.settings,
                &piece.endless,
                &pulse,
                &stopping,
            )
            .ok()
        });
        let mut close = Close::Complete;
        let mut lost = 0;
        let mut gave_up = false;
        watched::run(
            jobs,
            patience,
            &work,
            &mut watched::Orders {
                next: &mut || {
                    let block = blocks.next().filter(|_| !stop.load(Ordering::Relaxed))?;
                    let endless = Vec::new();
                    Some(Piece { block, endless })
                },
                take: &mut |piece, tally| {
                    let Some(tally) = tally else {
                        close = Close::Stopped;
                        return false;
                    };
                    let Piece { block, endless } = piece;
                    let done = Done {
                        block,
                        endless,
                        tally,
                    };
                    if !take(done) {
                        close = Close::Enough;
                        return false;
                    }
                    true
                },
                left: &mut |piece, pulse| {
                    lost += 1;
                    let mut piece = piece.clone();
                    if (lost > LOST_MAX && !short) || pulse == 0 {
                        gave_up = true;
                        return None;
                    }
                    piece.endless.push(pulse - 1);
                    if short {
                        piece.block.seeds.end = pulse;
                    }
                    Some(piece)
                },
                idle: &mut |tally| idle(tally.and_then(Option::as_ref)),
            },
        );
        match close {
            Close::Complete if gave_up => Close::Lost,
            Close::Complete if stop.load(Ordering::Relaxed) => Close::Stopped,
            Close::Complete | Close::Enough | Close::Stopped | Close::Lost => close,
        }
    }

    /// One run of a block again, with its own configuration.
    pub fn reproduce(&self, block: &Block, endless: &[u64], seed: u64) -> Reproduced {
        let Block { scenario, seeds } = block;
        let base = &self.scenarios[*scenario];
        block::reproduce(
            &*self.subject,
            base,
            seeds.clone(),
            self.settings,
            endless,
            seed,
        )
    }
}
