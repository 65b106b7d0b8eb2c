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
    let mut desk = Desk::open("fault/stale-reads-outside", 0, app);
    insta::assert_snapshot!("violation-120x36", desk.text(120, 36));
    insta::assert_snapshot!("violation-40x10", desk.text(40, 10));
    desk.keys("w");
    insta::assert_snapshot!("violation-why-120x36", desk.text(120, 36));
}

#[test]
fn the_adversary_with_hints() {
    let mut desk = Desk::plain("flp/keep-bivalent", 0);
    desk.keys("pah");
    insta::assert_snapshot!("adversary-120x36", desk.text(120, 36));
    insta::assert_snapshot!("adversary-80x24", desk.text(80, 24));
    insta::assert_snapshot!("adversary-40x10", desk.text(40, 10));
}

#[test]
fn the_third_chapter_of_the_tour() {
    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    desk.keys("nn");
    desk.arrive();
    desk.keys(" ");
    desk.arrive();
    insta::assert_snapshot!("tour-3-120x36", desk.text(120, 36));
    insta::assert_snapshot!("tour-3-40x10", desk.text(40, 10));
}

#[test]
fn a_log() {
    let mut desk = Desk::plain("log/storm-kv", 0);
    desk.keys("g2500<Enter>");
    insta::assert_snapshot!("log-120x36", desk.text(120, 36));
}

#[test]
fn why_a_log_broke() {
    let mut desk = Desk::plain("log/store-replaced-outside", 0);
    desk.keys("<End>g2885<Enter>w");
    insta::assert_snapshot!("log-why-120x36", desk.text(120, 36));
}

#[test]
fn all_keys() {
    let mut desk = Desk::plain("basic/solo-agent", 0);
    desk.keys("?");
    insta::assert_snapshot!("help-120x36", desk.text(120, 36));
    desk.keys("?");
    insta::assert_snapshot!("words-120x36", desk.text(120, 36));
}

#[test]
fn in_a_small_window_what_does_not_fit_is_counted_and_can_be_gone_through() {
    let mut desk = Desk::plain("basic/fifty-agents-on-five-stores", 0);
    desk.keys("g300<Enter>");
    let text = desk.text(40, 10);
    assert!(text.contains("+45 more"), "{text}");
    assert!(desk.text(29, 10).starts_with("needs 30x6"));

    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    let first = desk.text(30, 6);
    assert!(
        first.contains("Some agents") && first.contains("down"),
        "{first}"
    );
    desk.keys("jjjjjjjjj");
    let last = desk.text(30, 6);
    assert!(last.contains("over time"), "{last}");
    desk.keys("k");
    assert_ne!(desk.text(30, 6), last, "no key is lost beyond the end");
}
