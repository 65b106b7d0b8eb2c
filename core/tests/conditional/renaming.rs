//! The agents over conditional writes up to renaming: equal futures, equal states.

use bivalent_core::{
    AcceptorRecords, AgentId, Ballot, Block, BlockReply, BlockTag, Config, DecreeEvent, DecreeSaid,
    DiskPaxos, Envelope, Explored, Incarnation, Overwrite, Phase, PutIfAbsent, RECORD, Renaming,
    SingleDecree, StoreId, Value, Version, Want,
};

/// Ballots move up by some rounds, versions lose their numbers.
struct Up(u64);

impl Renaming for Up {
    fn ballot(&self, ballot: Ballot) -> Ballot {
        let (agent, incarnation) = (ballot.agent(), ballot.incarnation());
        Ballot::new(ballot.round() + self.0, agent, incarnation)
    }

    fn version(&self, _: StoreId, _: Version) -> Version {
        Version::new(Incarnation(0), 9)
    }
}

const STORE: StoreId = StoreId(0);

fn ballot(round: u64, agent: u16) -> Ballot {
    Ballot::new(round, AgentId(agent), Incarnation(0))
}

fn config() -> Config {
    let envelope = Envelope::majority(1).unwrap();
    Config::new(AgentId(0), 2, envelope, Overwrite::InPlace, Value(7))
}

fn start(agent: &mut AcceptorRecords, round: u64) {
    agent.attempt(ballot(round, 0));
}

fn read(agent: &mut AcceptorRecords, mbal: Option<Ballot>, count: u64) {
    let block = Block { mbal, vote: None };
    let answer = record(agent.epoch(), block, count);
    let wants = agent.step(answer);
    let gives_up = matches!(
        wants[..],
        [Want::Say(DecreeSaid::Preempted { .. }), Want::Wake(..)]
    );
    assert!(wants.len() == 1 || gives_up, "{wants:?}");
}

/// The record as the answer to a read in this epoch.
fn record(epoch: u32, block: Block, count: u64) -> DecreeEvent {
    let (owner, version) = (RECORD, Version::new(Incarnation(0), count));
    let reply = BlockReply::Block { block, version };
    DecreeEvent::Replied(STORE, BlockTag::Read { owner, epoch }, reply)
}

/// The answer to the first write in this epoch.
fn write(epoch: u32, reply: BlockReply) -> DecreeEvent {
    DecreeEvent::Replied(STORE, BlockTag::Write { epoch, attempt: 0 }, reply)
}

#[test]
fn an_attempt_later_with_more_writes_is_the_same_state_renamed() {
    let mut agent = AcceptorRecords::begin(&config(), Incarnation(0)).0;
    start(&mut agent, 1);
    read(&mut agent, None, 0);
    let first = agent.clone();

    agent.step(write(agent.epoch(), BlockReply::Refused));
    read(&mut agent, Some(ballot(3, 1)), 1);
    assert_eq!(agent.phase(), Phase::Waiting);
    start(&mut agent, 5);
    read(&mut agent, Some(ballot(3, 1)), 1);

    assert_ne!(first, agent);
    assert_eq!(first.renamed(&Up(4)), agent.renamed(&Up(0)));
    assert_eq!(first.renamed(&Up(4)).epoch(), DiskPaxos::CURRENT);
}

#[test]
fn a_second_write_after_a_refusal_is_spelled_as_the_first() {
    let mut agent = AcceptorRecords::begin(&config(), Incarnation(0)).0;
    start(&mut agent, 2);
    read(&mut agent, Some(ballot(1, 1)), 1);
    let first = agent.renamed(&Up(0));

    agent.step(write(agent.epoch(), BlockReply::Refused));
    read(&mut agent, Some(ballot(1, 1)), 2);

    assert_eq!(agent.renamed(&Up(0)), first);
}

#[test]
fn a_renamed_agent_takes_the_renamed_steps() {
    let mut plain = AcceptorRecords::begin(&config(), Incarnation(0)).0;
    start(&mut plain, 2);
    let mut renamed = plain.renamed(&Up(3));

    read(&mut plain, Some(ballot(1, 1)), 4);
    read(&mut renamed, Some(ballot(4, 1)), 4);

    assert_eq!(plain.renamed(&Up(3)), renamed.renamed(&Up(0)));
}

#[test]
fn of_a_decided_agent_only_the_value_is_left() {
    let decided = |round| {
        let mut agent = AcceptorRecords::begin(&config(), Incarnation(0)).0;
        start(&mut agent, round);
        read(&mut agent, None, 0);
        for _ in 0..2 {
            agent.step(write(agent.epoch(), BlockReply::Written));
        }
        agent
    };
    let (one, other) = (decided(1), decided(6));

    assert_ne!(one, other);
    assert_eq!(one.renamed(&Up(0)), other.renamed(&Up(0)));
    assert_eq!(one.renamed(&Up(0)).decision(), Some(Value(7)));
    let mut ballots = 0;
    one.ballots(&mut |_| ballots += 1);
    assert_eq!(ballots, 0);
}

#[test]
fn every_ballot_of_a_state_is_said() {
    let mut agent = AcceptorRecords::begin(&config(), Incarnation(0)).0;
    start(&mut agent, 2);
    let vote = bivalent_core::Vote {
        bal: ballot(1, 1),
        inp: Value(8),
    };
    let block = Block {
        mbal: Some(vote.bal),
        vote: Some(vote),
    };
    agent.step(record(1, block, 2));

    let mut said = Vec::new();
    agent.ballots(&mut |ballot| said.push(ballot));

    assert_eq!(said, [ballot(2, 0), ballot(1, 1)]);
}

#[test]
fn a_claim_tried_again_is_spelled_as_the_first() {
    let mut agent = PutIfAbsent::begin(&config(), Incarnation(0)).0;
    agent.attempt(ballot(1, 0));
    let first = agent.renamed(&Up(0));

    agent.step(write(agent.epoch(), BlockReply::Refused));
    assert_ne!(agent.renamed(&Up(0)), first);
    agent.step(record(agent.epoch(), Block::default(), 0));

    assert_eq!(agent.renamed(&Up(0)), first);
}
