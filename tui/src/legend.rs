//! The words on the screen, for those who meet them for the first time: one table, from which the second
//! page of the help is made.

/// Words and what they mean.
pub const TERMS: &[(&str, &str)] = &[
    (
        "agent",
        "one of those who must agree; it may crash and start again",
    ),
    (
        "store",
        "a passive disk: it keeps a block for each agent and runs no code",
    ),
    (
        "input",
        "the value that an agent proposes when it is free to choose",
    ),
    (
        "ballot",
        "an attempt to decide: a round and whose it is, `1 of a2`; greater rounds win, then later names",
    ),
    (
        "phase 1, 2",
        "a ballot first claims its number and reads what was voted, then votes",
    ),
    (
        "mbal",
        "the greatest ballot that an agent has begun, as its block says",
    ),
    (
        "bal, vote",
        "the ballot in which it voted last, and the value that it voted for",
    ),
    (
        "aborted",
        "a ballot ends without a decision: a greater one was met",
    ),
    (
        "decided",
        "a vote stands on a quorum and no greater ballot was seen: this can't be taken back",
    ),
    (
        "quorum",
        "enough stores that any two quorums share one: usually a majority",
    ),
    (
        "valence",
        "the values that can still be decided from here on, over all schedules",
    ),
    (
        "bivalent",
        "two values are still possible: the schedule decides which",
    ),
    (
        "univalent",
        "only one value is still possible, though perhaps nobody knows it yet",
    ),
    (
        "exact",
        "the valence is known: every schedule of the small system was looked at",
    ),
    (
        "n=128",
        "the valence is sampled: so many copies ran on at random. Two values seen prove both, one seen proves nothing",
    ),
    (
        "stall",
        "nothing has been decided for long; it may end by itself, or when a fault ends",
    ),
    (
        "wedge",
        "a stall that can't end: even alone and without faults no agent decides from here",
    ),
    (
        "contention",
        "a stall in which agents cut each other's ballots off: the duel",
    ),
    (
        "in flight",
        "asked of a store and not answered yet; it may take effect at any time (* in the store)",
    ),
    (
        "torn",
        "a write stopped half way: the block can't be read, if it has a checksum (! in the store)",
    ),
    (
        "stale",
        "an old version of a block is given to a reader (? in the store)",
    ),
    (
        "damaged",
        "not what its owner was told was written (# in the store)",
    ),
    (
        "slot",
        "of a replicated log: a place in it; each is decided by itself",
    ),
    (
        "lag",
        "of a replica: how many slots it is behind the foremost one",
    ),
    (
        "floor",
        "of a replica: the least slot that still stands on the stores; older ones are in snapshots",
    ),
    (
        "branch",
        "another future of this run, from a step on: b makes one",
    ),
];

#[cfg(test)]
mod tests {
    use super::TERMS;

    #[test]
    fn what_a_newcomer_meets_is_told_once() {
        for word in [
            "mbal",
            "bal",
            "input",
            "ballot",
            "floor",
            "n=128",
            "bivalent",
            "univalent",
            "stall",
            "wedge",
            "torn",
            "stale",
            "in flight",
        ] {
            let told = TERMS
                .iter()
                .filter(|(term, _)| term.split(", ").any(|it| it == word));
            assert_eq!(told.count(), 1, "{word}");
        }
    }
}
