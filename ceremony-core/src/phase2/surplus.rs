//! The last point of an initial key's hash where the `.ptau` has the circuit's own power.
//!
//! From power 15 on the hash of H runs over one point more than it counts (docs/formats.md,
//! section 6): the difference of elements 2N-1 and N-1 of section 2. A `.ptau` of power k has no
//! element 2N-1 for a circuit of power k. What stands there in the file are the table entry of
//! section 3 and the first 52 bytes of its first point, the generator; read as coordinates they are
//! above q and on no curve. The hash is a function of these bytes all the same, if the addition is
//! carried out on the words as they are. That is what this module does, and nothing else may use
//! it.
//!
//! [`Word`] operations are those of section 6: a sum loses q once where it carries or reaches q, a
//! difference gains q once where it borrows, a product is Montgomery's with one such subtraction.

use ark_ec::AffineRepr as _;
use ark_ff::{BigInt, BigInteger as _, Field as _};
use bn254_batch::curve::{AffinePoint as _, FQ_MODULUS, Fq, G1Affine, G2Affine};

use crate::format::encoding::{Encoding, encode, read_le};
use crate::format::ptau::Power;

/// `id u32 | size u64`
pub(super) const SECTION_TABLE_ENTRY_BYTES: u64 = 12;

/// A coordinate in Montgomery form, perhaps not reduced.
type Word = BigInt<4>;

/// What is hashed in the place of `section2[2N-1] - section2[N-1]`, for a file in which section 3
/// follows section 2. `last` is `section2[N-1]`.
pub(super) fn uncompressed(power: Power, last: G1Affine) -> Vec<u8> {
    let section_3 = 3u32.to_le_bytes().into_iter().chain((128 * power.n()).to_le_bytes());
    let generator = encode(&[G2Affine::generator()], Encoding::Montgomery);
    let stored: Vec<u8> = section_3.chain(generator).take(64).collect();
    let negative = encode(&[-last], Encoding::Montgomery);
    let coordinates = |bytes: &[u8]| (read_le(&bytes[..32]), read_le(&bytes[32..]));
    let [x, y, z] = sum(coordinates(&stored), coordinates(&negative)).map(residue);
    // Z = 0 would need h = 0: the words of `stored` and of a point of the curve agree nowhere.
    let inverse = z.inverse().unwrap_or_default();
    let square = inverse.square();
    let point = G1Affine::from_coordinates(&[x * square, y * square * inverse]);
    encode(&[point], Encoding::Uncompressed)
}

/// X, Y, Z of the sum of two affine points with different x: "mmadd-2007-bl" of the
/// Explicit-Formulas Database, on words.
fn sum((x1, y1): (Word, Word), (x2, y2): (Word, Word)) -> [Word; 3] {
    let twice = |a: Word| plus(a, a);
    let h = minus(x2, x1);
    let i = twice(twice(times(h, h)));
    let j = times(h, i);
    let r = twice(minus(y2, y1));
    let v = times(x1, i);
    let x3 = minus(minus(times(r, r), j), twice(v));
    let y3 = minus(times(r, minus(v, x3)), twice(times(y1, j)));
    [x3, y3, twice(h)]
}

/// Takes q away once where there is a carry, or q or more.
fn less_q(mut a: Word, carry: bool) -> Word {
    if carry || a >= FQ_MODULUS {
        a.sub_with_borrow(&FQ_MODULUS);
    }
    a
}

fn plus(mut a: Word, b: Word) -> Word {
    let carry = a.add_with_carry(&b);
    less_q(a, carry)
}

fn minus(mut a: Word, b: Word) -> Word {
    if a.sub_with_borrow(&b) {
        a.add_with_carry(&FQ_MODULUS);
    }
    a
}

/// `(a b + m q) / 2^256` with the `m < 2^256` that makes it an integer (Montgomery 1985).
fn times(a: Word, b: Word) -> Word {
    let q = FQ_MODULUS.0;
    // The running total, shifted right by a limb after each step.
    let mut total = [0u64; 6];
    for limb in a.0 {
        add_multiple(&mut total, limb, &b.0);
        let m = total[0].wrapping_mul(NEGATIVE_INVERSE);
        add_multiple(&mut total, m, &q);
        total.copy_within(1.., 0);
        total[5] = 0;
    }
    let [t0, t1, t2, t3, carry, _] = total;
    less_q(BigInt([t0, t1, t2, t3]), carry != 0)
}

/// total += factor * limbs
fn add_multiple(total: &mut [u64; 6], factor: u64, limbs: &[u64; 4]) {
    let mut carry = 0u128;
    for (i, sum) in total.iter_mut().enumerate() {
        let product = limbs.get(i).map_or(0, |limb| u128::from(*limb) * u128::from(factor));
        let next = u128::from(*sum) + product + carry;
        (*sum, carry) = (next as u64, next >> 64);
    }
}

/// -1/q mod 2^64: each step of Newton's iteration doubles the bits that are right.
const NEGATIVE_INVERSE: u64 = {
    let q = FQ_MODULUS.0[0];
    let mut inverse = 1u64;
    let mut bits = 1;
    while bits < 64 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(q.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse.wrapping_neg()
};

/// The element that a word stands for: 2^256 is less than 6 q.
fn residue(mut word: Word) -> Fq {
    while word >= FQ_MODULUS {
        word.sub_with_borrow(&FQ_MODULUS);
    }
    Fq::new_unchecked(word)
}

#[cfg(test)]
mod tests {
    use ark_ec::CurveGroup as _;
    use bn254_batch::curve::Fr;
    use proptest::prelude::*;

    use super::*;

    fn multiple(k: u64) -> G1Affine {
        (G1Affine::generator() * Fr::from(k)).into_affine()
    }

    proptest! {
        #[test]
        fn of_points_of_the_curve_it_is_their_sum(k in 1u64.., l in 1u64..) {
            prop_assume!(k != l);
            let (a, b) = (multiple(k), multiple(l));
            let words = |p: G1Affine| (p.x.0, p.y.0);
            let [x, y, z] = sum(words(a), words(b)).map(residue);
            let expected = (a + b).into_affine();
            prop_assert_eq!(x, expected.x * z.square());
            prop_assert_eq!(y, expected.y * z.square() * z);
        }

        #[test]
        fn each_operation_is_right_modulo_q_on_words_of_any_size(a: [u64; 4], b: [u64; 4]) {
            let (x, y) = (residue(BigInt(a)), residue(BigInt(b)));
            prop_assert_eq!(residue(times(BigInt(a), BigInt(b))), x * y);
            // With a word that is far above q a sum wraps more than once: there the bytes count,
            // and not the elements that they stand for.
            if a[3] >> 62 == 0 {
                prop_assert_eq!(residue(plus(BigInt(a), y.0)), x + y);
                prop_assert_eq!(residue(minus(BigInt(a), y.0)), x - y);
            }
        }
    }

    #[test]
    fn the_vector_of_the_specification_is_met() {
        let bytes = uncompressed(Power::new(15).unwrap(), G1Affine::generator());
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "11dcf4801718d74daf30fcb9521127687377e54ffba1ac3041bcd65ebbdc1a44\
             2e7e19cc5951ef3f1c3c048a6a80aa9c3788dc0951b14362ca007d13e658c9e8"
        );
    }
}
