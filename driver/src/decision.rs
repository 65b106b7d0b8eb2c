//! What a single decision needs of a store: one block for each agent, or one record for all, and texts.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicBool, Ordering},
};

use bivalent_core::{
    AgentId, Block, Format, Incarnation, Layout, Overwrite, Place, RECORD, StoreId, Version,
};
use futures_util::future::BoxFuture;

use crate::{
    Bucket, Site, StoreError,
    bucket::{AGENTS, KEPT, Tag, seal},
    frame::Kind,
    names::Name,
};

const RECORDS: &str = "records";
const RECORD_NAME: &str = "record";
/// What conditions are tried on.
const TRIAL_NAME: &str = "trial";
const TEXTS: &str = "texts";
/// How often a folder is listed anew because what was listed is gone by the time it is read.
const LISTINGS: u32 = 8;
/// The size of a block in a bucket, bytes.
const SIZE: u32 = 128;

/// A block as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// What it says.
    pub block: Block,
    /// Which write left it there.
    pub version: Version,
    /// The latest start of the reader that was marked when the block was read. Later than the reader's own: it
    /// must stop.
    pub latest: Option<Incarnation>,
}

/// A store on which one value can be decided.
pub trait DecisionStore: Debug + Send + Sync {
    /// What it says of itself.
    fn site(&self) -> &dyn Site;

    /// Whether a write replaces the one before it.
    fn overwrite(&self) -> Overwrite;

    /// Whether it may have conditional writes: false if it is known to have none.
    fn has_conditional_writes(&self) -> bool;

    /// Reads `owner`'s block for `reader`. Never written is the default block.
    fn read(&self, owner: AgentId, reader: AgentId) -> BoxFuture<'_, Result<Seen, StoreError>>;

    /// Writes `owner`'s block. Where writes replace each other, one that was begun runs to its end, even
    /// if the future is dropped; and an error means that it is over: it has taken effect or never will.
    fn write(
        &self,
        owner: AgentId,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Removes `owner`'s blocks below the one of `newest`, which stands here, where they take room.
    fn forget(&self, owner: AgentId, newest: Version) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Reads the record that all agents share.
    fn read_record(&self) -> BoxFuture<'_, Result<(Block, Version), StoreError>>;

    /// Replaces the record if its version is `expect`; false if it is another.
    fn write_record(
        &self,
        expect: Version,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<bool, StoreError>>;

    /// Keeps the text that an agent's start proposes.
    fn keep_text<'a>(
        &'a self,
        agent: AgentId,
        start: Incarnation,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// The text that an agent's start proposed, if it stands here.
    fn text(
        &self,
        agent: AgentId,
        start: Incarnation,
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>>;
}

/// A bucket as a store of one decision. The bytes of blocks are the core's.
#[derive(Debug)]
pub struct BucketDecision {
    bucket: Bucket,
    store: StoreId,
    blocks: Layout,
    records: Layout,
    /// It has refused a write whose condition did not hold.
    refuses: AtomicBool,
}

impl BucketDecision {
    /// The bucket at that place in the list of stores.
    pub fn new(bucket: Bucket, store: StoreId) -> Self {
        let layout = |format| Layout::new(SIZE, SIZE, format).expect("a size that fits");
        Self {
            bucket,
            store,
            blocks: layout(Format::Versioned),
            records: layout(Format::Checked),
            refuses: AtomicBool::new(false),
        }
    }

    fn place(&self, owner: AgentId) -> Place {
        Place {
            store: self.store,
            owner,
        }
    }

    fn encode(&self, layout: Layout, owner: AgentId, version: Version, block: Block) -> Vec<u8> {
        let mut image = vec![0; layout.size() as usize];
        layout.encode(self.place(owner), version, block, &mut image);
        image
    }

    async fn read_block(&self, owner: AgentId, reader: AgentId) -> Result<Seen, StoreError> {
        for _ in 0..LISTINGS {
            let listing = self.bucket.agents().await?;
            let latest = listing.latest_start(reader);
            let Some(version) = listing.newest_of(owner) else {
                return Ok(Seen {
                    block: Block::default(),
                    version: Version::default(),
                    latest,
                });
            };
            let name = Name::Version(owner, version).text();
            // Gone: it has made way for a newer one.
            let Some(image) = self.bucket.get(AGENTS, &name).await? else {
                continue;
            };
            return match self.blocks.decode(self.place(owner), &image) {
                Ok((block, found)) if found == version => Ok(Seen {
                    block,
                    version,
                    latest,
                }),
                Ok(_) | Err(_) => Err(self.bucket.unreadable(AGENTS, &name)),
            };
        }
        Err(StoreError::Failed {
            store: self.bucket.name().to_owned(),
            why: "a block is replaced faster than it can be read".to_owned(),
        })
    }

    /// Refuses a store that takes conditions and ignores them, as some servers do: records would be lost there.
    async fn try_conditions(&self) -> Result<(), StoreError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.bucket.create(RECORDS, TRIAL_NAME, vec![0]).await?;
        // Names no state that anything was ever in.
        let nothing = Tag {
            e_tag: Some("\"bivalent\"".to_owned()),
            version: Some("1".to_owned()),
        };
        let done = self.bucket.replace(RECORDS, TRIAL_NAME, nothing, vec![1]);
        let replaced = done.await?;
        self.bucket.look().await?;
        if replaced {
            return Err(StoreError::Unconditional {
                store: self.bucket.name().to_owned(),
            });
        }
        self.refuses.store(true, Ordering::Relaxed);
        Ok(())
    }

    async fn swap_record(
        &self,
        expect: Version,
        version: Version,
        block: Block,
    ) -> Result<bool, StoreError> {
        self.try_conditions().await?;
        let image = self.encode(self.records, RECORD, version, block);
        match self.bucket.get_tagged(RECORDS, RECORD_NAME).await? {
            None if expect == Version::default() => {
                self.bucket.create(RECORDS, RECORD_NAME, image).await
            }
            None => Ok(false),
            Some((found, tag)) => {
                let (_, standing) = self.decode_record(&found)?;
                if standing != expect {
                    return Ok(false);
                }
                self.bucket.replace(RECORDS, RECORD_NAME, tag, image).await
            }
        }
    }

    fn decode_record(&self, image: &[u8]) -> Result<(Block, Version), StoreError> {
        self.records
            .decode(self.place(RECORD), image)
            .map_err(|_| self.bucket.unreadable(RECORDS, RECORD_NAME))
    }
}

/// The name of the text that an agent's start proposes.
fn text_name(agent: AgentId, start: Incarnation) -> String {
    format!("{:03}-{:04x}", agent.0, start.0)
}

impl DecisionStore for BucketDecision {
    fn site(&self) -> &dyn Site {
        &self.bucket
    }

    fn overwrite(&self) -> Overwrite {
        Overwrite::Versioned
    }

    fn has_conditional_writes(&self) -> bool {
        self.bucket.directory().is_none()
    }

    fn read(&self, owner: AgentId, reader: AgentId) -> BoxFuture<'_, Result<Seen, StoreError>> {
        Box::pin(self.read_block(owner, reader))
    }

    fn write(
        &self,
        owner: AgentId,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let image = self.encode(self.blocks, owner, version, block);
            let name = Name::Version(owner, version).text();
            self.bucket.put(AGENTS, &name, image).await
        })
    }

    fn forget(&self, owner: AgentId, newest: Version) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let listing = self.bucket.agents().await?;
            let mut old = listing.below(owner, newest);
            // Whoever is listing just now may not have come to the newest.
            old.truncate(old.len().saturating_sub(KEPT));
            self.bucket.remove(AGENTS, old).await
        })
    }

    fn read_record(&self) -> BoxFuture<'_, Result<(Block, Version), StoreError>> {
        Box::pin(async {
            let found = self.bucket.get(RECORDS, RECORD_NAME).await?;
            // No mark of a start tells whether the bucket was emptied meanwhile.
            self.bucket.look().await?;
            match found {
                None => Ok(Default::default()),
                Some(image) => self.decode_record(&image),
            }
        })
    }

    fn write_record(
        &self,
        expect: Version,
        version: Version,
        block: Block,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let done = self.swap_record(expect, version, block).await?;
            self.bucket.look().await?;
            Ok(done)
        })
    }

    fn keep_text<'a>(
        &'a self,
        agent: AgentId,
        start: Incarnation,
        text: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let name = text_name(agent, start);
            let bytes = seal(Kind::Text, TEXTS, &name, &text)?;
            self.bucket.put(TEXTS, &name, bytes).await
        })
    }

    fn text(
        &self,
        agent: AgentId,
        start: Incarnation,
    ) -> BoxFuture<'_, Result<Option<String>, StoreError>> {
        Box::pin(async move {
            let name = text_name(agent, start);
            self.bucket.open(Kind::Text, TEXTS, &name).await
        })
    }
}
