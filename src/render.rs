//! How results look. Nothing here does I/O.

pub(crate) mod escape;
pub(crate) mod explain;
pub(crate) mod explore;
pub(crate) mod faults;
pub(crate) mod github;
pub(crate) mod history;
pub(crate) mod human;
pub(crate) mod influence;
pub(crate) mod json;
pub(crate) mod log;
pub(crate) mod paint;
pub(crate) mod price;
pub(crate) mod probe;
pub(crate) mod story;
pub(crate) mod table;
pub(crate) mod units;
pub(crate) mod words;
