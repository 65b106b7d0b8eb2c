//! Starts of agents: each takes a number that no other start of the same agent has, nor will have.

use std::time::Duration;

use bivalent_core::{AgentId, Incarnation};

use crate::{Clock, Error, Site, StoreError, dice::Dice, gather::gather};

/// How often a start is asked for before the stores are given up.
const TRIES: u32 = 5;

/// A start that is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    pub(crate) start: Incarnation,
    /// What its marks carry.
    pub(crate) nonce: u64,
}

/// Takes a start of `agent` that nobody has had, nor will have: one greater than all before it.
///
/// A mark on a quorum makes it ours: two quorums share a store, and a store lets only one mark a start. One that
/// was marked on fewer is used up. Whoever has it marks the other stores too, before it counts anything that it reads
/// there.
pub(crate) async fn take_start(
    sites: &[&dyn Site],
    agent: AgentId,
    quorum: u8,
    clock: &impl Clock,
    patience: Duration,
    dice: &mut Dice,
) -> Result<Taken, Error> {
    let quorum = usize::from(quorum);
    let mut above: Option<Incarnation> = None;
    let mut most = 0;
    let mut why = Vec::new();
    for tried in 0..TRIES {
        // It takes several requests to mark a start.
        let patience = patience.saturating_mul(1 << tried.min(2));
        let looks = sites.iter().map(|site| site.starts());
        let looks = gather(sites, looks, quorum, |_| true, clock, patience).await;
        let looks = answers(looks, &mut why);
        for starts in &looks {
            let own = starts.iter().filter(|(owner, _)| *owner == agent);
            above = above.max(own.map(|&(_, start)| start).max());
        }
        most = most.max(looks.len());
        if looks.len() >= quorum {
            let next = match above {
                None => Incarnation(0),
                Some(Incarnation(u16::MAX)) => return Err(Error::StartsUsedUp(agent)),
                Some(Incarnation(last)) => Incarnation(last + 1),
            };
            let nonce = dice.word();
            let marks = sites.iter().map(|site| site.mark_start(agent, next, nonce));
            let marks = gather(sites, marks, quorum, |&ours| ours, clock, patience).await;
            if let Some(error) = marks.iter().find_map(of_fatal) {
                return Err(error);
            }
            let marks = answers(marks, &mut why);
            most = marks.len();
            if marks.iter().filter(|&&ours| ours).count() >= quorum {
                return Ok(Taken { start: next, nonce });
            }
            above = Some(next);
        }
        clock.sleep(dice.pause(patience / 8, patience / 2)).await;
    }
    why.dedup();
    Err(Error::TooFewStores {
        answered: most,
        stores: sites.len(),
        needed: quorum,
        why: why.join("; "),
    })
}

/// The error that ends a driver, if a store said one.
fn of_fatal<T>(said: &Result<T, StoreError>) -> Option<Error> {
    said.as_ref().err().and_then(Error::of_fatal)
}

/// The answers among what stores said; why there was none of the others goes to `why`.
fn answers<T>(said: Vec<Result<T, StoreError>>, why: &mut Vec<String>) -> Vec<T> {
    why.clear();
    let mut given = Vec::new();
    for said in said {
        match said {
            Ok(answer) => given.push(answer),
            Err(error) => why.push(error.to_string()),
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use object_store::{memory::InMemory, path::Path};

    use super::*;
    use crate::{Bucket, memory};

    #[tokio::test]
    async fn a_start_whose_mark_was_swept_away_is_not_taken_again() {
        let objects = Arc::new(InMemory::new());
        let store = |name| Bucket::new(objects.clone(), Path::default(), name, false);
        let (first, second) = (store("first"), store("second"));
        let (agent, mark) = (AgentId(0), |start| Incarnation(start));
        assert!(first.mark_start(agent, mark(1), 1).await.unwrap());
        assert!(first.mark_start(agent, mark(2), 2).await.unwrap());

        // Its mark is gone, since the later one says all that it did.
        assert!(!second.mark_start(agent, mark(1), 3).await.unwrap());
        assert!(!second.mark_start(agent, mark(2), 3).await.unwrap());
    }

    #[tokio::test]
    async fn a_mark_that_has_stood_is_not_made_again() {
        let store = memory("a");
        let (agent, start) = (AgentId(0), Incarnation(3));
        assert!(store.mark_start(agent, start, 1).await.unwrap());

        let again = store.mark_start(agent, start, 1).await;
        assert!(matches!(again, Err(StoreError::Lost { .. })), "{again:?}");
    }
}
