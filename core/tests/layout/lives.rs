//! Operations on one disk, one after the other, each whole or cut off in its middle: what was there once stays.

use std::{collections::BTreeMap, sync::Arc};

use bivalent_core::{
    Block, BlockBody, Content, DISK_TEXTS, DiskContent, DiskNext, DiskOp, DiskPlace, DiskRefusal,
    DiskReply, DiskSector, DiskSetup, DiskSize, DiskTask, Incarnation, ObjectName, ObjectOp,
    ObjectReply, StartRecord, Version,
};
use proptest::prelude::*;

use crate::{
    bench::{
        A1, AGENTS, Bench, block, get_text, identity, list, put_block, put_start, put_text, set_up,
        version,
    },
    world::{Dice, Op},
};

/// What an agent has done on a disk in all its lives.
#[derive(Default)]
struct Past {
    /// The latest start that was taken, or seen.
    start: Option<Incarnation>,
    /// Those that were taken.
    taken: Vec<Incarnation>,
    /// The newest version that is through, or was seen.
    version: Version,
    blocks: BTreeMap<Version, Block>,
    /// Those that are through.
    texts: BTreeMap<Incarnation, Arc<str>>,
}

impl Past {
    /// Nothing that was there once is gone, and nothing is there that nobody has written.
    fn judge(&mut self, bench: &mut Bench) {
        let (start, version) = bench.listed();
        assert!(start >= self.start, "{start:?} after {:?}", self.start);
        assert!(
            version >= self.version,
            "{version:?} after {:?}",
            self.version
        );
        assert_eq!(bench.block(version), self.blocks[&version], "{version:?}");
        (self.start, self.version) = (start, version);
        for (start, text) in &self.texts {
            let found = bench.carry(get_text(start.0));
            assert!(
                matches!(&found, Ok(ObjectReply::Found { content: Content::Text(found), .. }) if found == text),
                "{start:?}: {found:?}"
            );
        }
    }
}

/// What an agent does.
#[derive(Clone, Copy, Debug)]
enum Doing {
    TakesStart(Incarnation),
    KeepsText(Incarnation),
    Writes(Version),
    /// A write that is through is tried again, since its answer came late.
    WritesLate(Version),
}

impl Past {
    /// What it does next, in that life; nothing if there is nothing of the kind to do.
    fn next(&self, life: Option<Incarnation>, dice: &mut Dice) -> Option<Doing> {
        let Some(start) = life else {
            let next = self.start.map_or(0, |Incarnation(last)| last + 1);
            return Some(Doing::TakesStart(Incarnation(next)));
        };
        match dice.below(4) {
            0 => Some(Doing::KeepsText(start)),
            1 => {
                let own = self.blocks.range(Version::new(start, 0)..);
                let mut older = own.take_while(|(version, _)| **version < self.version);
                older.next().map(|(&version, _)| Doing::WritesLate(version))
            }
            _ => Some(Doing::Writes(self.version.next(start))),
        }
    }

    /// It is through.
    fn note(&mut self, doing: Doing) {
        match doing {
            Doing::TakesStart(start) => {
                self.start = Some(start);
                self.taken.push(start);
            }
            Doing::KeepsText(start) => drop(self.texts.insert(start, text(start).into())),
            Doing::Writes(version) => self.version = version,
            Doing::WritesLate(_) => {}
        }
    }
}

fn text(start: Incarnation) -> String {
    format!("text {}", start.0)
}

/// An agent's lives on one disk, one after the other, each cut off in the middle of an operation.
fn live(seed: u64) {
    let mut dice = Dice(seed);
    let mut bench = Bench::ready();
    let mut past = Past::default();
    past.blocks.insert(Version::default(), Block::default());
    let mut life = None;
    for round in 1..120 {
        let Some(doing) = past.next(life, &mut dice) else {
            continue;
        };
        let op = match doing {
            Doing::TakesStart(start) => put_start(start.0, round),
            Doing::KeepsText(start) => put_text(start.0, &text(start)),
            Doing::Writes(version) => {
                past.blocks.insert(version, block(round));
                put_block(version, block(round))
            }
            Doing::WritesLate(version) => put_block(version, past.blocks[&version]),
        };
        // Half of all operations come to their end; a cut at a write is worth more than any other.
        let mut steps = dice.below(24);
        let end = bench.carry_until(op, |next| {
            let at_write = matches!(next, DiskOp::Write(..)) && dice.below(6) == 0;
            steps = steps.saturating_sub(1);
            at_write || steps == 0
        });
        match end {
            Err(next) => {
                bench.disk.cut_off(&next, &mut dice);
                life = None;
            }
            Ok(Ok(ObjectReply::Done(None))) => {
                past.note(doing);
                if let Doing::TakesStart(start) = doing {
                    life = Some(start);
                }
            }
            Ok(Err(DiskRefusal::Full(A1))) => {
                let places = DiskPlace::Text(A1, 0).and_following(usize::from(DISK_TEXTS));
                for place in places {
                    assert_ne!(bench.disk.holds(place), DiskSector::Blank);
                }
            }
            Ok(other) => panic!("seed {seed}: {doing:?}: {other:?}"),
        }
        past.judge(&mut bench);
    }
    assert!(past.taken.is_sorted_by(|one, next| one < next));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nothing_that_was_there_is_gone_wherever_writers_are_killed(seed: u64) {
        live(seed);
    }

    #[test]
    fn every_operation_ends_whatever_the_disk_replies(seed: u64) {
        let mut dice = Dice(seed);
        let expected = (dice.below(2) == 0).then(|| identity(7));
        let op = any_op(&mut dice);
        let agents = AGENTS;
        let (mut task, mut next) = DiskTask::begin(op, DiskSetup { agents, expected });
        let (mut steps, mut has_turn) = (0, false);
        while let DiskNext::Ask(op) = next {
            prop_assert!(steps < 40, "{op:?}");
            prop_assert!(has_turn || !matches!(op, DiskOp::Write(..) | DiskOp::Grow(_)));
            has_turn |= op == DiskOp::Turn;
            let reply = any_reply(&op, &mut dice);
            let asked = op.clone();
            next = task.step(reply.clone());
            if matches!(next, DiskNext::End(_)) {
                let is_answer = matches!(reply, DiskReply::Done | DiskReply::Read(_) | DiskReply::Size(_));
                let is_blank = matches!((&asked, &reply), (DiskOp::Open, DiskReply::Nothing));
                let is_short = matches!((&asked, &reply), (DiskOp::Read { .. }, DiskReply::Ends));
                prop_assert!(is_answer || is_blank || is_short, "{reply:?} to {asked:?}");
            }
            steps += 1;
        }
        prop_assert_eq!(task.step(DiskReply::Done), DiskNext::Refuse(DiskRefusal::Unasked));
    }
}

fn any_op(dice: &mut Dice) -> Op<BlockBody> {
    let start = dice.below(4);
    let version = version(start, dice.below(4));
    match dice.below(8) {
        0 => ObjectOp::Get(ObjectName::Identity),
        1 => ObjectOp::Get(ObjectName::Version(A1, version)),
        2 => get_text(start),
        3 => set_up(),
        4 => put_block(version, block(1)),
        5 => put_start(start, dice.below(2)),
        6 => put_text(start, "words"),
        _ => list(),
    }
}

/// The right reply most of the time, with anything in it.
fn any_reply(op: &DiskOp, dice: &mut Dice) -> DiskReply {
    match dice.below(40) {
        0 => return DiskReply::Done,
        1 => return DiskReply::Nothing,
        2 => return DiskReply::Moved,
        3 => return DiskReply::Ends,
        4 => return DiskReply::DoesNotFit,
        5 => return DiskReply::Failed,
        6 => return DiskReply::Read(vec![DiskSector::Blank]),
        _ => {}
    }
    match op {
        DiskOp::Size => DiskReply::Size(DiskSize {
            sectors: dice.below(80),
            ragged: dice.below(10) == 0,
            fixed: dice.below(2) == 0,
        }),
        DiskOp::Read { from, count } => {
            let blank = dice.below(2) == 0;
            let places = from.and_following(*count);
            DiskReply::Read(places.map(|place| any_sector(place, blank, dice)).collect())
        }
        DiskOp::Open
        | DiskOp::Create
        | DiskOp::Stands
        | DiskOp::Grow(_)
        | DiskOp::Turn
        | DiskOp::Write(..) => DiskReply::Done,
    }
}

fn any_sector(place: DiskPlace, blank: bool, dice: &mut Dice) -> DiskSector {
    let start = Incarnation(dice.below(4));
    let is_blank = if blank { 20 } else { 3 };
    match dice.below(24) {
        0 => return DiskSector::Unreadable,
        1 => return DiskSector::Holds(DiskContent::Strange("?".into())),
        other if other < is_blank && place != DiskPlace::Identity => return DiskSector::Blank,
        _ => {}
    }
    DiskSector::Holds(match place {
        DiskPlace::Identity => DiskContent::Identity(identity(7)),
        DiskPlace::Start(..) => DiskContent::Start(StartRecord { start, nonce: 0 }),
        DiskPlace::Slot(..) => DiskContent::Slot(BlockBody {
            version: Version::new(start, dice.below(4)),
            block: Block::default(),
        }),
        DiskPlace::Text(..) => DiskContent::Text(start, "words".into()),
    })
}
