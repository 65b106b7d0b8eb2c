//! The queue survives everything that its stores and agents may do, as far as two hundred runs can tell.

use bivalent_sim::{
    fuzz,
    log::{Asked, Call, Draw, Load},
};
use own_machine::{Ask, Queue, Take};

#[derive(Clone, Debug)]
struct Workers;

impl Load for Workers {
    type Machine = Queue;

    fn machine(&self) -> Queue {
        Queue::default()
    }
    fn draw(&self, client: u32, _: Option<&Asked<Queue>>, draw: &mut Draw<'_>) -> Call<Queue> {
        match draw.below(5) {
            0 => Call::Query(Ask),
            1 | 2 => Call::Run(Take::Put(u64::from(client))),
            _ => Call::Run(Take::Next),
        }
    }
    fn check(&self, queue: &Queue) -> Result<(), String> {
        let (waiting, put, taken) = queue.counts();
        let told = || format!("{waiting} wait and {taken} were taken of {put}");
        (waiting + taken == put).then_some(()).ok_or_else(told)
    }
}

#[test]
fn every_job_is_done_once() {
    fuzz::check("scenarios/log/storm-kv.toml")
        .machine(Workers)
        .runs(200)
        .run();
}
