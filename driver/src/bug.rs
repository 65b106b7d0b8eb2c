//! Known bugs of drivers, planted on request: what the driver's tests must be able to find.

/// A mistake that an author of a driver could make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DriverBug {
    /// Heads are overwritten under one key instead of standing under a key for each version: a put that comes
    /// late takes a newer one back.
    RetryOvertakes,
    /// An operation that a store has refused is never reported as late, so nobody asks for it again.
    LosesWakeUp,
    /// The answer to an earlier try is handed on as the answer to the newest one of the same kind on the same
    /// store, whatever that one writes.
    MistakesEarlierAnswer,
}

impl DriverBug {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::RetryOvertakes,
        Self::LosesWakeUp,
        Self::MistakesEarlierAnswer,
    ];
}
