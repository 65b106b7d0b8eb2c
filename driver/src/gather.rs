//! What all stores say, where a quorum of them is enough.

use std::time::Duration;

use futures_util::{
    StreamExt,
    future::{BoxFuture, Either, select},
    stream::FuturesUnordered,
};

use crate::{Clock, Site, StoreError};

/// What every store says to what it is asked, in the order of the stores. Once a quorum has said something that
/// `counts`, the others have a part of the patience left: a store that hangs must not keep an agent from starting.
pub(crate) async fn gather<'a, T>(
    sites: &[&'a dyn Site],
    asks: impl Iterator<Item = BoxFuture<'a, Result<T, StoreError>>>,
    quorum: usize,
    counts: impl Fn(&T) -> bool,
    clock: &impl Clock,
    patience: Duration,
) -> Vec<Result<T, StoreError>> {
    let mut said: Vec<_> = sites.iter().map(|site| Err(silent(site.name()))).collect();
    let mut asks: FuturesUnordered<_> = asks
        .enumerate()
        .map(|(place, ask)| async move { (place, ask.await) })
        .collect();
    let mut limit = clock.sleep(patience);
    let mut counted = 0;
    loop {
        match select(asks.next(), limit).await {
            Either::Left((Some((place, answer)), goes_on)) => {
                limit = goes_on;
                if answer.as_ref().is_ok_and(&counts) {
                    counted += 1;
                    if counted == quorum {
                        limit = clock.sleep(patience / 8);
                    }
                }
                said[place] = answer;
            }
            Either::Left((None, _)) | Either::Right(_) => return said,
        }
    }
}

/// A store has said nothing.
pub(crate) fn silent(store: &str) -> StoreError {
    StoreError::Failed {
        store: store.to_owned(),
        why: "no answer in time".to_owned(),
    }
}

#[cfg(all(test, feature = "tokio"))]
mod tests {
    use std::future::{pending, ready};

    use super::*;
    use crate::{Bucket, TokioClock, memory};

    /// What three stores say, of which the last one hangs, and how long it takes to know.
    async fn ask(first: bool, second: bool) -> (Vec<Option<bool>>, Duration) {
        let stores: [Bucket; 3] = ["a", "b", "c"].map(memory);
        let sites = stores.each_ref().map(|store| store as &dyn Site);
        let asks: [BoxFuture<'_, Result<bool, StoreError>>; 3] = [
            Box::pin(ready(Ok(first))),
            Box::pin(ready(Ok(second))),
            Box::pin(pending()),
        ];
        let clock = TokioClock::start();
        let patience = Duration::from_secs(8);
        let said = gather(&sites, asks.into_iter(), 2, |&yes| yes, &clock, patience).await;
        (said.into_iter().map(Result::ok).collect(), clock.now())
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_waited_for_briefly_once_a_quorum_has_spoken() {
        let (said, took) = ask(true, true).await;

        assert_eq!(said, [Some(true), Some(true), None]);
        assert_eq!(took.as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_quorum_every_store_has_the_whole_patience() {
        let (said, took) = ask(true, false).await;

        assert_eq!(said, [Some(true), Some(false), None]);
        assert_eq!(took.as_secs(), 8);
    }
}
