//! The valence graph as a picture: a text that Graphviz draws.

use std::fmt::Write;

use super::{Exploration, report::words, valence::said};
use crate::scenario::Scenario;

/// More states than this make no picture.
const STATES_MAX: usize = 2000;

impl Exploration {
    /// The graph in the DOT language: a node for each state, filled by valence (white: multivalent, else
    /// a colour and the value), doubly circled where somebody has decided; decisive moves are bold. None
    /// if it has too many states for a picture, or not all were seen.
    pub fn dot(&self, scenario: &Scenario) -> Option<String> {
        /// Blue and orange first: told apart by all eyes, and the value is written anyway.
        const COLOURS: [&str; 8] = [
            "#9ecae1", "#fdae6b", "#a1d99b", "#bcbddc", "#fdd0a2", "#c7e9c0", "#dadaeb", "#d9d9d9",
        ];
        let valences = self.valences.as_ref()?;
        let (graph, tables) = (&self.found.graph, &self.found.tables);
        if graph.states() > STATES_MAX {
            return None;
        }
        let mut dot = String::from(
            "digraph valence {\n  rankdir = TB;\n  node [style = filled, shape = circle, fontname = \"sans-serif\", fontsize = 10];\n  edge [fontname = \"sans-serif\", fontsize = 8, color = \"#888888\"];\n",
        );
        for state in 0..graph.states() as u32 {
            let set = valences.of(state);
            let (label, fill) = if set.is_power_of_two() {
                let value = set.trailing_zeros() as usize;
                (self.proposal(scenario, value), COLOURS[value])
            } else {
                let values = (0..8).filter(|value| set & 1 << value != 0);
                let values: Vec<String> = values.map(|v| self.proposal(scenario, v)).collect();
                (format!("{{{}}}", values.join(",")), "#ffffff")
            };
            let rings = 1 + u8::from(said(graph, tables, state) != 0);
            let _ = writeln!(
                dot,
                "  s{state} [label = {label:?}, fillcolor = \"{fill}\", peripheries = {rings}];"
            );
        }
        for state in 0..graph.states() as u32 {
            for (taken, next) in graph.moves(state) {
                let decisive = valences.is_multivalent(state) && !valences.is_multivalent(next);
                let style = if decisive {
                    ", penwidth = 3, color = \"#000000\""
                } else {
                    ""
                };
                let _ = writeln!(
                    dot,
                    "  s{state} -> s{next} [label = {:?}{style}];",
                    words(scenario, taken)
                );
            }
        }
        dot.push_str("}\n");
        Some(dot)
    }
}
