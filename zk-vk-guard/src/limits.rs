//! How much a ceremony may hold, and how large its documents are for that reason.
//!
//! The counts are what people are promised: rules within them reach a guarded build. Each limit in
//! bytes is at least what the counts add up to at their largest, with every text as long as it may
//! be; the constants at the end of this page do that sum while the crate compiles, so that no one
//! raises a count without room for it.

use zk_attest::envelope::{MAX_PAE_BYTES, MAX_SIGNATURES};
use zk_attest::manifest::MAX_MANIFEST_BYTES;
use zk_attest::primitives::Label;

/// Circuits of a ceremony at most.
pub const MAX_CIRCUITS: usize = 16;
/// Keys of a policy's role at most: every signature of a bundle is tried against every key.
pub const MAX_KEYS: usize = 64;
/// Participants of a ceremony at most, those who are enrolled while it goes on included.
pub const MAX_PARTICIPANTS: usize = 512;
/// Contributions of a ceremony at most, over phase 1 and all circuits: each participant makes one
/// to each chain of its phases. So 64 participants may have 16 circuits, and 512 one.
pub const MAX_CONTRIBUTIONS: usize = 1088;
/// Deputies of a coordinator at most.
pub const MAX_DEPUTIES: usize = 16;
/// How often another coordinator may take over.
pub const MAX_HANDOVERS: usize = 16;
/// Amendments of a ceremony's roster at most: everybody's enrolment, and as many replaced keys.
pub const MAX_AMENDMENTS: usize = 2 * MAX_PARTICIPANTS;
/// Public inputs of a circuit at most.
pub const MAX_PUBLIC_INPUTS: u32 = 2048;
/// Files that a coordinator may take out of the chains of one ceremony.
pub const MAX_REJECTIONS: usize = 1024;

/// Bytes of a transcript document at most.
pub const MAX_TRANSCRIPT_BYTES: usize = 16 * MIB;
/// Bytes of a bundle at most: it is read whole, by every build.
pub const MAX_BUNDLE_BYTES: usize = 32 * MIB;
/// Bytes of a policy at most.
pub const MAX_POLICY_BYTES: usize = 256 * 1024;
/// Bytes of a snippet at most.
pub const MAX_SNIPPET_BYTES: usize = 32 * MIB;

const MIB: usize = 1024 * 1024;

/// The largest documents, from the counts. What there is apart from the texts, the digests and the
/// base64 (names of fields, punctuation, numbers) is rounded up.
mod largest {
    use super::{
        Label, MAX_CIRCUITS, MAX_CONTRIBUTIONS, MAX_DEPUTIES, MAX_HANDOVERS, MAX_KEYS,
        MAX_MANIFEST_BYTES, MAX_PAE_BYTES, MAX_PUBLIC_INPUTS, MAX_REJECTIONS, MAX_SIGNATURES,
    };

    pub(super) const fn base64(bytes: usize) -> usize {
        bytes.div_ceil(3) * 4
    }

    const TEXT: usize = Label::MAX_BYTES;
    /// A payload and one signature.
    const ATTESTATION: usize = base64(MAX_PAE_BYTES) + 300;
    /// Name, three digests, the key, and the attestation.
    const STEP: usize = TEXT + 512 + 600 + ATTESTATION;
    /// Source and value of a beacon.
    const BEACON: usize = TEXT + 600;
    /// A step with the two challenges that one of phase 1 has.
    const LINK: usize = STEP + 320;
    /// A chain without its contributions: the beacon, the opening, the prepared file.
    const CHAIN: usize = LINK + BEACON + 2 * ATTESTATION + 1000;
    const REJECTION: usize = TEXT + 400 + ATTESTATION;
    /// An amendment with the signatures that count, and the coordinator's key.
    const HANDOVER: usize = ATTESTATION + (MAX_DEPUTIES + 2) * 200;
    pub(super) const TRANSCRIPT: usize = MAX_CONTRIBUTIONS * LINK
        + (1 + MAX_CIRCUITS) * CHAIN
        + MAX_REJECTIONS * REJECTION
        + MAX_HANDOVERS * HANDOVER
        + MAX_DEPUTIES * 100
        + 1000;

    const INPUTS: usize = MAX_PUBLIC_INPUTS as usize + 1;
    /// Both forms of a key.
    pub(super) const KEY: [usize; 2] = [232 + 32 * INPUTS, 456 + 64 * INPUTS];
    pub(super) const BUNDLE: usize = base64(TRANSCRIPT)
        + base64(MAX_MANIFEST_BYTES)
        + MAX_CIRCUITS * (base64(KEY[0]) + base64(KEY[1]) + 200)
        + ATTESTATION
        + MAX_SIGNATURES * 700
        + 1000;

    /// A key with its name and layout.
    const NAMED_KEY: usize = TEXT + 300;
    /// Four roles, the circuits, and as much again for what is revoked.
    pub(super) const POLICY: usize = 4 * MAX_KEYS * NAMED_KEY + MAX_CIRCUITS * 300 + 64 * 1024;
}

const _: () = assert!(largest::TRANSCRIPT <= MAX_TRANSCRIPT_BYTES);
const _: () = assert!(largest::BUNDLE <= MAX_BUNDLE_BYTES);
const _: () = assert!(largest::POLICY <= MAX_POLICY_BYTES);
