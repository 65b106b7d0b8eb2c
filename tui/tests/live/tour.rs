//! The tour: pages, and the game at its end.

use bivalent_tui::{
    app::App,
    keys::Mode,
    theme::{Look, Theme},
};

use crate::Desk;

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
        desk.arrive();
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
        assert!(!desk.app.is_moving(), "nothing plays on the way back");
    }
    let page = desk.app.scene().page.unwrap();
    assert_eq!((page.chapter, page.number), (1, 1));
    desk.keys("nn");
    assert_eq!(desk.app.scene().page.unwrap().chapter, 3);
}

#[test]
fn the_tour_ends_with_a_game_that_comes_back_to_its_page() {
    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    desk.keys("nnnnnnn  ");
    desk.arrive();
    desk.keys(" ");
    desk.arrive();
    let place = |desk: &Desk| {
        let page = desk.app.scene().page.unwrap();
        (page.chapter, page.number)
    };
    assert_eq!(place(&desk), (8, 3));
    let text = desk.text(120, 36);
    assert!(
        text.contains("press p") && text.contains("p be the adversary"),
        "{text}"
    );
    let step = desk.step();

    desk.keys("p");
    assert_eq!(desk.app.ui.mode, Mode::Adversary);
    assert!(desk.text(120, 36).contains("The proof of FLP, played"));
    desk.keys("<Enter>");
    assert_eq!(desk.app.scene().game.unwrap().score.moves, 1);
    desk.keys("<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Adversary, "a move is not saved");
    desk.keys("<Esc>");
    assert_eq!(desk.app.ui.mode, Mode::Tour);
    assert_eq!((place(&desk), desk.step()), ((8, 3), step));
    let text = desk.text(120, 36);
    assert!(
        text.contains("duelling-agents-with-backoff.toml@0x0#"),
        "{text}"
    );
    desk.keys("p");
    assert_eq!(desk.app.scene().game.unwrap().score.moves, 0, "a new game");
}

#[test]
fn the_tour_plays_up_to_its_page_and_any_key_is_there_at_once() {
    let app = App::new(Look::new(Theme::Dark, false)).on_tour();
    let mut played = Desk::open("basic/solo-agent", 0, app.clone());
    played.keys(" ");
    let start = played.step();
    assert!(played.app.is_moving());
    let text = played.text(80, 24);
    assert!(
        text.contains("1 of 8") && text.contains("PLAYING"),
        "{text}"
    );
    let mut last = start;
    let mut frames = 0;
    while played.app.is_moving() {
        let deeds = played.app.tick(50);
        played.perform(deeds);
        assert!(
            (last..=last + 1).contains(&played.step()),
            "20 steps a second"
        );
        last = played.step();
        frames += 1;
    }
    assert!(
        last > start && frames <= 41,
        "{start} to {last} in {frames}"
    );
    assert_eq!(played.app.ui.valence.as_ref().unwrap().0, last);

    let mut hurried = Desk::open("basic/solo-agent", 0, app);
    hurried.keys("  ");
    assert!(!hurried.app.is_moving());
    assert_eq!(hurried.step(), last);
    let page = hurried.app.scene().page.unwrap();
    assert_eq!(
        (page.chapter, page.number),
        (1, 2),
        "the key turned no page"
    );
    // A chapter is skipped at once, also while it plays.
    hurried.keys(" n");
    assert_eq!(hurried.app.scene().page.unwrap().chapter, 2);
}
