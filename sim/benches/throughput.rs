//! Store operations a second beside the replay floor.

fn main() {}
