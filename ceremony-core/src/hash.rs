//! BLAKE2b-512 (RFC 7693) with an exportable, resumable state, the digests of the protocol as
//! distinct types, and hash-to-G2.
//!
//! `.ptau` files carry, per contribution, the hash state of its response *before* the public key
//! was hashed, so that the response hash can be finished from the record alone. No published BLAKE2
//! crate exports its state, hence this one; it is held against the `blake2` crate in the tests.

use std::fmt;

use crate::explain::{Explain, Finding};

/// Defines a digest newtype: two equal-looking hashes are two types.
macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

digest! {
    /// What a phase-1 contributor builds on: BLAKE2b-512 of a challenge file,
    /// `previous response hash | uncompressed(sections 2..6)`.
    Challenge, 64
}
digest! {
    /// BLAKE2b-512 of a response file,
    /// `challenge | compressed(sections 2..6) | uncompressed(public key)`; shown by tools as phase
    /// 1's contribution hash.
    ResponseHash, 64
}
digest! {
    /// BLAKE2b-512 of a whole file, the digest under which public ceremonies publish their files.
    FileBlake2b, 64
}
digest! {
    /// SHA-256 of a whole file, the digest that attestations name.
    FileSha256, 32
}

digest! {
    /// The `cs_hash` of a `.zkey`: BLAKE2b-512 of the initial key, on which every transcript of
    /// phase 2 builds.
    InitialKeyHash, 64
}
digest! {
    /// What a phase-2 contributor's proof of knowledge is bound to: the initial key, all earlier
    /// records, and the contributor's own s and s x.
    TranscriptHash, 64
}
digest! {
    /// BLAKE2b-512 of a phase-2 contribution's points and transcript; what tools show as the
    /// contribution hash of a `.zkey`.
    ContributionHash, 64
}

const BLOCK: usize = 128;

const IV: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

const SIGMA: [[usize; 16]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
    [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
    [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
    [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
    [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
    [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
    [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
    [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
];

/// A running BLAKE2b-512, unkeyed, with 64 bytes of output.
#[derive(Clone)]
pub struct Blake2b512 {
    h: [u64; 8],
    /// Bytes compressed so far; a multiple of 128. The format's counter has 64 bits, enough for 16
    /// EiB.
    compressed: u64,
    buffer: [u8; BLOCK],
    /// Bytes waiting in `buffer`, at most 128: a full block stays until more comes, because the
    /// last block is compressed differently.
    pending: usize,
}

impl Default for Blake2b512 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Blake2b512 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blake2b512 {{ hashed: {} }}", self.hashed())
    }
}

impl Blake2b512 {
    /// The hash of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let mut h = IV;
        // Parameter block: digest length 64, no key, fanout 1, depth 1.
        h[0] ^= 0x0101_0040;
        Self { h, compressed: 0, buffer: [0; BLOCK], pending: 0 }
    }

    /// `BLAKE2b-512(parts[0] | parts[1] | ...)`.
    #[must_use]
    pub fn digest(parts: &[&[u8]]) -> [u8; 64] {
        let mut hash = Self::new();
        parts.iter().for_each(|part| hash.update(part));
        hash.finish()
    }

    /// Bytes hashed so far.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.compressed + self.pending as u64
    }

    /// Hashes `bytes` after what came before.
    pub fn update(&mut self, mut bytes: &[u8]) {
        if bytes.len() > BLOCK - self.pending {
            if self.pending > 0 {
                let (head, rest) = bytes.split_at(BLOCK - self.pending);
                self.buffer[self.pending..].copy_from_slice(head);
                bytes = rest;
                let block = self.buffer;
                self.compress(&block, BLOCK as u64, false);
                self.pending = 0;
            }
            while bytes.len() > BLOCK {
                let (block, rest) = bytes.split_at(BLOCK);
                self.compress(block, BLOCK as u64, false);
                bytes = rest;
            }
        }
        self.buffer[self.pending..self.pending + bytes.len()].copy_from_slice(bytes);
        self.pending += bytes.len();
    }

    /// The digest of everything hashed.
    #[must_use]
    pub fn finish(mut self) -> [u8; 64] {
        let mut block = self.buffer;
        block[self.pending..].fill(0);
        self.compress(&block, self.pending as u64, true);
        let mut out = [0; 64];
        for (out, h) in out.chunks_exact_mut(8).zip(self.h) {
            out.copy_from_slice(&h.to_le_bytes());
        }
        out
    }

    fn compress(&mut self, block: &[u8], fresh: u64, last: bool) {
        self.compressed += fresh;
        let mut m = [0u64; 16];
        for (m, word) in m.iter_mut().zip(block.chunks_exact(8)) {
            *m = u64::from_le_bytes([
                word[0], word[1], word[2], word[3], word[4], word[5], word[6], word[7],
            ]);
        }
        let mut v = [0u64; 16];
        v[..8].copy_from_slice(&self.h);
        v[8..].copy_from_slice(&IV);
        v[12] ^= self.compressed;
        if last {
            v[14] = !v[14];
        }
        for round in 0..12 {
            let s = &SIGMA[round % 10];
            mix(&mut v, 0, 4, 8, 12, m[s[0]], m[s[1]]);
            mix(&mut v, 1, 5, 9, 13, m[s[2]], m[s[3]]);
            mix(&mut v, 2, 6, 10, 14, m[s[4]], m[s[5]]);
            mix(&mut v, 3, 7, 11, 15, m[s[6]], m[s[7]]);
            mix(&mut v, 0, 5, 10, 15, m[s[8]], m[s[9]]);
            mix(&mut v, 1, 6, 11, 12, m[s[10]], m[s[11]]);
            mix(&mut v, 2, 7, 8, 13, m[s[12]], m[s[13]]);
            mix(&mut v, 3, 4, 9, 14, m[s[14]], m[s[15]]);
        }
        for i in 0..8 {
            self.h[i] ^= v[i] ^ v[i + 8];
        }
    }
}

#[inline(always)]
#[allow(clippy::many_single_char_names, clippy::too_many_arguments)] // RFC 7693's G(v, a, b, c, d, x, y)
fn mix(v: &mut [u64; 16], a: usize, b: usize, c: usize, d: usize, x: u64, y: u64) {
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(x);
    v[d] = (v[d] ^ v[a]).rotate_right(32);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(24);
    v[a] = v[a].wrapping_add(v[b]).wrapping_add(y);
    v[d] = (v[d] ^ v[a]).rotate_right(16);
    v[c] = v[c].wrapping_add(v[d]);
    v[b] = (v[b] ^ v[c]).rotate_right(63);
}

/// An exported hash state, as the record of a contribution carries it: buffer 128, h 8 x u64 LE,
/// bytes compressed u64 LE, bytes pending u64 LE, 8 unused.
///
/// Buffer bytes beyond the pending ones are stale in files of the reference tool; ours are zero.
/// Compare resumed digests, not states.
#[derive(Clone, PartialEq, Eq)]
pub struct HashState(pub [u8; Self::BYTES]);

impl fmt::Debug for HashState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HashState({} compressed, {} pending)", self.word(192), self.word(200))
    }
}

impl HashState {
    /// Bytes of an exported state.
    pub const BYTES: usize = 216;

    /// The state of a running hash.
    #[must_use]
    pub fn export(hash: &Blake2b512) -> Self {
        let mut out = [0; Self::BYTES];
        out[..hash.pending].copy_from_slice(&hash.buffer[..hash.pending]);
        for (out, h) in out[128..192].chunks_exact_mut(8).zip(hash.h) {
            out.copy_from_slice(&h.to_le_bytes());
        }
        out[192..200].copy_from_slice(&hash.compressed.to_le_bytes());
        out[200..208].copy_from_slice(&(hash.pending as u64).to_le_bytes());
        Self(out)
    }

    /// The running hash again. `expected` is the number of bytes that must have been hashed, which
    /// the protocol fixes.
    ///
    /// The reference tool drops the high half of the byte counter, so a state of more than 4 GiB is
    /// also taken when it is right modulo 2^32; the counter is then restored.
    ///
    /// # Errors
    /// [`HashStateError`] when the counters are not those of a state after `expected` bytes.
    pub fn resume(&self, expected: u64) -> Result<Blake2b512, HashStateError> {
        let (compressed, pending) = (self.word(192), self.word(200));
        let error = HashStateError { compressed, pending, expected };
        // A multiple of 128 above zero stays buffered as a full block.
        let full = if expected == 0 { 0 } else { (expected - 1) / BLOCK as u64 * BLOCK as u64 };
        if pending != expected - full || (compressed != full && compressed != full & 0xffff_ffff) {
            return Err(error);
        }
        let mut hash = Blake2b512::new();
        for (h, word) in hash.h.iter_mut().zip(0..8) {
            *h = self.word(128 + 8 * word);
        }
        hash.compressed = full;
        hash.pending = usize::try_from(pending).map_err(|_| error)?;
        hash.buffer[..hash.pending].copy_from_slice(&self.0[..hash.pending]);
        Ok(hash)
    }

    fn word(&self, at: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[at..at + 8]);
        u64::from_le_bytes(bytes)
    }
}

/// An exported hash state whose counters are not those that the protocol implies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "hash state after the wrong number of bytes: found {compressed} compressed + {pending} \
     pending, expected {expected} in all"
)]
pub struct HashStateError {
    /// Bytes compressed, as the state says.
    pub compressed: u64,
    /// Bytes pending, as the state says.
    pub pending: u64,
    /// Bytes hashed at this place of the protocol.
    pub expected: u64,
}

impl Explain for HashStateError {
    fn explain(&self) -> Finding {
        let Self { compressed, pending, expected } = self;
        Finding::compared(
            "hash-state/counters",
            self,
            format_args!("{compressed} compressed + {pending} pending"),
            format_args!("{expected} in all"),
        )
    }
}

/// A BLAKE2b-512 that runs one chunk behind: hashing is the work of one core, and the next chunk is
/// made in the meantime.
#[derive(Debug)]
pub(crate) struct TrailingHash {
    hash: Blake2b512,
    /// Made and not hashed yet.
    waiting: Vec<u8>,
    spare: Vec<u8>,
}

impl TrailingHash {
    /// Goes on from `hash`.
    pub(crate) fn new(hash: Blake2b512) -> Self {
        Self { hash, waiting: Vec::new(), spare: Vec::new() }
    }

    /// Appends a few bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.waiting.extend_from_slice(bytes);
    }

    /// Appends what `make` puts into the vector, in place of what that holds.
    pub(crate) fn make_next<T: Send>(&mut self, make: impl FnOnce(&mut Vec<u8>) -> T + Send) -> T {
        let Self { hash, waiting, spare } = self;
        let ((), made) = rayon::join(|| hash.update(waiting), || make(spare));
        std::mem::swap(waiting, spare);
        made
    }

    /// The hash of everything.
    pub(crate) fn finish(mut self) -> [u8; 64] {
        self.hash.update(&self.waiting);
        self.hash.finish()
    }
}

#[cfg(test)]
mod tests {
    use blake2::Digest;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn blake2b_agrees_with_the_blake2_crate(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..400), 0..6)) {
            let (mut ours, mut theirs) = (Blake2b512::new(), blake2::Blake2b512::new());
            for part in &parts {
                ours.update(part);
                theirs.update(part);
            }
            prop_assert_eq!(&ours.finish()[..], &theirs.finalize()[..]);
        }

        #[test]
        fn an_exported_state_resumes_at_every_length(head in proptest::collection::vec(any::<u8>(), 0..400), tail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut hash = Blake2b512::new();
            hash.update(&head);
            let state = HashState::export(&hash);
            let mut resumed = state.resume(head.len() as u64).unwrap();
            resumed.update(&tail);
            prop_assert_eq!(resumed.finish(), Blake2b512::digest(&[&head, &tail]));
            prop_assert!(state.resume(head.len() as u64 + 1).is_err());
        }
    }

    /// A hash that has (as far as its counter knows) seen `compressed` bytes.
    fn after(compressed: u64) -> Blake2b512 {
        Blake2b512 { compressed, ..Blake2b512::new() }
    }

    #[test]
    fn a_state_beyond_4_gib_keeps_the_high_half_of_its_counter() {
        let five_gib = 5 << 30;
        let mut hash = after(five_gib);
        hash.update(&[7; 200]);
        let state = HashState::export(&hash);
        let mut resumed = state.resume(five_gib + 200).unwrap();
        assert_eq!(resumed.hashed(), five_gib + 200);
        resumed.update(b"tail");
        hash.update(b"tail");
        assert_eq!(resumed.finish(), hash.clone().finish());
        let mut low_half_only = after(five_gib & 0xffff_ffff);
        low_half_only.update(&[7; 200]);
        low_half_only.update(b"tail");
        assert_ne!(low_half_only.finish(), hash.finish(), "the high half is hashed");
    }

    #[test]
    fn a_state_with_the_high_half_dropped_is_restored() {
        let five_gib = 5 << 30;
        let mut hash = after(five_gib);
        hash.update(&[7; 200]);
        let mut state = HashState::export(&hash);
        state.0[196..200].fill(0);
        assert_eq!(state.resume(five_gib + 200).unwrap().finish(), hash.finish());
    }

    #[test]
    fn a_hash_that_trails_is_the_hash_of_all_its_chunks() {
        let mut trailing = TrailingHash::new(Blake2b512::new());
        trailing.update(b"head");
        for chunk in [&b"first"[..], b"", b"second"] {
            // What the buffer holds is replaced.
            let len = trailing.make_next(|next| {
                next.clear();
                next.extend_from_slice(chunk);
                next.len()
            });
            assert_eq!(len, chunk.len());
        }
        trailing.update(b"tail");
        assert_eq!(trailing.finish(), Blake2b512::digest(&[b"headfirstsecondtail"]));
    }
}
