//! One module per group of commands.

mod approval;
mod bundle;
mod entropy;
mod key;
mod policy;
mod policy_diff;
mod ptau;
mod sign;
mod zkey;
