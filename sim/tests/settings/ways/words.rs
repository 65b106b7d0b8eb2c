//! What is written under a protocol that it does not bear, and what is said of it.

/// Words that a protocol does not know, and a part of what is said of them.
pub(crate) const WORDS: [(&str, &str, &str); 20] = [
    (
        "put-if-absent",
        "[[fault]]\nwhen = { happens = 'phase-2' }\ncrash = {}\n",
        "one phase",
    ),
    (
        "put-if-absent",
        "[[fault]]\nwhen = { happens = 'aborted' }\ncrash = {}\n",
        "one attempt",
    ),
    (
        "replicated-log",
        "[[fault]]\nwhen = { happens = 'recovered' }\ncrash = {}\n",
        "starts again",
    ),
    (
        "replicated-log",
        "[schedule]\nadversary = 'pos'\n",
        "one decision",
    ),
    (
        "replicated-log",
        "[expect]\nalways = ['validity']\n",
        "propose nothing",
    ),
    (
        "replicated-log",
        "[expect]\noutcome = { violation = 'store-model' }\n",
        "store model",
    ),
    (
        "disk-paxos",
        "[expect]\nalways = ['linearizability']\n",
        "replicas",
    ),
    (
        "put-if-absent",
        "[expect]\nalways = ['invariants']\n",
        "no ballots",
    ),
    (
        "put-if-absent",
        "[expect]\noutcome = 'stall'\nstall = 'contention'\n",
        "pre-empt",
    ),
    (
        "acceptor-records",
        "[fuzz]\nfaults = { add = ['torn-write'] }\n",
        "as a whole",
    ),
    (
        "disk-paxos",
        "[schedule]\nadversary = { duel = ['a1', 'a2'] }\n[fuzz]\nagents = '2..4'\n",
        "names agents",
    ),
    (
        "disk-paxos",
        "[schedule.adversary.script]\nstem = []\nturn = ['a1 write s1']\n[fuzz]\nstores = 2\n",
        "names stores",
    ),
    (
        "disk-paxos",
        "[cluster]\nagents = 2\nstores = 1\n[schedule]\nadversary = 'keep-bivalent'\n[fuzz]\nstores = '1..5'\n",
        "valence",
    ),
    (
        "disk-paxos",
        "[cluster]\nagents = 2\nstores = 2\n[schedule]\nadversary = 'keep-bivalent'\n[fuzz]\nagents = '1..3'\n",
        "valence",
    ),
    (
        "disk-paxos",
        "[cluster]\nstale = 1\n[fuzz]\nstores = '1..3'\n",
        "1 stores",
    ),
    (
        "disk-paxos",
        "[expect]\noutcome = 'wedge'\nstall = 'no-quorum'\n",
        "a wedge",
    ),
    (
        "disk-paxos",
        "[expect]\noutcome = 'any'\nvalue = 'v1'\n",
        "no decision",
    ),
    (
        "disk-paxos",
        "[[fault]]\nat = '1ms'\ntimes = 2\ncrash = {}\n",
        "comes once",
    ),
    (
        "disk-paxos",
        "[[fault]]\nduring = '1ms..2ms'\nstore-loss = {}\n",
        "takes no time",
    ),
    (
        "replicated-log",
        "[workload]\nkeys = 1\nskew = 0.5\n",
        "one key",
    ),
];
