//! For each key of the schema, ways to set it that must show.

mod ends;
mod words;

pub(crate) use words::WORDS;

/// Who reads a key, and so says whether it changes anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Judge {
    /// It is for people.
    Said,
    /// A run, or the verdict on it.
    Run,
    /// Whoever chooses the seeds.
    Seeds,
    /// Whoever takes the scenario's own seed.
    Own,
    /// `bivalent price`.
    Price,
    /// `bivalent fuzz`.
    Fuzz,
    /// Nobody: every protocol refuses it.
    Nobody,
}

/// A way to set a key: two scenarios that differ in it alone.
#[derive(Debug)]
pub(crate) struct Way {
    pub(crate) key: String,
    pub(crate) with: String,
    pub(crate) without: String,
    pub(crate) judge: Judge,
}

/// What every key is tried on.
pub(crate) const SYSTEMS: [(&str, &str, &str); 12] = [
    ("disk-paxos on raw blocks", "disk-paxos", "raw"),
    ("disk-paxos on checked blocks", "disk-paxos", "checked"),
    ("disk-paxos on dual blocks", "disk-paxos", "dual"),
    ("disk-paxos on versioned blocks", "disk-paxos", "versioned"),
    ("raw acceptor-records", "acceptor-records", "raw"),
    ("checked acceptor-records", "acceptor-records", "checked"),
    ("raw put-if-absent", "put-if-absent", "raw"),
    ("checked put-if-absent", "put-if-absent", "checked"),
    ("disk-paxos on buckets", "disk-paxos", BUCKETS),
    ("acceptor-records on buckets", "acceptor-records", BUCKETS),
    ("put-if-absent on buckets", "put-if-absent", BUCKETS),
    ("replicated-log", "replicated-log", "versioned"),
];

/// Stands for a format where there is none.
pub(crate) const BUCKETS: &str = "buckets";

/// What each system has beside its protocol and format.
pub(crate) const REST: &str = "
[limits]
time = '400ms'
stall-after = '100ms'
[expect]
outcome = 'any'
";

/// Requests that come one close upon the other.
const BUSY: &str = "[workload]\nclients = 8\nthink = '0ms'\n";
/// Two stores of three are away until the heal.
const AWAY: &str = "[[fault]]\nat = '0ms'\noutage = { store = 's1' }\n[[fault]]\nat = '0ms'\noutage = { store = 's2' }\n\
                    [heal]\nat = '200ms'\n[limits]\ntime = '2s'\n";
const ROT: &str = "[[fault]]\nchance = 0.4\nbit-rot = {}\n";
const TORN: &str = "[[fault]]\nchance = 0.4\ntorn-write = {}\n";
const LOSSY: &str = "[[fault]]\nchance = 0.4\nlost-request = {}\n";
/// Two stores of three return to what they were, and whoever has decided begins anew.
const SET_BACK: &str = "[[fault]]\nwhen = { happens = 'decided' }\namnesia = { store = 's1', versions = 4 }\n\
                        [[fault]]\nwhen = { happens = 'decided' }\namnesia = { store = 's2', versions = 4 }\n\
                        [[fault]]\nwhen = { happens = 'decided' }\ncrash = { restart = '1ms..2ms' }\n";
const FORGETFUL: &str = "[[fault]]\nchance = 0.05\namnesia = { versions = 'all' }\n";

#[derive(Debug, Default)]
pub(crate) struct Ways(Vec<Way>);

impl Ways {
    fn by(&mut self, judge: Judge, key: &str, with: &str, without: &str) {
        self.0.push(Way {
            key: key.into(),
            with: with.into(),
            without: without.into(),
            judge,
        });
    }

    /// A setting with its value and without it, on top of something.
    fn set(&mut self, judge: Judge, key: &str, value: &str, on: &str) {
        let (section, last) = key.rsplit_once('.').unwrap_or(("", key));
        let header = if section.is_empty() {
            String::new()
        } else {
            format!("[{section}]\n")
        };
        let with = merged(on, &format!("{header}{last} = {value}\n"));
        self.by(judge, key, &with, on);
    }

    /// A key in a rule's fault, with one value and another.
    fn fault(&mut self, kind: &str, key: &str, trigger: &str, with: &str, without: &str) {
        let rule = |inside: &str| format!("[[fault]]\n{trigger}\n{kind} = {{ {inside} }}\n");
        self.by(
            Judge::Run,
            &format!("fault.{kind}.{key}"),
            &rule(with),
            &rule(without),
        );
    }
}

/// Two pieces of TOML as one, tables within tables.
pub(crate) fn merged(one: &str, other: &str) -> String {
    fn laid_over(base: &mut toml::Table, over: toml::Table) {
        for (key, value) in over {
            match (base.get_mut(&key), value) {
                (Some(toml::Value::Table(base)), toml::Value::Table(over)) => laid_over(base, over),
                (_, value) => {
                    base.insert(key, value);
                }
            }
        }
    }
    let mut base: toml::Table = toml::from_str(one).unwrap();
    laid_over(&mut base, toml::from_str(other).unwrap());
    toml::to_string(&base).unwrap()
}

/// Every way.
pub(crate) fn all() -> Vec<Way> {
    let mut ways = Ways::default();
    for key in ["title", "summary", "tags"] {
        ways.by(Judge::Said, key, "", "");
    }
    cluster(&mut ways);
    schedule(&mut ways);
    replicas(&mut ways);
    triggers(&mut ways);
    faults(&mut ways);
    scopes(&mut ways);
    buckets(&mut ways);
    ends::ends(&mut ways);
    ends::campaigns(&mut ways);
    ways.0
}

fn cluster(ways: &mut Ways) {
    let run = Judge::Run;
    ways.by(
        run,
        "cluster.protocol",
        "[cluster]\nprotocol = 'put-if-absent'\n",
        "[cluster]\nprotocol = 'acceptor-records'\n",
    );
    ways.by(
        run,
        "cluster.agents.*",
        "[cluster]\nagents = { a1 = 'x', a2 = 'y', a3 = 'z' }\n",
        "[cluster]\nagents = { a1 = 'x', a2 = 'x', a3 = 'x' }\n",
    );
    ways.set(run, "cluster.stores", "5", "");
    ways.set(run, "cluster.quorum", "3", "");
    for on in [ROT, TORN] {
        ways.set(run, "cluster.block.size", "'1024B'", on);
        ways.set(run, "cluster.block.sector", "'128B'", on);
    }
    ways.by(
        run,
        "cluster.block.format",
        &merged(ROT, "[cluster.block]\nformat = 'raw'\n"),
        &merged(ROT, "[cluster.block]\nformat = 'checked'\n"),
    );
    let stale = "[[fault]]\nchance = 0.3\nstale-read = { versions = 1 }\n[cluster]\nstores = 5\n";
    ways.set(run, "cluster.stale.per-run", "1", stale);
    ways.by(
        run,
        "cluster.stale.per-reader",
        &merged(stale, "[cluster.stale]\nper-reader = 1\n"),
        &merged(stale, "[cluster.stale]\nper-run = 1\n"),
    );
}

fn schedule(ways: &mut Ways) {
    let run = Judge::Run;
    ways.set(Judge::Own, "schedule.seed", "7", "");
    ways.set(run, "schedule.adversary.duel", "['a1', 'a2']", "");
    ways.set(run, "schedule.adversary.pct.depth", "3", "");
    ways.set(
        run,
        "schedule.adversary.pct.within",
        "4",
        "[schedule]\nadversary = { pct = { depth = 5 } }\n",
    );
    let script = "[schedule.adversary.script]\nstem = []\nturn = ['a1 write s1']\n";
    ways.by(
        run,
        "schedule.adversary.script.from",
        "[schedule.adversary.script]\nfrom = 12\nturn = ['a1 write s1']\n",
        "[schedule.adversary.script]\nfrom = 5\nturn = ['a1 write s1']\n",
    );
    ways.by(
        run,
        "schedule.adversary.script.before",
        "[schedule.adversary.script]\nfrom = 12\nbefore = 'pos'\n",
        "[schedule.adversary.script]\nfrom = 12\nbefore = 'oblivious'\n",
    );
    ways.set(
        run,
        "schedule.adversary.script.stem",
        "['a2 write s1']",
        script,
    );
    ways.set(
        run,
        "schedule.adversary.script.turn",
        "['a2 write s1']",
        script,
    );
    for key in ["read", "write"] {
        let key = format!("schedule.{key}.histogram");
        ways.set(run, &key, "'delays.hlog'", "");
    }
    ways.set(run, "schedule.retry.exponential", "'1ms..100ms'", "");
    ways.set(run, "schedule.timeout", "'1ms'", "");
    ways.by(
        run,
        "schedule.patience",
        "[schedule]\nadversary = 'state-aware'\npatience = 2\n",
        "[schedule]\nadversary = 'state-aware'\npatience = 500\n",
    );
    ways.set(
        run,
        "schedule.crashes",
        "1",
        "[schedule]\nadversary = 'state-aware'\n",
    );
    ways.set(run, "schedule.start", "'20ms'", "");
    ways.set(run, "schedule.choices", "''", "");
}

fn replicas(ways: &mut Ways) {
    let run = Judge::Run;
    let crash = "[[fault]]\nat = '150ms'\ncrash = { agent = 'a1' }\n[workload]\nrequests = 100\n";
    ways.set(run, "replica.heartbeat", "'5ms'", "");
    ways.set(run, "replica.patience", "1", crash);
    ways.set(run, "replica.spread", "'1ms'", crash);
    for (key, value) in [
        ("batch", "1"),
        ("window", "1"),
        ("snapshot-every", "2"),
        ("send-to", "'quorum'"),
    ] {
        ways.set(run, &format!("replica.{key}"), value, BUSY);
    }
    for (key, value) in [
        ("machine", "'bank'"),
        ("clients", "3"),
        ("at", "'a1'"),
        ("requests", "3"),
        ("think", "'1ms..2ms'"),
        ("every", "'1ms..2ms'"),
        ("reads", "0.1"),
        ("stale-reads", "0.9"),
        ("skew", "0.9"),
        ("retry", "'1ms'"),
        ("session", "2"),
    ] {
        ways.set(run, &format!("workload.{key}"), value, "");
    }
    // What is asked of a lock depends on whether it was free.
    let locks = "[workload]\nmachine = 'lock'\nclients = 3\n";
    ways.set(run, "workload.keys", "1", locks);
    ways.set(
        run,
        "workload.give-up",
        "0.9",
        "[workload]\nretry = '8ms'\n",
    );
}

fn triggers(ways: &mut Ways) {
    let crash =
        |trigger: &str| format!("[[fault]]\n{trigger}\ncrash = {{ restart = '1ms..2ms' }}\n");
    let delay = |trigger: &str| format!("[[fault]]\n{trigger}\ndelay = {{ by = '1ms..9ms' }}\n");
    let lost = |trigger: &str| format!("[[fault]]\n{trigger}\nlost-ack = {{}}\n");
    for (key, with, without) in [
        ("at", crash("at = '2ms'"), crash("at = '4ms'")),
        (
            "during",
            delay("during = '1ms..60ms'"),
            delay("during = '1ms..9ms'"),
        ),
        ("chance", delay("chance = 0.5"), delay("chance = 0.1")),
        ("nth", lost("nth = 3"), lost("nth = 1")),
        (
            "times",
            lost("chance = 0.5\ntimes = 1"),
            lost("chance = 0.5"),
        ),
        (
            "when.happens",
            crash("when = { happens = 'phase-1' }"),
            crash("when = { happens = 'write' }"),
        ),
        (
            "when.agent",
            crash("when = { happens = 'write', agent = 'a2' }"),
            crash("when = { happens = 'write' }"),
        ),
        (
            "when.store",
            crash("when = { happens = 'write', store = 's2' }"),
            crash("when = { happens = 'write' }"),
        ),
        (
            "when.nth",
            crash("when = { happens = 'write', nth = 2 }"),
            crash("when = { happens = 'write' }"),
        ),
    ] {
        ways.by(Judge::Run, &format!("fault.{key}"), &with, &without);
    }
}

fn faults(ways: &mut Ways) {
    let at = "at = '3ms'";
    let often = "chance = 0.1";
    for (kind, key, trigger, with, without) in [
        ("crash", "agent", at, "agent = 'a2'", "agent = 'a1'"),
        (
            "crash",
            "restart",
            at,
            "agent = 'a1', restart = '1ms..9ms'",
            "agent = 'a1'",
        ),
        (
            "crash",
            "unfenced",
            often,
            "restart = '1us..2us', unfenced = true",
            "restart = '1us..2us'",
        ),
        ("pause", "agent", at, "agent = 'a2'", "agent = 'a1'"),
        ("pause", "for", at, "for = '20ms'", "for = '1ms'"),
        ("outage", "store", at, "store = 's2'", "store = 's1'"),
        (
            "outage",
            "for",
            at,
            "store = 's1', for = '1ms'",
            "store = 's1', for = '20ms'",
        ),
        (
            "slow-store",
            "store",
            "at = '0ms'",
            "factor = 5, store = 's2'",
            "factor = 5, store = 's1'",
        ),
        (
            "slow-store",
            "factor",
            "at = '0ms'",
            "factor = 5, store = 's1'",
            "factor = 3, store = 's1'",
        ),
        (
            "slow-store",
            "for",
            "at = '0ms'",
            "factor = 5, store = 's1', for = '1ms'",
            "factor = 5, store = 's1'",
        ),
        (
            "amnesia",
            "store",
            often,
            "versions = 'all', store = 's1'",
            "versions = 'all'",
        ),
        (
            "amnesia",
            "versions",
            often,
            "versions = 1",
            "versions = 'all'",
        ),
        ("store-loss", "store", at, "store = 's2'", "store = 's1'"),
        ("delay", "by", often, "by = '1ms'", "by = '9ms'"),
        (
            "late-write",
            "by",
            "chance = 0.4",
            "by = '1ms'",
            "by = '9ms'",
        ),
        ("duplicate", "by", often, "by = '1ms'", "by = '9ms'"),
        ("torn-write", "keep", "chance = 0.4", "keep = '64B'", ""),
        (
            "torn-write",
            "acknowledged",
            "chance = 0.4",
            "acknowledged = true",
            "",
        ),
        (
            "stale-read",
            "versions",
            "chance = 0.6",
            "versions = 5",
            "versions = 1",
        ),
        (
            "stale-read",
            "age",
            "chance = 0.6",
            "age = '1ms'",
            "age = '20ms'",
        ),
        ("bit-rot", "bits", "chance = 0.6", "bits = 8", ""),
        (
            "misdirected-write",
            "onto",
            "chance = 0.4",
            "onto = 'a1'",
            "onto = 'a2'",
        ),
    ] {
        ways.fault(kind, key, trigger, with, without);
    }
    // Where nobody pauses, a clock is for time-outs alone.
    let skew = |inside: &str| {
        format!("{LOSSY}[[fault]]\nat = '0ms'\nclock-skew = {{ rate = {inside} }}\n")
    };
    ways.by(
        Judge::Run,
        "fault.clock-skew.agent",
        &skew("20.0, agent = 'a2'"),
        &skew("20.0, agent = 'a1'"),
    );
    ways.by(
        Judge::Run,
        "fault.clock-skew.rate",
        &skew("0.1, agent = 'a1'"),
        &skew("20.0, agent = 'a1'"),
    );
    let dead = "[[fault]]\nat = '1ms'\ncrash = { agent = ['a1'] }\n[[fault]]\nat = '1ms'\ncrash = { agent = ['a2'] }\n[[fault]]\nat = '5ms'\n";
    ways.by(
        Judge::Run,
        "fault.restart.agent",
        &format!("{dead}restart = {{ agent = 'a1' }}\n"),
        &format!("{dead}restart = {{ agent = 'a2' }}\n"),
    );
}

/// Which operations a fault can hit.
fn scopes(ways: &mut Ways) {
    for (kind, always, operation) in [
        ("delay", "by = '1ms..9ms'", true),
        ("reorder", "", true),
        ("lost-request", "", true),
        ("lost-ack", "", true),
        ("late-write", "by = '1ms..9ms'", false),
        ("duplicate", "by = '1ms..9ms'", true),
        ("torn-write", "", false),
        ("stale-read", "versions = 3", false),
        ("bit-rot", "", true),
        ("misdirected-write", "", false),
    ] {
        let comma = if always.is_empty() { "" } else { ", " };
        for (key, value) in [("agent", "a1"), ("store", "s1"), ("owner", "a1")] {
            let with = format!("{always}{comma}{key} = '{value}'");
            ways.fault(kind, key, "chance = 0.6", &with, always);
        }
        if operation {
            let with = format!("{always}{comma}operation = 'write'");
            ways.fault(kind, "operation", "chance = 0.6", &with, always);
        }
    }
}

/// What is said of stores that are buckets.
fn buckets(ways: &mut Ways) {
    ways.by(
        Judge::Run,
        "cluster.bucket.page",
        "[cluster]\nbucket = { page = 1 }\n",
        "[cluster]\nbucket = {}\n",
    );
    ways.by(
        Judge::Run,
        "cluster.bucket.vanishes",
        "[cluster]\nbucket = { vanishes = true }\n",
        "[cluster]\nbucket = {}\n",
    );
    let listing = |inside: &str| {
        format!(
            "[cluster]\nbucket = {{}}\n[[fault]]\nchance = 0.8\nstale-listing = {{ {inside} }}\n"
        )
    };
    for (key, with, without) in [
        ("versions", "versions = 40", "versions = 1"),
        ("age", "age = '1s'", "age = '1us'"),
        ("agent", "age = '1s', agent = 'a1'", "age = '1s'"),
        ("store", "age = '1s', store = 's1'", "age = '1s'"),
    ] {
        ways.by(
            Judge::Run,
            &format!("fault.stale-listing.{key}"),
            &listing(with),
            &listing(without),
        );
    }
}
