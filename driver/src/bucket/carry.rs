//! A bucket carries out what agents ask of objects: names become texts, contents bytes.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use bivalent_core::{
    BlockBody, Content, Folder, If, LogBody, Name, ObjectName, ObjectOp, ObjectReply, StoreId,
    StoreTraits,
};
use futures_util::future::BoxFuture;
use object_store::PutMode;

use super::{Bucket, Put, tags::Tags};
use crate::{
    StoreError, Stored,
    content::{BlockCodec, Codec, LogCodec, decode, encode},
    names::{folder, key, parse, text},
    objects::{Carried, IsDead, Objects, Op, Reply},
};

/// Newest versions that are read ahead, at most.
const AHEAD: usize = 8;

/// A bucket as a store of one decision. See [`propose`](crate::propose).
pub type BucketDecision = BucketObjects<BlockBody>;
/// A bucket as a store of a log.
pub(crate) type BucketLog<M> = BucketObjects<LogBody<M>>;

/// A bucket as agents see it that keep `B` there.
pub struct BucketObjects<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    bucket: Bucket,
    codec: Box<dyn Codec<B>>,
    tags: Tags,
    /// What it said of itself last that no agent says.
    strange: Mutex<Option<String>>,
    /// What it said of itself first.
    #[cfg(feature = "planted-bugs")]
    first: Mutex<Option<bivalent_core::Identity>>,
}

impl<B> BucketObjects<B> {
    fn with(bucket: Bucket, codec: impl Codec<B> + 'static) -> Self {
        let shared = Shared {
            bucket,
            codec: Box::new(codec),
            tags: Tags::default(),
            strange: Mutex::default(),
            #[cfg(feature = "planted-bugs")]
            first: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }
}

impl BucketDecision {
    /// The bucket at that place in the list of stores.
    pub fn new(bucket: Bucket, store: StoreId) -> Self {
        Self::with(bucket, BlockCodec::new(store))
    }
}

impl<M: Stored> BucketLog<M> {
    /// The bucket as a store of a log.
    pub(crate) fn of_log(bucket: Bucket) -> Self {
        Self::with(bucket, LogCodec)
    }
}

type Outcome<B> = Result<Reply<B>, StoreError>;

impl<B: Send + Sync + 'static> Shared<B> {
    async fn carry(&self, op: Op<B>) -> Outcome<B> {
        match op {
            ObjectOp::Get(name) => self.get(name).await,
            ObjectOp::Put {
                name,
                content,
                only,
            } => self.put(name, &content, only).await,
            ObjectOp::Delete(names) => self.delete(names).await,
            ObjectOp::List { folder, after } => self.list(folder, after).await,
        }
    }

    async fn get(&self, name: ObjectName) -> Outcome<B> {
        #[cfg(feature = "planted-bugs")]
        if name == ObjectName::Identity
            && self.bucket.trusted
            && let Some(identity) = lock(&self.first).clone()
        {
            return Ok(ObjectReply::Found {
                content: Content::Identity(identity),
                tag: bivalent_core::ObjectTag(0),
            });
        }
        let found = self.bucket.get(folder(name.folder()), &text(name)).await?;
        let Some((bytes, state)) = found else {
            return Ok(ObjectReply::Missing);
        };
        let Some(content) = decode(&*self.codec, name, &bytes) else {
            if name == ObjectName::Identity {
                let words = String::from_utf8_lossy(&bytes).into_owned();
                *lock(&self.strange) = Some(words);
            }
            return Ok(ObjectReply::Unreadable);
        };
        #[cfg(feature = "planted-bugs")]
        if let Content::Identity(identity) = &content {
            lock(&self.first).get_or_insert_with(|| identity.clone());
        }
        // Only the record is ever written on the condition of a state.
        let tag = if name == ObjectName::Record {
            self.tags.number(state)
        } else {
            bivalent_core::ObjectTag(0)
        };
        Ok(ObjectReply::Found { content, tag })
    }

    async fn put(&self, name: ObjectName, content: &Content<B>, only: If) -> Outcome<B> {
        if name == ObjectName::Identity && self.bucket.is_missing().await {
            // Made here, it would be another store than the one that a mount will bring back.
            let words = "there is no such directory; make it, unless it is a mount that is away";
            return Err(self.bucket.failed(&words));
        }
        let bytes = encode(&*self.codec, name, content);
        let bytes = bytes.ok_or_else(|| StoreError::Unstorable { key: key(name) })?;
        let mode = match only {
            If::Always => PutMode::Overwrite,
            If::Absent => PutMode::Create,
            If::Unchanged(tag) => PutMode::Update(self.tags.state(tag)),
        };
        let place = (folder(name.folder()), &*text(name));
        Ok(match self.bucket.put(place, bytes, mode).await? {
            Put::Done(state) if name == ObjectName::Record => {
                ObjectReply::Done(Some(self.tags.number(state)))
            }
            Put::Done(_) => ObjectReply::Done(None),
            Put::Refused => ObjectReply::ConditionFailed,
            Put::Busy => ObjectReply::Conflict,
        })
    }

    async fn delete(&self, names: Vec<ObjectName>) -> Outcome<B> {
        let mut names = &names[..];
        while let Some(first) = names.first() {
            let same = |name: &&ObjectName| name.folder() == first.folder();
            let run = names.iter().take_while(same).count();
            let (first_ones, rest) = names.split_at(run);
            let texts = first_ones.iter().map(|&name| text(name)).collect();
            self.bucket.remove(folder(first.folder()), texts).await?;
            names = rest;
        }
        Ok(ObjectReply::Done(None))
    }

    /// All that there is, in one page: `object_store` collects them itself.
    async fn list(&self, place: Folder, after: Option<ObjectName>) -> Outcome<B> {
        let whole = place == Folder::Agents;
        let texts = self.bucket.list(folder(place), whole).await?;
        let names = texts.iter().filter_map(|text| parse(place, text));
        let mut names: Vec<_> = names.filter(|name| Some(*name) > after).collect();
        names.sort_unstable();
        Ok(ObjectReply::Listed { names, more: false })
    }
}

impl<B: Send + Sync + 'static> Shared<B> {
    /// Reads what agents ask for after nearly everything, what the store says of itself; and after a listing, the newest
    /// version of each agent.
    async fn look_ahead(&self, last: Option<&Outcome<B>>, ahead: &mut Vec<(ObjectName, Reply<B>)>) {
        if let Some(Ok(ObjectReply::Listed { names, .. })) = last {
            let mut newest: Vec<ObjectName> = Vec::new();
            for &name in names {
                if let ObjectName::Version(agent, _) = name {
                    newest.retain(
                        |known| !matches!(known, ObjectName::Version(owner, _) if *owner == agent),
                    );
                    newest.push(name);
                }
            }
            if newest.len() <= AHEAD {
                for name in newest {
                    if let Ok(reply) = self.get(name).await {
                        ahead.push((name, reply));
                    }
                }
            }
        }
        if let Ok(reply) = self.get(ObjectName::Identity).await {
            ahead.push((ObjectName::Identity, reply));
        }
    }
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<B: Send + Sync + 'static> Objects<B> for BucketObjects<B> {
    fn name(&self) -> &str {
        self.shared.bucket.name()
    }

    fn traits(&self) -> StoreTraits {
        let is_directory = self.shared.bucket.directory().is_some();
        StoreTraits {
            may_vanish: self.shared.bucket.may_vanish(),
            conditional: !is_directory,
            exclusive: is_directory,
        }
    }

    fn at_once(&self) -> bool {
        self.shared.bucket.directory().is_some()
    }

    /// Of a directory all of it in one piece of work for its threads, with what is likely to be asked next: a way there
    /// and back costs more than that.
    fn carry(&self, ops: Vec<Op<B>>) -> BoxFuture<'_, Carried<B>> {
        let shared = Arc::clone(&self.shared);
        let looks = self.at_once();
        let count = ops.len();
        let work = async move {
            let mut replies = Vec::with_capacity(ops.len());
            for op in ops {
                replies.push(shared.carry(op).await);
            }
            let mut ahead = Vec::new();
            if looks {
                shared.look_ahead(replies.last(), &mut ahead).await;
            }
            Carried { replies, ahead }
        };
        Box::pin(async move {
            let done = self.shared.bucket.all_at_once(Box::pin(work)).await;
            done.unwrap_or_else(|error| Carried {
                replies: (0..count).map(|_| Err(error.clone())).collect(),
                ahead: Vec::new(),
            })
        })
    }

    fn sweep<'a>(&'a self, is_dead: &'a IsDead) -> BoxFuture<'a, ()> {
        #[cfg(feature = "local")]
        if let Some(directory) = &self.shared.bucket.directory {
            return Box::pin(async move {
                for place in [Folder::Agents, Folder::Votes, Folder::Snapshots] {
                    let is_dead = |text: &str| parse(place, text).is_some_and(is_dead);
                    if let Err(error) = directory.sweep(folder(place), is_dead).await {
                        tracing::debug!(%error, "what was left behind stays");
                    }
                }
            });
        }
        let _ = is_dead;
        Box::pin(std::future::ready(()))
    }

    fn strange_identity(&self) -> Option<String> {
        lock(&self.shared.strange).clone()
    }
}

impl<B> fmt::Debug for BucketObjects<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shared.bucket.fmt(f)
    }
}
