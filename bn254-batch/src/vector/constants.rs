//! Numbers modulo q in five limbs of 52 bits, computed by the compiler from arkworks' modulus:
//! nothing here is copied from a table.

use crate::curve::{FQ_MODULUS, Fq};

/// Five limbs of 52 bits, least significant first.
pub(super) type Limbs = [u64; 5];

/// The low 52 bits.
pub(super) const MASK: u64 = (1 << 52) - 1;

/// p, the modulus of the base field (q in the rest of the crate; p in this module, as in the
/// literature on Montgomery's method).
pub(super) const P: Limbs = split(FQ_MODULUS.0);

/// m = -p^-1 mod 2^52.
pub(super) const M: u64 = {
    // Newton: each step doubles the number of correct bits; p is its own inverse to 3 bits.
    let p = FQ_MODULUS.0[0];
    let mut inverse = p;
    let mut i = 0;
    while i < 5 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        i += 1;
    }
    inverse.wrapping_neg() & MASK
};

/// M' = (p m + 1) / 2^52, of 251 bits.
pub(super) const M_PRIME: Limbs = {
    let mut out = [0; 5];
    let mut carry: u128 = 1;
    let mut i = 0;
    while i < 6 {
        carry += if i < 5 { P[i] as u128 * M as u128 } else { 0 };
        let limb = carry as u64 & MASK;
        if i == 0 {
            assert!(limb == 0, "p m + 1 is a multiple of 2^52");
        } else {
            out[i - 1] = limb;
        }
        carry >>= 52;
        i += 1;
    }
    out
};

/// k p for k = 0 ..= 31.
pub(super) const MULTIPLES_OF_P: [Limbs; 32] = {
    let mut out = [[0; 5]; 32];
    let mut k = 1;
    while k < 32 {
        let mut carry = 0;
        let mut i = 0;
        while i < 5 {
            carry += out[k - 1][i] + P[i];
            out[k][i] = carry & MASK;
            carry >>= 52;
            i += 1;
        }
        assert!(carry == 0);
        k += 1;
    }
    out
};

/// For each limb, the table of `Raw::fold`: entry i is k p with k = floor((i' 2^253 - 2^220) / p),
/// where i' is i for i < 6 and i - 16 from there on. Limbs of negative multiples are negative.
pub(super) const FOLD: [[[u64; 8]; 2]; 5] = {
    let mut out = [[[0; 8]; 2]; 5];
    let mut i = 0;
    while i < 16 {
        // 2^253 / p = 0.661268...; its multiples by -10 ..= 5 are further than 2^-33 from an
        // integer, except 0, where k = -1.
        let step: i64 = if i < 6 { i } else { i - 16 };
        let k = (step * 661_268 - 1).div_euclid(1_000_000);
        let multiple = MULTIPLES_OF_P[k.unsigned_abs() as usize];
        let mut limb = 0;
        while limb < 5 {
            out[limb][i as usize / 8][i as usize % 8] =
                if k < 0 { multiple[limb].wrapping_neg() } else { multiple[limb] };
            limb += 1;
        }
        i += 1;
    }
    out
};

/// 2^260 mod p: one, in the Montgomery form of this back end.
pub(super) const ONE: Limbs = split(power_of_two(260));
/// 2^264 mod p: a multiplication by it takes x 2^256 (arkworks' form) to x 2^260 (ours).
pub(super) const FROM_ARK: Limbs = split(power_of_two(264));
/// 2^256 mod p: a multiplication by it takes x 2^260 to x 2^256.
pub(super) const TO_ARK: Limbs = split(power_of_two(256));
/// 2^255 mod p: takes 2 x 2^260 to x 2^256.
pub(super) const HALF_TO_ARK: Limbs = split(power_of_two(255));
/// 2^259 mod p: 1 / 2 in the Montgomery form of this back end.
pub(super) const ONE_HALF: Limbs = split(power_of_two(259));
/// 2^258 mod p: 1 / 4 in the Montgomery form of this back end.
pub(super) const QUARTER: Limbs = split(power_of_two(258));

/// x 2^260 mod p of an arkworks constant.
pub(super) const fn lift(x: Fq) -> Limbs {
    let mut limbs = x.0.0;
    let mut i = 0;
    while i < 4 {
        limbs = double(limbs);
        i += 1;
    }
    split(limbs)
}

/// x 2^252 mod p of an arkworks constant: x / 256 in the Montgomery form of this back end.
pub(super) const fn lower(x: Fq) -> Limbs {
    let mut limbs = x.0.0;
    let mut i = 0;
    while i < 4 {
        limbs = halve(limbs);
        i += 1;
    }
    split(limbs)
}

/// Four limbs of 64 bits as five of 52 (the last one of 48).
pub(super) const fn split(x: [u64; 4]) -> Limbs {
    [
        x[0] & MASK,
        (x[0] >> 52 | x[1] << 12) & MASK,
        (x[1] >> 40 | x[2] << 24) & MASK,
        (x[2] >> 28 | x[3] << 36) & MASK,
        x[3] >> 16,
    ]
}

const fn power_of_two(exponent: u32) -> [u64; 4] {
    let mut x = [1, 0, 0, 0];
    let mut i = 0;
    while i < exponent {
        x = double(x);
        i += 1;
    }
    x
}

/// 2 x mod p for x < p < 2^254.
const fn double(x: [u64; 4]) -> [u64; 4] {
    let doubled =
        [x[0] << 1, x[1] << 1 | x[0] >> 63, x[2] << 1 | x[1] >> 63, x[3] << 1 | x[2] >> 63];
    let mut reduced = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (d, b1) = doubled[i].overflowing_sub(FQ_MODULUS.0[i]);
        let (d, b2) = d.overflowing_sub(borrow as u64);
        reduced[i] = d;
        borrow = b1 | b2;
        i += 1;
    }
    if borrow { doubled } else { reduced }
}

/// x / 2 mod p for x < p.
const fn halve(mut x: [u64; 4]) -> [u64; 4] {
    if x[0] % 2 == 1 {
        let mut carry: u128 = 0;
        let mut i = 0;
        while i < 4 {
            carry += x[i] as u128 + FQ_MODULUS.0[i] as u128;
            x[i] = carry as u64;
            carry >>= 64;
            i += 1;
        }
    }
    [x[0] >> 1 | x[1] << 63, x[1] >> 1 | x[2] << 63, x[2] >> 1 | x[3] << 63, x[3] >> 1]
}
