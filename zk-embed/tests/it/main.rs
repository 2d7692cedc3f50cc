//! The tests of zk-embed, one binary.

mod beacons;
mod command_line;
mod deep_check;
mod export;
mod guarded_example;
