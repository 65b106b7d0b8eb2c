//! Keys replayed against the application.

use bivalent_sim::{engine::Engine, scenario::Scenario, view::Standing};
use bivalent_tui::{
    app::App,
    keys::Mode,
    scene::Over,
    theme::{Look, Theme},
};

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
    assert!(
        branch.on_branch && branch.what.starts_with("a fair schedule"),
        "{branch:?}"
    );
    let differs = branch.differs.unwrap();
    assert!(differs > 60);
    desk.keys("J");
    assert_eq!(desk.step(), differs);
    desk.keys("x");
    assert!(!desk.app.ui.branch.as_ref().unwrap().on_branch);
    desk.keys("J");
    assert_eq!(desk.step(), differs);
    let mut none = Desk::plain("basic/solo-agent", 0);
    none.keys("x");
    assert!(none.app.ui.message.as_ref().unwrap().contains("one future"));
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
    let mut engine = Engine::new(&saved);
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
fn the_tour_has_a_beginning_and_an_end_and_a_way_back() {
    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    let pages: usize = bivalent_tui::tour::CHAPTERS
        .iter()
        .map(|it| it.pages.len())
        .sum();
    for _ in 1..pages {
        desk.keys(" ");
    }
    let page = desk.app.scene().page.unwrap();
    assert_eq!((page.chapter, page.number), (page.chapters, page.pages));
    desk.keys(" ");
    assert!(
        desk.app
            .ui
            .message
            .as_ref()
            .unwrap()
            .contains("end of the tour")
    );
    for _ in 1..pages {
        desk.keys("<Left>");
    }
    let page = desk.app.scene().page.unwrap();
    assert_eq!((page.chapter, page.number), (1, 1));
    desk.keys("nn");
    assert_eq!(desk.app.scene().page.unwrap().chapter, 3);
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
