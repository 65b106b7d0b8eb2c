//! What a run is judged by: oracles, the check of histories, the verdict and its report.

pub mod coverage;
pub mod history;
pub mod linear;
pub(crate) mod oracle;
pub mod probe;
pub mod report;
pub mod verdict;
