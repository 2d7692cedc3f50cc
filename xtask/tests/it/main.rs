//! The tests of this checkout, one binary.

mod arrows;
mod commands;
mod distribution;
mod links;
mod peer_reader;
mod prose;
