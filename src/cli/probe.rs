//! The arguments of `probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::PlainFormat;
use super::fuzz::duration;

pub(super) const EXAMPLES: &str = "\
Examples:
  bivalent probe /mnt/shared -o delays.hlog     1,000 operations of each kind, or a minute
  bivalent probe s3://bucket/prefix --seconds 300 --concurrency 4 -o bucket.hlog
  bivalent probe /mnt/shared --size 4096 --no-sync --format jsonl
  bivalent probe memory:                        what the driver itself costs";

pub(super) const MORE: &str = "\
Two kinds are what a scenario's delays stand for, carried out as agents carry them out on a real store:
  read     list the folder of blocks, get the newest one of an agent
  write    put a block under a new name, with the looks at the store's charter that go with it
The others are single requests: put, get, list, create (put where nothing stands), replace (put over what was
seen; not every store has it). Operations that fail or take longer than --timeout are counted, and are no delays.

-o delays.hlog writes one HdrHistogram log (nanoseconds) a kind, delays-read.hlog, delays-write.hlog and so on.
In a scenario beside them:
  [schedule]
  read  = { histogram = \"delays-read.hlog\" }
  write = { histogram = \"delays-write.hlog\" }

Stores are directories (also file:///DIR), s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX, and
memory:, which measures what is left when nothing is stored. All of it happens in a folder bivalent-probe-... below the store, which is removed in the end. A directory must
be there. Keys and regions of buckets come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
AWS_REGION, AWS_ENDPOINT, AWS_ALLOW_HTTP; GOOGLE_SERVICE_ACCOUNT; AZURE_STORAGE_ACCOUNT_NAME,
AZURE_STORAGE_ACCOUNT_KEY.

Ctrl-C ends the measuring and keeps what was measured.";

/// Arguments of `probe`.
#[derive(Args, Debug)]
pub(crate) struct ProbeArgs {
    /// A directory, or the URL of a store.
    #[arg(value_name = "STORE")]
    pub(crate) store: String,
    /// Write the delays of each kind to FILE-read.hlog, FILE-write.hlog and so on; an .hlog at its end is
    /// taken off first.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// So many operations of each kind. [default: 1000 and --seconds 60, whichever ends first]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub(crate) operations: Option<u64>,
    /// For so long; with --operations, whichever ends first.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..=604_800))]
    pub(crate) seconds: Option<u64>,
    /// The size of a block.
    #[arg(long, value_name = "BYTES", default_value_t = 512)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub(crate) size: u32,
    /// How many operations are under way at a time.
    #[arg(long, value_name = "K", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) concurrency: u8,
    /// How long an operation may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Directories: a write counts when the system has it in memory, not only when it is on the disk.
    #[arg(long)]
    pub(crate) no_sync: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) format: PlainFormat,
}
