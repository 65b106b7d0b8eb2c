//! The calls that are open in a stage, and what may take effect next.

use super::config::{Config, Slots, add, has, remove};
use super::machine::{NOWHERE, Steps};
use super::track::{Item, Role, Track};

/// A call that is open and may change the state.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Mover {
    like: u32,
    deadline: u32,
    item: u32,
}

/// The open calls.
pub(super) struct Window<'a, const W: usize> {
    track: &'a Track,
    /// Stages begun: the last of them is the one that is open.
    begun: usize,
    /// The item in each slot.
    in_slot: Vec<u32>,
    looks: Slots<W>,
    overwrites: Slots<W>,
    /// Like ones together, the one that has to hurry most first.
    movers: Vec<Mover>,
    /// Those of them that depend on the state.
    others: Vec<u32>,
}

impl<'a, const W: usize> Window<'a, W> {
    /// Before the first stage.
    pub(super) fn new(track: &'a Track) -> Self {
        Self {
            track,
            begun: 0,
            in_slot: vec![0; W * 64],
            looks: [0; W],
            overwrites: [0; W],
            movers: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Moves to a stage, forward or back.
    pub(super) fn go_to(&mut self, stage: usize) {
        while self.begun <= stage {
            if let Some(before) = self.begun.checked_sub(1) {
                self.close(self.track.stages[before].returning);
            }
            for item in self.track.arrivals(self.begun) {
                self.open(item);
            }
            self.begun += 1;
        }
        while self.begun > stage + 1 {
            self.begun -= 1;
            for item in self.track.arrivals(self.begun) {
                self.close(item);
            }
            self.open(self.track.stages[self.begun - 1].returning);
        }
    }

    /// Whether the call in a slot changes nothing.
    pub(super) fn is_look(&self, slot: u32) -> bool {
        has(&self.looks, slot)
    }

    fn open(&mut self, number: u32) {
        let item = self.track.items[number as usize];
        self.in_slot[item.slot as usize] = number;
        match item.role {
            Role::Look => return add(&mut self.looks, item.slot),
            Role::Overwrite => add(&mut self.overwrites, item.slot),
            Role::Other => self.others.push(number),
        }
        let mover = mover(number, &item);
        let at = self.movers.binary_search(&mover).unwrap_or_else(|at| at);
        self.movers.insert(at, mover);
    }

    fn close(&mut self, number: u32) {
        let item = self.track.items[number as usize];
        match item.role {
            Role::Look => return remove(&mut self.looks, item.slot),
            Role::Overwrite => remove(&mut self.overwrites, item.slot),
            Role::Other => self.others.retain(|&other| other != number),
        }
        if let Ok(at) = self.movers.binary_search(&mover(number, &item)) {
            self.movers.remove(at);
        }
    }

    /// Adds to `next` what may take effect next in `config`, on the way to `goal`.
    pub(super) fn moves(
        &self,
        config: &Config<W>,
        goal: u32,
        steps: &mut dyn Steps,
        next: &mut Vec<(Config<W>, u32)>,
    ) {
        let mut done = None;
        for mover in &self.movers {
            // Of calls that are alike the one that has to hurry most goes first: any order in which
            // another does can be mended by swapping them.
            if done == Some(mover.like) {
                continue;
            }
            let item = &self.track.items[mover.item as usize];
            if has(&config.spent, item.slot) {
                continue;
            }
            done = Some(mover.like);
            if let Some(after) = self.after(config, mover.item, item, goal, steps) {
                next.push((after, mover.item));
            }
        }
    }

    /// The configuration after a call takes effect; `None` if it may not, or if there is no use in it.
    fn after(
        &self,
        config: &Config<W>,
        number: u32,
        item: &Item,
        goal: u32,
        steps: &mut dyn Steps,
    ) -> Option<Config<W>> {
        let state = steps.step(item, config.state);
        let idle = state == config.state && !item.answered && item.role == Role::Other;
        if state == NOWHERE || idle {
            return None;
        }
        let mut after = Config { state, ..*config };
        add(&mut after.spent, item.slot);
        remove(&mut after.owed, item.slot);
        let mut owed_without_it = config.owed;
        if item.role == Role::Overwrite {
            remove(&mut owed_without_it, item.slot);
            for (owed, overwrites) in after.owed.iter_mut().zip(self.overwrites) {
                *owed &= !overwrites;
            }
        }
        if state != config.state {
            self.look(&mut after, steps);
        }
        let useful =
            number == goal || after.owed != owed_without_it || self.leads_on(&after, state, steps);
        useful.then_some(after)
    }

    /// Lets the open calls take effect that change nothing.
    fn look(&self, config: &mut Config<W>, steps: &mut dyn Steps) {
        for word in 0..W {
            let mut open = config.owed[word] & self.looks[word];
            while open != 0 {
                let slot = word as u32 * 64 + open.trailing_zeros();
                let look = self.track.items[self.in_slot[slot as usize] as usize];
                if steps.step(&look, config.state) != NOWHERE {
                    remove(&mut config.owed, slot);
                }
                open &= open - 1;
            }
        }
    }

    /// Whether a call that depends on the state may come next. If not, what comes next replaces the
    /// state, and could have done so before.
    fn leads_on(&self, config: &Config<W>, state: u32, steps: &mut dyn Steps) -> bool {
        self.others.iter().any(|&other| {
            let other = &self.track.items[other as usize];
            if has(&config.spent, other.slot) {
                return false;
            }
            let to = steps.step(other, state);
            to != NOWHERE && (other.answered || to != state)
        })
    }
}

fn mover(number: u32, item: &Item) -> Mover {
    Mover {
        like: item.like,
        deadline: item.deadline,
        item: number,
    }
}

/// Takes in the calls that are made in a stage.
pub(super) fn arrive<const W: usize>(
    track: &Track,
    stage: usize,
    config: &mut Config<W>,
    steps: &mut dyn Steps,
) {
    for number in track.arrivals(stage) {
        let item = &track.items[number as usize];
        let done = item.role == Role::Look && steps.step(item, config.state) != NOWHERE;
        if item.answered && !done {
            add(&mut config.owed, item.slot);
        }
    }
}
