//! A chain of drand that is made up: its secret is here, so that tests have every round of it.

use bls12_381::hash_to_curve::{ExpandMsgXmd, HashToCurve};
use bls12_381::{G1Affine, G1Projective, Scalar};
use sha2::{Digest as _, Sha256, Sha512};

const DOMAIN: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_";

/// The signature of a round.
#[must_use]
pub fn sign(round: u64) -> [u8; 48] {
    let seed: [u8; 64] =
        Sha512::digest(b"zk-ceremony: the made-up drand chain of the tests").into();
    let message = Sha256::digest(round.to_be_bytes());
    let point = <G1Projective as HashToCurve<ExpandMsgXmd<bls_sha2::Sha256>>>::hash_to_curve(
        message, DOMAIN,
    );
    G1Affine::from(point * Scalar::from_bytes_wide(&seed)).to_compressed()
}

/// Encodings that are no point of the group, and why.
#[must_use]
pub fn no_points() -> Vec<(&'static str, [u8; 48])> {
    let good = sign(1);
    let mut uncompressed = good;
    uncompressed[0] &= 0x7f;
    let mut identity_with_bytes = good;
    identity_with_bytes[0] |= 0x40;
    let mut identity_with_sign = [0; 48];
    identity_with_sign[0] = 0xe0;
    // x = p: zero, written in another way.
    let mut modulus = hex::decode(
        "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
    )
    .unwrap();
    modulus[0] |= 0x80;
    // Small x: whether one is on the curve, and if so in the subgroup, is asked of the library.
    let of = |x: u8| {
        let mut bytes = [0; 48];
        bytes[0] = 0x80;
        bytes[47] = x;
        bytes
    };
    let on_curve =
        |bytes: &[u8; 48]| bool::from(G1Affine::from_compressed_unchecked(bytes).is_some());
    let off_curve = (1..).map(of).find(|bytes| !on_curve(bytes)).unwrap();
    let off_group = (1..)
        .map(of)
        .find(|bytes| {
            on_curve(bytes)
                && !bool::from(
                    G1Affine::from_compressed_unchecked(bytes).unwrap().is_torsion_free(),
                )
        })
        .unwrap();
    vec![
        ("without the mark of a compressed point", uncompressed),
        ("the identity's mark and other bytes", identity_with_bytes),
        ("the identity with a sign", identity_with_sign),
        ("x = p", modulus.try_into().unwrap()),
        ("off the curve", off_curve),
        ("out of the subgroup", off_group),
        ("zeros", [0; 48]),
        ("ones", [0xff; 48]),
    ]
}
