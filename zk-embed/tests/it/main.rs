//! The tests of zk-embed, one binary.

mod command_line;
mod deep_check;
mod guarded_example;
