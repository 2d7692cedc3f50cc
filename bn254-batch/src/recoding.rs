//! Scalars as digits, for the group that they multiply points of.
//!
//! | group | streams of digits | of | endomorphisms |
//! |---|---|---|---|
//! | G1 | 2 of 32 | [`glv`](super::glv) | 1, phi |
//! | G2 | 4 of 17 | [`gls`](super::gls) | 1, phi, psi, phi psi |
//!
//! All digits are odd, from -15 to 15. phi(x, y) = (beta x, y) with the same beta in both groups.

use zeroize::Zeroize;

use super::gls::Quarters;
use super::glv::Halves;
use super::{gls, glv};
use crate::curve::{AffinePoint, Fr};

/// Bits of a digit.
pub(super) const WINDOW: usize = 4;
/// Odd multiples of a point that a digit selects from: 1, 3, ..., 15.
pub(super) const TABLE: usize = 8;

/// Digits of a stream, by the degree of the coordinates' field over Fq: 1 in G1, 2 in G2.
pub(super) const fn digits(degree: usize) -> usize {
    if degree == 1 { glv::DIGITS } else { gls::DIGITS }
}

/// The streams of a scalar, each as its digits' nibbles n_i, for digits 2 n_i - 15. In G1 the last
/// two are not used.
///
/// A secret: erased when dropped.
pub(super) struct Streams(pub(super) [u128; 4]);

impl Drop for Streams {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Streams {
    /// For a multiplication in this group.
    pub(super) fn of<P: AffinePoint>(scalar: &Fr) -> Self {
        if P::as_g2(&[]).is_some() {
            Self(Quarters::of(scalar).0)
        } else {
            let Halves([a, b]) = &Halves::of(scalar);
            Self([*a, *b, 0, 0])
        }
    }
}
