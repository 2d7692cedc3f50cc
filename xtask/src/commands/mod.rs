//! One module per group of commands.

mod approval;
mod bundle;
mod ceremony;
mod entropy;
mod key;
mod ptau;
mod sign;
mod zkey;
