//! Which Lagrange bases a `.ptau` has.

use std::fmt;
use std::str::FromStr;

use super::FormatError;
use super::container::u32_at;
use super::ptau::Power;
use crate::limits::MAX_POWER;

/// The domains whose Lagrange bases a file has: those of 2^first to 2^last points.
///
/// ```
/// use ceremony_core::format::ptau::{Levels, Power};
///
/// let levels: Levels = "10..12".parse()?;
/// assert_eq!((levels.first(), levels.last()), (10, 12));
/// assert_eq!("14".parse::<Levels>()?.to_string(), "14");
/// assert!("12..10".parse::<Levels>().is_err());
/// // A circuit of 2^11 rows finds what it needs.
/// assert!(levels.has(Power::new(11).ok_or("too large")?));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    first: u32,
    last: u32,
}

impl Levels {
    /// From `first` to `last`, if these are in order and at most [`MAX_POWER`].
    #[must_use]
    pub fn new(first: u32, last: u32) -> Option<Self> {
        (first <= last && last <= MAX_POWER).then_some(Self { first, last })
    }

    /// Every level of a file.
    #[must_use]
    pub fn all(power: Power) -> Self {
        Self { first: 0, last: power.exponent() }
    }

    /// What a circuit with a domain of this size needs.
    #[must_use]
    pub fn of(domain: Power) -> Self {
        Self { first: domain.exponent(), last: domain.exponent() }
    }

    /// The smallest level.
    #[must_use]
    pub fn first(self) -> u32 {
        self.first
    }

    /// The largest level; section 12 has the next one as well, for H.
    #[must_use]
    pub fn last(self) -> u32 {
        self.last
    }

    /// Whether a circuit with a domain of this size finds what it needs.
    #[must_use]
    pub fn has(self, domain: Power) -> bool {
        (self.first..=self.last).contains(&domain.exponent())
    }

    /// The index of the first point of a level in its run, where levels lie one after another.
    #[must_use]
    pub fn start_of(self, level: u32) -> u64 {
        (1 << level) - (1 << self.first)
    }

    /// Points of these levels, and of the next one too where `doubled`.
    pub(super) fn points(self, doubled: bool) -> u64 {
        self.start_of(self.last + 1 + u32::from(doubled))
    }

    pub(crate) fn to_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&self.first.to_le_bytes());
        bytes[4..].copy_from_slice(&self.last.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8; 8], power: Power) -> Result<Self, FormatError> {
        let (first, last) = (u32_at(bytes, 0), u32_at(bytes, 4));
        Self::new(first, last).filter(|levels| levels.last <= power.exponent()).ok_or_else(|| {
            FormatError::Header {
                what: "levels",
                found: format!("{first} to {last}"),
                expected: format!("a first one and a last one of at most {power}"),
            }
        })
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, last } = self;
        if first == last { write!(f, "{first}") } else { write!(f, "{first}..{last}") }
    }
}

/// Not levels: what was read, for messages.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("found {0:?}, expected a level such as 14, or the first and the last of several: 10..14")]
pub struct NoLevels(String);

impl FromStr for Levels {
    type Err = NoLevels;

    /// `N`, or `N..M`, both included.
    fn from_str(text: &str) -> Result<Self, NoLevels> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        let number = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().ok()).flatten()
        };
        number(first)
            .zip(number(last))
            .and_then(|(first, last)| Self::new(first, last))
            .ok_or_else(|| NoLevels(text.into()))
    }
}
