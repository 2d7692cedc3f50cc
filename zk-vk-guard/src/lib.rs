//! Placeholder while the parts are written.

pub mod build_script;
pub mod bundle;
pub mod digest;
pub mod envelope;
pub mod error;
mod json;
pub mod key;
pub mod names;
pub mod policy;
pub mod snippet;
pub mod statement;
pub mod transcript;
pub mod verifying_key;

pub use build_script::Guard;
