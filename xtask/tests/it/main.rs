//! The tests of this checkout, one binary.

mod arrows;
mod peer_reader;
mod prose;
