//! Stands in for the recording where it is not compiled in: nothing is copied and nothing kept.

use std::marker::PhantomData;

use bivalent_core::{
    Ballot, Event, Laid, LaidTag, LaidTimer, ObjectsSaid, ObjectsSetup, OnObjects, Pause, StoreId,
};

use crate::objects::Op;

/// The loop's end of a recording: there is none.
#[derive(Debug)]
pub(crate) struct Tape<A>(PhantomData<fn() -> A>);

#[expect(clippy::unused_self, reason = "the one that records needs itself")]
impl<A: Laid> Tape<A> {
    pub(crate) const fn none() -> Self {
        Self(PhantomData)
    }

    pub(crate) const fn begins(&self, _: &ObjectsSetup<A>) {}

    pub(crate) const fn told(&self, _: &Event<'_, OnObjects<A>>) {}

    pub(crate) const fn drew(&self, _: u64, _: u64) {}

    pub(crate) const fn given(&self, _: Option<Ballot>, _: Option<Ballot>) {}

    pub(crate) const fn asked(&self, _: StoreId, _: LaidTag, _: u8, _: &Op<A::Body>) {}

    pub(crate) const fn waits(&self, _: LaidTimer<A::Timer>, _: Pause) {}

    pub(crate) const fn said(&self, _: &ObjectsSaid<A>) {}
}
