//! A disk as the thread sees it that reads and writes it: every operation, one after the other.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, MutexGuard, OnceLock, PoisonError},
};

use bivalent_core::{AgentId, Block, Incarnation, ObjectName, Place, StoreId, Version};

use super::{
    TEXT_MAX,
    carry::UNREADABLE,
    map::{self, CHARTER, MARKS, Map, Mark, SECTOR, Sector, TEXTS},
    sectors::{Buffer, Sectors},
};
use crate::{StoreError, frame::Kind};

/// What the thread of a disk owns.
#[derive(Debug)]
pub(super) struct Drive {
    /// What it is called in messages.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Its place in the list of stores, which the blocks' checksums cover.
    pub(super) store: StoreId,
    pub(super) map: Map,
    /// What is open, once something is there.
    pub(super) sectors: Option<Arc<Sectors>>,
    /// What it must say of itself from now on, once that is known.
    pub(super) expected: Arc<OnceLock<String>>,
    /// What it said of itself that no agent says.
    pub(super) strange: Arc<OnceLock<String>>,
}

type Outcome<T> = Result<T, StoreError>;

impl Drive {
    pub(super) fn charter(&mut self) -> Outcome<Option<String>> {
        match self.find()? {
            None => Ok(None),
            Some(sectors) => match self.charter_of(&sectors)? {
                Sector::Holds(charter) => Ok(Some(charter)),
                Sector::Blank => Ok(None),
                Sector::Unreadable => Err(self.holds_else()),
            },
        }
    }

    /// Writes the charter on what is blank. What is neither blank nor ours is left as it is.
    pub(super) fn set_up(&mut self, charter: &str) -> Outcome<()> {
        let sectors = if let Some(sectors) = self.find()? {
            sectors
        } else {
            let made = Sectors::create(&self.path).map_err(|error| self.broken(&error))?;
            let made = Arc::new(made);
            self.sectors = Some(Arc::clone(&made));
            made
        };
        let turn = sectors.turn();
        let _turn = take(&turn);
        if !self.is_blank(&sectors)? {
            // Somebody else may have set it up, and begun, since we looked.
            return match self.charter_of(&sectors)? {
                Sector::Holds(_) => self.check().map(|_| ()),
                Sector::Blank | Sector::Unreadable => Err(self.holds_else()),
            };
        }
        if !sectors.is_device() {
            // It never shrinks: whoever sets it up at the same time loses nothing.
            let grown = sectors.grow(self.map.size());
            grown.map_err(|error| self.broken(&error))?;
        }
        let sector = map::seal(Kind::Charter, CHARTER, &charter)
            .ok_or_else(|| self.failed("the charter is too long".to_owned()))?;
        sectors
            .write(0, &sector)
            .map_err(|error| self.broken(&error))?;
        self.check().map(|_| ())
    }

    pub(super) fn starts(&mut self) -> Outcome<Vec<(AgentId, Incarnation)>> {
        let sectors = if self.expected.get().is_some() {
            self.check()?
        } else if let Some(sectors) = self.find()? {
            sectors
        } else {
            return Ok(Vec::new());
        };
        let size = sectors.size().map_err(|error| self.broken(&error))?;
        let mut starts = Vec::new();
        for agent in (0..self.map.agents).map(AgentId) {
            // Whatever it was set up for is not known yet: it may be for fewer agents, or not be set up.
            let ends = self.area(agent)? + Map::block() > size;
            if ends && self.expected.get().is_none() {
                break;
            }
            if let Some((start, _)) = self.mark(&sectors, agent)? {
                starts.push((agent, start));
            }
        }
        Ok(starts)
    }

    /// Marks a start, unless that one or a later one is marked. A disk has no conditional write: that nobody
    /// else marks between our look and our writes is for whoever starts agents to see to.
    pub(super) fn mark_start(
        &mut self,
        agent: AgentId,
        start: Incarnation,
        nonce: u64,
    ) -> Outcome<bool> {
        let sectors = self.check()?;
        let turn = sectors.turn();
        let _turn = take(&turn);
        let area = self.area(agent)?;
        if let Some((marked, by)) = self.mark(&sectors, agent)?
            && (marked > start || (marked == start && by != nonce))
        {
            return Ok(false);
        }
        let sector = self.sealed(Kind::Start, &map::mark_key(agent), &(start, nonce))?;
        let standing = self.get(&sectors, area, MARKS * SECTOR)?;
        for place in map::order_of_marks(agent, &standing) {
            self.put(&sectors, area + (place * SECTOR) as u64, &sector)?;
        }
        Ok(self.mark(&sectors, agent)? == Some((start, nonce)))
    }

    /// An agent's block, and which write left it there.
    pub(super) fn read(&mut self, owner: AgentId) -> Outcome<(Block, Version)> {
        let sectors = self.check()?;
        let layout = map::layout();
        let at = self.area(owner)? + Map::block();
        let image = self.get(&sectors, at, layout.size() as usize)?;
        layout
            .decode(self.place(owner), &image)
            .map_err(|_| self.unreadable(format!("the block of agent {}", owner.0)))
    }

    /// The names of what stands in the agents' areas: their latest starts, and the versions of their blocks, once it is
    /// known which disk this is.
    pub(super) fn names(&mut self) -> Outcome<Vec<ObjectName>> {
        if self.expected.get().is_none() {
            let starts = self.starts()?.into_iter();
            let names = starts.map(|(agent, start)| ObjectName::Start(agent, start));
            return Ok(names.collect());
        }
        let sectors = self.check()?;
        let layout = map::layout();
        let mut names = Vec::new();
        for agent in (0..self.map.agents).map(AgentId) {
            let bytes = MARKS * SECTOR + layout.size() as usize;
            let area = self.get(&sectors, self.area(agent)?, bytes)?;
            let (marks, image) = area.split_at(MARKS * SECTOR);
            // Of one whose marks can't be read no start is shown: it can't make one either, and counts nothing here.
            if let Sector::Holds((start, _)) = map::greatest_mark(agent, marks) {
                names.push(ObjectName::Start(agent, start));
            }
            match layout.decode(self.place(agent), image) {
                Ok((_, version)) if version == Version::default() => {}
                Ok((_, version)) => names.push(ObjectName::Version(agent, version)),
                Err(_) => names.push(ObjectName::Version(agent, UNREADABLE)),
            }
        }
        Ok(names)
    }

    /// Writes one slot of a block, the one that does not hold the version before.
    pub(super) fn write(&mut self, owner: AgentId, version: Version, block: Block) -> Outcome<()> {
        let sectors = self.check()?;
        let turn = sectors.turn();
        let _turn = take(&turn);
        let fenced = |by| StoreError::Fenced { agent: owner, by };
        if let Some((by, _)) = self.mark(&sectors, owner)?
            && by > version.incarnation()
        {
            return Err(fenced(by));
        }
        let layout = map::layout();
        let at = self.area(owner)? + Map::block();
        let mut image = self.get(&sectors, at, layout.size() as usize)?;
        // Over a block that can't be read anything may be written.
        if let Ok((_, standing)) = layout.decode(self.place(owner), &image)
            && standing > version
        {
            if standing.incarnation() > version.incarnation() {
                return Err(fenced(standing.incarnation()));
            }
            // A late try of a write that is through, since a newer one stands above it. It must not take the
            // slot of the newest.
            return Ok(());
        }
        layout.encode(self.place(owner), version, block, &mut image);
        let slot = layout.slot(version);
        self.put(&sectors, at + slot.start as u64, &image[slot])
    }

    /// Puts a text into the first free sector of its agent's. A text stays for ever: what may have been decided
    /// must be found.
    pub(super) fn keep_text(
        &mut self,
        agent: AgentId,
        start: Incarnation,
        text: &str,
    ) -> Outcome<()> {
        if text.len() > TEXT_MAX {
            return Err(StoreError::TooLong {
                store: self.name.clone(),
                length: text.len(),
                most: TEXT_MAX,
            });
        }
        let sectors = self.check()?;
        let turn = sectors.turn();
        let _turn = take(&turn);
        let texts = self.texts(&sectors, agent)?;
        for held in &texts {
            match held {
                Sector::Holds((of, kept)) if *of == start => {
                    if kept == text {
                        return Ok(());
                    }
                    let why = format!("another text of start {} stands there", start.0);
                    return Err(self.failed(why));
                }
                Sector::Holds(_) | Sector::Blank | Sector::Unreadable => {}
            }
        }
        // One that can't be read may be all that is left of a text that counts.
        let Some(free) = texts.iter().position(|held| *held == Sector::Blank) else {
            return Err(StoreError::Full {
                store: self.name.clone(),
                agent,
                texts: TEXTS,
            });
        };
        let sector = self.sealed(Kind::Text, &map::text_key(agent), &(start, text))?;
        let at = self.area(agent)? + Map::texts();
        self.put(&sectors, at + (free * SECTOR) as u64, &sector)
    }

    pub(super) fn text(&mut self, agent: AgentId, start: Incarnation) -> Outcome<Option<String>> {
        let sectors = self.check()?;
        let mut gaps = false;
        for held in self.texts(&sectors, agent)? {
            match held {
                Sector::Holds((of, text)) if of == start => return Ok(Some(text)),
                Sector::Holds(_) | Sector::Blank => {}
                Sector::Unreadable => gaps = true,
            }
        }
        if gaps {
            return Err(self.unreadable(format!("a text of agent {}", agent.0)));
        }
        Ok(None)
    }

    pub(super) fn say_strange(&self, identity: String) {
        // The first is as good as any later one.
        let _ = self.strange.set(identity);
    }

    /// What is there, opened if it was not.
    fn find(&mut self) -> Outcome<Option<Arc<Sectors>>> {
        if self.sectors.is_none() {
            let found = Sectors::open(&self.path).map_err(|error| self.broken(&error))?;
            // A device that is missing must not become a file among the devices.
            let device = self.path.starts_with("/dev") && !self.path.starts_with("/dev/shm");
            if found.is_none() && device {
                return Err(self.failed("there is no such device".to_owned()));
            }
            self.sectors = found.map(Arc::new);
        }
        Ok(self.sectors.clone())
    }

    /// Looks whether this is the disk that it should be, and gives it.
    pub(super) fn check(&mut self) -> Outcome<Arc<Sectors>> {
        let Some(sectors) = self.find()? else {
            return Err(self.lost("there is nothing".to_owned()));
        };
        self.still(&sectors)?;
        Ok(sectors)
    }

    fn still(&self, sectors: &Sectors) -> Outcome<()> {
        let stands = sectors.stands_at(&self.path);
        if !stands.map_err(|error| self.broken(&error))? {
            return Err(self.lost("it was moved, removed or replaced".to_owned()));
        }
        let Some(expected) = self.expected.get() else {
            return Ok(());
        };
        match self.charter_of(sectors)? {
            Sector::Holds(found) if found == *expected => Ok(()),
            Sector::Holds(found) => Err(self.lost(format!("it says \"{}\"", found.trim()))),
            Sector::Blank => Err(self.lost("it is empty".to_owned())),
            // Not "unreadable" either: that would be said of a block.
            Sector::Unreadable => Err(self.lost("its charter can't be read".to_owned())),
        }
    }

    fn charter_of(&self, sectors: &Sectors) -> Outcome<Sector<String>> {
        match sectors.size().map_err(|error| self.broken(&error))? {
            0 => Ok(Sector::Blank),
            size if size < SECTOR as u64 => Ok(Sector::Unreadable),
            _ => {
                let sector = self.get(sectors, 0, SECTOR)?;
                Ok(map::open(Kind::Charter, CHARTER, &sector))
            }
        }
    }

    /// Whether there is nothing but zeros where we would write.
    fn is_blank(&self, sectors: &Sectors) -> Outcome<bool> {
        let mut end = self.map.size();
        if !sectors.is_device() {
            let size = sectors.size().map_err(|error| self.broken(&error))?;
            if !size.is_multiple_of(SECTOR as u64) {
                return Ok(false);
            }
            end = end.min(size);
        }
        for at in (0..end).step_by(SECTOR) {
            if !map::is_blank(&self.get(sectors, at, SECTOR)?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn mark(&self, sectors: &Sectors, agent: AgentId) -> Outcome<Option<Mark>> {
        let area = self.get(sectors, self.area(agent)?, MARKS * SECTOR)?;
        match map::greatest_mark(agent, &area) {
            Sector::Holds(mark) => Ok(Some(mark)),
            Sector::Blank => Ok(None),
            // Not "unreadable": what is asked for is a block, and that is not what can't be read.
            Sector::Unreadable => {
                Err(self.failed(format!("the marks of agent {} can't be read", agent.0)))
            }
        }
    }

    fn texts(
        &self,
        sectors: &Sectors,
        agent: AgentId,
    ) -> Outcome<Vec<Sector<(Incarnation, String)>>> {
        let at = self.area(agent)? + Map::texts();
        let bytes = self.get(sectors, at, TEXTS * SECTOR)?;
        let key = map::text_key(agent);
        let texts = bytes.chunks(SECTOR);
        Ok(texts
            .map(|sector| map::open(Kind::Text, &key, sector))
            .collect())
    }

    fn area(&self, agent: AgentId) -> Outcome<u64> {
        self.map
            .area(agent)
            .ok_or_else(|| self.failed(format!("it has no area for agent {}", agent.0)))
    }

    const fn place(&self, owner: AgentId) -> Place {
        Place {
            store: self.store,
            owner,
        }
    }

    fn sealed(&self, kind: Kind, key: &str, content: &impl serde::Serialize) -> Outcome<Vec<u8>> {
        map::seal(kind, key, content)
            .ok_or_else(|| self.failed(format!("{key} does not fit into a sector")))
    }

    fn get(&self, sectors: &Sectors, at: u64, bytes: usize) -> Outcome<Buffer> {
        sectors.read(at, bytes).map_err(|error| self.broken(&error))
    }

    /// Writes a sector of what is still the right disk afterwards: what went into a file that another has taken
    /// the place of is nowhere.
    fn put(&self, sectors: &Sectors, at: u64, sector: &[u8]) -> Outcome<()> {
        let written = sectors.write(at, sector);
        written.map_err(|error| self.broken(&error))?;
        self.still(sectors)
    }

    fn broken(&self, error: &io::Error) -> StoreError {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.lost("it ends before it should".to_owned())
        } else {
            self.failed(error.to_string())
        }
    }

    fn holds_else(&self) -> StoreError {
        let device = self.sectors.as_ref().is_some_and(|open| open.is_device());
        let size = self.map.size();
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

    fn lost(&self, why: String) -> StoreError {
        StoreError::Lost {
            store: self.name.clone(),
            why,
        }
    }

    fn unreadable(&self, key: String) -> StoreError {
        StoreError::Unreadable {
            store: self.name.clone(),
            key,
        }
    }
}

/// A panic elsewhere leaves nothing half done that the disk itself does not show.
fn take(turn: &std::sync::Mutex<()>) -> MutexGuard<'_, ()> {
    turn.lock().unwrap_or_else(PoisonError::into_inner)
}
