//! The fields of other curves, by their moduli.

use super::u32_at;

/// The longest modulus in the table, in bytes.
pub(super) const MAX_BYTES: usize = 48;

/// Fields that circom and snarkjs can be told to use, and their relatives: the modulus in
/// hexadecimal, and the curve's name.
const CURVES: [(&str, &str); 13] = [
    ("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", "BLS12-381"),
    (
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffff\
         ffffaaab",
        "BLS12-381",
    ),
    ("12ab655e9a2ca55660b44d1e5c37b00159aa76fed00000010a11800000000001", "BLS12-377"),
    (
        "01ae3a4617c510eac63b05c06ca1493b1a22d9f300f5138f1ef3622fba094800170b5d44300000008508c000\
         00000001",
        "BLS12-377",
    ),
    ("ffffffff00000001", "Goldilocks"),
    // Each is the base field of one of the two and the scalar field of the other.
    ("40000000000000000000000000000000224698fc094cf91b992d30ed00000001", "Pallas or Vesta"),
    ("40000000000000000000000000000000224698fc0994a8dd8c46eb2100000001", "Pallas or Vesta"),
    ("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", "secp256r1"),
    ("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", "secp256r1"),
    ("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", "secp256k1"),
    ("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", "secp256k1"),
    // q and r of BN254, in each other's place.
    ("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", "Grumpkin"),
    ("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001", "Grumpkin"),
];

/// The curve of a header that begins with `n8 u32 | modulus`, if it is another one than that of
/// `own`, the modulus of BN254 that belongs there.
pub(super) fn curve(head: &[u8], own: &[u8; 32]) -> Option<&'static str> {
    let size = u32_at(head.get(..4)?, 0) as usize;
    let modulus = head.get(4..)?.get(..size).filter(|_| size > 0 && size <= MAX_BYTES)?;
    if modulus == own {
        return None;
    }
    let is_modulus = |hex: &str| {
        let mut digits = hex.bytes().rev().filter_map(|digit| (digit as char).to_digit(16));
        let same = modulus.iter().all(|byte| {
            let (low, high) = (digits.next().unwrap_or(0), digits.next().unwrap_or(0));
            u32::from(*byte) == high << 4 | low
        });
        same && digits.all(|digit| digit == 0)
    };
    CURVES.iter().find(|(hex, _)| is_modulus(hex)).map(|(_, name)| *name)
}
