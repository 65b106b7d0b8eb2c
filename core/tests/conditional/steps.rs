//! Single steps of the agents over conditional writes: what each answer leads to.

use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeEvent,
    DecreeSaid, DecreeTimer, DecreeWant, Envelope, Incarnation, Overwrite, Pause, Phase,
    PutIfAbsent, RECORD, SingleDecree, StoreId, Value, Version, Vote, Want,
};

const STORE: StoreId = StoreId(0);

fn config(stores: u8) -> Config {
    let envelope = Envelope::majority(stores).unwrap();
    Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7))
}

fn ballot(round: u64, agent: u16) -> Ballot {
    Ballot::new(round, AgentId(agent), Incarnation(0))
}

fn version(count: u64) -> Version {
    Version::new(Incarnation(0), count)
}

fn record(mbal: Ballot, vote: Option<Vote>) -> Block {
    let mbal = Some(mbal);
    Block { mbal, vote }
}

/// The record of the store as the answer to a read in this epoch.
fn read(epoch: u32, block: Block, count: u64) -> DecreeEvent {
    let version = version(count);
    DecreeEvent::Replied(
        STORE,
        record_in(epoch),
        BlockReply::Block { block, version },
    )
}

/// What an agent calls its read of the record.
const fn record_in(epoch: u32) -> BlockTag {
    let owner = RECORD;
    BlockTag::Read { owner, epoch }
}

fn wrote(epoch: u32, attempt: u8) -> DecreeEvent {
    let tag = BlockTag::Write { epoch, attempt };
    DecreeEvent::Replied(STORE, tag, BlockReply::Written)
}

fn refused(epoch: u32, attempt: u8) -> DecreeEvent {
    let tag = BlockTag::Write { epoch, attempt };
    DecreeEvent::Replied(STORE, tag, BlockReply::Refused)
}

fn silent(epoch: u32, attempt: u8) -> DecreeEvent {
    DecreeEvent::TimedOut(STORE, BlockTag::Write { epoch, attempt })
}

fn asks_again(epoch: u32) -> [DecreeWant; 1] {
    [Want::Ask {
        store: STORE,
        tag: record_in(epoch),
        tries: 0,
        op: BlockOp::Read { owner: RECORD },
    }]
}

/// What an agent says and sets that gives up an attempt.
fn preempted(above: Option<Ballot>) -> [DecreeWant; 2] {
    [
        Want::Say(DecreeSaid::Preempted { above }),
        Want::Wake(DecreeTimer::Attempt, Pause::Backoff),
    ]
}

fn decided(value: Value) -> [DecreeWant; 1] {
    [Want::Say(DecreeSaid::Decided(value))]
}

/// The one write that is asked for: its attempt, the condition's count, and the block.
fn put(wants: &[DecreeWant]) -> (u8, u64, Block) {
    let [
        Want::Ask {
            tag: BlockTag::Write { attempt, .. },
            op:
                BlockOp::Swap {
                    expect,
                    version,
                    block,
                },
            ..
        },
    ] = *wants
    else {
        panic!("no write alone: {wants:?}");
    };
    assert_eq!(version.count(), expect.count() + 1);
    (attempt, expect.count(), block)
}

fn started() -> AcceptorRecords {
    let mut agent = AcceptorRecords::begin(&config(1), Incarnation(0)).0;
    let start = ballot(2, 0);
    assert_eq!(agent.attempt(start), asks_again(1));
    agent
}

#[test]
fn a_promise_keeps_the_vote_and_the_vote_takes_its_value() {
    let mut agent = started();
    let (bal, inp) = (ballot(1, 1), Value(8));
    let old = Some(Vote { bal, inp });

    let promise = agent.step(read(1, record(bal, old), 5));
    assert_eq!(put(&promise), (0, 5, record(ballot(2, 0), old)));

    let vote = agent.step(wrote(1, 0));
    let bal = ballot(2, 0);
    let new = record(bal, Some(Vote { bal, inp }));
    assert_eq!(put(&vote), (0, 6, new), "the version is known: no read");
    assert_eq!(agent.step(wrote(2, 0)), decided(inp));
}

#[test]
fn a_higher_promise_ends_the_attempt_in_either_phase() {
    let high = record(ballot(3, 1), None);
    let above = high.mbal;
    let mut early = started();
    let mut late = started();
    late.step(read(1, Block::default(), 0));
    late.step(wrote(1, 0));
    assert_eq!(late.step(refused(2, 0)), asks_again(2));

    assert_eq!(early.step(read(1, high, 4)), preempted(above));
    assert_eq!(late.step(read(2, high, 4)), preempted(above));
    assert_eq!(late.phase(), Phase::Waiting);
    assert_eq!(late.block().vote, None, "nothing is owed to an old vote");
}

#[test]
fn a_refusal_counts_for_nothing_until_the_record_says_so() {
    let mut agent = started();
    agent.step(read(1, Block::default(), 0));

    assert_eq!(agent.step(refused(1, 0)), asks_again(1));
    let lower = record(ballot(1, 1), None);
    let again = agent.step(read(1, lower, 1));

    assert_eq!(put(&again), (1, 1, record(ballot(2, 0), None)));
    assert_eq!(agent.step(refused(1, 0)), [], "answered before");
    assert_eq!(agent.step(wrote(1, 0)), [], "of an earlier write");
    assert_eq!(put(&agent.step(wrote(1, 1))).1, 2);
}

#[test]
fn a_write_of_unknown_fate_counts_where_it_stands_and_is_tried_again_where_it_does_not() {
    let mut agent = started();
    agent.step(read(1, Block::default(), 0));
    assert_eq!(agent.step(silent(1, 0)), asks_again(1));
    let vote = agent.step(read(1, record(ballot(2, 0), None), 1));
    let (attempt, count, block) = put(&vote);
    assert_eq!((attempt, count), (0, 1), "the promise stood");

    assert_eq!(agent.step(silent(2, 0)), asks_again(2));
    let again = agent.step(read(2, record(ballot(2, 0), None), 1));
    assert_eq!(put(&again), (1, 1, block), "the vote did not");

    assert_eq!(agent.step(silent(2, 1)), asks_again(2));
    assert_eq!(agent.step(read(2, block, 2)), decided(Value(7)));
}

#[test]
fn an_unreadable_record_is_not_an_empty_one() {
    let mut agent = started();
    let unreadable = DecreeEvent::Replied(STORE, record_in(1), BlockReply::Unreadable);
    let retry = DecreeTimer::Retry(STORE, record_in(1));
    let silence = DecreeEvent::TimedOut(STORE, record_in(1));

    let wants = agent.step(unreadable);

    assert_eq!(wants, [Want::Wake(retry, Pause::Patience)]);
    assert_eq!(agent.clone().step(silence), asks_again(1));
    assert_eq!(agent.step(DecreeEvent::Woke(retry)), asks_again(1));
    assert_eq!(agent.complete(), 0);
}

#[test]
fn a_write_that_never_succeeds_ends_the_attempt_and_not_the_agent() {
    let mut agent = started();
    let mut ended = None;
    for attempt in 0..u8::MAX {
        let wants = agent.step(read(1, Block::default(), 0));
        if wants == preempted(None) {
            ended = Some(attempt);
            break;
        }
        agent.step(refused(1, attempt));
    }

    assert!(ended.is_some_and(|attempt| attempt < 128), "{ended:?}");
    let start = ballot(3, 0);
    assert_eq!(agent.attempt(start).len(), 1);
}

#[test]
fn a_restarted_agent_asks_for_a_ballot_and_for_nothing_else() {
    let config = config(3);
    let (record, first) = AcceptorRecords::begin(&config, Incarnation(1));
    let (claim, second) = PutIfAbsent::begin(&config, Incarnation(1));

    let recovered = [
        Want::Say(DecreeSaid::Recovered { above: None }),
        Want::Wake(DecreeTimer::Attempt, Pause::NONE),
    ];
    assert_eq!((&first[..], &second[..]), (&recovered[..], &recovered[..]));
    assert_eq!(record.phase(), Phase::Waiting);
    assert_eq!(claim.phase(), Phase::Waiting);
}

fn claiming() -> PutIfAbsent {
    let mut agent = PutIfAbsent::begin(&config(1), Incarnation(0)).0;
    let start = ballot(1, 0);
    assert_eq!(put(&agent.attempt(start)).1, 0);
    agent
}

#[test]
fn who_is_refused_decides_what_stands_there() {
    let mut agent = claiming();
    assert_eq!(agent.step(refused(1, 0)), asks_again(1));

    let (bal, inp) = (ballot(1, 1), Value(8));
    let other = record(bal, Some(Vote { bal, inp }));

    assert_eq!(agent.step(read(1, other, 1)), decided(inp));
    assert_eq!(agent.decision(), Some(inp));
}

#[test]
fn an_empty_answer_after_a_refusal_is_old_and_counts_for_nothing() {
    let mut agent = claiming();
    agent.step(refused(1, 0));

    let again = agent.step(read(1, Block::default(), 0));

    assert_eq!(put(&again).0, 1);
    assert_eq!(agent.phase(), Phase::One);
}

#[test]
fn a_claim_whose_answer_is_lost_is_read_back_and_a_late_answer_still_counts() {
    let mut agent = claiming();
    assert_eq!(agent.step(silent(1, 0)), asks_again(1));
    let mut told = agent.clone();
    let mine = agent.block();

    assert_eq!(agent.step(read(1, mine, 1)), decided(Value(7)));
    assert_eq!(told.step(wrote(1, 0)), decided(Value(7)));
}
