//! A build that refuses an unapproved verifying key.
//!
//! A crate that embeds a Groth16 verifying key calls [`Guard`] in its build script. The build then fails unless the key comes out of a bundle
//! that satisfies the trust policy whose digest stands in build.rs: signed, to each role's threshold, by release authorities, auditors and
//! participants, over the transcript of a ceremony with enough attested contributions. This crate owns the vocabulary of that sentence and
//! its one verification; the ceremony's own crates write the same documents with the same types.
//!
//! ```text
//! digest, names, key    small validated values                      error          what a refusal says
//! envelope              DSSE: what is signed, and by whom           statement      what a signature says
//! attestation           who vouches for a step                      transcript     the chain of a ceremony, and its check
//! policy                whose signatures, how many                  verifying_key  what a key's bytes show
//! bundle                all of it in one file, verified             inspect        what a signer has to see
//! snippet               the Rust source of verified keys            build_script   the edge to cargo
//! file                  bounded reads, whole writes
//! ```
//!
//! Small on purpose: its dependency tree is a reviewed file (ci/guard-tree.txt), it has no cargo features, reads no environment variable that
//! could weaken it, opens no connection and writes one file in OUT_DIR. Bytes from outside are bounded before they are parsed, and parsing
//! them cannot panic.
//!
//! # Threats
//!
//! With the guard's source, the toolchain and the target folder intact, the crate holds exactly the bytes that the pinned thresholds signed for
//! that circuit. Tests without a file stand in `tests/downstream.rs` and really run cargo.
//!
//! | somebody ... | is stopped by | test |
//! |---|---|---|
//! | changes a byte of the key, the transcript, the statement or a signature | [`bundle`], 1 and 3 | `one_byte_of_the_verifying_key`, `..._transcript`, `..._statement`, `..._signature` |
//! | changes a digest and signs the result | digests are compared with the bytes, and the statement with the transcript | `one_byte_of_any_digest_even_if_signed` |
//! | edits the policy, to lower a threshold or to add a key | the pin in build.rs; both edits are seen in review | `one_byte_of_the_policy`, `a_wrong_pin` |
//! | signs twice, or once under two key ids | distinct keys are counted ([`envelope`], [`policy`]) | `one_signer_twice`, `one_key_under_two_key_ids` |
//! | signs for a role that is not theirs | one key, one role | `a_key_of_another_role`; `one_key_has_one_role_and_stands_there_once` in tests/policy.rs |
//! | brings a key for which anybody can sign | keys of small order and second encodings are refused ([`key`]) | `a_weak_key` |
//! | makes a second signature out of one (S + L) | S < L is checked here, before the library | `a_signature_with_s_plus_l` |
//! | makes the library lenient from a crate of the same workspace | the same check | `a_crate_of_the_same_workspace_cannot_weaken_the_guard` |
//! | passes off a signature of another protocol | the PAE names its type; prehashed signatures do not verify | `an_ed25519ph_signature`, `another_payload_or_predicate_type` |
//! | lets two readers see different things in one statement | one canonical encoding | `a_statement_in_another_encoding` |
//! | brings the bundle of another circuit, an older or a revoked one | the policy names circuits, the lowest serial, and what is revoked | `a_bundle_of_another_circuit`, `an_older_serial`, `a_revoked_transcript_or_key` |
//! | ships the key of a rehearsal | kind is signed; a rehearsal policy needs `.allow_rehearsal()` | `a_rehearsal_under_a_production_policy`, `a_rehearsal_policy_needs_...` |
//! | skips phase 2 (delta = gamma), or brings a degenerate key | [`verifying_key`], 2 and 4 | `delta_equal_to_gamma` |
//! | shows one key to reviewers and another to the compiler | both forms are compared point by point | `compressed_and_uncompressed_key_that_disagree_even_if_signed` |
//! | invents contributions, or counts one participant twice | attestations are in the transcript and are counted by key | `an_attestation_removed_forged_moved_...`, `fewer_contributions_than_the_minimum` |
//! | drops, adds or reorders steps | links, and the coordinator's attestations ([`transcript`]) | `a_transcript_that_does_not_link`; tests/transcript.rs |
//! | edits the committed snippet, or adds to it | it is compared with the text made from the bundle | `an_edited_snippet`, `a_snippet_with_an_extra_item_or_a_twin_under_cfg`, `a_reformatted_snippet`, ... |
//! | plants a snippet in OUT_DIR | the guard removes it first, and writes what it checked | `a_snippet_planted_while_the_feature_was_off_is_not_what_is_built` |
//! | forces the feature past cargo | cargo's and the compiler's view must agree; without the guard there is no file to include | `a_feature_forced_by_cfg_is_refused` |
//! | points the bundle at another file, a device or gigabytes | regular files inside the package, up to a limit | `a_bundle_that_is_missing_a_directory_a_link_...` |
//! | swaps a file between check and use | each file is read once; the text is written from what was verified | by construction |
//!
//! What cannot be promised:
//! - anything against whoever controls rustc, cargo's configuration (`build.rustc-wrapper`, `[patch]`, source replacement), the vendored source
//!   of this crate or of its dependencies, build.rs, or a restored `target/` folder: release builds start from an empty one;
//! - that a build script of another crate in the same build is harmless: it runs with the same rights and can write anywhere;
//! - freshness without a network: a revocation reaches a project when its policy is edited and pinned. A bundle past its last day still
//!   builds, with a warning, so that old releases can be rebuilt; `zk-embed` refuses to import it;
//! - that the curve points of a key are sound: the guard does no curve arithmetic. `zk-embed` does, before it writes the snippet;
//! - an honest ceremony. The signatures say who vouches for it; the chain says that it is complete; one participant who destroyed the secret
//!   makes it sound, and no program can see that.

pub mod build_script;
pub mod bundle;
pub mod inspect;
pub mod policy;
pub mod snippet;
pub mod transcript;
pub mod verifying_key;

pub use build_script::Guard;
pub use bundle::{Bundle, VerifiedBundle};
pub use policy::Policy;
pub use zk_attest::error::{Code, Refusal, Result};
