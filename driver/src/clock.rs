//! Time, as the driver sees it: a trait, so that the same code waits on a real clock and on a virtual one.

use std::{future::Future, pin::pin, time::Duration};

use futures_util::future::{BoxFuture, Either, select};

/// A clock that can be waited on.
pub trait Clock: Clone + Send + Sync + 'static {
    /// The time since a fixed moment; never falls.
    fn now(&self) -> Duration;

    /// Ready once `pause` has passed. May be dropped at any time.
    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()>;
}

/// What `work` gives, or `None` once `limit` has passed. The work is dropped then: whether it has taken
/// effect is not known.
pub(crate) async fn within<T>(
    clock: &impl Clock,
    limit: Duration,
    work: impl Future<Output = T>,
) -> Option<T> {
    match select(pin!(work), clock.sleep(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}

/// The clock of the tokio runtime that it is used in.
#[cfg(feature = "tokio")]
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    start: tokio::time::Instant,
}

#[cfg(feature = "tokio")]
impl TokioClock {
    /// Starts at zero now.
    pub fn start() -> Self {
        Self {
            start: tokio::time::Instant::now(),
        }
    }
}

#[cfg(feature = "tokio")]
impl Clock for TokioClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}
