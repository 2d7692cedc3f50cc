//! Keys out of the source of a contract, by the names that generators give to their numbers.
//!
//! A number belongs to the last name before it in its statement: `deltax1` in
//! `uint256 constant deltax1 = 8495...;`, `IC` in `vk.IC[0] = G1Point(4503..., 8729...)`. What a
//! name is for is in the name: `alpha` or `alfa`, `beta`, `gamma`, `delta`; `IC`, `gamma_abc`,
//! `CONSTANT` and `PUB` are input points; a part that `NEG` follows is stored negated. Numbers of
//! other names are no part of a key.

use ark_bn254::{Bn254, Fq, G1Affine, G2Affine};
use ark_ff::{BigInt, BigInteger as _, PrimeField as _};
use ark_groth16::VerifyingKey;
use zk_attest::error::{Code, Refusal, Result};

use super::{DeployedKey, Verifier, points};

/// Numbers of a key at most: those of 2048 inputs, and as much again for what is no part of it.
const MAX_NUMBERS: usize = 8192;
/// The words that are no names.
const WORDS: [&str; 16] = [
    "constant",
    "immutable",
    "internal",
    "memory",
    "new",
    "private",
    "public",
    "pure",
    "return",
    "uint",
    "uint256",
    "view",
    "Pairing",
    "G1Point",
    "G2Point",
    "let",
];

/// What a number is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Alpha,
    Beta,
    Gamma,
    Delta,
    Input,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Alpha => "alpha",
            Self::Beta => "beta",
            Self::Gamma => "gamma",
            Self::Delta => "delta",
            Self::Input => "IC",
        }
    }

    /// Whether its points are in G2.
    const fn in_g2(self) -> bool {
        matches!(self, Self::Beta | Self::Gamma | Self::Delta)
    }

    fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let is_input = name.contains("gamma_abc")
            || name.contains("gammaabc")
            || name.starts_with("constant_")
            || name.starts_with("pub_")
            || name.strip_prefix("ic").is_some_and(|rest| {
                rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || c == '_')
            });
        if is_input {
            return Some(Self::Input);
        }
        let named = [
            ("alpha", Self::Alpha),
            ("alfa", Self::Alpha),
            ("beta", Self::Beta),
            ("gamma", Self::Gamma),
            ("delta", Self::Delta),
        ];
        named.into_iter().find(|(word, _)| name.contains(word)).map(|(_, part)| part)
    }
}

/// A number of a key.
struct Number {
    part: Part,
    negated: bool,
    value: Fq,
}

/// The numbers of one contract.
#[derive(Default)]
struct Contract {
    name: String,
    numbers: Vec<Number>,
}

/// The contracts with a key in a source.
pub(super) fn verifiers(text: &str) -> Result<Vec<Verifier>> {
    let contracts = contracts(text)?;
    let with_key = contracts.iter().filter(|contract| !contract.numbers.is_empty());
    let verifiers = with_key.map(Contract::verifier).collect::<Result<Vec<_>>>()?;
    if verifiers.is_empty() {
        return Err(Refusal::new(Code::KeyLength, "there is no Groth16 key in the source")
            .found("no numbers named alpha, beta, gamma, delta and IC")
            .expected("the constants of a verifying key on BN254")
            .hint(
                "give the file that holds the key, or the deployed code as hex digits, as a \
                 node's eth_getCode answers it",
            ));
    }
    Ok(verifiers)
}

fn contracts(text: &str) -> Result<Vec<Contract>> {
    let mut contracts = vec![Contract::default()];
    let (mut name, mut names_contract) = ("", false);
    let mut numbers = 0;
    for token in (Tokens { rest: text }) {
        match token {
            Token::End => name = "",
            Token::Name("contract" | "library") => names_contract = true,
            Token::Name(word) if names_contract => {
                names_contract = false;
                contracts.push(Contract { name: word.into(), numbers: Vec::new() });
            }
            Token::Name(word) if WORDS.contains(&word) => {}
            Token::Name(word) => name = word,
            Token::Number(value) => {
                if let (Some(part), Some(contract)) = (Part::of(name), contracts.last_mut()) {
                    numbers += 1;
                    let negated = name.to_ascii_lowercase().contains("neg");
                    contract.numbers.push(Number { part, negated, value });
                }
            }
        }
        if numbers > MAX_NUMBERS {
            return Err(Refusal::new(Code::TooLarge, "more numbers than a verifying key has")
                .found(format_args!("more than {MAX_NUMBERS}"))
                .expected(format_args!("at most {MAX_NUMBERS}"))
                .hint("give the file that holds the key, and no others"));
        }
    }
    Ok(contracts)
}

impl Contract {
    fn verifier(&self) -> Result<Verifier> {
        let within = |refusal: Refusal| {
            if self.name.is_empty() { refusal } else { refusal.within(&self.name) }
        };
        let key = self.key().map_err(within)?;
        Ok(Verifier { name: self.name.clone(), key: DeployedKey::Whole(key) })
    }

    fn key(&self) -> Result<VerifyingKey<Bn254>> {
        let key = VerifyingKey {
            alpha_g1: one(self.in_g1(Part::Alpha)?, Part::Alpha)?,
            beta_g2: one(self.in_g2(Part::Beta)?, Part::Beta)?,
            gamma_g2: one(self.in_g2(Part::Gamma)?, Part::Gamma)?,
            delta_g2: one(self.in_g2(Part::Delta)?, Part::Delta)?,
            gamma_abc_g1: self.in_g1(Part::Input)?,
        };
        if key.gamma_abc_g1.is_empty() {
            return Err(missing(Part::Input, 0, "at least 1"));
        }
        Ok(key)
    }

    fn in_g1(&self, part: Part) -> Result<Vec<G1Affine>> {
        self.points(part, |numbers: &[Fq; 2]| points::g1(numbers[0], numbers[1]))
    }

    fn in_g2(&self, part: Part) -> Result<Vec<G2Affine>> {
        self.points(part, |numbers: &[Fq; 4]| points::g2(*numbers))
    }

    /// The points of a part, whose coordinates stand one after another.
    fn points<P: std::ops::Neg<Output = P>, const N: usize>(
        &self,
        part: Part,
        point: impl Fn(&[Fq; N]) -> Option<P>,
    ) -> Result<Vec<P>> {
        let numbers: Vec<&Number> =
            self.numbers.iter().filter(|number| number.part == part).collect();
        let (whole, rest) = numbers.as_chunks::<N>();
        if !rest.is_empty() {
            return Err(Refusal::new(
                Code::KeyLength,
                format_args!("the numbers of {} are not those of whole points", part.name()),
            )
            .found(format_args!("{} numbers", numbers.len()))
            .expected(format_args!("{N} for each point"))
            .hint("give the source as it was deployed"));
        }
        let read = |(i, numbers): (usize, &[&Number; N])| {
            let found = point(&numbers.map(|number| number.value)).ok_or_else(|| {
                let of = if part.in_g2() { "G2" } else { "G1" };
                Refusal::new(
                    Code::KeyPoint,
                    format_args!("point {i} of {} is no point of {of} of BN254", part.name()),
                )
            })?;
            Ok(if numbers[0].negated { -found } else { found })
        };
        whole.iter().enumerate().map(read).collect()
    }
}

fn missing(part: Part, found: usize, expected: &str) -> Refusal {
    Refusal::new(Code::KeyLength, format_args!("the key is not whole: {}", part.name()))
        .found(format_args!("{found} points"))
        .expected(expected)
        .hint("give the source as it was deployed, with all that it imports in one file")
}

fn one<P>(points: Vec<P>, part: Part) -> Result<P> {
    let found = points.len();
    match <[P; 1]>::try_from(points) {
        Ok([point]) => Ok(point),
        Err(_) => Err(missing(part, found, "1")),
    }
}

/// What a source is read as.
#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    /// A number as long as a coordinate and below q.
    Number(Fq),
    /// The end of a statement or a block.
    End,
}

/// The tokens of a source, without comments and texts.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Takes what `belongs` says from the front.
    fn take(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Goes on after the next `end`.
    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, after)| after);
    }

    /// Goes on after a text that `quote` began.
    fn skip_text(&mut self, quote: char) {
        let mut escaped = false;
        let end = self.rest.char_indices().find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        self.rest = end.map_or("", |(at, _)| self.rest.get(at + 1..).unwrap_or_default());
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            if let Some(rest) = self.rest.strip_prefix("//") {
                self.rest = rest;
                self.skip_past("\n");
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("/*") {
                self.rest = rest;
                self.skip_past("*/");
                continue;
            }
            let first = self.rest.chars().next()?;
            if first.is_ascii_digit() {
                let number = self.take(|c| c.is_ascii_alphanumeric() || c == '_');
                if let Some(value) = coordinate(&number.replace('_', "")) {
                    return Some(Token::Number(value));
                }
                continue;
            }
            if first.is_alphabetic() || first == '_' || first == '$' {
                let name = self.take(|c| c.is_alphanumeric() || c == '_' || c == '$');
                return Some(Token::Name(name));
            }
            self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
            match first {
                '"' | '\'' => self.skip_text(first),
                ';' | '{' | '}' => return Some(Token::End),
                _ => {}
            }
        }
    }
}

/// A number in decimal or, after 0x, in hex, if it is as long as a coordinate and below q.
fn coordinate(digits: &str) -> Option<Fq> {
    /// Coordinates are as good as random; an index or a length is shorter.
    const SHORTEST_BITS: u32 = 192;
    let number = match digits.strip_prefix("0x") {
        Some(hex) if hex.len() <= 64 => {
            let padded = format!("{hex:0>64}");
            let mut limbs = [0; 4];
            for (i, limb) in limbs.iter_mut().rev().enumerate() {
                *limb = u64::from_str_radix(padded.get(16 * i..16 * i + 16)?, 16).ok()?;
            }
            BigInt(limbs)
        }
        Some(_) => return None,
        None if digits.len() <= 78 => digits.parse().ok()?,
        None => return None,
    };
    if number.num_bits() < SHORTEST_BITS {
        return None;
    }
    Fq::from_bigint(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_names_and_coordinates_without_comments_and_texts() {
        let long = "1".repeat(70);
        let text = format!(
            "a /* b {long} */ = {long}; // c {long}\n \"d \\\" {long}\" 'e' f[3] 0x{} 1_{}",
            "2".repeat(60),
            &long[1..]
        );
        let number = |digits: &str| Token::Number(coordinate(digits).unwrap());
        let tokens: Vec<_> = Tokens { rest: &text }.collect();
        let hex = format!("0x{}", "2".repeat(60));
        let expected = [
            Token::Name("a"),
            number(&long),
            Token::End,
            Token::Name("f"),
            number(&hex),
            number(&long),
        ];
        assert_eq!(tokens, expected);
    }

    #[test]
    fn a_number_is_read_in_both_bases_and_never_reduced() {
        let q_minus_1 = -Fq::from(1_u64);
        assert_eq!(coordinate(&q_minus_1.to_string()), Some(q_minus_1));
        let q = "21888242871839275222246405745257275088696311157297823662689037894645226208583";
        let r = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
        assert!(coordinate(q).is_none());
        assert!(coordinate(r).is_some());
        for other in ["1", "0x1", "0x", "9999999999999999999999999999", &"9".repeat(79)] {
            assert!(coordinate(other).is_none(), "{other}");
        }
    }
}
