//! One module per group of commands.

mod audit_verifier;
mod bundle;
mod ceremony;
mod entropy;
pub(crate) mod guard_status;
mod key;
mod policy;
mod policy_diff;
mod policy_next;
mod proof;
mod ptau;
mod ptau_parts;
mod ptau_prepare;
mod ptau_prepare_parts;
mod release;
mod sign;
mod zkey;
