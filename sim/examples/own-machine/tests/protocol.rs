//! A protocol that is too simple is found out: the test expects the fuzzer to fail it.

use bivalent_core::{Block, Input, Operation, Phase, Sink, Value};
use bivalent_sim::{fuzz, protocol::Proposer};
use own_machine::Hasty;

const TWO_AGENTS: &str = r#"
title   = "Two agents on one store"
summary = "Nothing breaks, and one of them may be slow."
[cluster]
agents = 2
stores = 1
[[fault]]
chance = 0.05
delay  = { by = "1ms..20ms" }
[expect]
outcome = "any"
"#;

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct Tested(Hasty);

impl Proposer for Tested {
    fn on(&mut self, input: Input, out: &mut dyn Sink) {
        self.0.on(input, out);
    }
    fn phase(&self) -> Phase {
        self.0.phase()
    }
    fn block(&self) -> Block {
        self.0.block()
    }
    fn epoch(&self) -> u32 {
        self.0.epoch()
    }
    fn decision(&self) -> Option<Value> {
        self.0.decision()
    }
    fn awaits(&self, operation: Operation) -> bool {
        self.0.awaits(operation)
    }
}

#[test]
#[should_panic(expected = "agreement")]
fn a_look_before_a_write_is_not_enough() {
    fuzz::check(TWO_AGENTS)
        .protocol(|config| Tested(Hasty::new(config)))
        .run();
}
