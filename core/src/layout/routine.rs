//! What can be had of a store, each as a small state machine of object operations.

use alloc::{vec, vec::Vec};

use super::{at::StoreState, laid::Who};
use crate::{
    AgentId, At, Call, Came, Content, Folder, If, Incarnation, Listing, ObjectName, ObjectOp,
    ObjectReply, ObjectTag, Why,
};

/// How often something is tried again that somebody else was quicker at.
const TRIES: u8 = 8;
/// Objects of one operation that are read at a time.
const OPEN: usize = 16;

pub(super) type Op<B> = ObjectOp<ObjectName, Content<B>>;
pub(super) type Reply<B> = ObjectReply<ObjectName, Content<B>>;

/// A [`Call`] under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) enum Routine<B> {
    Look {
        always: bool,
        /// How often the store had been lost before.
        lost: u64,
    },
    Get(ObjectName),
    GetAll {
        names: Vec<ObjectName>,
        /// How many were asked for.
        asked: usize,
        /// How many of those have not been answered.
        open: usize,
        found: Vec<(usize, Content<B>)>,
        gone: bool,
    },
    List {
        folder: Folder,
        names: Vec<ObjectName>,
    },
    Own {
        tries: u8,
        stood: bool,
    },
    Put(Put<B>),
    Remove(Vec<ObjectName>),
    Mark(Mark),
    Trial {
        turn: u8,
        replaced: bool,
    },
}

/// A put under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Put<B> {
    name: ObjectName,
    content: Content<B>,
    only: If,
    conflicts: u8,
    /// What it came to.
    done: Option<bool>,
}

/// A start record on its way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct Mark {
    stood: bool,
    stage: MarkStage,
    /// It was made here.
    ours: bool,
    /// It could be made twice.
    twice: bool,
    /// A later one stands.
    later: bool,
    /// The records of earlier starts.
    earlier: Vec<ObjectName>,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum MarkStage {
    Looking,
    Creating,
    CreatingAgain,
    Listing,
    LookingAgain,
    Removing,
}

/// What a routine is told.
#[derive(Debug)]
pub(super) enum Told<'a, B> {
    /// The answer to its object operation of that number.
    Reply(usize, &'a Reply<B>),
    /// What came of what it called, or that it has begun.
    Came(Came<B>),
}

/// What a routine wants.
#[derive(Debug)]
pub(super) enum Turn<B> {
    /// Nothing before the next answer.
    Wait,
    /// Object operations, numbered from the first on.
    Ask(usize, Vec<Op<B>>),
    Call(Call<B>),
    Return(Came<B>),
    Fail(Why),
}

fn ask<B>(op: Op<B>) -> Turn<B> {
    Turn::Ask(0, vec![op])
}

const fn done<B>(done: bool) -> Turn<B> {
    Turn::Return(Came::Done(done))
}

/// Why a reply is none.
fn why<B>(reply: &Reply<B>, name: Option<ObjectName>) -> Why {
    match (reply, name) {
        (ObjectReply::Failed, _) => Why::Failed,
        (ObjectReply::Unsupported, _) => Why::Unconditional,
        (ObjectReply::Conflict, _) => Why::Busy,
        (ObjectReply::Unreadable, Some(name)) => Why::Unreadable(name),
        (
            ObjectReply::Unreadable
            | ObjectReply::Unknown
            | ObjectReply::Done(_)
            | ObjectReply::Found { .. }
            | ObjectReply::Missing
            | ObjectReply::Listed { .. }
            | ObjectReply::ConditionFailed,
            _,
        ) => Why::Unknown,
    }
}

impl<B: Clone> Routine<B> {
    /// The call, not begun. One that concerns all stores is nothing for a routine.
    pub(super) fn of(call: Call<B>) -> Self {
        match call {
            Call::Look | Call::Everywhere => Self::Look {
                always: true,
                lost: 0,
            },
            Call::Check => Self::Look {
                always: false,
                lost: 0,
            },
            Call::Get(name) => Self::Get(name),
            Call::GetAll(names) => Self::GetAll {
                names,
                asked: 0,
                open: 0,
                found: Vec::new(),
                gone: false,
            },
            Call::List(folder) => Self::List {
                folder,
                names: Vec::new(),
            },
            Call::Own => Self::Own {
                tries: 0,
                stood: false,
            },
            Call::Put(name, content, only) => Self::Put(Put {
                name,
                content,
                only,
                conflicts: 0,
                done: None,
            }),
            Call::Remove(names) => Self::Remove(names),
            Call::Mark { stood } => Self::Mark(Mark {
                stood,
                stage: MarkStage::Looking,
                ours: false,
                twice: false,
                later: false,
                earlier: Vec::new(),
            }),
            Call::Trial => Self::Trial {
                turn: 0,
                replaced: false,
            },
        }
    }

    /// Takes one step.
    pub(super) fn step(&mut self, told: Told<'_, B>, at: &mut At<'_>) -> Turn<B> {
        match self {
            Self::Look { always, lost } => look(*always, lost, &told, at.state),
            Self::Get(name) => match told {
                Told::Came(Came::Begun) => ask(ObjectOp::Get(*name)),
                Told::Came(_) => Turn::Return(Came::Found(None)),
                Told::Reply(_, ObjectReply::Found { content, tag }) => {
                    Turn::Return(Came::Found(Some((content.clone(), *tag))))
                }
                // That nothing stands there is an answer only if the store is the right one.
                Told::Reply(_, ObjectReply::Missing) => Turn::Call(Call::Check),
                Told::Reply(_, reply) => Turn::Fail(why(reply, Some(*name))),
            },
            Self::GetAll {
                names,
                asked,
                open,
                found,
                gone,
            } => get_all(names, (asked, open), found, gone, &told),
            Self::List { folder, names } => match told {
                Told::Reply(_, ObjectReply::Listed { names: page, more }) => {
                    names.extend_from_slice(page);
                    match page.last() {
                        Some(&last) if *more => ask(ObjectOp::List {
                            folder: *folder,
                            after: Some(last),
                        }),
                        Some(_) | None => Turn::Call(Call::Check),
                    }
                }
                Told::Reply(_, reply) => Turn::Fail(why(reply, None)),
                Told::Came(Came::Begun) => ask(ObjectOp::List {
                    folder: *folder,
                    after: None,
                }),
                Told::Came(_) => Turn::Return(Came::Names(core::mem::take(names))),
            },
            Self::Own { tries, stood } => own(tries, stood, told, at),
            Self::Put(put) => put.step(&told, at.state),
            Self::Remove(names) => match told {
                Told::Came(Came::Begun) if names.is_empty() => done(true),
                Told::Came(Came::Begun) => Turn::Call(Call::Check),
                Told::Came(_) => ask(ObjectOp::Delete(core::mem::take(names))),
                Told::Reply(_, ObjectReply::Done(_)) => done(true),
                Told::Reply(_, reply) => Turn::Fail(why(reply, None)),
            },
            Self::Mark(mark) => mark.step(told, at),
            Self::Trial { turn, replaced } => trial(turn, replaced, &told, at.state),
        }
    }
}

/// A look whether a store is the one that it should be.
fn look<B>(always: bool, lost: &mut u64, told: &Told<'_, B>, state: &mut StoreState) -> Turn<B> {
    let Some(identity) = &state.identity else {
        return done(true);
    };
    let other = match told {
        Told::Came(_) => {
            if !always && state.is_trusted() {
                return done(true);
            }
            *lost = state.lost;
            return ask(ObjectOp::Get(ObjectName::Identity));
        }
        Told::Reply(_, ObjectReply::Found { content, .. }) => match content {
            Content::Identity(found) if found == identity => {
                // Somebody who looked meanwhile, and saw nothing, may have done so later.
                state.known = state.lost == *lost;
                return done(true);
            }
            Content::Identity(found) => Why::Other(Some(found.clone())),
            Content::Start { .. } | Content::Text(_) | Content::Trial(_) | Content::Body(_) => {
                Why::Other(None)
            }
        },
        Told::Reply(_, ObjectReply::Missing) => Why::Empty,
        Told::Reply(_, ObjectReply::Unreadable) => Why::Other(None),
        Told::Reply(_, reply) => return Turn::Fail(why(reply, None)),
    };
    state.lose();
    Turn::Fail(other)
}

/// What stands under several names, some of them at a time.
fn get_all<B: Clone>(
    names: &[ObjectName],
    (asked, open): (&mut usize, &mut usize),
    found: &mut Vec<(usize, Content<B>)>,
    gone: &mut bool,
    told: &Told<'_, B>,
) -> Turn<B> {
    match told {
        Told::Came(Came::Begun) => {}
        Told::Came(_) => return all(names, found, *gone),
        Told::Reply(place, reply) => {
            *open -= 1;
            if let ObjectReply::Found { content, .. } = reply {
                found.push((*place, content.clone()));
            } else if matches!(reply, ObjectReply::Missing) {
                *gone = true;
            } else {
                return Turn::Fail(why(reply, names.get(*place).copied()));
            }
        }
    }
    let first = *asked;
    let last = names.len().min(first + OPEN - *open);
    if first < last {
        *asked = last;
        *open += last - first;
        let gets = names[first..last].iter().map(|&name| ObjectOp::Get(name));
        return Turn::Ask(first, gets.collect());
    }
    match (*open, *gone) {
        (0, false) => all(names, found, false),
        // That something is gone is an answer only if the store is the right one.
        (0, true) => Turn::Call(Call::Check),
        _ => Turn::Wait,
    }
}

fn all<B>(names: &[ObjectName], found: &mut Vec<(usize, Content<B>)>, gone: bool) -> Turn<B> {
    found.sort_unstable_by_key(|&(place, _)| place);
    let found = found.drain(..);
    Turn::Return(Came::All {
        found: found
            .map(|(place, content)| (names[place], content))
            .collect(),
        gone,
    })
}

/// The folder of agents, with the own start record in it.
fn own<B>(tries: &mut u8, stood: &mut bool, told: Told<'_, B>, at: &mut At<'_>) -> Turn<B> {
    let (me, start) = (at.who.me, at.who.start);
    if let Told::Came(Came::Names(names)) = told {
        let listing = Listing::of(&names);
        at.state.note(me, &listing);
        let latest = listing.latest_start(me);
        let of_versions = listing.newest_of(me).map(crate::Version::incarnation);
        match latest.max(of_versions) {
            Some(by) if by > start => return Turn::Fail(Why::Fenced(by)),
            Some(_) | None => {}
        }
        if latest == Some(start) {
            return Turn::Return(Came::Agents(listing));
        }
        // Taken on a quorum without this store.
        return Turn::Call(Call::Mark { stood: *stood });
    }
    // It has begun, or a mark was made.
    if *tries == TRIES {
        return Turn::Fail(Why::Unsteady);
    }
    *tries += 1;
    *stood = at.state.marked == Some(start);
    Turn::Call(Call::List(Folder::Agents))
}

impl<B: Clone> Put<B> {
    fn step(&mut self, told: &Told<'_, B>, state: &StoreState) -> Turn<B> {
        let put = || {
            ask(ObjectOp::Put {
                name: self.name,
                content: self.content.clone(),
                only: self.only,
            })
        };
        let came_to = match (told, self.done) {
            (Told::Came(Came::Begun), _) => return Turn::Call(Call::Check),
            (Told::Came(_), None) => return put(),
            (Told::Came(_), Some(came_to)) => return done(came_to),
            (Told::Reply(_, ObjectReply::Done(_)), _) => true,
            (Told::Reply(_, ObjectReply::ConditionFailed | ObjectReply::Missing), _) => false,
            (Told::Reply(_, ObjectReply::Conflict), _) if self.conflicts < TRIES => {
                self.conflicts += 1;
                return put();
            }
            (Told::Reply(_, reply), _) => return Turn::Fail(why(reply, Some(self.name))),
        };
        self.done = Some(came_to);
        if state.traits.may_vanish {
            // What went into a directory that has taken the place of the right one is nowhere.
            return Turn::Call(Call::Check);
        }
        done(came_to)
    }
}

impl Mark {
    fn step<B: Clone>(&mut self, told: Told<'_, B>, at: &mut At<'_>) -> Turn<B> {
        let Who {
            me, start, nonce, ..
        } = *at.who;
        let create = || {
            let (name, content) = (ObjectName::Start(me, start), Content::Start { nonce });
            Turn::Call(Call::Put(name, content, If::Absent))
        };
        let Told::Came(came) = told else {
            return Turn::Wait;
        };
        let succeeded = matches!(came, Came::Done(true));
        match self.stage {
            MarkStage::Looking if matches!(came, Came::Begun) => return Turn::Call(Call::Look),
            MarkStage::Looking => {
                if self.stood {
                    // Only a later start removes it, and would stand here.
                    return Turn::Fail(Why::StartGone);
                }
                self.stage = MarkStage::Creating;
                return create();
            }
            // One that stands may be ours, of a try that came through without our knowing. Whoever believed that and
            // was wrong would be a second one with the same start: it is left unused instead.
            MarkStage::Creating => {
                self.ours = succeeded;
                if self.ours && !at.state.traits.exclusive {
                    self.stage = MarkStage::CreatingAgain;
                    return create();
                }
            }
            // A store that lets everybody create it would let two have the same start.
            MarkStage::CreatingAgain => self.twice = succeeded,
            MarkStage::Listing => {
                let Came::Names(names) = came else {
                    return Turn::Wait;
                };
                return self.listed(&Listing::of(&names), (me, start), at.state);
            }
            MarkStage::LookingAgain => return self.looked(),
            MarkStage::Removing => return done(true),
        }
        self.stage = MarkStage::Listing;
        Turn::Call(Call::List(Folder::Agents))
    }

    fn listed<B>(
        &mut self,
        listing: &Listing,
        (me, start): (AgentId, Incarnation),
        state: &mut StoreState,
    ) -> Turn<B> {
        state.note(me, listing);
        let latest = listing.latest_start(me);
        // It was made before, and swept away by a later one.
        self.later = latest > Some(start);
        if self.ours || latest == Some(start) {
            state.marked = Some(start);
        }
        let earlier = listing.starts_of(me).filter(|&other| other < start);
        self.earlier = earlier.map(|other| ObjectName::Start(me, other)).collect();
        self.stage = MarkStage::LookingAgain;
        // The store may have been emptied just before: then the record stands in a store that knows nothing.
        Turn::Call(Call::Look)
    }

    fn looked<B>(&mut self) -> Turn<B> {
        if self.later {
            return done(false);
        }
        if self.twice {
            return Turn::Fail(Why::Unconditional);
        }
        if !self.ours {
            return done(false);
        }
        // The latest one says all that the earlier ones do.
        self.stage = MarkStage::Removing;
        Turn::Call(Call::Remove(core::mem::take(&mut self.earlier)))
    }
}

/// Refuses a store that takes conditions and ignores them, as some servers do: records would be lost there.
fn trial<B>(
    turn: &mut u8,
    replaced: &mut bool,
    told: &Told<'_, B>,
    state: &mut StoreState,
) -> Turn<B> {
    let put =
        |content, only| Turn::Call(Call::Put(ObjectName::Trial, Content::Trial(content), only));
    let Told::Came(came) = told else {
        return Turn::Wait;
    };
    *turn += 1;
    match *turn {
        1 if state.refuses => done(true),
        1 => put(0, If::Absent),
        2 => put(1, If::Unchanged(ObjectTag::NEVER)),
        3 => {
            *replaced = matches!(came, Came::Done(true));
            Turn::Call(Call::Look)
        }
        _ if *replaced => Turn::Fail(Why::Unconditional),
        _ => {
            state.refuses = true;
            done(true)
        }
    }
}
