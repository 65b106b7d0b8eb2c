//! The two searches against each other, and the corners of the checker's door.

use proptest::prelude::*;

use super::machine::Machine;
use super::models::{Act, Answer, Call, Kv, NIL, Register, Texts};
use super::track::Track;
use super::{Budget, Judgement, Model, Op, Search, check};

type Ops = Vec<Op<Call, Answer>>;

fn op(act: Act, answer: Option<Answer>, invoked: u64, answered: u64) -> Op<Call, Answer> {
    Op {
        client: 0,
        call: Call { key: 0, act },
        answer,
        invoked,
        answered,
    }
}

/// Calls with answers from a small choice; about a third of such histories are linearizable.
fn histories(calls: usize) -> impl Strategy<Value = Ops> {
    let act = prop_oneof![
        3 => Just(0_u8),
        2 => Just(1),
        1 => Just(2),
        2 => Just(3),
    ];
    let call = (act, 0..3_u32, 1..3_u32, 0..5_u8, 0..4_u64, 1..7_u64);
    prop::collection::vec(call, 1..calls).prop_map(|calls| {
        let each = (0..).zip(calls);
        let ops = each.map(|(i, (act, value, to, said, late, long))| {
            let (act, answer) = match act {
                0 => (Act::Get, Answer::Held(value)),
                1 => (Act::Put(to), Answer::Done),
                2 => (Act::Del, Answer::Done),
                _ => (Act::Cas(value, to), Answer::Swapped(said > 1)),
            };
            let answer = (said > 0).then_some(answer);
            // Distinct times: even ones for calls, odd ones for answers.
            let invoked = 1000 * i + 1000 * late + 2 * i;
            op(act, answer, invoked, invoked + 1000 * long + 1)
        });
        ops.collect()
    })
}

fn searches(ops: &Ops) -> [Search; 2] {
    let calls: Vec<u32> = (0..ops.len() as u32).collect();
    let track = Track::new(&Register, ops, &calls, |_| false);
    let mut budget = Budget::of(u64::MAX);
    [
        track.sweep(&mut Machine::new(&Register, ops), &mut budget),
        track.search(&mut Machine::new(&Register, ops), &mut budget),
    ]
}

/// Whether the items make an order that the register and real time allow.
fn is_legal(ops: &Ops, order: &[u32]) -> bool {
    let calls: Vec<u32> = (0..ops.len() as u32).collect();
    let track = Track::new(&Register, ops, &calls, |_| false);
    let mut held = NIL;
    order.iter().enumerate().all(|(at, &item)| {
        let op = &ops[track.items[item as usize].op as usize];
        let late = order[at + 1..].iter().any(|&later| {
            let later = &ops[track.items[later as usize].op as usize];
            later.answer.is_some() && later.answered < op.invoked
        });
        let next = Register.step(&held, &op.call, op.answer.as_ref());
        held = next.unwrap_or(held);
        next.is_some() && !late
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn both_searches_end_in_the_same_way_at_the_same_call(ops in histories(30)) {
        match searches(&ops) {
            [Search::Found(_), Search::Found(_)] => {}
            [
                Search::Stuck { prefix: one, item },
                Search::Stuck { prefix: other, item: same },
            ] => {
                prop_assert_eq!(item, same);
                prop_assert!(is_legal(&ops, &one), "{:?}", one);
                prop_assert!(is_legal(&ops, &other), "{:?}", other);
            }
            _ => prop_assert!(false, "the searches disagree"),
        }
    }

    #[test]
    fn no_times_make_the_checker_panic(times in prop::collection::vec((0..5_u64, 0..5_u64), 0..8)) {
        let ops: Ops = times
            .into_iter()
            .map(|(invoked, answered)| op(Act::Del, Some(Answer::Done), invoked, answered))
            .collect();
        prop_assert_eq!(check(&Register, &ops, &mut Budget::of(1000)), Judgement::Linearizable);
    }
}

#[test]
fn thousands_of_calls_may_be_open_at_once() {
    for (open, expected) in [(100, true), (400, true), (4000, true), (5000, false)] {
        let mut ops: Ops = (0..open)
            .map(|i| op(Act::Put(1 + i as u32 % 3), None, i, u64::MAX))
            .collect();
        ops.push(op(Act::Get, Some(Answer::Held(2)), open, open + 1));
        ops.push(op(Act::Get, Some(Answer::Held(3)), open + 2, open + 3));
        ops.push(op(Act::Get, Some(Answer::Held(NIL)), open + 4, open + 5));

        let judged = check(&Register, &ops, &mut Budget::of(10_000_000));

        // What is too much to search is not guessed at.
        assert_eq!(
            matches!(judged, Judgement::NotLinearizable(_)),
            expected,
            "{open}"
        );
        assert_eq!(judged == Judgement::Unknown, !expected, "{open}");
    }
}

#[test]
fn an_unanswered_write_may_take_effect_late_and_at_most_once() {
    let write = op(Act::Put(1), None, 0, u64::MAX);
    let other = op(Act::Put(2), Some(Answer::Done), 1, 2);
    let get = |value, at| op(Act::Get, Some(Answer::Held(value)), at, at + 1);
    let is = |ops: &[Op<Call, Answer>]| {
        check(&Register, ops, &mut Budget::of(1000)) == Judgement::Linearizable
    };

    assert!(is(&[write.clone(), other.clone(), get(2, 3), get(1, 5)]));
    let again = op(Act::Put(2), Some(Answer::Done), 7, 8);
    let twice = [write, other, get(1, 3), get(2, 5), again, get(1, 9)];
    assert!(!is(&twice));
}

#[test]
fn an_append_makes_the_text_that_was_read() {
    let mut texts = Texts::default();
    let (a, b, ab) = (texts.number("a"), texts.number("b"), texts.number("ab"));
    let append = |value, at| op(Act::Append(value), Some(Answer::Done), at, at + 3);
    let get = |value, at| op(Act::Get, Some(Answer::Held(value)), at, at + 1);
    let model = Kv { texts: &texts };
    let is = |ops: &[Op<Call, Answer>]| {
        check(&model, ops, &mut Budget::of(1000)) == Judgement::Linearizable
    };

    assert!(is(&[append(b, 0), append(a, 1), get(ab, 6)]));
    assert!(!is(&[append(b, 0), append(a, 4), get(ab, 8)]));
    assert!(!is(&[append(b, 0), append(a, 1), get(NIL, 6)]));
}
