//! What is to be seen of a run at one of its steps, and of all its steps together: plain data.
//!
//! Whoever draws a run needs nothing else of it. Agents and stores are numbers from 0 in the order of the
//! scenario; their names are in [`Names`].

use serde::Serialize;

use crate::scenario::fault::FaultKind;

/// A step that mattered.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct StoryLine {
    /// Its number.
    pub step: u64,
    /// Its virtual time, ns.
    pub time_ns: u64,
    /// An agent, a store, or `~` for a fault.
    pub who: String,
    /// What happened.
    pub what: String,
    /// Empty, or `first wrong step`.
    pub mark: &'static str,
}

/// The names in a scenario, in its order.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Names {
    /// The agents.
    pub agents: Vec<String>,
    /// The stores.
    pub stores: Vec<String>,
}

/// A ballot as people compare it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rung {
    /// Its round.
    pub round: u64,
    /// Whose it is.
    pub agent: u16,
    /// Which start of the agent, from 0.
    pub incarnation: u64,
}

/// A world after one of its steps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// How many steps have been taken.
    pub step: u64,
    /// Virtual time, nanoseconds.
    pub time_ns: u64,
    /// The agents.
    pub agents: Vec<AgentRow>,
    /// The stores.
    pub stores: Vec<StoreRow>,
    /// What stands on them, of single decisions; none of a log.
    pub blocks: Option<Matrix>,
    /// A log's slots and leaders; none of single decisions.
    pub log: Option<LogView>,
    /// What is in flight or due, the next one first.
    pub next: Vec<NextStep>,
    /// What was noted up to here, the latest last; only the latest ones.
    pub events: Vec<EventLine>,
    /// What has come of it so far.
    pub standing: Standing,
    /// The stall that is open at this step.
    pub stall: Option<StallView>,
}

/// Whether an agent takes steps.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum AgentState {
    /// It does.
    #[default]
    Running,
    /// It is up and has nothing in flight: it has not begun, or waits before it begins again.
    Idle,
    /// It stands still and does not know it.
    Paused,
    /// It has crashed and comes back.
    Down,
    /// It has crashed for good.
    Lost,
    /// It has decided.
    Decided,
}

/// An agent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AgentRow {
    /// Whether it takes steps.
    pub state: AgentState,
    /// Its phase in a word or a digit: `1`, `2`, `recovers`, `-`; a replica's part: `leads`, `follows`, `surveys`.
    pub phase: String,
    /// The greatest ballot it has begun or answers for.
    pub mbal: Option<Rung>,
    /// The ballot of its vote.
    pub bal: Option<Rung>,
    /// The value of its vote, in the scenario's words.
    pub inp: Option<String>,
    /// What it proposes.
    pub proposes: Option<String>,
    /// What it decided.
    pub decided: Option<String>,
    /// What it waits for.
    pub doing: String,
    /// Which start it is in, from 0.
    pub incarnation: u64,
    /// How often its attempts were aborted in a row.
    pub aborts: u32,
    /// In phase 2: how many writes or reads of a quorum it still misses.
    pub missing: Option<u32>,
}

/// Whether a store answers.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum StoreState {
    /// It does.
    #[default]
    Up,
    /// It does, slower than it should.
    Slow,
    /// It does not, and comes back.
    Down,
    /// It does not, for good.
    Lost,
}

/// A store.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct StoreRow {
    /// Whether it answers.
    pub state: StoreState,
    /// Its delays in percent of the usual ones.
    pub percent: u32,
    /// Requests that wait for it to come back.
    pub waiting: u32,
}

/// What stands on the stores: a row an owner (or one row, if all agents share a record), a column a store.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Matrix {
    /// Names of the rows.
    pub owners: Vec<String>,
    /// `cells[owner][store]`.
    pub cells: Vec<Vec<Cell>>,
}

/// A block.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Cell {
    /// Its `mbal`; none: nobody wrote it.
    pub mbal: Option<Rung>,
    /// The ballot of its vote.
    pub bal: Option<Rung>,
    /// The value of its vote.
    pub inp: Option<String>,
    /// It can't be read: torn, or its bits have changed.
    pub unreadable: bool,
    /// Writes to it that are in flight.
    pub in_flight: u32,
    /// It was written before and a reader may be given, or was last given, an older version.
    pub stale: bool,
    /// It is not what its author wrote last: a fault lost, moved or replaced a write.
    pub damaged: bool,
}

/// What a step does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Act {
    /// An agent's read of a block takes effect.
    Read,
    /// An agent's write takes effect.
    Write,
    /// An agent gives an operation up.
    Timeout,
    /// An agent begins an attempt.
    Start,
    /// An agent starts again after a crash.
    Restart,
    /// An agent that stood still goes on.
    Wake,
    /// Something befalls a store or ends there.
    Store,
    /// A rule of the scenario strikes.
    Rule,
    /// Faults end.
    Heal,
    /// The engine looks for a stall.
    Check,
    /// A client of a log.
    Client,
}

/// A step that is due.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NextStep {
    /// When, nanoseconds of virtual time; none: when the adversary says so.
    pub due_ns: Option<u64>,
    /// Whose.
    pub agent: Option<u16>,
    /// Where.
    pub store: Option<u8>,
    /// What it does.
    pub act: Act,
    /// In words: `write s2[a1] ballot 8, vote 1 of 8`.
    pub text: String,
    /// What would come of it, if that is plain: `sees ballot 9 of a2`.
    pub note: String,
    /// Of an operation in a pool: how many others were picked since it was asked for.
    pub age: Option<u64>,
}

/// Something that was noted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventLine {
    /// When, who and what, in words.
    pub line: StoryLine,
    /// What it is in one word, as in [`crate::story::timeline::Event::kind`].
    pub kind: &'static str,
    /// Whom it concerns.
    pub agent: Option<u16>,
    /// Where.
    pub store: Option<u8>,
    /// Which kind of fault it is.
    pub fault: Option<FaultKind>,
}

/// What has come of a run so far.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Standing {
    /// Nobody has decided.
    #[default]
    Undecided,
    /// Somebody has.
    Decided {
        /// The first decision.
        value: String,
        /// How many agents, or slots.
        count: u32,
    },
    /// A property is broken.
    Broken {
        /// Which.
        property: String,
        /// How.
        detail: String,
        /// At which step it was found.
        step: u64,
    },
}

/// A stall.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StallView {
    /// Its kind: `contention`, `no-quorum`, `no-agent`, `starved`, `wedged`.
    pub kind: String,
    /// The step at which it was found.
    pub found: u64,
    /// When nothing had come forward any more, nanoseconds.
    pub since_ns: u64,
    /// Who takes part.
    pub agents: Vec<String>,
    /// From and to which round.
    pub rounds: [u64; 2],
    /// The scenario expects it.
    pub expected: bool,
}

/// What there is to see of a log.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct LogView {
    /// Who leads, as far as it knows itself, even if it stands still; the one with the greatest ballot if
    /// there are several.
    pub leader: Option<u16>,
    /// How many think that they lead.
    pub leaders: u32,
    /// The greatest slot that any replica has applied.
    pub applied: u64,
    /// Commands answered to clients.
    pub answered: u64,
    /// Commands that clients wait for.
    pub waiting: u64,
    /// A row a replica.
    pub replicas: Vec<ReplicaRow>,
}

/// A replica.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ReplicaRow {
    /// The next slot that it applies.
    pub next: u64,
    /// How many slots it is behind the foremost one.
    pub lag: u64,
    /// The least slot that still stands on the stores, as far as it knows.
    pub floor: u64,
    /// Slots for which it has votes in flight.
    pub in_flight: u32,
}

/// What an agent's ballot did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Turn {
    /// It began.
    Phase1,
    /// It came to phase 2.
    Phase2,
    /// It ended for a greater one.
    Aborted,
    /// It decided.
    Decided,
    /// Its agent crashed.
    Crashed,
    /// Its agent has started again.
    Restarted,
}

/// A turn of a ballot, for the staircase.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stair {
    /// After which step.
    pub step: u64,
    /// When, nanoseconds.
    pub time_ns: u64,
    /// Which ballot; of crashes and restarts, the last one of the agent.
    pub ballot: Rung,
    /// What it did.
    pub turn: Turn,
}

/// A kind of mark on the time scrubber.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MarkKind {
    /// A fault.
    Fault(FaultKind),
    /// A stall was found.
    Stall,
    /// Faults ended.
    Healed,
    /// Somebody decided.
    Decision,
    /// A property broke.
    Violation,
}

/// A moment to jump to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// At which step.
    pub step: u64,
    /// When, nanoseconds.
    pub time_ns: u64,
    /// What it is.
    pub kind: MarkKind,
    /// Whom it concerns.
    pub agent: Option<u16>,
    /// Where.
    pub store: Option<u8>,
    /// In words.
    pub text: String,
}

/// All of a run as far as it has been run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    /// Turns of ballots, in order.
    pub stairs: Vec<Stair>,
    /// Moments to jump to, in order.
    pub marks: Vec<Mark>,
    /// Of a log: the slots decided so far.
    pub slots: u64,
    /// Steps run so far.
    pub steps: u64,
    /// Virtual time so far, nanoseconds.
    pub time_ns: u64,
    /// The run is over: its verdict in a line.
    pub over: Option<String>,
}

/// A part of why something came about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Why {
    /// What this part is about; empty: there is only one.
    pub title: String,
    /// Events and facts, a line each.
    pub lines: Vec<String>,
}

/// Which values can still be decided from a world.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Valence {
    /// Each proposal, and in how many samples it was decided first; exact: 1 if it can be.
    pub values: Vec<(String, u32)>,
    /// Samples in which nobody decided.
    pub none: u32,
    /// Samples taken; none: the valence is exact.
    pub samples: Option<u32>,
    /// Of an exact one: the states that were looked at.
    pub states: u64,
}

impl Valence {
    /// The values known to be possible.
    pub fn possible(&self) -> impl Iterator<Item = &str> {
        let values = self.values.iter();
        values
            .filter(|(_, count)| *count > 0)
            .map(|(value, _)| value.as_str())
    }

    /// Two values are known to be possible: that no later sample can change.
    pub fn is_bivalent(&self) -> bool {
        self.possible().nth(1).is_some()
    }
}
