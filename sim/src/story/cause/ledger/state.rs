//! What else breaks in a log: promises that fall, states that differ, answers that no order explains, slots that
//! are kept nowhere.

use bivalent_core::{AgentId, Slot};

use super::{Ledger, Lie, Line, Part, Vow, fact};
use crate::{
    engine::log::{Deed, Spoken},
    scenario::fault::FaultKind,
};

/// Lines of a kind that are told at most.
const LINES_MAX: usize = 6;
/// Of a line that is about no slot.
const NO_SLOT: Slot = Slot(0);

impl Ledger<'_> {
    /// Promises or floors that agents have written.
    fn vows(&self, is_promise: bool) -> Vec<(usize, AgentId, Vow)> {
        let entries = self.entries.iter().enumerate();
        let vows = entries.filter_map(|(at, entry)| match entry.deed {
            Deed::Vowed {
                agent,
                promise,
                floor,
            } => Some((at, agent, half((promise, floor), is_promise))),
            _ => None,
        });
        vows.collect()
    }

    /// The greatest vow of the same agent before one, the first of equals, if it is greater.
    fn broken_vow(vows: &[(usize, AgentId, Vow)], nth: usize) -> Option<usize> {
        let (_, agent, now) = vows[nth];
        let before = vows[..nth].iter();
        let before = before.filter(|(_, whose, vow)| *whose == agent && *vow > now);
        before.rev().max_by_key(|(.., vow)| *vow).map(|it| it.0)
    }

    /// The first promise that an agent takes back between two places: it, and where it is taken back.
    pub(super) fn first_fall(&self, since: usize, until: usize) -> Option<(usize, usize)> {
        let vows = self.vows(true);
        let mut after = vows.iter().enumerate();
        after.find_map(|(nth, &(after, ..))| {
            let before = Self::broken_vow(&vows, nth)?;
            (since < after && after < until).then_some((before, after))
        })
    }

    /// A promise or a floor that falls.
    pub(super) fn fallen(&self, step: u64, is_promise: bool) -> Option<Vec<Part>> {
        let vows = self.vows(is_promise);
        let mut last = vows.iter().enumerate().rev();
        let (before, after, agent, said) = last.find_map(|(nth, &(after, agent, _))| {
            let before = Self::broken_vow(&vows, nth)?;
            let said = vows.iter().find(|it| it.0 == before)?.2;
            (self.step(after) == step).then_some((before, after, agent, said))
        })?;
        let words = |at: usize| match self.deed(at) {
            Deed::Vowed { floor, .. } if !is_promise => {
                let floor = floor.map_or(0, |floor| floor.slot.0);
                format!(
                    "{{a{}}} says that what is below slot {floor} may be gone",
                    agent.0
                )
            }
            other => super::words(other, NO_SLOT),
        };
        let line = |at: usize| Line {
            step: Some(self.step(at)),
            text: words(at),
        };
        let holds = |deed: &Deed| match *deed {
            Deed::Headed {
                agent: whose,
                promise,
                floor,
                ..
            } => whose == agent && half((promise, floor), is_promise) >= said,
            _ => false,
        };
        let restarts = |deed: &Deed| matches!(deed, Deed::Broke { kind: FaultKind::Restart, agent: Some(id), .. } if *id == agent);
        let installs =
            |deed: &Deed| matches!(deed, Deed::Installed { agent: id, .. } if *id == agent);
        let between = |at: &usize| before < *at && *at < after;
        let began = self.places(restarts).rev().find(between);
        let since = began.unwrap_or(before);
        let mut lines = vec![line(before)];
        lines.extend(began.map(line));
        lines.extend(
            self.places(installs)
                .filter(|&at| since < at && at < after)
                .map(line),
        );
        lines.push(line(after));
        let stood = self.stores_of(self.places(holds).filter(between));
        let stood = if stood.is_empty() {
            "on no store".to_owned()
        } else {
            format!("on {} of {} stores", stood.join(", "), self.stores)
        };
        let first = Part {
            title: format!("{}, {stood}; then it goes back on that", words(before)),
            lines,
        };
        // What its reads showed it of its own.
        let reads = self.shown_to(agent, since, after, |deed| {
            matches!(deed, Deed::Shown { .. })
        });
        let shows = |&&read: &&usize| match self.deed(read) {
            Deed::Shown { heads, .. } => heads.iter().any(|&(whose, promise, floor)| {
                whose == agent && half((promise, floor), is_promise) >= said
            }),
            _ => false,
        };
        let hides = |&read: &usize| {
            let Deed::Shown { errand, .. } = self.deed(read) else {
                return None;
            };
            let (stood, vow) = self.head_on(errand.store, agent, read)?;
            (half(vow, is_promise) >= said).then_some(Lie { read, stood })
        };
        let known = reads.iter().find(shows);
        let (title, lines) = if let Some(&read) = known {
            let line = self.line_but(read, NO_SLOT, ", and what it had said itself");
            (
                "It was shown what it had said: no store is to blame",
                vec![line],
            )
        } else if let Some(lie) = reads.iter().find_map(hides) {
            let mut lines = self.told_lie(lie, NO_SLOT);
            for line in lines
                .iter_mut()
                .filter(|line| line.step == Some(self.step(lie.read)))
            {
                let own = if is_promise { "promise" } else { "floor" };
                line.text = format!(
                    "{}, and not its own {own}, which had stood there",
                    words(lie.read)
                );
            }
            ("It was not shown what it had said", lines)
        } else if began.is_none() {
            let text = fact("it has not been away, and goes back on what it knew itself");
            ("No store is to blame", vec![text])
        } else {
            let text = format!("it looked at {} of {} stores", reads.len(), self.stores);
            ("It does not stand where it looked", vec![fact(text)])
        };
        Some(vec![first, part(title, lines)])
    }

    /// A state that is not what the log leads to, or not that of another who has applied the same slots.
    pub(super) fn differing_states(&self, step: u64) -> Option<Vec<Part>> {
        let entries = self.entries.iter().enumerate();
        let applied: Vec<(usize, AgentId, Slot, u64)> = entries
            .filter_map(|(at, entry)| match entry.deed {
                Deed::Applied { agent, slot, state } => Some((at, agent, slot, state)),
                _ => None,
            })
            .collect();
        let &(at, agent, slot, mine) = applied.iter().rfind(|it| self.step(it.0) == step)?;
        let earlier = || applied.iter().filter(|it| it.0 < at);
        let other = earlier().find(|it| it.2 == slot && it.3 != mine);
        // Up to here it was in the state of the first one that came so far.
        let is_first = |it: &&(usize, AgentId, Slot, u64)| {
            let first = applied.iter().find(|first| first.2 == it.2);
            it.1 == agent && it.2 < slot && first.is_some_and(|first| first.3 == it.3)
        };
        let (since, from) = earlier()
            .rev()
            .find(|it| is_first(it))
            .map_or((0, NO_SLOT), |it| (it.0, it.2));
        let is_its = |deed: &Deed| match deed {
            Deed::Installed { agent: id, .. } => *id == agent,
            Deed::Broke {
                kind: FaultKind::Restart,
                agent: id,
                ..
            } => *id == Some(agent),
            _ => false,
        };
        let own: Vec<usize> = self
            .places(is_its)
            .filter(|it| (since..at).contains(it))
            .collect();
        let installed = own
            .iter()
            .any(|&it| matches!(self.deed(it), Deed::Installed { .. }));
        let mut lines: Vec<Line> = own
            .iter()
            .rev()
            .take(LINES_MAX)
            .map(|&it| self.line(it, slot))
            .collect();
        if since > 0 {
            lines.push(self.line_but(since, slot, ", as it should be"));
        }
        lines.sort_by_key(|line| line.step);
        lines.push(self.line(at, slot));
        let what = self.line(at, slot).text;
        let where_to = match other {
            Some(&(at, whose, ..)) => format!(
                "in another state than {{a{}}} was there (#{})",
                whose.0,
                self.step(at)
            ),
            None => "not in the state that the log leads to".to_owned(),
        };
        let title = format!("{what} at step {step}, and is {where_to}");
        let mut parts = vec![part(&title, lines)];
        if let Some((first, its)) = self.odd_choice(agent, from, slot, at) {
            // Why it carried out something else than what was decided.
            parts.extend(self.clash_of(first, its)?);
            return Some(parts);
        }
        let blame = if installed {
            "it came there by a snapshot, and what it went on from was not the whole state"
        } else {
            "it was given what was decided, and made something else of it"
        };
        parts.push(part("No store is to blame", vec![fact(blame)]));
        Some(parts)
    }

    /// The first slot of a stretch in which an agent has something else than whoever decided it first: both
    /// places.
    fn odd_choice(
        &self,
        whose: AgentId,
        from: Slot,
        to: Slot,
        until: usize,
    ) -> Option<(usize, usize)> {
        let mut its = self.chosen(until).filter(|&at| {
            matches!(*self.deed(at), Deed::Chosen { agent, slot, .. }
                if agent == whose && (from..to).contains(&slot))
        });
        its.find_map(|at| {
            let (slot, batch) = self.choice(at)?;
            let of_slot = |&at: &usize| self.choice(at).is_some_and(|it| it.0 == slot);
            let first = self.chosen(at).find(of_slot)?;
            (self.choice(first)?.1 != batch).then_some((first, at))
        })
    }

    /// An answer that no order explains.
    pub(super) fn misanswered(&self, asked: &Spoken, before: Option<&Spoken>) -> Option<Vec<Part>> {
        let question = |of: usize| {
            self.places(move |deed| matches!(deed, Deed::Asked { record, .. } if *record == of))
                .next()
        };
        let answer = |of: usize| {
            self.places(move |deed| matches!(deed, Deed::Answered { record, .. } if *record == of))
                .next()
        };
        let (asks, answers) = (question(asked.record)?, answer(asked.record)?);
        let call = |it: &Spoken| -> Vec<Line> {
            let (client, call, told) = (it.client, &it.call, &it.answer);
            let asks = question(it.record);
            let asks =
                asks.map(|at| self.line_but(at, NO_SLOT, &format!(" by client {client}: {call}")));
            let answers = answer(it.record);
            let answers =
                answers.map(|at| self.line_but(at, NO_SLOT, &format!(" client {client}: {told}")));
            asks.into_iter().chain(answers).collect()
        };
        let mut parts = Vec::new();
        if let Some(before) = before {
            let title = format!(
                "client {}'s {} was over before that: the last change there",
                before.client, before.call
            );
            parts.push(part(&title, call(before)));
        }
        let title = format!(
            "client {} asked {} and was told {}: no order explains that",
            asked.client, asked.call, asked.answer
        );
        parts.push(part(&title, call(asked)));
        let Deed::Answered { agent, .. } = *self.deed(answers) else {
            return None;
        };
        // Whoever has carried out what nobody decided answers from there.
        let odd = self.odd_choice(agent, NO_SLOT, Slot::END, answers);
        match odd.and_then(|(first, its)| self.clash_of(first, its)) {
            Some(clash) => parts.extend(clash),
            None => parts.push(self.answerer(agent, asks, answers)),
        }
        Some(parts)
    }

    /// What somebody knew of who leads when he answered.
    fn answerer(&self, agent: AgentId, asks: usize, answers: usize) -> Part {
        let mut turns = self.places(|deed| match deed {
            Deed::Leads { agent: id, .. } | Deed::Follows { agent: id } => *id == agent,
            Deed::Broke {
                kind: FaultKind::Restart,
                agent: id,
                ..
            } => *id == Some(agent),
            _ => false,
        });
        let turn = turns.rfind(|&at| at < answers);
        let leading = turn.and_then(|at| match self.deed(at) {
            Deed::Leads { ballot, .. } => Some((at, *ballot)),
            _ => None,
        });
        let Some((led, own)) = leading else {
            let is_its =
                |deed: &Deed| matches!(deed, Deed::Applied { agent: id, .. } if *id == agent);
            let mut applied = self.places(is_its).filter(|&at| at < answers);
            let applied = applied.next_back().map(|at| self.line(at, NO_SLOT));
            let title = "It did not lead: it answered from the log, as far as it had come";
            return part(title, applied.into_iter().collect());
        };
        let mut lines = vec![self.line(led, NO_SLOT)];
        let above = |deed: &Deed| matches!(deed, Deed::Leads { ballot, .. } if *ballot > own);
        let above = self.places(above).rfind(|&at| at < answers);
        lines.extend(above.map(|at| self.line(at, NO_SLOT)));
        let is_read = |deed: &Deed| matches!(deed, Deed::Shown { .. });
        let reads = self.shown_to(agent, asks, answers, is_read);
        let title = if let Some(lie) = self.hidden_promise(agent, own, asks, answers) {
            lines.extend(self.told_lie(lie, NO_SLOT));
            "Whoever answered was misled about who leads"
        } else if reads.is_empty() {
            lines.push(fact(format!(
                "{{a{}}} asked no store between the question and the answer whether it still leads",
                agent.0
            )));
            "No store is to blame"
        } else {
            let shown = reads.iter().take(LINES_MAX);
            lines.extend(shown.map(|&it| self.line(it, NO_SLOT)));
            "No greater promise stood where it looked"
        };
        lines.sort_by_key(|line| (line.step.is_none(), line.step));
        part(title, lines)
    }

    /// What is below a slot is dropped, and too few stores have a snapshot of it.
    pub(super) fn dropped(&self, step: u64) -> Option<Vec<Part>> {
        let drops = self
            .places(|deed| matches!(deed, Deed::Dropped { .. }))
            .rev()
            .find(|&at| self.step(at) == step)?;
        let Deed::Dropped { below, .. } = *self.deed(drops) else {
            return None;
        };
        let last = Slot(below.0.checked_sub(1)?);
        let covers = |deed: &Deed| matches!(deed, Deed::Kept { name, .. } if name.slot >= below);
        let kept: Vec<usize> = self.places(covers).filter(|&at| at < drops).collect();
        let stores = self.stores_of(kept.iter().copied());
        let stores = if stores.is_empty() {
            "on no store".to_owned()
        } else {
            format!("only on {} of {} stores", stores.join(", "), self.stores)
        };
        let drop = self.line(drops, last);
        let title = format!(
            "{}: a snapshot of that has come to stand {stores}",
            drop.text
        );
        let mut lines: Vec<Line> = kept.iter().map(|&at| self.line(at, last)).collect();
        lines.drain(..lines.len().saturating_sub(LINES_MAX));
        lines.push(drop);
        let from = kept.first().copied().unwrap_or(drops);
        Some(vec![
            self.decided(last)?,
            part(&title, lines),
            self.blame(from, last),
        ])
    }

    /// A decided slot that too few stores hold.
    pub(super) fn lost(&self, slot: Slot) -> Option<Vec<Part>> {
        let voted = |deed: &Deed| matches!(deed, Deed::Voted { cast, .. } if cast.slot == slot);
        let from = self.places(voted).next().unwrap_or(0);
        Some(vec![self.decided(slot)?, self.blame(from, slot)])
    }

    /// How a slot was decided first, and where votes for that came to stand.
    fn decided(&self, slot: Slot) -> Option<Part> {
        let mut chosen = self.chosen(self.entries.len());
        let (at, batch) = chosen.find_map(|at| {
            let (of, batch) = self.choice(at)?;
            (of == slot).then_some((at, batch))
        })?;
        let votes = |deed: &Deed| matches!(deed, Deed::Voted { cast, .. } if cast.slot == slot && cast.batch == batch);
        let mut lines: Vec<Line> = self
            .places(votes)
            .take(LINES_MAX)
            .map(|at| self.line(at, slot))
            .collect();
        let chosen = self.line(at, slot);
        let title = format!(
            "{} at step {}, votes for it on {} of {} stores",
            chosen.text,
            self.step(at),
            self.stores_of(self.places(votes)).join(", "),
            self.stores
        );
        lines.push(chosen);
        lines.sort_by_key(|line| line.step);
        Some(part(&title, lines))
    }

    /// Faults after a place that took something from stores; none: agents let it go themselves.
    fn blame(&self, from: usize, slot: Slot) -> Part {
        let takes = |deed: &Deed| {
            matches!(
                deed,
                Deed::Broke {
                    kind: FaultKind::Amnesia
                        | FaultKind::BitRot
                        | FaultKind::StoreLoss
                        | FaultKind::TornWrite
                        | FaultKind::MisdirectedWrite,
                    store: Some(_),
                    ..
                }
            )
        };
        let faults = self.places(takes).filter(|&at| at > from);
        let mut lines: Vec<Line> = faults.map(|at| self.line(at, slot)).collect();
        if lines.is_empty() {
            let text = "no store lost or damaged anything since: it was let go too early";
            return part("No store is to blame", vec![fact(text)]);
        }
        lines.drain(..lines.len().saturating_sub(LINES_MAX));
        part("What stores lost or damaged since", lines)
    }
}

/// Of a vow its promise or its floor.
fn half((promise, floor): Vow, is_promise: bool) -> Vow {
    if is_promise {
        (promise, None)
    } else {
        (None, floor)
    }
}

fn part(title: &str, lines: Vec<Line>) -> Part {
    Part {
        title: title.to_owned(),
        lines,
    }
}
