//! One module per group of commands.

mod approval;
mod entropy;
mod key;
mod ptau;
mod zkey;
