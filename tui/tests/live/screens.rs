//! Whole screens as they are: text, and one of them as a picture.

use bivalent_tui::{
    app::App,
    record,
    theme::{Look, Theme},
};

use crate::Desk;

#[test]
fn the_duel_at_its_stall() {
    let mut desk = Desk::plain("flp/duelling-agents", 0);
    desk.keys(".w<Esc>");
    desk.app.ui.message = None;
    insta::assert_snapshot!("duel-120x36", desk.text(120, 36));
    insta::assert_snapshot!("duel-180x40", desk.text(180, 40));
    insta::assert_snapshot!("duel-80x24", desk.text(80, 24));
    insta::assert_snapshot!("duel-60x16", desk.text(60, 16));
    insta::assert_snapshot!("duel-40x10", desk.text(40, 10));
    insta::assert_snapshot!("duel-svg", record::svg(&desk.buffer(80, 24), "duel", false));
}

#[test]
fn the_same_in_ascii() {
    let mut desk = Desk::open(
        "flp/duelling-agents",
        0,
        App::new(Look::new(Theme::Mono, true)),
    );
    desk.keys(".");
    desk.app.ui.message = None;
    let text = desk.text(120, 36);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!("duel-ascii", text);
}

#[test]
fn a_violation_opened_at_its_step() {
    let app = App::new(Look::new(Theme::Dark, false)).at_violation();
    let desk = Desk::open("fault/stale-reads-outside", 0, app);
    insta::assert_snapshot!("violation-120x36", desk.text(120, 36));
}

#[test]
fn the_adversary_with_hints() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("pah");
    insta::assert_snapshot!("adversary-120x36", desk.text(120, 36));
    insta::assert_snapshot!("adversary-80x24", desk.text(80, 24));
}

#[test]
fn the_third_chapter_of_the_tour() {
    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    desk.keys("nn ");
    insta::assert_snapshot!("tour-3-120x36", desk.text(120, 36));
}

#[test]
fn a_log() {
    let mut desk = Desk::plain("log/storm-kv", 0);
    desk.keys("g3000<Enter>");
    insta::assert_snapshot!("log-120x36", desk.text(120, 36));
}

#[test]
fn all_keys() {
    let mut desk = Desk::plain("basic/solo-agent", 0);
    desk.keys("?");
    insta::assert_snapshot!("help-120x36", desk.text(120, 36));
}
