//! `bivalent watch` and the pictures of `bivalent export`: in a pipe, in a real terminal, in the README.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{bivalent, err, exits, folder, out, run};

#[test]
fn in_a_pipe_the_events_are_lines() {
    let folder = folder();

    let output = run(folder.path(), &["watch", "basic/two-agents-agree@3"]);

    exits(&output, 0);
    let text = out(&output);
    assert!(text.lines().count() > 10, "{text}");
    assert!(
        text.lines().all(|line| line.trim_start().starts_with('#')),
        "{text}"
    );
    assert!(text.contains("DECIDED"));

    let later = run(folder.path(), &["watch", "basic/two-agents-agree@3#20"]);
    exits(&later, 0);
    assert!(out(&later).lines().count() < text.lines().count());
    assert!(text.ends_with(out(&later)));
}

#[test]
fn in_a_pipe_what_breaks_is_told_at_its_step() {
    let folder = folder();
    for (what, step, said) in [
        ("fault/stale-reads-outside@0", "#65", "AGREEMENT BROKEN: a1"),
        ("fault/bit-rot-raw@6", "#34", "VALIDITY BROKEN: a3"),
        ("fault/torn-write-checked@0", "#98", "stall, wedged"),
    ] {
        let output = run(folder.path(), &["watch", what]);
        exits(&output, 0);
        let text = out(&output);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains(said)).collect();
        assert_eq!(lines.len(), 1, "{text}");
        assert!(
            lines[0].trim_start().starts_with(&format!("{step} ")),
            "{text}"
        );
    }
    // From a later step on it is history.
    let later = run(folder.path(), &["watch", "fault/stale-reads-outside@0#66"]);
    assert!(!out(&later).contains("BROKEN"));
}

#[test]
fn without_a_terminal_nobody_plays() {
    let folder = folder();
    for args in [
        &["watch", "--tour"][..],
        &["watch", "--adversary", "flp/keep-bivalent"],
    ] {
        let output = run(folder.path(), args);
        exits(&output, 2);
        assert!(err(&output).contains("no terminal"), "{}", err(&output));
    }
}

#[test]
fn what_is_not_there_is_told_before_any_screen() {
    let folder = folder();
    for (args, code) in [
        (&["watch", "no-such-scenario"][..], 74),
        (&["watch"], 2),
        (&["watch", "flp"], 2),
        (&["watch", "--theme", "pink", "flp/pct"], 2),
        (&["export", "flp/pct", "--as", "svg", "--size", "0x9"], 2),
        (
            &[
                "export",
                "basic/solo-agent",
                "--as",
                "svg",
                "--at",
                "999999",
            ],
            2,
        ),
        (
            &[
                "export",
                "basic/solo-agent",
                "--as",
                "cast",
                "--from",
                "9",
                "--to",
                "3",
            ],
            2,
        ),
    ] {
        let output = run(folder.path(), args);
        exits(&output, code);
        assert!(!err(&output).is_empty());
    }
}

#[test]
fn whoever_names_nothing_or_half_a_coordinate_is_told_what_can_be_named() {
    let folder = folder();
    for (args, told) in [
        (
            &["watch"][..],
            &["--tour", "duelling-agents", "scenario list"][..],
        ),
        (
            &["watch", "duelling-agents@zzz"],
            &["`zzz`: a seed is a number", "duelling-agents@0x5eed#1284"],
        ),
        (
            &["watch", "duelling-agents@-1"],
            &["`-1`: a seed is a number"],
        ),
        (
            &["watch", "duelling-agents@0#zz"],
            &["`zz`: a step is a number"],
        ),
        (
            &["watch", "duelling-agent@zzz"],
            &["did you mean `duelling-agents`"],
        ),
    ] {
        let output = run(folder.path(), args);
        let said = err(&output);
        for told in told {
            assert!(said.contains(told), "{args:?}: {said}");
        }
    }
}

#[test]
fn an_option_of_another_format_is_refused_and_told_where_it_belongs() {
    let folder = folder();
    for (format, option, takers) in [
        ("jsonl", &["--at", "3"][..], "`--as svg` takes it"),
        ("svg", &["--from", "3"], "`--as cast` takes it"),
        ("shiviz", &["--to", "3"], "`--as cast` takes it"),
        ("cast", &["--at", "3"], "`--as svg` takes it"),
        (
            "jsonl",
            &["--size", "80x24"],
            "`--as svg` and `--as cast` take it",
        ),
        (
            "shiviz",
            &["--theme", "dark"],
            "`--as svg` and `--as cast` take it",
        ),
        ("jsonl", &["--ascii"], "`--as svg` and `--as cast` take it"),
    ] {
        let args = [&["export", "basic/solo-agent", "--as", format], option].concat();
        let output = run(folder.path(), &args);
        exits(&output, 2);
        let said = err(&output);
        assert!(said.contains(option[0]) && said.contains(takers), "{said}");
    }
}

#[test]
fn what_cannot_be_written_is_named_as_it_was_typed() {
    let folder = folder();
    let path = "no-such-folder/x.svg";
    let args = ["export", "basic/solo-agent", "--as", "svg", "-o", path];

    let output = run(folder.path(), &args);

    exits(&output, 74);
    let said = err(&output);
    assert!(said.contains(path) && !said.contains(".tmp"), "{said}");
    assert!(said.contains("No such file or directory"), "{said}");
}

#[test]
fn a_film_has_a_frame_a_step_and_marks_what_happened() {
    let folder = folder();
    let args = [
        "export",
        "basic/crash-in-phase-2-and-recovery",
        "--as",
        "cast",
        "--size",
        "80x24",
    ];

    let output = run(folder.path(), &args);

    exits(&output, 0);
    let lines: Vec<serde_json::Value> = out(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        (
            lines[0]["version"].as_u64(),
            lines[0]["term"]["rows"].as_u64()
        ),
        (Some(3), Some(24))
    );
    let of = |code: &str| lines[1..].iter().filter(|line| line[1] == code).count();
    assert!(of("o") > 50, "{} frames", of("o"));
    assert!(of("m") > 2, "{} markers", of("m"));
}

/// The README's pictures are made by these commands.
const PICTURES: &[(&str, &[&str])] = &[
    (
        "duel.svg",
        &[
            "export",
            "flp/duelling-agents",
            "--as",
            "svg",
            "--at",
            "700",
            "--size",
            "120x36",
        ],
    ),
    (
        "violation.svg",
        &[
            "export",
            "fault/stale-reads-outside",
            "--as",
            "svg",
            "--size",
            "120x36",
        ],
    ),
];

#[test]
fn the_pictures_in_the_readme_are_what_export_draws() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(here.join("README.md")).unwrap();
    for (file, args) in PICTURES {
        let path = here.join("docs/pictures").join(file);
        let folder = folder();
        let output = run(folder.path(), args);
        exits(&output, 0);
        if std::env::var("BLESS").is_ok() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &output.stdout).unwrap();
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == out(&output),
            "{file} is no longer what `bivalent {}` draws: look at it, and run this test with BLESS=1",
            args.join(" ")
        );
        assert!(
            readme.contains(&format!("docs/pictures/{file}")),
            "{file} is not in the README"
        );
    }
}

/// A terminal of its own, in tmux.
struct Terminal(String);

impl Terminal {
    /// None, with a message, where there is no tmux.
    fn open(name: &str, columns: u16, rows: u16, folder: &Path) -> Option<Self> {
        let socket = format!("bivalent-test-{}-{name}", std::process::id());
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let opened = Command::new("tmux")
            .args([
                "-L",
                &socket,
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                &columns,
                "-y",
                &rows,
            ])
            .args(["-c", &folder.display().to_string(), "sh"])
            .env("PS1", "$ ")
            .env_remove("TMUX")
            .status();
        if !opened.is_ok_and(|status| status.success()) {
            eprintln!("skipped: there is no tmux here");
            return None;
        }
        Some(Self(socket))
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.0])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        for key in keys {
            self.tmux(&["send-keys", key]);
        }
    }

    /// Waits until the screen shows something; panics with the screen if it never does.
    #[track_caller]
    fn shows(&self, text: &str) -> String {
        // Far longer than it takes, since it is no clock that is tested.
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < until, "`{text}` never came:\n{screen}");
            sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn the_real_command_in_a_real_terminal() {
    let folder = folder();
    let Some(terminal) = Terminal::open("keys", 120, 36, folder.path()) else {
        return;
    };
    let command = env!("CARGO_BIN_EXE_bivalent");
    let watch = |what: &str| {
        terminal.keys(&[
            &format!("clear; {command} watch {what}; echo ended $?"),
            "Enter",
        ]);
    };

    watch("flp/duelling-agents#600");
    terminal.shows("step 600");
    terminal.keys(&["Right"]);
    terminal.shows("step 601");
    // The wheel, as a terminal reports it.
    terminal.tmux(&["send-keys", "-l", "\u{1b}[<65;10;10M"]);
    terminal.shows("step 602");
    let mouse = || terminal.tmux(&["display-message", "-p", "#{mouse_standard_flag}"]);
    assert_eq!(mouse().trim(), "1");
    terminal.keys(&["g", "1", "0", "0", "Enter"]);
    terminal.shows("step 100 ");
    terminal.keys(&["?"]);
    terminal.shows("all keys");
    terminal.keys(&["Escape", "q"]);
    let screen = terminal.shows("ended 0");
    assert!(
        !screen.contains("Ballots"),
        "the screen is given back:\n{screen}"
    );
    assert_eq!(mouse().trim(), "0", "so is the mouse");

    watch("--adversary flp/keep-bivalent");
    terminal.shows("YOU ARE THE ADVERSARY");
    terminal.keys(&["h"]);
    terminal.shows("best");
    terminal.keys(&["a", "C-s"]);
    terminal.shows("saved: bivalent replay");
    terminal.keys(&["C-c"]);
    terminal.shows("ended 130");
    assert!(folder.path().join("keep-bivalent-by-hand.toml").is_file());

    // A theme that was asked for has its colours.
    terminal.keys(&["clear; export NO_COLOR=1", "Enter"]);
    watch("flp/duelling-agents#600 --theme light");
    terminal.shows("step 600");
    let painted = terminal.tmux(&["capture-pane", "-p", "-e"]);
    assert!(painted.contains("38;2;"), "{painted}");

    // The shell has its screen while the run is suspended.
    terminal.keys(&["C-z"]);
    let shell = terminal.shows("ended 14");
    assert!(!shell.contains("Ballots"), "{shell}");
    terminal.keys(&["fg; echo back $?", "Enter"]);
    terminal.shows("Ballots");
    terminal.keys(&["Right"]);
    terminal.shows("step 601");
    terminal.keys(&["q"]);
    terminal.shows("back 0");
}

#[test]
fn signals_from_outside_give_the_screen_back() {
    let folder = folder();
    let Some(terminal) = Terminal::open("signals", 120, 36, folder.path()) else {
        return;
    };
    let command = env!("CARGO_BIN_EXE_bivalent");
    let watch = || {
        terminal.keys(&[
            &format!("clear; {command} watch flp/duelling-agents; echo ended $?"),
            "Enter",
        ]);
        terminal.shows("Ballots");
    };
    let pids = terminal.tmux(&["list-panes", "-F", "#{pane_pid}"]);
    let shell = pids.trim();
    let signal = |signal: &str| {
        let sent = Command::new("pkill")
            .args([signal, "-P", shell, "bivalent"])
            .status();
        sent.is_ok_and(|status| status.success())
    };
    let is_given_back = |ended: &str| {
        let screen = terminal.shows(ended);
        assert!(!screen.contains("Ballots"), "{screen}");
        let mouse = terminal.tmux(&["display-message", "-p", "#{mouse_standard_flag}"]);
        assert_eq!(mouse.trim(), "0", "{screen}");
    };

    watch();
    if !signal("-TERM") {
        eprintln!("skipped: there is no pkill here");
        return;
    }
    is_given_back("ended 130");

    // Stopped twice: it goes on as if it had never been away, and can be stopped again.
    watch();
    for stopped in ["ended 14", "back 14"] {
        assert!(signal("-TSTP"));
        is_given_back(stopped);
        terminal.keys(&["clear; fg; echo back $?", "Enter"]);
        terminal.shows("Ballots");
    }
    terminal.keys(&["q"]);
    terminal.shows("back 0");

    watch();
    assert!(signal("-QUIT"));
    is_given_back("ended 131");
}

#[test]
fn what_is_copied_of_a_small_trace_replays_to_its_fingerprint() {
    let folder = folder();
    fs::write(folder.path().join("duel.toml"), crate::fuzz::DUEL).unwrap();
    let small = ["shrink", "duel.toml@3", "-o", "a small.trace"];
    exits(&run(folder.path(), &small), 0);
    let Some(terminal) = Terminal::open("copied", 120, 36, folder.path()) else {
        return;
    };
    let command = env!("CARGO_BIN_EXE_bivalent");
    terminal.keys(&[
        &format!("clear; {command} watch 'a small.trace#7'"),
        "Enter",
    ]);
    terminal.shows("step 7 ");
    terminal.keys(&["y"]);
    let screen = terminal.shows("copied, if the terminal allows it: ");
    let (_, copied) = screen.split_once("allows it: ").unwrap();
    let copied = copied.lines().next().unwrap().trim_end();

    let replayed = Command::new("sh")
        .args(["-c", &format!("{command} replay {copied}")])
        .current_dir(folder.path())
        .output()
        .unwrap();

    exits(&replayed, 0);
    let again = run(folder.path(), &["replay", "a small.trace"]);
    assert!(out(&again).contains("fingerprint"), "{}", out(&again));
    assert_eq!(out(&replayed), out(&again), "{copied}");
    // The seed's own run is another one: that is why its coordinate would not do.
    let seed = run(folder.path(), &["replay", "duel.toml@3"]);
    assert_ne!(out(&seed), out(&again));
}

#[test]
fn what_was_played_replays_without_a_hand() {
    // Saved by hand once; the command says what it came to.
    let folder = folder();
    let text = "title = \"Played by hand\"\nsummary = \"Two agents and a store.\"\n[cluster]\n\
        agents = { a1 = \"0\", a2 = \"1\" }\nstores = 1\nblock = { format = \"raw\" }\n[schedule]\n\
        adversary = { script = { from = 2, stem = [\"a2 write s1\", \"a1 write s1\"] } }\n\
        [expect]\noutcome = \"any\"\n";
    fs::write(folder.path().join("hand.toml"), text).unwrap();
    let first = run(folder.path(), &["run", "hand.toml", "--format", "jsonl"]);
    exits(&first, 0);
    let again = bivalent(folder.path(), &["replay", "hand.toml@0x0"])
        .output()
        .unwrap();
    exits(&again, 0);
}
