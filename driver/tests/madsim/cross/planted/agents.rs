//! Differences in the lives of agents: in what they did, and in what they were told and given.

use bivalent_core::{
    Ballot, Incarnation, Laid, LaidTag, ObjectOp, ObjectReply, Pause, Replica, StoreId,
};
use bivalent_driver::recording::{Life, Step, Told};

use super::{Hunt, disk_paxos, first_puts, places, records, replicas};
use crate::{
    cluster::Machine,
    cross::{
        recorded::{Lived, Recorded},
        replay::replay,
    },
};

/// What stands in the place of so many steps of a life from there on; nothing where it can't be planted.
type Plant<A> = fn(&Life<A>, usize) -> Option<(usize, Vec<Step<A>>)>;

/// The differences by name, each with whether it is sure to show: what an agent did is, of what it was told some never
/// mattered to it.
fn plants<A: Laid>() -> Vec<(&'static str, bool, Plant<A>)> {
    vec![
        ("an operation left out", true, left_out),
        ("an operation asked for twice", true, twice),
        ("an operation of another name", true, renamed),
        ("an operation on another store", true, elsewhere),
        ("another operation", true, replaced),
        ("another number of tries", true, tried),
        ("two things done in another order", true, done_swapped),
        ("an alarm that rings at another time", true, rings),
        ("an event left out", true, untold),
        ("an answer that is another one", false, answered),
        ("a time-out in the place of an answer", false, late),
        ("two events in another order", false, told_swapped),
        ("a number that is another one", false, drawn),
    ]
}

fn is_done<A: Laid>(step: &Step<A>) -> bool {
    match step {
        Step::Asked { .. } | Step::Waits { .. } | Step::Said(_) => true,
        Step::Told(_) | Step::Drew { .. } | Step::Ballot { .. } => false,
    }
}

/// The operation that is asked for there, to be changed.
fn asked<A: Laid>(life: &Life<A>, at: usize, change: fn(&mut Step<A>)) -> Option<Vec<Step<A>>> {
    let mut step = life.steps.get(at)?.clone();
    matches!(step, Step::Asked { .. }).then(|| {
        change(&mut step);
        vec![step]
    })
}

fn left_out<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    matches!(life.steps[at], Step::Asked { .. }).then(|| (1, Vec::new()))
}

fn twice<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let step = &life.steps[at];
    matches!(step, Step::Asked { .. }).then(|| (1, vec![step.clone(), step.clone()]))
}

fn renamed<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let step = asked(life, at, |step| {
        if let Step::Asked { tag, .. } = step {
            *tag = LaidTag {
                job: tag.job + 1,
                ..*tag
            };
        }
    });
    Some((1, step?))
}

fn elsewhere<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let step = asked(life, at, |step| {
        if let Step::Asked { store, .. } = step {
            *store = StoreId(store.0 ^ 1);
        }
    });
    Some((1, step?))
}

fn replaced<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let step = asked(life, at, |step| {
        if let Step::Asked { op, .. } = step {
            *op = ObjectOp::Delete(Vec::new());
        }
    });
    Some((1, step?))
}

fn tried<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let step = asked(life, at, |step| {
        if let Step::Asked { tries, .. } = step {
            *tries += 1;
        }
    });
    Some((1, step?))
}

fn done_swapped<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let (one, other) = (&life.steps[at], life.steps.get(at + 1)?);
    let fits = is_done(one) && is_done(other) && one != other;
    fits.then(|| (2, vec![other.clone(), one.clone()]))
}

fn rings<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let Step::Waits { timer, .. } = life.steps[at] else {
        return None;
    };
    let pause = Pause::Between { min: 1, max: 2 };
    Some((1, vec![Step::Waits { timer, pause }]))
}

/// One that something was done about.
fn untold<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let is_told = matches!(life.steps[at], Step::Told(_));
    let fits = is_told && is_done(life.steps.get(at + 1)?);
    fits.then(|| (1, Vec::new()))
}

fn answered<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let Step::Told(Told::Replied(store, tag, reply)) = &life.steps[at] else {
        return None;
    };
    let other = ObjectReply::Unreadable;
    (*reply != other).then(|| (1, vec![Step::Told(Told::Replied(*store, *tag, other))]))
}

fn late<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let Step::Told(Told::Replied(store, tag, _)) = life.steps[at] else {
        return None;
    };
    Some((1, vec![Step::Told(Told::TimedOut(store, tag))]))
}

/// With the next one; what was done about each stays where it is.
fn told_swapped<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let is_told = |step: &Step<A>| matches!(step, Step::Told(_));
    let rest = &life.steps[at..];
    let next = rest.iter().skip(1).position(is_told)? + 1;
    let fits = is_told(&rest[0]) && rest[0] != rest[next];
    fits.then(|| {
        let mut swapped = rest[..=next].to_vec();
        swapped.swap(0, next);
        (next + 1, swapped)
    })
}

fn drawn<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let Step::Drew { below, number } = life.steps[at] else {
        return None;
    };
    let number = if number == 0 { below - 1 } else { number - 1 };
    (below > 1).then(|| (1, vec![Step::Drew { below, number }]))
}

/// Which are not put to every protocol: agents of put-if-absent begin one ballot at most.
fn another_ballot<A: Laid>(life: &Life<A>, at: usize) -> Option<(usize, Vec<Step<A>>)> {
    let Step::Ballot { above, given } = life.steps[at] else {
        return None;
    };
    let next = Ballot::next(given, life.setup.me, Incarnation(0));
    Some((1, vec![Step::Ballot { above, given: next }]))
}

/// Plants differences of one kind in all lives, one at a time. None may be found before it is there.
fn plant<A: Laid>(runs: &[Recorded<A>], plant: Plant<A>) -> Hunt {
    let mut hunt = Hunt::default();
    let lives = runs.iter().flat_map(|run| &run.lives);
    for Lived { life, .. } in lives {
        for at in places(life.steps.len(), |at| plant(life, at).is_some()) {
            let Some((count, steps)) = plant(life, at) else {
                continue;
            };
            let mut other = life.clone();
            other.steps.splice(at..at + count, steps);
            hunt.planted += 1;
            if let Err(difference) = replay(&other) {
                hunt.found += 1;
                assert!(difference.position >= at, "{at}: {difference:?}");
                assert_ne!(difference.expected, difference.got);
            }
        }
    }
    hunt
}

fn plant_all<A: Laid>(runs: &[Recorded<A>], has_ballots: bool) {
    for (kind, is_sure, difference) in plants::<A>() {
        let kind = format!("{}, {kind}", A::KIND);
        plant(runs, difference).judge(&kind, is_sure);
    }
    if has_ballots {
        let kind = format!("{}, a ballot that is another one", A::KIND);
        plant(runs, another_ballot).judge(&kind, false);
    }
}

#[test]
fn another_life_of_disk_paxos_is_found() {
    plant_all(&disk_paxos(), true);
}

#[test]
fn another_life_of_records_is_found() {
    plant_all(&records(), true);
}

#[test]
fn another_life_of_put_if_absent_is_found() {
    plant_all(&first_puts(), false);
}

#[test]
fn another_life_of_a_replica_is_found() {
    plant_all(&replicas(), true);
}

/// The words say whose life it is, where in it, what was expected, and what came.
#[test]
fn a_difference_is_told_with_agent_life_and_step() {
    let mut runs = replicas();
    let recorded: &mut Recorded<Replica<Machine>> = &mut runs[0];
    let lived = recorded.lives.last_mut().unwrap();
    let at = lived.life.steps.len() / 2;
    let at = at + places(at, |ahead| renamed(&lived.life, at + ahead).is_some())[0];
    let (_, steps) = renamed(&lived.life, at).unwrap();
    lived.life.steps.splice(at..=at, steps);
    let place = format!(
        "agent {}, life {}, step {at}: expected Asked {{",
        lived.agent, lived.start
    );

    let why = recorded.compare().unwrap_err();
    assert!(why.starts_with(&place), "{why}");
    assert!(why.contains(", got Asked {"), "{why}");
}
