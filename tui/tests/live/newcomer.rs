//! What somebody tripped over who saw it for the first time.

use bivalent_tui::{
    app::App,
    keys::Mode,
    scene::Over,
    theme::{Look, Theme},
};

use crate::Desk;

/// A line of the header, from 0.
fn header(desk: &Desk, line: usize) -> String {
    let text = desk.text(120, 36);
    text.lines().nth(line).unwrap().to_owned()
}

fn message(desk: &Desk) -> &str {
    desk.app.ui.message.as_deref().unwrap_or_default()
}

fn play(desk: &mut Desk, frames: u32) {
    for _ in 0..frames {
        let deeds = desk.app.tick(100);
        desk.perform(deeds);
    }
}

#[test]
fn what_is_possible_is_that_of_the_step_wherever_one_stays() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    for keys in [
        "<End>",
        "g500ms<Enter>",
        ".",
        "b<Enter>",
        "x",
        "J",
        "X",
        "B<Enter>",
        "XD",
    ] {
        desk.keys(" ");
        play(&mut desk, 10);
        assert!(desk.app.ui.playing);
        desk.keys(keys);
        let known = desk.app.ui.valence.as_ref().map(|(step, _)| *step);
        assert_eq!(known, Some(desk.step()), "after {keys}");
        assert!(!header(&desk, 1).contains("was {"), "after {keys}");
    }
}

#[test]
fn what_is_possible_in_one_future_is_not_told_of_another() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g60<Enter>b<Down><Down><Enter><End>");
    let end = desk.app.ui.valence.clone().unwrap();
    desk.keys("x");
    assert_ne!(desk.app.ui.valence.as_ref(), Some(&end));
    assert_eq!(
        desk.app.ui.valence.as_ref().map(|it| it.0),
        Some(desk.step())
    );
}

#[test]
fn whoever_only_plays_is_told_to_pause() {
    let mut app = App::new(Look::new(Theme::Dark, false));
    app.ui.playing = true;
    let mut desk = Desk::open("flp/duelling-agents", 0, app);
    assert!(header(&desk, 1).contains("values still possible: pause to see"));
    desk.keys(" ");
    assert!(header(&desk, 1).contains("BIVALENT"));
}

#[test]
fn of_a_broken_run_no_game_begins() {
    let app = App::new(Look::new(Theme::Dark, false)).at_violation();
    let mut desk = Desk::open("fault/stale-reads-outside", 0, app);
    desk.keys("p");
    assert_eq!(desk.app.ui.mode, Mode::Watch);
    assert!(message(&desk).contains("agreement is broken since step 65"));
    assert!(header(&desk, 2).contains("AGREEMENT BROKEN"));

    let mut app = App::new(Look::new(Theme::Dark, false)).at(65);
    app.ui.mode = Mode::Adversary;
    let desk = Desk::open("fault/stale-reads-outside", 0, app);
    assert_eq!((desk.app.ui.mode, desk.step()), (Mode::Watch, 65));
}

#[test]
fn what_a_game_breaks_is_told() {
    let mut desk = Desk::plain("fault/stale-reads-outside", 0);
    desk.keys("g64<Enter>p");
    for _ in 0..60 {
        if header(&desk, 2).contains("AGREEMENT BROKEN") {
            return;
        }
        desk.keys("1");
    }
    panic!("{}", desk.text(120, 36));
}

#[test]
fn a_game_and_a_branch_are_not_measured_against_the_scenario() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys(".");
    assert!(header(&desk, 2).contains("STALL") && header(&desk, 2).contains("expected"));
    for keys in ["p", "<Esc>b<Enter>"] {
        desk.keys(keys);
        let verdict = header(&desk, 2);
        assert!(
            verdict.contains("STALL") && !verdict.contains("expected"),
            "{verdict}"
        );
    }
    desk.keys("<End>");
    assert!(!header(&desk, 2).contains("expected"));
    desk.keys("x<End>");
    assert!(header(&desk, 2).contains("as expected"));
}

#[test]
fn nothing_moves_behind_the_help() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g500<Enter>?");
    let help = desk.text(80, 24);
    desk.keys("<Right><Left>.bpgzw7 +");
    assert_eq!((desk.step(), &desk.app.ui.over), (500, &Over::Help));
    desk.keys("<Home><PgDn>");
    assert_ne!(desk.text(80, 24), help);
    desk.keys("<PgUp>");
    assert_eq!(desk.text(80, 24), help);
    // No key is lost beyond the end.
    desk.app.shown_in(80, 24);
    desk.keys("<End>");
    let end = desk.text(80, 24);
    assert!(
        end.contains("leave") && !end.contains("more below"),
        "{end}"
    );
    desk.keys("<PgDn>jj");
    assert_eq!(desk.text(80, 24), end);
    desk.keys("k");
    assert_ne!(desk.text(80, 24), end);
    desk.keys("q");
    assert_eq!((desk.step(), &desk.app.ui.over), (500, &Over::Nothing));
}

#[test]
fn help_is_told_in_whole_sentences() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("?");
    for (columns, rows) in [(80, 24), (100, 30), (120, 36)] {
        let text = desk.text(columns, rows);
        assert!(
            text.contains("to the next fault, stall, decision or violation"),
            "{text}"
        );
    }
}

#[test]
fn the_score_has_room_in_every_window() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("pa");
    for (columns, rows, told) in [
        (120, 36, "10 moves bivalent · your best 10 · undos 0"),
        (80, 24, "10 moves bivalent · your best 10 · undos 0"),
        (60, 16, "kept 10 · best 10 · undos 0"),
        (40, 10, "10 moves kept bivalent, your best 10"),
    ] {
        let text = desk.text(columns, rows);
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn the_titles_of_the_moves_stand_apart() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("p11h");
    let text = desk.text(120, 36);
    assert!(text.contains("the next step is yours  after it"), "{text}");
}

#[test]
fn keys_that_do_nothing_in_a_game_say_so() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("p ");
    assert!(message(&desk).contains("nothing plays by itself"));
    desk.keys("<Tab>");
    assert!(message(&desk).contains("panel 3 is chosen"));
}

#[test]
fn no_store_is_left_out_while_columns_can_be_narrower() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    for keys in ["g700<Enter>", "<End>", "<Left>"] {
        desk.keys(keys);
        let text = desk.text(120, 36);
        for store in ["s1 ●", "s2 ●", "s3 ●"] {
            assert!(text.contains(store), "{text}");
        }
    }
}

#[test]
fn one_step_is_a_step() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys("g60<Enter>b<Enter><Right>");
    assert!(header(&desk, 0).contains("#60, 1 step into a fork"));
    desk.keys("<Right>");
    assert!(header(&desk, 0).contains("#60, 2 steps into a fork"));
}

#[test]
fn a_filter_is_told_and_cleared() {
    let mut desk = Desk::plain("basic/crash-in-phase-2-and-recovery", 0);
    desk.keys("<End>/decided<Enter>5");
    assert!(message(&desk).is_empty(), "told until the next key");
    let told = "only with `decided`; / Enter shows all";
    assert!(desk.text(120, 36).contains(told));
    desk.keys("/crash<Esc>");
    assert!(desk.text(120, 36).contains(told), "Esc takes nothing");
    desk.keys("/<Enter>");
    assert_eq!(desk.app.ui.filter, "");
    desk.keys("/nowhere<Enter>");
    assert!(message(&desk).contains("/ Enter lists all"));
    assert!(desk.text(120, 36).contains("no event has `nowhere`"));
}

#[test]
fn each_way_out_of_a_game_asks_for_itself() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("pa<Esc>q");
    assert!(!desk.quits && desk.app.ui.mode == Mode::Adversary);
    assert!(message(&desk).starts_with("q again"));
    desk.keys("<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Adversary);
    desk.keys("qq");
    assert!(desk.quits);
}

#[test]
fn the_seventh_panel_takes_the_place_of_its_overlay() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys(".w7");
    assert_eq!((&desk.app.ui.over, desk.app.ui.focus), (&Over::Nothing, 7));
}
