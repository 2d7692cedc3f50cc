//! The three encodings of points, and the only code that turns bytes into points (docs/formats.md,
//! section 2).
//!
//! | encoding | where | G1 | G2 | infinity |
//! |---|---|---|---|---|
//! | [`Encoding::Montgomery`] (mont_le) | files | x, y: 32 bytes little-endian, Montgomery factor 2^256 | x.c0 x.c1 y.c0 y.c1 | all zero |
//! | [`Encoding::Uncompressed`] | hashes, challenge files | x, y: 32 bytes big-endian | x.c1 x.c0 y.c1 y.c0 | all zero; 0x40 in the first byte is read too |
//! | [`Encoding::Compressed`] | response files and hashes | x big-endian, 0x80 set for the larger y | x.c1 x.c0 | 0x40, rest zero |
//!
//! What [`decode`] returns is canonical (every coordinate below q) and on its curve. Membership of
//! G2 in the subgroup of order r is checked where points are read in bulk, see [`super::points`].

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use ark_ff::{BigInt, BigInteger as _, PrimeField};
use bn254_batch::Point;
use bn254_batch::curve::{FQ_MODULUS, Fq, G1Affine, G2Affine};
use bn254_batch::{from_x, off_curve};
use rayon::prelude::*;

/// How a point is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// mont_le: little-endian Montgomery coordinates, the encoding of `.ptau` and `.zkey` files.
    Montgomery,
    /// Big-endian coordinates.
    Uncompressed,
    /// Big-endian x with a sign flag.
    Compressed,
}

impl Encoding {
    /// Bytes of one point.
    #[must_use]
    pub const fn point_bytes<P: Point>(self) -> usize {
        match self {
            Self::Montgomery | Self::Uncompressed => P::UNCOMPRESSED_BYTES,
            Self::Compressed => P::COMPRESSED_BYTES,
        }
    }
}

/// Why some bytes are not the point they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PointDefect {
    /// A coordinate is not below q, so the same point has several encodings.
    #[error("a coordinate is not below the field's modulus")]
    NotCanonical,
    /// The coordinates satisfy no curve equation; for a compressed point, x^3 + b is not a square.
    #[error("the point is not on its curve")]
    NotOnCurve,
    /// A point of G2 outside the subgroup of order r.
    #[error("the point is outside the subgroup of order r")]
    OutsideSubgroup,
    /// Infinity where the protocol never has it.
    #[error("the point is infinity, which is not allowed here")]
    Infinity,
    /// Flag bits that contradict each other or the rest of the point.
    #[error("the flag bits of the encoding are wrong")]
    Flags,
}

/// With fewer compressed points, a square root for each is cheaper than one for a vector of eight.
const FEW: usize = 8;

const SIGN: u8 = 0x80;
const INFINITY: u8 = 0x40;

/// Writes `points` one after another.
#[must_use]
pub fn encode<P: Point>(points: &[P], encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    encode_into(points, encoding, &mut out);
    out
}

/// [`encode`] into a buffer that is used again and again; what it held is lost.
pub(crate) fn encode_into<P: Point>(points: &[P], encoding: Encoding, out: &mut Vec<u8>) {
    match (P::as_g1(points), P::as_g2(points)) {
        (Some(points), _) => G1Affine::encode_points(points, encoding, out),
        (_, Some(points)) => G2Affine::encode_points(points, encoding, out),
        _ => {}
    }
}

/// The operations of this module on many points. They have no type parameter, so they are compiled
/// here, with the optimisation of this crate, and not in every program that calls them.
trait EncodePoints: Sized {
    fn encode_points(points: &[Self], encoding: Encoding, out: &mut Vec<u8>);
    fn compress_points(uncompressed: &[u8], out: &mut Vec<u8>);
    fn decode_points(bytes: &[u8], encoding: Encoding) -> Decoded<Self>;
    fn decode_own_points(bytes: &[u8]) -> Vec<Self>;
}

/// Points, or the index and the defect of the first bytes that are not one.
type Decoded<P> = Result<Vec<P>, (usize, PointDefect)>;

macro_rules! encode_points {
    ($($point:ty)+) => { $(
        impl EncodePoints for $point {
            fn encode_points(points: &[Self], encoding: Encoding, out: &mut Vec<u8>) {
                encode_all(points, encoding, out);
            }

            fn compress_points(uncompressed: &[u8], out: &mut Vec<u8>) {
                compress_all::<Self>(uncompressed, out);
            }

            fn decode_points(bytes: &[u8], encoding: Encoding) -> Decoded<Self> {
                decode_all(bytes, encoding)
            }

            fn decode_own_points(bytes: &[u8]) -> Vec<Self> {
                decode_own_all(bytes)
            }
        }
    )+ };
}

encode_points! { G1Affine G2Affine }

/// Whether the group is G1.
fn is_g1<P: Point>() -> bool {
    P::as_g1(&[]).is_some()
}

fn encode_all<P: Point>(points: &[P], encoding: Encoding, out: &mut Vec<u8>) {
    let size = encoding.point_bytes::<P>();
    out.resize(points.len() * size, 0);
    if points.len() < 64 {
        points
            .iter()
            .zip(out.chunks_exact_mut(size))
            .for_each(|(p, out)| encode_one(p, encoding, out));
    } else {
        points
            .par_iter()
            .zip(out.par_chunks_exact_mut(size))
            .with_min_len(64)
            .for_each(|(p, out)| encode_one(p, encoding, out));
    }
}

/// The compressed encoding of points that are at hand uncompressed, without another conversion of
/// their coordinates. What `out` held is lost.
pub(crate) fn compress_into<P: Point>(uncompressed: &[u8], out: &mut Vec<u8>) {
    if is_g1::<P>() {
        G1Affine::compress_points(uncompressed, out);
    } else {
        G2Affine::compress_points(uncompressed, out);
    }
}

fn compress_all<P: Point>(uncompressed: &[u8], out: &mut Vec<u8>) {
    let mut half_of_q = FQ_MODULUS;
    half_of_q.div2();
    let half_of_q = half_of_q.to_bytes_be();
    out.resize(uncompressed.len() / 2, 0);
    let points = uncompressed
        .par_chunks_exact(P::UNCOMPRESSED_BYTES)
        .zip(out.par_chunks_exact_mut(P::COMPRESSED_BYTES));
    points.with_min_len(64).for_each(|(point, out)| {
        let (x, y) = point.split_at(P::COMPRESSED_BYTES);
        out.copy_from_slice(x);
        // y > -y iff its first coordinate (c1 before c0, as they stand) that is not zero is above
        // (q - 1) / 2.
        match y.chunks_exact(32).find(|c| c.iter().any(|byte| *byte != 0)) {
            Some(c) if *c > half_of_q[..] => out[0] |= SIGN,
            None if x.iter().all(|byte| *byte == 0) => out[0] = INFINITY,
            _ => {}
        }
    });
}

/// Reads as many points as `bytes` holds; a trailing partial point is the caller's error and is
/// ignored here.
///
/// # Errors
/// The index (within `bytes`) and defect of the first point whose bytes are not a canonical
/// encoding, else of the first off its curve. Of compressed points, the first with either defect.
pub fn decode<P: Point>(bytes: &[u8], encoding: Encoding) -> Result<Vec<P>, (usize, PointDefect)> {
    if is_g1::<P>() {
        G1Affine::decode_points(bytes, encoding).map(|p| P::from_g1(p).unwrap_or_default())
    } else {
        G2Affine::decode_points(bytes, encoding).map(|p| P::from_g2(p).unwrap_or_default())
    }
}

fn decode_all<P: Point>(bytes: &[u8], encoding: Encoding) -> Decoded<P> {
    if encoding == Encoding::Compressed && bytes.len() >= FEW * P::COMPRESSED_BYTES {
        return decode_compressed(bytes, from_x);
    }
    let chunks = || {
        bytes
            .par_chunks_exact(encoding.point_bytes::<P>())
            .with_min_len(64)
            .map(|bytes| decode_one::<P>(bytes, encoding))
    };
    let sound = AtomicBool::new(true);
    // Not collected as a result, which would take twice the memory.
    let points: Vec<P> = chunks()
        .map(|point| {
            point.unwrap_or_else(|_| {
                sound.store(false, Relaxed);
                P::zero()
            })
        })
        .collect();
    if !sound.into_inner() {
        // Rarely: once more, for the first of the defects.
        let first = chunks().enumerate().find_map_first(|(i, point)| Some((i, point.err()?)));
        return Err(first.unwrap_or((0, PointDefect::NotCanonical)));
    }
    off_curve(&points).map_or(Ok(points), |index| Err((index, PointDefect::NotOnCurve)))
}

/// What the bytes of a compressed point say.
enum Compressed<P: Point> {
    Infinity,
    /// x, in the first half of the coordinates, and whether y is the larger one.
    Point(P::Coordinates, bool),
}

/// Compressed points, with the square roots of all of them taken together by `from_x`. They are on
/// their curve by construction.
fn decode_compressed<P: Point>(
    bytes: &[u8],
    from_x: impl Fn(&[Fq], &[bool]) -> Result<Vec<P>, usize>,
) -> Result<Vec<P>, (usize, PointDefect)> {
    let heads: Vec<_> = bytes
        .par_chunks_exact(P::COMPRESSED_BYTES)
        .with_min_len(64)
        .map(compressed_head::<P>)
        .collect();
    let generator = P::generator().coordinates();
    let (mut x, mut larger) =
        (Vec::with_capacity(heads.len() * P::COORDINATES / 2), Vec::with_capacity(heads.len()));
    let mut infinities = Vec::new();
    let mut defect = None;
    for (i, head) in heads.iter().enumerate() {
        // In the place of infinity, an x that is on the curve.
        let (coordinates, sign) = match head {
            Ok(Compressed::Point(x, sign)) => (x, *sign),
            Ok(Compressed::Infinity) => {
                infinities.push(i);
                (&generator, false)
            }
            Err(found) => {
                defect = Some((i, *found));
                break;
            }
        };
        x.extend_from_slice(&coordinates.as_ref()[..P::COORDINATES / 2]);
        larger.push(sign);
    }
    let mut points = from_x(&x, &larger).map_err(|i| (i, PointDefect::NotOnCurve))?;
    if let Some(defect) = defect {
        return Err(defect);
    }
    for i in infinities {
        points[i] = P::zero();
    }
    Ok(points)
}

/// Reads Montgomery coordinates without looking whether they lie on the curve: only for bytes that
/// this process wrote itself.
pub(crate) fn decode_own<P: Point>(bytes: &[u8]) -> Vec<P> {
    let points = if is_g1::<P>() {
        P::from_g1(G1Affine::decode_own_points(bytes))
    } else {
        P::from_g2(G2Affine::decode_own_points(bytes))
    };
    points.unwrap_or_default()
}

fn decode_own_all<P: Point>(bytes: &[u8]) -> Vec<P> {
    bytes.par_chunks_exact(P::UNCOMPRESSED_BYTES).with_min_len(64).map(montgomery_point).collect()
}

fn encode_one<P: Point>(point: &P, encoding: Encoding, out: &mut [u8]) {
    let coordinates = point.coordinates();
    let coordinates = coordinates.as_ref();
    match encoding {
        Encoding::Montgomery => {
            for (c, out) in coordinates.iter().zip(out.chunks_exact_mut(32)) {
                write_le(c.0, out);
            }
        }
        Encoding::Uncompressed => {
            for (half, out) in coordinates
                .chunks(P::COORDINATES / 2)
                .zip(out.chunks_exact_mut(P::COMPRESSED_BYTES))
            {
                write_be_reversed(half, out);
            }
        }
        Encoding::Compressed if point.is_zero() => {
            out.fill(0);
            out[0] = INFINITY;
        }
        Encoding::Compressed => {
            write_be_reversed(&coordinates[..P::COORDINATES / 2], out);
            if point.y_is_larger() {
                out[0] |= SIGN;
            }
        }
    }
}

/// A canonical encoding; of x and y it is not checked here that they are on the curve.
fn decode_one<P: Point>(bytes: &[u8], encoding: Encoding) -> Result<P, PointDefect> {
    let half = P::COORDINATES / 2;
    let mut coordinates = P::ZERO_COORDINATES;
    match encoding {
        Encoding::Montgomery => {
            if bytes.chunks_exact(32).any(|c| read_le(c) >= FQ_MODULUS) {
                return Err(PointDefect::NotCanonical);
            }
            Ok(montgomery_point::<P>(bytes))
        }
        Encoding::Uncompressed => {
            if bytes[0] & INFINITY != 0 {
                let rest_is_zero = bytes[0] == INFINITY && bytes[1..].iter().all(|&b| b == 0);
                return if rest_is_zero { Ok(P::zero()) } else { Err(PointDefect::Flags) };
            }
            let (x, y) = coordinates.as_mut().split_at_mut(half);
            read_be_reversed(&bytes[..P::COMPRESSED_BYTES], x)?;
            read_be_reversed(&bytes[P::COMPRESSED_BYTES..], y)?;
            Ok(P::from_coordinates(&coordinates))
        }
        Encoding::Compressed => match compressed_head::<P>(bytes)? {
            Compressed::Infinity => Ok(P::zero()),
            Compressed::Point(x, larger) => {
                P::from_x(&x.as_ref()[..half], larger).ok_or(PointDefect::NotOnCurve)
            }
        },
    }
}

/// Flags and x. No point of BN254 has y = 0 (its order would be 2), so that there are two y to each
/// x and the sign decides.
fn compressed_head<P: Point>(bytes: &[u8]) -> Result<Compressed<P>, PointDefect> {
    let mut bytes: [u8; 64] = std::array::from_fn(|i| bytes.get(i).copied().unwrap_or(0));
    let larger = bytes[0] & SIGN != 0;
    if bytes[0] & INFINITY != 0 {
        let rest_is_zero = bytes[0] == INFINITY && bytes[1..].iter().all(|&b| b == 0);
        return if rest_is_zero { Ok(Compressed::Infinity) } else { Err(PointDefect::Flags) };
    }
    bytes[0] &= !SIGN;
    let mut coordinates = P::ZERO_COORDINATES;
    read_be_reversed(
        &bytes[..P::COMPRESSED_BYTES],
        &mut coordinates.as_mut()[..P::COORDINATES / 2],
    )?;
    Ok(Compressed::Point(coordinates, larger))
}

fn montgomery_point<P: Point>(bytes: &[u8]) -> P {
    let mut coordinates = P::ZERO_COORDINATES;
    for (c, bytes) in coordinates.as_mut().iter_mut().zip(bytes.chunks_exact(32)) {
        *c = Fq::new_unchecked(read_le(bytes));
    }
    P::from_coordinates(&coordinates)
}

/// Four little-endian limbs from 32 bytes.
pub(crate) fn read_le(bytes: &[u8]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, bytes) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        *limb = u64::from_le_bytes(word);
    }
    BigInt(limbs)
}

/// Four little-endian limbs into 32 bytes.
pub(crate) fn write_le(limbs: BigInt<4>, out: &mut [u8]) {
    for (limb, out) in limbs.0.iter().zip(out.chunks_exact_mut(8)) {
        out.copy_from_slice(&limb.to_le_bytes());
    }
}

/// Coordinates in reverse order (c1 before c0), each big-endian in normal form.
fn write_be_reversed(coordinates: &[Fq], out: &mut [u8]) {
    for (c, out) in coordinates.iter().rev().zip(out.chunks_exact_mut(32)) {
        write_le(c.into_bigint(), out);
        out.reverse();
    }
}

fn read_be_reversed(bytes: &[u8], coordinates: &mut [Fq]) -> Result<(), PointDefect> {
    for (c, bytes) in coordinates.iter_mut().rev().zip(bytes.chunks_exact(32)) {
        let mut le: [u8; 32] = std::array::from_fn(|i| bytes[i]);
        le.reverse();
        *c = Fq::from_bigint(read_le(&le)).ok_or(PointDefect::NotCanonical)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr, CurveGroup, PrimeGroup};
    use ark_ff::{AdditiveGroup, Field};
    use bn254_batch::Backend;
    use bn254_batch::curve::{Fq2, Fr};
    use proptest::prelude::*;

    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Montgomery, Encoding::Uncompressed, Encoding::Compressed];

    fn round_trip<P: Point>(point: P) {
        for encoding in ALL {
            let bytes = encode(&[point], encoding);
            assert_eq!(bytes.len(), encoding.point_bytes::<P>());
            assert_eq!(decode::<P>(&bytes, encoding), Ok(vec![point]), "{encoding:?}");
        }
    }

    proptest! {
        #[test]
        fn every_point_survives_every_encoding(k in any::<u64>()) {
            let k = Fr::from(k);
            round_trip((G1Affine::generator() * k).into_affine());
            round_trip((G2Affine::generator() * k).into_affine());
            round_trip((-(G2Affine::generator() * k)).into_affine());
        }
    }

    fn compressing_bytes_is_compressing_points<P: Point>(coordinates: &[P::Coordinates]) {
        let points: Vec<P> = coordinates.iter().map(P::from_coordinates).collect();
        // A buffer that was used before.
        let mut compressed = vec![0xff; 7];
        compress_into::<P>(&encode(&points, Encoding::Uncompressed), &mut compressed);
        assert_eq!(compressed, encode(&points, Encoding::Compressed), "{}", P::GROUP);
    }

    #[test]
    fn bytes_are_compressed_as_points_are_for_every_kind_of_y() {
        // (q - 1) / 2 and (q + 1) / 2 = -(q - 1) / 2 are where the sign turns.
        let half = -Fq::from(2u64).inverse().unwrap();
        let values =
            [Fq::ZERO, Fq::ONE, -Fq::ONE, half, half + Fq::ONE, Fq::from(5u64), -Fq::from(5u64)];
        let pairs: Vec<[Fq; 2]> = values.iter().flat_map(|a| values.map(|b| [*a, b])).collect();
        compressing_bytes_is_compressing_points::<G1Affine>(&pairs);
        let quadruples: Vec<[Fq; 4]> =
            pairs.iter().flat_map(|x| pairs.iter().map(|y| [x[0], x[1], y[0], y[1]])).collect();
        compressing_bytes_is_compressing_points::<G2Affine>(&quadruples);
    }

    #[test]
    fn infinity_is_zeros_in_files_and_a_flag_when_compressed() {
        round_trip(G1Affine::zero());
        round_trip(G2Affine::zero());
        assert!(encode(&[G1Affine::zero()], Encoding::Montgomery).iter().all(|&b| b == 0));
        assert_eq!(encode(&[G1Affine::zero()], Encoding::Compressed)[0], 0x40);
        let mut flagged = vec![0; 64];
        flagged[0] = 0x40;
        assert_eq!(
            decode::<G1Affine>(&flagged, Encoding::Uncompressed),
            Ok(vec![G1Affine::zero()])
        );
    }

    #[test]
    fn the_modulus_itself_is_not_a_coordinate() {
        let mut lem = vec![0; 64];
        write_le(FQ_MODULUS, &mut lem[..32]);
        assert_eq!(
            decode::<G1Affine>(&lem, Encoding::Montgomery),
            Err((0, PointDefect::NotCanonical))
        );
        lem[..32].reverse();
        assert_eq!(
            decode::<G1Affine>(&lem, Encoding::Uncompressed),
            Err((0, PointDefect::NotCanonical))
        );
        assert_eq!(
            decode::<G1Affine>(&lem[..32], Encoding::Compressed),
            Err((0, PointDefect::NotCanonical))
        );
    }

    #[test]
    fn a_point_off_the_curve_is_named_by_index() {
        let good = G1Affine::generator();
        let mut bytes = encode(&[good, good, good], Encoding::Uncompressed);
        bytes[64 + 63] ^= 1;
        assert_eq!(
            decode::<G1Affine>(&bytes, Encoding::Uncompressed),
            Err((1, PointDefect::NotOnCurve))
        );
    }

    /// What `decode` was before square roots were taken together: a point at a time, the first
    /// defect in order.
    fn one_by_one<P: Point>(bytes: &[u8]) -> Result<Vec<P>, (usize, PointDefect)> {
        let points = bytes.chunks_exact(P::COMPRESSED_BYTES).enumerate();
        points
            .map(|(i, bytes)| decode_one(bytes, Encoding::Compressed).map_err(|defect| (i, defect)))
            .collect()
    }

    fn batches_agree_with_one_by_one<P: Point<Group: CurveGroup<Affine = P>>>(points: usize) {
        let backends = Backend::all().collect::<Vec<_>>();
        let check = |bytes: &[u8]| {
            let expected = one_by_one::<P>(bytes);
            for arith in &backends {
                let actual = decode_compressed::<P>(bytes, |x, larger| arith.from_x(x, larger));
                assert_eq!(actual, expected, "{} {}", P::GROUP, arith.backend());
            }
            assert_eq!(decode::<P>(bytes, Encoding::Compressed), expected);
            expected
        };
        let size = P::COMPRESSED_BYTES;
        let walk: Vec<P::Group> = std::iter::successors(Some(P::Group::generator()), |p| {
            Some(p.double() + P::generator())
        })
        .take(points)
        .collect();
        let mut walk = P::Group::normalize_batch(&walk);
        for i in (0..points).step_by(13) {
            walk[i] = P::zero();
        }
        let good = encode(&walk, Encoding::Compressed);
        // Every length around the vectors' eight lanes and their two in step, and the whole.
        for n in (0..=34).chain([points]) {
            assert_eq!(check(&good[..n * size]).unwrap(), walk[..n]);
        }
        // The other sign everywhere: the negatives.
        let mut negated = good.clone();
        negated.chunks_exact_mut(size).filter(|p| p[0] & INFINITY == 0).for_each(|p| p[0] ^= SIGN);
        check(&negated).unwrap();
        // Single points of every kind, at places in every lane; and two in one run, where the first
        // is named.
        let mut modulus = vec![0; 32];
        write_le(FQ_MODULUS, &mut modulus);
        modulus.reverse();
        let head = |first: u8, last: u8| {
            let mut bytes = vec![0; size];
            bytes[size - 1] = last;
            bytes[0] |= first;
            bytes
        };
        let mut kinds: Vec<Vec<u8>> =
            (0..=16).flat_map(|x| [0, SIGN].map(|sign| head(sign, x))).collect();
        kinds.extend([0x40, 0xc0, 0x41, 0x60].map(|first| head(first, 0)));
        kinds.extend([
            head(INFINITY, 1),
            vec![0xff; size],
            vec![0x3f; size],
            modulus.repeat(size / 32),
        ]);
        let mut below = modulus.clone();
        below[31] -= 1;
        kinds.extend([
            below.repeat(size / 32),
            [modulus.clone(), vec![0; size - 32]].concat(),
            [vec![0; size - 32], modulus.clone()].concat(),
        ]);
        let mut defects = std::collections::HashSet::new();
        for (k, kind) in kinds.iter().enumerate() {
            for n in [9, 33] {
                for place in (k % 3..n).step_by(3) {
                    let mut bytes = good[size..(n + 1) * size].to_vec();
                    bytes[place * size..][..size].copy_from_slice(kind);
                    defects.extend(check(&bytes).err().map(|(_, defect)| format!("{defect:?}")));
                    let second = (place + k) % n;
                    bytes[second * size..][..size]
                        .copy_from_slice(&kinds[(k * 7 + place) % kinds.len()]);
                    let _ = check(&bytes);
                }
            }
        }
        assert_eq!(defects.len(), 3, "{defects:?}: not canonical, not on the curve, flags");
    }

    #[test]
    fn compressed_points_in_batches_are_what_they_are_one_by_one() {
        batches_agree_with_one_by_one::<G1Affine>(3000);
        batches_agree_with_one_by_one::<G2Affine>(1500);
    }

    proptest! {
        #[test]
        fn random_bytes_are_decoded_in_batches_as_one_by_one(mut bytes in proptest::collection::vec(any::<u8>(), 0..64 * 20), mask in any::<u8>()) {
            // Mostly below the modulus, so that the curve decides.
            bytes.iter_mut().step_by(32).for_each(|first| *first &= mask & 0xaf);
            for arith in Backend::all() {
                prop_assert_eq!(decode_compressed::<G1Affine>(&bytes, |x, l| arith.from_x(x, l)), one_by_one(&bytes));
                prop_assert_eq!(decode_compressed::<G2Affine>(&bytes, |x, l| arith.from_x(x, l)), one_by_one(&bytes));
            }
        }
    }

    #[test]
    fn contradicting_flags_are_refused() {
        for first in [0xc0, 0x41] {
            let mut bytes = vec![0; 32];
            bytes[0] = first;
            assert_eq!(
                decode::<G1Affine>(&bytes, Encoding::Compressed),
                Err((0, PointDefect::Flags))
            );
        }
        let mut bytes = vec![0; 128];
        bytes[0] = 0x40;
        bytes[127] = 1;
        assert_eq!(
            decode::<G2Affine>(&bytes, Encoding::Uncompressed),
            Err((0, PointDefect::Flags))
        );
    }

    #[test]
    fn the_sign_in_g2_is_that_of_c1_and_of_c0_where_c1_vanishes() {
        let with_y = |c0: u64, c1: u64| {
            G2Affine::new_unchecked(Fq2::ZERO, Fq2::new(Fq::from(c0), Fq::from(c1)))
        };
        let sign = |p: G2Affine| encode(&[p], Encoding::Compressed)[0] & SIGN != 0;
        assert!(!sign(with_y(0, 1)));
        assert!(sign(-with_y(0, 1)));
        assert!(!sign(with_y(1, 0)));
        assert!(sign(-with_y(1, 0)));
        assert!(!sign(G2Affine::new_unchecked(
            Fq2::ZERO,
            Fq2::new(-Fq::from(1u64), Fq::from(1u64))
        )));
    }
}
