//! The built-in catalogue: the files of `scenarios/`, embedded.

/// One scenario of the catalogue.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Chapter {
    /// Its path from the repository's root.
    pub name: &'static str,
    /// The file's text.
    pub text: &'static str,
}

macro_rules! chapters {
    ($($path:literal),* $(,)?) => {
        &[$(Chapter {
            name: concat!("scenarios/", $path, ".toml"),
            text: include_str!(concat!("../../../scenarios/", $path, ".toml")),
        }),*]
    };
}

macro_rules! delays {
    ($($file:literal),* $(,)?) => {
        &[$((
            concat!("delays/", $file),
            include_str!(concat!("../../../scenarios/measured/delays/", $file)),
        )),*]
    };
}

/// All chapters, in the order of their names. A test holds the list against the folder.
pub const fn chapters() -> &'static [Chapter] {
    CHAPTERS
}

/// The text of a file that a chapter names.
pub fn open(path: &str) -> Result<String, String> {
    let found = DELAYS.iter().find(|(name, _)| *name == path);
    found
        .map(|(_, text)| (*text).to_owned())
        .ok_or_else(|| "no such built-in file".to_owned())
}

const DELAYS: &[(&str, &str)] = delays![
    "local-directory-read.hlog",
    "local-directory-write.hlog",
    "local-disk-read.hlog",
    "local-disk-write.hlog",
    "postgres-read.hlog",
    "postgres-write.hlog",
    "redis-aof-read.hlog",
    "redis-aof-write.hlog",
];

const CHAPTERS: &[Chapter] = chapters![
    "basic/all-agents-down",
    "basic/crash-in-phase-2-and-recovery",
    "basic/fifty-agents-on-five-stores",
    "basic/inside-the-envelope",
    "basic/majority-of-stores-lost",
    "basic/majority-out-until-the-heal",
    "basic/minority-of-stores-lost",
    "basic/solo-agent",
    "basic/two-agents-agree",
    "basic/zombie-leader",
    "bucket/stale-listings",
    "bucket/three-agents",
    "explore/three-by-one",
    "explore/two-by-one-restart",
    "explore/two-by-one-torn",
    "explore/two-by-one",
    "explore/two-by-three",
    "explore/two-by-two-records",
    "explore/two-by-two-restart",
    "explore/two-by-two",
    "fault/amnesia-majority",
    "fault/amnesia",
    "fault/bit-rot-checked",
    "fault/bit-rot-raw",
    "fault/clock-skew",
    "fault/crash",
    "fault/delay",
    "fault/duplicate",
    "fault/late-write-in-place",
    "fault/late-write-versioned",
    "fault/lost-ack",
    "fault/lost-request",
    "fault/misdirected-write-raw",
    "fault/misdirected-write",
    "fault/nth-write-torn",
    "fault/outage",
    "fault/pause",
    "fault/reorder",
    "fault/restart",
    "fault/slow-store",
    "fault/stale-reads-inside",
    "fault/stale-reads-outside",
    "fault/store-loss",
    "fault/torn-write-checked",
    "fault/torn-write-dual",
    "fault/torn-write-raw",
    "flp/content-aware",
    "flp/duelling-agents-with-backoff",
    "flp/duelling-agents",
    "flp/fair-and-undecided",
    "flp/keep-bivalent",
    "flp/million-steps-undecided",
    "flp/oblivious",
    "flp/pct-within",
    "flp/pct",
    "flp/pos",
    "flp/price-of-blocking",
    "flp/state-aware",
    "fuzz/acceptor-records",
    "fuzz/contention",
    "fuzz/damaged-blocks",
    "fuzz/late-writes-versioned",
    "fuzz/log-bank",
    "fuzz/log-kv",
    "fuzz/log-lock",
    "fuzz/old-answers",
    "fuzz/outdated-blocks",
    "fuzz/put-if-absent",
    "fuzz/slow-writes-in-place",
    "log/clock-skew-against-the-heartbeat",
    "log/cost-alone-3",
    "log/cost-alone-5",
    "log/cost-leader-3-all",
    "log/cost-leader-3-batch-1",
    "log/cost-leader-3-batch-64",
    "log/cost-leader-3-pipeline",
    "log/cost-leader-5-batch-1",
    "log/cost-leader-5-batch-64",
    "log/down-for-ten-thousand-slots",
    "log/full-pipeline-under-stale-reads",
    "log/hundred-agents-three-leaders",
    "log/late-answers",
    "log/leader-crash-mid-batch",
    "log/single-agent",
    "log/snapshot-during-churn",
    "log/stale-reads-on-request",
    "log/store-replaced-inside",
    "log/store-replaced-outside",
    "log/storm-bank",
    "log/storm-kv",
    "log/storm-lock",
    "log/three-replicas",
    "log/torn-snapshot",
    "log/zombie-leader",
    "measured/local-directory-calm",
    "measured/local-disk-calm",
    "measured/local-disk-slow-store",
    "measured/postgres-calm",
    "measured/postgres-slow-store",
    "measured/redis-calm",
    "measured/redis-slow-store",
    "regimes/acceptor-records-amnesia",
    "regimes/acceptor-records-decide",
    "regimes/acceptor-records-duel",
    "regimes/acceptor-records-lost-ack",
    "regimes/acceptor-records-stale",
    "regimes/acceptor-records-store-lost",
    "regimes/herlihy-one-reliable-store",
    "regimes/put-if-absent-no-majority",
    "regimes/put-if-absent-split",
];
