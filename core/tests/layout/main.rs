//! Agents on buckets, down to the operation on the object.

#![cfg(test)]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing")]

mod bucket;
mod decision;
mod log;
mod protection;
mod world;
