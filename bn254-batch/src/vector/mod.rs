//! The back ends on vectors of 64-bit words with multiply-adds of 52 bits: AVX-512 IFMA, eight
//! points at a time, and AVX-IFMA, four at a time.
//!
//! They are one source. Each back end is a module of the same files, compiled with its own
//! instructions: the attribute `#[kernel]` hands a function to the macro `instructions` of the
//! module that it stands in, and `isa` is the module's own. A function is so compiled with the
//! instructions of one back end, and inlined into those of the same one.
//!
//! Bounds of the lazy arithmetic are proved by one run of each path in a debug build
//! ([`interval`]), whatever the back end. Where a machine has neither, tests run the second one
//! with a model of its two multiply-adds.
#![allow(unsafe_code)]
#![allow(clippy::duplicate_mod, reason = "one source, compiled for each instruction set")]

#[cfg(test)]
pub(crate) mod avx2_modelled;
pub(crate) mod avx512;
pub(crate) mod avx_ifma;
mod constants;
mod interval;
