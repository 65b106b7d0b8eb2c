//! Why a run broke: who misled whom, at coordinates that were looked at by hand.

#![cfg(test)]

use bivalent_sim::{catalogue, planted::Planted, playback::Playback, scenario::Scenario};

/// The last part of what is said of a step: what misled somebody, or the only chain.
fn blamed(name: &str, seed: u64, step: u64) -> Vec<String> {
    let mut chapters = catalogue::chapters().iter();
    let chapter = chapters
        .find(|chapter| chapter.name.contains(&format!("/{name}.toml")))
        .unwrap();
    let scenario = Scenario::parse(chapter.name, chapter.text, &catalogue::open).unwrap();
    let mut playback = Playback::of_seed(&scenario, seed, Planted::default());
    playback.advance(step);
    playback.why_at(step).pop().unwrap().lines
}

#[test]
fn the_fault_that_is_blamed_changed_the_block_that_was_read_and_not_another_one() {
    for (name, seed, step, fault, read) in [
        // Not #293, which hit a1's own block.
        (
            "late-write-in-place",
            0x268,
            335,
            "late-write: s1: an older write of a2",
            "#315 a3 read s1[a2]",
        ),
        // Not #180, which returned what had been asked for.
        (
            "torn-write-raw",
            0x44,
            208,
            "torn-write: s3: a write of a2",
            "#183 a3 read s3[a2]",
        ),
        (
            "stale-reads-outside",
            0,
            65,
            "stale-read: s1: a1",
            "#53 a1 read s1[a3]",
        ),
        ("amnesia-majority", 0, 31, "amnesia: s", " a1 read s"),
        (
            "misdirected-write-raw",
            0x8b,
            164,
            "lands in a4's block",
            " a3 read s",
        ),
        (
            "bit-rot-raw",
            0,
            70,
            "bit-rot: s3: bits of a2's block flip",
            "read s3[a2]",
        ),
    ] {
        let lines = blamed(name, seed, step);
        let has = |what: &str| lines.iter().any(|line| line.contains(what));
        assert!(has(fault) && has(read), "{name}: {lines:#?}");
        let faults = [
            "late-write",
            "torn-write",
            "stale-read",
            "amnesia:",
            "misdirected",
            "bit-rot",
        ];
        let told = lines
            .iter()
            .filter(|line| faults.iter().any(|it| line.contains(it)));
        assert_eq!(told.count(), 1, "{name}: {lines:#?}");
    }
}
