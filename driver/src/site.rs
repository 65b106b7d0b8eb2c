//! A store's own account of itself: which system it belongs to, and which agents have been started.

use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

use bivalent_core::{AgentId, Incarnation};
use futures_util::future::BoxFuture;

use crate::{
    Clock, Error, StoreError,
    clock::within,
    dice::Dice,
    gather::{gather, silent},
};

/// What every store can do, whatever its blocks look like.
pub trait Site: Debug + Send + Sync {
    /// What to call it in messages.
    fn name(&self) -> &str;

    /// What it says of the system it belongs to; nothing if it was never set up.
    fn charter(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>>;

    /// Writes the charter where none stands yet. One that stands is left.
    fn set_up<'a>(&'a self, charter: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;

    /// From now on an operation is answered only by a store that holds this charter.
    fn expect(&self, charter: String);

    /// The starts that have been marked.
    fn starts(&self) -> BoxFuture<'_, Result<Vec<(AgentId, Incarnation)>, StoreError>>;

    /// Marks a start; false if that one is marked already, or a later one: then it is somebody else's, or may be.
    /// `nonce` tells starts with the same number apart where a store has no conditional writes.
    fn mark_start(
        &self,
        agent: AgentId,
        start: Incarnation,
        nonce: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;
}

/// What all agents of one system must agree on before they begin. It stands on every store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Charter {
    /// What is being agreed on: `decision` or `log`.
    pub(crate) kind: &'static str,
    pub(crate) agents: u8,
    pub(crate) stores: u8,
    pub(crate) quorum: u8,
    /// The name of the system, where it can't be drawn: disks have no create-if-absent, so of two agents that set them
    /// up at once each could find its own name on some of them.
    pub(crate) named: Option<u64>,
}

impl Charter {
    /// The charter of the store at that place in the list of stores. The place is in it, so that agents
    /// that list different stores, or the same store twice, don't count each other's quorums.
    fn words(&self, place: usize) -> String {
        let Self {
            kind,
            agents,
            stores,
            quorum,
            named: _,
        } = self;
        format!(
            "bivalent 1: {kind} of {agents} agents, store {} of {stores}, quorum {quorum}",
            place + 1
        )
    }

    /// The same as it stands on the store. `system` names this system and no other, so that stores that were set
    /// up apart are not mixed, however alike they are.
    fn text(&self, place: usize, system: u64) -> String {
        format!("{}, system {system:016x}\n", self.words(place))
    }

    /// The system that a charter names, if it is one of these settings at that place.
    fn system(&self, place: usize, found: &str) -> Option<u64> {
        let rest = found.strip_prefix(&self.words(place))?;
        let digits = rest.strip_prefix(", system ")?.strip_suffix('\n')?;
        u64::from_str_radix(digits, 16).ok()
    }
}

/// Sets the stores up, or finds that they are.
///
/// A store that was never set up joins only while no agent has ever started: later, an empty store is
/// one that has forgotten what it held, and must not be counted.
pub(crate) async fn settle(
    sites: &[&dyn Site],
    charter: &Charter,
    clock: &impl Clock,
    patience: Duration,
    dice: &mut Dice,
) -> Result<(), Error> {
    let quorum = usize::from(charter.quorum);
    let mut sight = look(sites, charter, clock, patience).await?;
    if sight.began && sight.whole < quorum && !sight.blank.is_empty() {
        // Somebody may have set the stores up, and begun, after our look at one and before that at another.
        // Whoever has begun was through with all of them.
        sight = look(sites, charter, clock, patience).await?;
    }
    let Sight {
        whole,
        blank,
        began,
        mut system,
        mut reasons,
    } = sight;
    let expect = |system: u64| {
        for (place, site) in sites.iter().enumerate() {
            site.expect(charter.text(place, system));
        }
    };
    if let Some(system) = system
        && (whole == sites.len() || (began && whole >= quorum))
    {
        expect(system);
        for &place in &blank {
            tracing::warn!(store = sites[place].name(), "is empty and is not counted");
        }
        return Ok(());
    }
    if began || !reasons.is_empty() {
        let needed = if began { quorum } else { sites.len() };
        if began {
            let lost = |&place: &usize| format!("{} has lost what it held", sites[place].name());
            reasons.extend(blank.iter().map(lost));
        } else {
            reasons.push("the first start sets every store up, and needs them all".to_owned());
        }
        return Err(Error::TooFewStores {
            answered: if began { whole } else { whole + blank.len() },
            stores: sites.len(),
            needed,
            why: reasons.join("; "),
        });
    }
    // One after the other, in the order that all agents have: of two that begin at once the second finds the
    // first one's system on the first store.
    for place in blank {
        let name = system
            .or(charter.named)
            .unwrap_or_else(|| dice.word() ^ moment());
        let text = charter.text(place, name);
        let site = sites[place];
        let work = async {
            site.set_up(&text).await?;
            site.charter().await
        };
        let found = within(clock, patience, work).await;
        let found = found.unwrap_or_else(|| Err(silent(site.name())))?;
        let Some(found) = found else {
            return Err(Error::Store(StoreError::Lost {
                store: site.name().to_owned(),
                why: "it was empty again as soon as it had been set up".to_owned(),
            }));
        };
        match (charter.system(place, &found), system) {
            (Some(standing), Some(ours)) if standing == ours => {}
            (Some(standing), None) => system = Some(standing),
            (Some(_) | None, _) => return Err(other_system(site, charter, place, &found)),
        }
    }
    expect(system.unwrap_or_default());
    Ok(())
}

/// A number that another process does not draw, even with the same seed.
fn moment() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = now.map_or(0, |now| now.as_nanos() as u64);
    nanos ^ u64::from(std::process::id()).rotate_left(40)
}

fn other_system(site: &dyn Site, charter: &Charter, place: usize, found: &str) -> Error {
    Error::OtherSystem {
        store: site.name().to_owned(),
        found: found.trim().to_owned(),
        wanted: charter.words(place),
    }
}

/// What one look at all stores has shown.
#[derive(Default)]
struct Sight {
    /// How many have our charter.
    whole: usize,
    /// Those that have none.
    blank: Vec<usize>,
    /// Some agent has started.
    began: bool,
    /// The system that charters name.
    system: Option<u64>,
    /// Why the others gave no answer.
    reasons: Vec<String>,
}

/// What one store says of itself: its charter, and the starts that are marked there.
type Look = (Option<String>, Vec<(AgentId, Incarnation)>);

/// Looks at every store. One that belongs to another system is an error.
async fn look(
    sites: &[&dyn Site],
    charter: &Charter,
    clock: &impl Clock,
    patience: Duration,
) -> Result<Sight, Error> {
    let looks = sites.iter().map(|site| {
        let look: BoxFuture<'_, _> =
            Box::pin(async { Ok((site.charter().await?, site.starts().await?)) });
        look
    });
    let has_begun = |(found, starts): &Look| found.is_some() && !starts.is_empty();
    let quorum = usize::from(charter.quorum);
    let looks = gather(sites, looks, quorum, has_begun, clock, patience).await;
    let mut sight = Sight::default();
    for (place, (site, look)) in sites.iter().zip(looks).enumerate() {
        match look {
            Ok((found, starts)) => {
                sight.began |= !starts.is_empty();
                match found {
                    Some(found) => {
                        let named = charter.system(place, &found);
                        if named.is_none() || sight.system.is_some_and(|known| named != Some(known))
                        {
                            return Err(other_system(*site, charter, place, &found));
                        }
                        sight.system = named;
                        sight.whole += 1;
                    }
                    None => sight.blank.push(place),
                }
            }
            Err(error) => sight.reasons.push(error.to_string()),
        }
    }
    Ok(sight)
}

#[cfg(test)]
mod tests {
    use std::{future::pending, sync::atomic::AtomicBool, sync::atomic::Ordering};

    use super::*;
    use crate::{Bucket, memory};

    /// Time stands still.
    #[derive(Clone)]
    struct Still;

    impl Clock for Still {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(pending())
        }
    }

    /// A store that is set up by somebody else just after it was looked at for the first time.
    #[derive(Debug)]
    struct Late {
        bucket: Bucket,
        place: usize,
        looked: AtomicBool,
    }

    impl Site for Late {
        fn name(&self) -> &str {
            self.bucket.name()
        }

        fn charter(&self) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
            Box::pin(async {
                if !self.looked.swap(true, Ordering::Relaxed) {
                    return Ok(None);
                }
                self.bucket.set_up(&CHARTER.text(self.place, 7)).await?;
                self.bucket.charter().await
            })
        }

        fn set_up<'a>(&'a self, charter: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
            self.bucket.set_up(charter)
        }

        fn expect(&self, charter: String) {
            self.bucket.expect(charter);
        }

        fn starts(&self) -> BoxFuture<'_, Result<Vec<(AgentId, Incarnation)>, StoreError>> {
            self.bucket.starts()
        }

        fn mark_start(
            &self,
            agent: AgentId,
            start: Incarnation,
            nonce: u64,
        ) -> BoxFuture<'_, Result<bool, StoreError>> {
            self.bucket.mark_start(agent, start, nonce)
        }
    }

    const CHARTER: Charter = Charter {
        kind: "decision",
        agents: 2,
        stores: 3,
        quorum: 2,
        named: None,
    };

    /// A store on which an agent has begun.
    async fn begun() -> Bucket {
        let bucket = memory("a");
        bucket.set_up(&CHARTER.text(0, 7)).await.unwrap();
        assert!(
            bucket
                .mark_start(AgentId(1), Incarnation(0), 1)
                .await
                .unwrap()
        );
        bucket
    }

    #[tokio::test]
    async fn stores_that_are_set_up_while_we_look_are_not_taken_for_lost() {
        let first = begun().await;
        let [second, third] = [1, 2].map(|place| Late {
            bucket: memory("late"),
            place,
            looked: AtomicBool::new(false),
        });

        let sites: [&dyn Site; 3] = [&first, &second, &third];
        let settled = settle(&sites, &CHARTER, &Still, Duration::ZERO, &mut Dice::new(1)).await;

        settled.unwrap();
    }

    #[tokio::test]
    async fn stores_that_are_blank_once_an_agent_has_begun_are_not_set_up() {
        let first = begun().await;
        let (second, third) = (memory("b"), memory("c"));

        let sites: [&dyn Site; 3] = [&first, &second, &third];
        let settled = settle(&sites, &CHARTER, &Still, Duration::ZERO, &mut Dice::new(1)).await;

        assert!(matches!(
            settled,
            Err(Error::TooFewStores {
                answered: 1,
                needed: 2,
                ..
            })
        ));
        assert_eq!(second.charter().await.unwrap(), None);
    }

    #[tokio::test]
    async fn stores_of_two_systems_are_not_mixed() {
        let of = |names: [&str; 3]| names.map(memory);
        let mut dice = Dice::new(3);
        let (ours, theirs) = (of(["a", "b", "c"]), of(["d", "e", "f"]));
        for stores in [&ours, &theirs] {
            let sites: Vec<&dyn Site> = stores.iter().map(|store| store as &dyn Site).collect();
            settle(&sites, &CHARTER, &Still, Duration::ZERO, &mut dice)
                .await
                .unwrap();
        }

        let mixed: [&dyn Site; 3] = [&ours[0], &theirs[1], &ours[2]];
        let settled = settle(&mixed, &CHARTER, &Still, Duration::ZERO, &mut dice).await;

        assert!(
            matches!(settled, Err(Error::OtherSystem { .. })),
            "{settled:?}"
        );
    }
}
