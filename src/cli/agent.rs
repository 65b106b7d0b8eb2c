//! The arguments of `agent`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::fuzz::duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent agent propose --id 0 --agents 3 blue             three directories below bivalent-data
  bivalent agent propose --store /mnt/a /mnt/b /mnt/c --id 1 --agents 3 green
  bivalent agent propose --store disk:/dev/sdb disk:/dev/sdc disk:/dev/sdd --id 2 --agents 3 red
  bivalent agent serve --id 0 --agents 5                    a key-value store on 127.0.0.1:7400
  printf 'put k v\\nget k\\n' | nc 127.0.0.1 7400";

pub(super) const MORE: &str = "\
Agents are processes that share nothing but stores. All agents of one system name the same stores in the same
order and the same number of agents; each has an id of its own, from 0. A start of an agent fences its earlier
ones: of two processes with one id the one that began first stops. (A disk can't see to that: there, be sure
that the earlier one is dead.) With fewer stores than a majority everybody waits; a
start needs a majority at once, and the very first one all of them.

Stores: a directory (also file:///DIR), s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX; for
propose also disk:PATH, a file or block device of fixed blocks. Buckets take keys and region from the
environment, as `probe` does. Without --store: the directories a, b and c below --data.";

const PROPOSE_MORE: &str = "\
What is printed is what was decided, by whichever agent's proposal; who asks again later gets the same. The
decision's name keeps it apart from others on the same stores.

Exit codes: 0 decided, 2 usage, 6 no decision within --timeout, 74 the stores can't be used, 130 interrupted.";

const SERVE_MORE: &str = "\
One command a line, one answer a line:
  put KEY VALUE         ok
  get KEY               the value, or nil
  cas KEY OLD NEW       true or false; OLD may be nil: nothing stands there
  del KEY               ok
  status                what this replica is at
  digest                how far it has applied the log, and a checksum of its state there
  help, quit
Words with blanks, and the word nil itself, stand in double quotes, as in JSON. An answer that begins with
`error` says what was wrong; with `error unknown`, the command may have taken effect, or may still do so.

Clients: 1,000 at a time, lines of 1 MiB at most; each connection has one command under way.

Ctrl-C or SIGTERM ends it: what has been asked is answered, for 5 seconds at most; then it exits with 0.
Killed, it starts again from the stores alone.";

/// Arguments of `agent`.
#[derive(Args, Debug)]
pub(crate) struct AgentArgs {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: AgentCommand,
}

/// What an agent does.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// Propose a value, and print what is decided.
    #[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{PROPOSE_MORE}\n\n{MORE}"),
        override_usage = "bivalent agent propose [OPTIONS] [--store <STORE>...] --id <A> --agents <N> <VALUE>")]
    Propose(ProposeArgs),
    /// Serve a replicated key-value store.
    #[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{SERVE_MORE}\n\n{MORE}"))]
    Serve(ServeArgs),
}

/// Which agent, over which stores.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// The stores, the same for all agents and in the same order: all words up to the next option.
    #[arg(long, value_name = "STORE", num_args = 1..)]
    pub(crate) store: Vec<String>,
    /// Where the directories of the stores are if no --store is named.
    #[arg(
        long,
        value_name = "DIR",
        default_value = "bivalent-data",
        conflicts_with = "store"
    )]
    pub(crate) data: PathBuf,
    /// Which agent this is, from 0.
    #[arg(long, value_name = "A")]
    pub(crate) id: u16,
    /// How many agents there are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=128))]
    pub(crate) agents: u16,
    /// Directories: a write counts when the system has it in memory, not only when it is on the disk.
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// How long an operation on a store may take before it is tried again; longer with each try.
    #[arg(long, value_name = "TIME", default_value = "250ms", value_parser = duration)]
    pub(crate) patience: Duration,
    /// Tell on standard error what the agent does.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Arguments of `agent propose`.
#[derive(Args, Debug)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The name of the decision: letters, digits, `-`, `_` and `.`.
    #[arg(long, value_name = "NAME", default_value = "decision")]
    pub(crate) name: String,
    /// How it is decided; the same for all agents.
    #[arg(long, value_enum, default_value_t, value_name = "PROTOCOL")]
    pub(crate) protocol: ProtocolName,
    /// Give up after so long; what was proposed may still be decided.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// What to propose.
    #[arg(value_name = "VALUE")]
    pub(crate) value: String,
}

/// How one value is decided.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum ProtocolName {
    /// Reads and writes: every store has them.
    #[default]
    DiskPaxos,
    /// One record a store, changed by conditional writes: buckets have them, directories don't.
    Records,
}

/// Arguments of `agent serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The name of the store of keys: letters, digits, `-`, `_` and `.`.
    #[arg(long, value_name = "NAME", default_value = "kv")]
    pub(crate) name: String,
    /// Where to listen: `127.0.0.1:PORT`, `[::1]:PORT` or `unix:PATH`; port 0 takes a free one. The default is
    /// 127.0.0.1 and 7400 + the id.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// How long a command may take before its client is told that its outcome is unknown.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// The pause between two looks at the leader, and between two signs of life of a leader.
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub(crate) heartbeat: Duration,
}
