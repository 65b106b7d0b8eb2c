//! Why an operation on a disk came to nothing, in words.

use std::io;

use bivalent_core::{
    BlockBody, DISK_TEXT_MAX, DISK_TEXTS, DiskLost, DiskPlace, DiskRefusal, ObjectReply,
};

use super::{drive::Drive, map};
use crate::{StoreError, content::identity_text, objects::Reply};

impl Drive {
    /// What is made of a refusal: an answer, or an error. `failure`: what the system said last of what failed.
    pub(super) fn refuse(
        &self,
        refusal: DiskRefusal,
        failure: Option<io::Error>,
    ) -> Result<Reply<BlockBody>, StoreError> {
        let store = self.name.clone();
        let unreadable = |key| StoreError::Unreadable {
            store: self.name.clone(),
            key,
        };
        Err(match refusal {
            DiskRefusal::Failed => {
                let failure = failure.map(|error| error.to_string());
                self.failed(failure.unwrap_or_else(|| "it failed".to_owned()))
            }
            DiskRefusal::Unasked => self.failed("it answered what was not asked".to_owned()),
            DiskRefusal::Lost(lost) => StoreError::Lost {
                store,
                why: words(&lost),
            },
            DiskRefusal::Foreign => self.holds_else(),
            DiskRefusal::Strange(text) => {
                // The first is as good as any later one.
                let _ = self.strange.set(text.to_string());
                return Ok(ObjectReply::Unreadable);
            }
            DiskRefusal::NoArea(agent) => {
                self.failed(format!("it has no area for agent {}", agent.0))
            }
            // Not "unreadable": what is asked for is a block, and that is not what can't be read.
            DiskRefusal::StartsUnreadable(agent) => {
                self.failed(format!("the marks of agent {} can't be read", agent.0))
            }
            DiskRefusal::BlockUnreadable(agent) => {
                unreadable(format!("the block of agent {}", agent.0))
            }
            DiskRefusal::TextUnreadable(agent) => {
                unreadable(format!("a text of agent {}", agent.0))
            }
            DiskRefusal::OtherText(start) => {
                self.failed(format!("another text of start {} stands there", start.0))
            }
            DiskRefusal::Fenced { agent, by } => StoreError::Fenced { agent, by },
            DiskRefusal::TooLong { length } => StoreError::TooLong {
                store,
                length,
                most: DISK_TEXT_MAX,
            },
            DiskRefusal::Full(agent) => StoreError::Full {
                store,
                agent,
                texts: usize::from(DISK_TEXTS),
            },
            DiskRefusal::DoesNotFit(DiskPlace::Identity) => {
                self.failed("the charter is too long".to_owned())
            }
            DiskRefusal::DoesNotFit(place) => {
                self.failed(format!("{} does not fit into a sector", map::key(place)))
            }
        })
    }

    fn holds_else(&self) -> StoreError {
        let device = self.sectors.as_ref().is_some_and(|open| open.is_device());
        let size = map::size(self.agents);
        let remedy = if device {
            format!("; to be set up, a device must begin with {size} bytes of zeros")
        } else {
            String::new()
        };
        self.failed(format!(
            "it holds something that is not Bivalent's, and is left as it is{remedy}"
        ))
    }

    fn failed(&self, why: String) -> StoreError {
        StoreError::Failed {
            store: self.name.clone(),
            why,
        }
    }
}

fn words(lost: &DiskLost) -> String {
    let says = |text: &str| format!("it says \"{}\"", text.trim());
    match lost {
        DiskLost::Nothing => "there is nothing".to_owned(),
        DiskLost::Moved => "it was moved, removed or replaced".to_owned(),
        DiskLost::Ends => "it ends before it should".to_owned(),
        DiskLost::Blank => "it is empty".to_owned(),
        // Not "unreadable" either: that would be said of a block.
        DiskLost::Unreadable => "its charter can't be read".to_owned(),
        DiskLost::Other(identity) => says(&identity_text(identity)),
        DiskLost::Strange(text) => says(text),
    }
}
