//! What the tests build files with.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part

pub mod ptau;
