//! The tests of the command line, one binary.

mod accept_cli;
mod approval_cli;
mod attacks;
mod ceremony_cli;
mod extremes;
mod foreign_files;
mod guard_status;
mod hints;
mod hostile_folder;
mod incomplete_copy;
mod interop_ptau;
mod key_files;
mod kit;
mod network;
mod policy_cli;
mod prepared_file;
mod prompts;
mod ptau_cli;
mod rehearsal;
mod report_page;
mod roster_cli;
mod signers_cli;
mod signing_cli;
mod strays;
mod tampered_folder;
mod zkey_cli;
