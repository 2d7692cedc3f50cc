//! A ceremony in an object store: S3 and what speaks like it, Google Cloud Storage, Azure, or a
//! folder of this machine.
//!
//! ```text
//! place     which store, reached how: credentials from where its vendor's tools have them
//! objects   one object: put once, looked at, read back
//! s3        what S3 has and object_store has no call for: a lock, and parts that end create-only
//! parts     a large object in parts, gone on with after any interruption
//! aside     the same where a store ends it whatever has the name: under another name first
//! publish   the files of an index, data first, the index last
//! archive   one object under a lock that no account can lift
//! failure   what stores say, without secrets and pages of XML
//! ```
//!
//! A store is not believed. What is put there goes with its SHA-256, and what readers fetch is held
//! to the signed index and to attestations. An object is never overwritten, but `index.json`.

pub mod archive;
mod aside;
mod failure;
#[cfg(test)]
mod fake;
mod objects;
mod parts;
pub mod place;
pub mod publish;
mod s3;

pub use archive::{Kept, LockState, Retention};
pub use parts::Resumed;
pub use place::{Access, Place};
pub use publish::{Published, Publisher};
