//! What a check says of code that is broken in one way or another, and what it says to code that is not.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU64, Ordering},
};

use bivalent_core::{
    Agent, Ballot, Block, BlockOp, BlockReply, BlockTag, Config, DecreeSaid, DecreeTimer, Event,
    Explored, Incarnation, Pause, Phase, Port, Renaming, SingleDecree, StateMachine, StoreId,
    Value,
};

use super::*;
use crate::engine::log::{Asked, Call, Draw};

const THREE: &str = r#"
title = "Three, and a crash"
summary = "Replicas whose agents crash."
[cluster]
protocol = "replicated-log"
agents = 3
stores = 3
[workload]
clients = 1
requests = 6
[[fault]]
chance = 0.005
crash = { restart = "5ms..50ms" }
[limits]
time = "2s"
[expect]
outcome = "any"
"#;

const CALM: &str = r#"
title = "Calm"
summary = "Contention and crashes."
[cluster]
agents = 3
stores = 3
[schedule]
retry = "1ms..8ms"
[[fault]]
chance = 0.02
crash = { restart = "1ms..10ms" }
[expect]
outcome = "any"
"#;

/// What is wrong with a counter.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Flaw {
    None,
    /// It forgets how far it was.
    Forgets,
    /// It panics at three.
    Panics,
    /// It does not come back from three.
    Loops,
    /// Its clients roll dice that nobody has recorded.
    Rolls,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Counter(Flaw, u64);

impl StateMachine for Counter {
    type Command = ();
    type Query = ();
    type Answer = u64;
    type Snapshot = Self;

    fn apply(&mut self, (): &()) -> u64 {
        self.1 += 1;
        match (self.0, self.1) {
            (Flaw::Panics, 3) => panic!("three is too many"),
            (Flaw::Loops, 3) => loop {
                thread::park();
            },
            _ => self.1,
        }
    }
    fn query(&self, (): &()) -> u64 {
        self.1
    }
    fn snapshot(&self) -> Self {
        let count = if self.0 == Flaw::Forgets { 0 } else { self.1 };
        Self(self.0, count)
    }
    fn restore(snapshot: &Self) -> Self {
        snapshot.clone()
    }
}

#[derive(Clone, Copy, Debug)]
struct Counts(Flaw);

impl Load for Counts {
    type Machine = Counter;

    fn machine(&self) -> Counter {
        Counter(self.0, 0)
    }
    fn draw(&self, _: u32, _: Option<&Asked<Counter>>, draw: &mut Draw<'_>) -> Call<Counter> {
        static ROLLED: AtomicU64 = AtomicU64::new(0);
        let odd = self.0 == Flaw::Rolls && ROLLED.fetch_add(1, Ordering::Relaxed).is_multiple_of(5);
        if odd || draw.is_query() {
            return Call::Query(());
        }
        Call::Run(())
    }
    fn check(&self, counter: &Counter) -> Result<(), String> {
        let is_right = counter.1 < 4 || self.0 != Flaw::Forgets;
        is_right
            .then_some(())
            .ok_or_else(|| "four is too many".to_owned())
    }
}

/// Decides what it proposes, whatever others do; where there are two of them, it never comes back.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Headstrong(Config, Incarnation, bool);

impl Agent for Headstrong {
    type Setup = Config;
    type Op = BlockOp;
    type Reply = BlockReply;
    type Tag = BlockTag;
    type Timer = DecreeTimer;
    type Request = Infallible;
    type Said = DecreeSaid;

    fn start(config: &Config, start: Incarnation, port: &mut impl Port<Self>) -> Self {
        port.wake(DecreeTimer::Attempt, Pause::NONE);
        Self(*config, start, false)
    }
    fn on(&mut self, _: Event<'_, Self>, port: &mut impl Port<Self>) {
        while self.0.agents() == 2 {
            thread::park();
        }
        if !std::mem::replace(&mut self.2, true) {
            port.say(DecreeSaid::Decided(self.input()));
        }
    }
}

impl SingleDecree for Headstrong {
    fn config(&self) -> &Config {
        &self.0
    }
    fn incarnation(&self) -> Incarnation {
        self.1
    }
    fn phase(&self) -> Phase {
        if self.2 {
            Phase::Decided
        } else {
            Phase::Waiting
        }
    }
    fn block(&self) -> Block {
        Block::default()
    }
    fn epoch(&self) -> u32 {
        0
    }
    fn decision(&self) -> Option<Value> {
        self.2.then_some(self.input())
    }
}

impl Explored for Headstrong {
    fn awaits(&self, _: StoreId, _: BlockTag) -> bool {
        false
    }
    fn ballots(&self, _: &mut impl FnMut(Ballot)) {}
    fn renamed(&self, _: &impl Renaming) -> Self {
        self.clone()
    }
}

fn counts(flaw: Flaw) -> Check {
    check(THREE).machine(Counts(flaw)).runs(100)
}

fn said(seed: &str) -> Said {
    Said {
        seed: Some(seed.to_owned()),
        runs: None,
    }
}

#[track_caller]
fn message(check: &Check) -> String {
    let outcome = check.outcome(&Said::default());
    outcome.map(|tally| tally.runs).unwrap_err()
}

/// The seed that a message names.
fn seed(message: &str) -> String {
    let from = message.find("BIVALENT_SEED=").expect("a command");
    let rest = &message[from + "BIVALENT_SEED=".len()..];
    rest.split(' ').next().unwrap_or(rest).to_owned()
}

/// Holds what all messages have in common; gives the message.
fn is_said_well(check: &Check, what: &str) -> String {
    let told = message(check);

    assert!(told.starts_with(what), "{told}");
    assert!(told.contains(&format!("@{}: run ", seed(&told))), "{told}");
    assert!(told.contains(" cargo test"), "{told}");
    let again = check.outcome(&said(&seed(&told))).unwrap_err();
    assert_eq!(again, told, "its command finds the same");
    told
}

#[test]
fn a_sound_machine_passes_and_its_runs_are_counted() {
    let tally = counts(Flaw::None).outcome(&Said::default()).unwrap();

    assert_eq!(tally.runs, 100);
    assert!(tally.decided > 50, "{}", tally.decided);
}

#[cfg(feature = "planted-bugs")]
#[test]
fn a_planted_bug_is_told_with_its_seed_and_a_command_that_finds_it_again() {
    let planted = Planted::from(Some(bivalent_core::Bug::NoReread));
    // Which of the properties that it breaks is found first is up to the seeds.
    let told = is_said_well(&check(CALM).planted(planted), "");

    assert!(told.lines().next().unwrap().contains(" broken: "), "{told}");
    assert!(told.contains("  How it happened\n"), "{told}");
    assert!(told.contains("<- first wrong step\n"), "{told}");
    assert!(told.contains("calm@0x"), "{told}");
    assert!(told.contains(" -> "), "it was made small: {told}");
}

#[test]
fn a_machine_that_breaks_its_own_promise_is_told() {
    let told = is_said_well(&counts(Flaw::Forgets), "machine broken: ");

    assert!(told.contains("four is too many"), "{told}");
}

#[test]
fn a_machine_that_panics_is_told_with_its_place() {
    let told = is_said_well(&counts(Flaw::Panics), "panic at ");

    assert!(told.contains("check/tests.rs:"), "{told}");
    assert!(told.contains(": three is too many\n"), "{told}");
}

#[test]
fn a_machine_that_does_not_come_back_is_told_and_does_not_hang_the_test() {
    let check = counts(Flaw::Loops).patience(Duration::from_secs(1)).jobs(1);

    is_said_well(&check, "a step that does not end");
}

#[test]
fn a_candidate_that_does_not_come_back_ends_no_shrinking() {
    let three = CALM.replace(
        "[[fault]]\nchance = 0.02\ncrash = { restart = \"1ms..10ms\" }\n",
        "",
    );
    let check = check(&three)
        .protocol::<Headstrong>()
        .patience(Duration::from_millis(400))
        .runs(50);

    // Three are as few as can be tried: with two of them no run ends.
    let told = message(&check);

    assert!(told.starts_with("agreement broken"), "{told}");
    assert!(told.contains("3 agents"), "{told}");
    assert_eq!(message(&check), told, "the same again");
}

#[test]
fn clients_with_dice_of_their_own_are_told() {
    let calm = THREE.replace("0.005", "0.000000001");
    let told = message(&check(&calm).machine(Counts(Flaw::Rolls)).jobs(1));

    assert!(
        told.starts_with("two runs of the same seed differ\n"),
        "{told}"
    );
    assert!(told.contains("a clock, a random number"), "{told}");
}

#[test]
fn what_is_found_does_not_depend_on_the_number_of_threads() {
    let one = message(&counts(Flaw::Forgets).jobs(1));

    assert_eq!(one, message(&counts(Flaw::Forgets).jobs(3)));
}

#[test]
fn runs_that_test_nothing_fail() {
    let short = CALM.replace("[expect]", "[limits]\nsteps = 3\n[expect]");
    let told = message(&check(&short).runs(20));
    assert!(told.starts_with("too little was tested"), "{told}");
    assert!(told.contains("    a decision\n"), "{told}");

    let rare = CALM.replace(
        "chance = 0.02",
        "when = { happens = \"phase-2\", nth = 60000 }",
    );
    let told = message(&check(&rare).runs(20));
    assert!(told.contains("    crash took effect\n"), "{told}");
    assert!(told.contains("BIVALENT_RUNS=100000 cargo test"), "{told}");

    assert!(message(&check(CALM).runs(0)).contains("nothing was tested"));
}

#[test]
fn a_finding_is_kept_where_it_was_said_and_run_first_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept").display().to_string();
    let told = message(&counts(Flaw::Forgets).keep(&kept));
    assert!(told.contains("  Kept        "), "{told}");

    let again = message(&counts(Flaw::Forgets).keep(&kept));
    assert!(again.contains("  Kept in     "), "{again}");
    assert_eq!(again.lines().next(), told.lines().next());

    let fixed = counts(Flaw::None).keep(&kept).outcome(&Said::default());
    assert_eq!(fixed.unwrap().runs, 100);
}

#[test]
fn what_is_kept_can_be_the_scenario_of_a_test_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display().to_string();
    let told = message(&counts(Flaw::Panics).keep(&path));
    let (_, text) = kept::all(&path).unwrap().remove(0);

    let alone = check(&text).machine(Counts(Flaw::Panics));
    assert_eq!(message(&alone).lines().next(), told.lines().next());
    let fixed = check(&text).machine(Counts(Flaw::None));
    assert_eq!(fixed.outcome(&Said::default()).unwrap().runs, 1);
}

#[test]
fn a_folder_that_can_not_be_written_does_not_lose_the_finding() {
    let told = message(&counts(Flaw::Forgets).keep("/dev/null/kept"));

    assert!(told.starts_with("machine broken: "), "{told}");
    assert!(told.contains("could not be written"), "{told}");
}

#[test]
fn the_environment_is_heard_and_nonsense_in_it_refused() {
    let runs = |text: &str| Said {
        seed: None,
        runs: Some(text.to_owned()),
    };
    let check = counts(Flaw::None);

    assert_eq!(check.outcome(&runs("130")).unwrap().runs, 130);
    for text in ["12", "0xc", "three-and-a-crash@0xc"] {
        assert_eq!(said(text).seed(), Ok(Some(12)), "{text}");
        assert!(check.outcome(&said(text)).is_ok(), "{text}");
    }
    for text in ["many", "-1", "0x"] {
        let told = check.outcome(&said(text)).unwrap_err();
        assert!(told.contains("BIVALENT_SEED is "), "{told}");
        let told = check.outcome(&runs(text)).unwrap_err();
        assert!(told.contains("BIVALENT_RUNS is "), "{told}");
    }
}

#[test]
fn a_scenario_that_does_not_fit_is_refused_in_words() {
    let machine = message(&check(CALM).machine(Counts(Flaw::None)));
    assert!(machine.contains("a machine needs replicas"), "{machine}");

    let invalid = message(&check("title = 3"));
    assert!(invalid.contains("title"), "{invalid}");
}
