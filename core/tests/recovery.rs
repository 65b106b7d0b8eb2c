//! Crash and recovery, sentence by sentence: phase 0 of the paper (Gafni and Lamport 2003, section 3).
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
const D3: StoreId = StoreId(2);
/// What an agent calls the reads of its recovery.
const OWN: BlockTag = BlockTag::Read {
    owner: A1,
    epoch: 1,
};
const NEW_INPUT: Value = Value(99);
const EMPTY: Block = Block {
    mbal: None,
    vote: None,
};

/// The second start of the first of two agents on three stores, and what it asks for.
fn restarted() -> (DiskPaxos, Vec<DecreeWant>) {
    let envelope = Envelope::majority(3).unwrap();
    let config = Config::new(A1, 2, envelope, Overwrite::InPlace, NEW_INPUT);
    DiskPaxos::begin(&config, Incarnation(1))
}

/// A ballot of the dead incarnation.
fn old(round: u64) -> Ballot {
    Ballot::new(round, A1, Incarnation(0))
}

fn block(mbal: Ballot, vote: Option<(Ballot, u64)>) -> Block {
    let vote = vote.map(|(bal, inp)| Vote {
        bal,
        inp: Value(inp),
    });
    Block {
        mbal: Some(mbal),
        vote,
    }
}

fn own(agent: &mut DiskPaxos, store: StoreId, block: Block, count: u64) -> Vec<DecreeWant> {
    let version = Version::new(Incarnation(0), count);
    let reply = BlockReply::Block { block, version };
    agent.step(DecreeEvent::Replied(store, OWN, reply))
}

fn unreadable(agent: &mut DiskPaxos, store: StoreId) -> Vec<DecreeWant> {
    agent.step(DecreeEvent::Replied(store, OWN, BlockReply::Unreadable))
}

fn start(agent: &mut DiskPaxos, round: u64) -> Vec<DecreeWant> {
    let ballot = Ballot::new(round, A1, agent.incarnation());
    agent.attempt(ballot)
}

/// What an agent says and sets that has recovered.
fn recovered(above: Option<Ballot>) -> [DecreeWant; 2] {
    [
        Want::Say(DecreeSaid::Recovered { above }),
        Want::Wake(DecreeTimer::Attempt, Pause::NONE),
    ]
}

fn asks_for_own(store: StoreId) -> DecreeWant {
    Want::Ask {
        store,
        tag: OWN,
        tries: 0,
        op: BlockOp::Read { owner: A1 },
    }
}

/// Where the agent writes, and with which version.
fn writes(wants: &[DecreeWant]) -> Vec<(StoreId, Version)> {
    let written = |want: &DecreeWant| match *want {
        Want::Ask {
            store,
            op: BlockOp::Write { version, .. },
            ..
        } => Some((store, version)),
        Want::Ask { .. } | Want::Wake(..) | Want::Say(_) => None,
    };
    wants.iter().filter_map(written).collect()
}

#[test]
fn a_restarted_agent_reads_its_own_blocks_and_writes_nothing() {
    let (agent, wants) = restarted();

    assert_eq!(wants, [D1, D2, D3].map(asks_for_own));
    assert_eq!(agent.phase(), Phase::Recovering);
    assert_eq!(agent.block(), EMPTY);
}

#[test]
fn recovery_ends_when_a_quorum_is_read_and_not_before() {
    let (mut agent, _) = restarted();
    assert_eq!(own(&mut agent, D1, block(old(3), None), 1), []);
    assert_eq!(own(&mut agent, D1, block(old(3), None), 1), [], "once");

    let wants = own(&mut agent, D2, block(old(2), None), 1);

    let above = Some(old(3));
    assert_eq!(wants, recovered(above));
    assert_eq!(agent.phase(), Phase::Waiting);
}

#[test]
fn recovery_takes_the_greatest_bal_and_stays_above_every_mbal() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, block(old(3), Some((old(3), 30))), 1);

    let wants = own(&mut agent, D2, block(old(7), Some((old(2), 20))), 1);

    let above = Some(old(7));
    assert_eq!(wants, recovered(above));
    assert_eq!(agent.block(), block(old(7), Some((old(3), 30))));
}

#[test]
#[should_panic(expected = "after")]
fn a_recovered_agent_refuses_a_ballot_below_one_it_read() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, EMPTY, 0);
    own(&mut agent, D2, block(old(7), None), 1);

    start(&mut agent, 6);
}

#[test]
fn an_input_that_differs_after_a_restart_does_not_replace_a_vote() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, block(old(3), Some((old(3), 30))), 1);
    own(&mut agent, D2, EMPTY, 0);

    pass_phase_one(&mut agent);

    assert_eq!(agent.block().vote.unwrap().inp, Value(30));
}

#[test]
fn an_input_that_differs_after_a_restart_is_proposed_if_there_is_no_vote() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, block(old(3), None), 1);
    own(&mut agent, D2, EMPTY, 0);

    pass_phase_one(&mut agent);

    assert_eq!(agent.block().vote.unwrap().inp, NEW_INPUT);
}

/// Completes phase 1 of round 9 on d1 and d2, where nobody else has been.
fn pass_phase_one(agent: &mut DiskPaxos) {
    start(agent, 9);
    let epoch = agent.epoch();
    for store in [D1, D2] {
        let write = BlockTag::Write { epoch, attempt: 0 };
        agent.step(DecreeEvent::Replied(store, write, BlockReply::Written));
        let read = BlockTag::Read { owner: A2, epoch };
        let (block, version) = (EMPTY, Version::default());
        let empty = BlockReply::Block { block, version };
        agent.step(DecreeEvent::Replied(store, read, empty));
    }
    assert_eq!(agent.phase(), Phase::Two);
}

#[test]
fn an_unreadable_own_block_is_not_an_empty_one() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, block(old(3), None), 1);

    let wants = unreadable(&mut agent, D2);

    let retry = DecreeTimer::Retry(D2, OWN);
    assert_eq!(wants, [Want::Wake(retry, Pause::Patience)]);
    assert_eq!(agent.phase(), Phase::Recovering);
}

#[test]
fn a_store_that_recovery_did_not_wait_for_opens_later() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, EMPTY, 0);
    own(&mut agent, D2, block(old(3), None), 4);
    let wants = start(&mut agent, 4);
    let one = Version::new(Incarnation(1), 1);
    let five = Version::new(Incarnation(1), 5);
    assert_eq!(writes(&wants), [(D1, one), (D2, five)], "d3 is closed");

    let wants = own(&mut agent, D3, block(old(8), None), 6);

    assert_eq!(writes(&wants), [(D3, Version::new(Incarnation(1), 7))]);
    assert_eq!(agent.block().mbal, Some(Ballot::new(4, A1, Incarnation(1))));
}

#[test]
fn a_read_that_would_open_a_store_is_asked_for_until_it_is_answered() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, EMPTY, 0);
    own(&mut agent, D2, EMPTY, 0);
    start(&mut agent, 1);

    let before = agent.step(DecreeEvent::TimedOut(D3, OWN));
    own(&mut agent, D3, EMPTY, 0);
    let after = agent.step(DecreeEvent::TimedOut(D3, OWN));

    assert_eq!((before, after), (vec![asks_for_own(D3)], vec![]));
}

#[test]
fn an_unreadable_own_block_may_be_written_over_with_a_newer_version() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, EMPTY, 0);
    own(&mut agent, D2, EMPTY, 0);
    start(&mut agent, 1);

    let wants = unreadable(&mut agent, D3);

    assert_eq!(writes(&wants), [(D3, Version::new(Incarnation(1), 1))]);
}

#[test]
fn a_block_that_is_readable_the_second_time_is_continued_from() {
    let (mut agent, _) = restarted();
    unreadable(&mut agent, D1);

    own(&mut agent, D1, block(old(3), None), 3);
    own(&mut agent, D2, EMPTY, 0);
    let wants = start(&mut agent, 4);

    // Version 1 would go to the slot of a dual block that holds version 3.
    let four = Version::new(Incarnation(1), 4);
    assert_eq!(writes(&wants)[0], (D1, four));
}

#[test]
fn a_torn_own_block_with_a_bal_above_its_mbal_raises_the_floor() {
    let (mut agent, _) = restarted();
    own(&mut agent, D1, block(old(3), Some((old(5), 30))), 1);

    let wants = own(&mut agent, D2, EMPTY, 0);

    let above = Some(old(5));
    assert_eq!(wants, recovered(above));
}
