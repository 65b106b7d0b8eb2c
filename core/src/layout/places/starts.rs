//! The record of a start of an agent, which stands on a disk twice.

use super::{
    op::DiskOp,
    place::{DiskPlace, Half},
    refusal::DiskRefusal,
    sector::{DiskContent, Latest, StartRecord, latest_start, order_of_starts},
    task::{Came, DONE, DiskSetup, Step, Turn},
};
use crate::{AgentId, ObjectReply};

/// Makes the record of a start, unless that of the same start by somebody else stands there, or that of a later one.
///
/// That nobody else makes one between the look and the writes is for whoever starts agents to see to.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(super) struct PutStart {
    agent: AgentId,
    record: StartRecord,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Stage {
    Checking,
    Waiting,
    Looking,
    /// The first of the two is written; this is the other one.
    First(Half),
    Second,
    /// Both are written: is it the latest?
    LookingAgain,
}

impl PutStart {
    pub(super) const fn of(agent: AgentId, record: StartRecord) -> Self {
        let stage = Stage::Checking;
        Self {
            agent,
            record,
            stage,
        }
    }

    pub(super) fn step(&mut self, came: Came, disk: &DiskSetup) -> Step {
        match (self.stage, came) {
            (Stage::Checking, Came::Begun) => Ok(Turn::Check),
            (Stage::Checking, Came::Checked) => {
                self.stage = Stage::Waiting;
                Ok(Turn::Ask(DiskOp::Turn))
            }
            (Stage::Waiting, Came::Done) => {
                disk.area(self.agent)?;
                Ok(self.look(Stage::Looking))
            }
            (Stage::Looking, Came::Read(pair)) => {
                let [first, second] = &pair[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                match latest_start(first, second) {
                    Latest::Unreadable => Err(DiskRefusal::StartsUnreadable(self.agent)),
                    Latest::Is(standing) if self.yields_to(standing) => {
                        Ok(Turn::End(ObjectReply::ConditionFailed))
                    }
                    Latest::Is(_) | Latest::Nothing => {
                        let [first, second] = order_of_starts(first, second);
                        Ok(self.write(first, Stage::First(second)))
                    }
                }
            }
            (Stage::First(second), Came::Checked) => Ok(self.write(second, Stage::Second)),
            (Stage::Second, Came::Checked) => Ok(self.look(Stage::LookingAgain)),
            (Stage::LookingAgain, Came::Read(pair)) => {
                let [first, second] = &pair[..] else {
                    return Err(DiskRefusal::Unasked);
                };
                match latest_start(first, second) {
                    Latest::Unreadable => Err(DiskRefusal::StartsUnreadable(self.agent)),
                    Latest::Is(standing) if standing == self.record => Ok(DONE),
                    Latest::Is(_) | Latest::Nothing => Ok(Turn::End(ObjectReply::ConditionFailed)),
                }
            }
            (
                Stage::Checking
                | Stage::Waiting
                | Stage::Looking
                | Stage::First(_)
                | Stage::Second
                | Stage::LookingAgain,
                _,
            ) => Err(DiskRefusal::Unasked),
        }
    }

    /// Whether a record that stands there keeps this one from being made.
    fn yields_to(&self, standing: StartRecord) -> bool {
        let StartRecord { start, nonce } = self.record;
        standing.start > start || (standing.start == start && standing.nonce != nonce)
    }

    const fn look(&mut self, stage: Stage) -> Turn {
        self.stage = stage;
        Turn::Ask(DiskOp::Read {
            from: DiskPlace::Start(self.agent, Half::First),
            count: 2,
        })
    }

    const fn write(&mut self, half: Half, stage: Stage) -> Turn {
        self.stage = stage;
        let place = DiskPlace::Start(self.agent, half);
        Turn::Put(place, DiskContent::Start(self.record))
    }
}
