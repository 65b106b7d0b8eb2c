//! Between an agent and a store stands the driver: nothing lands that was not asked for, and nothing more often.

use std::collections::HashMap;

use bivalent_core::{Folder, If, Laid, ObjectName, ObjectOp};
use bivalent_driver::recording::Step;
use object_store::PutMode;

use super::recorded::{Lived, Stored};
use crate::memory::Landed;

/// A listing is made of two looks at the folder.
const LOOKS: u64 = 2;

/// An operation without what is written: bytes are not compared with values here.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Kind {
    Get(ObjectName),
    Put(ObjectName, On),
    Delete(ObjectName),
    List(Folder),
}

/// The condition of a put, without the state that it names: the driver has names of its own for states.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum On {
    Always,
    Absent,
    Unchanged,
}

/// How often agents asked each store for each operation.
#[derive(Default)]
struct Asked(HashMap<(u16, usize, Kind), u64>);

impl Asked {
    fn note<C>(&mut self, agent: u16, store: usize, op: &ObjectOp<ObjectName, C>) {
        let mut one = |kind, times| *self.0.entry((agent, store, kind)).or_default() += times;
        match op {
            ObjectOp::Get(name) => one(Kind::Get(*name), 1),
            ObjectOp::Put { name, only, .. } => {
                let on = match only {
                    If::Always => On::Always,
                    If::Absent => On::Absent,
                    If::Unchanged(_) => On::Unchanged,
                };
                one(Kind::Put(*name, on), 1);
            }
            ObjectOp::Delete(names) => names.iter().for_each(|name| one(Kind::Delete(*name), 1)),
            ObjectOp::List { folder, .. } => one(Kind::List(*folder), LOOKS),
        }
    }
}

/// Every operation that landed was asked for by an agent of that number, of that store, and landed no more often than
/// it was. That one which was asked for never lands is how stores are, and agents die.
pub(super) fn carried<A: Laid>(lives: &[Lived<A>], stores: &[Stored]) -> Result<(), String> {
    let mut asked = Asked::default();
    for Lived { agent, life, .. } in lives {
        for step in &life.steps {
            if let Step::Asked { store, op, .. } = step {
                asked.note(*agent, store.index(), op);
            }
        }
    }
    for Stored {
        store,
        memory,
        landings,
    } in stores
    {
        for (position, landing) in landings.iter().enumerate() {
            let kind = match &landing.landed {
                Landed::Get(name) => Kind::Get(*name),
                Landed::Put(name, _, mode) => {
                    let on = match mode {
                        PutMode::Overwrite => On::Always,
                        PutMode::Create => On::Absent,
                        PutMode::Update(_) => On::Unchanged,
                    };
                    Kind::Put(*name, on)
                }
                Landed::Delete(name) => Kind::Delete(*name),
                Landed::List(folder) => Kind::List(*folder),
                Landed::Strange(what) => return Err(format!("{what} is none of ours")),
            };
            let left = asked.0.get_mut(&(landing.agent, *store, kind));
            let Some(left) = left.filter(|left| **left > 0) else {
                return Err(format!(
                    "store {store}, memory {memory}, operation {position}: {kind:?} lands, and agent {} has not asked \
                     for it, or not so often",
                    landing.agent
                ));
            };
            *left -= 1;
        }
    }
    Ok(())
}
