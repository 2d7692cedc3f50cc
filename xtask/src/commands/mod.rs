//! One module per group of commands.

mod approval;
mod ceremony;
mod entropy;
mod key;
mod ptau;
mod zkey;
