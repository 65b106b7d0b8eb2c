//! A protocol that is too simple is found out: the test expects the fuzzer to fail it.

use bivalent_sim::fuzz;
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

#[test]
#[should_panic(expected = "agreement")]
fn a_look_before_a_write_is_not_enough() {
    fuzz::check(TWO_AGENTS).protocol::<Hasty>().run();
}
