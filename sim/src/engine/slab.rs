//! Things under small numbers, freed and used again.

/// A slab.
#[derive(Clone, Debug)]
pub(crate) struct Slab<T> {
    things: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self {
            things: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// Empties it; what was allocated stays.
    pub(crate) fn clear(&mut self) {
        self.things.clear();
        self.free.clear();
    }

    /// Puts something in; its number.
    pub(crate) fn put(&mut self, thing: T) -> u32 {
        if let Some(index) = self.free.pop() {
            self.things[index as usize] = Some(thing);
            return index;
        }
        self.things.push(Some(thing));
        self.things.len() as u32 - 1
    }

    /// All that is in it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.things.iter().flatten()
    }

    /// What has this number.
    pub(crate) fn get(&self, index: u32) -> &T {
        self.things[index as usize]
            .as_ref()
            .expect("an event speaks only of what is in flight")
    }

    /// The same, and it may change.
    pub(crate) fn get_mut(&mut self, index: u32) -> &mut T {
        self.things[index as usize]
            .as_mut()
            .expect("an event speaks only of what is in flight")
    }

    /// Takes it out.
    pub(crate) fn take(&mut self, index: u32) -> T {
        self.free.push(index);
        self.things[index as usize]
            .take()
            .expect("an event speaks only of what is in flight")
    }
}
