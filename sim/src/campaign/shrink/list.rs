//! Passes over the list of choices: its end, its faults, whole purposes, chunks, single choices.

use super::trial::{Found, Trials, sorted};
use crate::{
    campaign::guard::How,
    engine::runner::{Rest, Sorted},
};

/// Random ends that are tried for a shorter run, and where they begin, in quarters of the list.
const ENDS: u64 = 32;

/// What a choice of the lottery is for, see [`crate::engine::dice::Purpose`].
const LOTTERY: u8 = crate::engine::dice::Purpose::Lottery as u8;

impl Trials<'_> {
    /// Makes the list smaller in the ways that take few runs; says whether it did.
    pub(super) fn thin_list(&mut self, best: &mut Found) -> bool {
        let smaller = self.cut_limit(best) | self.cut_end(best);
        smaller | self.drop_faults(best) | self.zero_purposes(best)
    }

    /// Makes the list smaller in every way that is known; says whether it did.
    pub(super) fn shrink_list(&mut self, best: &mut Found) -> bool {
        let smaller = self.thin_list(best) | self.delete_chunks(best);
        smaller | self.zero_chunks(best) | self.lower(best)
    }

    /// Of a failure that is found at the end of a run only: an earlier end.
    fn cut_limit(&mut self, best: &mut Found) -> bool {
        let mut smaller = false;
        let (mut fails, mut passes) = (best.step, 0);
        // The last step first: where the failure is found in it, no earlier end will do.
        let mut middle = fails - 1;
        while middle > passes && !self.over() {
            let mut scenario = best.scenario.clone();
            scenario.limits.steps = middle;
            let same = How::Following(best.choices.clone(), Rest::First);
            if self.replace(best, &scenario, std::iter::once(same)) {
                smaller = true;
                fails = best.step;
            } else if middle + 1 == fails {
                return smaller;
            } else {
                passes = middle;
            }
            middle = passes.midpoint(fails);
        }
        smaller
    }

    /// First choices from somewhere on.
    fn cut_end(&mut self, best: &mut Found) -> bool {
        let length = best.choices.len();
        let mut keep = 0;
        let mut step = length.div_ceil(2);
        while !self.over() && keep < length {
            let list = best.choices[..keep.min(best.choices.len())].to_vec();
            if self.improve(best, How::Following(list, Rest::First)) {
                return true;
            }
            keep += step;
            step = step.div_ceil(2);
            if step == 1 && keep + 4 < length {
                break;
            }
        }
        false
    }

    /// Lotteries that nobody wins: all of them, some, each.
    fn drop_faults(&mut self, best: &mut Found) -> bool {
        let mut smaller = false;
        let mut kinds = self.kinds(best);
        let mut hits = hits(&best.choices, &kinds);
        let mut size = hits.len();
        while size > 0 {
            let mut end = hits.len();
            while end > 0 && !self.over() {
                let start = end.saturating_sub(size);
                let mut list = best.choices.clone();
                hits[start..end].iter().for_each(|&at| list[at] = 0);
                let hows = [
                    How::Sorted(sorted(&list, &kinds), Rest::First),
                    How::Following(list, Rest::First),
                ];
                if hows.into_iter().any(|how| self.improve(best, how)) {
                    smaller = true;
                    kinds = self.kinds(best);
                    hits = self::hits(&best.choices, &kinds);
                }
                end = start.min(hits.len());
            }
            size /= 2;
        }
        smaller
    }

    /// First choices for everything of a kind: delays, pauses, requests.
    fn zero_purposes(&mut self, best: &mut Found) -> bool {
        let mut smaller = false;
        let mut kinds = self.kinds(best);
        let mut all = kinds.clone();
        all.sort_unstable();
        all.dedup();
        for kind in all {
            let mut list = best.choices.clone();
            let of_kind = kinds.iter().enumerate().filter(|(_, it)| **it == kind);
            of_kind.for_each(|(at, _)| list[at] = 0);
            let hows = [
                How::Sorted(sorted(&list, &kinds), Rest::First),
                How::Following(list, Rest::First),
            ];
            if hows.into_iter().any(|how| self.improve(best, how)) {
                smaller = true;
                kinds = self.kinds(best);
            }
        }
        smaller
    }

    /// The list without a chunk: large ones first, from its end.
    fn delete_chunks(&mut self, best: &mut Found) -> bool {
        self.each_chunk(best, |list, chunk| {
            let mut shorter = list.to_vec();
            shorter.drain(chunk);
            Some(shorter)
        })
    }

    /// First choices for a chunk.
    fn zero_chunks(&mut self, best: &mut Found) -> bool {
        self.each_chunk(best, |list, chunk| {
            if list[chunk.clone()].iter().all(|&choice| choice == 0) {
                return None;
            }
            let mut zeroed = list.to_vec();
            zeroed[chunk].fill(0);
            Some(zeroed)
        })
    }

    fn each_chunk(
        &mut self,
        best: &mut Found,
        change: impl Fn(&[u32], std::ops::Range<usize>) -> Option<Vec<u32>>,
    ) -> bool {
        let mut smaller = false;
        let mut size = best.choices.len() / 2;
        while size > 0 {
            let mut end = best.choices.len();
            while end > 0 {
                if self.over() {
                    return smaller;
                }
                let start = end.saturating_sub(size);
                if let Some(list) = change(&best.choices, start..end) {
                    smaller |= self.improve(best, How::Following(list, Rest::First));
                }
                end = start.min(best.choices.len());
            }
            size /= 2;
        }
        smaller
    }

    /// Each choice as low as it goes, as far as halving finds it.
    fn lower(&mut self, best: &mut Found) -> bool {
        let mut smaller = false;
        let mut at = 0;
        while at < best.choices.len() && !self.over() {
            let (mut low, mut high) = (0, best.choices[at]);
            while high > low + 1 && at < best.choices.len() && !self.over() {
                let middle = u32::midpoint(low, high);
                let mut list = best.choices.clone();
                list[at] = middle;
                if self.improve(best, How::Following(list, Rest::First)) {
                    smaller = true;
                    high = best.choices.get(at).copied().unwrap_or(0);
                } else {
                    low = middle;
                }
            }
            at += 1;
        }
        smaller
    }

    /// Looks for a run that fails earlier: with other ends of the list, and with other lists.
    pub(super) fn search(&mut self, best: &mut Found) -> bool {
        let fresh = self.seeds_for(&best.scenario, best.step);
        let choices = best.choices.clone();
        let end = |number: u64| {
            let keep = choices.len() * (number % 8) as usize / 8;
            How::Following(choices[..keep].to_vec(), Rest::Seed(number))
        };
        let mut hows = (0..ENDS).map(end).chain((0..fresh).map(How::Kept));
        let mut smaller = false;
        loop {
            let mut scenario = best.scenario.clone();
            scenario.limits.steps -= 1;
            let goes_on = scenario.limits.steps > 0;
            if !goes_on || !self.replace(best, &scenario, &mut hows) {
                return smaller;
            }
            smaller = true;
        }
    }
}

/// The places of the choices that are faults.
fn hits(choices: &[u32], kinds: &[u8]) -> Vec<usize> {
    let hit = |at: &usize| choices[*at] > 0 && kinds[*at] == LOTTERY;
    (0..choices.len().min(kinds.len())).filter(hit).collect()
}

/// A list as it is when only some rules are left, `rules` by their old numbers.
pub(super) fn renumbered(choices: &[u32], kinds: &[u8], rules: &[usize]) -> Vec<u32> {
    let mut list = choices.to_vec();
    for at in hits(choices, kinds) {
        let old = choices[at] as usize - 1;
        let new = rules.iter().position(|&rule| rule == old);
        list[at] = new.map_or(0, |rule| rule as u32 + 1);
    }
    list
}

/// The ways to follow a list in a scenario that it was not made for.
pub(super) fn ways(choices: &[u32], kinds: &[u8]) -> Vec<How> {
    let by_purpose: Sorted = sorted(choices, kinds);
    let mut ways = vec![
        How::Sorted(by_purpose.clone(), Rest::First),
        How::Following(choices.to_vec(), Rest::First),
    ];
    for seed in 1..4 {
        ways.push(How::Sorted(by_purpose.clone(), Rest::Seed(seed)));
        ways.push(How::Following(choices.to_vec(), Rest::Seed(seed)));
    }
    for seed in 4..8 {
        let half = choices[..choices.len() / 2].to_vec();
        ways.push(How::Following(half, Rest::Seed(seed)));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lotteries_are_renumbered_and_nothing_else_is() {
        let choices = [3, 3, 1, 2, 0];
        let kinds = [LOTTERY, 0, LOTTERY, LOTTERY, LOTTERY];

        assert_eq!(renumbered(&choices, &kinds, &[0, 2]), [2, 3, 1, 0, 0]);
    }
}
