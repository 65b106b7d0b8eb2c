//! What logs of replicas came to and cost, as a few lines.

use bivalent_sim::engine::log::LogSum;

use super::units::{count, counted};

/// What many runs, or one, came to beside their verdicts.
pub(crate) fn lines(sum: &LogSum) -> String {
    let (all, ops) = (&sum.counts, &sum.counts.ops);
    let requests = all.commands + all.queries;
    let per = |part: u64| thousandths(part * 1000 / requests.max(1));
    let mut text = format!(
        "    requests    {} and {} answered; {} came again and took effect once\n",
        counted(all.commands, "command", "commands"),
        counted(all.queries, "query", "queries"),
        count(all.repeats),
    );
    text += &format!(
        "    log         {}, batches of {} (median) to {}; {}, {} in {}\n",
        counted(all.slots, "slot", "slots"),
        sum.batch.p50,
        sum.batch.max,
        counted(all.installs, "snapshot installed", "snapshots installed"),
        counted(all.leaders, "leader", "leaders"),
        counted(all.ballots, "ballot", "ballots"),
    );
    text += &format!(
        "    store ops   {} a request: votes {}, reads of promises {}, heads {}, surveys {}, snapshots {}\n",
        thousandths(all.ops_per_1000()),
        per(ops.votes),
        per(ops.head_reads),
        per(ops.heads),
        per(2 * ops.scans),
        per(ops.snapshots + ops.snapshot_reads + ops.drops),
    );
    if sum.ops_per_1000.count > 1 {
        let (ops, ballots) = (&sum.ops_per_1000, &sum.ballots_per_1000);
        text += &format!(
            "    by run      {} to {} store ops a request (median, 99 %), {} to {} ballots a decision\n",
            thousandths(ops.p50),
            thousandths(ops.p99),
            thousandths(ballots.p50),
            thousandths(ballots.p99),
        );
    }
    text + &format!(
        "    histories   {} linearizable, {} not, {} unknown\n",
        count(sum.linearizable),
        count(sum.not_linearizable),
        count(sum.unknown),
    )
}

fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}
