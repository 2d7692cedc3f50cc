//! A ceremony over a network.
//!
//! The ceremony stays a folder ([`ceremony_folder`]); this crate moves its files. The
//! [`service`] takes contributions in by the same code that takes in files from a stick, and
//! can forge none. The [`client`] holds everything that it receives to signed attestations.
//!
//! ```text
//! protocol     what is said, as JSON bodies          statements   what is signed for it
//! drand        rounds of drand, from endpoints
//! service      sessions, queue, turns, uploads       client       requests, again until they work
//!              verification, receipts, journal       sync         a working copy of the folder
//! trace        spans from one process to the other
//! metrics      what nodes tell those who watch        bucket       the same, without a service
//! log          failures, with all that is known       fetch        files, wherever they come from
//! words        texts of the other side, as shown
//! ```

pub mod bucket;
pub mod client;
pub mod drand;
#[cfg(test)]
mod fake;
mod fetch;
pub mod log;
pub mod metrics;
pub mod proofs;
pub mod protocol;
pub mod service;
pub mod statements;
pub mod sync;
mod tls;
pub mod trace;
pub mod words;
