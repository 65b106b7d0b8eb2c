//! The `bivalent` command.

fn main() {}
