//! What stores hold after writes that get through in part, or out of turn.

use bivalent_core::{AgentId, Ballot, Incarnation, StoreId};

use super::*;

const PLACE: Place = Place {
    store: StoreId(0),
    owner: AgentId(0),
};

fn block(round: u64) -> Block {
    Block {
        mbal: Some(Ballot::new(round, PLACE.owner, Incarnation(0))),
        vote: None,
    }
}

fn versions() -> [Version; 2] {
    let first = Version::NEVER.next(Incarnation(0));
    [first, first.next(Incarnation(0))]
}

fn stores(format: Format) -> Stores {
    Stores::new(Layout::new(512, 64, format).unwrap(), 1, 1, 4)
}

#[test]
fn an_older_version_that_a_torn_write_lets_through_does_not_count_where_versions_have_keys() {
    let mut stores = stores(Format::Versioned);
    let [first, second] = versions();

    stores.write(PLACE, block(2), second, 1);
    stores.write_torn(PLACE, block(1), first, 2, |_| true);

    assert_eq!(stores.cell(PLACE).block, block(2));
}

#[test]
fn a_newer_version_that_a_torn_write_lets_through_counts() {
    let mut stores = stores(Format::Versioned);
    let [first, second] = versions();

    stores.write(PLACE, block(1), first, 1);
    stores.write_torn(PLACE, block(2), second, 2, |_| true);
    assert_eq!(stores.cell(PLACE).block, block(2));

    stores.write(PLACE, block(1), first, 3);
    assert_eq!(stores.cell(PLACE).block, block(2));
}
