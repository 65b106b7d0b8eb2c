//! A machine of your own, made fault-tolerant and fuzzed: whoever asks gets the next ticket.

use bivalent_core::StateMachine;
use bivalent_sim::log::{Asked, Call, Draw, Load, LogEngine};
use bivalent_sim::{judge::verdict::Finished, scenario::Scenario};

/// The last ticket given.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
struct Tickets(u64);

impl StateMachine for Tickets {
    type Command = ();
    type Query = ();
    type Answer = u64;
    type Snapshot = u64;

    fn apply(&mut self, (): &()) -> u64 {
        self.0 += 1;
        self.0
    }
    fn query(&self, (): &()) -> u64 {
        self.0
    }
    fn snapshot(&self) -> u64 {
        self.0
    }
    fn restore(snapshot: &u64) -> Self {
        Self(*snapshot)
    }
}

/// Its clients: a ticket, or a look at the last one.
#[derive(Clone, Debug)]
struct Queue;

impl Load for Queue {
    type Machine = Tickets;

    fn machine(&self) -> Tickets {
        Tickets::default()
    }
    fn draw(&self, _: u32, _: Option<&Asked<Tickets>>, draw: &mut Draw<'_>) -> Call<Tickets> {
        if draw.is_query() {
            return Call::Query(());
        }
        Call::Run(())
    }
}

/// A thousand seeds of everything that the envelope bears; a violation names its seed.
fn main() {
    let storm = include_str!("../../scenarios/log/storm-kv.toml");
    let storm = Scenario::parse("storm", storm, &|_| Err("no file".into())).expect("it is valid");
    let mut engine = LogEngine::new(&storm, Queue);
    for seed in 0..1000 {
        engine.run(seed);
        assert_eq!(engine.violations(), [], "seed {seed}");
    }
}
