//! A build that refuses an unapproved verifying key.
//!
//! A crate that embeds a Groth16 verifying key calls [`Guard`] in its build script. The build then
//! fails unless the key comes from a bundle that satisfies the trust policy whose digest is in
//! build.rs: signed, to each role's threshold, by release authorities, auditors and participants,
//! over the transcript of a ceremony with enough attested contributions. This crate owns that
//! verification; its vocabulary (keys, envelopes, statements) is `zk-attest`, with which the
//! ceremony's own crates write the same documents.
//!
//! ```text
//! policy         whose signatures, how many         transcript      a ceremony's chain, checked
//! bundle         all of it in one file, verified    verifying_key   what a key's bytes show
//! snippet        the Rust source of verified keys   inspect         what a signer must see
//! limits         how much there may be          build_script   the interface to cargo
//! ```
//!
//! Small on purpose: its dependency tree is a reviewed file (ci/guard-tree.txt), it has no cargo
//! features, reads no environment variable that could weaken it, opens no connection and writes one
//! file in OUT_DIR. Untrusted bytes are bounded before they are parsed, and parsing them cannot
//! panic.
//!
//! # Examples
//!
//! A whole build script:
//!
//! ```no_run
//! // the body of main in build.rs
//! zk_vk_guard::Guard::new("zk/trust-policy.json", "<SHA-256 of the policy>").run();
//! ```
//!
//! What it verifies, on the bundle of this repository's example:
//!
//! ```
//! use zk_attest::primitives::Timestamp;
//! use zk_vk_guard::bundle::OnExpiry;
//! use zk_vk_guard::{Bundle, Policy};
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
//! # fn main() -> zk_vk_guard::Result<()> {
//! let policy = Policy::from_json(example!("trust-policy.json"))?;
//! let bundle = Bundle::from_json(example!("bundle.json"))?;
//! let verified = bundle.verify(&policy, &Timestamp::now(), OnExpiry::Warn)?;
//! for (circuit, key) in verified.circuits() {
//!     println!("{}: {} public inputs, {}", circuit.name, key.public_inputs(), key.sha256());
//! }
//! assert_eq!(verified.circuits().count(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Threats
//!
//! If the guard's source, the toolchain and the target folder are intact, the crate holds exactly
//! the bytes that the pinned thresholds signed for that circuit. Tests without a file name are in
//! `tests/it/downstream.rs` and run cargo for real.
//!
//! What an attacker may try, what stops it, and the test that shows it:
//!
//! - **changes a byte of the key, the transcript, the statement or a signature**: checks 1
//!   and 3 of [`bundle`]. Test: `one_byte_of_the_verifying_key`, `..._transcript`,
//!   `..._statement`, `..._signature`.
//! - **changes a digest and signs the result**: digests are compared with the bytes, and statement
//!   and manifest with the transcript. Test: `one_byte_of_any_digest_even_if_signed`.
//! - **edits the policy, to lower a threshold or to add a key**: the pin in build.rs; a reviewer
//!   sees both edits. Test: `one_byte_of_the_policy`, `a_wrong_pin`.
//! - **signs twice, or once under two key ids**: distinct keys are counted
//!   ([`zk_attest::envelope`], [`policy`]). Test: `one_signer_twice`, `one_key_under_two_key_ids`.
//! - **signs for another role**: one key, one role. Test: `a_key_of_another_role`;
//!   `one_key_has_one_role_and_stands_there_once` in tests/it/policy.rs.
//! - **presents a key for which anyone can sign**: keys of small order and second encodings are
//!   refused ([`zk_attest::key`]). Test: `a_weak_key`.
//! - **makes a second signature out of one (S + L)**: S < L is checked here, before the library.
//!   Test: `a_signature_with_s_plus_l`.
//! - **makes the library lenient from a crate of the same workspace**: the same check. Test:
//!   `a_crate_of_the_same_workspace_cannot_weaken_the_guard`.
//! - **passes off a signature of another protocol**: the PAE names its type; prehashed signatures
//!   do not verify. Test: `an_ed25519ph_signature`, `another_payload_or_predicate_type`.
//! - **makes two readers see different things in one statement**: one canonical encoding of
//!   statement and manifest. Test: `a_statement_in_another_encoding`,
//!   `a_manifest_in_another_encoding_...`.
//! - **shows a signer another list of keys than the one that is signed**: the statement names the
//!   manifest's digest, and what shows a statement compares it first. Test:
//!   `a_manifest_that_nobody_signed_...` in zk-ceremony.
//! - **presents the bundle of another circuit, an older or a revoked one**: the policy names
//!   circuits, the lowest serial, and what is revoked. Test: `a_bundle_of_another_circuit`,
//!   `an_older_serial`, `a_revoked_transcript_or_key`.
//! - **ships the key of a rehearsal**: kind is signed; a rehearsal policy needs
//!   `.allow_rehearsal()`. Test: `a_rehearsal_under_a_production_policy`,
//!   `a_rehearsal_policy_needs_...`.
//! - **skips phase 2 (delta = gamma), or presents a degenerate key**: checks 2 and 4 of
//!   [`verifying_key`]. Test: `delta_equal_to_gamma`.
//! - **shows one key to reviewers and another to the compiler**: both forms are compared point by
//!   point. Test: `compressed_and_uncompressed_key_that_disagree_even_if_signed`.
//! - **invents contributions, or counts one participant twice**: attestations are in the transcript
//!   and are counted by key. Test: `an_attestation_removed_forged_moved_...`,
//!   `fewer_contributions_than_the_minimum`.
//! - **drops, adds or reorders steps**: links, and the coordinator's attestations ([`transcript`]).
//!   Test: `a_transcript_that_does_not_link`; tests/it/transcript.rs.
//! - **edits the committed snippet, or adds to it**: it is compared with the text made from the
//!   bundle. Test: `an_edited_snippet`, `a_snippet_with_an_extra_item_or_a_twin_under_cfg`,
//!   `a_reformatted_snippet`, ....
//! - **plants a snippet in OUT_DIR**: the guard removes it first, and writes what it checked. Test:
//!   `a_snippet_planted_while_the_feature_was_off_is_not_what_is_built`.
//! - **unpacks a release over an older one with the times kept, or shares a target folder between
//!   checkouts**: the guard runs in every build. Test:
//!   `a_release_unpacked_over_an_older_one_with_its_times_kept_is_guarded`,
//!   `two_checkouts_that_share_a_target_folder_are_each_guarded`.
//! - **gives one key to two circuits, or one point to two inputs**: both are compared. Test:
//!   `one_verifying_key_under_two_names_is_refused_even_if_signed` in tests/it/bundle.rs,
//!   `two_input_points_that_are_equal_or_opposite_are_refused` in tests/it/verifying_key.rs.
//! - **forces the feature past cargo**: cargo's and the compiler's view must agree; without the
//!   guard there is no file to include. Test: `a_feature_forced_by_cfg_is_refused`.
//! - **points the bundle at another file, a device or gigabytes**: regular files inside the
//!   package, up to a limit. Test: `a_bundle_that_is_missing_a_directory_a_link_...`.
//! - **swaps a file between check and use**: each file is read once; the text is written from what
//!   was verified. Test: by construction.
//!
//! What cannot be promised:
//! - anything against a party that controls rustc, cargo's configuration (`build.rustc-wrapper`,
//!   `[patch]`, source replacement), the vendored source of this crate or of its dependencies,
//!   build.rs, or a restored `target/` folder (release builds start from an empty one);
//! - that a build script of another crate in the same build is harmless: it runs with the same
//!   rights and can write anywhere;
//! - freshness without a network: a revocation reaches a project when its policy is edited and
//!   pinned. A bundle past its last day still builds, with a warning, so that old releases can be
//!   rebuilt; `zk-embed` refuses to import it;
//! - that the curve points of a key are sound: the guard does no curve arithmetic. `zk-embed` does,
//!   before it writes the snippet;
//! - an honest ceremony. The signatures say who vouches for it, and the chain shows that it is
//!   complete. It is sound if one participant destroyed the secret, and no program can see that.

#![deny(clippy::incompatible_msrv)]

pub mod build_script;
pub mod bundle;
pub mod inspect;
pub mod limits;
pub mod policy;
pub mod snippet;
pub mod transcript;
pub mod verifying_key;

pub use build_script::Guard;
pub use bundle::{Bundle, VerifiedBundle};
pub use policy::Policy;
pub use zk_attest::error::{Code, Refusal, Result};
