//! The tests of this checkout, one binary.

mod arrows;
mod distribution;
mod peer_reader;
mod prose;
