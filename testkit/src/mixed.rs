//! A circuit of any size whose rows have seven terms, a fifth of them with a coefficient that is
//! neither 1 nor -1.

use std::io::Cursor;

use bn254_batch::curve::Fr;
use ceremony_core::format::r1cs::{Shape, write_r1cs};

/// The `.r1cs` of such a circuit that fills the domain of 2^power: A and B have two terms in each
/// row, C has three. Every `long`th of the other coefficients is as long as the field's elements,
/// the rest have 2 to 16 bits.
pub fn mixed(power: u32, long: u64) -> Vec<u8> {
    let constraints = (1u32 << power) - 2;
    let wires = constraints + 2;
    // A generator of Knuth's; what it draws has no meaning.
    let mut state = 88u64;
    let mut draw = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut others = 0u64;
    let mut value = move |draw: &mut dyn FnMut() -> u64| {
        if !draw().is_multiple_of(5) {
            return if draw().is_multiple_of(2) { Fr::from(1u64) } else { -Fr::from(1u64) };
        }
        others += 1;
        let any = draw();
        let short = Fr::from(2 + any % ((1 << (2 + draw() % 15)) - 1));
        if others.is_multiple_of(long) {
            // The square of the square of a number of 64 bits and a little.
            let root = Fr::from((any << 33) ^ draw()) + short;
            let square = root * root;
            square * square
        } else if draw().is_multiple_of(2) {
            short
        } else {
            -short
        }
    };
    let rows = (0..constraints).map(|i| {
        let mut row = |terms: u32| -> Vec<(Fr, u32)> {
            let near = (0..terms).map(|_| (i + (draw() % 64) as u32) % wires).collect::<Vec<_>>();
            near.into_iter().map(|wire| (value(&mut draw), wire)).collect()
        };
        [row(2), row(2), row(3)]
    });
    let shape = Shape::new(wires, 1, 0, 1, constraints).expect("a sound shape");
    write_r1cs(Cursor::new(Vec::new()), shape, rows).expect("writing to memory").into_inner()
}
