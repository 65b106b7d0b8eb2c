//! You are the adversary: what is played by hand replays without a hand.

use bivalent_sim::judge::verdict::Finished;
use std::sync::atomic::AtomicBool;

use bivalent_sim::{
    campaign::{Keep, Policy, run_one, run_seeds},
    engine::{blocks::BlockEngine, view::Act},
    scenario::{Scenario, planted::Planted},
    watch::game::{Game, Strike},
};
use proptest::prelude::*;

fn read(text: &str) -> Scenario {
    let none = |_: &str| Err("no file".to_owned());
    Scenario::parse("game.toml", text, &none).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"))
}

/// Three agents, two values.
fn system(stores: usize, more: &str) -> Scenario {
    read(&format!(
        "title = \"A game\"\nsummary = \"Three agents.\"\n[cluster]\nstores = {stores}\n\
         agents = {{ a1 = \"blue\", a2 = \"red\", a3 = \"red\" }}\n{more}"
    ))
}

fn pair(stores: usize) -> Scenario {
    read(&format!(
        "title = \"A pair\"\nsummary = \"Two agents.\"\n[cluster]\nstores = {stores}\n\
         agents = {{ a1 = \"blue\", a2 = \"red\" }}\n\
         block = {{ format = \"raw\" }}\n"
    ))
}

fn systems() -> Vec<Scenario> {
    let stale = "block = { format = \"dual\" }\nstale = 1\n";
    vec![
        system(3, ""),
        system(3, "[schedule]\nadversary = { duel = [\"a1\", \"a2\"] }\n"),
        system(3, "[schedule]\nadversary = \"pos\"\n"),
        system(3, stale),
        system(
            3,
            "block = { format = \"checked\" }\n[heal]\nat = \"1s\"\n[[fault]]\nchance = 0.1\n\
             delay = { by = \"1ms..20ms\" }\n[[fault]]\nchance = 0.02\ncrash = { restart = \"5ms\" }\n",
        ),
        pair(1),
    ]
}

/// Plays a list of wishes, each as far as it may come true.
fn play(game: &mut Game, wishes: &[(u8, u8)]) {
    for &(what, which) in wishes {
        let moves = game.moves().len();
        if moves == 0 {
            return;
        }
        let index = usize::from(which) % moves;
        let strike = match what % 16 {
            0 => Some(Strike::Crash),
            1 => Some(Strike::Restart),
            2 | 3 => Some(Strike::Tear),
            4 | 5 => Some(Strike::Stale),
            6 => Some(Strike::Delay),
            7 => {
                game.undo();
                continue;
            }
            _ => None,
        };
        let done = match strike {
            Some(strike) => game.strike(strike, index),
            None => game.take(index),
        };
        if let Err(why) = done {
            assert!(!why.is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    /// What is saved is the same run, to the last step after the last move.
    #[test]
    fn a_game_replays_from_its_scenario(
        (which, seed, from) in (0..6_usize, 0..1000_u64, 0..60_u64),
        wishes in prop::collection::vec(any::<(u8, u8)>(), 0..60),
    ) {
        let scenario = &systems()[which];
        let Ok(mut game) = Game::take_over(scenario, seed, from, Planted::default()) else {
            return Ok(());
        };
        play(&mut game, &wishes);
        let saved = read(&game.scenario_text());
        prop_assert_eq!(&saved.schedule, &game.to_scenario().schedule);
        let mut engine = BlockEngine::new(&saved);
        engine.run(saved.schedule.seed);
        prop_assert_eq!(engine.fingerprint(), game.fingerprint());
    }
}

#[test]
fn at_the_beginning_of_a_small_system_both_values_are_possible_and_the_machine_keeps_them_so() {
    for stores in [1, 2] {
        let mut game = Game::take_over(&pair(stores), 0, 0, Planted::default()).unwrap();
        assert_eq!(
            game.valence().samples,
            None,
            "it is small enough to be known"
        );
        assert!(game.valence().is_bivalent());

        let made = game.play_on(200);

        assert_eq!(made, 200, "{:?}", game.score());
        let score = game.score();
        assert_eq!(
            (score.bivalent, score.moves, score.lost_by),
            (200, 200, None)
        );
        let (_, age, bound) = game.oldest().unwrap();
        assert!(
            age <= bound,
            "nothing was passed over for longer than is fair"
        );
    }
}

#[test]
fn whoever_lets_one_agent_run_loses_and_may_take_it_back() {
    let mut game = Game::take_over(&pair(1), 0, 0, Planted::default()).unwrap();
    for _ in 0..4 {
        let own = game.moves().iter().position(|it| it.text.starts_with("a1"));
        game.take(own.unwrap()).unwrap();
    }

    let score = game.score();
    let (number, by) = score.lost_by.clone().unwrap();
    assert!(number <= 4 && by.starts_with("a1"), "{score:?}");
    assert!(!game.valence().is_bivalent());
    let saved = game.to_scenario().summary;
    assert!(
        saved.starts_with("Played by hand: from step 2 of game.toml@0x0"),
        "{saved}"
    );
    assert!(saved.contains("made 4 moves"), "{saved}");
    assert!(
        saved.contains(&format!("after the first {} of", score.bivalent)),
        "{saved}"
    );

    while game.score().lost_by.is_some() {
        assert!(game.undo());
    }
    assert!(game.valence().is_bivalent());
    assert!(game.score().undos > 0);
    let hint = game.hint().unwrap();
    assert!(game.moves()[hint].after.as_ref().unwrap().is_bivalent());
}

#[test]
fn valences_that_are_tried_agree_with_those_that_are_known() {
    let mut exact = Game::take_over(&pair(2), 0, 0, Planted::default()).unwrap();
    exact.value_moves();
    // The same system on versioned blocks has no finite graph.
    let mut other = pair(2);
    let text = other
        .to_toml()
        .replace("\"raw\" }", "\"versioned\" }\nbucket = false");
    assert_ne!(text, other.to_toml());
    other = read(&text);
    let mut tried = Game::take_over(&other, 0, 0, Planted::default()).unwrap();
    tried.value_moves();
    assert!(tried.valence().samples.is_some_and(|samples| samples > 0));
    assert!(
        tried.valence().is_bivalent(),
        "two witnesses: {:?}",
        tried.valence()
    );
    for (known, tried) in exact.moves().iter().zip(tried.moves()) {
        assert_eq!(known.text, tried.text);
        let (known, tried) = (known.after.as_ref().unwrap(), tried.after.as_ref().unwrap());
        for value in tried.possible() {
            assert!(
                known.possible().any(|it| it == value),
                "{value} was decided, so it can be"
            );
        }
    }
}

#[test]
fn what_lies_outside_the_model_is_refused_in_words() {
    let mut game = Game::take_over(&pair(1), 0, 0, Planted::default()).unwrap();
    let tear = game.strike(Strike::Tear, 0).unwrap_err();
    assert!(tear.contains("raw"), "{tear}");
    let stale = game.strike(Strike::Stale, 0).unwrap_err();
    assert!(!stale.is_empty());
    assert_eq!(
        game.strike(Strike::Restart, 0).unwrap_err(),
        "nobody is down"
    );
    game.strike(Strike::Crash, 0).unwrap();
    let mut playback = game.playback();
    let view = playback.view_at(playback.track().steps);
    let told = view.events.last().unwrap().line.what.clone();
    assert!(told.ends_with(" crashes"), "{told}");
    assert!(view.agents.iter().any(|row| row.doing == "is down"));
    let second = game.strike(Strike::Crash, 0).unwrap_err();
    assert_eq!(second, "none is left");
    game.strike(Strike::Restart, 0).unwrap();
    assert!(game.take(99).is_err());
}

#[test]
fn fairness_lets_nothing_wait_for_ever() {
    let mut game = Game::take_over(&pair(2), 0, 0, Planted::default()).unwrap();
    // Only what is youngest.
    let mut refused = 0;
    for _ in 0..200 {
        let last = game.moves().len() - 1;
        match game.take(last) {
            Ok(()) => {}
            Err(why) => {
                assert!(why.starts_with("fairness"), "{why}");
                refused += 1;
                let due = game.moves().iter().position(|it| it.refused.is_none());
                game.take(due.unwrap()).unwrap();
            }
        }
        if game.score().over.is_some() {
            return;
        }
        let (_, age, bound) = game.oldest().unwrap();
        assert!(age <= bound);
    }
    assert!(refused > 0);
}

#[test]
fn logs_and_scripts_are_not_taken_over() {
    let log = read(
        "title = \"A log\"\nsummary = \"Replicas.\"\n[cluster]\nprotocol = \"replicated-log\"\nagents = 3\nstores = 3\n",
    );
    let refused = Game::take_over(&log, 0, 0, Planted::default()).unwrap_err();
    assert!(refused.contains("replicated log"));
    let mut game = Game::take_over(&pair(1), 0, 0, Planted::default()).unwrap();
    game.take(0).unwrap();
    let refused = Game::take_over(&game.to_scenario(), 0, 0, Planted::default()).unwrap_err();
    assert!(refused.contains("script"));
}

#[test]
fn what_a_hand_broke_is_counted_and_what_it_cut_off_is_not_missed() {
    let rare = "block = { format = \"dual\" }\nstale = 1\n[heal]\nat = \"1s\"\n\
        [[fault]]\nchance = 0.000001\nduplicate = { by = \"1ms\" }\n";
    let mut game = Game::take_over(&system(3, rare), 0, 0, Planted::default()).unwrap();
    let write = |game: &Game| {
        let mut moves = game.moves().iter();
        moves.position(|it| it.act == Act::Write).unwrap()
    };
    let at = write(&game);
    game.strike(Strike::Tear, at).unwrap();
    let at = write(&game);
    game.strike(Strike::Delay, at).unwrap();
    game.strike(Strike::Crash, 0).unwrap();
    game.strike(Strike::Restart, 0).unwrap();
    let saved = read(&game.scenario_text());

    let report = run_one(&saved, saved.schedule.seed);
    let summary = run_seeds(
        &saved,
        0..1,
        1,
        Policy::All,
        Keep::Every,
        &AtomicBool::new(false),
        &|_| {},
        &mut |_| {},
    );

    for kind in ["torn-write", "delay", "crash", "restart"] {
        let count = report.faults[kind];
        assert_eq!((count.drawn, count.landed), (1, 1), "{kind}");
    }
    assert_eq!(report.faults["duplicate"].landed, 0);
    assert!(
        summary.never_landed.is_empty(),
        "{:?}",
        summary.never_landed
    );
}
