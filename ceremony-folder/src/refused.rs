//! Why a contribution that came was not added, and who has to do what now.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ceremony_core::hash::FileSha256;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::FileDigest;
use zk_attest::primitives::Label;
use zk_attest::program::PROGRAM;
use zk_attest::statement::Action;

use crate::chain::Step;
use crate::error::CeremonyError;
use crate::folder::{StepName, Track};
use crate::turns::TurnError;

/// See the module's documentation.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// It is a step of the chain already.
    AlreadyHere {
        /// Who signed it.
        by: Label,
        /// The step.
        step: StepName,
    },
    /// The coordinator rejected this file before.
    Rejected {
        /// Who signed it.
        by: Label,
        /// The rejected step.
        step: StepName,
        /// The coordinator's reason.
        reason: Label,
    },
    /// The chain was closed before it came.
    Late {
        /// Who signed it.
        by: Label,
        /// The beacon.
        closed_by: StepName,
        /// The chain.
        track: Track,
    },
    /// Another contribution, made from the same file, came first.
    Twin {
        /// Who signed it.
        by: Label,
        /// The step that came first.
        of: StepName,
        /// Who made that step.
        maker: Label,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// It was made from a file that is not in the chain.
    OffTheChain {
        /// Who signed it.
        by: Label,
        /// The chain.
        track: Track,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// It is signed for another place than the next one.
    AnotherPlace {
        /// Who signed it.
        by: Label,
        /// The place that was signed.
        signed: StepName,
        /// The next place.
        free: StepName,
        /// The ceremony folder.
        root: PathBuf,
    },
    /// The data file is not the one that was signed.
    Damaged {
        /// Who signed it.
        by: Label,
        /// The data file.
        file: PathBuf,
        /// Its digest.
        found: FileSha256,
        /// The signed digest.
        signed: FileDigest,
    },
    /// The data file is the one that was signed, and does not hold.
    Bad {
        /// Who signed it.
        by: Label,
        /// The data file.
        file: PathBuf,
        /// What does not hold.
        error: Box<CeremonyError>,
    },
    /// One of the two files did not come.
    Half {
        /// Who signed it, where the attestation came.
        by: Option<Label>,
        /// What came.
        path: PathBuf,
        /// What did not.
        missing: String,
    },
    /// It is of another ceremony, or of no chain of this one.
    OtherCeremony {
        /// The attestation.
        path: PathBuf,
        /// What it is of.
        found: String,
        /// This one.
        expected: String,
    },
    /// It is another kind of step.
    NotAContribution {
        /// The attestation.
        path: PathBuf,
        /// What it is.
        action: Action,
    },
    /// No participant of the phase signed it.
    Unsigned {
        /// The attestation.
        path: PathBuf,
        /// Why not.
        error: Arc<CeremonyError>,
    },
    /// It is not this participant's turn.
    Turn(TurnError),
    /// The folder's own chain does not hold, or reading or writing failed.
    Failed(CeremonyError),
}

impl From<TurnError> for Refused {
    fn from(error: TurnError) -> Self {
        Self::Turn(error)
    }
}

impl From<CeremonyError> for Refused {
    fn from(error: CeremonyError) -> Self {
        Self::Failed(error)
    }
}

impl Refused {
    pub(crate) fn damaged(step: &Step, file: &Path, found: FileSha256) -> Self {
        let by = step.words.participant.clone();
        Self::Damaged { by, file: file.into(), found, signed: step.file }
    }
}

/// The command that makes a contribution anew.
fn again(by: &Label, root: &Path) -> String {
    format!(
        "send {by} the folder as it is now, and ask for a new contribution: `{PROGRAM} ceremony \
         contribute {} --as \"{by}\" --key KEY`",
        root.display()
    )
}

impl From<Refused> for Diagnostic {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::AlreadyHere { by, step } => Self::environment(
                "already-here",
                format_args!("{by}'s contribution is in the chain already"),
            )
            .found(format_args!("step {step}"))
            .hint("nothing to do"),
            Refused::Rejected { by, step, reason } => Self::artefact(
                "rejected-before",
                format_args!("the coordinator rejected this contribution of {by}"),
            )
            .found(format_args!("step {step}: {reason}"))
            .hint(format_args!("ask {by} for a new contribution to the folder as it is now")),
            Refused::Late { by, closed_by, track } => Self::artefact(
                "late",
                format_args!("{by}'s contribution came too late: {track} is closed"),
            )
            .found(format_args!("made before {closed_by}, and arrived after it"))
            .hint(format_args!(
                "nothing is wrong with it, and nothing is wrong with {track}: tell {by} that it \
                 is not part of this ceremony"
            )),
            Refused::Twin { by, of, maker, root } => Self::artefact(
                "twin",
                format_args!("twin of step {of} by {maker}: both were made from the same file"),
            )
            .found(format_args!("{by}'s contribution came second"))
            .hint(again(&by, &root)),
            Refused::OffTheChain { by, track, root } => Self::artefact(
                "off-the-chain",
                format_args!("{by}'s contribution was made from a file that is not in {track}"),
            )
            .expected("a contribution to the last file of the folder")
            .hint(again(&by, &root)),
            Refused::AnotherPlace { by, signed, free, root } => Self::artefact(
                "another-place",
                format_args!("{by}'s contribution is signed for another place than the next one"),
            )
            .found(signed)
            .expected(free)
            .hint(again(&by, &root)),
            Refused::Damaged { by, file, found, signed } => Self::artefact(
                "damaged",
                format_args!("damaged on the way: these are NOT the bytes that {by} signed"),
            )
            .at(file.display())
            .found(found)
            .expected(signed)
            .hint(format_args!("ask {by} to send the same file again; it was not made wrongly")),
            Refused::Bad { by, file, error } => {
                let parts = Self::from(&*error);
                Self::artefact(
                    "bad",
                    format_args!(
                        "a bad contribution: these ARE the bytes that {by} signed, and {}",
                        parts.what
                    ),
                )
                .at(file.display())
                .found(parts.found.unwrap_or_else(|| "as said".into()))
                .expected(parts.expected.unwrap_or_else(|| "a sound contribution".into()))
                .hint(format_args!("keep both files as evidence, and ask {by} how they were made"))
            }
            Refused::Half { by: Some(by), path, missing } => Self::artefact(
                "half",
                format_args!("half a contribution: the data file that {by} signed did not come"),
            )
            .at(path.display())
            .expected(missing)
            .hint(format_args!("ask {by} to send both files")),
            Refused::Half { by: None, path, missing } => {
                Self::artefact("half", "half a contribution: no attestation came with this file")
                    .at(path.display())
                    .expected(missing)
                    .hint("ask its maker to send both files")
            }
            Refused::OtherCeremony { path, found, expected } => Self::artefact(
                "another-ceremony",
                "this is of another ceremony, or of a circuit that this one does not have",
            )
            .at(path.display())
            .found(found)
            .expected(expected)
            .hint("send it back to its maker: it may have been meant for another coordinator"),
            Refused::NotAContribution { path, action } => {
                Self::artefact("not-a-contribution", "this attests no contribution")
                    .at(path.display())
                    .found(action.as_str())
                    .expected("contribution")
                    .hint(
                        "openings, beacons and preparations are made in the coordinator's own \
                         folder",
                    )
            }
            Refused::Unsigned { path, error } => {
                let parts = Self::from(&*error);
                Self { hint: None, ..parts }
                    .at(path.display())
                    .hint("nobody of the roster vouches for it: do not add it")
            }
            Refused::Turn(error) => error.into(),
            Refused::Failed(error) => error.into(),
        }
    }
}
