//! Certificates: a finite witness that a run may go on for ever and never decide.
//!
//! A certificate is a way (the stem) and a cycle (the turn), as orders in which operations take effect.
//! If every agent is served on every store in each turn, nobody crashes, nothing is decided, and the
//! state after a turn is the one before it up to the names of ballots, then the turn can be taken for
//! ever: a fair run, without any failure, that never decides.

mod file;
mod walk;

use std::fmt;

use bivalent_core::{
    AgentId, Config, Envelope, Incarnation, Overwrite, SingleDecree, StoreId, Value,
};

use crate::{
    protocol::member::{Cast, Member, Role},
    scenario::{
        Scenario,
        plan::Plan,
        script::{Deed, Entry, Script},
    },
};

use walk::Walk;

pub use file::scripted;

/// What is wrong with a step, or with a turn as a whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flaw {
    /// The turn is empty.
    Empty,
    /// No such operation is in flight.
    NotInFlight,
    /// Somebody crashes or starts again.
    Crash,
    /// A new ballot goes below another: it could not do so in every turn.
    LowBallot,
    /// Somebody decides.
    Decision,
    /// An agent is never served by a store in the turn.
    NotServed(AgentId, StoreId),
    /// The turn does not lead back to its first state, whatever the names of ballots.
    NotClosed,
    /// An operation is never answered, however many turns are taken.
    NeverAnswered,
    /// A turn was closed, but what can happen next is not what it was: the comparison has missed
    /// something.
    OtherChoices,
}

/// Why a certificate is refused.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refused {
    /// What is wrong.
    pub flaw: Flaw,
    /// The step at fault, from 1, counting from the first of the stem, if it is one step's fault.
    pub step: Option<usize>,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "the turn is empty"),
            Self::NotInFlight => write!(f, "no such operation is in flight"),
            Self::Crash => write!(f, "somebody crashes or starts again"),
            Self::LowBallot => write!(f, "a new ballot goes below another"),
            Self::Decision => write!(f, "somebody decides"),
            Self::NotServed(agent, store) => write!(
                f,
                "{{a{}}} is never served by {{s{}}} in the turn",
                agent.0, store.0
            ),
            Self::NotClosed => write!(
                f,
                "the turn does not lead back to its first state, whatever the names of ballots"
            ),
            Self::NeverAnswered => write!(
                f,
                "an operation is in flight that no turn answers: the run is not fair to it"
            ),
            Self::OtherChoices => write!(
                f,
                "after some turns other operations are in flight than at first: the state only looked the same"
            ),
        }
    }
}

/// What a certificate that holds has shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Held {
    /// Steps that were unrolled with integers for ballots; nobody decided in any.
    pub steps: u64,
    /// Whole turns among them.
    pub turns: u64,
    /// The most steps that an operation waited for its answer, over all of them.
    pub longest_wait: u64,
    /// The fewest steps that an agent took.
    pub least_steps: u64,
    /// The greatest round that was begun.
    pub round: u64,
}

/// Checks a certificate for a scenario's system, and unrolls it for at least `unroll` steps.
///
/// # Errors
///
/// Refused: it is no certificate, for the reason given.
pub fn verify(scenario: &Scenario, certificate: &Script, unroll: u64) -> Result<Held, Refused> {
    let plan = Plan::new(scenario);
    let Script { stem, turn, .. } = certificate;
    let whole = |flaw| Refused { flaw, step: None };
    if turn.is_empty() {
        return Err(whole(Flaw::Empty));
    }
    for agent in 0..plan.agents as u16 {
        for store in 0..plan.stores as u8 {
            let (agent, store) = (AgentId(agent), StoreId(store));
            let serves = |entry: &Entry| {
                let on_store = matches!(entry.deed, Deed::Write | Deed::Read { .. });
                on_store && (entry.agent, entry.store) == (agent, store)
            };
            if !turn.iter().any(serves) {
                return Err(whole(Flaw::NotServed(agent, store)));
            }
        }
    }
    let agents = (0..plan.agents).map(|index| {
        let role = Role {
            cast: Cast::BuiltIn(plan.protocol),
            config: config(&plan, plan.envelope, index),
        };
        Member::begin(&role, Incarnation(0)).0
    });
    let conditional = plan.protocol.is_conditional();
    let mut walk = Walk::new(agents.collect(), plan.stores, conditional);
    take(&mut walk, stem, 0)?;
    let (first, enabled) = (walk.canonical(), walk.enabled());
    take(&mut walk, turn, stem.len())?;
    if walk.canonical() != first {
        return Err(whole(Flaw::NotClosed));
    }
    let mut turns = 1;
    let mut steps = (stem.len() + turn.len()) as u64;
    while steps < unroll {
        take(&mut walk, turn, stem.len())?;
        if walk.enabled() != enabled {
            return Err(whole(Flaw::OtherChoices));
        }
        turns += 1;
        steps += turn.len() as u64;
    }
    if walk.canonical() != first {
        return Err(whole(Flaw::NotClosed));
    }
    // In a state that comes back, what was not answered in two turns is the same thing, still waiting.
    if turns > 2 && walk.oldest() > 2 * turn.len() as u64 {
        return Err(whole(Flaw::NeverAnswered));
    }
    Ok(Held {
        steps,
        turns,
        longest_wait: walk.longest_wait,
        least_steps: walk.taken.iter().copied().min().unwrap_or(0),
        round: walk.round,
    })
}

fn config(plan: &Plan, envelope: Envelope, index: usize) -> Config {
    // A write of unknown fate is never overtaken: what is in flight is answered, not dropped.
    let (id, agents) = (AgentId(index as u16), plan.agents as u16);
    Config::new(
        id,
        agents,
        envelope,
        Overwrite::InPlace,
        Value(plan.inputs[index]),
    )
}

fn take(walk: &mut Walk, entries: &[Entry], before: usize) -> Result<(), Refused> {
    for (place, &entry) in entries.iter().enumerate() {
        walk.step(entry).map_err(|flaw| Refused {
            flaw,
            step: Some(before + place + 1),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn system(agents: usize, stores: usize) -> Scenario {
        let text = format!(
            "title = \"t\"\nsummary = \"s\"\n[cluster]\nagents = {agents}\nstores = {stores}\nblock = {{ size = \"64B\", format = \"raw\" }}\n"
        );
        Scenario::parse("t.toml", &text, &|_| unreachable!("no files")).unwrap()
    }

    /// `w12`: a1 writes on s2; `r112`: a1 reads on s1 the block of a2; `c21`: a2 crashes.
    fn entries(words: &str) -> Vec<Entry> {
        let entry = |word: &str| {
            let digit = |at: usize| word.as_bytes()[at] - b'1';
            let deed = match word.as_bytes()[0] {
                b'w' => Deed::Write,
                b'r' => Deed::Read {
                    owner: AgentId(digit(3).into()),
                },
                _ => Deed::Crash,
            };
            Entry {
                agent: AgentId(digit(1).into()),
                store: StoreId(digit(2)),
                deed,
                gap: None,
            }
        };
        words.split_whitespace().map(entry).collect()
    }

    fn verdict(stores: usize, stem: &str, turn: &str) -> Result<Held, Refused> {
        let certificate = Script {
            stem: entries(stem),
            turn: entries(turn),
            ..Script::default()
        };
        verify(&system(2, stores), &certificate, 10_000)
    }

    fn flaw(stores: usize, stem: &str, turn: &str) -> (Flaw, Option<usize>) {
        let refused = verdict(stores, stem, turn).unwrap_err();
        (refused.flaw, refused.step)
    }

    #[test]
    fn the_known_lasso_of_two_agents_on_one_store_holds() {
        let held = verdict(1, "w11 w21", "r112 w11 r211 w21").unwrap();

        assert_eq!((held.steps, held.turns), (10_002, 2500));
        assert_eq!((held.longest_wait, held.least_steps), (3, 5001));
        assert_eq!(held.round, 2 + 5000);
    }

    #[test]
    fn a_store_that_is_never_served_is_refused() {
        let only_the_first = flaw(2, "w11 w21", "r112 w11 r211 w21");

        assert_eq!(only_the_first.0, Flaw::NotServed(AgentId(0), StoreId(1)));
    }

    #[test]
    fn a_crash_is_refused() {
        assert_eq!(
            flaw(1, "w11 w21", "r112 w11 c21 w21"),
            (Flaw::Crash, Some(5))
        );
    }

    #[test]
    fn a_decision_is_refused() {
        // a2 never reads, so that nobody stops a1.
        let stem = "w11 r112 w11";
        assert_eq!(flaw(1, stem, "r112 w21"), (Flaw::Decision, Some(4)));
    }

    #[test]
    fn an_operation_that_is_not_in_flight_is_refused() {
        assert_eq!(flaw(1, "w11", "w11 w21"), (Flaw::NotInFlight, Some(2)));
    }

    #[test]
    fn a_turn_that_does_not_lead_back_is_refused() {
        // One agent is in its first attempt before, and in its second after.
        assert_eq!(flaw(1, "", "w11 w21 r112 w11").0, Flaw::NotClosed);
    }

    #[test]
    fn a_state_that_only_looks_the_same_without_a_vote_is_refused() {
        // In this turn a1 gets as far as a vote before a2 undoes its attempt. Phases, promises and what was
        // read come back; but at first a1 had no vote, and what its block says of one is what a2's next
        // phase 1 goes by.
        let turn = "r112 w11 r211 r112 w11 w21 r112 w11 r211 w21";
        assert_eq!(flaw(1, "w11 w21", turn).0, Flaw::NotClosed);
        let once = format!("w11 w21 {turn}");
        assert!(
            verdict(1, &once, turn).is_ok(),
            "then it has one every time"
        );
    }

    #[test]
    fn an_empty_turn_is_refused() {
        assert_eq!(flaw(1, "w11 w21", "").0, Flaw::Empty);
    }
}
