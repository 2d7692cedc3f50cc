//! Phase 2: the key of one circuit, with a delta that nobody knows as long as one contributor was honest (BGM17, section 7; Groth16).
//!
//! Reading order: [`circuit`] (the initial key, a function of circuit and phase 1 alone) with `columns` (its sums), [`contribution`] (delta <- d
//! delta), [`verify`] (the numbered checks of the formats page, section 7) with `records` (those that need no circuit), [`arkworks`] (circuits of
//! arkworks in and out).

pub mod arkworks;
pub mod contribute;
pub mod initial_key;
mod qap;
mod record_checks;
pub mod report;
pub mod verify;
