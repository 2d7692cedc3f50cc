//! The digits of a **public** scalar, for the group that it multiplies points of.
//!
//! A scalar is cut in two halves by phi in G1, in four quarters by phi and psi in G2
//! ([`glv`](super::glv), [`gls`](super::gls)). Each of these numbers is the multiplier of an image
//! of the point, in this order: the point itself, phi of it, psi of it, phi of psi of it. It is
//! written in non-adjacent form of a width w: odd digits below 2^(w - 1) in absolute value, one in
//! w + 1 places.

use super::gls::short_quarters;
use super::glv::short_halves;
use crate::curve::{AffinePoint, Fr};

/// Odd multiples of a point that a digit selects from: 1, 3, ..., 15.
pub(super) const TABLE: usize = 8;
/// Bits of a digit that selects from a table.
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
    pub(super) value: i8,
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
    if images::<P>() == 4 {
        digits_of_each(short_quarters(scalar), WIDTH)
    } else {
        digits_of_each(short_halves(scalar), WIDTH)
    }
}

/// Digits 1 and -1 of a scalar of which one half in absolute value is short: the images are the
/// point and lambda times it, in both groups.
pub(super) fn ones_of(scalar: &Fr) -> Vec<Digit> {
    digits_of_each(short_halves(scalar), 2)
}

fn digits_of_each<const N: usize>(numbers: [i128; N], width: u32) -> Vec<Digit> {
    let of_image = |(image, number)| {
        non_adjacent(number, width).map(move |(place, value)| Digit { place, image, value })
    };
    numbers.into_iter().enumerate().flat_map(of_image).collect()
}

/// The digits of a number below 2^127 in absolute value that are not zero, with their places: odd,
/// below 2^(width - 1) in absolute value, and among `width` neighbouring places there is one at
/// most.
fn non_adjacent(number: i128, width: u32) -> impl Iterator<Item = (usize, i8)> {
    let (mut left, mut place) = (number, 0);
    std::iter::from_fn(move || {
        if left == 0 {
            return None;
        }
        let zeros = left.trailing_zeros();
        left >>= zeros;
        place += zeros as usize;
        // The residue modulo 2^width that is nearest to zero.
        let residue = (left & ((1 << width) - 1)) as i8;
        let digit = if residue < 1 << (width - 1) { residue } else { residue - (1 << width) };
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
            number in any::<i128>(), shift in 0u32..127, width in 2u32..=WIDTH,
        ) {
            let number = number >> shift >> 1;
            let digits: Vec<(usize, i8)> = non_adjacent(number, width).collect();
            let mut sum = 0i128;
            for (place, digit) in &digits {
                prop_assert!(digit % 2 != 0 && digit.unsigned_abs() < 1 << (width - 1));
                prop_assert!(*place < PLACES);
                sum = sum.wrapping_add(i128::from(*digit).wrapping_shl(*place as u32));
            }
            prop_assert_eq!(sum, number);
            prop_assert!(digits.windows(2).all(|pair| pair[1].0 >= pair[0].0 + width as usize));
        }
    }
}
