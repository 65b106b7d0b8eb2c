//! Where an exploration begins: every agent has its first ballot, in agent order, nothing is written.

use bivalent_core::{AgentId, Ballot, Block, Effect, Input};

use super::{
    names::Names,
    part::{Image, Op, Part, Renamed, Seat},
    rules::Rules,
    stepper::Tables,
};

/// The numbers of the first state.
pub(super) fn initial(rules: &Rules, tables: &mut Tables) -> Vec<u32> {
    let empty = Image {
        blocks: vec![Some(Block::default()); rules.agents],
    };
    let mut parts: Vec<Part> = Vec::new();
    for index in 0..rules.agents as u8 {
        let id = AgentId(index);
        let mut agent = rules.fresh(id);
        let ballot = rules.first_ballot(id);
        let mut ops = Vec::new();
        agent.on(Input::Start { ballot }, &mut |effect| match effect {
            Effect::Write {
                store,
                epoch,
                version,
                block,
                ..
            } => ops.push(Op::Write {
                store,
                epoch,
                version,
                block,
            }),
            Effect::Read { .. }
            | Effect::WriteIf { .. }
            | Effect::Retry { .. }
            | Effect::Abort { .. }
            | Effect::Decide(_) => unreachable!("an agent first writes"),
        });
        parts.push(Part {
            seat: Seat::Up(agent),
            ops,
            said: None,
        });
    }
    let ballots: Vec<Ballot> = (0..rules.agents as u8)
        .map(|index| rules.first_ballot(AgentId(index)))
        .collect();
    let names = if rules.ballots.is_some() {
        Names::Plain
    } else {
        Names::Ranks(&ballots)
    };
    let mut state: Vec<u32> = parts
        .iter()
        .map(|part| tables.parts.number(part.renamed(&names)))
        .collect();
    for _ in rules.store_ids() {
        state.push(tables.images.number(empty.clone()));
    }
    if rules.crashes > 0 {
        state.push(0);
    }
    state
}
