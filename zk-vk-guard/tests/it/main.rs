//! The tests of the guard, one binary.

mod beacons;
mod bundle;
mod circuit_names;
mod dependency_tree;
mod downstream;
mod ed25519_vectors;
mod hostile_bytes;
mod inspect;
mod largest;
mod limits;
mod policy;
mod project;
mod securesystemslib;
mod snippet;
mod transcript;
mod verifying_key;
