//! What a campaign leaves in its folder: what it is, each block as it is done, and at the end its results.
//!
//! `campaign.json` says what is run; a folder never holds blocks of two campaigns. `blocks.log` has a line a block,
//! each with a checksum: a line that was cut by a kill is dropped, and its block is run again.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use bivalent_sim::campaign::fuzz::{Block, Done, Settings, Slice, block_size};
use bivalent_sim::scenario::Scenario;
use bivalent_sim::scenario::planted::Planted;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::files::{self, Existing};

use super::difference::{self, Difference};

/// The file that says what a campaign is.
pub(crate) const CAMPAIGN: &str = "campaign.json";
const BLOCKS: &str = "blocks.log";
const LOCK: &str = "lock";
/// The version of both files.
const FORMAT: u32 = 2;

/// What every format has.
#[derive(Deserialize)]
struct Stamp {
    format: u32,
}

/// What a campaign is: two with the same are one.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Campaign {
    pub(crate) format: u32,
    pub(crate) build: String,
    pub(crate) settings: Settings,
    pub(crate) slice: Slice,
    /// Runs until it is told to stop.
    pub(crate) open: bool,
    pub(crate) bug: Option<String>,
    pub(crate) scenarios: Vec<Source>,
}

/// A scenario of a campaign, complete.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) seeds: Range<u64>,
    /// How many seeds a block has.
    pub(crate) block: u64,
    pub(crate) text: String,
    pub(crate) files: Vec<(String, String)>,
}

impl Campaign {
    pub(crate) fn new(
        scenarios: &[Scenario],
        seeds: &[Range<u64>],
        settings: Settings,
        slice: Slice,
        open: bool,
    ) -> Self {
        let source = |(scenario, seeds): (&Scenario, &Range<u64>)| Source {
            name: scenario.name.clone(),
            seeds: seeds.clone(),
            block: block_size(scenario),
            text: scenario.text.clone(),
            files: scenario.files.clone(),
        };
        let planted = scenarios.first().map(|scenario| scenario.planted);
        Self {
            format: FORMAT,
            build: bivalent_sim::BUILD.to_owned(),
            settings,
            slice,
            open,
            bug: planted.and_then(Planted::name),
            scenarios: scenarios.iter().zip(seeds).map(source).collect(),
        }
    }

    /// In what another one, said to be the same, differs; nothing, if it does not.
    pub(crate) fn differs(&self, other: &Self) -> Option<Difference> {
        let other_part = Self {
            slice: self.slice,
            ..other.clone()
        };
        self.differs_as_part(&other_part).or_else(|| {
            (self.slice != other.slice).then(|| {
                let slices =
                    [self.slice, other.slice].map(|it| format!("slice:{}/{}", it.number, it.count));
                Difference::option("--partition", &slices)
            })
        })
    }

    /// In what another one, said to be a part of the same whole, differs; nothing, if it does not.
    pub(crate) fn differs_as_part(&self, other: &Self) -> Option<Difference> {
        difference::between(self, other)
    }

    /// Its scenarios again.
    pub(crate) fn scenarios(&self, file: &Path) -> Result<Vec<Scenario>, Failure> {
        let invalid =
            |why: String| Failure::new(Exit::Invalid, format!("{}: {why}", file.display()));
        let planted = match &self.bug {
            None => Planted::default(),
            Some(name) => Planted::named(name).ok_or_else(|| {
                invalid(format!(
                    "its agents had the planted bug `{name}`, which this build has not"
                ))
                .help("build it with `cargo build --release --features planted-bugs`")
            })?,
        };
        let parse = |source: &Source| {
            let open = |named: &str| {
                let found = source.files.iter().find(|(name, _)| name == named);
                let missing = || "the campaign does not carry it".to_owned();
                found.map(|(_, text)| text.clone()).ok_or_else(missing)
            };
            let parsed = Scenario::parse(&source.name, &source.text, &open);
            let mut scenario = parsed
                .map_err(|_| invalid(format!("{} is not valid for this build", source.name)))?;
            if block_size(&scenario) != source.block {
                return Err(invalid(
                    "this build cuts seeds into other blocks".to_owned(),
                ));
            }
            scenario.planted = planted;
            Ok(scenario)
        };
        self.scenarios.iter().map(parse).collect()
    }
}

/// The folder of a campaign, ours alone while it is open.
pub(crate) struct Store {
    folder: PathBuf,
    /// Held for its lock.
    _lock: File,
    log: File,
    known: BTreeSet<(usize, u64)>,
}

impl Store {
    /// Opens a campaign's folder, or makes it; gives the blocks that are done, in their order.
    pub(crate) fn open(folder: &Path, campaign: &Campaign) -> Result<(Self, Vec<Done>), Failure> {
        files::make_folder(folder)?;
        let lock = lock(folder)?;
        let file = folder.join(CAMPAIGN);
        let mut done = Vec::new();
        let mut good = 0;
        if file.symlink_metadata().is_ok() {
            let known = read_campaign(&file)?;
            if let Some(difference) = known.differs(campaign) {
                let shown = folder.display();
                let what = difference.words("it", "this run");
                let message = format!("{shown} holds another campaign: {what}");
                let undo = difference.undo();
                let help =
                    format!("{undo} to go on with it; or name another folder, or remove this one");
                return Err(Failure::new(Exit::Usage, message).help(help));
            }
            (done, good) = read_blocks(folder, campaign)?;
        } else {
            let text = serde_json::to_string_pretty(campaign).unwrap_or_default();
            files::write(&file, text.as_bytes(), Existing::Replace)?;
        }
        let log = open_log(&folder.join(BLOCKS), good)?;
        let known = done.iter().map(|done| key(&done.block)).collect();
        let store = Self {
            folder: folder.to_owned(),
            _lock: lock,
            log,
            known,
        };
        Ok((store, done))
    }

    /// Whether a block is done.
    pub(crate) fn has(&self, block: &Block) -> bool {
        self.known.contains(&key(block))
    }

    /// Keeps a block.
    pub(crate) fn add(&mut self, done: &Done) -> Result<(), Failure> {
        self.known.insert(key(&done.block));
        let line = done.to_line();
        self.log.write_all(line.as_bytes()).map_err(|error| {
            let file = self.folder.join(BLOCKS);
            Failure::new(
                Exit::File,
                format!("{} can't be written: {error}", file.display()),
            )
        })
    }

    /// Makes sure that what was kept survives a crash of the machine.
    pub(crate) fn settle(&self) {
        // Without it a crash costs some blocks, which are run again.
        let _ = self.log.sync_data();
    }
}

fn key(block: &Block) -> (usize, u64) {
    (block.scenario, block.seeds.start)
}

/// What a campaign's file says.
pub(crate) fn read_campaign(file: &Path) -> Result<Campaign, Failure> {
    let invalid = |why: String| Failure::new(Exit::Invalid, format!("{}: {why}", file.display()));
    let text = files::read_trace(file)?.ok_or_else(|| invalid("it is not text".to_owned()))?;
    // Another format has other keys: that is why, and not the first that is unknown.
    let stamp: Result<Stamp, _> = serde_json::from_str(&text);
    if let Some(found) = stamp.ok().map(|it| it.format).filter(|it| *it != FORMAT) {
        let why = format!("a campaign of format {found}, and this build reads {FORMAT}");
        let help = "go on with it with the build that began it, or name another folder";
        return Err(invalid(why).help(help));
    }
    serde_json::from_str(&text).map_err(|error| invalid(format!("not a campaign: {error}")))
}

/// The blocks that are done, in their order, and the length of the file up to the last whole line.
pub(crate) fn read_blocks(folder: &Path, campaign: &Campaign) -> Result<(Vec<Done>, u64), Failure> {
    let file = folder.join(BLOCKS);
    if file.symlink_metadata().is_err() {
        return Ok((Vec::new(), 0));
    }
    // What a kill has cut need not be text.
    let bytes = files::read_histories(&file)?;
    let mut done: Vec<Done> = Vec::new();
    let mut good = 0;
    let mut known = BTreeSet::new();
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let read = std::str::from_utf8(line).ok().and_then(Done::from_line);
        let Some(read) = read.filter(|done| done.block.scenario < campaign.scenarios.len()) else {
            break;
        };
        good += line.len() as u64;
        if known.insert(key(&read.block)) {
            done.push(read);
        }
    }
    Ok((done, good))
}

fn open_log(file: &Path, good: u64) -> Result<File, Failure> {
    let open = || -> io::Result<File> {
        let mut log = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(file)?;
        log.set_len(good)?;
        log.seek(SeekFrom::End(0))?;
        Ok(log)
    };
    open().map_err(|error| {
        Failure::new(
            Exit::File,
            format!("{} can't be written: {error}", file.display()),
        )
    })
}

fn lock(folder: &Path) -> Result<File, Failure> {
    let file = folder.join(LOCK);
    let unusable = |error: &io::Error| {
        Failure::new(
            Exit::File,
            format!("{} can't be locked: {error}", file.display()),
        )
    };
    let lock = File::create(&file).map_err(|error| unusable(&error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let message = format!(
                "{} is in use by another campaign that runs",
                folder.display()
            );
            Err(Failure::new(Exit::File, message).help("wait for it, or name another folder"))
        }
        // A file system without locks: two at once are then the user's own care.
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(lock),
        Err(TryLockError::Error(error)) => Err(unusable(&error)),
    }
}

/// The folders of campaigns in and below some folders, sorted.
pub(crate) fn folders(dirs: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found = BTreeSet::new();
    for dir in dirs {
        let unreadable = |error: io::Error| {
            Failure::new(
                Exit::File,
                format!("{} can't be read: {error}", dir.display()),
            )
        };
        fs::read_dir(dir).map_err(unreadable)?;
        for file in files::files_below(dir)? {
            if file.file_name().is_some_and(|name| name == CAMPAIGN) {
                found.extend(file.parent().map(Path::to_owned));
            }
        }
    }
    Ok(found.into_iter().collect())
}
