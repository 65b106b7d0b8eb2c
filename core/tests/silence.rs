//! What an agent makes of silence, lateness and garbage: rules the paper needs and leaves to the stores.
#![cfg(test)]

use bivalent_core::{
    AgentId, Ballot, Block, Config, DiskPaxos, Effect, Envelope, Incarnation, Input, Operation,
    Overwrite, Phase, StoreId, Value, Version, Vote,
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
    let mut agent = DiskPaxos::new(Config::new(A1, 2, envelope, overwrite, Value(10)));
    start(&mut agent, 1);
    agent
}

/// The same agent in phase 1 of round 3 (epoch 3), with every write of round 1 unanswered but the
/// one to d1.
fn in_second_ballot(overwrite: Overwrite) -> (DiskPaxos, Vec<Effect>) {
    let mut agent = in_phase_one(overwrite);
    wrote(&mut agent, D1, 1, 0);
    read(&mut agent, D1, 1, theirs(2));
    let effects = start(&mut agent, 3);
    assert_eq!((agent.phase(), agent.epoch()), (Phase::One, 3));
    (agent, effects)
}

fn theirs(round: u64) -> Block {
    Block {
        mbal: Some(Ballot::new(round, A2, Incarnation(0))),
        vote: None,
    }
}

fn start(agent: &mut DiskPaxos, round: u64) -> Vec<Effect> {
    let ballot = Ballot::new(round, A1, Incarnation(0));
    agent.step(Input::Start { ballot })
}

fn wrote(agent: &mut DiskPaxos, store: StoreId, epoch: u32, attempt: u8) -> Vec<Effect> {
    agent.step(Input::Wrote {
        store,
        epoch,
        attempt,
    })
}

fn read(agent: &mut DiskPaxos, store: StoreId, epoch: u32, block: Block) -> Vec<Effect> {
    agent.step(Input::Read {
        store,
        owner: A2,
        epoch,
        block,
        version: Version::default(),
    })
}

fn read_of(store: StoreId, epoch: u32) -> Operation {
    Operation::Read {
        store,
        owner: A2,
        epoch,
    }
}

fn write_timed_out(agent: &mut DiskPaxos, store: StoreId, epoch: u32, attempt: u8) -> Vec<Effect> {
    let operation = Operation::Write {
        store,
        epoch,
        attempt,
    };
    agent.step(Input::TimedOut { operation })
}

/// Where the effects write.
fn written_to(effects: &[Effect]) -> Vec<StoreId> {
    let store = |effect: &Effect| match *effect {
        Effect::Write { store, .. } => Some(store),
        Effect::Read { .. }
        | Effect::WriteIf { .. }
        | Effect::Retry { .. }
        | Effect::Abort { .. }
        | Effect::Decide(_) => None,
    };
    effects.iter().filter_map(store).collect()
}

#[test]
fn an_unreadable_block_is_not_an_empty_one() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);

    let effects = agent.step(Input::Unreadable {
        store: D1,
        owner: A2,
        epoch: 1,
    });

    let operation = read_of(D1, 1);
    assert_eq!(effects, [Effect::Retry { operation }]);
    assert_eq!(agent.seen(D1), 0);
}

#[test]
fn an_unreadable_block_that_nobody_waits_for_is_not_asked_for_again() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    read(&mut agent, D1, 1, EMPTY);

    let effects = agent.step(Input::Unreadable {
        store: D1,
        owner: A2,
        epoch: 1,
    });

    assert_eq!(effects, []);
}

#[test]
fn a_read_is_asked_for_until_it_is_answered() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    wrote(&mut agent, D1, 1, 0);
    let operation = read_of(D1, 1);

    let before = agent.step(Input::TimedOut { operation });
    read(&mut agent, D1, 1, EMPTY);
    let after = agent.step(Input::TimedOut { operation });

    let asked = Effect::Read {
        store: D1,
        owner: A2,
        epoch: 1,
    };
    assert_eq!((before, after), (vec![asked], vec![]));
}

#[test]
fn a_retry_writes_the_same_bytes_under_the_same_version() {
    let mut agent = in_phase_one(Overwrite::InPlace);

    let effects = write_timed_out(&mut agent, D2, 1, 0);

    let again = Effect::Write {
        store: D2,
        epoch: 1,
        attempt: 1,
        version: Version::new(Incarnation(0), 1),
        block: agent.block(),
    };
    assert_eq!(effects, [again]);
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
    let (mut agent, effects) = in_second_ballot(Overwrite::InPlace);
    assert_eq!(written_to(&effects), [D1]);
    assert!(agent.unanswered(D2).is_some());

    let effects = wrote(&mut agent, D2, 1, 0);

    assert_eq!(written_to(&effects), [D2]);
    assert_eq!(agent.written(), 0, "the answer was to the old block");
}

#[test]
fn a_write_that_waits_dies_with_its_ballot() {
    let (mut agent, _) = in_second_ballot(Overwrite::InPlace);
    wrote(&mut agent, D1, 3, 0);
    read(&mut agent, D1, 3, theirs(4));
    assert_eq!(agent.phase(), Phase::Waiting);

    let effects = wrote(&mut agent, D2, 1, 0);

    assert_eq!(effects, []);
}

#[test]
fn two_answered_tries_of_one_write_read_once() {
    let mut agent = in_phase_one(Overwrite::InPlace);
    write_timed_out(&mut agent, D2, 1, 0);
    wrote(&mut agent, D2, 1, 1);

    let effects = wrote(&mut agent, D2, 1, 0);

    assert_eq!(effects, []);
}

#[test]
fn an_unanswered_versioned_write_holds_nothing_back() {
    let (mut agent, effects) = in_second_ballot(Overwrite::Versioned);
    assert_eq!(written_to(&effects).len(), 3);

    let late = wrote(&mut agent, D2, 1, 0);

    assert_eq!(late, []);
    assert_eq!(agent.written(), 0, "the answer was to the old block");
}

#[test]
fn each_write_to_a_store_has_a_greater_version() {
    let (_, effects) = in_second_ballot(Overwrite::Versioned);

    for effect in effects {
        let Effect::Write { version, .. } = effect else {
            panic!("only writes are expected: {effect:?}");
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
        let effects = write_timed_out(&mut agent, D2, 1, attempt);
        assert_eq!(written_to(&effects), [D2], "after attempt {attempt}");
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
        let effects = wrote(&mut agent, D2, 1, attempt);
        assert_eq!(effects, [], "one with number 7 may still be out");
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
    let operation = read_of(D1, 1);

    let read = agent.step(Input::TimedOut { operation });
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

    let effects = read(&mut agent, D1, 1, torn);

    assert_eq!(effects, [Effect::Abort { above: Some(bal) }]);
}
