//! Strays: files under a step's name that no chain of attested digests reaches.
//!
//! A stray is never a step, is never signed over, and is in nobody's way: a step whose name it has
//! takes the name, and the stray goes to `strays/` ([`super::tidy`]). It has a story, which says
//! whose it is and how it came, as far as the signatures tell.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use zk_attest::primitives::Label;
use zk_attest::statement::Action;

use crate::chain::Step;
use crate::error::CeremonyError;
use crate::folder::{StepName, Track};
use crate::rejection::Bars;

/// A file that is not a step, with the files that belong to it.
#[derive(Clone, Debug)]
pub struct Stray {
    /// The chain in whose folder it is.
    pub track: Track,
    /// The name that it has.
    pub name: StepName,
    /// The files under that name which are the stray's.
    pub files: Vec<PathBuf>,
    /// What it probably is.
    pub story: Story,
}

impl Stray {
    /// Whether it is a rejection, and not a step's file.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self.story, Story::VoidRejection { .. })
    }
}

/// How a stray probably came to be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Story {
    /// It builds on a step after which no contribution can come any more.
    Late {
        /// Who signed it.
        by: Label,
        /// The step that it was made from.
        on: StepName,
        /// The step by which its phase was closed.
        closed_by: StepName,
    },
    /// It builds on the same file as a step of the chain, which was first.
    Twin {
        /// Who signed it.
        by: Label,
        /// The step whose place it claims.
        of: StepName,
        /// Who made that step.
        maker: Label,
    },
    /// It is a step of the chain under another name.
    Copy {
        /// The step.
        of: StepName,
    },
    /// It builds on a file that is not in the chain.
    OnStray {
        /// Who signed it.
        by: Label,
        /// The file that it builds on.
        on: StepName,
        /// Whether that one was rejected.
        rejected: bool,
    },
    /// Its attestation is good, and continues the chain, but the data file is not here.
    NoData {
        /// Who signed it.
        by: Label,
    },
    /// What is signed of it is not a step of this chain, or nothing is.
    Garbage {
        /// Why not.
        why: Arc<CeremonyError>,
    },
    /// A rejection that takes nothing out.
    VoidRejection {
        /// Why it does not.
        why: Void,
    },
}

/// Why a rejection is void.
#[derive(Clone, Debug)]
pub enum Void {
    /// It is not the coordinator's word on this file.
    Unsigned(Arc<CeremonyError>),
    /// The file may not go.
    Barred(Bars),
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late { by, on, closed_by } => write!(
                f,
                "late: {by} signed it, made from step {on}, but {closed_by} closed the chain \
                 before it came"
            ),
            Self::Twin { by, of, maker } => write!(
                f,
                "twin of step {of} by {maker}: {by} signed it, made from the same file, and came \
                 second"
            ),
            Self::Copy { of } => write!(f, "a copy of step {of} under another name"),
            Self::OnStray { by, on, rejected: true } => {
                write!(f, "{by} signed it, made from {on}, which the coordinator rejected")
            }
            Self::OnStray { by, on, rejected: false } => {
                write!(f, "{by} signed it, made from {on}, which is not in the chain")
            }
            Self::NoData { by } => write!(
                f,
                "half: {by} attests a step whose data file is not here; fetch the data file, or \
                 make the step again"
            ),
            Self::Garbage { why } => write!(f, "not a step of this chain: {}", why.in_words()),
            Self::VoidRejection { why: Void::Unsigned(why) } => {
                write!(f, "a rejection that takes nothing out: {}", why.in_words())
            }
            Self::VoidRejection { why: Void::Barred(Bars::Below(step)) } => {
                write!(f, "a rejection that takes nothing out: {step} is built on the file")
            }
            Self::VoidRejection { why: Void::Barred(Bars::Sealed(document)) } => {
                write!(f, "a rejection that takes nothing out: {document} holds the file")
            }
        }
    }
}

impl Story {
    /// What it is called, in one word: for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Late { .. } => "late",
            Self::Twin { .. } => "twin",
            Self::Copy { .. } => "copy",
            Self::OnStray { .. } => "on-stray",
            Self::NoData { .. } => "half",
            Self::Garbage { .. } => "garbage",
            Self::VoidRejection { .. } => "void-rejection",
        }
    }

    /// The story of a step that is signed as it should be, made from step `at` of a chain.
    pub(crate) fn of_a_sibling(step: &Step, steps: &[Step], at: usize, end: &StepName) -> Self {
        let by = step.words.participant.clone();
        match steps.get(at + 1) {
            Some(next) if next.words.action == Action::Contribution => {
                Self::Twin { by, of: next.name, maker: next.words.participant.clone() }
            }
            _ => Self::Late { by, on: steps[at].name, closed_by: *end },
        }
    }
}
