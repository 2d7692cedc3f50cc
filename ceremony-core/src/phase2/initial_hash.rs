//! The hash of an initial key, in both spellings of infinity (docs/formats.md, section 6).
//!
//! Today's tools hash infinity as zeros; snarkjs 0.4.10 to 0.6.11 set the flag 0x40 in its first
//! byte. Nothing else differs, so the hashes are the same up to the first infinity, and equal where
//! there is none. Both are taken in one pass: the second begins there, and runs on a core of its
//! own.
//!
//! A verifier may accept either. In both spellings every point has its own bytes, and no point has
//! bytes that stand for another point in the other spelling: q is below 2^254, so 0x40 begins no
//! coordinate, and (0, 0) is on no curve. So two keys have one hash only if BLAKE2b has a
//! collision, and a transcript that builds on either hash builds on this key alone.

use bn254_batch::Point;

use crate::format::encoding::{Encoding, encode_into};
use crate::hash::{Blake2b512, InitialKeyHash};

/// The first byte of infinity as old tools hash it; all others are zero.
const INFINITY_FLAG: u8 = 0x40;

/// Both hashes of one initial key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InitialKeyHashes {
    /// With infinity as zeros: the one that is written.
    pub(super) zeros: InitialKeyHash,
    /// With the flag in the first byte of infinity.
    pub(super) flagged: InitialKeyHash,
}

/// Both hashes on their way. They run one chunk behind: the next one is made in the meantime.
pub(super) struct InitialHash {
    zeros: Blake2b512,
    /// From the first infinity on.
    flagged: Option<Blake2b512>,
    /// Made and not hashed yet.
    waiting: Encoded,
    spare: Encoded,
}

/// Points as they are hashed, and where infinity stands among them.
#[derive(Default)]
pub(super) struct Encoded {
    bytes: Vec<u8>,
    /// Places of the first bytes, in rising order.
    infinities: Vec<usize>,
}

impl Encoded {
    /// These points, and nothing of what was here before.
    pub(super) fn set<P: Point>(&mut self, points: &[P]) {
        encode_into(points, Encoding::Uncompressed, &mut self.bytes);
        let infinite = points.iter().enumerate().filter(|(_, point)| point.is_zero());
        let size = Encoding::Uncompressed.point_bytes::<P>();
        self.infinities.clear();
        self.infinities.extend(infinite.map(|(index, _)| index * size));
    }

    fn hash_flagged(&self, hash: &mut Blake2b512) {
        let mut start = 0;
        for place in &self.infinities {
            hash.update(&self.bytes[start..*place]);
            hash.update(&[INFINITY_FLAG]);
            start = place + 1;
        }
        hash.update(&self.bytes[start..]);
    }
}

impl InitialHash {
    /// Of nothing yet.
    pub(super) fn new() -> Self {
        Self {
            zeros: Blake2b512::new(),
            flagged: None,
            waiting: Encoded::default(),
            spare: Encoded::default(),
        }
    }

    /// Appends bytes that hold no infinity.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.waiting.bytes.extend_from_slice(bytes);
    }

    /// Appends what `make` sets.
    pub(super) fn make_next<T: Send>(&mut self, make: impl FnOnce(&mut Encoded) -> T + Send) -> T {
        let Self { zeros, flagged, waiting, spare } = self;
        let ((), made) = rayon::join(|| absorb(zeros, flagged, waiting), || make(spare));
        std::mem::swap(waiting, spare);
        made
    }

    /// The hashes of everything.
    pub(super) fn finish(self) -> InitialKeyHashes {
        let Self { mut zeros, mut flagged, waiting, .. } = self;
        absorb(&mut zeros, &mut flagged, &waiting);
        let zeros = InitialKeyHash(zeros.finish());
        let flagged = flagged.map_or(zeros, |flagged| InitialKeyHash(flagged.finish()));
        InitialKeyHashes { zeros, flagged }
    }
}

fn absorb(zeros: &mut Blake2b512, flagged: &mut Option<Blake2b512>, chunk: &Encoded) {
    if flagged.is_none() && !chunk.infinities.is_empty() {
        *flagged = Some(zeros.clone());
    }
    rayon::join(
        || zeros.update(&chunk.bytes),
        || {
            if let Some(flagged) = flagged {
                chunk.hash_flagged(flagged);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use ark_ec::AffineRepr as _;
    use bn254_batch::curve::{G1Affine, G2Affine};

    use super::*;
    use crate::format::encoding::encode;

    #[test]
    fn both_spellings_are_hashed_whatever_chunk_infinity_is_in() {
        let (one, none) = (G1Affine::generator(), G1Affine::zero());
        let runs = [vec![one; 3], vec![one, none, none], vec![], vec![none, one], vec![one; 2]];
        let twos = [G2Affine::zero(), G2Affine::generator(), G2Affine::zero()];
        let (mut zeros, mut flagged) = (b"head".to_vec(), b"head".to_vec());
        let mut hash = InitialHash::new();
        hash.update(b"head");
        let mut expect = |bytes: Vec<u8>, size: usize| {
            zeros.extend(&bytes);
            for point in bytes.chunks_exact(size) {
                let infinite = point.iter().all(|byte| *byte == 0);
                flagged.push(if infinite { 0x40 } else { point[0] });
                flagged.extend(&point[1..]);
            }
        };
        for run in &runs {
            hash.make_next(|next| next.set(run));
            expect(encode(run, Encoding::Uncompressed), 64);
            hash.update(b"count");
            expect(b"count".to_vec(), 1);
        }
        hash.make_next(|next| next.set(&twos));
        expect(encode(&twos, Encoding::Uncompressed), 128);
        let found = hash.finish();
        assert_eq!(found.zeros.0, Blake2b512::digest(&[&zeros]));
        assert_eq!(found.flagged.0, Blake2b512::digest(&[&flagged]));
        assert_ne!(found.zeros, found.flagged);
    }

    #[test]
    fn without_infinity_both_hashes_are_one() {
        let mut hash = InitialHash::new();
        hash.make_next(|next| next.set(&[G1Affine::generator()]));
        let found = hash.finish();
        assert_eq!(found.zeros, found.flagged);
    }
}
