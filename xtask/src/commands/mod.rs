//! One module per group of commands.

mod approval;
mod entropy;
mod guard_status;
mod ptau;
mod zkey;
