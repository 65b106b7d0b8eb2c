//! What an operation on an object asks of a disk, and what it makes of what is there.

use std::sync::Arc;

use bivalent_core::{
    AgentId, BlockBody, Content, DISK_TEXT_MAX, DISK_TEXTS, DiskContent, DiskLost, DiskNext,
    DiskOp, DiskPlace, DiskRefusal, DiskSector, DiskSize, Half, Incarnation, ObjectName, ObjectOp,
    ObjectReply, Version,
};

use crate::bench::{
    A0, A1, AGENTS, Bench, block, get_text, identity, list, put, put_block, put_start, put_text,
    set_up, version,
};

#[test]
fn a_write_looks_whose_disk_it_is_before_and_after_and_has_its_turn_between() {
    let mut bench = Bench::ready();

    let put = bench.carry(put_block(version(0, 1), block(1)));

    assert_eq!(put, Ok(ObjectReply::Done(None)));
    let (stands, size) = (DiskOp::Stands, DiskOp::Size);
    let identity = DiskOp::Read {
        from: DiskPlace::Identity,
        count: 1,
    };
    let area = DiskOp::Read {
        from: DiskPlace::Start(A1, Half::First),
        count: 4,
    };
    let body = BlockBody {
        version: version(0, 1),
        block: block(1),
    };
    let place = DiskPlace::Slot(A1, Half::Second);
    let write = DiskOp::Write(place, DiskContent::Slot(body));
    let look = [stands, size, identity];
    let mut wanted = vec![DiskOp::Open];
    wanted.extend(look.clone());
    wanted.extend([DiskOp::Turn, area, write]);
    wanted.extend(look);
    assert_eq!(bench.asked, wanted);
}

#[test]
fn a_write_that_goes_into_a_disk_that_was_moved_is_not_answered() {
    for what in [
        put_block(version(0, 1), block(1)),
        put_start(0, 1),
        put_text(0, "x"),
    ] {
        let mut bench = Bench::ready();
        let (mut task, mut next) = bench.begin(what);
        while let DiskNext::Ask(op) = &next {
            if matches!(op, DiskOp::Write(..)) {
                bench.disk.is_moved = true;
            }
            let reply = bench.disk.ask(op);
            next = task.step(reply);
        }
        assert_eq!(next, DiskNext::Refuse(DiskRefusal::Lost(DiskLost::Moved)));
    }
}

#[test]
fn a_start_is_made_once_and_none_below_it() {
    let mut bench = Bench::ready();
    let (done, refused) = (ObjectReply::Done(None), ObjectReply::ConditionFailed);

    assert_eq!(bench.carry(put_start(4, 1)), Ok(done.clone()));
    assert_eq!(bench.carry(put_start(4, 1)), Ok(done.clone()), "its own");
    assert_eq!(bench.carry(put_start(4, 2)), Ok(refused.clone()));
    assert_eq!(bench.carry(put_start(3, 1)), Ok(refused));
    assert_eq!(bench.carry(put_start(5, 2)), Ok(done));
    assert_eq!(bench.listed().0, Some(Incarnation(5)));
}

#[test]
fn a_start_bears_that_either_of_its_sectors_is_torn() {
    for torn in [Half::First, Half::Second] {
        let mut bench = Bench::ready();
        for start in 1..4 {
            bench.carry(put_start(start, 1)).unwrap();
            let whole = bench.disk.clone();
            let place = DiskPlace::Start(A1, torn);
            bench.disk.leave(place, DiskSector::Unreadable);

            assert_eq!(bench.listed().0, Some(Incarnation(start)));
            let again = bench.carry(put_start(start, 2));
            assert_eq!(again, Ok(ObjectReply::ConditionFailed));
            bench.disk = whole;
        }
    }
}

#[test]
fn a_disk_that_does_not_say_what_it_should_answers_nothing() {
    let says = |content| DiskSector::Holds(content);
    let other = identity(8);
    let strange = "bivalent 2".into();
    let disks = [
        (DiskSector::Blank, DiskLost::Blank),
        (DiskSector::Unreadable, DiskLost::Unreadable),
        (
            says(DiskContent::Identity(other.clone())),
            DiskLost::Other(other),
        ),
        (
            says(DiskContent::Strange(Arc::clone(&strange))),
            DiskLost::Strange(strange),
        ),
    ];
    for (sector, why) in disks {
        let mut bench = Bench::ready();
        bench.disk.leave(DiskPlace::Identity, sector);
        let lost = Err(DiskRefusal::Lost(why));
        for op in [
            ObjectOp::Get(ObjectName::Identity),
            ObjectOp::Get(ObjectName::Version(A1, version(0, 0))),
            get_text(0),
            list(),
            put_block(version(0, 1), block(1)),
            put_start(0, 1),
            put_text(0, "words"),
        ] {
            let before = bench.disk.clone();
            assert_eq!(bench.carry(op), lost);
            assert_eq!(bench.disk, before);
        }
    }
    let mut bench = Bench::new();
    bench.known = true;
    let nothing = Err(DiskRefusal::Lost(DiskLost::Nothing));
    assert_eq!(bench.carry(list()), nothing);
}

#[test]
fn an_earlier_start_writes_nothing_once_a_later_one_has_begun() {
    let fenced = Err(DiskRefusal::Fenced {
        agent: A1,
        by: Incarnation(1),
    });
    let mut bench = Bench::ready();
    bench.carry(put_start(1, 1)).unwrap();
    let before = bench.disk.clone();
    assert_eq!(bench.carry(put_block(version(0, 9), block(9))), fenced);
    assert_eq!(bench.disk, before);

    // The version alone says it, too.
    let mut bench = Bench::ready();
    bench.carry(put_block(version(1, 1), block(1))).unwrap();
    let before = bench.disk.clone();
    assert_eq!(bench.carry(put_block(version(0, 9), block(9))), fenced);
    assert_eq!(bench.disk, before);
}

#[test]
fn a_late_try_of_an_older_write_changes_nothing() {
    let mut bench = Bench::ready();
    for count in 1..=3 {
        bench
            .carry(put_block(version(0, count), block(count)))
            .unwrap();
    }
    let before = bench.disk.clone();

    let late = bench.carry(put_block(version(0, 1), block(1)));

    assert_eq!(late, Ok(ObjectReply::Done(None)));
    assert_eq!(bench.disk, before);
}

#[test]
fn only_a_blank_disk_is_set_up() {
    let whole = DiskSize {
        sectors: DiskPlace::count(AGENTS),
        ragged: false,
        fixed: true,
    };
    let torn = DiskSector::Unreadable;
    let last = DiskPlace::Text(A1, DISK_TEXTS - 1);
    for place in [DiskPlace::Identity, DiskPlace::Slot(A0, Half::Second), last] {
        let mut bench = Bench::new();
        (bench.disk.is_there, bench.disk.size) = (true, Some(whole));
        bench.disk.leave(place, torn.clone());
        let before = bench.disk.clone();

        assert_eq!(
            bench.carry(set_up()),
            Err(DiskRefusal::Foreign),
            "{place:?}"
        );
        assert_eq!(bench.disk, before);
    }

    for (size, end) in [
        (whole, Ok(ObjectReply::Done(None))),
        // A device has the size that it has.
        (
            DiskSize {
                sectors: 9,
                ..whole
            },
            Err(DiskRefusal::Lost(DiskLost::Ends)),
        ),
        // A file grows.
        (
            DiskSize {
                sectors: 9,
                fixed: false,
                ..whole
            },
            Ok(ObjectReply::Done(None)),
        ),
        (
            DiskSize {
                ragged: true,
                fixed: false,
                ..whole
            },
            Err(DiskRefusal::Foreign),
        ),
    ] {
        let mut bench = Bench::new();
        (bench.disk.is_there, bench.disk.size) = (true, Some(size));
        assert_eq!(bench.carry(set_up()), end, "{size:?}");
    }
}

#[test]
fn a_disk_of_another_system_is_not_set_up_again() {
    let mut bench = Bench::ready();
    let other = put(ObjectName::Identity, Content::Identity(identity(8)));
    let before = bench.disk.clone();

    bench.known = false;
    assert_eq!(
        bench.carry(other),
        Ok(ObjectReply::Done(None)),
        "it is set up"
    );
    assert_eq!(bench.disk, before, "and is what it was");
    let found = bench.carry(ObjectOp::Get(ObjectName::Identity));
    assert!(matches!(
        found,
        Ok(ObjectReply::Found { content: Content::Identity(found), .. }) if found == identity(7)
    ));
}

#[test]
fn a_disk_of_no_size_is_blank_and_less_than_a_sector_is_nothing_of_ours() {
    let mut bench = Bench::new();
    let get = || ObjectOp::Get(ObjectName::Identity);
    assert_eq!(bench.carry(get()), Ok(ObjectReply::Missing), "no file");
    bench.disk.is_there = true;
    assert_eq!(
        bench.carry(get()),
        Ok(ObjectReply::Missing),
        "an empty file"
    );
    let (names, more) = (Vec::new(), false);
    assert_eq!(bench.carry(list()), Ok(ObjectReply::Listed { names, more }));
    bench.disk.size = Some(DiskSize {
        sectors: 0,
        ragged: true,
        fixed: false,
    });
    assert_eq!(
        bench.carry(get()),
        Err(DiskRefusal::Foreign),
        "less than a sector"
    );
    bench.known = true;
    let lost = Err(DiskRefusal::Lost(DiskLost::Unreadable));
    assert_eq!(bench.carry(get()), lost);
}

#[test]
fn a_start_has_one_text_and_a_long_one_none() {
    let mut bench = Bench::ready();
    bench.carry(put_text(0, "one")).unwrap();
    bench.carry(put_text(0, "one")).unwrap();

    let other = Err(DiskRefusal::OtherText(Incarnation(0)));
    assert_eq!(bench.carry(put_text(0, "two")), other);

    let length = DISK_TEXT_MAX + 1;
    let long = bench.carry(put_text(1, &"x".repeat(length)));
    assert_eq!(long, Err(DiskRefusal::TooLong { length }));
    assert_eq!(bench.disk.holds(DiskPlace::Text(A1, 1)), DiskSector::Blank);
}

#[test]
fn a_text_that_can_not_be_read_is_neither_missing_nor_room() {
    let mut bench = Bench::ready();
    bench
        .disk
        .leave(DiskPlace::Text(A1, 0), DiskSector::Unreadable);

    bench.carry(put_text(0, "one")).unwrap();

    assert_eq!(
        bench.disk.holds(DiskPlace::Text(A1, 0)),
        DiskSector::Unreadable
    );
    assert!(matches!(
        bench.carry(get_text(0)),
        Ok(ObjectReply::Found { .. })
    ));
    let unreadable = Err(DiskRefusal::TextUnreadable(A1));
    assert_eq!(bench.carry(get_text(1)), unreadable);
}

#[test]
fn two_torn_sectors_of_a_pair_are_neither_a_block_nor_a_start() {
    let mut bench = Bench::ready();
    for half in [Half::First, Half::Second] {
        bench
            .disk
            .leave(DiskPlace::Start(A1, half), DiskSector::Unreadable);
        bench
            .disk
            .leave(DiskPlace::Slot(A1, half), DiskSector::Unreadable);
    }

    let (start, shown) = bench.listed();
    assert_eq!(start, None);
    assert!(Version::default() < shown && shown < version(1, 0));
    let get = bench.carry(ObjectOp::Get(ObjectName::Version(A1, shown)));
    assert_eq!(get, Err(DiskRefusal::BlockUnreadable(A1)));
    let unreadable = Err(DiskRefusal::StartsUnreadable(A1));
    assert_eq!(bench.carry(put_start(0, 1)), unreadable);
    assert_eq!(bench.carry(put_block(version(0, 1), block(1))), unreadable);
    bench.known = false;
    assert_eq!(bench.carry(list()), unreadable);
}

#[test]
fn an_agent_that_the_disk_has_no_area_for_has_no_objects_there() {
    let mut bench = Bench::ready();
    let agent = AgentId(AGENTS);
    let refused = Err(DiskRefusal::NoArea(agent));
    let of = |number| ObjectOp::Get(ObjectName::Text(agent, Incarnation(number)));

    assert_eq!(bench.carry(of(0)), refused);
    let get = ObjectOp::Get(ObjectName::Version(agent, version(0, 1)));
    assert_eq!(bench.carry(get), refused);
    let start = put(
        ObjectName::Start(agent, Incarnation(0)),
        Content::Start { nonce: 0 },
    );
    assert_eq!(bench.carry(start), refused);
}

#[test]
fn what_a_disk_does_not_keep_is_missing_or_unsupported_without_a_look() {
    let mut bench = Bench::ready();
    let deleted = bench.carry(ObjectOp::Delete(vec![ObjectName::Version(
        A1,
        version(0, 1),
    )]));
    assert_eq!(deleted, Ok(ObjectReply::Done(None)));
    let got = bench.carry(ObjectOp::Get(ObjectName::Record));
    assert_eq!(got, Ok(ObjectReply::Missing));
    let record = put(ObjectName::Record, Content::Body(BlockBody::default()));
    assert_eq!(bench.carry(record), Ok(ObjectReply::Unsupported));
    assert_eq!(bench.asked, []);
}
