//! From a verified bundle to the Rust source that embeds its keys.
//!
//! [`embed`] proves that the returned text is the canonical snippet of a bundle that satisfies the
//! policy and has not expired, and that every point of its keys passed [`deep_check`]. [`replace`]
//! proves that a committed snippet never goes back to an older serial, and [`check`] that it is
//! current; [`ceremony::check_ceremony`] verifies once more the whole ceremony behind the bundle.
//! The text itself is made in `zk-vk-guard`, where the guard of every build makes it again.
//!
//! ```
//! use zk_attest::primitives::Timestamp;
//! use zk_embed::embed;
//! use zk_vk_guard::bundle::OnExpiry;
//! use zk_vk_guard::snippet::Options;
//!
//! macro_rules! example {
//!     ($file:literal) => {
//!         include_bytes!(concat!(
//!             env!("CARGO_MANIFEST_DIR"),
//!             "/../examples/attestation/zk/",
//!             $file
//!         ))
//!     };
//! }
//!
//! # fn main() -> zk_attest::error::Result<()> {
//! let embedded = embed(
//!     example!("bundle.json"),
//!     example!("trust-policy.json"),
//!     Options { arkworks: true },
//!     &Timestamp::now(),
//!     OnExpiry::Warn,
//! )?;
//! assert_eq!(embedded.text.as_bytes(), example!("verifying_key.rs"));
//! # Ok(())
//! # }
//! ```

mod beacons;
pub mod ceremony;
pub mod deep_check;
pub mod proofs;

use std::path::Path;

use zk_attest::error::{Code, Refusal, Result};
use zk_attest::file::{read_regular, write_whole};
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, OnExpiry, VerifiedBundle};
use zk_vk_guard::policy::Policy;
use zk_vk_guard::snippet::{self, MAX_SNIPPET_BYTES, Options};

/// A snippet with what was verified for it.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// The canonical text.
    pub text: String,
    /// The bundle that it holds the keys of.
    pub bundle: VerifiedBundle,
    /// The options that it was made with.
    pub options: Options,
}

/// Verifies a bundle under a policy, checks its keys' points, and makes the snippet.
pub fn embed(
    bundle: &[u8],
    policy: &[u8],
    options: Options,
    now: &Timestamp,
    on_expiry: OnExpiry,
) -> Result<Embedded> {
    let policy = Policy::from_json(policy)?;
    let bundle = Bundle::from_json(bundle)?.verify(&policy, now, on_expiry)?;
    let mut keys = Vec::new();
    for (circuit, key) in bundle.circuits() {
        let key = deep_check::deep_check(key)
            .map_err(|refusal| refusal.within(format_args!("circuit {}", circuit.name)))?;
        keys.push((&circuit.name, key));
    }
    deep_check::ensure_distinct(&keys)?;
    beacons::ensure_verified(bundle.transcript().transcript())?;
    Ok(Embedded { text: snippet::text(&bundle, options)?, bundle, options })
}

/// Replaces the committed snippet, unless that one has a higher serial.
pub fn replace(embedded: &Embedded, path: &Path) -> Result<()> {
    let serial = embedded.bundle.provenance().serial;
    match committed(path)?.as_deref().and_then(snippet::serial_of) {
        Some(older) if older > serial => {
            Err(Refusal::new(Code::SerialTooLow, "the bundle is older than the committed snippet")
                .found(format_args!("serial {serial}"))
                .expected(format_args!(
                    "at least {older}, which is the serial of {}",
                    path.display()
                ))
                .hint(
                    "take the newest bundle from the release authority; to go back on purpose, \
                     remove the committed snippet in a commit of its own",
                ))
        }
        _ => write_whole(path, embedded.text.as_bytes(), None),
    }
}

/// Refuses a committed snippet that is not the text.
pub fn check(embedded: &Embedded, path: &Path) -> Result<()> {
    let found = committed(path)?;
    if found.as_deref() == Some(embedded.text.as_str()) {
        return Ok(());
    }
    let what = if found.is_some() {
        "is not the text that the approved bundle gives"
    } else {
        "is missing"
    };
    let what = format!("the committed snippet {} {what}", path.display());
    Err(snippet::stale(&found.unwrap_or_default(), &what, embedded.options))
}

/// The committed snippet, where there is one. A file that is not UTF-8 is not a snippet, but still
/// a file.
fn committed(path: &Path) -> Result<Option<String>> {
    match read_regular(path, MAX_SNIPPET_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(refusal) if refusal.code() == Code::FileMissing => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
