//! What an agent on objects does on one store for itself, not for the agent that it wraps.

use alloc::sync::Arc;

use crate::{Call, Came, Content, Folder, Identity, Listing, ObjectName, Why};

/// Something of the kind under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct House {
    /// The round of questions that it belongs to.
    pub(super) round: u32,
    pub(super) kind: HouseKind,
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum HouseKind {
    /// What the store says of itself, then who has started there.
    Inspect(Option<Identity>),
    /// What the store is to say of itself, then what it says.
    SetUp,
    /// Who has started there.
    Starts,
    /// The own start record.
    Mark,
    /// The own text.
    Keep,
    /// The text that was decided.
    Find,
    /// Old versions go.
    Tidy,
    /// Whether the own start record is the latest there: for another operation.
    Own(u64),
}

/// What it came to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum HouseCame {
    Inspected(Option<Identity>, Listing),
    SetUp(Option<Identity>),
    Starts(Listing),
    Done(bool),
    Text(Option<Arc<str>>),
}

/// What it wants next.
pub(super) enum HouseNext<B> {
    Call(Call<B>),
    End(HouseCame),
    Fail(Why),
}

impl HouseKind {
    /// Takes one step.
    pub(super) fn step<B>(&mut self, came: Came<B>) -> HouseNext<B> {
        match (self, came) {
            (Self::Inspect(identity), Came::Found(found)) => match identity_of(found) {
                Ok(found) => {
                    *identity = found;
                    HouseNext::Call(Call::List(Folder::Agents))
                }
                Err(why) => HouseNext::Fail(why),
            },
            (Self::Inspect(identity), Came::Names(names)) => {
                let listing = Listing::of(&names);
                HouseNext::End(HouseCame::Inspected(identity.take(), listing))
            }
            (Self::SetUp, Came::Done(_)) => HouseNext::Call(Call::Get(ObjectName::Identity)),
            (Self::SetUp, Came::Found(found)) => match identity_of(found) {
                Ok(found) => HouseNext::End(HouseCame::SetUp(found)),
                Err(why) => HouseNext::Fail(why),
            },
            (Self::Starts, Came::Names(names)) => {
                HouseNext::End(HouseCame::Starts(Listing::of(&names)))
            }
            (Self::Find, Came::Found(found)) => match found.map(|(content, _)| content) {
                Some(Content::Text(text)) => HouseNext::End(HouseCame::Text(Some(text))),
                None => HouseNext::End(HouseCame::Text(None)),
                Some(
                    Content::Identity(_)
                    | Content::Start { .. }
                    | Content::Trial(_)
                    | Content::Body(_),
                ) => HouseNext::Fail(Why::Unknown),
            },
            (Self::Mark | Self::Keep | Self::Tidy, Came::Done(done)) => {
                HouseNext::End(HouseCame::Done(done))
            }
            (Self::Own(_), Came::Agents(_)) => HouseNext::End(HouseCame::Done(true)),
            (
                Self::Inspect(_)
                | Self::SetUp
                | Self::Starts
                | Self::Mark
                | Self::Keep
                | Self::Find
                | Self::Tidy
                | Self::Own(_),
                _,
            ) => HouseNext::Fail(Why::Unknown),
        }
    }
}

fn identity_of<B, T>(found: Option<(Content<B>, T)>) -> Result<Option<Identity>, Why> {
    match found.map(|(content, _)| content) {
        None => Ok(None),
        Some(Content::Identity(identity)) => Ok(Some(identity)),
        Some(Content::Start { .. } | Content::Text(_) | Content::Trial(_) | Content::Body(_)) => {
            Err(Why::Unreadable(ObjectName::Identity))
        }
    }
}
