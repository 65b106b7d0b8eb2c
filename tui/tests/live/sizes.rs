//! Every size draws, in every mode, and nothing panics.

use bivalent_tui::{
    app::App,
    theme::{Look, Theme},
};

use crate::Desk;

/// Draws at sizes small and large.
fn at_all_sizes(desk: &Desk, what: &str) {
    for rows in (1..=44).chain([60, 100]) {
        for columns in (1..=40)
            .chain((41..=200).step_by(7))
            .chain([59, 60, 79, 80, 119, 120, 159, 160, 300])
        {
            // Some of the sizes each time, which ones depends on what is drawn.
            if (columns + rows) % 7 == what.len() as u16 % 7 || columns % 40 == 0 {
                let text = desk.text(columns, rows);
                assert_eq!(
                    text.lines().count(),
                    usize::from(rows),
                    "{what} at {columns}x{rows}"
                );
            }
        }
    }
}

#[test]
fn runs_of_every_kind() {
    for (name, keys) in [
        ("flp/duelling-agents", "g700<Enter>"),
        ("fault/stale-reads-outside", "<End>"),
        ("fault/torn-write-checked", "<End>w"),
        ("basic/fifty-agents-on-five-stores", "g5000<Enter>"),
        ("log/storm-kv", "g3000<Enter>"),
        ("regimes/acceptor-records-duel", "g30<Enter>"),
    ] {
        let mut desk = Desk::plain(name, 0);
        at_all_sizes(&desk, name);
        desk.keys(keys);
        at_all_sizes(&desk, name);
    }
}

#[test]
fn every_panel_alone_and_every_overlay() {
    for ascii in [false, true] {
        let mut desk = Desk::open(
            "flp/duelling-agents",
            0,
            App::new(Look::new(Theme::Mono, ascii)),
        );
        desk.keys("g700<Enter>w<Esc>");
        for panel in 1..=7 {
            desk.keys(&format!("{panel}z"));
            at_all_sizes(&desk, &"panel".repeat(panel));
            desk.keys("z");
        }
        for overlay in ["?", "??", "w", "b", "g12", "/write"] {
            desk.keys(overlay);
            at_all_sizes(&desk, overlay);
            desk.keys("<Esc>");
        }
        desk.keys("b<Enter>b<Enter>");
        at_all_sizes(&desk, "branch");
        desk.keys("B");
        at_all_sizes(&desk, "branches");
    }
}

#[test]
fn the_adversary_and_the_tour() {
    for name in [
        "flp/keep-bivalent",
        "flp/duelling-agents",
        "fault/stale-reads-inside",
    ] {
        let mut desk = Desk::plain(name, 0);
        desk.keys("p");
        at_all_sizes(&desk, name);
        desk.keys("jc");
        at_all_sizes(&desk, "crash");
        desk.keys("h");
        at_all_sizes(&desk, "hint");
        for _ in 0..120 {
            desk.keys("1");
        }
        at_all_sizes(&desk, "over");
    }
    let app = App::new(Look::new(Theme::Light, false)).on_tour();
    let mut desk = Desk::open("basic/solo-agent", 0, app);
    for _ in 0..9 {
        at_all_sizes(&desk, "tour");
        desk.keys("n");
    }
}

#[test]
fn nothing_known_yet() {
    // Before the first answer of the worker.
    let app = App::new(Look::new(Theme::Dark, false));
    for (columns, rows) in [(1, 1), (60, 16), (80, 24), (120, 36), (200, 60)] {
        let area = ratatui::layout::Rect::new(0, 0, columns, rows);
        let mut buffer = ratatui::buffer::Buffer::empty(area);
        bivalent_tui::screen::draw(&app.scene(), &mut buffer);
    }
}
