//! What the tests build files with.
#![allow(dead_code, unreachable_pub)] // each test binary uses its own part

pub mod circuits;
pub mod forge;
pub mod known_tau;
pub mod ptau;
