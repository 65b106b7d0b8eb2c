//! Where an exploration begins: every agent has its first ballot, in agent order, nothing is written.

use bivalent_core::{AgentId, Ballot, Block, SingleDecree, Version, Want};

use super::{
    names::Names,
    part::{Image, Op, Part, Renamed, Seat},
    rules::Rules,
    stepper::Tables,
};

/// The numbers of the first state.
pub(super) fn initial(rules: &Rules, tables: &mut Tables) -> Vec<u32> {
    let owners = if rules.has_records() { 1 } else { rules.agents };
    let empty = Image {
        blocks: vec![Some(Block::default()); owners],
        version: Version::default(),
    };
    let mut parts: Vec<Part> = Vec::new();
    for index in 0..rules.agents as u16 {
        let id = AgentId(index);
        let mut agent = rules.fresh(id);
        let ballot = Rules::first_ballot(id);
        let mut ops = Vec::new();
        for want in agent.attempt(ballot) {
            if let Want::Ask { store, tag, op, .. } = want {
                ops.push(Op::asked(store, tag, op));
            }
        }
        parts.push(Part {
            seat: Seat::Up(agent),
            ops,
            said: None,
        });
    }
    let ballots: Vec<Ballot> = (0..rules.agents as u16)
        .map(|index| Rules::first_ballot(AgentId(index)))
        .collect();
    let records = vec![Version::default(); rules.stores];
    let names = Names {
        ranks: rules.ballots.is_none().then_some(&ballots[..]),
        records: rules.has_records().then_some(&records[..]),
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
