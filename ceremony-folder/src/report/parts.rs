//! What pages about a ceremony have in common: a hash to compare by eye, a chain drawn, and the
//! facts of a step. `report.html` and the service's dashboard are made of these.
//!
//! A part is a value that a template shows: `{{ Hash::of(digest) }}`. Every text in it is escaped
//! by the engine, so that what other people wrote never becomes markup.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{
    ReportedChain, ReportedPlace, ReportedRejection, ReportedStep, ReportedStray, reported_chain,
};
use crate::{Ceremony, Chain};

/// The style sheet of pages about a ceremony: light and dark, paper, telephones.
pub const STYLE: &str = include_str!("../../templates/style.css");

/// Hex digits in groups of four, as two people compare them aloud. Nothing stands between the
/// groups but a margin, so that a whole hash is copied and found as it is.
#[derive(Clone, Copy, Debug, Template)]
#[template(
    source = "<code class=\"hash\">{% for group in self.groups() %}<span>{{ group }}</span>{% \
              endfor %}</code>",
    ext = "html"
)]
pub struct Hash<'a>(&'a str);

impl<'a> Hash<'a> {
    /// Of these digits.
    #[must_use]
    pub fn of(hex: &'a str) -> Self {
        Self(hex)
    }

    fn groups(&self) -> impl Iterator<Item = String> {
        let digits: Vec<char> = self.0.chars().collect();
        let groups = digits.chunks(4).map(String::from_iter).collect::<Vec<_>>();
        groups.into_iter()
    }
}

impl HtmlSafe for Hash<'_> {}

/// A chain, drawn as a row of its steps, rejected files and strays.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "parts/chain.html")]
pub struct Drawn<'a> {
    chain: &'a ReportedChain,
    left_out: usize,
}

/// What stands at a place of a chain.
enum At<'a> {
    Step(&'a ReportedStep),
    Rejected(&'a ReportedRejection),
    Stray(&'a ReportedStray),
    Nothing,
}

impl<'a> Drawn<'a> {
    /// The whole of it.
    #[must_use]
    pub fn whole(chain: &'a ReportedChain) -> Self {
        Self { chain, left_out: 0 }
    }

    /// What [`last_places`] left of it.
    #[must_use]
    pub fn last(chain: &'a ReportedChain, left_out: &usize) -> Self {
        Self { chain, left_out: *left_out }
    }

    fn at(&self, place: &ReportedPlace) -> At<'a> {
        match *place {
            ReportedPlace::Step(i) => self.chain.steps.get(i).map(At::Step),
            ReportedPlace::Rejected(i) => self.chain.rejected.get(i).map(At::Rejected),
            ReportedPlace::Stray(i) => self.chain.strays.get(i).map(At::Stray),
        }
        .unwrap_or(At::Nothing)
    }
}

impl HtmlSafe for Drawn<'_> {}

/// What a service recorded of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedIn {
    /// The number of the journal's entry.
    pub entry: u64,
    /// SHA-256 of the entry, as receipts name it.
    pub sha256: String,
    /// When, by the service's clock, in UTC.
    pub time: String,
}

/// The facts of a step, as a list.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "parts/step.html")]
pub struct Facts<'a> {
    step: &'a ReportedStep,
    recorded: Option<&'a RecordedIn>,
}

impl<'a> Facts<'a> {
    /// As its maker signed them.
    #[must_use]
    pub fn of(step: &'a ReportedStep) -> Self {
        Self { step, recorded: None }
    }

    /// And as a service recorded it.
    #[must_use]
    pub fn and_recorded(step: &'a ReportedStep, recorded: &'a Option<RecordedIn>) -> Self {
        Self { step, recorded: recorded.as_ref() }
    }
}

impl HtmlSafe for Facts<'_> {}

impl ReportedStep {
    /// What it is, with its number where it has one.
    #[must_use]
    pub fn headline(&self) -> String {
        match self.action.as_str() {
            "contribution" => format!("contribution {}", self.index),
            other => other.to_owned(),
        }
    }
}

/// A chain with its first place and its last ones, `at_most` in all, and how many are left out in
/// between. Of those no fact is computed, so that a long chain costs no more than a short one. What
/// is known of the order of contributions and beacon is left to the report.
#[must_use]
pub fn last_places(ceremony: &Ceremony, chain: &Chain, at_most: usize) -> (ReportedChain, usize) {
    reported_chain(ceremony, chain, at_most, &|_| "")
}
