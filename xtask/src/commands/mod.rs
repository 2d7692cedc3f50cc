//! One module per group of commands.

mod approval;
mod entropy;
mod ptau;
mod zkey;
