//! Keys replayed against the application.

use bivalent_sim::{
    engine::{blocks::BlockEngine, view::Standing},
    judge::verdict::Finished,
    scenario::Scenario,
};
use bivalent_tui::{
    app::App,
    keys::Mode,
    scene::Over,
    theme::{Look, Theme},
};

use ratatui::crossterm::event::{MouseButton, MouseEventKind};

use crate::Desk;

#[test]
fn one_walks_in_both_directions_and_to_the_ends() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    assert_eq!(desk.step(), 0);
    desk.keys("<Right><Right>l");
    assert_eq!(desk.step(), 3);
    desk.keys("<Left>h<Left><Left><Left>");
    assert_eq!(desk.step(), 0);
    desk.keys("<End>");
    let end = desk.step();
    assert!(end > 1000);
    desk.keys("<Right>");
    assert_eq!(desk.step(), end, "there is nothing after the end");
    desk.keys("<Home>");
    assert_eq!(desk.step(), 0);
}

#[test]
fn marks_are_jumped_to_one_kind_at_a_time() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys(".");
    let stall = desk.step();
    assert!(
        desk.app.scene().view.stall.is_some(),
        "the first mark of the duel is its stall"
    );
    desk.keys("mmm.");
    assert_eq!(desk.app.ui.marks.name(), "decisions");
    assert!(desk.step() > stall);
    desk.keys("mmmm,");
    assert_eq!(desk.step(), stall);
    desk.keys("<Home>,");
    assert!(
        desk.app
            .ui
            .message
            .as_ref()
            .unwrap()
            .starts_with("no stalls before")
    );
}

#[test]
fn steps_and_times_are_typed_and_nonsense_is_refused() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g1,284<Enter>");
    assert_eq!(desk.step(), 1284);
    desk.keys("g100ms<Enter>");
    let view = desk.app.scene().view;
    assert!(view.time_ns <= 100_000_000 && view.step > 10);
    let before = desk.step();
    desk.keys("gsoon<Enter>");
    assert_eq!(desk.step(), before);
    assert!(desk.app.ui.message.as_ref().unwrap().contains("`soon`"));
    desk.keys("g12<Back><Back>7<Enter>");
    assert_eq!(desk.step(), 7);
    desk.keys("g99<Esc>");
    assert_eq!((desk.step(), &desk.app.ui.over), (7, &Over::Nothing));
}

#[test]
fn a_branch_is_another_future_and_both_can_be_seen() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g60<Enter>b<Down><Down><Enter>");
    let branch = desk.app.ui.branch.clone().unwrap();
    assert_eq!((branch.on, branch.other), (1, 0));
    assert_eq!(branch.rows[1].from, Some(("main".to_owned(), 60)));
    assert_eq!(branch.rows[1].what, "a fair schedule");
    let differs = branch.differs.unwrap();
    assert!(differs > 60);
    desk.keys("J");
    assert_eq!(desk.step(), differs);
    desk.keys("x");
    assert_eq!(desk.app.ui.branch.as_ref().unwrap().on, 0);
    desk.keys("J");
    assert_eq!(desk.step(), differs);
    let mut none = Desk::plain("basic/solo-agent", 0);
    for key in ["x", "X", "B", "J", "D"] {
        none.keys(key);
        assert!(none.app.ui.message.as_ref().unwrap().contains("one future"));
    }
}

#[test]
fn a_branch_of_a_branch_replaces_nothing_and_all_can_be_gone_through() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g60<Enter>b<Enter>g70<Enter>b<Down><Enter>");
    let branch = desk.app.ui.branch.clone().unwrap();
    let names: Vec<&str> = branch.rows.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["main", "a", "b"]);
    assert_eq!(branch.rows[2].from, Some(("a".to_owned(), 70)));
    assert_eq!(
        (branch.on, branch.other),
        (2, 1),
        "compared with its parent"
    );
    let text = desk.text(120, 36);
    assert!(text.contains("b, 3 of 3 futures"), "{text}");
    assert!(desk.text(60, 16).contains(" b 3/3 "));
    assert!(text.contains("from a at step 70"), "{text}");

    let on = |desk: &Desk| desk.app.ui.branch.as_ref().unwrap().on;
    desk.keys("X");
    assert_eq!(on(&desk), 0);
    desk.keys("X");
    assert_eq!(on(&desk), 1);
    desk.keys("xx");
    assert_eq!(on(&desk), 1, "x flips between two");
    desk.keys("B");
    let text = desk.text(120, 36);
    assert!(text.contains("another choice, from a at step 70"), "{text}");
    desk.keys("<Down><Down><Down><Enter>");
    assert_eq!(
        (on(&desk), desk.app.ui.branch.as_ref().unwrap().other),
        (2, 1)
    );

    // What branched off from a forgotten one stays.
    desk.keys("XXD");
    assert!(
        desk.app
            .ui
            .message
            .as_ref()
            .unwrap()
            .contains("a is forgotten")
    );
    let branch = desk.app.ui.branch.clone().unwrap();
    assert_eq!(
        (branch.rows.len(), branch.rows[branch.on].name.as_str()),
        (2, "main")
    );
    desk.keys("D");
    assert!(
        desk.app
            .ui
            .message
            .as_ref()
            .unwrap()
            .contains("the run itself")
    );
    desk.keys("XD");
    assert!(desk.app.ui.branch.is_none(), "only the run is left");
}

#[test]
fn no_more_branches_are_kept_than_there_is_room_for() {
    let mut desk = Desk::plain("basic/two-agents-agree", 0);
    for _ in 0..17 {
        desk.keys("b<Enter>");
    }
    assert_eq!(desk.app.ui.branch.as_ref().unwrap().rows.len(), 17);
    let said = desk.app.ui.message.clone().unwrap();
    assert!(said.contains("16 branches are kept"), "{said}");
    desk.keys("Db<Enter>");
    assert_eq!(desk.app.ui.branch.as_ref().unwrap().rows.len(), 17);
}

#[test]
fn what_is_copied_can_be_opened() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g60<Enter>y");
    assert_eq!(
        (desk.copied.take(), desk.note.as_str()),
        (
            Some("scenarios/flp/duelling-agents.toml@0x0#60".to_owned()),
            ""
        )
    );
    desk.keys("b<Enter><Right><Right>y");
    assert_eq!(
        desk.copied.as_deref(),
        Some("scenarios/flp/duelling-agents.toml@0x0#60")
    );
    assert!(
        desk.note.contains("no coordinate of its own"),
        "{}",
        desk.note
    );

    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("g4<Enter>paay");
    assert_eq!(
        desk.copied.as_deref(),
        Some("scenarios/flp/keep-bivalent.toml@0x0#4")
    );
    assert!(desk.note.contains("^S saves the game"), "{}", desk.note);
}

#[test]
fn a_game_is_not_lost_by_one_key() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("p<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Watch, "nothing was made yet");
    desk.keys("pa<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Adversary);
    assert_eq!(
        desk.app.ui.message.as_deref(),
        Some("Esc again to end the game; ^S saves it")
    );
    desk.keys("h<Esc>");
    assert_eq!(
        desk.app.ui.mode,
        Mode::Adversary,
        "another key in between takes it back"
    );
    desk.keys("<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Watch);
    desk.keys("paq");
    assert!(!desk.quits);
    desk.keys("<C-s>q");
    assert!(desk.quits, "what is saved is not asked about");
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("pa<C-c>");
    assert!(desk.quits, "Ctrl-C always leaves");
}

#[test]
fn whatever_the_adversary_does_is_told() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("p");
    for (key, said) in [
        ("r", "nobody is down"),
        ("c", "crash"),
        ("r", "restart"),
        ("d", "delay"),
        ("u", "taken back: a1 delay"),
        ("u", "restart"),
        ("u", "crash"),
        ("u", "no move to take back"),
        ("a", "the machine made"),
    ] {
        desk.keys(key);
        let message = desk.app.ui.message.clone().unwrap_or_default();
        assert!(message.contains(said), "{key}: {message}");
    }
}

#[test]
fn number_keys_choose_a_panel_and_z_zooms_it() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g700<Enter>44");
    assert_eq!((desk.app.ui.focus, desk.app.ui.zoomed), (4, false));
    desk.keys("z");
    let zoomed = desk.text(120, 36);
    assert!(zoomed.contains("4 Next steps") && !zoomed.contains("2 Ballots"));
    desk.keys("2");
    let other = desk.text(120, 36);
    assert!(other.contains("2 Ballots") && !other.contains("4 Next steps"));
    desk.keys("z");
    let all = desk.text(120, 36);
    assert!(all.contains("2 Ballots") && all.contains("4 Next steps"));
    // Where the seventh has no place of its own it takes that of the events.
    desk.keys("7");
    let why = desk.text(120, 36);
    assert!(why.contains("7 Why") && !why.contains("5 Events"), "{why}");
    desk.keys("z<Esc>");
    assert!(!desk.app.ui.zoomed, "Esc shows all again");
}

#[test]
fn help_tells_every_key_and_has_a_second_page_of_words() {
    let mut desk = Desk::plain("basic/solo-agent", 0);
    desk.keys("?");
    let mut all = desk.text(40, 10);
    for _ in 0..40 {
        desk.keys("j");
        all.push_str(&desk.text(40, 10));
    }
    for told in ["play, or pause", "to the beginning", "leave"] {
        assert!(all.contains(told), "{told}");
    }
    desk.keys("?");
    assert_eq!(desk.app.ui.over, Over::Terms);
    let first = desk.text(80, 24);
    assert!(
        first.contains("mbal") && first.contains("more below"),
        "{first}"
    );
    let mut all = first;
    for _ in bivalent_tui::legend::TERMS {
        desk.keys("j");
        all.push_str(&desk.text(80, 24));
    }
    for (term, _) in bivalent_tui::legend::TERMS {
        assert!(all.contains(&format!("│ {term} ")), "{term}");
    }
    desk.keys("?");
    assert_eq!(desk.app.ui.over, Over::Nothing);
}

#[test]
fn what_was_possible_is_not_taken_for_what_is() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g100<Enter>");
    assert!(!desk.text(120, 36).contains(" was {"));
    desk.keys(" ");
    for _ in 0..10 {
        let deeds = desk.app.tick(100);
        desk.perform(deeds);
    }
    assert!(desk.step() > 100);
    for size in [(120, 36), (40, 10)] {
        let text = desk.text(size.0, size.1);
        assert!(text.contains("was {0,1} BIVALENT at step 100"), "{text}");
    }
}

#[test]
fn a_log_counts_its_decided_slots() {
    let desk = Desk::plain("log/storm-kv", 0);
    let text = desk.text(120, 36);
    let slots = desk.app.scene().track.slots;
    assert!(
        slots > 10 && text.contains(&format!("{slots} decided slots")),
        "{text}"
    );
}

#[test]
fn every_branch_on_offer_can_be_taken() {
    for down in 0..6 {
        let mut desk = Desk::plain("flp/duelling-agents", 0);
        desk.keys(&format!("g50<Enter>b{}<Enter><End>", "<Down>".repeat(down)));
        assert!(desk.app.ui.branch.is_some(), "branch {down}");
        assert!(desk.step() > 50);
    }
}

#[test]
fn whoever_plays_the_adversary_saves_a_scenario_that_is_the_same_run() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("g2<Enter>p");
    assert_eq!(desk.app.ui.mode, Mode::Adversary);
    desk.keys("h<Enter>1u2aj<Enter>");
    let score = desk.app.scene().game.unwrap().score.clone();
    assert!(score.moves > 5 && score.undos == 1, "{score:?}");
    desk.keys("<C-s>");
    let said = desk.app.ui.message.clone().unwrap();
    let kept = desk.kept.lock().unwrap().clone();
    let (name, text) = &kept[0];
    assert_eq!(name, "keep-bivalent-by-hand.toml");
    let none = |_: &str| Err("no file".to_owned());
    let saved = Scenario::parse(name, text, &none).unwrap();
    let mut engine = BlockEngine::new(&saved);
    engine.run(saved.schedule.seed);
    let fingerprint = format!("{:016x}", engine.fingerprint());
    assert!(said.contains(&fingerprint), "{said} is not {fingerprint}");
    desk.keys("<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Watch);
    assert!(desk.app.scene().game.is_none());
}

#[test]
fn what_cannot_be_taken_over_says_why() {
    let mut desk = Desk::plain("log/storm-kv", 0);
    desk.keys("p");
    assert_eq!(desk.app.ui.mode, Mode::Watch);
    assert!(
        desk.app
            .ui
            .message
            .as_ref()
            .unwrap()
            .contains("replicated log")
    );
}

#[test]
fn a_broken_run_opens_at_its_violation() {
    let app = App::new(Look::new(Theme::Dark, false)).at_violation();
    let mut desk = Desk::open("fault/stale-reads-outside", 0, app);
    let scene = desk.app.scene();
    let step = match &scene.view.standing {
        Standing::Broken { step, .. } => *step,
        other @ (Standing::Undecided | Standing::Decided { .. }) => panic!("{other:?}"),
    };
    assert_eq!(desk.step(), step);
    desk.keys("<Left>");
    assert_eq!(desk.step(), step - 1, "and one may leave it");
}

#[test]
fn playing_advances_and_stops_at_the_end() {
    let mut desk = Desk::plain("basic/two-agents-agree", 0);
    desk.keys(" +");
    assert!(desk.app.ui.playing);
    for _ in 0..10_000 {
        let deeds = desk.app.tick(33);
        desk.perform(deeds);
    }
    let scene = desk.app.scene();
    assert_eq!(scene.view.step, scene.track.steps);
    assert!(!desk.app.ui.playing);
    desk.keys(" ");
    assert_eq!(desk.step(), 0, "space at the end begins anew");
}

#[test]
fn overlays_open_and_close_and_events_are_filtered() {
    let mut desk = Desk::plain("basic/crash-in-phase-2-and-recovery", 0);
    desk.keys("<End>?");
    assert_eq!(desk.app.ui.over, Over::Help);
    desk.keys("q");
    assert!(!desk.quits, "q closes what is open first");
    desk.keys("w");
    assert!(
        desk.app
            .ui
            .why
            .as_ref()
            .is_some_and(|(_, parts)| parts[0].lines.len() > 1)
    );
    desk.keys("<Esc>/DECIDED<Enter>5z");
    let text = desk.text(100, 30);
    let events: Vec<&str> = text.lines().filter(|line| line.contains('#')).collect();
    let told = events
        .iter()
        .filter(|line| line.contains("DECIDED"))
        .count();
    assert!(told > 0 && !text.contains("phase 1, ballot"), "{text}");
    desk.keys("y");
    assert!(desk.copied.as_ref().unwrap().contains("@0x0#"));
    desk.keys("q");
    assert!(desk.quits);
}

#[test]
fn why_of_a_violation_is_two_chains_and_what_misled_one_of_them() {
    let app = App::new(Look::new(Theme::Dark, false)).at_violation();
    let mut desk = Desk::open("fault/stale-reads-outside", 0, app);
    desk.keys("w");
    for (columns, rows) in [(120, 36), (80, 24)] {
        let text = desk.text(columns, rows);
        for told in ["a3 DECIDED v3 at step 41", "a1 DECIDED v2 at step 65"] {
            assert!(text.contains(told), "{told}:\n{text}");
        }
    }
    assert!(desk.text(120, 36).contains("~ stale-read: s1"));
    // In a smaller window the end has to be scrolled to, and no key is lost there.
    assert!(!desk.text(60, 16).contains("~ stale-read: s1"));
    desk.keys(&"j".repeat(40));
    assert!(desk.text(60, 16).contains("~ stale-read: s1"));
    desk.keys("<Esc><Left>w");
    assert_eq!(desk.app.ui.why.as_ref().unwrap().1.len(), 1);
}

#[test]
fn a_click_chooses_a_panel_or_a_step_and_the_wheel_steps() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    let text = desk.text(120, 36);
    let place = |sign: &str| {
        let found = text.lines().enumerate().find_map(|(row, line)| {
            let at = line.find(sign)?;
            Some((line[..at].chars().count() as u16, row as u16))
        });
        found.unwrap()
    };
    let (x, y) = place("3 Store");
    desk.mouse(MouseEventKind::Down(MouseButton::Left), (x, y));
    assert_eq!((desk.app.ui.focus, desk.step()), (3, 0));
    // The last column of the rail is the last step.
    let (x, y) = place("┤ 10.014s");
    desk.mouse(MouseEventKind::Down(MouseButton::Left), (x - 1, y));
    let end = desk.app.scene().track.steps;
    assert_eq!((desk.app.ui.focus, desk.step()), (6, end));
    desk.mouse(MouseEventKind::Down(MouseButton::Left), (x, y));
    assert_eq!(desk.step(), end, "beside the rail there is no step");
    desk.mouse(MouseEventKind::ScrollUp, (5, 5));
    assert_eq!(desk.step(), end - 1);
    let (x, y) = place("├");
    desk.mouse(MouseEventKind::Down(MouseButton::Left), (x + 1, y));
    assert_eq!(desk.step(), 0);
    // What lies over the panels is not clicked through.
    desk.keys("1?");
    desk.mouse(MouseEventKind::Down(MouseButton::Left), (x + 40, y));
    assert_eq!((desk.app.ui.focus, desk.step()), (1, 0));
    desk.keys("<Esc>b");
    desk.mouse(MouseEventKind::ScrollDown, (5, 5));
    assert_eq!(desk.app.ui.over, Over::Branches(1));
}
