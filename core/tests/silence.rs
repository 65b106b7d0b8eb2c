//! What an agent makes of silence, lateness and garbage: rules the paper needs and leaves to the stores.
#![cfg(test)]

use bivalent_core::{
    AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeEvent, DecreeSaid,
    DecreeTimer, DecreeWant, DiskPaxos, Envelope, Incarnation, Overwrite, Pause, Phase,
    SingleDecree, StoreId, Value, Version, Vote, Want,
};

const A1: AgentId = AgentId(0);
const A2: AgentId = AgentId(1);
const D1: StoreId = StoreId(0);
const D2: StoreId = StoreId(1);
const EMPTY: Block = Block {
    mbal: None,
    vote: None,
};

/// The first of two agents on three stores, in phase 1 of its ballot in round 1 (epoch 1).
fn in_phase_one(overwrite: Overwrite) -> DiskPaxos {
    let envelope = Envelope::majority(3).unwrap();
    let config = Config::new(A1, 2, envelope, overwrite, Value(10));
    let (mut agent, _) = DiskPaxos::begin(&config, Incarnation(0));
    start(&mut agent, 1);
    agent
}

/// The same agent in phase 1 of round 3 (epoch 3), with every write of round 1 unanswered but the
/// one to d1.
fn in_second_ballot(overwrite: Overwrite) -> (DiskPaxos, Vec<DecreeWant>) {
    let mut agent = in_phase_one(overwrite);
    wrote(&mut agent, D1, 1, 0);
    read(&mut agent, D1, 1, theirs(2));
    let wants = start(&mut agent, 3);
    assert_eq!((agent.phase(), agent.epoch()), (Phase::One, 3));
    (agent, wants)
}

fn theirs(round: u64) -> Block {
    Block {
        mbal: Some(Ballot::new(round, A2, Incarnation(0))),
        vote: None,
    }
}

fn start(agent: &mut DiskPaxos, round: u64) -> Vec<DecreeWant> {
    let ballot = Ballot::new(round, A1, Incarnation(0));
    agent.attempt(ballot)
}

fn wrote(agent: &mut DiskPaxos, store: StoreId, epoch: u32, attempt: u8) -> Vec<DecreeWant> {
    let tag = BlockTag::Write { epoch, attempt };
    agent.step(DecreeEvent::Replied(store, tag, BlockReply::Written))
}

fn read(agent: &mut DiskPaxos, store: StoreId, epoch: u32, block: Block) -> Vec<DecreeWant> {
    let version = Version::default();
    let reply = BlockReply::Block { block, version };
    agent.step(DecreeEvent::Replied(store, read_of(epoch), reply))
}

/// What the agent calls a read of the other one's block.
const fn read_of(epoch: u32) -> BlockTag {
    BlockTag::Read { owner: A2, epoch }
}

fn write_timed_out(
    agent: &mut DiskPaxos,
    store: StoreId,
    epoch: u32,
    attempt: u8,
) -> Vec<DecreeWant> {
    agent.step(DecreeEvent::TimedOut(
        store,
        BlockTag::Write { epoch, attempt },
    ))
}

/// Where the agent writes.
fn written_to(wants: &[DecreeWant]) -> Vec<StoreId> {
    let store = |want: &DecreeWant| match *want {
        Want::Ask {
            store,
            op: BlockOp::Write { .. },
            ..
        } => Some(store),
        Want::Ask { .. } | Want::Wake(..) | Want::Say(_) => None,
    };
    wants.iter().filter_map(store).collect()
}

#[test]
fn an_unreadable_block_is_not_an_empty_one() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);

    let wants = agent.step(DecreeEvent::Replied(D1, read_of(1), BlockReply::Unreadable));

    let retry = DecreeTimer::Retry(D1, read_of(1));
    assert_eq!(wants, [Want::Wake(retry, Pause::Patience)]);
    assert_eq!(agent.seen(D1), 0);
}

#[test]
fn an_unreadable_block_that_nobody_waits_for_is_not_asked_for_again() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    read(&mut agent, D1, 1, EMPTY);

    let wants = agent.step(DecreeEvent::Replied(D1, read_of(1), BlockReply::Unreadable));

    assert_eq!(wants, []);
}

#[test]
fn an_alarm_to_ask_again_is_taken_as_silence_is() {
    let mut woken = in_phase_one(Overwrite::InPlace);
    wrote(&mut woken, D1, 1, 0);
    let mut silent = woken.clone();

    let asked = woken.step(DecreeEvent::Woke(DecreeTimer::Retry(D1, read_of(1))));

    assert_eq!(asked, silent.step(DecreeEvent::TimedOut(D1, read_of(1))));
    assert_eq!(asked.len(), 1);
    assert_eq!(woken, silent);
}

#[test]
fn a_read_is_asked_for_until_it_is_answered() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    let silence = DecreeEvent::TimedOut(D1, read_of(1));

    let before = agent.step(silence);
    read(&mut agent, D1, 1, EMPTY);
    let after = agent.step(silence);

    let asked = Want::Ask {
        store: D1,
        tag: read_of(1),
        tries: 0,
        op: BlockOp::Read { owner: A2 },
    };
    assert_eq!((before, after), (vec![asked], vec![]));
}

#[test]
fn a_retry_writes_the_same_bytes_under_the_same_version() {
    let mut agent = in_phase_one(Overwrite::InPlace);

    let wants = write_timed_out(&mut agent, D2, 1, 0);

    let again = Want::Ask {
        store: D2,
        tag: BlockTag::Write {
            epoch: 1,
            attempt: 1,
        },
        tries: 1,
        op: BlockOp::Write {
            version: Version::new(Incarnation(0), 1),
            block: agent.block(),
        },
    };
    assert_eq!(wants, [again]);
}

#[test]
fn any_try_that_is_answered_counts_for_the_phase() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    write_timed_out(&mut agent, D2, 1, 0);

    wrote(&mut agent, D2, 1, 1);

    assert_eq!(agent.written(), D2.bit());
    assert_eq!(write_timed_out(&mut agent, D2, 1, 0), [], "it is written");
}

#[test]
fn an_unanswered_write_in_place_is_never_overtaken() {
    let (mut agent, wants) = in_second_ballot(Overwrite::InPlace);
    assert_eq!(written_to(&wants), [D1]);
    assert!(agent.unanswered(D2).is_some());

    let wants = wrote(&mut agent, D2, 1, 0);

    assert_eq!(written_to(&wants), [D2]);
    assert_eq!(agent.written(), 0, "the answer was to the old block");
}

#[test]
fn a_write_that_waits_dies_with_its_ballot() {
    let (mut agent, _) = in_second_ballot(Overwrite::InPlace);
    wrote(&mut agent, D1, 3, 0);
    read(&mut agent, D1, 3, theirs(4));
    assert_eq!(agent.phase(), Phase::Waiting);

    let wants = wrote(&mut agent, D2, 1, 0);

    assert_eq!(wants, []);
}

#[test]
fn two_answered_tries_of_one_write_read_once() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    write_timed_out(&mut agent, D2, 1, 0);
    wrote(&mut agent, D2, 1, 1);

    let wants = wrote(&mut agent, D2, 1, 0);

    assert_eq!(wants, []);
}

#[test]
fn an_unanswered_versioned_write_holds_nothing_back() {
    let (mut agent, wants) = in_second_ballot(Overwrite::Versioned);
    assert_eq!(written_to(&wants).len(), 3);

    let late = wrote(&mut agent, D2, 1, 0);

    assert_eq!(late, []);
    assert_eq!(agent.written(), 0, "the answer was to the old block");
}

#[test]
fn each_write_to_a_store_has_a_greater_version() {
    let (_, wants) = in_second_ballot(Overwrite::Versioned);

    for want in wants {
        let Want::Ask {
            op: BlockOp::Write { version, .. },
            ..
        } = want
        else {
            panic!("only writes are expected: {want:?}");
        };
        assert_eq!(version, Version::new(Incarnation(0), 2));
    }
}

#[test]
fn a_duplicate_answer_does_not_free_a_place() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    write_timed_out(&mut agent, D2, 1, 0);
    read(&mut agent, D1, 1, theirs(2));
    start(&mut agent, 3);

    let first = wrote(&mut agent, D2, 1, 1);
    let duplicate = wrote(&mut agent, D2, 1, 1);
    let last = wrote(&mut agent, D2, 1, 0);

    assert_eq!((first, duplicate), (vec![], vec![]), "one try is still out");
    assert_eq!(written_to(&last), [D2]);
}

#[test]
fn an_agent_retries_as_long_as_it_takes() {
    let mut agent = in_phase_one(Overwrite::Versioned);

    for attempt in 0..20 {
        let wants = write_timed_out(&mut agent, D2, 1, attempt);
        assert_eq!(written_to(&wants), [D2], "after attempt {attempt}");
    }
    wrote(&mut agent, D2, 1, 7);

    assert_eq!(agent.written(), D2.bit());
}

#[test]
fn a_place_with_more_tries_than_are_told_apart_is_never_free() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    for attempt in 0..8 {
        write_timed_out(&mut agent, D2, 1, attempt);
    }
    read(&mut agent, D1, 1, theirs(2));
    start(&mut agent, 3);

    for attempt in [0, 1, 2, 3, 4, 5, 6, 7, 7, 7] {
        let wants = wrote(&mut agent, D2, 1, attempt);
        assert_eq!(wants, [], "one with number 7 may still be out");
    }
}

#[test]
fn answers_to_an_aborted_phase_do_not_count() {
    let (mut agent, _) = in_second_ballot(Overwrite::Versioned);
    wrote(&mut agent, D1, 3, 0);

    let write = wrote(&mut agent, D2, 1, 0);
    let empty = read(&mut agent, D1, 1, EMPTY);
    let higher = read(&mut agent, D1, 1, theirs(9));

    assert_eq!((write, empty, higher), (vec![], vec![], vec![]));
    assert_eq!((agent.written(), agent.seen(D1)), (D1.bit(), 0));
}

#[test]
fn nothing_of_an_aborted_phase_is_asked_for_again() {
    let (mut agent, _) = in_second_ballot(Overwrite::InPlace);
    let read = agent.step(DecreeEvent::TimedOut(D1, read_of(1)));
    let write = write_timed_out(&mut agent, D2, 1, 0);

    assert_eq!((read, write), (vec![], vec![]));
}

#[test]
fn a_torn_block_with_a_bal_above_its_mbal_aborts_by_its_bal() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    let bal = Ballot::new(5, A2, Incarnation(0));
    let torn = Block {
        mbal: None,
        vote: Some(Vote {
            bal,
            inp: Value(20),
        }),
    };

    let wants = read(&mut agent, D1, 1, torn);

    let above = Some(bal);
    assert_eq!(wants[0], Want::Say(DecreeSaid::Preempted { above }));
}
