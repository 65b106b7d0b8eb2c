//! Virtual time as the driver's clock.

use std::time::Duration;

use bivalent_driver::Clock;
use futures_util::future::BoxFuture;
use madsim::time::{Instant, sleep};

#[derive(Clone, Copy, Debug)]
pub(crate) struct VirtualClock {
    start: Instant,
}

impl VirtualClock {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(sleep(pause))
    }
}
