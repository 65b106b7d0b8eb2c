//! What agents' heads may not take back: promises and floors, through restarts.
//!
//! Within an incarnation neither ever falls (`invariant-promise`, `invariant-floor`). A restarted agent reads
//! a quorum of stores before it writes a head. So what a quorum had taken by then it finds and must go on
//! saying; what fewer had taken it may miss, and that binds nobody: a ballot whose promise did not reach a
//! quorum has no votes, and votes below a floor that did not are still there
//! (`docs/decisions/0009-log-layout.md` has the proof).

use std::fmt::Debug;

use bivalent_core::{AgentId, Ballot, Head, Incarnation, SnapshotName, StateMachine, StoreId};

/// What a head binds its owner to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Vow {
    promise: Option<Ballot>,
    floor: Option<SnapshotName>,
}

impl Vow {
    fn max(self, other: Self) -> Self {
        Self {
            promise: self.promise.max(other.promise),
            floor: self.floor.max(other.floor),
        }
    }
}

/// One agent's vows.
#[derive(Clone, Debug)]
struct Owner {
    incarnation: Incarnation,
    /// The most that heads of this incarnation say.
    said: Vow,
    /// The most of it that each store has taken, or has said that it took.
    taken: Vec<Vow>,
    /// What a quorum had taken of an earlier incarnation when the next one began.
    owed: Vow,
}

/// The vows of a run.
#[derive(Clone, Debug)]
pub(super) struct Vows {
    quorum: usize,
    owners: Vec<Owner>,
}

impl Vows {
    pub(super) fn new(agents: usize, stores: usize, quorum: u8) -> Self {
        let owner = Owner {
            incarnation: Incarnation(0),
            said: Vow::default(),
            taken: vec![Vow::default(); stores],
            owed: Vow::default(),
        };
        Self {
            quorum: usize::from(quorum),
            owners: vec![owner; agents],
        }
    }

    pub(super) fn reset(&mut self) {
        for owner in &mut self.owners {
            owner.incarnation = Incarnation(0);
            owner.said = Vow::default();
            owner.owed = Vow::default();
            owner.taken.fill(Vow::default());
        }
    }

    /// An agent begins again and reads what it may have promised.
    pub(super) fn restarted(&mut self, agent: AgentId, incarnation: Incarnation) {
        let owner = &mut self.owners[agent.index()];
        let mut promises: Vec<_> = owner.taken.iter().map(|vow| vow.promise).collect();
        let mut floors: Vec<_> = owner.taken.iter().map(|vow| vow.floor).collect();
        promises.sort_unstable();
        floors.sort_unstable();
        // So many stores have at least this.
        let at = owner.taken.len() - self.quorum;
        owner.owed = owner.owed.max(Vow {
            promise: promises[at],
            floor: floors[at],
        });
        owner.incarnation = incarnation;
        owner.said = Vow::default();
        owner.taken.fill(Vow::default());
    }

    /// A store has a head, or says so.
    pub(super) fn taken<M: StateMachine>(
        &mut self,
        agent: AgentId,
        incarnation: Incarnation,
        store: StoreId,
        head: &Head<M>,
    ) {
        let owner = &mut self.owners[agent.index()];
        // One of a dead incarnation may come after the next one has looked.
        if owner.incarnation == incarnation {
            let taken = &mut owner.taken[store.index()];
            *taken = taken.max(vow(head));
        }
    }

    /// An agent writes a head; says which properties that breaks, and how.
    pub(super) fn said<M: StateMachine>(
        &mut self,
        agent: AgentId,
        head: &Head<M>,
    ) -> [Option<(&'static str, String)>; 2] {
        let owner = &mut self.owners[agent.index()];
        let (now, bound) = (vow(head), owner.said.max(owner.owed));
        owner.said = owner.said.max(now);
        let promise = (now.promise < bound.promise).then(|| {
            let (before, after) = (bound.promise, now.promise);
            let detail = fall(agent, "promise", before, after, owner.owed.promise);
            ("invariant-promise", detail)
        });
        let floor = (now.floor < bound.floor).then(|| {
            let (before, after) = (bound.floor, now.floor);
            let detail = fall(agent, "floor", before, after, owner.owed.floor);
            ("invariant-floor", detail)
        });
        [promise, floor]
    }
}

fn vow<M: StateMachine>(head: &Head<M>) -> Vow {
    Vow {
        promise: head.mbal,
        floor: head.floor,
    }
}

fn fall<T: Copy + Debug + PartialEq>(
    agent: AgentId,
    what: &str,
    before: Option<T>,
    after: Option<T>,
    owed: Option<T>,
) -> String {
    let spell = |it: Option<T>| it.map_or_else(|| "none".to_owned(), |it| format!("{it:?}"));
    let since = if before == owed {
        ", though a quorum had it before the restart"
    } else {
        ""
    };
    let (before, after) = (spell(before), spell(after));
    format!(
        "{{a{}}}'s {what} falls from {before} to {after}{since}",
        agent.0
    )
}

#[cfg(test)]
mod tests {
    use bivalent_core::{Kv, Slot};

    use super::*;

    const ME: AgentId = AgentId(1);

    /// A head that promises the ballot of a round, and has a floor.
    fn head(round: u64, floor: u64) -> Head<Kv<char, u8>> {
        let name = |slot| SnapshotName {
            slot: Slot(slot),
            agent: ME,
            incarnation: Incarnation(0),
        };
        Head {
            mbal: (round > 0).then(|| Ballot::new(round, ME, Incarnation(0))),
            beat: 0,
            decided: Slot(0),
            floor: (floor > 0).then(|| name(floor)),
            requests: [].into(),
        }
    }

    /// Four stores, three of them a quorum; the first incarnation's head with round 5 and floor 8 comes to
    /// so many of them.
    fn on(stores: u8) -> Vows {
        let mut vows = Vows::new(3, 4, 3);
        assert_eq!(broken(&mut vows, 5, 8), [""; 0]);
        for store in 0..stores {
            vows.taken(ME, Incarnation(0), StoreId(store), &head(5, 8));
        }
        vows
    }

    fn broken(vows: &mut Vows, round: u64, floor: u64) -> Vec<&'static str> {
        let broken = vows.said(ME, &head(round, floor)).into_iter().flatten();
        broken.map(|(property, _)| property).collect()
    }

    #[test]
    fn while_an_agent_lives_nothing_falls_wherever_it_has_come_to() {
        assert_eq!(broken(&mut on(0), 4, 8), ["invariant-promise"]);
        assert_eq!(broken(&mut on(0), 5, 7), ["invariant-floor"]);
        assert_eq!(broken(&mut on(0), 6, 9), [""; 0]);
    }

    #[test]
    fn what_a_quorum_had_holds_after_every_restart() {
        let mut vows = on(3);
        vows.restarted(ME, Incarnation(1));
        assert_eq!(broken(&mut vows, 5, 8), [""; 0]);
        vows.restarted(ME, Incarnation(2));

        assert_eq!(
            broken(&mut vows, 0, 0),
            ["invariant-promise", "invariant-floor"]
        );
    }

    #[test]
    fn what_fewer_had_may_be_missed() {
        let mut vows = on(2);
        vows.restarted(ME, Incarnation(1));

        assert_eq!(broken(&mut vows, 3, 7), [""; 0]);
    }

    #[test]
    fn what_comes_after_the_restart_may_be_missed() {
        let mut vows = on(2);
        vows.restarted(ME, Incarnation(1));
        vows.taken(ME, Incarnation(0), StoreId(2), &head(5, 8));

        assert_eq!(broken(&mut vows, 3, 7), [""; 0]);
        vows.restarted(ME, Incarnation(2));
        assert_eq!(broken(&mut vows, 2, 6), [""; 0]);
    }

    #[test]
    fn a_fall_is_told_with_what_it_is_held_against() {
        let mut vows = on(4);
        vows.restarted(ME, Incarnation(1));
        let [promise, _] = vows.said(ME, &head(0, 8));

        assert_eq!(
            promise.unwrap().1,
            "{a1}'s promise falls from 5.a2 to none, though a quorum had it before the restart"
        );
    }
}
