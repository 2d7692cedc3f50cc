//! Mutations that do not need a nightly toolchain: repeatable from a number, and aimed at the
//! places that parsers look at first.

/// SplitMix64: a different, repeatable stream for every seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, and 0 below 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.number() % n.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.number() as u8
    }
}

/// Bytes of a mutated input at most: the largest seed, and as much again.
const MAX_BYTES: usize = 64 * 1024;
/// Words of JSON, of Rust and of hostile text.
const WORDS: [&[u8]; 32] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"\"",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"\\u0000",
    b"\\ud800",
    b"\xff",
    b"\0",
    b" ",
    b"\n",
    b"!",
    b"-",
    b"&",
    b"'",
    b"/*",
    b"//",
    b"r#\"",
    b"else if x {} ",
    b"=",
    b"+/",
];
/// Integers at which sizes and counts go wrong.
const EXTREMES: [u64; 9] =
    [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff, 1 << 32, u64::MAX, u64::MAX - 11];

/// One to five alterations of a seed; in containers half of them in heads and tables.
#[must_use]
pub fn mutate(seeds: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut out = seeds[random.below(seeds.len())].clone();
    let heads = table(&out);
    for _ in 0..=random.below(5) {
        if out.is_empty() {
            out.push(random.byte());
        }
        let at = if heads.len() > 1 && random.number().is_multiple_of(2) {
            (heads[random.below(heads.len())] + random.below(12)).min(out.len() - 1)
        } else {
            random.below(out.len())
        };
        alter(&mut out, at, seeds, random);
    }
    out.truncate(MAX_BYTES);
    out
}

fn alter(out: &mut Vec<u8>, at: usize, seeds: &[Vec<u8>], random: &mut Random) {
    let word = WORDS[random.below(WORDS.len())];
    match random.below(12) {
        0 => out[at] ^= 1 << random.below(8),
        1 => out[at] = random.byte(),
        2 => out[at] = b'0' + random.byte() % 10,
        3 => {
            let value = EXTREMES[random.below(EXTREMES.len())].to_le_bytes();
            let end = (at + if random.number().is_multiple_of(2) { 4 } else { 8 }).min(out.len());
            out[at..end].copy_from_slice(&value[..end - at]);
        }
        4 => out.truncate(at),
        5 => {
            let inserted: Vec<u8> = (0..random.below(40)).map(|_| random.byte()).collect();
            out.splice(at..at, inserted);
        }
        6 => {
            let length = random.below((out.len() - at).min(300));
            out.drain(at..at + length);
        }
        7 => {
            let piece = piece(out, random);
            let end = (at + piece.len()).min(out.len());
            out[at..end].copy_from_slice(&piece[..end - at]);
        }
        8 => {
            let piece = piece(&seeds[random.below(seeds.len())], random);
            out.splice(at..at, piece);
        }
        9 => drop(out.splice(at..at, word.iter().copied())),
        10 => out[at] = b"0123456789abcdef"[random.below(16)],
        // Nested deeper than a stack is: rarely, because it is long.
        _ if random.number().is_multiple_of(64) => {
            let times = 1 << random.below(15);
            out.splice(at..at, word.repeat(times));
        }
        _ => out.swap(at, at.saturating_sub(1)),
    }
}

fn piece(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let from = random.below(bytes.len());
    bytes[from..(from + random.below(256)).min(bytes.len())].to_vec()
}

/// Positions of a container's head and of its table's entries, as far as they can be followed.
fn table(bytes: &[u8]) -> Vec<usize> {
    let mut found = vec![0];
    if ![b"ptau", b"r1cs", b"zkey", b"wtns"].iter().any(|magic| bytes.starts_with(*magic)) {
        return found;
    }
    let mut at = 12usize;
    while let Some(entry) =
        bytes.get(at..).and_then(|rest| rest.get(4..12)).filter(|_| found.len() < 20)
    {
        found.extend([at, at + 12]);
        let size = entry.iter().rev().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
        at = at.saturating_add(12).saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
    }
    found
}
