//! The only threads: numbered pieces of work, handed out in order and taken back in order.

pub(crate) mod watched;

use std::{
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

/// Pieces that may be finished ahead of the one that is waited for, per thread.
const AHEAD: usize = 4;

/// Does the pieces `0..pieces` on `jobs` threads, each with a tool of its own, and gives their
/// results to `take` in order, until it returns false.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that starts threads"
)]
pub(crate) fn in_order<T, R: Send>(
    pieces: u64,
    jobs: usize,
    tool: impl Fn() -> T + Sync,
    work: impl Fn(&mut T, u64) -> R + Sync,
    mut take: impl FnMut(R) -> bool,
) {
    if jobs <= 1 || pieces <= 1 {
        let mut tool = tool();
        for piece in 0..pieces {
            if !take(work(&mut tool, piece)) {
                return;
            }
        }
        return;
    }
    let jobs = jobs.min(usize::try_from(pieces).unwrap_or(usize::MAX)) as u64;
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        // Thread t does the pieces t, t + jobs, …: which thread does what does not depend on time.
        let results: Vec<mpsc::Receiver<R>> = (0..jobs)
            .map(|first| {
                let (send, receive) = mpsc::sync_channel(AHEAD);
                let (over, tool, work) = (&over, &tool, &work);
                scope.spawn(move || {
                    let mut tool = tool();
                    let mut piece = first;
                    while piece < pieces && !over.load(Ordering::Relaxed) {
                        if send.send(work(&mut tool, piece)).is_err() {
                            return;
                        }
                        piece += jobs;
                    }
                });
                receive
            })
            .collect();
        for piece in 0..pieces {
            let Ok(result) = results[(piece % jobs) as usize].recv() else {
                break;
            };
            if !take(result) {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
        drop(results);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for jobs in [1, 2, 3, 7] {
            let mut seen = Vec::new();
            in_order(
                20,
                jobs,
                || (),
                |(), piece| piece * piece,
                |square| {
                    seen.push(square);
                    true
                },
            );
            assert_eq!(
                seen,
                (0..20).map(|n| n * n).collect::<Vec<_>>(),
                "{jobs} threads"
            );
        }
    }

    #[test]
    fn nothing_is_taken_after_a_no() {
        for jobs in [1, 3] {
            let mut taken = 0;
            in_order(
                1 << 40,
                jobs,
                || (),
                |(), piece| piece,
                |piece| {
                    taken += 1;
                    piece < 4
                },
            );
            assert_eq!(taken, 5, "{jobs} threads");
        }
    }
}
