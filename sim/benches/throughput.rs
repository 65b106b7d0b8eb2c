//! Store operations a second with faults, oracles and fingerprint on, beside the replay floor: the
//! answers of the same runs fed straight to the same agents, with no queue, store, fault or oracle.

#![expect(
    clippy::cast_precision_loss,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark measures real time and prints it"
)]

use bivalent_sim::judge::verdict::Finished;
use std::{hint::black_box, time::Instant};

use bivalent_core::{
    Agent, AgentId, Ballot, BlockOp, BlockReply, BlockTag, Config, DecreeEvent, DecreeSaid,
    DecreeTimer, DiskPaxos, Incarnation, Pause, Port, SingleDecree, StoreId,
};
use bivalent_sim::{engine::blocks::BlockEngine, scenario::Scenario};

/// Seeds in a measured round.
const SEEDS: u64 = 2000;
/// Rounds; the median ratio counts, each round measures both.
const ROUNDS: usize = 7;

fn scenario(agents: u32, stores: u32) -> Scenario {
    let text = format!(
        r#"
title = "Throughput"
summary = "Crashes, delays, torn writes, lost answers and stale reads."
[cluster]
agents = {agents}
stores = {stores}
stale = 1
[schedule]
retry = {{ exponential = "5ms..500ms" }}
[[fault]]
chance = 0.0005
crash = {{ restart = "5ms..40ms" }}
[[fault]]
chance = 0.002
delay = {{ by = "1ms..20ms" }}
[[fault]]
chance = 0.0005
torn-write = {{}}
[[fault]]
chance = 0.0005
lost-ack = {{}}
[[fault]]
chance = 0.01
stale-read = {{ store = "s1", versions = 2 }}
"#
    );
    Scenario::parse("throughput", &text, &|_| Err(String::new())).expect("the bench's own scenario")
}

/// Every event of every agent of some runs, in order: (agent, start, event).
type Tape = Vec<(AgentId, u16, Option<DecreeEvent>)>;

/// A port that counts what is asked of stores.
struct Count {
    asked: u64,
    agent: AgentId,
    incarnation: Incarnation,
}

impl Port<DiskPaxos> for Count {
    fn ask(&mut self, _: StoreId, _: BlockTag, _: u8, op: BlockOp) {
        let plain = matches!(black_box(op), BlockOp::Read { .. } | BlockOp::Write { .. });
        self.asked += u64::from(plain);
    }

    fn wake(&mut self, timer: DecreeTimer, _: Pause) {
        black_box(timer);
    }

    fn draw(&mut self, _: u64) -> u64 {
        0
    }

    fn ballot(&mut self, above: Option<Ballot>) -> Option<Ballot> {
        Ballot::next(above, self.agent, self.incarnation)
    }

    fn say(&mut self, said: DecreeSaid) {
        black_box(said);
    }
}

fn record(engine: &mut BlockEngine, seeds: u64) -> Vec<Tape> {
    (0..seeds).map(|seed| engine.run_taped(seed)).collect()
}

/// Tells fresh agents the recorded events; returns how many operations they asked for.
fn floor(config: &dyn Fn(AgentId) -> Config, agents: usize, tapes: &[Tape]) -> u64 {
    let mut count = Count {
        asked: 0,
        agent: AgentId(0),
        incarnation: Incarnation(0),
    };
    let fresh: Vec<DiskPaxos> = (0..agents)
        .map(|index| DiskPaxos::begin(&config(AgentId(index as u16)), Incarnation(0)).0)
        .collect();
    let mut seats = fresh.clone();
    for tape in tapes {
        seats.clone_from(&fresh);
        for (id, incarnation, event) in tape {
            (count.agent, count.incarnation) = (*id, Incarnation((*incarnation).into()));
            if let Some(event) = event {
                seats[id.index()].on(event.told(), &mut count);
            } else {
                let incarnation = count.incarnation;
                seats[id.index()] = DiskPaxos::start(&config(*id), incarnation, &mut count);
            }
        }
    }
    count.asked
}

fn measure(agents: u32, stores: u32) {
    let scenario = scenario(agents, stores);
    let mut engine = BlockEngine::new(&scenario);
    let tapes = record(&mut engine, 500);
    let taped_ops: u64 = tapes
        .iter()
        .flatten()
        .filter(|(_, _, event)| {
            let reply = |reply: &BlockReply| {
                matches!(reply, BlockReply::Block { .. } | BlockReply::Written)
            };
            matches!(event, Some(DecreeEvent::Replied(_, _, it)) if reply(it))
        })
        .count() as u64;
    let config_of = BlockEngine::new(&scenario);
    let config = |id| config_of.config_of(id);
    let (mut rates, mut floors, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut ops = 0;
        for seed in 0..SEEDS {
            engine.run(seed);
            ops += engine.store_ops();
        }
        let rate = ops as f64 / start.elapsed().as_secs_f64();
        let start = Instant::now();
        black_box(floor(&config, agents as usize, &tapes));
        let floor = taped_ops as f64 / start.elapsed().as_secs_f64();
        rates.push(rate);
        floors.push(floor);
        ratios.push(rate / floor);
    }
    let median = |values: &mut Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{agents}x{stores}: engine {:.1} M ops/s, replay floor {:.1} M ops/s ({} runs), ratio {:.2}",
        median(&mut rates) / 1e6,
        median(&mut floors) / 1e6,
        tapes.len(),
        median(&mut ratios)
    );
}

fn main() {
    measure(5, 3);
    measure(20, 5);
}
