//! The digits of a **public** scalar, for the group that it multiplies points of.
//!
//! A scalar is cut in two halves by phi in G1, in four quarters by phi and psi in G2
//! ([`glv`](super::glv), [`gls`](super::gls)). Each of these numbers is the multiplier of an image
//! of the point, in this order: the point itself, phi of it, psi of it, phi of psi of it. It is
//! written in non-adjacent form of width 5: odd digits from -15 to 15, one in six places.

use super::gls::short_quarters;
use super::glv::short_halves;
use crate::curve::{AffinePoint, Fr};

/// Odd multiples of a point that a digit selects from: 1, 3, ..., 15.
pub(super) const TABLE: usize = 8;
/// Bits of a digit.
const WIDTH: u32 = 5;
/// Places of a number below 2^127, and one for the carry of its highest digit.
pub(super) const PLACES: usize = 128;

/// A digit that is not zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digit {
    /// It counts 2^place times.
    pub(super) place: usize,
    /// Of which image of the point.
    pub(super) image: usize,
    /// Odd, from -15 to 15.
    value: i8,
}

impl Digit {
    /// Which of the odd multiples is added or taken away.
    pub(super) fn entry(self) -> usize {
        usize::from(self.value.unsigned_abs()) / 2
    }

    pub(super) fn is_negative(self) -> bool {
        self.value < 0
    }
}

/// How many images of a point have digits.
pub(super) const fn images<P: AffinePoint>() -> usize {
    P::COORDINATES
}

/// All digits of a scalar, image by image. None of zero.
pub(super) fn digits_of<P: AffinePoint>(scalar: &Fr) -> Vec<Digit> {
    let of_image = |(image, number)| {
        non_adjacent(number).map(move |(place, value)| Digit { place, image, value })
    };
    if images::<P>() == 4 {
        short_quarters(scalar).into_iter().enumerate().flat_map(of_image).collect()
    } else {
        short_halves(scalar).into_iter().enumerate().flat_map(of_image).collect()
    }
}

/// The digits of a number below 2^127 in absolute value that are not zero, with their places: odd,
/// from -15 to 15, and among [`WIDTH`] neighbouring places there is one at most.
fn non_adjacent(number: i128) -> impl Iterator<Item = (usize, i8)> {
    let (mut left, mut place) = (number, 0);
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let zeros = left.trailing_zeros();
        left >>= zeros;
        place += zeros as usize;
        // The residue modulo 32 that is nearest to zero.
        let residue = (left & ((1 << WIDTH) - 1)) as i8;
        let digit = if residue < 1 << (WIDTH - 1) { residue } else { residue - (1 << WIDTH) };
        // Below 2^127 there is room: the number shrinks, or the first digit leaves at most 2^127.
        left = (left >> 1) - i128::from(digit >> 1);
        let found = (place, digit);
        place += 1;
        Some(found)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digits_are_those_of_the_number_and_stand_apart(
            number in any::<i128>(), shift in 0u32..127,
        ) {
            let number = number >> shift >> 1;
            let digits: Vec<(usize, i8)> = non_adjacent(number).collect();
            let mut sum = 0i128;
            for (place, digit) in &digits {
                prop_assert!(digit % 2 != 0 && (-15..16).contains(digit));
                prop_assert!(*place < PLACES);
                sum = sum.wrapping_add(i128::from(*digit).wrapping_shl(*place as u32));
            }
            prop_assert_eq!(sum, number);
            prop_assert!(digits.windows(2).all(|pair| pair[1].0 >= pair[0].0 + WIDTH as usize));
        }
    }
}
