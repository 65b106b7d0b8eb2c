//! `bivalent merge`: one campaign out of the parts that were run apart.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bivalent_sim::campaign::fuzz::{Block, Done, Effort, Hunt, Slice, Sum};
use bivalent_sim::campaign::guard::BuiltIn;

use crate::cli::fuzz::MergeArgs;
use crate::console::Console;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::fuzz::difference::Difference;
use crate::fuzz::regressions::Regressions;
use crate::fuzz::results::{self, Summary};
use crate::fuzz::store::{self, CAMPAIGN, Campaign};
use crate::fuzz::{Told, exit, report, talk, tell};
use crate::render::units;

/// Merges what was named.
pub(crate) fn merge(args: &MergeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let began = Instant::now();
    let folders: Vec<PathBuf> = store::folders(&args.dirs)?
        .into_iter()
        .filter(|folder| Some(folder) != args.out.as_ref())
        .collect();
    let (campaign, blocks, parts) = read(&folders)?;
    let first = folders[0].join(CAMPAIGN);
    let scenarios = campaign.scenarios(&first)?;
    let hunt = Hunt {
        subject: Arc::new(BuiltIn),
        scenarios: scenarios.into_iter().map(Arc::new).collect(),
        seeds: campaign
            .scenarios
            .iter()
            .map(|it| it.seeds.clone())
            .collect(),
        settings: campaign.settings,
        slice: Slice::WHOLE,
    };
    let mut sum = Sum::new(&hunt);
    let mut missing = 0_u64;
    if campaign.open {
        let mut all: Vec<Done> = blocks.into_values().collect();
        all.sort_by_key(|done| order(&hunt, &done.block));
        for done in &all {
            sum.take(&hunt, done, Effort::default());
        }
    } else {
        for block in hunt.blocks() {
            match blocks.get(&(block.scenario, block.seeds.start)) {
                Some(done) => {
                    sum.take(&hunt, done, Effort::default());
                }
                None => missing += block.seeds.end - block.seeds.start,
            }
        }
    }
    let lost = lost_parts(&parts);
    let mut regressions = Regressions::default();
    for folder in &folders {
        regressions.add(Regressions::read(folder)?);
    }
    let complete = missing == 0 && lost.is_empty();
    let summary = Summary::new(&hunt, &sum, &regressions, complete);
    if let Some(out) = &args.out {
        files::make_folder(out)?;
        results::keep(out, &hunt, &sum, &regressions, &summary, began.elapsed())?;
    }
    let talk = talk(args.format);
    let paint = console.paint(talk);
    let kept = args.out.as_ref().map(|out| out.display().to_string());
    for finding in &sum.findings.list {
        let text = report::finding(finding, paint, kept.as_deref());
        console.put(talk, &format!("{text}\n"))?;
    }
    let count = units::counted(folders.len() as u64, "part", "parts");
    console.put(talk, &format!("{count} merged\n"))?;
    let told = Told {
        hunt: &hunt,
        sum: &sum,
        summary: &summary,
        took: None,
        kept: kept.as_deref(),
    };
    tell(&told, args.format, console)?;
    if missing > 0 {
        let runs = units::counted(missing, "run", "runs");
        console.warning(&format!(
            "{runs} of the campaign are in none of these folders: a part is missing or unfinished"
        ));
    }
    if !lost.is_empty() {
        let lost = lost.join(", ");
        console.warning(&format!(
            "of the campaign these parts are in none of these folders: {lost}"
        ));
    }
    let least = if summary.complete {
        Exit::Ok
    } else {
        Exit::Inconclusive
    };
    let verdict = exit(&sum, &summary, true).or_worse(regressions.exit());
    Ok(verdict.or_worse(least))
}

/// The place of a block among all: in each round one of every scenario.
fn order(hunt: &Hunt, block: &Block) -> (u64, usize) {
    let size = bivalent_sim::campaign::fuzz::block_size(&hunt.scenarios[block.scenario]);
    (block.seeds.start / size, block.scenario)
}

/// The parts that a campaign has and that were not there.
fn lost_parts(parts: &BTreeSet<(u32, u32)>) -> Vec<String> {
    let count = parts.iter().map(|&(_, count)| count).max().unwrap_or(1);
    let there = |number: u32| parts.contains(&(number, count));
    let lost = (1..=count).filter(|&number| !there(number));
    lost.map(|number| format!("{number} of {count}")).collect()
}

/// Two folders are not parts of one campaign.
fn different(difference: &Difference, first: &Path, other: &Path) -> Failure {
    let (one, two) = (first.display(), other.display());
    let what = difference.words("the first", "the second");
    let message = format!("{one} and {two} are parts of different campaigns: {what}");
    let help = "merge the folders of one campaign at a time, or run the one that is wrong again";
    Failure::new(Exit::Usage, message).help(help)
}

/// What was read: the campaign, its blocks, and which parts of how many were there.
type Read = (Campaign, Blocks, BTreeSet<(u32, u32)>);

/// Blocks by scenario and first seed.
type Blocks = BTreeMap<(usize, u64), Done>;

/// A campaign and its blocks out of its parts. A block that is in several is the same in all of them.
fn read(folders: &[PathBuf]) -> Result<Read, Failure> {
    let mut whole: Option<(Campaign, PathBuf)> = None;
    let mut blocks = Blocks::new();
    let mut parts = BTreeSet::new();
    for folder in folders {
        let campaign = store::read_campaign(&folder.join(CAMPAIGN))?;
        let (done, _) = store::read_blocks(folder, &campaign)?;
        parts.insert((campaign.slice.number, campaign.slice.count));
        match &whole {
            None => whole = Some((campaign, folder.clone())),
            Some((known, first)) => {
                if let Some(difference) = known.differs_as_part(&campaign) {
                    return Err(different(&difference, first, folder));
                }
            }
        }
        for done in done {
            let key = (done.block.scenario, done.block.seeds.start);
            let same = blocks
                .get(&key)
                .is_none_or(|known| known.tally.fingerprint == done.tally.fingerprint);
            if !same {
                let message = format!(
                    "{}: seeds {:#x}.. came out differently elsewhere",
                    folder.display(),
                    done.block.seeds.start
                );
                let help = "the parts were run by different builds, or a run is not deterministic";
                return Err(Failure::new(Exit::Diverged, message).help(help));
            }
            blocks.entry(key).or_insert(done);
        }
    }
    let Some((campaign, first)) = whole else {
        let failure = Failure::new(Exit::Nothing, "no campaign is in or below these folders");
        return Err(failure.help("a campaign's folder is what `bivalent fuzz --out DIR` writes"));
    };
    // What was found is run again here, and made small.
    if campaign.build != bivalent_sim::BUILD {
        let (first, theirs, ours) = (first.display(), &campaign.build, bivalent_sim::BUILD);
        let message = format!("{first} was run by build {theirs}, and this is build {ours}");
        let help = "merge with the build that ran the parts, or run them again with this one";
        return Err(Failure::new(Exit::Usage, message).help(help));
    }
    Ok((campaign, blocks, parts))
}
