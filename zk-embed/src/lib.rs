//! From a verified bundle to the Rust source that embeds its keys.
//!
//! [`embed`] proves that the returned text is the canonical snippet of a bundle that satisfies the
//! policy and has not expired, and that every point of its keys passed [`deep_check`]. [`replace`]
//! proves that a committed snippet never goes back to an older serial, and [`check`] that it is
//! current; [`export`] writes the same keys for other languages, and [`deployed`] finds them in a
//! contract again. [`ceremony::check_ceremony`] verifies once more the whole ceremony behind the
//! bundle. The text itself is made in `zk-vk-guard`, where the guard of every build makes it again.
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
pub mod deployed;
pub mod export;
pub mod proofs;

use std::path::Path;

use ark_bn254::Bn254;
use ark_groth16::VerifyingKey;
use zk_attest::error::{Code, Refusal, Result};
use zk_attest::file::{read_regular, write_whole};
use zk_attest::primitives::Timestamp;
use zk_vk_guard::bundle::{Bundle, OnExpiry, VerifiedBundle};
use zk_vk_guard::policy::Policy;
use zk_vk_guard::snippet::{self, MAX_SNIPPET_BYTES, Options};

use crate::export::Format;

/// A bundle that satisfies a policy, with keys that passed the deep check.
#[derive(Clone, Debug)]
pub struct Imported {
    bundle: VerifiedBundle,
    keys: Vec<VerifyingKey<Bn254>>,
}

impl Imported {
    /// Verifies a bundle under a policy, and checks its keys' points.
    pub fn new(bundle: &[u8], policy: &[u8], now: &Timestamp, on_expiry: OnExpiry) -> Result<Self> {
        Self::of(Bundle::from_json(bundle)?, &Policy::from_json(policy)?, now, on_expiry)
    }

    /// The same, for documents that were read before.
    pub fn of(
        bundle: Bundle,
        policy: &Policy,
        now: &Timestamp,
        on_expiry: OnExpiry,
    ) -> Result<Self> {
        let bundle = bundle.verify(policy, now, on_expiry)?;
        let mut keys = Vec::new();
        for (circuit, key) in bundle.circuits() {
            let key = deep_check::deep_check(key)
                .map_err(|refusal| refusal.within(format_args!("circuit {}", circuit.name)))?;
            keys.push((&circuit.name, key));
        }
        deep_check::ensure_distinct(&keys)?;
        beacons::ensure_verified(bundle.transcript().transcript())?;
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        Ok(Self { bundle, keys })
    }

    /// The bundle.
    #[must_use]
    pub const fn bundle(&self) -> &VerifiedBundle {
        &self.bundle
    }

    /// The verifying keys, in the order of the bundle's circuits.
    #[must_use]
    pub fn keys(&self) -> &[VerifyingKey<Bn254>] {
        &self.keys
    }

    /// The keys in a language.
    pub fn embedded(self, language: Language) -> Result<Embedded> {
        let text = match language {
            Language::Rust(options) => snippet::text(&self.bundle, options)?,
            Language::Other(format) => export::text(&self.bundle, &self.keys, format)?,
        };
        Ok(Embedded { text, bundle: self.bundle, language })
    }
}

/// What the keys are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The snippet, which the guard of every build makes again.
    Rust(Options),
    /// A file for others.
    Other(Format),
}

impl Language {
    /// The serial that a committed file states.
    fn serial_of(self, text: &str) -> Option<u64> {
        match self {
            Self::Rust(_) => snippet::serial_of(text),
            Self::Other(format) => format.serial_of(text),
        }
    }

    /// Why a committed file is not the text.
    fn stale(self, committed: &str, what: &str, path: &Path) -> Refusal {
        match self {
            Self::Rust(options) => snippet::stale(committed, what, options),
            Self::Other(format) => Refusal::new(Code::SnippetStale, what)
                .hint(format_args!("run `{}`", format.command(path))),
        }
    }
}

/// The text that holds the keys, with what was verified for it.
#[derive(Clone, Debug)]
pub struct Embedded {
    /// The text.
    pub text: String,
    /// The bundle that it holds the keys of.
    pub bundle: VerifiedBundle,
    /// What it is written in.
    pub language: Language,
}

/// Verifies a bundle under a policy, checks its keys' points, and makes the snippet.
pub fn embed(
    bundle: &[u8],
    policy: &[u8],
    options: Options,
    now: &Timestamp,
    on_expiry: OnExpiry,
) -> Result<Embedded> {
    Imported::new(bundle, policy, now, on_expiry)?.embedded(Language::Rust(options))
}

/// Replaces the committed file, unless that one has a higher serial.
pub fn replace(embedded: &Embedded, path: &Path) -> Result<()> {
    ensure_newest(embedded, path)?;
    write_whole(path, embedded.text.as_bytes(), None)
}

/// Refuses a bundle that is older than the one that the committed file was made from.
pub fn ensure_newest(embedded: &Embedded, path: &Path) -> Result<()> {
    let serial = embedded.bundle.provenance().serial;
    let stated = committed(path)?.as_deref().and_then(|text| embedded.language.serial_of(text));
    match stated {
        Some(older) if older > serial => {
            Err(Refusal::new(Code::SerialTooLow, "the bundle is older than the committed file")
                .found(format_args!("serial {serial}"))
                .expected(format_args!(
                    "at least {older}, which is the serial of {}",
                    path.display()
                ))
                .hint(
                    "take the newest bundle from the release authority; to go back on purpose, \
                     remove the committed file in a commit of its own",
                ))
        }
        _ => Ok(()),
    }
}

/// Refuses a committed file that is not the text.
pub fn check(embedded: &Embedded, path: &Path) -> Result<()> {
    let found = committed(path)?;
    if found.as_deref() == Some(embedded.text.as_str()) {
        return Ok(());
    }
    // What would be written is refused as well.
    ensure_newest(embedded, path)?;
    let what = if found.is_some() {
        "is not the text that the approved bundle gives"
    } else {
        "is missing"
    };
    let what = format!("the committed file {} {what}", path.display());
    Err(embedded.language.stale(&found.unwrap_or_default(), &what, path))
}

/// The committed file, where there is one. One that is not UTF-8 is not the text, but still
/// a file.
fn committed(path: &Path) -> Result<Option<String>> {
    match read_regular(path, MAX_SNIPPET_BYTES) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(refusal) if refusal.code() == Code::FileMissing => Ok(None),
        Err(refusal) => Err(refusal),
    }
}
