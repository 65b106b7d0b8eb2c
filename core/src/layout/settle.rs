//! Whether the stores are the right ones, and how they are set up.

use alloc::vec::Vec;

use super::{
    gather::Gather,
    house::{House, HouseCame, HouseKind},
    objects::{OnObjects, Stage},
    start::Starting,
};
use crate::{
    Call, Content, Identity, If, Laid, LaidTimer, ObjectName, ObjectsSaid, Port, Stop, StoreId, Why,
};

/// How often a store is set up that is empty again each time.
const TRIES: u8 = 8;

/// What a store says of itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Look {
    /// Nothing if it was never set up.
    identity: Option<Identity>,
    /// Some agent has started.
    began: bool,
}

/// What all looks together have shown.
#[derive(Default)]
struct Sight {
    /// How many stores are ours.
    whole: usize,
    /// Those that were never set up, or have lost what they held.
    blank: Vec<StoreId>,
    /// Some agent has started.
    began: bool,
    /// The system that the stores name.
    system: Option<u64>,
}

impl<A: Laid> OnObjects<A> {
    /// Looks at what every store says of itself.
    pub(super) fn look_at_all(&mut self, again: bool, port: &mut impl Port<Self>) {
        let looks = Gather::new(self.setup.stores.len());
        self.stage = Stage::Settling { looks, again };
        let first = Call::Get(ObjectName::Identity);
        self.ask_all(0, &HouseKind::Inspect(None), &first, port);
    }

    pub(super) fn inspected(
        &mut self,
        store: StoreId,
        result: Result<HouseCame, Why>,
        port: &mut impl Port<Self>,
    ) {
        let look = match result {
            Ok(HouseCame::Inspected(identity, listing)) => Ok(Look {
                identity,
                began: listing.has_begun(),
            }),
            Ok(_) => return,
            Err(Why::Unreadable(_)) => {
                return self.stop(Stop::OtherSystem { store, found: None }, port);
            }
            Err(why) => Err(why),
        };
        if let Stage::Settling { looks, .. } = &mut self.stage {
            looks.take(store, look);
            self.go_on(false, port);
        }
    }

    /// Takes the stores as they are, sets them up, or gives up. A store that was never set up joins only while no
    /// agent has ever started: later, an empty store is one that has forgotten what it held, and must not be counted.
    pub(super) fn settle(&mut self, now: bool, port: &mut impl Port<Self>) {
        let Stage::Settling { looks, again } = &mut self.stage else {
            return;
        };
        let (stores, quorum) = (self.setup.stores.len(), self.work.quorum);
        if !now && !looks.is_complete() {
            let counted = looks.count(|look| look.identity.is_some() && look.began);
            if counted >= quorum && !looks.hurries {
                looks.hurries = true;
                port.wake(LaidTimer::Grace(self.round), self.setup.grace);
            }
            return;
        }
        let (looks, again) = (looks.clone(), *again);
        self.work.drop_round(self.round);
        let sight = match self.sight(&looks) {
            Ok(sight) => sight,
            Err(stop) => return self.stop(stop, port),
        };
        let Sight {
            whole,
            blank,
            began,
            system,
        } = sight;
        if began && whole < quorum && !blank.is_empty() && !again {
            // Somebody may have set the stores up, and begun, after our look at one and before that at another. Whoever
            // has begun was through with all of them.
            return self.look_at_all(true, port);
        }
        if let Some(system) = system
            && (whole == stores || (began && whole >= quorum))
        {
            for store in blank {
                port.say(ObjectsSaid::Uncounted(store));
            }
            return self.settled(system, port);
        }
        let mut why: Vec<_> = looks.failures().collect();
        if began || !why.is_empty() {
            if began {
                why.extend(blank.iter().map(|&store| (store, Why::Blank)));
            }
            let stop = Stop::TooFewStores {
                answered: if began { whole } else { whole + blank.len() },
                needed: if began { quorum } else { stores },
                first: !began,
                why,
            };
            return self.stop(stop, port);
        }
        let blank: Vec<_> = blank.into_iter().rev().collect();
        self.stage = Stage::SettingUp {
            blank,
            system,
            tries: 0,
        };
        self.set_up_next(port);
    }

    fn sight(&self, looks: &Gather<Look>) -> Result<Sight, Stop> {
        let mut sight = Sight::default();
        for (store, look) in looks.answers() {
            sight.began |= look.began;
            let Some(found) = &look.identity else {
                sight.blank.push(store);
                continue;
            };
            let is_ours = self.setup.identity(store, 0).is_like(found);
            if !is_ours || sight.system.is_some_and(|known| known != found.system) {
                let found = Some(found.clone());
                return Err(Stop::OtherSystem { store, found });
            }
            sight.system = Some(found.system);
            sight.whole += 1;
        }
        Ok(sight)
    }

    /// Sets the next blank store up. One after the other, in the order that all agents have: of two that begin at once
    /// the second finds the first one's system on the first store.
    fn set_up_next(&mut self, port: &mut impl Port<Self>) {
        let Stage::SettingUp {
            blank,
            system,
            tries,
        } = &mut self.stage
        else {
            return;
        };
        let Some(&store) = blank.last() else {
            let system = system.unwrap_or_default();
            return self.settled(system, port);
        };
        let name = system
            .or(self.setup.named)
            .unwrap_or_else(|| port.draw(u64::MAX));
        let identity = Content::Identity(self.setup.identity(store, name));
        let put = Call::Put(ObjectName::Identity, identity, If::Absent);
        let house = House {
            round: self.round,
            kind: HouseKind::SetUp,
        };
        self.work.house((store, *tries), house, put, port);
    }

    pub(super) fn set_up(
        &mut self,
        store: StoreId,
        result: Result<HouseCame, Why>,
        port: &mut impl Port<Self>,
    ) {
        let Stage::SettingUp {
            blank,
            system,
            tries,
        } = &mut self.stage
        else {
            return;
        };
        let stop = match result {
            Ok(HouseCame::SetUp(Some(found))) => {
                let is_ours = self.setup.identity(store, 0).is_like(&found);
                if is_ours && system.is_none_or(|ours| ours == found.system) {
                    *system = Some(found.system);
                    *tries = 0;
                    blank.pop();
                    return self.set_up_next(port);
                }
                let found = Some(found);
                Stop::OtherSystem { store, found }
            }
            // It said that something stands there, and nothing does: it was busy, or was emptied.
            Ok(_) | Err(Why::Busy) if *tries < TRIES => {
                *tries += 1;
                return self.set_up_next(port);
            }
            Ok(_) => Stop::NotSetUp(store, Why::Blank),
            Err(Why::Unreadable(_)) => Stop::OtherSystem { store, found: None },
            Err(why) => Stop::NotSetUp(store, why),
        };
        self.stop(stop, port);
    }

    /// From now on an operation is answered only by a store of this system.
    fn settled(&mut self, system: u64, port: &mut impl Port<Self>) {
        for (place, state) in self.work.states.iter_mut().enumerate() {
            state.identity = Some(self.setup.identity(StoreId(place as u8), system));
        }
        port.say(ObjectsSaid::Settled { system });
        self.stage = Stage::Starting(Starting::new(self.setup.stores.len()));
        self.look_for_starts(port);
    }
}
