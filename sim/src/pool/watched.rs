//! Watched work: a worker that does not come back from something is left behind, and the work goes on.
//!
//! A thread can't be stopped from outside. So workers are let go of, not waited for: one that has shown no sign of
//! life for too long is replaced, and what it was at is handed out again by whoever knows how to go round it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

/// How often the workers are looked at.
const TICK: Duration = Duration::from_millis(100);
/// Pieces that may be finished ahead of the one that is waited for, per worker.
const AHEAD: u64 = 8;

/// A worker's sign of life: it must change at least as often as it is looked for.
pub(crate) type Pulse = Arc<AtomicU64>;

/// What workers do with a piece.
pub(crate) type Work<P, R> = Arc<dyn Fn(&P, &Pulse) -> R + Send + Sync>;

/// What somebody does with pieces of work.
pub(crate) struct Orders<'a, P, R> {
    /// The next piece, if there is one.
    pub(crate) next: &'a mut dyn FnMut() -> Option<P>,
    /// Takes a result, in the order of the pieces; false: no more.
    pub(crate) take: &'a mut dyn FnMut(P, R) -> bool,
    /// A worker was left behind at a piece, and its pulse stood at this: the piece to do instead, or none to
    /// give it all up.
    pub(crate) left: &'a mut dyn FnMut(&P, u64) -> Option<P>,
    /// Called now and then, and with each result as soon as it is there, whatever is still waited for.
    pub(crate) idle: &'a mut dyn FnMut(Option<&R>),
}

enum Said<R> {
    Done { worker: usize, result: R },
    Tick,
}

struct Worker<P> {
    pulse: Pulse,
    work: Sender<P>,
    /// The number of the piece it is at, and the piece.
    at: Option<(u64, P)>,
    last: u64,
    /// Ticks since its pulse last changed.
    silent: u32,
    /// It was left behind.
    dead: bool,
}

/// Does pieces on `jobs` threads. A worker whose pulse stands still for `patience` is left behind.
pub(crate) fn run<P, R>(
    jobs: usize,
    patience: Duration,
    work: &Work<P, R>,
    orders: &mut Orders<'_, P, R>,
) where
    P: Clone + Send + 'static,
    R: Send + 'static,
{
    let (say, hear) = mpsc::channel();
    let ticks = u32::try_from(patience.as_millis() / TICK.as_millis()).unwrap_or(u32::MAX);
    // Lives until this function returns: then its channel closes.
    let (_alive, over) = mpsc::channel::<()>();
    let ticked = Arc::new(AtomicBool::new(false));
    ticker(say.clone(), over, Arc::clone(&ticked));
    let mut workers: Vec<Worker<P>> = (0..jobs.max(1)).map(|n| hire(n, work, &say)).collect();
    let (mut handed_out, mut taken) = (0, 0);
    let mut ready: BTreeMap<u64, (P, R)> = BTreeMap::new();
    let mut no_more = false;
    loop {
        for worker in workers
            .iter_mut()
            .filter(|worker| !worker.dead && worker.at.is_none())
        {
            if no_more || handed_out - taken >= AHEAD * jobs as u64 {
                break;
            }
            let Some(piece) = (orders.next)() else {
                no_more = true;
                break;
            };
            assign(worker, handed_out, piece);
            handed_out += 1;
        }
        if handed_out == taken {
            return;
        }
        match hear.recv() {
            Ok(Said::Done { worker, result }) => {
                let worker = &mut workers[worker];
                if worker.dead {
                    // It came back after all; somebody else has done it.
                    continue;
                }
                worker.silent = 0;
                if let Some((number, piece)) = worker.at.take() {
                    (orders.idle)(Some(&result));
                    ready.insert(number, (piece, result));
                }
            }
            Ok(Said::Tick) => {
                ticked.store(false, Ordering::Relaxed);
                (orders.idle)(None);
                for index in 0..workers.len() {
                    if !is_silent(&mut workers[index], ticks) {
                        continue;
                    }
                    workers[index].dead = true;
                    let pulse = workers[index].pulse.load(Ordering::Relaxed);
                    let Some((number, piece)) = workers[index].at.take() else {
                        continue;
                    };
                    let Some(instead) = (orders.left)(&piece, pulse) else {
                        return;
                    };
                    let mut fresh = hire(workers.len(), work, &say);
                    assign(&mut fresh, number, instead);
                    workers.push(fresh);
                }
            }
            Err(_) => return,
        }
        while let Some((piece, result)) = ready.remove(&taken) {
            taken += 1;
            if !(orders.take)(piece, result) {
                return;
            }
        }
    }
}

/// Does one thing on a thread of its own. If its pulse stands still for `patience` the thread is left behind.
///
/// # Errors
///
/// What the pulse stood at when it was left behind.
pub(crate) fn alone<R: Send + 'static>(
    patience: Duration,
    work: impl FnOnce(&AtomicU64) -> R + Send + 'static,
) -> Result<R, u64> {
    let (say, hear) = mpsc::channel();
    let pulse = Pulse::default();
    let own = Arc::clone(&pulse);
    start(move || {
        // Whoever asked may have gone.
        let _ = say.send(work(&own));
    });
    let (mut last, mut silent) = (0, Duration::ZERO);
    loop {
        match hear.recv_timeout(TICK) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => return Err(pulse.load(Ordering::Relaxed)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = pulse.load(Ordering::Relaxed);
        silent = if now == last { silent + TICK } else { TICK };
        last = now;
        if silent > patience {
            return Err(now);
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "beside its parent the one place that starts threads"
)]
fn start(work: impl FnOnce() + Send + 'static) {
    thread::spawn(work);
}

fn assign<P: Clone>(worker: &mut Worker<P>, number: u64, piece: P) {
    // A worker ends only when its channel does.
    let _ = worker.work.send(piece.clone());
    worker.at = Some((number, piece));
    worker.silent = 0;
}

fn is_silent<P>(worker: &mut Worker<P>, ticks: u32) -> bool {
    if worker.dead || worker.at.is_none() {
        return false;
    }
    let pulse = worker.pulse.load(Ordering::Relaxed);
    if pulse != worker.last {
        worker.last = pulse;
        worker.silent = 0;
        return false;
    }
    worker.silent += 1;
    worker.silent > ticks
}

fn hire<P, R>(number: usize, work: &Work<P, R>, say: &Sender<Said<R>>) -> Worker<P>
where
    P: Send + 'static,
    R: Send + 'static,
{
    let (send, pieces): (Sender<P>, Receiver<P>) = mpsc::channel();
    let pulse = Pulse::default();
    let (work, say, own) = (Arc::clone(work), say.clone(), Arc::clone(&pulse));
    start(move || {
        for piece in pieces {
            let result = work(&piece, &own);
            if say
                .send(Said::Done {
                    worker: number,
                    result,
                })
                .is_err()
            {
                return;
            }
        }
    });
    Worker {
        pulse,
        work: send,
        at: None,
        last: 0,
        silent: 0,
        dead: false,
    }
}

/// Says that time goes by, once until somebody has heard it: whoever was busy for long is not told how often.
fn ticker<R: Send + 'static>(say: Sender<Said<R>>, over: Receiver<()>, ticked: Arc<AtomicBool>) {
    start(move || {
        while over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if !ticked.swap(true, Ordering::Relaxed) && say.send(Said::Tick).is_err() {
                return;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Squares of 0..20, in order; `stuck` never comes back the first time.
    fn squares(jobs: usize, stuck: Option<u64>) -> (Vec<u64>, Vec<u64>) {
        let work: Work<(u64, bool), u64> = Arc::new(move |&(number, again), pulse| {
            pulse.store(number + 1, Ordering::Relaxed);
            if Some(number) == stuck && !again {
                loop {
                    thread::park();
                }
            }
            number * number
        });
        let (mut next, mut seen, mut left) = (0..20, Vec::new(), Vec::new());
        run(
            jobs,
            Duration::from_millis(300),
            &work,
            &mut Orders {
                next: &mut || next.next().map(|number| (number, false)),
                take: &mut |_, square| {
                    seen.push(square);
                    true
                },
                left: &mut |&(number, _), pulse| {
                    left.push(pulse);
                    Some((number, true))
                },
                idle: &mut |_| (),
            },
        );
        (seen, left)
    }

    #[test]
    fn results_come_in_order_whatever_the_number_of_workers() {
        let wanted: Vec<u64> = (0..20).map(|n| n * n).collect();

        for jobs in [1, 2, 5] {
            assert_eq!(squares(jobs, None), (wanted.clone(), vec![]), "{jobs}");
        }
    }

    #[test]
    fn whoever_is_busy_for_long_takes_nobody_for_dead() {
        let work: Work<u64, u64> = Arc::new(|&number, _| number);
        let (mut next, mut seen, mut lost) = (0..12, Vec::new(), 0);
        run(
            2,
            Duration::from_millis(300),
            &work,
            &mut Orders {
                next: &mut || next.next(),
                take: &mut |_, number| {
                    if number == 3 {
                        thread::park_timeout(Duration::from_millis(1500));
                    }
                    seen.push(number);
                    true
                },
                left: &mut |_, _| {
                    lost += 1;
                    None
                },
                idle: &mut |_| (),
            },
        );

        assert_eq!((seen, lost), ((0..12).collect(), 0));
    }

    #[test]
    fn a_slow_piece_holds_back_what_is_taken_and_not_what_is_told() {
        let work: Work<u64, u64> = Arc::new(|&number, _| {
            if number == 0 {
                thread::park_timeout(Duration::from_millis(600));
            }
            number
        });
        let (mut next, mut taken, mut told) = (0..12, Vec::new(), Vec::new());
        run(
            2,
            Duration::from_secs(60),
            &work,
            &mut Orders {
                next: &mut || next.next(),
                take: &mut |_, number| {
                    taken.push(number);
                    true
                },
                left: &mut |_, _| None,
                idle: &mut |result| told.extend(result.copied()),
            },
        );

        assert_eq!(taken, (0..12).collect::<Vec<_>>());
        assert_eq!(told.last(), Some(&0), "{told:?}");
        told.sort_unstable();
        assert_eq!(told, taken);
    }

    #[test]
    fn a_worker_that_does_not_come_back_is_left_behind_and_nothing_is_lost() {
        let wanted: Vec<u64> = (0..20).map(|n| n * n).collect();

        for jobs in [1, 3] {
            assert_eq!(squares(jobs, Some(7)), (wanted.clone(), vec![8]), "{jobs}");
        }
    }
}
