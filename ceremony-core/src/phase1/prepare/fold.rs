//! What a part of M makes of the powers of a level, so that a transform of an M-th of its length
//! gives the part's points.
//!
//! Let n be the level's length, M a power of two that divides it, m = n / M, and r a residue. With
//! i = a + m k and j = r + M b the level is
//!
//! ```text
//! L_(r+Mb) = 1/n sum_i omega_n^(-ij) [tau^i]
//!          = 1/m sum_(a<m) omega_m^(-ab) z_a,
//! z_a      = 1/M omega_n^(-ar) sum_(k<M) omega_M^(-kr) [tau^(a+mk)]
//! ```
//!
//! since omega_n^m = omega_M. That is the inverse transform of the z. The sum is [`fold`]: log2(M)
//! layers of a decimation in frequency, of each of which only the half is kept that leads to r.
//! Layer l = 1, 2, ... halves the runs,
//!
//! ```text
//! x_k <- x_k + omega_(2^l)^(-r) x_(k + M/2^l)   for k < M/2^l:
//! ```
//!
//! the first one adds or subtracts, the others multiply the second operand by one root of unity,
//! n / 2^l multiplications each. The twiddles that other forms of the transform have in each layer
//! are delayed to the one factor in front of the sum, [`twist`]. Together a part has n/2 + m/2
//! log2(m) multiplications where the level has n/2 log2(n).

use ark_ff::Field;
use bn254_batch::curve::{Fr, root_of_unity};
use bn254_batch::{Point, butterflies, geometric, mul_each};

use crate::format::bases_part::Residue;

/// The sums `sum_k omega_M^(-kr) x_k` of M runs of points of one length, which lie one after
/// another. `None` where the field has no such root of unity.
pub(super) fn fold<P: Point>(mut runs: Vec<P>, part: Residue) -> Option<Vec<P>> {
    for layer in 1..=part.log_parts() {
        // omega_(2^l)^(-e) with e in the second half of the circle is minus one in the first.
        let (whole, half) = (1u32 << layer, 1u32 << (layer - 1));
        let exponent = part.residue() % whole;
        let root = root_of_unity(layer)?.inverse()?.pow([u64::from(exponent % half)]);
        let middle = runs.len() / 2;
        let (lo, hi) = runs.split_at_mut(middle);
        butterflies(lo, hi, &vec![root; middle]);
        if exponent >= half {
            lo.copy_from_slice(hi);
        }
        runs.truncate(middle);
    }
    Some(runs)
}

/// Multiplies entry a of a fold by `omega_n^(-ar) / M`, where the first entry given is `start`.
pub(super) fn twist<P: Point>(
    points: &mut [P],
    level: u32,
    part: Residue,
    start: u64,
) -> Option<()> {
    let ratio = root_of_unity(level)?.inverse()?.pow([u64::from(part.residue())]);
    let first = ratio.pow([start]) * Fr::from(part.parts()).inverse()?;
    mul_each(points, &geometric(&first, &ratio, points.len()));
    Some(())
}
