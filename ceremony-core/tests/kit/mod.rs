//! What the tests share. Each test binary uses a part of it.
#![allow(dead_code, missing_docs, unreachable_pub)]

pub mod circuits;
pub mod forge;
pub mod known_tau;
