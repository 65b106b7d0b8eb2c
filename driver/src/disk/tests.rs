//! What a disk holds, what it does when that is torn, and when it is another one.

mod bench;

use std::fs;

use bivalent_core::{
    AgentId, Ballot, Block, Content, DISK_TEXT_MAX, DISK_TEXTS, DiskContent, DiskPlace, Half, If,
    Incarnation, ObjectName, ObjectOp, ObjectReply, Value, Version, Vote,
};
use crc::{CRC_64_XZ, Crc};
use futures_util::future::join_all;

use self::bench::{Bench, system};
use super::{map::SECTOR, *};
use crate::StoreError;

const AGENTS: u16 = 3;
const A0: AgentId = AgentId(0);
const A1: AgentId = AgentId(1);

/// Where an agent's area begins, bytes.
fn area(agent: AgentId) -> u64 {
    map::begin(DiskPlace::Start(agent, Half::First))
}

/// Where its block begins.
fn slots(agent: AgentId) -> u64 {
    map::begin(DiskPlace::Slot(agent, Half::First))
}

/// Where its texts begin.
fn texts(agent: AgentId) -> u64 {
    map::begin(DiskPlace::Text(agent, 0))
}

fn version(start: u64, count: u64) -> Version {
    Version::new(Incarnation(start), count)
}

fn block(round: u64) -> Block {
    let bal = Ballot::new(round, A0, Incarnation(0));
    Block {
        mbal: Some(bal),
        vote: Some(Vote { bal, inp: Value(9) }),
    }
}

fn is_lost<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Lost { .. }))
}

#[test]
fn everything_that_was_written_is_read_by_who_opens_it_anew() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    assert_eq!(fs::metadata(bench.path()).unwrap().len(), map::size(AGENTS));
    assert_eq!(drive.read(A0).unwrap().1, Version::default());

    assert!(drive.mark_start(A0, Incarnation(0), 5).unwrap());
    drive.write(A0, version(0, 1), block(1)).unwrap();
    drive.write(A0, version(0, 2), block(2)).unwrap();
    drive.keep_text(A0, Incarnation(0), "words").unwrap();

    let mut other = bench.drive(None);
    assert_eq!(other.charter().unwrap(), Some(system("c")));
    assert_eq!(other.starts().unwrap(), [(A0, Incarnation(0))]);
    other.expected.set(system("c")).unwrap();
    assert_eq!(other.read(A0).unwrap(), (block(2), version(0, 2)));
    let names = [
        ObjectName::Start(A0, Incarnation(0)),
        ObjectName::Version(A0, version(0, 2)),
    ];
    assert_eq!(other.names().unwrap(), names);
    assert_eq!(other.read(A1).unwrap().0, Block::default());
    let text = other.text(A0, Incarnation(0)).unwrap();
    assert_eq!(text.as_deref(), Some("words"));
    assert_eq!(other.text(A0, Incarnation(1)).unwrap(), None);
    assert_eq!(other.text(A1, Incarnation(0)).unwrap(), None);
}

#[test]
fn a_disk_has_the_bytes_that_earlier_builds_wrote() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    assert!(drive.mark_start(A0, Incarnation(0), 5).unwrap());
    assert!(drive.mark_start(A0, Incarnation(3), u64::MAX).unwrap());
    assert!(drive.mark_start(A1, Incarnation(1), 77).unwrap());
    for count in 1..=3 {
        drive.write(A0, version(3, count), block(count)).unwrap();
    }
    drive.write(A1, version(1, 1), Block::default()).unwrap();
    drive.keep_text(A0, Incarnation(3), "words").unwrap();
    drive
        .keep_text(A0, Incarnation(4), &"x".repeat(4000))
        .unwrap();

    let bytes = fs::read(bench.path()).unwrap();
    assert_eq!(bytes.len(), 397_312);
    let sum = Crc::<u64>::new(&CRC_64_XZ).checksum(&bytes);
    assert_eq!(sum, 0x68ac_201c_f4e7_8e02, "{sum:#x}");
}

#[test]
fn a_torn_slot_leaves_the_block_before() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    drive.write(A1, version(0, 1), block(1)).unwrap();
    drive.write(A1, version(0, 2), block(2)).unwrap();

    // Counts that are even go to the first slot; half of it is what was there before.
    let slot = slots(A1);
    bench.scribble(slot + SECTOR as u64 / 2, &[0; SECTOR / 2]);

    assert_eq!(drive.read(A1).unwrap(), (block(1), version(0, 1)));
    drive.write(A1, version(0, 2), block(2)).unwrap();
    assert_eq!(drive.read(A1).unwrap().0, block(2));
}

#[test]
fn two_torn_slots_are_no_block_and_not_an_empty_one() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    bench.scribble(slots(A0), &[1; 2 * SECTOR]);

    let outcome = drive.read(A0);

    assert!(matches!(outcome, Err(StoreError::Unreadable { .. })));
}

#[test]
fn a_late_try_of_an_older_write_takes_nothing_back() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    for count in 1..=3 {
        drive.write(A0, version(0, count), block(count)).unwrap();
    }

    drive.write(A0, version(0, 1), block(1)).unwrap();

    assert_eq!(drive.read(A0).unwrap().0, block(3));
}

#[test]
fn a_start_is_marked_once_and_none_below_it() {
    let bench = Bench::new();
    let mut drive = bench.ready();

    assert!(drive.mark_start(A0, Incarnation(4), 1).unwrap());
    assert!(drive.mark_start(A0, Incarnation(4), 1).unwrap(), "its own");
    assert!(!drive.mark_start(A0, Incarnation(4), 2).unwrap());
    assert!(!drive.mark_start(A0, Incarnation(3), 1).unwrap());
    assert!(drive.mark_start(A0, Incarnation(5), 2).unwrap());
    assert!(drive.mark_start(A1, Incarnation(0), 3).unwrap());

    let starts = [(A0, Incarnation(5)), (A1, Incarnation(0))];
    assert_eq!(drive.starts().unwrap(), starts);
}

#[test]
fn a_torn_mark_leaves_the_other() {
    for place in [0, SECTOR as u64] {
        let bench = Bench::new();
        let mut drive = bench.ready();
        assert!(drive.mark_start(A0, Incarnation(1), 1).unwrap());

        bench.scribble(area(A0) + place, &[0; 10]);

        assert_eq!(drive.starts().unwrap(), [(A0, Incarnation(1))]);
        assert!(!drive.mark_start(A0, Incarnation(1), 2).unwrap());
        assert!(drive.mark_start(A0, Incarnation(2), 2).unwrap());
        // Both are whole again: either will do.
        bench.scribble(area(A0) + SECTOR as u64 - place, &[0; 10]);
        assert_eq!(drive.starts().unwrap(), [(A0, Incarnation(2))]);
    }
}

#[test]
fn two_torn_marks_are_no_start_that_never_was() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    bench.scribble(area(A0), &[1; 2 * SECTOR]);

    assert!(bench.drive(None).starts().is_err());
    assert!(drive.mark_start(A0, Incarnation(0), 1).is_err());
    // Its agent shows no start here, and can't make one: nothing that it reads here counts.
    assert_eq!(drive.names().unwrap(), []);
}

#[test]
fn an_earlier_start_writes_nothing_once_a_later_one_is_marked() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    drive.write(A0, version(0, 1), block(1)).unwrap();
    assert!(drive.mark_start(A0, Incarnation(1), 1).unwrap());

    let late = drive.write(A0, version(0, 2), block(2));

    let by = Incarnation(1);
    assert!(matches!(late, Err(StoreError::Fenced { agent: A0, by: b }) if b == by));
    assert_eq!(drive.read(A0).unwrap().0, block(1));
    let latest = ObjectName::Start(A0, by);
    assert!(drive.names().unwrap().contains(&latest));
}

#[test]
fn texts_stay_until_there_is_no_room_for_more() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    let starts = || (0..u64::from(DISK_TEXTS)).map(|start| Incarnation(start * 7));
    for start in starts() {
        drive.keep_text(A0, start, &start.0.to_string()).unwrap();
        drive.keep_text(A0, start, &start.0.to_string()).unwrap();
    }

    let full = drive.keep_text(A0, Incarnation(1), "more").unwrap_err();

    assert!(matches!(full, StoreError::Full { .. }), "{full}");
    assert!(crate::Error::of_fatal(&full).is_some());
    drive.keep_text(A1, Incarnation(1), "more").unwrap();
    for start in starts() {
        let text = drive.text(A0, start).unwrap();
        assert_eq!(text, Some(start.0.to_string()));
    }
}

#[test]
fn a_start_has_one_text() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    drive.keep_text(A0, Incarnation(0), "one").unwrap();

    assert!(drive.keep_text(A0, Incarnation(0), "two").is_err());
    let text = drive.text(A0, Incarnation(0)).unwrap();
    assert_eq!(text.as_deref(), Some("one"));
}

#[test]
fn the_longest_text_fits_and_a_longer_one_is_refused_for_good() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    let longest = "x".repeat(DISK_TEXT_MAX);
    drive.keep_text(A0, Incarnation::MAX, &longest).unwrap();
    let text = drive.text(A0, Incarnation::MAX).unwrap();
    assert_eq!(text, Some(longest));

    let longer = "x".repeat(DISK_TEXT_MAX + 1);
    let refused = drive.keep_text(A1, Incarnation(0), &longer).unwrap_err();

    assert!(matches!(refused, StoreError::TooLong { .. }), "{refused}");
    assert!(crate::Error::of_fatal(&refused).is_some());
}

#[test]
fn a_text_that_can_not_be_read_is_neither_missing_nor_room() {
    let bench = Bench::new();
    let mut drive = bench.ready();
    drive.keep_text(A0, Incarnation(0), "one").unwrap();
    bench.scribble(texts(A0), &[0; 4]);

    let outcome = drive.text(A0, Incarnation(0));
    assert!(matches!(outcome, Err(StoreError::Unreadable { .. })));

    drive.keep_text(A0, Incarnation(1), "two").unwrap();
    let text = drive.text(A0, Incarnation(1)).unwrap();
    assert_eq!(text.as_deref(), Some("two"));
}

#[test]
fn a_disk_that_was_replaced_removed_emptied_or_cut_is_lost() {
    type Harm = fn(&Bench);
    let harms: [Harm; 6] = [
        |bench| fs::remove_file(bench.path()).unwrap(),
        |bench| {
            // The same bytes, but not the same disk: it may be older.
            fs::copy(bench.path(), bench.folder.path().join("copy")).unwrap();
            fs::rename(bench.folder.path().join("copy"), bench.path()).unwrap();
        },
        |bench| fs::write(bench.path(), "").unwrap(),
        |bench| bench.scribble(0, &[0; SECTOR]),
        |bench| bench.scribble(0, &[0; 10]),
        |bench| {
            let file = fs::OpenOptions::new().write(true).open(bench.path());
            file.unwrap().set_len(SECTOR as u64 + 100).unwrap();
        },
    ];
    for (number, harm) in harms.iter().enumerate() {
        let bench = Bench::new();
        let mut drive = bench.ready();

        harm(&bench);

        assert!(is_lost(&drive.read(A0)), "{number}");
        assert!(is_lost(&drive.starts()), "{number}");
        assert!(
            is_lost(&drive.mark_start(A0, Incarnation(0), 1)),
            "{number}"
        );
        assert!(
            is_lost(&drive.write(A0, version(0, 1), block(1))),
            "{number}"
        );
        assert!(
            is_lost(&drive.keep_text(A0, Incarnation(0), "")),
            "{number}"
        );
        assert!(is_lost(&drive.text(A0, Incarnation(0))), "{number}");
    }
}

#[test]
fn a_disk_of_another_system_is_lost_and_says_whose_it_is() {
    let bench = Bench::new();
    bench.ready();
    let mut other = bench.drive(Some(&system("other")));

    assert!(is_lost(&other.set_up(&system("other"))));
    let error = other.read(A0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "d is not the store it was: it says \"bivalent 2: c of 3 agents, store 2 of 3, quorum 2, system \
         0000000000000000\""
    );
    let found = bench.drive(None).charter().unwrap();
    assert_eq!(found, Some(system("c")));
}

#[test]
fn what_is_not_ours_is_left_as_it_is() {
    for (at, thing) in [(0, &b"a thesis"[..]), (3 * SECTOR, &[7; SECTOR])] {
        let bench = Bench::new();
        let mut content = vec![0; at];
        content.extend_from_slice(thing);
        fs::write(bench.path(), &content).unwrap();

        let refused = bench.drive(None).set_up(&system("c")).unwrap_err();

        assert!(
            refused.to_string().contains("is left as it is"),
            "{refused}"
        );
        assert_eq!(fs::read(bench.path()).unwrap(), content);
    }
}

#[test]
fn a_blank_file_is_set_up_and_what_was_set_up_is_kept() {
    let bench = Bench::new();
    fs::write(bench.path(), [0; 2 * SECTOR]).unwrap();
    assert_eq!(bench.drive(None).charter().unwrap(), None);
    assert_eq!(bench.drive(None).starts().unwrap(), []);

    let mut drive = bench.ready();
    drive.write(A0, version(0, 1), block(1)).unwrap();
    bench.ready();

    assert_eq!(drive.read(A0).unwrap().0, block(1));
}

#[test]
fn what_a_later_build_says_of_a_disk_is_kept_for_the_message() {
    let bench = Bench::new();
    bench.ready();
    let later = "bivalent 3: c\n";
    let content = DiskContent::Strange(later.into());
    let sector = map::encode(StoreId(1), DiskPlace::Identity, &content).unwrap();
    bench.scribble(0, &sector);

    let mut new = bench.drive(None);
    let reply = new.carry(ObjectOp::Get(ObjectName::Identity)).unwrap();
    assert_eq!(reply, ObjectReply::Unreadable);
    assert_eq!(new.strange.get().map(String::as_str), Some(later));

    let error = bench.drive(Some(&system("c"))).read(A0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "d is not the store it was: it says \"bivalent 3: c\""
    );
}

#[test]
fn a_missing_device_is_not_made() {
    let bench = Bench::new();
    let mut drive = bench.drive(None);
    drive.path = "/dev/bivalent-no-such-device".into();

    assert!(drive.charter().is_err());
    assert!(drive.set_up(&system("c")).is_err());
    assert!(!drive.path.exists());
}

#[test]
fn names_that_are_no_disk_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    let names = ["disk:", "", "disk://host/x", folder, "disk:/dev/null"];
    for name in names {
        let refused = Disk::open(name, StoreId(0), AGENTS).unwrap_err();
        assert!(refused.to_string().contains("can't be used as a disk"));
    }
    assert!(Disk::open("x", StoreId(0), 0).is_err());
    assert!(Disk::open("x", StoreId(0), 129).is_err());
    assert_eq!(path_of("disk:///x/y").unwrap(), Path::new("/x/y"));
    assert_eq!(path_of("disk:x").unwrap(), Path::new("x"));
}

#[tokio::test]
async fn operations_are_answered_in_order_and_one_that_is_not_waited_for_is_done_or_not() {
    let bench = Bench::new();
    let name = format!("disk:{}", bench.path().display());
    let disk = Disk::open(&name, StoreId(1), AGENTS).unwrap();
    bench.ready();
    let one = |op| async {
        let carried = disk.carry(vec![op]).await;
        carried.replies.into_iter().next().unwrap()
    };
    let put = |owner, version, block| {
        one(ObjectOp::Put {
            name: ObjectName::Version(owner, version),
            content: Content::Body(BlockBody { version, block }),
            only: If::Always,
        })
    };
    let get = |owner, version| one(ObjectOp::Get(ObjectName::Version(owner, version)));
    let stands = |reply: ObjectReply<_, _>| {
        if let ObjectReply::Found {
            content: Content::Body(BlockBody { block, .. }),
            ..
        } = reply
        {
            Some(block)
        } else {
            None
        }
    };

    let dropped = put(A1, version(0, 1), block(1));
    drop(dropped);
    let writes = (1..40).map(|count| put(A0, version(0, count), block(count)));
    for done in join_all(writes).await {
        assert_eq!(done.unwrap(), ObjectReply::Done(None));
    }

    let found = get(A0, version(0, 39)).await.unwrap();
    assert_eq!(stands(found), Some(block(39)));
    assert_eq!(
        get(A0, version(0, 38)).await.unwrap(),
        ObjectReply::Missing,
        "its place was taken"
    );
    let found = stands(get(A1, version(0, 1)).await.unwrap());
    assert!(found.is_none_or(|found| found == block(1)));
    let record = one(ObjectOp::Put {
        name: ObjectName::Record,
        content: Content::Body(BlockBody::default()),
        only: If::Absent,
    });
    assert_eq!(record.await.unwrap(), ObjectReply::Unsupported);
}
