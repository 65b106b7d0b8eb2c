//! The linearizability checker against the definition, and against histories with known verdicts.

#![cfg(test)]

mod brute;
mod generator;
mod known;

use bivalent_sim::judge::linear::{
    self, Budget, Judgement, Model, Op, Verdict,
    models::{Act, Answer, Call, Kv, Register, Texts},
};
use proptest::prelude::*;

use generator::Shape;

/// A model without anything that is there for speed.
#[derive(Clone, Copy)]
struct Plain<M>(M);

impl<M: Model> Model for Plain<M> {
    type State = M::State;
    type Call = M::Call;
    type Answer = M::Answer;

    fn initial(&self) -> M::State {
        self.0.initial()
    }

    fn step(
        &self,
        state: &M::State,
        call: &M::Call,
        answer: Option<&M::Answer>,
    ) -> Option<M::State> {
        self.0.step(state, call, answer)
    }

    fn key(&self, call: &M::Call) -> u64 {
        self.0.key(call)
    }
}

/// A queue: what was put in first comes out first.
#[derive(Clone, Copy)]
struct Queue;

impl Model for Queue {
    type State = Vec<u8>;
    /// Some: put in. None: take out.
    type Call = Option<u8>;
    type Answer = Option<u8>;

    fn initial(&self) -> Vec<u8> {
        Vec::new()
    }

    fn step(
        &self,
        state: &Vec<u8>,
        call: &Option<u8>,
        answer: Option<&Option<u8>>,
    ) -> Option<Vec<u8>> {
        let mut next = state.clone();
        let said = match call {
            Some(item) => {
                next.push(*item);
                None
            }
            None if next.is_empty() => None,
            None => Some(next.remove(0)),
        };
        answer.is_none_or(|answer| *answer == said).then_some(next)
    }
}

fn check<M: Model>(model: &M, ops: &[Op<M::Call, M::Answer>]) -> Judgement {
    linear::check(model, ops, &mut Budget::of(u64::MAX))
}

/// Compares with the definition; on failure also what is said of it. Whether it is linearizable.
#[track_caller]
fn agrees<M: Model>(model: &M, ops: &[Op<M::Call, M::Answer>]) -> bool {
    let expected = brute::is_linearizable(model, ops);
    let judged = check(model, ops);
    let plain = check(&Plain(Forward(model)), ops);
    assert_eq!(judged == Judgement::Linearizable, expected);
    assert_eq!(plain == Judgement::Linearizable, expected);
    for judged in [judged, plain] {
        let Judgement::NotLinearizable(failure) = judged else {
            assert_eq!(judged, Judgement::Linearizable);
            continue;
        };
        let of_key = |op: &usize| model.key(&ops[*op].call) == failure.key;
        assert!(brute::is_legal(model, ops, &failure.prefix), "{failure:?}");
        assert!(failure.prefix.iter().all(of_key), "{failure:?}");
        assert!(of_key(&failure.stuck) && !failure.prefix.contains(&failure.stuck));
        let minimal: Vec<_> = failure.minimal.iter().map(|&op| ops[op].clone()).collect();
        assert!(failure.minimal.iter().all(of_key), "{failure:?}");
        assert!(!brute::is_linearizable(model, &minimal), "{failure:?}");
        // Nothing in it can be left out, if what is left out may have happened at any time.
        for left_out in &failure.minimal {
            let mut weaker: Vec<_> = ops.iter().enumerate().collect();
            weaker.retain(|(op, _)| of_key(op) && ops[*op].invoked < ops[failure.stuck].answered);
            let weaker: Vec<_> = weaker
                .into_iter()
                .map(|(op, one)| {
                    let mut one = one.clone();
                    if op == *left_out || !failure.minimal.contains(&op) {
                        (one.answer, one.invoked, one.answered) = (None, 0, u64::MAX);
                    }
                    one
                })
                .collect();
            assert!(
                brute::is_linearizable(model, &weaker),
                "{failure:?} {left_out}"
            );
        }
    }
    expected
}

/// A model by reference.
struct Forward<'a, M>(&'a M);

impl<M: Model> Model for Forward<'_, M> {
    type State = M::State;
    type Call = M::Call;
    type Answer = M::Answer;

    fn initial(&self) -> M::State {
        self.0.initial()
    }

    fn step(
        &self,
        state: &M::State,
        call: &M::Call,
        answer: Option<&M::Answer>,
    ) -> Option<M::State> {
        self.0.step(state, call, answer)
    }

    fn key(&self, call: &M::Call) -> u64 {
        self.0.key(call)
    }
}

fn small() -> impl Strategy<Value = (Shape, usize, u64)> {
    let sizes = (1..8_usize, 1..6_u32, 1..3_u32, 1..4_u32);
    let rest = (0..400_u32, any::<bool>(), 0..3_usize, any::<u64>());
    (sizes, rest).prop_map(
        |((ops, clients, keys, values), (lost, appends, wrong, seed))| {
            let shape = Shape {
                ops,
                clients,
                keys,
                values,
                lost,
                appends,
            };
            (shape, wrong, seed)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_store_is_judged_as_the_definition_says((shape, wrong, seed) in small()) {
        let (texts, mut ops) = generator::linearizable(&shape, seed);
        let model = Kv { texts: &texts };
        prop_assert!(agrees(&model, &ops));
        generator::spoil(&texts, &mut ops, wrong, seed);
        agrees(&model, &ops);
    }

    #[test]
    fn a_register_is_judged_as_the_definition_says((shape, wrong, seed) in small()) {
        let shape = Shape { keys: 1, appends: false, ..shape };
        let (texts, mut ops) = generator::linearizable(&shape, seed);
        prop_assert!(agrees(&Register, &ops));
        generator::spoil(&texts, &mut ops, wrong, seed);
        agrees(&Register, &ops);
    }

    #[test]
    fn a_queue_is_judged_as_the_definition_says(
        calls in prop::collection::vec((any::<Option<bool>>(), any::<Option<Option<bool>>>(), 0..9_u64, 1..6_u64), 0..7)
    ) {
        // Distinct times: even ones for calls, odd ones for answers.
        let ops: Vec<_> = (0_u64..).zip(&calls).map(|(i, (call, answer, at, long))| Op {
            client: i as u32,
            call: call.map(u8::from),
            answer: answer.map(|answer| answer.map(u8::from)),
            invoked: at * 100 + 2 * i,
            answered: (at + long) * 100 + 2 * i + 1,
        }).collect();
        agrees(&Queue, &ops);
    }
}

#[test]
fn what_is_there_for_speed_changes_no_verdict() {
    let (mut yes, mut no) = (0, 0);
    for seed in 0..300 {
        let shape = Shape {
            ops: 60,
            clients: 7,
            keys: 1,
            values: 3,
            lost: 40,
            appends: false,
        };
        let (texts, mut ops) = generator::linearizable(&shape, seed);
        generator::spoil(&texts, &mut ops, seed as usize % 4, seed);
        let plain = linear::judge(&Plain(Register), &ops, &mut Budget::of(u64::MAX));
        let fast = linear::judge(&Register, &ops, &mut Budget::of(u64::MAX));
        let found = fast == Verdict::Linearizable;
        assert_eq!(plain == Verdict::Linearizable, found, "{seed}");
        if found {
            yes += 1;
        } else {
            no += 1;
        }
    }
    assert!(yes > 60 && no > 60, "{yes} {no}");
}

#[test]
fn both_verdicts_are_common_among_what_is_compared() {
    let (mut yes, mut no) = (0, 0);
    for seed in 0..500 {
        let shape = Shape {
            ops: 7,
            clients: 4,
            keys: 1,
            values: 2,
            lost: 100,
            appends: false,
        };
        let (texts, mut ops) = generator::linearizable(&shape, seed);
        generator::spoil(&texts, &mut ops, 2, seed);
        if agrees(&Register, &ops) {
            yes += 1;
        } else {
            no += 1;
        }
    }
    assert!(yes > 100 && no > 100, "{yes} {no}");
}

#[test]
fn the_same_history_and_budget_give_the_same_judgement_and_cost() {
    let shape = Shape {
        ops: 2000,
        clients: 12,
        keys: 2,
        values: 5,
        lost: 5,
        appends: false,
    };
    let (texts, mut ops) = generator::linearizable(&shape, 3);
    generator::spoil(&texts, &mut ops, 40, 3);
    let model = Kv { texts: &texts };
    let cost = |allowed| {
        let mut budget = Budget::of(allowed);
        let judged = linear::check(&model, &ops, &mut budget);
        (judged, allowed - budget.steps)
    };

    let (judged, steps) = cost(u64::MAX);

    assert!(
        matches!(judged, Judgement::NotLinearizable(_)),
        "{judged:?}"
    );
    assert_eq!(cost(u64::MAX), (judged, steps));
    assert_eq!(cost(10).0, Judgement::Unknown);
    assert_eq!(cost(0).0, Judgement::Unknown);
}

#[test]
fn a_clock_can_end_the_work() {
    let shape = Shape {
        ops: 20_000,
        clients: 8,
        keys: 1,
        values: 9,
        lost: 0,
        appends: false,
    };
    let (texts, ops) = generator::linearizable(&shape, 1);
    let stop = || false;
    let mut budget = Budget {
        steps: u64::MAX,
        go_on: Some(&stop),
    };

    let judged = linear::check(&Kv { texts: &texts }, &ops, &mut budget);

    assert_eq!(judged, Judgement::Unknown);
    assert_eq!(budget.steps, 0);
}

#[test]
fn the_smaller_history_says_what_contradicts_what() {
    let texts = &mut Texts::default();
    let (one, two) = (texts.number("1"), texts.number("2"));
    let op = |client, act, answer, invoked, answered| Op {
        client,
        call: Call { key: 0, act },
        answer: Some(answer),
        invoked,
        answered,
    };
    let ops = [
        op(0, Act::Put(two), Answer::Done, 1, 2),
        op(0, Act::Get, Answer::Held(two), 3, 4),
        op(0, Act::Put(one), Answer::Done, 5, 6),
        op(1, Act::Put(two), Answer::Done, 7, 8),
        op(2, Act::Get, Answer::Held(one), 9, 12),
        op(3, Act::Get, Answer::Held(two), 10, 13),
    ];

    let Judgement::NotLinearizable(failure) = check(&Register, &ops) else {
        panic!("a stale read was not found");
    };

    // Not the read alone: it would also be impossible if nobody had written 1.
    assert_eq!(failure.minimal, [2, 3, 4]);
    assert_eq!(failure.stuck, 4);
    assert_eq!(failure.prefix, [0, 1, 2, 3, 5]);
}
