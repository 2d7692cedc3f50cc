//! What the maker of a step had verified before making it, as its attestation says.

use zk_attest::primitives::Label;

/// See the module's documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prior {
    /// The step has no step before it, or its maker looked at none.
    Nothing,
    /// The step before it, as far as it can be verified by itself.
    Step,
    /// The prepared file that circuits start from.
    Prepared,
    /// In phase 2, the step before it, against the circuit and phase 1's prepared file.
    StepAndPrepared,
    /// Every file of the folder.
    EveryFile,
}

impl Prior {
    /// The signed words.
    #[must_use]
    pub fn words(self) -> Label {
        Label::from_static(match self {
            Self::Nothing => "nothing",
            Self::Step => "the step before it",
            Self::Prepared => "phase 1's prepared file",
            Self::StepAndPrepared => "the step before it and phase 1's prepared file",
            Self::EveryFile => "every file",
        })
    }
}
