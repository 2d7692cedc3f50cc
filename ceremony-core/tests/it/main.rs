//! The tests of files, phases and keys, one binary.

mod kinds;
mod mutations;
mod old_tools;
mod phase1_levels;
mod phase1_parts;
mod phase1_prepare_parts;
mod phase1_steps;
mod phase1_structure;
mod phase1_verify;
mod phase2_chain;
mod phase2_proofs;
mod phase2_refused;
mod phase2_setup;
mod phase2_structure;
mod proofs;
