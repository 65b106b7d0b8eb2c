//! Histories of real runs: their clocks are those of a graph drawn by hand from what was read.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use bivalent_sim::{
    scenario::{Scenario, catalogue, planted::Planted},
    story::{
        export,
        timeline::{self, Clock, Event, Timeline},
    },
};

fn scenario(name: &str) -> Scenario {
    let chapter = catalogue::chapters()
        .iter()
        .find(|chapter| chapter.name.contains(name))
        .unwrap();
    Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap()
}

fn history(name: &str, seed: u64) -> Timeline {
    timeline::of(&scenario(name), seed, Planted::default())
}

/// Steps of processes, and which other steps are known in each.
type Known<'a> = BTreeMap<(&'a str, u32), BTreeSet<(&'a str, u32)>>;

fn step_of(clock: &Clock) -> (&str, u32) {
    (clock.host(), clock.count())
}

/// What each step knows, from nothing but the order of the steps of a process and the texts of reads
/// and writes: `wrote s1: ballot 3, vote v1 of ballot 2` is what `read s1[a1]: ballot 3 of a1, vote v1 of
/// ballot 2` returned. Up to the first read of a text that two steps have written: a vote for somebody's ballot 1 is written
/// as one for another's ballot 1 is.
fn known<'a>(history: &'a Timeline) -> Known<'a> {
    let mut known: Known<'_> = BTreeMap::new();
    let mut writes: BTreeMap<(&str, &str, String), (&str, u32)> = BTreeMap::new();
    let mut written_on: BTreeMap<&str, Vec<(&str, u32)>> = BTreeMap::new();
    let mut doubtful: BTreeSet<(&str, &str, String)> = BTreeSet::new();
    for event in &history.events {
        let Some(clock) = &event.clock else {
            continue;
        };
        let this = step_of(clock);
        let mut mine = known.remove(&this).unwrap_or_default();
        mine.insert(this);
        let own = (1..this.1).map(|count| (this.0, count));
        for before in own {
            mine.insert(before);
            mine.extend(known.get(&before).into_iter().flatten().copied());
        }
        let (store, agent) = (event.store.as_deref(), event.agent.as_deref());
        if event.kind == "wrote" {
            let key = (store.unwrap(), agent.unwrap(), written(event));
            let before = writes.insert(key.clone(), this);
            if before.is_some_and(|before| before != this) {
                doubtful.insert(key);
            }
            written_on.entry(store.unwrap()).or_default().push(this);
        }
        if event.kind == "refused"
            && let Some(steps) = written_on.get(store.unwrap())
        {
            // Whoever looks before he writes is refused for what stood there then, which may not be the newest.
            let with = |step: (&'a str, u32)| -> BTreeSet<(&'a str, u32)> {
                let more = known.get(&step).into_iter().flatten().copied();
                mine.iter().copied().chain(more).chain([step]).collect()
            };
            let told = |seen: &BTreeSet<(&str, u32)>| counts(seen) == clock.entries().collect();
            let seen = steps.iter().rev().map(|&step| with(step)).find(told);
            mine = seen.unwrap_or_else(|| with(steps[steps.len() - 1]));
        }
        if event.kind == "read"
            && let Some((author, block)) = read(event)
        {
            let key = (store.unwrap(), author, block);
            if doubtful.contains(&key) {
                known.remove(&this);
                return known;
            }
            if let Some(step) = writes.get(&key) {
                mine.extend(known.get(step).into_iter().flatten().copied());
                mine.insert(*step);
            }
        }
        known.insert(this, mine);
    }
    known
}

/// How many steps of each process are among these.
fn counts<'a>(steps: &BTreeSet<(&'a str, u32)>) -> BTreeMap<&'a str, u32> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for &(host, count) in steps {
        let most = counts.entry(host).or_default();
        *most = count.max(*most);
    }
    counts
}

/// `ballot 3, vote v1 of ballot 2`, `ballot 3`.
fn written(event: &Event) -> String {
    event.text.split_once(": ").unwrap().1.to_owned()
}

/// The author of what was read, and it as its author's write tells it.
fn read(event: &Event) -> Option<(&str, String)> {
    let (place, block) = event.text.split_once(": ")?;
    let author = match place.split_once('[') {
        Some((_, author)) => author.strip_suffix(']')?,
        // A store's record, which is nobody's own: its ballot is its author's.
        None => block.split(',').next()?.split_once(" of ")?.1,
    };
    Some((author, block.replacen(&format!(" of {author}"), "", 1)))
}

#[track_caller]
fn check(name: &str, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut history = history(name, seed);
        // The graph is as large as the square of the run.
        history.events.truncate(2_000);
        let known = known(&history);
        assert!(
            known.len() > 5,
            "{name}@{seed} is too short to tell anything"
        );
        for (&step, before) in &known {
            let is = |event: &&Event| event.clock.as_ref().is_some_and(|c| step_of(c) == step);
            let event = history.events.iter().find(is).unwrap();
            let clock = event.clock.as_ref().unwrap();
            let told: BTreeMap<&str, u32> = clock.entries().collect();
            let counts = counts(before);
            assert_eq!(told, counts, "{name}@{seed}#{}: {}", event.step, event.text);
        }
    }
}

#[test]
fn clocks_say_what_was_read_and_nothing_else() {
    check("basic/two-agents-agree", 0..40);
}

#[test]
fn clocks_are_right_where_agents_duel() {
    check("flp/duelling-agents-with-backoff", 0..20);
}

#[test]
fn clocks_are_right_where_all_share_a_record() {
    for name in [
        "regimes/acceptor-records-decide",
        "regimes/acceptor-records-lost-ack",
        "regimes/acceptor-records-stale",
        "regimes/put-if-absent-split",
    ] {
        check(name, 0..20);
    }
}

#[test]
fn clocks_are_right_whatever_breaks() {
    for name in [
        "basic/inside-the-envelope",
        "fault/amnesia",
        "fault/duplicate",
        "fault/late-write-versioned",
        "fault/outage",
        "fault/pause",
    ] {
        check(name, 0..20);
    }
}

#[test]
fn clocks_are_right_where_agents_crash_and_start_again() {
    check("fault/restart", 0..40);
}

#[test]
fn clocks_are_right_where_stores_answer_with_old_versions() {
    check("fault/stale-reads-outside", 0..40);
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for name in ["fault/crash", "fault/stale-reads-outside", "fault/restart"] {
        let (one, again) = (history(name, 3), history(name, 3));

        assert_eq!(export::jsonl(&one), export::jsonl(&again));
        assert_eq!(export::shiviz(&one), export::shiviz(&again));
    }
}
