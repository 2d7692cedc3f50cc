//! Check 8: L and H of a key are those of another one divided by delta, and the one other form of H
//! that is accepted (docs/decisions/0009-h-without-its-top-power.md).
//!
//! Let N be the domain's size, w a root of unity of order 2N, and `z_i = w^(2i+1)`, so that
//! `z_i^N = -1`. H is the basis in which a prover writes A B - C = q Z, with Z = x^N - 1 and a
//! quotient q of degree at most N - 2, by the values at the z_i:
//!
//! ```text
//! H_i = -1/(2N) sum_(j < N) z_i^-j h_j    h_j = [tau^j Z(tau) / delta]1 = -2 sum_i z_i^j H_i
//! ```
//!
//! A file that went through bellman's format keeps h_j for j < N - 1 only, all that q can need, and
//! comes back with h_(N-1) = 0. Let `e_i = delta H'_i - H_i` be the difference of a key from what
//! it should be. No honest proof changes iff `sum_i z_i^j e_i = 0` for all j <= N - 2, which is
//! `e_i = z_i E` for one point E, since these N - 1 equations have rank N - 1 and z solves them.
//!
//! **E must not be free.** A contributor who chooses it before an honest one gets `E / delta` out
//! of the finished key, and with E made from IC can forge public inputs. So the top power must be
//! *absent*: then H' is a public linear map of h_0, ..., h_(N-2), which every key contains, and
//! what it helps to prove could be proved without it. Checked, with random c_i of 128 bits:
//!
//! 1. `sum c_i H'_i` is `sum c_i H_i` over delta: H' is H divided, nothing more to ask. If not:
//! 2. the same with c_0 replaced so that `sum c_i z_i = 0`. Then e_i = z_i E, but for an error of
//!    2^-128: the sum is that of `c_i (e_i - (z_i / z_0) e_0)` over i > 0;
//! 3. `sum_i z_i^-1 H'_i = 0`, which is h_(N-1) = 0 and fixes E.

use std::io::{Read, Seek};

use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{AdditiveGroup, Field};
use bn254_batch::curve::{Fr, G1Affine, G1Projective, G2Affine, root_of_unity};
use bn254_batch::{geometric, linear_combination};
use rayon::prelude::*;

use crate::entropy::VerifierRng;
use crate::format::FormatError;
use crate::format::points::PointRun;
use crate::format::ptau::Power;
use crate::limits::CHUNK_POINTS;
use crate::ratio::{Ratio, same_ratio, scalar_combination};

/// `sum c_i P_i` over L or H of one key, collected chunk by chunk.
#[derive(Clone, Debug, Default)]
pub(super) struct Combination {
    sum: G1Projective,
    /// P_0
    first: Option<G1Affine>,
}

impl Combination {
    /// The points that come next, with their coefficients, which the maker of the points did not
    /// know.
    pub(super) fn add(&mut self, points: &[G1Affine], coefficients: &[u128]) {
        self.first = self.first.or(points.first().copied());
        self.sum += linear_combination(points, coefficients);
    }
}

/// What the points are to those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Divided {
    /// Divided by delta, all of them.
    Exactly,
    /// Divided by delta but for the top power of H, of which nothing is known yet.
    ButForTopPower,
    /// Something else.
    Not,
}

/// Whether the points after are those before divided by delta, for `deltas` = (`[delta after]2`,
/// `[delta before]2`). Both combinations have the same coefficients. Those of H, of a domain of
/// 2^power points, are drawn once more where its top power may be missing.
pub(super) fn divided(
    before: &Combination,
    after: &Combination,
    deltas: Ratio<G2Affine>,
    h: Option<(Power, VerifierRng)>,
) -> Divided {
    let sums = Ratio(before.sum.into_affine(), after.sum.into_affine());
    // A circuit may have no private wire, or none that any constraint uses: then both runs are
    // infinity throughout, and only then.
    if (sums.0.is_zero() && sums.1.is_zero()) || same_ratio(sums, deltas) {
        return Divided::Exactly;
    }
    let (Some((power, rng)), Some(old), Some(new)) = (h, before.first, after.first) else {
        return Divided::Not;
    };
    let Some(c) = replaced(power, rng) else { return Divided::Not };
    let without = |sum: G1Affine, first: G1Affine| (sum - first * c).into_affine();
    let rest = Ratio(without(sums.0, old), without(sums.1, new));
    if same_ratio(rest, deltas) { Divided::ButForTopPower } else { Divided::Not }
}

/// sum c_i z_i / z_0: what has to be taken from c_0 for `sum c_i z_i = 0`.
fn replaced(power: Power, mut rng: VerifierRng) -> Option<Fr> {
    let root = roots(power)?;
    let (mut next, step) = (root, root.square());
    let mut weight = Fr::ZERO;
    for start in (0..power.n()).step_by(CHUNK_POINTS) {
        let coefficients = rng.coefficients((power.n() - start).min(CHUNK_POINTS as u64) as usize);
        let z = geometric(&next, &step, coefficients.len());
        weight += z
            .par_iter()
            .zip(&coefficients)
            .with_min_len(1 << 10)
            .map(|(z, coefficient)| *z * Fr::from(*coefficient))
            .sum::<Fr>();
        next *= step.pow([coefficients.len() as u64]);
    }
    Some(weight * root.inverse()?)
}

/// z_0 of the domain of 2^power points, if the field has one.
fn roots(power: Power) -> Option<Fr> {
    root_of_unity(power.exponent() + 1)
}

/// Whether h_(N-1) of a key is infinity.
///
/// # Errors
/// When H cannot be read.
pub(super) fn lacks_top_power<R: Read + Seek + Send>(
    h: PointRun<G1Affine>,
    power: Power,
    source: &mut R,
    rng: &mut VerifierRng,
) -> Result<bool, FormatError> {
    let Some(inverse) = roots(power).and_then(|root| root.inverse()) else { return Ok(false) };
    let (mut next, step) = (inverse, inverse.square());
    let mut sum = G1Projective::ZERO;
    h.for_each_chunk(source, rng, 0, |_, points, _| {
        sum += scalar_combination(&points, &geometric(&next, &step, points.len()));
        next *= step.pow([points.len() as u64]);
        Ok::<_, FormatError>(())
    })?;
    Ok(sum.into_affine().is_zero())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::marker::PhantomData;

    use bn254_batch::mul_each;

    use super::*;
    use crate::entropy::CoefficientSeed;
    use crate::format::encoding::{Encoding, encode};
    use crate::format::zkey::section;

    const POWER: u32 = 4;

    fn power() -> Power {
        Power::new(POWER).unwrap()
    }

    fn points(scalars: &[Fr]) -> Vec<G1Affine> {
        let mut points = vec![G1Affine::generator(); scalars.len()];
        mul_each(&mut points, scalars);
        points
    }

    /// z_0, z_1, ... of a domain.
    fn z(power: Power) -> Vec<Fr> {
        let root = roots(power).unwrap();
        geometric(&root, &root.square(), power.n() as usize)
    }

    /// Some h_j over 1, and H_i of these.
    fn h(power: Power, h: &[Fr]) -> Vec<Fr> {
        let scale = -(Fr::from(2u64) * Fr::from(power.n())).inverse().unwrap();
        let at = |z: Fr| {
            let inverse = z.inverse().unwrap();
            h.iter().rev().fold(Fr::ZERO, |sum, h| sum * inverse + h) * scale
        };
        z(power).into_iter().map(at).collect()
    }

    fn outcome(before: &[Fr], after: &[Fr], delta: Fr, chunk: usize) -> Divided {
        let seed = CoefficientSeed::from_os().unwrap();
        let combine = |scalars: &[Fr], chunk: usize| {
            let (mut rng, mut sum) = (seed.of(section::H), Combination::default());
            points(scalars).chunks(chunk).for_each(|chunk| {
                sum.add(chunk, &rng.coefficients(chunk.len()));
            });
            sum
        };
        let g2 = G2Affine::generator();
        let deltas = Ratio((g2 * delta).into_affine(), g2);
        // However the one and the other are cut.
        let (before, after) = (combine(before, chunk), combine(after, 7));
        divided(&before, &after, deltas, Some((power(), seed.of(section::H))))
    }

    fn lacks(power: Power, h: &[Fr]) -> bool {
        let run = PointRun {
            section: 9,
            name: "H",
            offset: 0,
            len: h.len() as u64,
            encoding: Encoding::Montgomery,
            infinity: false,
            group: PhantomData,
        };
        let mut file = Cursor::new(encode(&points(h), Encoding::Montgomery));
        lacks_top_power(run, power, &mut file, &mut VerifierRng::from_os().unwrap()).unwrap()
    }

    #[test]
    fn only_a_difference_along_z_is_left_to_the_top_power() {
        let n = power().n();
        let delta = Fr::from(77u64);
        let coefficients: Vec<Fr> = (0..n).map(|j| Fr::from(j * j + 5)).collect();
        let before = h(power(), &coefficients);
        let divided: Vec<Fr> = before.iter().map(|h| *h * delta.inverse().unwrap()).collect();
        let along_z: Vec<Fr> =
            divided.iter().zip(z(power())).map(|(h, z)| *h + z * Fr::from(1234u64)).collect();
        for chunk in [1, 3, 5, 16] {
            assert_eq!(outcome(&before, &divided, delta, chunk), Divided::Exactly);
            assert_eq!(outcome(&before, &along_z, delta, chunk), Divided::ButForTopPower);
            // Each place alone counts, the first one too.
            for place in [0, 1, n as usize / 2, n as usize - 1] {
                for start in [&divided, &along_z] {
                    let mut other = start.clone();
                    other[place] += Fr::from(1u64);
                    assert_eq!(outcome(&before, &other, delta, chunk), Divided::Not, "{place}");
                }
            }
            assert_eq!(outcome(&before, &divided, delta + Fr::ONE, chunk), Divided::Not);
        }
    }

    #[test]
    fn the_top_power_is_found_missing_across_chunks() {
        let small = power();
        // Longer than a chunk.
        let large = Power::new(CHUNK_POINTS.ilog2() + 1).unwrap();
        for power in [Power::new(1).unwrap(), small, large] {
            let mut coefficients = vec![Fr::ZERO; power.n() as usize];
            coefficients[0] = Fr::from(3u64);
            let (last, all) = (coefficients.len() - 1, coefficients.clone());
            assert!(lacks(power, &sparse(power, &all)));
            coefficients[last] += Fr::from(9u64);
            assert!(!lacks(power, &sparse(power, &coefficients)));
        }
        assert!(lacks(small, &h(small, &[1u64, 2, 3, 4, 5, 6, 7].map(Fr::from))));
    }

    /// [`h`] of few coefficients that are not zero.
    fn sparse(power: Power, h: &[Fr]) -> Vec<Fr> {
        let scale = -(Fr::from(2u64) * Fr::from(power.n())).inverse().unwrap();
        let mut sums = vec![Fr::ZERO; h.len()];
        let root = roots(power).unwrap().inverse().unwrap();
        for (j, coefficient) in h.iter().enumerate().filter(|(_, h)| **h != Fr::ZERO) {
            let j = [j as u64];
            let powers = geometric(&root.pow(j), &root.square().pow(j), h.len());
            for (sum, power) in sums.iter_mut().zip(powers) {
                *sum += power * coefficient * scale;
            }
        }
        sums
    }

    #[test]
    fn the_largest_domain_has_no_roots_and_no_second_form() {
        assert_eq!(roots(Power::new(28).unwrap()), None);
        assert!(!lacks(Power::new(28).unwrap(), &[Fr::ONE]));
    }
}
