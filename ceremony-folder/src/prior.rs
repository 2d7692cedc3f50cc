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
    /// In phase 2, the step before it; the prepared file by somebody's word.
    StepRelying {
        /// Whether the step was compared with what is rebuilt from the prepared file. Otherwise it
        /// was verified from an earlier key, which has the same word.
        rebuilt: bool,
        /// Whose word.
        on: Word,
    },
    /// Every file of the folder.
    EveryFile,
}

/// Whose earlier verification of a file is relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// The signed verdicts of so many auditors.
    Verdicts(usize),
    /// One's own.
    Own,
}

impl Prior {
    /// The signed words.
    #[must_use]
    pub fn words(self) -> Label {
        let fixed = match self {
            Self::StepRelying { rebuilt, on } => return relying(rebuilt, on),
            Self::Nothing => "nothing",
            Self::Step => "the step before it",
            Self::Prepared => "phase 1's prepared file",
            Self::StepAndPrepared => "the step before it and phase 1's prepared file",
            Self::EveryFile => "every file",
        };
        Label::from_static(fixed)
    }
}

fn relying(rebuilt: bool, on: Word) -> Label {
    let what = if rebuilt {
        "the step before it; the prepared file"
    } else {
        "the step before it, from an earlier key; that key and the prepared file"
    };
    let how = match on {
        Word::Verdicts(1) => "the verdict of 1 auditor".to_owned(),
        Word::Verdicts(count) => format!("the verdicts of {count} auditors"),
        Word::Own => "an earlier verification of the same digest".to_owned(),
    };
    // Always a label: short, and of plain letters.
    Label::new(&format!("{what} by {how}")).unwrap_or_else(|_| Label::none())
}
