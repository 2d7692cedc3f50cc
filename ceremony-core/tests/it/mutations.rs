//! Random mutations of a small valid file: no panic, no hang, and a verified file is still the file
//! that was signed off.

use std::io::Cursor;

use ceremony_core::format::ptau::Ptau;
use ceremony_core::phase1::verify::{Expectations, verify};
use ceremony_core::progress::NoProgress;
use rayon::prelude::*;
use testkit::ptau::Model;

/// SplitMix64: a different, repeatable mutation for every seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// One to four alterations: bits, bytes, extreme integers, cuts, insertions and moved pieces; half
/// of them in heads and tables.
fn mutate(bytes: &[u8], seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    let mut out = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if out.is_empty() {
            break;
        }
        let heads: Vec<usize> = table(&out);
        let at = if random.next().is_multiple_of(2) && !heads.is_empty() {
            (heads[random.below(heads.len())] + random.below(12)).min(out.len() - 1)
        } else {
            random.below(out.len())
        };
        match random.below(7) {
            0 => out[at] ^= 1 << random.below(8),
            1 => out[at] = random.next() as u8,
            2 => {
                let extremes =
                    [0, 1, 0x7fff_ffff, 0x8000_0000, u64::from(u32::MAX), u64::MAX, u64::MAX - 11];
                let value = extremes[random.below(extremes.len())].to_le_bytes();
                let end = (at + 8).min(out.len());
                out[at..end].copy_from_slice(&value[..end - at]);
            }
            3 => out.truncate(at),
            4 => {
                let inserted: Vec<u8> =
                    (0..random.below(200)).map(|_| random.next() as u8).collect();
                out.splice(at..at, inserted);
            }
            5 => {
                let length = random.below(out.len() - at);
                out.drain(at..at + length);
            }
            _ => {
                let (from, length) = (random.below(out.len()), random.below(256));
                let piece: Vec<u8> = out[from..(from + length).min(out.len())].to_vec();
                let end = (at + piece.len()).min(out.len());
                out[at..end].copy_from_slice(&piece[..end - at]);
            }
        }
    }
    out
}

/// Positions of the head and of the table entries, as far as they can be followed.
fn table(bytes: &[u8]) -> Vec<usize> {
    let mut found = vec![0];
    let mut at = 12usize;
    while at.saturating_add(12) <= bytes.len() && found.len() < 20 {
        found.push(at);
        let size = u64::from_le_bytes(bytes[at + 4..at + 12].try_into().unwrap());
        at = at.saturating_add(12).saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    found
}

#[test]
fn mutations_through_the_parser_never_panic() {
    let mut model = Model::with_contributions(1, 1);
    model.beacon(&[1]);
    model.prepare();
    let bytes = model.bytes();
    // `ci/fuzz.sh` goes on where these end.
    let accepted = (0..50_000u64)
        .into_par_iter()
        .filter(|seed| Ptau::open(Cursor::new(mutate(&bytes, *seed))).is_ok())
        .count();
    assert!(accepted > 0, "some mutations only touch points, which opening does not read");
}

#[test]
fn mutations_through_the_whole_verification_never_panic_and_never_pass() {
    let mut model = Model::with_contributions(1, 1);
    model.prepare();
    let bytes = model.bytes();
    // What nothing binds: the name, the bytes of the exported hash state beyond those pending, and
    // its unused end.
    let position = |piece: &[u8]| bytes.windows(piece.len()).position(|w| w == piece).unwrap();
    let state = position(&model.records[0].partial_hash.0);
    let pending = usize::from(model.records[0].partial_hash.0[200]);
    let name = position(b"participant 1");
    let unbound = [name..name + 13, state + pending..state + 128, state + 208..state + 216];
    let bound = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        for range in unbound.iter().cloned() {
            bytes.get_mut(range).into_iter().for_each(|b| b.fill(0));
        }
        bytes
    };
    (0..2_000u64).into_par_iter().for_each(|seed| {
        let mutated = mutate(&bytes, seed);
        if verify(Cursor::new(mutated.clone()), &Expectations::default(), &NoProgress).is_ok() {
            assert!(
                bound(&mutated) == bound(&bytes),
                "seed {seed} passes and differs in more than what nothing binds"
            );
        }
    });
}
