//! A circuit of any size: a run of squarings, x_(i+1) = x_i^2 + i, sparse as compiled circuits are.

use std::io::Cursor;

use bn254_batch::curve::Fr;
use ceremony_core::format::r1cs::{Shape, write_r1cs};

/// The `.r1cs` of the largest such circuit that fits the domain of 2^power: its constraints and two
/// input rows fill it. Wires: one, y, x = z_0, z_1, ..., with y = z_n.
pub fn squares(power: u32) -> Vec<u8> {
    let constraints = (1 << power) - 2;
    let one = Fr::from(1u64);
    let wire = |i: u32| if i == constraints { 1 } else { i + 2 };
    let rows = (0..constraints).map(|i| {
        [
            vec![(one, wire(i))],
            vec![(one, wire(i))],
            vec![(-Fr::from(u64::from(i)), 0), (one, wire(i + 1))],
        ]
    });
    let shape = Shape::new(constraints + 2, 1, 0, 1, constraints).expect("a sound shape");
    write_r1cs(Cursor::new(Vec::new()), shape, rows).expect("writing to memory").into_inner()
}
