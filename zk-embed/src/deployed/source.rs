//! Keys out of the source of a contract, by the names that generators give to their numbers.
//!
//! ```text
//! uint256 constant deltax1 = 8495...;              a coordinate: part, which point, x or y
//! vk.IC[0] = Pairing.G1Point(4503..., 8729...);    a point
//! ```
//!
//! [`Name::of`] says which names are parts of a key. What is assigned to one must be plain numbers,
//! once: a value that is computed is another than the number that stands there, and is refused. The
//! numbers of other names are no part of a key, and are counted.

use std::collections::BTreeMap;

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ff::PrimeField as _;
use ceremony_core::keygen::VerifyingKey;
use zk_attest::error::{Code, Refusal, Result};

use super::points;
use super::token::{Token, Tokens};
use super::{DeployedKey, Found, Verifier};

/// Coordinates of a key at most: those of 2048 inputs, and as much again.
const MAX_COORDINATES: usize = 8192;
/// What may stand around the numbers of a point.
const CONSTRUCTORS: [&str; 6] = ["Pairing", "G1Point", "G2Point", "uint", "uint256", "memory"];

/// What a number is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
}

/// The name of a point or of a coordinate.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Name {
    part: Part,
    /// Which input point; 0 of the others.
    index: usize,
    negated: bool,
    /// `x`, `y1`, ..; empty for a whole point.
    coordinate: String,
}

impl Name {
    /// Of these words, in capitals or not, with what stands behind:
    ///
    /// ```text
    /// alpha alfa beta gamma delta   x y x0 x1 x2 y0 y1 y2, after digits and _; `neg` negates
    /// IC n, gamma_abc n             x y
    /// CONSTANT, PUB_n               x y           input point 0, and n + 1
    /// ```
    fn of(word: &str) -> Option<Self> {
        const WORDS: [(&str, Part, usize); 9] = [
            ("gamma_abc", Part::Input, 0),
            ("alpha", Part::Alpha, 0),
            ("alfa", Part::Alpha, 0),
            ("beta", Part::Beta, 0),
            ("gamma", Part::Gamma, 0),
            ("delta", Part::Delta, 0),
            ("constant_", Part::Input, 0),
            ("pub_", Part::Input, 1),
            ("ic", Part::Input, 0),
        ];
        // Longer ones are of no generator.
        if word.len() > 32 {
            return None;
        }
        let word = word.to_ascii_lowercase();
        let word = word.strip_prefix("vk_").unwrap_or(&word);
        let (rest, part, first) = WORDS
            .iter()
            .find_map(|(stem, part, first)| Some((word.strip_prefix(stem)?, *part, *first)))?;
        let (rest, negated) = match rest.strip_prefix("_neg") {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let rest = rest.trim_start_matches('_');
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = rest.split_at(digits);
        let coordinate = rest.replace('_', "");
        let is_coordinate =
            ["", "x", "y", "x0", "x1", "x2", "y0", "y1", "y2"].contains(&coordinate.as_str());
        if !is_coordinate {
            return None;
        }
        // `beta2` is beta in the second group.
        let index = match (part, number) {
            (Part::Input, "") => 0,
            (Part::Input, number) => first + number.parse::<usize>().ok()?,
            _ => 0,
        };
        Some(Self { part, index, negated, coordinate })
    }
}

/// The numbers of a point: by the names of the coordinates, or in their order.
#[derive(Default)]
struct Numbers {
    negated: bool,
    named: BTreeMap<String, Fq>,
    listed: Vec<Fq>,
}

/// A contract.
#[derive(Default)]
struct Contract {
    name: String,
    points: BTreeMap<(Part, usize), Numbers>,
}

/// The contracts with a key in a source.
pub(super) fn verifiers(text: &str) -> Result<Found> {
    let (contracts, other_numbers) = contracts(text)?;
    let with_key = contracts.iter().filter(|contract| !contract.points.is_empty());
    let verifiers = with_key.map(Contract::verifier).collect::<Result<Vec<_>>>()?;
    if verifiers.is_empty() {
        return Err(Refusal::new(Code::KeyLength, "there is no Groth16 key in the source")
            .found("no numbers named alpha, beta, gamma, delta and IC")
            .expected("the constants of a verifying key on BN254")
            .hint(
                "give the file that holds the key, or the deployed code as hex digits: the result \
                 of a node's eth_getCode",
            ));
    }
    Ok(Found { verifiers, other_numbers })
}

/// The contracts, and how many numbers as long as a coordinate are no part of a key.
fn contracts(text: &str) -> Result<(Vec<Contract>, usize)> {
    let mut contracts = vec![Contract::default()];
    let (mut coordinates, mut others) = (0, 0);
    let mut statement: Vec<Token<'_>> = Vec::new();
    let mut tokens = Tokens::new(text)?;
    loop {
        let token = tokens.next_token()?;
        match token {
            Some(token) if token != Token::End => {
                statement.push(token);
                continue;
            }
            Some(_) | None => {}
        }
        if let Some(name) = begun_contract(&statement) {
            contracts.push(Contract { name: name.into(), ..Contract::default() });
        }
        if let Some(contract) = contracts.last_mut() {
            match assigned(&statement)? {
                Some((name, numbers)) => {
                    coordinates += numbers.len();
                    contract.add(name, numbers)?;
                }
                None => others += statement.iter().filter(|token| token.is_long()).count(),
            }
        }
        if coordinates > MAX_COORDINATES {
            return Err(Refusal::new(Code::TooLarge, "more numbers than a verifying key has")
                .found(format_args!("more than {MAX_COORDINATES}"))
                .expected(format_args!("at most {MAX_COORDINATES}"))
                .hint("give the file that holds the key, and no others"));
        }
        statement.clear();
        if token.is_none() {
            return Ok((contracts, others));
        }
    }
}

fn begun_contract<'a>(statement: &[Token<'a>]) -> Option<&'a str> {
    let begins = |token: &Token<'_>| matches!(token, Token::Name("contract" | "library"));
    match statement.get(statement.iter().position(begins)? + 1) {
        Some(Token::Name(name)) => Some(name),
        _ => None,
    }
}

/// What a statement assigns to a part of a key.
fn assigned(statement: &[Token<'_>]) -> Result<Option<(Name, Vec<Fq>)>> {
    let is_set = |token: &Token<'_>| matches!(token, Token::Other('='));
    let Some(at) = statement.iter().position(is_set) else { return Ok(None) };
    let (left, right) = (&statement[..at], &statement[at + 1..]);
    if matches!(right, [Token::Other('='), ..]) {
        return Ok(None);
    }
    // `vk.IC[3] =`, `uint256 constant IC3x =`
    let (word, index) = match left {
        [.., Token::Name(word), Token::Other('['), Token::Number(index), Token::Other(']')] => {
            (word, Some(index))
        }
        [.., Token::Name(word)] => (word, None),
        _ => return Ok(None),
    };
    let Some(mut name) = Name::of(word) else { return Ok(None) };
    if let Some(index) = index {
        name.index = index.parse().map_err(|_| computed(word))?;
    }
    // `vk.IC = new Pairing.G1Point[](3)` makes room.
    if matches!(right, [Token::Name("new"), ..]) {
        return Ok(None);
    }
    let mut numbers = Vec::new();
    for token in right {
        match token {
            Token::Number(number) => numbers.push(coordinate(word, number)?),
            Token::Name(word) if CONSTRUCTORS.contains(word) => {}
            Token::Other('(' | ')' | '[' | ']' | ',' | '.') => {}
            _ => return Err(computed(word)),
        }
    }
    Ok(Some((name, numbers)))
}

fn computed(word: &str) -> Refusal {
    Refusal::new(
        Code::KeyEncoding,
        format_args!("the value of {word} is computed, and not only written down"),
    )
    .expected("plain numbers, as generators write them")
    .hint("no tool makes such a contract: look at it, or give the deployed code as hex digits")
}

fn coordinate(word: &str, digits: &str) -> Result<Fq> {
    points::number(digits).and_then(Fq::from_bigint).ok_or_else(|| {
        Refusal::new(Code::KeyEncoding, format_args!("a number of {word} is not a coordinate"))
            .found(digits.get(..80).unwrap_or(digits))
            .expected("a number below the base field's modulus, in decimal or hex")
    })
}

impl Contract {
    fn add(&mut self, name: Name, numbers: Vec<Fq>) -> Result<()> {
        let again = || {
            Refusal::new(Code::KeyEncoding, format_args!("{} is assigned twice", name.part.name()))
                .expected("each number once")
        };
        let point = self.points.entry((name.part, name.index)).or_default();
        point.negated |= name.negated;
        if name.coordinate.is_empty() {
            if !point.listed.is_empty() || !point.named.is_empty() {
                return Err(again());
            }
            point.listed = numbers;
            return Ok(());
        }
        let [number] = numbers[..] else { return Err(computed(&name.coordinate)) };
        if !point.listed.is_empty() || point.named.insert(name.coordinate.clone(), number).is_some()
        {
            return Err(again());
        }
        Ok(())
    }

    fn verifier(&self) -> Result<Verifier> {
        let within = |refusal: Refusal| {
            if self.name.is_empty() { refusal } else { refusal.within(&self.name) }
        };
        let key = self.key().map_err(within)?;
        Ok(Verifier { name: self.name.clone(), key: DeployedKey::Whole(Box::new(key)) })
    }

    fn key(&self) -> Result<VerifyingKey> {
        let inputs = self.points.keys().filter(|(part, _)| *part == Part::Input).count();
        if inputs == 0 {
            return Err(missing(Part::Input, 0));
        }
        Ok(VerifyingKey {
            alpha_g1: self.in_g1(Part::Alpha, 0)?,
            beta_g2: self.in_g2(Part::Beta)?,
            gamma_g2: self.in_g2(Part::Gamma)?,
            delta_g2: self.in_g2(Part::Delta)?,
            // Their numbers are those from 0 on, or one of them is missing.
            gamma_abc_g1: (0..inputs).map(|i| self.in_g1(Part::Input, i)).collect::<Result<_>>()?,
        })
    }

    fn in_g1(&self, part: Part, index: usize) -> Result<G1Affine> {
        self.point(part, index, |[x, y]| points::g1(x, y))
    }

    fn in_g2(&self, part: Part) -> Result<G2Affine> {
        self.point(part, 0, points::g2)
    }

    fn point<P: std::ops::Neg<Output = P>, const N: usize>(
        &self,
        part: Part,
        index: usize,
        point: impl Fn([Fq; N]) -> Option<P>,
    ) -> Result<P> {
        let numbers = self.points.get(&(part, index)).ok_or_else(|| missing(part, index))?;
        // In the order of their names the numbers of x come first.
        let named = numbers.named.values().copied();
        let all: Vec<Fq> = named.chain(numbers.listed.iter().copied()).collect();
        let all = <[Fq; N]>::try_from(all).map_err(|all| {
            Refusal::new(
                Code::KeyLength,
                format_args!("point {index} of {} is not whole", part.name()),
            )
            .found(format_args!("{} numbers", all.len()))
            .expected(N)
            .hint("give the source as it was deployed")
        })?;
        let found = point(all).ok_or_else(|| {
            let of = if N == 2 { "G1" } else { "G2" };
            Refusal::new(
                Code::KeyPoint,
                format_args!("point {index} of {} is not a point of {of} of BN254", part.name()),
            )
        })?;
        Ok(if numbers.negated { -found } else { found })
    }
}

fn missing(part: Part, index: usize) -> Refusal {
    Refusal::new(
        Code::KeyLength,
        format_args!("the key is not whole: point {index} of {} is missing", part.name()),
    )
    .hint("give the source as it was deployed, with all that it imports in one file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_generators_are_known_and_others_are_not() {
        let name =
            |word: &str| Name::of(word).map(|it| (it.part, it.index, it.negated, it.coordinate));
        for (word, part, index, negated, coordinate) in [
            ("deltax1", Part::Delta, 0, false, "x1"),
            ("DELTA_NEG_X_0", Part::Delta, 0, true, "x0"),
            ("DELTA_X1", Part::Delta, 0, false, "x1"),
            ("beta2", Part::Beta, 0, false, ""),
            ("alfa1", Part::Alpha, 0, false, ""),
            ("ALPHA_X", Part::Alpha, 0, false, "x"),
            ("vk_gamma_2", Part::Gamma, 0, false, ""),
            ("IC12x", Part::Input, 12, false, "x"),
            ("IC0_Y", Part::Input, 0, false, "y"),
            ("IC", Part::Input, 0, false, ""),
            ("gamma_abc", Part::Input, 0, false, ""),
            ("CONSTANT_X", Part::Input, 0, false, "x"),
            ("PUB_3_Y", Part::Input, 4, false, "y"),
        ] {
            assert_eq!(name(word), Some((part, index, negated, coordinate.into())), "{word}");
        }
        for word in
            ["OLD_DELTA", "deltaOld", "icon", "constant", "public", "alphabet", "x1", "gammax3"]
        {
            assert_eq!(name(word), None, "{word}");
        }
    }
}
