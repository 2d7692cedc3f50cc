//! One module per group of commands.

mod entropy;
mod ptau;
mod zkey;
