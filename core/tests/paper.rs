//! One test per sentence of the paper's actions (Gafni and Lamport 2003, section 3).
#![cfg(test)]

use bivalent_core::{
    Agent, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Collector, Config, DecreeEvent,
    DecreeSaid, DecreeTimer, DecreeWant, DiskPaxos, Envelope, Event, Incarnation, Overwrite, Pause,
    Phase, SingleDecree, StoreId, Value, Version, Vote, Want,
};

const A1: AgentId = AgentId(0);
const A2: AgentId = AgentId(1);
const A3: AgentId = AgentId(2);
const D1: StoreId = StoreId(0);
const D2: StoreId = StoreId(1);
const D3: StoreId = StoreId(2);
const MINE: Value = Value(10);
const EMPTY: Block = Block {
    mbal: None,
    vote: None,
};

/// Three agents on three stores that hold no write back.
fn config() -> Config {
    let envelope = Envelope::majority(3).unwrap();
    Config::new(A1, 3, envelope, Overwrite::Versioned, MINE)
}

fn ballot(round: u64, agent: AgentId) -> Ballot {
    Ballot::new(round, agent, Incarnation(0))
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

fn fresh() -> DiskPaxos {
    DiskPaxos::begin(&config(), Incarnation(0)).0
}

/// An agent in phase 1 of its ballot in `round`.
fn in_phase_one(round: u64) -> DiskPaxos {
    let mut agent = fresh();
    start(&mut agent, round);
    agent
}

/// An agent that has met nobody and voted for its own input in `round`.
fn in_phase_two(round: u64) -> DiskPaxos {
    let mut agent = in_phase_one(round);
    complete(&mut agent, D1);
    complete(&mut agent, D2);
    assert_eq!(agent.phase(), Phase::Two);
    agent
}

fn start(agent: &mut DiskPaxos, round: u64) -> Vec<DecreeWant> {
    let ballot = Ballot::new(round, A1, agent.incarnation());
    agent.attempt(ballot)
}

fn wrote(agent: &mut DiskPaxos, store: StoreId) -> Vec<DecreeWant> {
    answer_write(agent, store, agent.epoch())
}

fn answer_write(agent: &mut DiskPaxos, store: StoreId, epoch: u32) -> Vec<DecreeWant> {
    let tag = BlockTag::Write { epoch, attempt: 0 };
    agent.step(DecreeEvent::Replied(store, tag, BlockReply::Written))
}

fn read(agent: &mut DiskPaxos, store: StoreId, owner: AgentId, block: Block) -> Vec<DecreeWant> {
    let epoch = agent.epoch();
    let version = Version::default();
    agent.step(DecreeEvent::Replied(
        store,
        BlockTag::Read { owner, epoch },
        BlockReply::Block { block, version },
    ))
}

/// Writes to `store`, then reads there that nobody else has been there.
fn complete(agent: &mut DiskPaxos, store: StoreId) -> Vec<DecreeWant> {
    wrote(agent, store);
    read(agent, store, A2, EMPTY);
    read(agent, store, A3, EMPTY)
}

fn written_block(wants: &[DecreeWant]) -> Option<Block> {
    wants.iter().find_map(|want| match want {
        Want::Ask {
            op: BlockOp::Write { block, .. },
            ..
        } => Some(*block),
        Want::Ask { .. } | Want::Wake(..) | Want::Say(_) => None,
    })
}

/// What an agent says and sets that gives up an attempt.
fn preempted(above: Option<Ballot>) -> [DecreeWant; 2] {
    [
        Want::Say(DecreeSaid::Preempted { above }),
        Want::Wake(DecreeTimer::Attempt, Pause::Backoff),
    ]
}

// StartBallot(p, b)

#[test]
fn a_start_writes_the_new_ballot_to_every_store() {
    let mut agent = fresh();

    let wants = start(&mut agent, 4);

    let expected = [D1, D2, D3].map(|store| Want::Ask {
        store,
        tag: BlockTag::Write {
            epoch: 1,
            attempt: 0,
        },
        tries: 0,
        op: BlockOp::Write {
            version: Version::new(Incarnation(0), 1),
            block: block(ballot(4, A1), None),
        },
    });
    assert_eq!(wants, expected);
    assert_eq!(agent.phase(), Phase::One);
}

#[test]
fn a_start_keeps_bal_and_inp() {
    let mut agent = in_phase_two(1);
    wrote(&mut agent, D1);
    read(&mut agent, D1, A2, block(ballot(2, A2), None));

    start(&mut agent, 3);

    let kept = block(ballot(3, A1), Some((ballot(1, A1), MINE.0)));
    assert_eq!(agent.block(), kept);
}

#[test]
fn a_start_forgets_what_was_written_and_read() {
    let mut agent = in_phase_one(1);
    wrote(&mut agent, D1);
    read(&mut agent, D1, A3, EMPTY);
    read(&mut agent, D1, A2, block(ballot(2, A2), None));

    start(&mut agent, 3);

    assert_eq!((agent.written(), agent.seen(D1)), (0, 0));
}

#[test]
#[should_panic(expected = "after")]
fn a_ballot_that_is_not_above_the_last_one_is_refused() {
    let mut agent = in_phase_one(5);
    wrote(&mut agent, D1);
    read(&mut agent, D1, A2, block(ballot(6, A2), None));

    start(&mut agent, 5);
}

#[test]
#[should_panic(expected = "is not a ballot of")]
fn a_ballot_of_another_agent_is_refused() {
    let mut agent = fresh();

    agent.attempt(ballot(1, A2));
}

#[test]
fn a_ballot_is_not_started_at_will() {
    let mut agent = in_phase_one(1);
    let before = agent.clone();

    let wants = start(&mut agent, 2);

    assert_eq!((wants, agent), (vec![], before));
}

#[test]
fn an_attempt_asks_for_a_ballot_above_the_own_last_one_and_all_that_was_met() {
    for met in [2, 9] {
        let mut agent = in_phase_one(2);
        wrote(&mut agent, D1);
        read(&mut agent, D1, A2, block(ballot(met, A2), None));
        let mut asked = None;
        let mut port = Collector::new(|above| {
            asked = Some(above);
            None
        });

        agent.on(Event::Woke(DecreeTimer::Attempt), &mut port);

        assert_eq!(port.wants, [], "there is none: it waits");
        assert_eq!(asked, Some(Some(ballot(met, A2))));
        assert_eq!(agent.phase(), Phase::Waiting);
    }
}

// Phase1or2Write(p, d) and Phase1or2Read(p, d, q)

#[test]
fn a_block_is_read_only_after_the_own_write_there() {
    let mut agent = in_phase_one(1);

    let wants = wrote(&mut agent, D2);

    let expected = [A2, A3].map(|owner| Want::Ask {
        store: D2,
        tag: BlockTag::Read { owner, epoch: 1 },
        tries: 0,
        op: BlockOp::Read { owner },
    });
    assert_eq!(wants, expected, "every block but the own one, there only");
}

#[test]
fn a_block_that_was_read_before_the_own_write_there_does_not_count() {
    let mut agent = in_phase_one(1);

    read(&mut agent, D1, A2, EMPTY);
    read(&mut agent, D1, A2, block(ballot(9, A2), None));

    assert_eq!(agent.seen(D1), 0);
    assert_eq!(agent.phase(), Phase::One);
}

#[test]
fn a_higher_ballot_on_any_store_aborts_phase_one() {
    let mut agent = in_phase_one(1);
    wrote(&mut agent, D3);
    let above = Some(ballot(1, A2));

    let wants = read(&mut agent, D3, A2, block(ballot(1, A2), None));

    assert_eq!(wants, preempted(above));
    assert_eq!(agent.phase(), Phase::Waiting);
}

#[test]
fn a_higher_ballot_on_any_store_aborts_phase_two() {
    let mut agent = in_phase_two(1);
    wrote(&mut agent, D3);
    let above = Some(ballot(7, A3));

    let wants = read(&mut agent, D3, A3, block(ballot(7, A3), None));

    assert_eq!(wants, preempted(above));
    assert_eq!(agent.phase(), Phase::Waiting);
}

#[test]
fn a_lower_ballot_aborts_nothing() {
    let mut agent = in_phase_one(2);
    wrote(&mut agent, D1);

    let wants = read(&mut agent, D1, A2, block(ballot(1, A2), None));

    assert_eq!(wants, []);
    assert_eq!(agent.seen(D1), A2.bit());
}

#[test]
fn an_aborted_ballot_asks_for_nothing_more() {
    let mut agent = in_phase_one(1);
    wrote(&mut agent, D1);
    let stale = agent.epoch();
    read(&mut agent, D1, A2, block(ballot(2, A2), None));

    let wants = answer_write(&mut agent, D2, stale);

    assert_eq!(wants, []);
}

#[test]
fn a_second_read_of_a_block_adds_to_the_first_and_does_not_replace_it() {
    let mut agent = in_phase_one(5);
    wrote(&mut agent, D1);
    read(
        &mut agent,
        D1,
        A2,
        block(ballot(2, A2), Some((ballot(2, A2), 20))),
    );

    read(&mut agent, D1, A2, EMPTY);
    read(&mut agent, D1, A3, EMPTY);
    complete(&mut agent, D2);

    assert_eq!(agent.block().vote.unwrap().inp, Value(20));
}

#[test]
fn a_second_read_of_a_block_can_still_abort() {
    let mut agent = in_phase_one(1);
    wrote(&mut agent, D1);
    read(&mut agent, D1, A2, EMPTY);

    read(&mut agent, D1, A2, block(ballot(2, A2), None));

    assert_eq!(agent.phase(), Phase::Waiting);
}

// EndPhase1or2(p): the quorum

#[test]
fn a_phase_ends_when_a_quorum_is_written_and_read_and_not_before() {
    let mut agent = in_phase_one(1);
    complete(&mut agent, D3);
    wrote(&mut agent, D1);
    wrote(&mut agent, D2);
    read(&mut agent, D1, A2, EMPTY);
    read(&mut agent, D2, A3, EMPTY);
    assert_eq!(agent.phase(), Phase::One, "d1 and d2 lack a block each");

    read(&mut agent, D1, A3, EMPTY);

    assert_eq!(agent.phase(), Phase::Two);
}

#[test]
fn a_store_that_answers_twice_counts_once() {
    let mut agent = in_phase_one(1);

    complete(&mut agent, D1);
    complete(&mut agent, D1);

    assert_eq!(agent.phase(), Phase::One);
}

#[test]
fn blocks_read_in_phase_one_do_not_count_in_phase_two() {
    let mut agent = in_phase_two(1);

    wrote(&mut agent, D1);
    wrote(&mut agent, D2);

    assert_eq!(agent.phase(), Phase::Two);
    assert_eq!((agent.seen(D1), agent.seen(D2)), (0, 0));
}

// EndPhase1(p): the value

#[test]
fn without_a_vote_the_own_input_is_proposed() {
    let mut agent = in_phase_one(3);
    complete(&mut agent, D1);

    let wants = complete(&mut agent, D3);

    let voted = block(ballot(3, A1), Some((ballot(3, A1), MINE.0)));
    assert_eq!(written_block(&wants), Some(voted));
}

#[test]
fn the_value_is_that_of_the_greatest_bal_and_not_of_the_greatest_mbal() {
    let mut agent = in_phase_one(9);
    wrote(&mut agent, D1);

    let low = block(ballot(8, A2), Some((ballot(1, A2), 20)));
    let high = block(ballot(5, A3), Some((ballot(4, A3), 30)));
    read(&mut agent, D1, A2, low);
    read(&mut agent, D1, A3, high);
    complete(&mut agent, D2);

    let voted = block(ballot(9, A1), Some((ballot(9, A1), 30)));
    assert_eq!(agent.block(), voted);
}

#[test]
fn an_own_vote_counts_like_any_other() {
    for (theirs, chosen) in [(1, MINE), (3, Value(20))] {
        let mut agent = in_phase_two(2);
        wrote(&mut agent, D1);
        read(&mut agent, D1, A2, block(ballot(4, A2), None));
        start(&mut agent, 5);

        for store in [D2, D3] {
            wrote(&mut agent, store);
            let vote = Some((ballot(theirs, A2), 20));
            read(&mut agent, store, A2, block(ballot(4, A2), vote));
            read(&mut agent, store, A3, EMPTY);
        }

        assert_eq!(agent.phase(), Phase::Two);
        assert_eq!(agent.block().vote.unwrap().inp, chosen);
    }
}

#[test]
fn a_vote_counts_even_from_a_store_that_is_not_read_to_the_end() {
    let mut agent = in_phase_one(5);
    wrote(&mut agent, D3);
    read(
        &mut agent,
        D3,
        A2,
        block(ballot(2, A2), Some((ballot(2, A2), 20))),
    );

    complete(&mut agent, D1);
    complete(&mut agent, D2);

    assert_eq!(agent.block().vote.unwrap().inp, Value(20));
}

// EndPhase2(p)

#[test]
fn phase_two_decides_its_vote() {
    let mut agent = in_phase_two(1);
    complete(&mut agent, D2);
    assert_eq!(agent.decision(), None);

    let wants = complete(&mut agent, D3);

    assert_eq!(wants, [Want::Say(DecreeSaid::Decided(MINE))]);
    assert_eq!(agent.decision(), Some(MINE));
}

#[test]
fn votes_that_phase_two_reads_do_not_change_its_value() {
    let mut agent = in_phase_two(5);
    wrote(&mut agent, D1);
    read(
        &mut agent,
        D1,
        A2,
        block(ballot(4, A2), Some((ballot(4, A2), 20))),
    );
    read(&mut agent, D1, A3, EMPTY);

    let wants = complete(&mut agent, D2);

    assert_eq!(wants, [Want::Say(DecreeSaid::Decided(MINE))]);
}

#[test]
fn an_agent_that_has_decided_says_nothing_more() {
    let mut agent = in_phase_two(1);
    complete(&mut agent, D1);
    complete(&mut agent, D2);
    let decided = agent.clone();

    let wants = read(&mut agent, D1, A2, block(ballot(9, A2), None));

    assert_eq!(wants, []);
    assert_eq!(agent, decided);
}
