//! The tour: the catalogue as a few chapters, each a run and captions at moments of it.

use bivalent_sim::{
    engine::view::{Mark, MarkKind, Track, Turn},
    scenario::{Scenario, catalogue},
};

/// A page as it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Which chapter, from 1.
    pub chapter: usize,
    /// Of how many.
    pub chapters: usize,
    /// Its title.
    pub title: &'a str,
    /// Which page of the chapter, from 1.
    pub number: usize,
    /// Of how many.
    pub pages: usize,
    /// The caption.
    pub text: &'a str,
}

impl Page<'_> {
    /// It is the tour's last one.
    pub(crate) const fn is_last(&self) -> bool {
        self.chapter == self.chapters && self.number == self.pages
    }
}

/// A moment of a run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// Before anything happens.
    Start,
    /// The n-th turn of this kind, from 1.
    Turn(Turn, usize),
    /// The n-th fault, from 1.
    Fault(usize),
    /// The n-th stall, from 1.
    Stall,
    /// The first decision.
    Decision,
    /// The first broken property.
    Violation,
    /// The end.
    End,
}

impl Moment {
    /// Its step in a run that is over.
    pub fn step(self, track: &Track) -> Option<u64> {
        let mark = |which: fn(MarkKind) -> bool| {
            let found = track.marks.iter().find(|mark| which(mark.kind));
            found.map(|mark| mark.step)
        };
        match self {
            Self::Start => Some(0),
            Self::Turn(turn, nth) => {
                let mut turns = track.stairs.iter().filter(|stair| stair.turn == turn);
                turns.nth(nth - 1).map(|stair| stair.step)
            }
            Self::Fault(nth) => {
                let marks = track.marks.iter();
                let fault = |mark: &&Mark| matches!(mark.kind, MarkKind::Fault(_));
                let mut faults = marks.filter(fault);
                faults.nth(nth - 1).map(|mark| mark.step)
            }
            Self::Stall => mark(|kind| kind == MarkKind::Stall),
            Self::Decision => mark(|kind| kind == MarkKind::Decision),
            Self::Violation => mark(|kind| kind == MarkKind::Violation),
            Self::End => Some(track.steps),
        }
    }
}

/// A chapter.
#[derive(Debug)]
pub struct Chapter {
    /// Its title.
    pub title: &'static str,
    /// A scenario of the catalogue.
    pub scenario: &'static str,
    /// The seed of its run.
    pub seed: u64,
    /// Moments and captions.
    pub pages: &'static [(Moment, &'static str)],
}

impl Chapter {
    /// Its scenario.
    pub fn open(&self) -> Option<Scenario> {
        let chapters = catalogue::chapters().iter();
        let found = chapters
            .into_iter()
            .find(|chapter| chapter.name == self.scenario)?;
        Scenario::parse(found.name, found.text, &catalogue::open).ok()
    }
}

/// A caption's sentences.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    text.split_inclusive(". ").map(str::trim).collect()
}

/// The game that the last page is about, its moves told from the beginning.
pub(crate) const GAME: Chapter = Chapter {
    title: "Be the adversary",
    scenario: "scenarios/flp/keep-bivalent.toml",
    seed: 0,
    pages: &[],
};

/// The chapters, in order.
pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        title: "One agent",
        scenario: "scenarios/basic/solo-agent.toml",
        seed: 0,
        pages: &[
            (
                Moment::Start,
                "Some agents must agree on one value. They cannot talk to each other: all they share is a few \
                 stores that keep blocks and run no code. Here is one agent and three stores. The panels show \
                 what agents do, what is on the stores, and ballots over time, as far as there is room.",
            ),
            (
                Moment::Turn(Turn::Phase2, 1),
                "The agent works in ballots. In phase 1 it wrote a ballot number to its own block on a majority \
                 of the stores and read everybody else's. Nobody was there, so in phase 2 (the thick line) it \
                 writes a vote: this value, in this ballot.",
            ),
            (
                Moment::End,
                "The vote stands on a majority of the stores, and no greater ballot was seen: decided. The \
                 diamond ends the line. Alone this always works, in two rounds. All that is hard comes from the others.",
            ),
        ],
    },
    Chapter {
        title: "Two agents",
        scenario: "scenarios/basic/two-agents-agree.toml",
        seed: 0,
        pages: &[
            (
                Moment::Start,
                "Two agents now, and each proposes a value of its own. Whatever happens, they must not decide \
                 differently: that is agreement, and Bivalent judges it after every step.",
            ),
            (
                Moment::Turn(Turn::Aborted, 1),
                "An agent that sees a greater ballot gives its own up (the cross) and begins again above it. \
                 It has to: whoever owns the greater ballot may be about to decide, and cannot be asked.",
            ),
            (
                Moment::End,
                "The second one found the first one's vote on the stores and took it over, instead of its own \
                 value. Any two majorities share a store: that is why it could not be overlooked.",
            ),
        ],
    },
    Chapter {
        title: "A crash",
        scenario: "scenarios/basic/crash-in-phase-2-and-recovery.toml",
        seed: 0,
        pages: &[
            (
                Moment::Fault(1),
                "One agent has decided already. Another had just begun to vote, and crashes: its memory is gone, and \
                 nobody can ask it what it had written, and where.",
            ),
            (
                Moment::Turn(Turn::Restarted, 1),
                "It comes back and knows nothing. Before it does anything else it reads its own blocks from a \
                 majority of the stores, so that it never goes back on what it may have written.",
            ),
            (
                Moment::End,
                "All agree. A crash costs time, never agreement: nobody had to wait for the one that was down.",
            ),
        ],
    },
    Chapter {
        title: "A store is lost",
        scenario: "scenarios/basic/minority-of-stores-lost.toml",
        seed: 0,
        pages: &[
            (
                Moment::Fault(1),
                "Now a store is gone, for good, with everything on it. Look at the matrix: its column is dead, \
                 and what the agents ask of it is never answered.",
            ),
            (
                Moment::End,
                "Two stores of three are still a majority, and any two majorities share one: the agents agree \
                 all the same. Had two been lost, they would have waited: a stall, but no wrong decision.",
            ),
        ],
    },
    Chapter {
        title: "A torn write",
        scenario: "scenarios/fault/torn-write-checked.toml",
        seed: 0,
        pages: &[
            (
                Moment::Fault(1),
                "Stores write in sectors. This write was cut in the middle: half a new block over half an old \
                 one. The block has a checksum, so that whoever reads it learns that it is torn, and not \
                 something that nobody ever wrote.",
            ),
            (
                Moment::Stall,
                "The author died before it could write the block again, and on two stores of three it can't be \
                 read. Nothing is decided, and this time waiting does not help: what stands on the stores is in \
                 the way. Bivalent calls that a wedge, and tells it from a stall that could end.",
            ),
        ],
    },
    Chapter {
        title: "A stale read",
        scenario: "scenarios/fault/stale-reads-outside.toml",
        seed: 0,
        pages: &[
            (
                // The first that hides a vote from who decides otherwise.
                Moment::Fault(9),
                "A store may answer with an old version: a cache, a replica that lags. This reader was shown \
                 a block as it was before its author voted. Here every store may do so, and a plain majority \
                 was not made for that.",
            ),
            (
                Moment::Violation,
                "Agreement is broken. The vote was there, the reader did not see it, and decided something \
                 else. This lies outside of what the protocol promises, and the scenario says so. With a larger \
                 quorum (scenarios/fault/stale-reads-inside.toml) the same faults do no harm.",
            ),
        ],
    },
    Chapter {
        title: "The duel",
        scenario: "scenarios/flp/duelling-agents.toml",
        seed: 0,
        pages: &[
            (
                Moment::Turn(Turn::Aborted, 4),
                "Back to two agents. Nobody crashes, every store answers. But each time one is about to \
                 finish, the other has begun a greater ballot. See the staircase: 1, 2, 1, 2, each line cut off \
                 by the next.",
            ),
            (
                Moment::Stall,
                "It can go on like this for ever. Fischer, Lynch and Paterson proved in 1985 that no protocol \
                 avoids it: as long as both values are possible, some schedule keeps both possible. Nothing is \
                 broken: the agents are safe, they just do not finish.",
            ),
            (
                Moment::End,
                "When the schedule stops being malicious (the + on the axis), they decide at once. Safety never \
                 depended on luck; finishing does.",
            ),
        ],
    },
    Chapter {
        title: "The way out",
        scenario: "scenarios/flp/duelling-agents-with-backoff.toml",
        seed: 0,
        pages: &[
            (
                Moment::Start,
                "The same two agents, with one change: after an abort each waits for a random time. A schedule \
                 that can't see the dice can't keep up the duel.",
            ),
            (
                Moment::Decision,
                "Decided. Nobody can promise when; that it happens has probability one. Other ways out: elect a \
                 leader who alone begins ballots, or give the stores a conditional write.",
            ),
            (
                Moment::End,
                "Now be the adversary: press p. There are two agents and one store, and you choose which operation \
                 takes effect next. How long can you keep both values possible? Esc brings you back here; later, \
                 `bivalent watch --adversary keep-bivalent` begins the same game.",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use bivalent_sim::{scenario::planted::Planted, watch::playback::Playback};

    use super::*;

    #[test]
    fn every_page_has_its_moment_in_its_run_and_they_come_in_order() {
        assert!(CHAPTERS.len() >= 7);
        for chapter in CHAPTERS {
            let scenario = chapter
                .open()
                .unwrap_or_else(|| panic!("{}", chapter.scenario));
            let mut playback = Playback::of_seed(&scenario, chapter.seed, Planted::default());
            while playback.advance(10_000) {}
            let steps: Vec<u64> = chapter
                .pages
                .iter()
                .map(|(moment, text)| {
                    assert!(text.len() < 420, "{text}");
                    let step = moment.step(playback.track());
                    step.unwrap_or_else(|| panic!("{}: no {moment:?}", chapter.title))
                })
                .collect();
            assert!(steps.is_sorted(), "{}: {steps:?}", chapter.title);
        }
    }

    type Check = fn(&mut Playback, u64) -> bool;

    /// What captions say, and how the run must bear it out at the step that they are told at.
    const CLAIMS: &[(&str, Check)] = &[
        ("so in phase 2 (the thick line)", |it, at| {
            turns(it, at, Turn::Phase2)
        }),
        ("was seen: decided. The diamond", agree),
        ("gives its own up (the cross)", |it, at| {
            turns(it, at, Turn::Aborted)
        }),
        ("took it over, instead of its own", |it, at| {
            let rows = it.view_at(at).agents;
            agree(it, at) && rows.iter().any(|row| row.decided != row.proposes)
        }),
        ("One agent has decided already", |it, at| {
            marked(it, MarkKind::Decision).is_some_and(|step| step < at)
        }),
        ("begun to vote, and crashes", |it, at| {
            turns(it, at, Turn::Phase2) && happens(it, at, "crash: ")
        }),
        ("It comes back and knows nothing", |it, at| {
            happens(it, at, "restart: ")
        }),
        ("All agree. A crash", agree),
        ("a store is gone, for good", |it, at| {
            happens(it, at, "store-loss: ")
        }),
        ("the agents agree all the same", agree),
        ("This write was cut in the middle", |it, at| {
            happens(it, at, "torn-write: ")
        }),
        ("Nothing is decided, and this time", |it, at| {
            happens(it, at, "stall, wedged") && marked(it, MarkKind::Decision).is_none()
        }),
        ("as it was before its author voted", hides_a_vote),
        ("Agreement is broken. ", |it, at| {
            marked(it, MarkKind::Violation) == Some(at)
        }),
        ("each line cut off by the next", |it, at| {
            turns(it, at, Turn::Aborted)
        }),
        ("It can go on like this for ever", |it, at| {
            happens(it, at, "stall, contention") && marked(it, MarkKind::Decision) > Some(at)
        }),
        ("they decide at once", |it, _| {
            let healed = marked(it, MarkKind::Healed);
            healed.is_some() && healed < marked(it, MarkKind::Decision)
        }),
        ("Decided. Nobody can promise", |it, at| {
            marked(it, MarkKind::Decision) == Some(at)
        }),
    ];

    fn turns(it: &Playback, at: u64, turn: Turn) -> bool {
        let mut stairs = it.track().stairs.iter();
        stairs.any(|stair| stair.step == at && stair.turn == turn)
    }

    fn marked(it: &Playback, kind: MarkKind) -> Option<u64> {
        let mut marks = it.track().marks.iter();
        marks.find(|mark| mark.kind == kind).map(|mark| mark.step)
    }

    fn happens(it: &mut Playback, at: u64, what: &str) -> bool {
        let events = it.view_at(at).events;
        let mut now = events.iter().filter(|event| event.line.step == at);
        now.any(|event| event.line.what.starts_with(what))
    }

    fn agree(it: &mut Playback, at: u64) -> bool {
        let rows = it.view_at(at).agents;
        rows[0].decided.is_some() && rows.iter().all(|row| row.decided == rows[0].decided)
    }

    /// A read of an old version, after its author has written a vote on that store.
    fn hides_a_vote(it: &mut Playback, at: u64) -> bool {
        let events = it.view_at(at).events;
        let stale = events
            .iter()
            .find(|event| event.line.step == at && event.line.what.starts_with("stale-read: "));
        let Some(stale) = stale else {
            return false;
        };
        let (_, whose) = stale.line.what.split_once("read of ").unwrap();
        let (whose, _) = whose.split_once("'s block").unwrap();
        let shown = events.iter().any(|event| {
            let what = &event.line.what;
            event.line.step == at && what.contains(&format!("[{whose}]")) && !what.contains("vote")
        });
        shown
            && events.iter().any(|event| {
                let voted = event.line.what.contains(", vote ");
                voted
                    && event.kind == "wrote"
                    && event.line.who == whose
                    && event.store == stale.store
            })
    }

    #[test]
    fn what_a_caption_says_is_so_at_its_step() {
        let mut borne_out = 0;
        for chapter in CHAPTERS {
            let scenario = chapter.open().unwrap();
            let mut playback = Playback::of_seed(&scenario, chapter.seed, Planted::default());
            while playback.advance(10_000) {}
            for (moment, text) in chapter.pages {
                let step = moment.step(playback.track()).unwrap();
                for (says, holds) in CLAIMS.iter().filter(|(says, _)| text.contains(says)) {
                    assert!(
                        holds(&mut playback, step),
                        "{}, step {step}: {says}",
                        chapter.title
                    );
                    borne_out += 1;
                }
            }
        }
        assert_eq!(borne_out, CLAIMS.len(), "each claim is one caption's");
    }
}
