//! The `creditd` program.
fn main() {}
