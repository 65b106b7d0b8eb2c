//! You are the adversary: a run whose schedule is made by hand, operation by operation.
//!
//! From a step of a run on, nothing takes effect but what is taken here; the operations that agents have in
//! flight are the moves. The aim is that of the impossibility proofs (Fischer, Lynch and Paterson 1985; for
//! reads and writes Loui and Abu-Amara 1987): to keep more than one value possible, although every agent
//! goes on and no operation waits for ever. What is taken is the script of a scenario, which replays without
//! any hand.

mod budget;
mod moves;

use std::{ops::Range, sync::Arc};

use crate::{
    engine::{
        End,
        blocks::{BlockEngine, possible::explored},
        view::Valence,
    },
    explore::Exploration,
    judge::verdict::Finished,
    scenario::{
        Adversary, Expect, Expected, Protocol, Scenario,
        planted::Planted,
        script::{Entry, Script, words},
    },
    watch::playback::Playback,
};

pub use budget::Strike;
pub use moves::Move;

use budget::Budget;

/// Copies that are run on where a valence is sampled.
pub const SAMPLES: u32 = 64;
/// The same before one value is taken for all there is.
const CLOSER: u32 = 4 * SAMPLES;
/// Others that may be picked while one operation waits, for each agent and store.
const PATIENCE: u64 = 8;

/// A game.
#[derive(Clone, Debug)]
pub struct Game {
    scenario: Scenario,
    seed: u64,
    planted: Planted,
    from: u64,
    /// The world when the game began.
    base: BlockEngine,
    engine: BlockEngine,
    taken: Vec<Taken>,
    moves: Vec<Move>,
    known: Option<Arc<Exploration>>,
    undos: u64,
    /// The run is over.
    end: Option<End>,
    /// Which values were possible when the game began.
    at_first: Valence,
}

/// A move that was made.
#[derive(Clone, Debug)]
struct Taken {
    entry: Entry,
    after: Valence,
}

/// How a game goes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Score {
    /// Moves made until the first one after which only one value was known to be possible, or was seen. It
    /// never goes up again but by taking moves back, whatever is found out later.
    pub bivalent: u64,
    /// Moves made.
    pub moves: u64,
    /// Moves taken back.
    pub undos: u64,
    /// The first move after which one value was certain, from 1, and its words.
    pub lost_by: Option<(u64, String)>,
    /// The game can't go on, and why.
    pub over: Option<String>,
}

impl Game {
    /// Takes a run over after a step; the first step at which anything can be chosen, if that is later.
    ///
    /// # Errors
    ///
    /// Why there is nothing to be taken over, in words.
    pub fn take_over(
        scenario: &Scenario,
        seed: u64,
        from: u64,
        planted: Planted,
    ) -> Result<Self, String> {
        if scenario.cluster.protocol == Protocol::ReplicatedLog {
            return Err(
                "a replicated log decides again and again: there is no one valence to play for; \
                 take a scenario of one decision"
                    .to_owned(),
            );
        }
        if scenario.cluster.bucket.is_some() {
            return Err(
                "whoever plays picks reads and writes of blocks, and agents on buckets list, get and put \
                 objects; add bucket = false to [cluster] to play for the same protocol on stores of blocks"
                    .to_owned(),
            );
        }
        if matches!(scenario.schedule.adversary, Adversary::Script(_)) {
            return Err(
                "this scenario has a script, which chooses all there is to choose".to_owned(),
            );
        }
        if scenario.schedule.choices.is_some() {
            return Err(
                "this scenario follows a list of choices; take over the scenario it came from"
                    .to_owned(),
            );
        }
        // Whoever has begun has something in flight.
        let from = from.max(scenario.cluster.agents.len() as u64);
        let mut engine = BlockEngine::new(&scripted(scenario, from, Vec::new()));
        engine.plant_any(planted);
        if let Some(end) = engine.begin_by_hand(seed) {
            return Err(format!(
                "the run is over ({}) at step {}, before step {from}",
                said(end),
                engine.steps()
            ));
        }
        let known = explored(&plain(scenario), planted);
        let at_first = engine.possible(known.as_deref(), 0..SAMPLES, seed);
        let mut game = Self {
            scenario: scenario.clone(),
            seed,
            planted,
            from,
            base: engine.clone(),
            engine,
            taken: Vec::new(),
            moves: Vec::new(),
            known,
            undos: 0,
            end: None,
            at_first,
        };
        game.list_moves();
        Ok(game)
    }

    /// What is played.
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The step at which the game began.
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// The run so far, to be looked at: up to the step at which the next move is to be chosen.
    pub fn playback(&self) -> Playback {
        let mut playback = Playback::of_seed(&self.to_scenario(), self.seed, self.planted);
        let step = self.engine.steps();
        while playback.track().steps < step {
            let left = step - playback.track().steps;
            if !playback.advance(left) {
                break;
            }
        }
        playback
    }

    /// What can be picked, the oldest first.
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// Which values can still be decided, as far as is known.
    pub fn valence(&self) -> &Valence {
        self.taken
            .last()
            .map_or(&self.at_first, |taken| &taken.after)
    }

    /// How the game goes.
    pub fn score(&self) -> Score {
        let kept = self.kept();
        // One value seen in samples is no proof that there is no other.
        let certain = |taken: &&Taken| taken.after.samples.is_none() && !taken.after.is_bivalent();
        let began = kept > 0 || self.at_first.is_bivalent();
        let lost = self.taken.iter().zip(1..).skip(kept);
        let mut lost = lost.filter(|(taken, _)| began && certain(taken));
        Score {
            bivalent: kept as u64,
            moves: self.taken.len() as u64,
            undos: self.undos,
            lost_by: lost
                .next()
                .map(|(taken, number)| (number, words(&self.scenario, taken.entry))),
            over: self.over(),
        }
    }

    /// The moves that kept more than one value possible as far as is known, without a gap.
    fn kept(&self) -> usize {
        let bivalent = |taken: &&Taken| taken.after.is_bivalent();
        self.taken.iter().take_while(bivalent).count()
    }

    /// Why the game can't go on.
    pub(crate) fn over(&self) -> Option<String> {
        let end = self
            .end
            .or_else(|| self.engine.is_over().then_some(End::Decided))?;
        let value = self.engine.value_in_words();
        Some(value.map_or_else(|| said(end).to_owned(), |value| format!("decided: {value}")))
    }

    /// The words of the last move that was made.
    pub fn last(&self) -> Option<String> {
        let taken = self.taken.last()?;
        Some(words(&self.scenario, taken.entry))
    }

    /// Whether each operation goes on: of the one that has waited longest, its words, how many others were
    /// picked meanwhile, and how many may be.
    pub fn oldest(&self) -> Option<(&str, u64, u64)> {
        let oldest = self.moves.iter().max_by_key(|it| it.age)?;
        Some((&oldest.text, oldest.age, self.patience()))
    }

    fn patience(&self) -> u64 {
        let cluster = &self.scenario.cluster;
        PATIENCE * cluster.agents.len() as u64 * cluster.stores.len() as u64
    }

    /// What may still be broken: in a word, and how often.
    pub fn budget(&self) -> Vec<(&'static str, u32)> {
        Budget::of(&self.scenario, self.taken.iter().map(|taken| taken.entry)).left()
    }

    /// Lets a move take effect.
    ///
    /// # Errors
    ///
    /// Why it may not be made.
    pub fn take(&mut self, index: usize) -> Result<(), String> {
        let chosen = self.moves.get(index).ok_or("there is no such move")?;
        if let Some(why) = &chosen.refused {
            return Err(why.clone());
        }
        let (entry, after) = (chosen.entry, chosen.after.clone());
        self.make(entry, after)
    }

    /// Breaks something that a move is about.
    ///
    /// # Errors
    ///
    /// Why it may not be broken.
    pub fn strike(&mut self, strike: Strike, index: usize) -> Result<(), String> {
        let about = self.moves.get(index).map(|it| it.entry);
        let budget = Budget::of(&self.scenario, self.taken.iter().map(|taken| taken.entry));
        let entry = budget.entry(&self.engine, strike, about)?;
        self.make(entry, None)
    }

    fn make(&mut self, entry: Entry, after: Option<Valence>) -> Result<(), String> {
        if let Some(over) = self.over() {
            return Err(format!("the game is over: {over}"));
        }
        let Ok(end) = self.engine.choose(entry) else {
            return Err(format!(
                "`{}` fits nothing here",
                words(&self.scenario, entry)
            ));
        };
        self.end = end;
        let exact = after.filter(|after| after.samples.is_none());
        let after = exact.unwrap_or_else(|| self.possible_now());
        // Few samples overlook a rare value, and the score ends here: a closer look before it does.
        let ends = self.kept() == self.taken.len() && self.valence().is_bivalent();
        let after = if ends && !after.is_bivalent() && after.samples.is_some() {
            self.possible_in(0..CLOSER)
        } else {
            after
        };
        self.taken.push(Taken { entry, after });
        self.list_moves();
        Ok(())
    }

    fn possible_now(&self) -> Valence {
        self.possible_in(0..SAMPLES)
    }

    fn possible_in(&self, samples: Range<u32>) -> Valence {
        self.engine
            .possible(self.known.as_deref(), samples, self.seed)
    }

    /// Takes the last move back; false if there is none.
    pub fn undo(&mut self) -> bool {
        if self.taken.pop().is_none() {
            return false;
        }
        self.undos += 1;
        self.engine.clone_from(&self.base);
        self.end = None;
        for taken in &self.taken {
            // They fitted before, from the very same world.
            self.end = self.engine.choose(taken.entry).ok().flatten();
        }
        self.list_moves();
        true
    }

    /// The move that keeps most possible, the oldest of equals; values the moves if they are not valued yet.
    pub fn hint(&mut self) -> Option<usize> {
        self.value_moves();
        let free = self
            .moves
            .iter()
            .enumerate()
            .filter(|(_, it)| it.refused.is_none());
        let best = free.max_by_key(|(place, it)| {
            let after = it.after.as_ref();
            let bivalent = after.is_some_and(Valence::is_bivalent);
            // Of samples, the more even the better.
            let least = after.map_or(0, |after| {
                let counts = after.values.iter().map(|(_, count)| *count);
                counts.filter(|&count| count > 0).min().unwrap_or(0)
            });
            let sampled = after.is_some_and(|after| after.samples.is_some());
            (
                bivalent,
                if sampled { least } else { 0 },
                std::cmp::Reverse(*place),
            )
        });
        best.map(|(place, _)| place)
    }

    /// Lets the machine make so many moves; how many it made. It stops before a move that leaves one value.
    pub fn play_on(&mut self, moves: u64) -> u64 {
        for made in 0..moves {
            let Some(best) = self.hint() else {
                return made;
            };
            let keeps = self.moves[best].after.as_ref();
            if !keeps.is_some_and(Valence::is_bivalent) || self.take(best).is_err() {
                return made;
            }
        }
        moves
    }

    /// The game as a scenario: the same run up to where it was taken over, then the moves made.
    pub fn to_scenario(&self) -> Scenario {
        let stem = self.taken.iter().map(|taken| taken.entry).collect();
        let mut scenario = scripted(&self.scenario, self.from, stem);
        scenario.schedule.seed = self.seed;
        scenario.title = format!("{}, by hand", scenario.title);
        scenario.summary = self.summary();
        scenario.expect = Expect {
            outcome: Expected::Any,
            stall: None,
            seeds: None,
            value: None,
            ..scenario.expect
        };
        scenario
    }

    /// What was played, in words.
    fn summary(&self) -> String {
        let Score {
            bivalent, moves, ..
        } = self.score();
        let kept = match (bivalent, moves) {
            (0, _) => "after none of them was more than one value known to be possible".to_owned(),
            (kept, all) if kept == all => {
                "after each of them more than one value was known to be possible".to_owned()
            }
            (kept, _) => {
                format!(
                    "more than one value was known to be possible after the first {kept} of them"
                )
            }
        };
        format!(
            "Played by hand: from step {} of {}@{:#x} on somebody was the adversary and made {moves} move{}; {kept}.",
            self.from,
            self.scenario.name,
            self.seed,
            if moves == 1 { "" } else { "s" },
        )
    }

    /// The fingerprint of the run that [`Self::to_scenario`] describes.
    pub fn fingerprint(&self) -> u64 {
        let mut engine = self.engine.clone();
        if self.end.is_none() {
            engine.run_out();
        }
        engine.fingerprint()
    }

    /// The scenario of the game as a file.
    pub fn scenario_text(&self) -> String {
        self.to_scenario().to_toml()
    }
}

/// A scenario that is taken over.
fn scripted(scenario: &Scenario, from: u64, stem: Vec<Entry>) -> Scenario {
    let mut scenario = scenario.clone();
    let before = scenario.schedule.adversary.clone();
    let before = (before != Adversary::Random).then(|| Box::new(before));
    scenario.schedule.adversary = Adversary::Script(Arc::new(Script {
        from,
        before,
        stem,
        turn: Vec::new(),
    }));
    scenario
}

/// A scenario's system without anything that only chance or somebody else would do.
fn plain(scenario: &Scenario) -> Scenario {
    let mut plain = scenario.clone();
    plain.faults.clear();
    plain.schedule.adversary = Adversary::Random;
    plain.schedule.crashes = 0;
    plain
}

const fn said(end: End) -> &'static str {
    match end {
        End::Decided => "everybody has decided",
        End::Time => "its time is up",
        End::Steps => "its steps are used up",
        End::Quiet => "nothing is left to happen",
        End::Misfit => "its script fits nothing",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::script::Deed;

    #[test]
    fn the_score_ends_where_one_value_was_seen_and_does_not_come_back() {
        let text = "title = \"T\"\nsummary = \"S\"\n[cluster]\nstores = 1\n\
            agents = { a1 = \"0\", a2 = \"1\" }\n";
        let none = |_: &str| Err("no file".to_owned());
        let scenario = Scenario::parse("t.toml", text, &none).unwrap();
        let mut game = Game::take_over(&scenario, 0, 0, Planted::default()).unwrap();
        let entry = Entry {
            agent: bivalent_core::AgentId(0),
            store: bivalent_core::StoreId(0),
            deed: Deed::Write,
            gap: None,
        };
        let seen = |zero: u32, one: u32, samples| Taken {
            entry,
            after: Valence {
                values: vec![("0".to_owned(), zero), ("1".to_owned(), one)],
                samples,
                ..Valence::default()
            },
        };
        assert!(game.valence().is_bivalent());

        game.taken = vec![
            seen(9, 1, Some(10)),
            seen(10, 0, Some(10)),
            seen(9, 1, Some(10)),
        ];

        let score = game.score();
        assert_eq!((score.bivalent, score.moves), (1, 3));
        assert_eq!(score.lost_by, None, "samples prove no loss");
        game.taken.push(seen(1, 0, None));
        let score = game.score();
        assert_eq!(score.bivalent, 1);
        assert_eq!(score.lost_by.unwrap().0, 4);
    }
}
