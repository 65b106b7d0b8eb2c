//! A store of objects as the loop of an agent sees it: it carries operations out, and that is all.

use std::fmt::Debug;

use bivalent_core::{
    BlockBody, Content, Identity, ObjectName, ObjectOp, ObjectReply, Overwrite, StoreTraits,
};
use futures_util::future::BoxFuture;

use crate::StoreError;

/// An operation on objects.
pub(crate) type Op<B> = ObjectOp<ObjectName, Content<B>>;
/// An answer.
pub(crate) type Reply<B> = ObjectReply<ObjectName, Content<B>>;

/// What came of operations that were carried out at once.
#[derive(Debug)]
pub struct Carried<B> {
    /// What came of each, in their order.
    pub replies: Vec<Result<Reply<B>, StoreError>>,
    /// What the store answers to gets that are likely to follow, read after the last of them.
    pub ahead: Vec<(ObjectName, Reply<B>)>,
}

/// A store on which agents keep objects with `B` in them.
pub trait Objects<B>: Debug + Send + Sync {
    /// What to call it in messages.
    fn name(&self) -> &str;

    /// What it is known to be like.
    fn traits(&self) -> StoreTraits;

    /// Whether a write replaces the one before it, so that none may overtake another.
    fn overwrite(&self) -> Overwrite {
        Overwrite::Versioned
    }

    /// From now on it is the store of this identity; what is another one fails.
    fn expect(&self, _: &Identity) {}

    /// Whether several operations are better carried out together.
    fn at_once(&self) -> bool {
        false
    }

    /// Carries operations out, one after the other. Dropped halfway, a write may have taken effect or not, or may do so
    /// later.
    fn carry(&self, ops: Vec<Op<B>>) -> BoxFuture<'_, Carried<B>>;

    /// Removes what writers have left behind that died on the way, earlier starts of this one among them. Only
    /// directories keep such things.
    fn sweep<'a>(&'a self, _: &'a IsDead) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    /// What it said of itself last, if that was nothing that an agent says.
    fn strange_identity(&self) -> Option<String>;
}

/// Whether nobody can write under a name any more.
pub type IsDead = dyn Fn(ObjectName) -> bool + Send + Sync;

/// A store on which one value can be decided.
pub trait DecisionStore: Objects<BlockBody> {}

impl<T: Objects<BlockBody> + ?Sized> DecisionStore for T {}
