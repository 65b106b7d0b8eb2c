//! What objects hold, as bytes.

use std::{borrow::Cow, sync::Arc};

use bivalent_core::{
    AgentId, BlockBody, Content, Format, Head, Identity, Layout, LogBody, ObjectName, Place,
    RECORD, StateMachine, StoreId,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    frame::{self, Kind},
    names::key,
};

/// The format of names and contents, which an identity begins with. The first had starts of 16 bits and agents of 8.
pub(crate) const FORMAT: u32 = 2;
/// The size of a block in a bucket, bytes.
const SIZE: u32 = 128;

/// A machine whose commands, answers and state can stand on a store.
pub trait Stored:
    StateMachine<Command: Storable, Query: Storable, Answer: Storable, Snapshot: Storable>
    + Send
    + Sync
    + 'static
{
}

impl<M> Stored for M where
    M: StateMachine<Command: Storable, Query: Storable, Answer: Storable, Snapshot: Storable>
        + Send
        + Sync
        + 'static
{
}

/// What can be written as bytes and read back, anywhere.
pub trait Storable: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Storable for T {}

/// How a protocol's objects are written as bytes.
pub(crate) trait Codec<B>: Send + Sync {
    /// The bytes of what stands under a name; nothing if it can't be written as bytes.
    fn encode(&self, name: ObjectName, body: &B) -> Option<Vec<u8>>;

    /// What the bytes under a name hold; nothing if they are not whole.
    fn decode(&self, name: ObjectName, bytes: &[u8]) -> Option<B>;
}

/// The bytes of an object.
pub(crate) fn encode<B>(
    codec: &dyn Codec<B>,
    name: ObjectName,
    content: &Content<B>,
) -> Option<Vec<u8>> {
    match content {
        Content::Identity(identity) => Some(identity_text(identity).into_bytes()),
        Content::Start { nonce } => frame::seal(Kind::Start, &key(name), nonce),
        Content::Text(text) => frame::seal(Kind::Text, &key(name), &&**text),
        Content::Trial(content) => Some(vec![*content]),
        Content::Body(body) => codec.encode(name, body),
    }
}

/// What the bytes of an object hold.
pub(crate) fn decode<B>(
    codec: &dyn Codec<B>,
    name: ObjectName,
    bytes: &[u8],
) -> Option<Content<B>> {
    Some(match name {
        ObjectName::Identity => {
            Content::Identity(parse_identity(std::str::from_utf8(bytes).ok()?)?)
        }
        ObjectName::Start(..) => Content::Start {
            nonce: frame::open(Kind::Start, &key(name), bytes)?,
        },
        ObjectName::Text(..) => {
            let text: String = frame::open(Kind::Text, &key(name), bytes)?;
            Content::Text(text.into())
        }
        ObjectName::Trial => Content::Trial(*bytes.first()?),
        ObjectName::Version(..)
        | ObjectName::Record
        | ObjectName::Snapshot(_)
        | ObjectName::Vote(..) => Content::Body(codec.decode(name, bytes)?),
    })
}

/// What is wanted of a store, in words.
pub(crate) fn identity_words(identity: &Identity) -> String {
    let Identity {
        kind,
        agents,
        stores,
        quorum,
        place,
        system: _,
    } = identity;
    format!(
        "bivalent {FORMAT}: {kind} of {agents} agents, store {} of {stores}, quorum {quorum}",
        u32::from(*place) + 1
    )
}

/// What a store says of itself.
pub(crate) fn identity_text(identity: &Identity) -> String {
    let (words, system) = (identity_words(identity), identity.system);
    format!("{words}, system {system:016x}\n")
}

/// Whether a store says that it was set up by a build that has another format.
pub(crate) fn is_of_another_build(text: &str) -> bool {
    let rest = text.strip_prefix("bivalent ");
    let number = rest.and_then(|rest| rest.split_once(':'));
    number.is_some_and(|(number, _)| {
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        // One that is too large to be read is another one too.
        digits && number.parse() != Ok(FORMAT)
    })
}

/// What a store says of itself, read.
pub(crate) fn parse_identity(text: &str) -> Option<Identity> {
    let (kind, rest) = text
        .strip_prefix(&format!("bivalent {FORMAT}: "))?
        .split_once(" of ")?;
    let (agents, rest) = rest.split_once(" agents, store ")?;
    let (place, rest) = rest.split_once(" of ")?;
    let (stores, rest) = rest.split_once(", quorum ")?;
    let (quorum, system) = rest.split_once(", system ")?;
    let identity = Identity {
        kind: Cow::Owned(kind.to_owned()),
        agents: agents.parse().ok()?,
        stores: stores.parse().ok()?,
        quorum: quorum.parse().ok()?,
        place: place.parse::<u8>().ok()?.checked_sub(1)?,
        system: u64::from_str_radix(system.strip_suffix('\n')?, 16).ok()?,
    };
    (identity_text(&identity) == text).then_some(identity)
}

/// How the blocks of one decision are written: the core's own bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockCodec {
    store: StoreId,
    blocks: Layout,
    records: Layout,
}

impl BlockCodec {
    /// That of the store at that place in the list of stores, which checksums cover.
    pub(crate) fn new(store: StoreId) -> Self {
        let layout = |format| Layout::new(SIZE, SIZE, format).expect("a size that fits");
        Self {
            store,
            blocks: layout(Format::Versioned),
            records: layout(Format::Checked),
        }
    }

    const fn place(&self, owner: AgentId) -> Place {
        let store = self.store;
        Place { store, owner }
    }

    const fn of(&self, name: ObjectName) -> Option<(Layout, Place)> {
        match name {
            ObjectName::Version(owner, _) => Some((self.blocks, self.place(owner))),
            ObjectName::Record => Some((self.records, self.place(RECORD))),
            ObjectName::Identity
            | ObjectName::Start(..)
            | ObjectName::Trial
            | ObjectName::Snapshot(_)
            | ObjectName::Text(..)
            | ObjectName::Vote(..) => None,
        }
    }
}

impl Codec<BlockBody> for BlockCodec {
    fn encode(&self, name: ObjectName, body: &BlockBody) -> Option<Vec<u8>> {
        let (layout, place) = self.of(name)?;
        let mut image = vec![0; layout.size() as usize];
        layout.encode(place, body.version, body.block, &mut image);
        Some(image)
    }

    fn decode(&self, name: ObjectName, bytes: &[u8]) -> Option<BlockBody> {
        let (layout, place) = self.of(name)?;
        let (block, version) = layout.decode(place, bytes).ok()?;
        Some(BlockBody { version, block })
    }
}

/// How a log's objects are written: framed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogCodec;

impl<M: Stored> Codec<LogBody<M>> for LogCodec {
    fn encode(&self, name: ObjectName, body: &LogBody<M>) -> Option<Vec<u8>> {
        let key = key(name);
        match body {
            LogBody::Head(head) => frame::seal(Kind::Head, &key, &**head),
            LogBody::Vote(vote) => frame::seal(Kind::Vote, &key, vote),
            LogBody::Snapshot(snapshot) => frame::seal(Kind::Snapshot, &key, &**snapshot),
        }
    }

    fn decode(&self, name: ObjectName, bytes: &[u8]) -> Option<LogBody<M>> {
        let key = key(name);
        Some(match name {
            ObjectName::Version(..) => {
                let head: Head<M> = frame::open(Kind::Head, &key, bytes)?;
                LogBody::Head(Arc::new(head))
            }
            ObjectName::Vote(..) => LogBody::Vote(frame::open(Kind::Vote, &key, bytes)?),
            ObjectName::Snapshot(_) => {
                LogBody::Snapshot(Arc::new(frame::open(Kind::Snapshot, &key, bytes)?))
            }
            ObjectName::Identity
            | ObjectName::Start(..)
            | ObjectName::Record
            | ObjectName::Trial
            | ObjectName::Text(..) => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_store_says_of_itself_is_read_back_and_nothing_else_is() {
        let identity = Identity {
            kind: Cow::Borrowed("decision by records"),
            agents: 3,
            stores: 5,
            quorum: 3,
            place: 4,
            system: 7,
        };
        let text = "bivalent 2: decision by records of 3 agents, store 5 of 5, quorum 3, \
                    system 0000000000000007\n";

        assert_eq!(identity_text(&identity), text);
        assert_eq!(parse_identity(text), Some(identity));
        assert_eq!(parse_identity(text.trim()), None);
        assert_eq!(
            parse_identity(&text.replace("bivalent 2", "bivalent 1")),
            None
        );
    }
}
