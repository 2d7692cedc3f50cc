//! Runs of scalars.

use ark_ff::Field;
use rayon::prelude::*;

use crate::curve::Fr;

/// first, first ratio, first ratio^2, ...: `count` scalars, on all cores.
pub fn geometric(first: &Fr, ratio: &Fr, count: usize) -> Vec<Fr> {
    const PIECE: usize = 1 << 12;
    let mut run = vec![Fr::ONE; count];
    run.par_chunks_mut(PIECE).with_max_len(1).enumerate().for_each(|(piece, run)| {
        let mut next = *first * ratio.pow([(piece * PIECE) as u64]);
        for scalar in run {
            *scalar = next;
            next *= ratio;
        }
    });
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_into_one_geometric_run() {
        let (first, ratio) = (Fr::from(3u64), Fr::from(7u64));
        let run = geometric(&first, &ratio, 10_000);
        assert_eq!(run[0], first);
        assert!(run.windows(2).all(|w| w[1] == w[0] * ratio));
        assert!(geometric(&first, &ratio, 0).is_empty());
    }
}
