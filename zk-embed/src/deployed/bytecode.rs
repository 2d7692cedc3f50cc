//! A key out of the code of a contract: the numbers that it pushes.
//!
//! Compilers reorder and share constants, so a point is known by its curve equation: its x is among
//! the numbers, and so is one of the two y that belong to it. In G2 the two numbers of x stand
//! close to each other.

use std::collections::HashSet;

use ark_bn254::{Fq, Fq2, G1Affine, G2Affine};
use ark_ff::{BigInt, PrimeField as _};
use zk_attest::error::{Code, Refusal, Result};

use super::{DeployedKey, Verifier};

/// Coordinates are as good as random: shorter ones than this are something else.
const SHORTEST: usize = 28;
/// How far apart the two numbers of a coordinate of G2 are at most, in numbers.
const WINDOW: usize = 4;
/// Numbers in a contract at most: what 24 576 bytes have room for, and as much again.
const MAX_NUMBERS: usize = 2048;

/// The hex digits of a code, in one line or several, if the text is that.
pub(super) fn digits(text: &str) -> Option<String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let digits: String = digits.split_whitespace().collect();
    let is_code = digits.len() >= 2 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_code.then_some(digits)
}

/// The verifier in a code.
pub(super) fn verifier(digits: &str) -> Result<Verifier> {
    let code = hex(digits).ok_or_else(|| {
        Refusal::new(Code::Malformed, "half a byte is missing from the code")
            .found(format_args!("{} hex digits", digits.len()))
            .expected("an even number")
            .hint("copy the whole result of eth_getCode")
    })?;
    let numbers = pushed(&code);
    if numbers.len() > MAX_NUMBERS {
        return Err(Refusal::new(Code::TooLarge, "more numbers in the code than a contract holds")
            .found(numbers.len())
            .expected(format_args!("at most {MAX_NUMBERS}"))
            .hint("give the code of one contract"));
    }
    let (g1, g2) = points(&numbers);
    if g2.is_empty() || g1.len() < 2 {
        return Err(Refusal::new(Code::KeyLength, "there is no Groth16 key of BN254 in the code")
            .found(format_args!("{} points of G1, {} of G2", g1.len(), g2.len()))
            .expected("at least 2 of G1 and 1 of G2")
            .hint(
                "give the code of the contract that holds the key: not a proxy's, and not that of \
                 a contract that reads its key from storage",
            ));
    }
    Ok(Verifier {
        name: "the code".into(),
        key: DeployedKey::Points { g1, g2, numbers: numbers.into_iter().collect() },
    })
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes = (0..digits.len()).step_by(2);
    bytes.map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// The coordinates that instructions push, in their order, each once.
fn pushed(code: &[u8]) -> Vec<Fq> {
    const PUSH1: u8 = 0x60;
    const PUSH32: u8 = 0x7f;
    let (mut numbers, mut seen) = (Vec::new(), HashSet::new());
    let mut at = 0;
    while let Some(instruction) = code.get(at) {
        at += 1;
        if !(PUSH1..=PUSH32).contains(instruction) {
            continue;
        }
        let length = usize::from(instruction - PUSH1) + 1;
        if let Some(immediate) = code.get(at..at + length)
            && length >= SHORTEST
        {
            let mut limbs = [0; 4];
            for (i, byte) in immediate.iter().rev().enumerate() {
                limbs[i / 8] |= u64::from(*byte) << (8 * (i % 8));
            }
            // What is not below q is no coordinate.
            if let Some(number) = Fq::from_bigint(BigInt(limbs))
                && seen.insert(number)
            {
                numbers.push(number);
            }
        }
        at += length;
    }
    numbers
}

/// The points whose coordinates are among the numbers, each once up to its sign.
fn points(numbers: &[Fq]) -> (Vec<G1Affine>, Vec<G2Affine>) {
    let known: HashSet<Fq> = numbers.iter().copied().collect();
    let g1 = numbers.iter().filter_map(|x| {
        let point = G1Affine::get_point_from_x_unchecked(*x, false)?;
        (known.contains(&point.y) || known.contains(&-point.y)).then_some(point)
    });
    let g2 = numbers.iter().enumerate().flat_map(|(i, first)| {
        let near = numbers.get(i + 1..).unwrap_or_default().iter().take(WINDOW);
        near.flat_map(move |second| [Fq2::new(*first, *second), Fq2::new(*second, *first)])
    });
    let g2 = g2.filter_map(|x| {
        let point = G2Affine::get_point_from_x_unchecked(x, false)?;
        let among = |y: Fq2| known.contains(&y.c0) && known.contains(&y.c1);
        let found = among(point.y) || among(-point.y);
        (found && point.is_in_correct_subgroup_assuming_on_curve()).then_some(point)
    });
    (g1.collect(), g2.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_read_and_what_only_looks_like_an_instruction_is_not() {
        let number = [7_u8; 32];
        let mut code = vec![0x61, 0x7f, 0x7f, 0x7f];
        code.extend(number);
        code.push(0x7f);
        code.extend([1; 31]);
        assert_eq!(pushed(&code), [Fq::from_be_bytes_mod_order(&number)]);
        // The modulus is no coordinate.
        let mut q = vec![0x7f];
        q.extend(ark_ff::BigInteger::to_bytes_be(&Fq::MODULUS));
        assert_eq!(pushed(&q), []);
    }
}
