//! Images: every content of the stores that can be reached, as lines that any explorer can make.

use std::collections::BTreeSet;

use bivalent_core::Ballot;

use super::Exploration;

impl Exploration {
    /// Every reachable content of the stores, one a line, sorted bytewise:
    /// `s1a1=mbal.bal.val s1a2=… s2a1=…`. Ballots are their numbers, none is 0; `val` is the number of
    /// the first agent whose proposal it is. A block that can't be read is `?`; a record that all agents share
    /// is `s1=…`.
    ///
    /// Says something only where ballots are bounded: else they are ranks.
    pub fn images(&self) -> BTreeSet<String> {
        let graph = &self.found.graph;
        let (agents, stores) = self.found.tables.shape;
        let mut seen = BTreeSet::new();
        for state in 0..graph.states() as u32 {
            seen.insert(&graph.key(state)[agents..agents + stores]);
        }
        seen.into_iter().map(|images| self.line(images)).collect()
    }

    fn line(&self, images: &[u32]) -> String {
        let mut words = Vec::new();
        for (store, &image) in images.iter().enumerate() {
            let image = &self.found.tables.images.get(image).part;
            for (owner, block) in image.blocks.iter().enumerate() {
                let place = if self.rules.has_records() {
                    format!("s{}", store + 1)
                } else {
                    format!("s{}a{}", store + 1, owner + 1)
                };
                let Some(block) = block else {
                    words.push(format!("{place}=?"));
                    continue;
                };
                let mbal = block.mbal.map_or(0, Ballot::round);
                let (bal, val) = block.vote.map_or((0, 0), |vote| {
                    let by = self
                        .rules
                        .inputs
                        .iter()
                        .position(|&input| input == vote.inp);
                    (vote.bal.round(), by.map_or(0, |by| by + 1))
                });
                words.push(format!("{place}={mbal}.{bal}.{val}"));
            }
        }
        words.join(" ")
    }
}
