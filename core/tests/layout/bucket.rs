//! A bucket in memory, with ways to be unlike one.

use std::collections::BTreeMap;

use bivalent_core::{Content, Identity, If, Name, ObjectName, ObjectOp, ObjectReply, ObjectTag};

use crate::world::{Dice, Op, Reply, Store};

/// Names in a page of a listing: few, so that there are many pages.
const PAGE: usize = 3;

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket<B> {
    objects: BTreeMap<ObjectName, (Content<B>, ObjectTag)>,
    tags: u64,
    /// It writes whatever the condition says.
    pub(crate) ignores_conditions: bool,
    /// So many of the next conditional writes find it busy.
    pub(crate) conflicts: u32,
    /// So many of the next gets of a version find it gone, as if a newer one had taken its place.
    pub(crate) gone: u32,
}

impl<B> Default for Bucket<B> {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            tags: 0,
            ignores_conditions: false,
            conflicts: 0,
            gone: 0,
        }
    }
}

impl<B: Clone> Bucket<B> {
    /// Everything goes.
    pub(crate) fn empty(&mut self) {
        self.objects.clear();
    }

    /// What has such a name goes.
    pub(crate) fn forget(&mut self, is_gone: impl Fn(&ObjectName) -> bool) {
        self.objects.retain(|name, _| !is_gone(name));
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &ObjectName> {
        self.objects.keys()
    }

    /// Carries an operation out.
    pub(crate) fn apply(
        &mut self,
        op: ObjectOp<ObjectName, Content<B>>,
    ) -> ObjectReply<ObjectName, Content<B>> {
        match op {
            ObjectOp::Get(ObjectName::Version(..)) if self.gone > 0 => {
                self.gone -= 1;
                ObjectReply::Missing
            }
            ObjectOp::Get(name) => match self.objects.get(&name).cloned() {
                Some((content, tag)) => ObjectReply::Found { content, tag },
                None => ObjectReply::Missing,
            },
            ObjectOp::Put {
                name,
                content,
                only,
            } => {
                if only != If::Always && self.conflicts > 0 {
                    self.conflicts -= 1;
                    return ObjectReply::Conflict;
                }
                let standing = self.objects.get(&name).map(|&(_, tag)| tag);
                let holds = match only {
                    If::Always => true,
                    If::Absent => standing.is_none(),
                    If::Unchanged(tag) => standing == Some(tag),
                };
                if !holds && !self.ignores_conditions {
                    return ObjectReply::ConditionFailed;
                }
                let tag = ObjectTag(self.tags);
                self.tags += 1;
                self.objects.insert(name, (content, tag));
                ObjectReply::Done(Some(tag))
            }
            ObjectOp::Delete(names) => {
                for name in names {
                    self.objects.remove(&name);
                }
                ObjectReply::Done(None)
            }
            ObjectOp::List { folder, after } => {
                let names = self.objects.keys().copied();
                let names = names.filter(|name| name.folder() == folder && Some(*name) > after);
                let mut names: Vec<_> = names.collect();
                let more = names.len() > PAGE;
                names.truncate(PAGE);
                ObjectReply::Listed { names, more }
            }
        }
    }
}

impl<B: Clone> Store<B> for Bucket<B> {
    type Progress = ();

    const BY_PROCESS: bool = false;

    fn step(&mut self, op: &Op<B>, (): &mut (), _: u16, _: Option<Identity>) -> Option<Reply<B>> {
        Some(self.apply(op.clone()))
    }

    fn is_at_write((): &()) -> bool {
        false
    }

    fn cut(&mut self, (): (), _: &mut Dice) {}
}
