//! Playback: what is seen of a run is the same however one came there, and is what the engine itself does.

#![cfg(test)]

use bivalent_sim::{
    campaign::trace::{Trace, replay},
    engine::{
        runner::Runner,
        view::{Act, AgentRow, AgentState, MarkKind, Turn, Valence},
    },
    scenario::{Scenario, catalogue, planted::Planted},
    watch::playback::{Intervention, Playback},
};
use proptest::prelude::*;

const SINGLE: [&str; 9] = [
    "basic/two-agents-agree",
    "basic/inside-the-envelope",
    "flp/duelling-agents.toml",
    "flp/state-aware",
    "flp/pos",
    "fault/torn-write-dual",
    "fault/crash",
    "regimes/acceptor-records-duel",
    "fuzz/contention",
];
const LOGS: [&str; 3] = ["log/three-replicas", "log/storm-kv", "log/zombie-leader"];

fn scenario(name: &str) -> Scenario {
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters
        .find(|chapter| chapter.name.contains(name))
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

fn played(name: &str, seed: u64) -> Playback {
    let mut playback = Playback::of_seed(&scenario(name), seed, Planted::default());
    playback.advance(u64::MAX);
    playback
}

#[test]
fn a_playback_ends_as_the_engine_does() {
    for name in SINGLE.into_iter().chain(LOGS) {
        for seed in [1, 7] {
            let scenario = scenario(name);
            let mut runner = Runner::new(&scenario);
            let end = runner.run(seed);
            let report = runner.report(&scenario, seed, end);

            let playback = played(name, seed);

            assert_eq!(playback.report(), Some(&report), "{name}");
            assert_eq!(playback.track().steps, report.steps, "{name}");
            let again = Playback::of_choices(
                &scenario,
                seed,
                playback.choices().to_vec(),
                Planted::default(),
            );
            let mut again = again;
            again.advance(u64::MAX);
            assert_eq!(again.report(), Some(&report), "{name}");
            assert_eq!(playback.first_difference(&again), None, "{name}");
        }
    }
}

#[test]
fn advancing_in_small_steps_leaves_the_same_track() {
    for name in ["basic/inside-the-envelope", "log/three-replicas"] {
        let whole = played(name, 3);
        let mut small = Playback::of_seed(&scenario(name), 3, Planted::default());
        while small.advance(7) {}

        assert_eq!(small.track(), whole.track());
        assert_eq!(small.choices(), whole.choices());
        assert_eq!(small.fingerprint(), whole.fingerprint());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Wherever one was before, a step looks as it does to one who goes straight there.
    #[test]
    fn a_view_does_not_depend_on_the_way_there(
        which in 0..SINGLE.len() + LOGS.len(),
        seed in 0..50_u64,
        seeks in prop::collection::vec((any::<u16>(), 0..4_u8), 1..12),
    ) {
        let all: Vec<&str> = SINGLE.into_iter().chain(LOGS).collect();
        let scenario = scenario(all[which]);
        let fresh = |steps| {
            let mut playback = Playback::of_seed(&scenario, seed, Planted::default());
            playback.advance(steps);
            playback
        };
        let mut walked = fresh(20_000);
        let steps = walked.track().steps;
        let mut at: u64 = 0;
        for (place, how) in seeks {
            at = match how {
                0 => at + 1,
                1 => at.saturating_sub(1),
                _ => u64::from(place) * steps / u64::from(u16::MAX),
            }.min(steps);
            let seen = walked.view_at(at);
            prop_assert_eq!(seen.step, at);
            prop_assert_eq!(&seen, &fresh(at).view_at(at));
            prop_assert_eq!(&seen, &fresh(20_000).view_at(at));
        }
    }

    /// Whatever a list is, it ends in words.
    #[test]
    fn a_list_of_anything_ends_in_words(
        which in 0..SINGLE.len() + LOGS.len(),
        seed in 0..9_u64,
        keep in any::<u16>(),
        tail in prop::collection::vec(prop_oneof![0..4_u32, any::<u32>()], 0..40),
    ) {
        let all: Vec<&str> = SINGLE.into_iter().chain(LOGS).collect();
        let mut whole = Playback::of_seed(&scenario(all[which]), seed, Planted::default());
        whole.advance(2000);
        let keep = usize::from(keep) % (whole.choices().len() + 1);
        let list = [&whole.choices()[..keep], &tail[..]].concat();

        let mut playback =
            Playback::of_choices(whole.scenario(), seed, list.clone(), Planted::default());
        playback.advance(u64::MAX);

        prop_assert!(playback.track().over.is_some());
        prop_assert_eq!(playback.choices(), &list[..]);
        let steps = playback.track().steps;
        let mut fork = playback.fork_with_choice(steps, 0);
        fork.advance(50);
        prop_assert_eq!(playback.view_at(steps).step, steps);
    }

    /// Times and steps go up together.
    #[test]
    fn the_step_of_a_time_is_the_last_one_at_or_before_it(share in 0..=100_u64) {
        let mut playback = played("flp/duelling-agents.toml", 1);
        let time = playback.track().time_ns * share / 100;

        let step = playback.step_at(time);

        prop_assert!(playback.view_at(step).time_ns <= time);
        let next = playback.view_at(step + 1);
        prop_assert!(next.step == step || next.time_ns > time);
    }
}

#[test]
fn a_duel_climbs_a_staircase_and_is_found_to_stall() {
    let mut playback = played("flp/duelling-agents.toml", 1);
    let track = playback.track().clone();
    let began = |turn| track.stairs.iter().filter(move |stair| stair.turn == turn);
    assert!(began(Turn::Phase1).count() > 10);
    assert!(began(Turn::Aborted).count() > 10);
    assert!(began(Turn::Phase2).count() > 10);
    let rounds: Vec<u64> = began(Turn::Phase1)
        .map(|stair| stair.ballot.round)
        .collect();
    assert!(rounds.is_sorted());
    let mut stalls = track.marks.iter();
    let stall = stalls.find(|mark| mark.kind == MarkKind::Stall).unwrap();

    let before = playback.view_at(stall.step - 1);
    let at = playback.view_at(stall.step);

    assert_eq!(before.stall, None);
    let found = at.stall.unwrap();
    assert_eq!(
        (found.kind.as_str(), found.found),
        ("contention", stall.step)
    );
    assert!(found.expected);
    assert_eq!(at.events.last().unwrap().line.step, stall.step);
    assert!(track.over.unwrap().ends_with("as expected"));
}

#[test]
fn a_list_that_does_not_fit_ends_the_run_and_says_where() {
    let whole = played("basic/inside-the-envelope", 3);
    let scenario = scenario("basic/inside-the-envelope");
    let over = |list: Vec<u32>| {
        let mut playback = Playback::of_choices(&scenario, 3, list, Planted::default());
        playback.advance(u64::MAX);
        let steps = playback.track().steps;
        playback.view_at(steps);
        (playback.track().over.clone().unwrap(), steps)
    };
    let list = whole.choices().to_vec();

    let (short, steps) = over(list[..40].to_vec());
    assert_eq!(short, "the list of 40 choices ends before the run does");
    assert!(steps < whole.track().steps);
    let mut wrong = list.clone();
    wrong[30] = u32::MAX;
    let (wrong, _) = over(wrong);
    assert_eq!(
        wrong,
        format!("the list does not fit: choice 31 of {}", list.len())
    );
    let (long, _) = over([&list[..], &[0, 0]].concat());
    assert!(long.ends_with("; 2 choices are left over"), "{long}");
    let (none, _) = over(Vec::new());
    assert_eq!(none, "the list of 0 choices ends before the run does");
}

#[test]
fn a_playback_can_be_sent_to_another_thread() {
    fn is_sent<T: Send>(_: &T) {}
    is_sent(&played("basic/two-agents-agree", 1));
}

#[test]
fn a_fork_is_the_same_up_to_its_step_and_its_choices_are_a_run_of_their_own() {
    for name in SINGLE.into_iter().chain(LOGS) {
        let mut whole = played(name, 3);
        let steps = whole.track().steps;
        for at in [0, steps / 3, steps] {
            let mut forks = [whole.fork_with_seed(at, 99), whole.fork_with_choice(at, 1)];
            for fork in &mut forks {
                assert_eq!(fork.view_at(at), whole.view_at(at), "{name}");
                fork.advance(3000);
                assert!(fork.first_difference(&whole).is_none_or(|step| step > at));
                assert_eq!(fork.view_at(at / 2), whole.view_at(at / 2), "{name}");
                let list = fork.choices().to_vec();
                let again =
                    &mut Playback::of_choices(whole.scenario(), 3, list, Planted::default());
                again.advance(fork.track().steps);
                assert_eq!(again.fingerprint(), fork.fingerprint(), "{name} {at}");
                assert_eq!(again.track().stairs, fork.track().stairs, "{name}");
                let end = fork.track().steps;
                assert_eq!(again.view_at(end).agents, fork.view_at(end).agents);
            }
        }
    }
}

#[test]
fn a_fork_without_the_duel_decides_and_differs_only_after_its_step() {
    let whole = played("flp/duelling-agents.toml", 1);
    for what in [Intervention::DuelOff, Intervention::OneLeader] {
        let mut fork = whole.fork_changed(300, what);
        fork.advance(100_000);

        let decided = |playback: &Playback| {
            let marks = &playback.track().marks;
            marks
                .iter()
                .find(|mark| mark.kind == MarkKind::Decision)
                .map(|mark| mark.step)
        };
        let first = decided(&fork).unwrap();
        assert!(decided(&whole).is_none_or(|step| first < step), "{what:?}");
        assert!(fork.first_difference(&whole).unwrap() > 300);
        assert_eq!(fork.trace(), None, "no list of choices makes it");
        assert!(fork.coordinate(310).ends_with("#300, 10 steps into a fork"));
        assert!(fork.openable(310).ends_with("#300"));
        assert_eq!(fork.openable(299), whole.coordinate(299));
    }
    assert!(!whole.can_change(Intervention::NoFaults));
}

#[test]
fn a_run_that_is_over_is_a_trace_that_can_be_replayed() {
    for name in ["fault/torn-write-dual", "flp/pos", "log/three-replicas"] {
        let whole = played(name, 3);
        let trace = whole.trace().unwrap();
        assert_eq!(trace, Trace::record(whole.scenario(), 3));

        let mut fork = whole.fork_with_seed(whole.track().steps / 2, 4);
        assert_eq!(fork.trace(), None);
        fork.advance(u64::MAX);
        let replayed = replay(&fork.trace().unwrap(), None).unwrap();
        assert_eq!(replayed.compared, fork.track().steps);
        assert_eq!(
            replayed.report.fingerprint,
            fork.report().unwrap().fingerprint
        );
    }
}

#[test]
fn a_small_world_has_an_exact_valence_and_is_bivalent_until_somebody_is_sure() {
    let mut playback = played("explore/two-by-two.toml", 5);
    let steps = playback.track().steps;
    let first = playback.valence_at(0, 8);
    assert_eq!(first.samples, None);
    assert!(first.is_bivalent() && first.states > 1000, "{first:?}");
    let last = playback.valence_at(steps, 8);
    assert_eq!(last.possible().count(), 1);
    let mut lone = 0;
    for step in 0..steps {
        let valence = playback.valence_at(step, 64);
        let possible = valence.possible().count();
        assert!(possible > 0, "{step}: {valence:?}");
        if valence.samples.is_none() {
            // Once one value is all there is, no other comes back.
            assert!(lone == 0 || possible == 1, "{step}: {valence:?}");
            lone = usize::from(possible == 1);
        }
    }
    assert_eq!(lone, 1);
}

#[test]
fn exact_valences_and_samples_do_not_contradict_each_other() {
    let mut playback = played("explore/two-by-one.toml", 2);
    let mut faulty = played("fault/crash", 2);
    let mut exact = 0;
    for step in 0..playback.track().steps {
        let valence = playback.valence_at(step, 32);
        exact += u32::from(valence.samples.is_none());
        let mut fork = playback.fork_with_seed(step, 77);
        fork.advance(u64::MAX);
        let end = fork.track().steps;
        let decided = fork.valence_at(end, 1);
        for value in decided.possible() {
            let known = valence.samples.is_some() || valence.possible().any(|it| it == value);
            assert!(known, "{step}: {valence:?} and {value}");
        }
    }
    assert!(exact > 10, "{exact}");
    let sampled = faulty.valence_at(3, 40);
    assert_eq!(sampled.samples, Some(40));
    let counted: u32 = sampled.values.iter().map(|(_, count)| count).sum();
    assert_eq!(counted + sampled.none, 40);
    assert_eq!(sampled, faulty.valence_at(3, 40));
}

/// The one chain that leads to a step.
fn chain(playback: &Playback, step: u64) -> Vec<String> {
    let mut parts = playback.why_at(step);
    assert_eq!(parts.len(), 1, "{parts:#?}");
    parts.remove(0).lines
}

#[test]
fn why_leads_from_an_abort_to_the_write_that_was_met() {
    let playback = played("flp/duelling-agents.toml", 1);
    let stairs = &playback.track().stairs;
    let abort = stairs
        .iter()
        .filter(|stair| stair.turn == Turn::Aborted)
        .nth(4);
    let step = abort.unwrap().step;

    let why = chain(&playback, step);

    let has = |what: &str| why.iter().any(|line| line.contains(what));
    assert!(why[0].starts_with(&format!("#{step} ")), "{why:#?}");
    assert!(
        has("aborts ballot") && has("read") && has("wrote"),
        "{why:#?}"
    );
    let steps = why.iter().filter_map(|line| line.strip_prefix('#'));
    let steps: Vec<u64> = steps
        .map(|line| line.split_once(' ').unwrap().0.parse().unwrap())
        .collect();
    assert!(steps.iter().rev().is_sorted());
    assert!(playback.why_at(0).is_empty());
}

#[test]
fn why_of_a_fork_goes_back_beyond_the_fork() {
    let whole = played("flp/duelling-agents.toml", 1);
    let mut fork = whole.fork_with_seed(600, 5);
    fork.advance(60);

    let why = chain(&fork, 610);

    let early = why.iter().filter_map(|line| line.strip_prefix('#'));
    let early = early.filter(|line| line.split_once(' ').unwrap().0.parse::<u64>().unwrap() <= 600);
    assert!(early.count() > 0, "{why:#?}");
}

/// Four agents on blocks of a format, of which a fault strikes one operation in five.
fn struck(format: &str, fault: &str) -> Scenario {
    let text = format!(
        "title = \"struck\"\nsummary = \"struck\"\n[cluster]\nagents = 4\nstores = 3\n\
         block = {{ size = \"512B\", sector = \"64B\", format = \"{format}\" }}\n\
         [schedule]\nretry = \"1ms..10ms\"\n[[fault]]\nchance = 0.2\n{fault}\n\
         [[fault]]\nchance = 0.05\ncrash = {{ restart = \"1ms..10ms\" }}\n\
         [expect]\noutcome = {{ violation = \"agreement\" }}\n"
    );
    Scenario::parse("struck.toml", &text, &catalogue::open).unwrap()
}

#[test]
fn why_of_a_clash_tells_both_decisions_and_what_misled_one() {
    // The seeds are where to begin to look: few of them break anything.
    for (scenario, fault, from) in [
        (scenario("fault/stale-reads-outside.toml"), "stale-read", 0),
        (scenario("fault/amnesia-majority.toml"), "amnesia", 0),
        (struck("raw", "torn-write = {}"), "torn-write", 1300),
        (
            struck(
                "dual",
                "torn-write = { keep = \"64B\", acknowledged = true }",
            ),
            "torn-write",
            400,
        ),
        (
            struck("dual", "late-write = { by = \"10ms..80ms\" }"),
            "late-write",
            19_400,
        ),
    ] {
        let mut runner = Runner::new(&scenario);
        let (playback, mark) = (from..from + 40_000)
            .find_map(|seed| {
                let end = runner.run(seed);
                let report = runner.report(&scenario, seed, end);
                report.violations.first()?;
                let mut playback = Playback::of_seed(&scenario, seed, Planted::default());
                playback.advance(u64::MAX);
                let mut marks = playback.track().marks.iter();
                let mark = marks.find(|mark| mark.kind == MarkKind::Violation)?;
                let mark = mark.text.starts_with("agreement").then(|| mark.clone())?;
                Some((playback, mark))
            })
            .unwrap_or_else(|| panic!("nothing breaks under {fault}"));

        let parts = playback.why_at(mark.step);

        let [first, second, wrong] = &parts[..] else {
            panic!("{fault}: {parts:#?}");
        };
        // `agreement broken: a1 decided v2, a3 had decided v3`
        let (later, earlier) = mark.text.split_once(", ").unwrap();
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let (later, earlier) = (words(later), words(earlier));
        for (part, who, value) in [
            (first, &earlier[0], &earlier[3]),
            (second, &later[2], &later[4]),
        ] {
            let decision = format!("{who} DECIDED {value}");
            assert!(part.title.starts_with(&decision), "{fault}: {parts:#?}");
            assert!(part.title.contains("vote"), "{fault}: {parts:#?}");
            assert!(part.lines.last().unwrap().contains(&decision));
            assert!(part.lines.len() > 1, "{fault}: {parts:#?}");
        }
        assert!(
            wrong.lines.iter().any(|line| line.contains(fault)),
            "{fault}: {parts:#?}"
        );
    }
}

#[test]
fn a_view_says_what_is_due_and_what_would_come_of_it() {
    let mut playback = played("flp/duelling-agents.toml", 1);
    let view = playback.view_at(190);
    let blocks = view.blocks.as_ref().unwrap();
    assert_eq!(blocks.owners.len(), view.agents.len());
    let flying: u32 = blocks
        .cells
        .iter()
        .flatten()
        .map(|cell| cell.in_flight)
        .sum();
    let writes = view
        .next
        .iter()
        .filter(|next| next.act == Act::Write)
        .count();
    assert_eq!(flying as usize, writes);
    let dues: Vec<u64> = view.next.iter().filter_map(|next| next.due_ns).collect();
    assert!(dues.is_sorted() && dues.iter().all(|&due| due >= view.time_ns));
    assert!(
        view.next
            .iter()
            .any(|next| next.note == "held back by the adversary")
    );
    assert!(
        view.agents
            .iter()
            .any(|row| row.doing.ends_with("(held back)"))
    );
    // What a read is said to see is what it then sees.
    let mut seen = 0;
    for step in 0..400 {
        let next = playback.view_at(step).next;
        let Some(read) = next.first().filter(|next| next.act == Act::Read) else {
            continue;
        };
        let Some(sight) = read.note.strip_prefix("sees ballot ") else {
            continue;
        };
        let sight = sight.split([',', ';']).next().unwrap();
        let after = playback.view_at(step + 1).events;
        let told = after
            .iter()
            .rfind(|event| event.kind == "read" && event.line.step == step + 1);
        assert!(told.unwrap().line.what.contains(sight), "{step}: {read:?}");
        seen += 1;
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn a_log_shows_who_leads_and_how_far_everybody_is() {
    let mut playback = played("log/zombie-leader", 1);
    let track = playback.track().clone();
    let began = track
        .stairs
        .iter()
        .filter(|stair| stair.turn == Turn::Phase1)
        .count();
    let led = track
        .stairs
        .iter()
        .filter(|stair| stair.turn == Turn::Phase2)
        .count();
    assert!(began >= 2 && led >= 2, "{began} {led}");
    let end = playback.view_at(track.steps);
    let log = end.log.unwrap();
    assert_eq!(end.blocks, None);
    assert_eq!(log.waiting, 0);
    assert!(log.answered > 0 && log.applied > 0);
    assert!(
        log.replicas
            .iter()
            .all(|row| row.next + row.lag == log.applied + 1)
    );
    let middle = playback.view_at(track.steps / 2);
    assert!(
        middle
            .next
            .iter()
            .any(|next| next.act == Act::Write || next.act == Act::Read)
    );
    assert!(middle.agents.iter().any(|row| row.phase == "leads"));
    let decided = playback.report().unwrap().decided;
    assert!(decided > 0 && playback.track().slots == u64::from(decided));
    assert_eq!(playback.valence_at(10, 5), Valence::default());
    let why = playback.why_at(track.steps);
    assert!(!why.is_empty(), "{why:?}");
}

#[test]
fn a_fork_of_a_log_without_faults_has_none() {
    let whole = played("log/storm-kv", 1);
    assert!(whole.can_change(Intervention::NoFaults) && !whole.can_change(Intervention::Backoff));
    let faults = |playback: &Playback, after: u64| {
        let marks = playback.track().marks.iter();
        let news = |text: &str| !text.contains("again") && !text.contains("wakes");
        marks
            .filter(|it| it.step > after && matches!(it.kind, MarkKind::Fault(_)) && news(&it.text))
            .count()
    };
    let at = whole.track().steps / 10;
    let mut calm = whole.fork_changed(at, Intervention::NoFaults);
    calm.advance(whole.track().steps - at);
    assert!(faults(&whole, at) > 20);
    assert!(
        faults(&calm, at) < faults(&whole, at) / 4,
        "only what was on its way still comes: {}",
        faults(&calm, at)
    );
    let mut led = whole.fork_changed(at, Intervention::OneLeader);
    led.advance(500);
    let view = led.view_at(at + 500);
    assert!(
        view.agents
            .iter()
            .filter(|row| row.state == AgentState::Paused)
            .count()
            > 0
    );
}

#[test]
fn a_leader_that_stands_still_leads_in_its_row_and_in_the_header() {
    let mut playback = played("log/zombie-leader", 1);
    let pauses = playback.track().marks.clone().into_iter();
    let views = pauses.map(|mark| playback.view_at(mark.step));
    let stands = |row: &AgentRow| row.state == AgentState::Paused && row.phase == "leads";
    let standing: Vec<_> = views
        .filter(|view| view.agents.iter().any(stands))
        .collect();
    assert!(!standing.is_empty());
    for view in standing {
        assert!(view.log.unwrap().leader.is_some(), "{}", view.step);
    }
}
