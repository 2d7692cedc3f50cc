//! Parse and work budgets, each with its reason. A file that asks for more is refused before
//! anything is allocated or computed.

/// The largest power of a `.ptau`: the scalar field's two-adicity, and the power of the largest
/// public ceremony.
pub const MAX_POWER: u32 = 28;

/// Sections of one file. A prepared `.ptau` has 11, a `.zkey` 10, an `.r1cs` at most 5.
pub const MAX_SECTIONS: u32 = 16;

/// Contributions in one file. The Perpetual Powers of Tau, the longest public chain, is below 100
/// after seven years.
pub const MAX_CONTRIBUTIONS: u32 = 4096;

/// Parameter bytes of one contribution record: a name (2 + 255), an exponent (2) and a beacon value
/// (2 + 255).
pub const MAX_PARAMETER_BYTES: u32 = 516;

/// A contributor's name, in UTF-16 units, which is where the reference tool cuts it.
pub const MAX_NAME_UTF16: usize = 64;

/// The smallest beacon exponent: 2^10 iterations, the reference tool's minimum.
pub const MIN_BEACON_EXPONENT: u8 = 10;

/// The largest beacon exponent that is computed, by creator and verifier alike. 2^30 iterations of
/// SHA-256 are one to two minutes of one core; the format would let a file ask for 2^63, which
/// never ends.
pub const MAX_BEACON_EXPONENT: u8 = 30;

/// Points read, checked, multiplied and written at a time: 1 MiB of G1 or 2 MiB of G2 in a file,
/// some ten MiB at work.
pub const CHUNK_POINTS: usize = 1 << 14;

/// Points of the longest group FFT that is held in memory: 64 MiB of G1, 192 MiB with its working
/// copy. Longer ones go through the output file.
pub const FFT_IN_MEMORY_POINTS: usize = 1 << 20;

/// Parts of a preparation at most. Each folds all powers of a level, with half as many
/// multiplications as there are powers, so that with more parts than these a part would hardly be
/// less work.
pub const MAX_BASES_PARTS: u32 = 64;

/// Bytes of text that a participant may add to the randomness. More adds nothing after hashing.
pub const MAX_ENTROPY_BYTES: u64 = 1 << 20;

/// Terms of a constraint system that are handled at a time: 0.6 MiB in a file, and a chunk of
/// scalar multiplications long enough for two cores.
pub const CHUNK_TERMS: usize = 1 << 14;

/// Circuits with at most this many wires are set up in one pass; their sums take 168 MiB plus 4 MiB
/// per core, and 8 MiB more per core where many coefficients are long.
pub const WIRES_AT_ONCE: u32 = 1 << 19;

/// Wires of a larger circuit whose sums for one section are held in memory during a pass: 68 MiB in
/// G1, 132 MiB in G2, and one more for each core.
pub const WIRES_PER_PASS: u32 = 1 << 20;

/// The largest `verification_key.json`: 2^16 public inputs, more than any contract or verifier
/// takes, at 200 bytes each.
pub const MAX_VERIFICATION_KEY_JSON_BYTES: u64 = 16 << 20;

/// Bytes of a proof at most: snarkjs' has about 800, with any layout.
pub const MAX_PROOF_BYTES: usize = 64 * 1024;
/// Bytes of public inputs at most: 2048 of 77 digits, with any layout.
pub const MAX_PUBLIC_INPUT_BYTES: usize = 512 * 1024;
