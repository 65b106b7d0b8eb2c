//! Agents on buckets, down to the operation on the object, and on disks, down to the sector.

#![cfg(test)]
#![expect(clippy::wildcard_enum_match_arm, reason = "tests look for one thing")]

mod bench;
mod bucket;
mod decision;
mod disk;
mod lives;
mod log;
mod places;
mod protection;
mod sectors;
mod world;
