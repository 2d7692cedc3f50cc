//! Phase 2: the key of one circuit, with a delta that no one knows as long as one contributor was
//! honest (BGM17, section 7; Groth16).
//!
//! | module | proves or does |
//! |---|---|
//! | [`initial_key`] | the initial key, a function of circuit and phase 1 alone |
//! | `qap` | its sums: the QAP's columns at tau |
//! | `initial_hash` | its hash, in both spellings of infinity |
//! | `surplus` | the last point of its hash where the `.ptau` has the circuit's own power |
//! | [`contribute`] | delta <- d delta: contribute, beacon |
//! | [`verify`] | runs the numbered checks of docs/formats.md, section 7, on a key |
//! | `follow` | the same from an earlier key, with one reading of each |
//! | `compared` | what both have in common |
//! | `h_query` | check 8: L and H divided by delta |
//! | `records` | checks 2 to 6, 9 and 10: those that need no circuit |
//! | [`degenerate`] | check 9: a verifying key that accepts anything is refused |
//! | [`report`], `error`, `expectations` | what is asked, what was found, why an operation failed |
//! | [`arkworks`] | circuits of arkworks in and out |

pub mod arkworks;
mod compared;
pub mod contribute;
pub mod degenerate;
mod error;
mod expectations;
mod follow;
mod h_query;
mod initial_hash;
pub mod initial_key;
mod qap;
mod records;
pub mod report;
mod surplus;
pub mod verify;
