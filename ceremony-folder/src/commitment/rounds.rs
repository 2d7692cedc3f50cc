//! Rounds of commitments: a phase begins with one, and the coordinator may begin another as long as
//! nobody has contributed.
//!
//! ```text
//! commitments/PHASE-ROUND.round.dsse.json     signed by the coordinator; ROUND from 2
//! commitments/PHASE-ROUND.KEY.dsse.json       a commitment of that round
//! ```
//!
//! A commitment is opened by the process that made it. Where such processes have ended before the
//! first contribution, the phase could neither go on nor begin: so all commitments of the round are
//! void together, and everybody commits anew, to secrets drawn anew. Nothing was opened by then, so
//! that nobody chooses in the new round knowing a contribution. The rounds are counted and signed,
//! with a reason, and the journal tells of each where it begins
//! (`Ceremony::ensure_committed_first`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::primitives::{CeremonyId, CeremonyKind, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Action, Phase, Predicate, Statement, Subject};

use super::COMMITMENTS;
use crate::config::Config;
use crate::error::{CeremonyError, at, broken};
use crate::folder::Folder;
use crate::roster::Roster;
use crate::steps::write_file;
use crate::{Ceremony, Stage};

/// Rounds of a phase at most: who needs more has no session in which everybody is there.
pub const MAX_ROUNDS: u32 = 16;

/// What the coordinator signs to begin another round. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommitmentRound {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The phase.
    pub phase: Phase,
    /// The round that begins: 2 or more.
    pub round: u32,
    /// Why, in the coordinator's words.
    pub reason: Label,
    /// When this was signed.
    pub time: Timestamp,
}

impl Predicate for CommitmentRound {
    const TYPE: &'static str = "urn:zk-ceremony:commitment-round:v1";
    const RENEW: &'static str = "begin the round again, with this version of the program";
}

/// A round that the coordinator began.
#[derive(Clone, Debug)]
pub struct Begun {
    /// What was signed.
    pub said: CommitmentRound,
    /// SHA-256 of the signed document.
    pub document: FileDigest,
}

impl CommitmentRound {
    fn read(
        path: &Path,
        bytes: &[u8],
        rules: &Config,
        roster: &Roster,
        (phase, round): (Phase, u32),
    ) -> Result<Self, CeremonyError> {
        let envelope = Envelope::from_json(bytes).map_err(at(path))?;
        let Statement { subject, predicate: said } =
            Statement::<Self>::from_payload(envelope.payload()).map_err(at(path))?;
        // Those who are or were coordinator: a handover leaves what was begun.
        let makers = roster.makers(Action::Open, phase);
        if envelope.signers(makers.iter().map(|maker| maker.key)).is_empty() {
            return Err(broken(
                path,
                "the coordinator did not sign this round of commitments",
                "another signature",
                roster.coordinator().key.fingerprint(),
            ));
        }
        let document = rules.document();
        let is_subject =
            matches!(subject.as_slice(), [it] if it.digest.sha256.0 == rules.digest().0);
        let of_these = said.ceremony_toml_sha256 == rules.digest()
            && (&said.ceremony, said.kind) == (&document.id, document.kind);
        if !(is_subject && of_these && (said.phase, said.round) == (phase, round)) {
            return Err(broken(
                path,
                "the document begins another round than its name says",
                format_args!(
                    "{}, phase {}, round {}",
                    said.ceremony,
                    u8::from(said.phase),
                    said.round
                ),
                format_args!("{}, phase {}, round {round}", document.id, u8::from(phase)),
            ));
        }
        Ok(said)
    }
}

/// The beginning of the names of a round's commitments.
pub(super) fn prefix(phase: Phase, round: u32) -> String {
    let phase = u8::from(phase);
    if round == 1 { format!("{phase}.") } else { format!("{phase}-{round}.") }
}

fn round_path(folder: &Folder, phase: Phase, round: u32) -> PathBuf {
    folder.root().join(COMMITMENTS).join(format!("{}round.dsse.json", prefix(phase, round)))
}

/// The rounds after the first that were begun, one after another, and why a document of one could
/// not be read.
pub(super) fn read(
    folder: &Folder,
    config: &Config,
    roster: &Roster,
    phase: Phase,
) -> (Vec<Begun>, Option<CeremonyError>) {
    let mut begun = Vec::new();
    for round in 2..=MAX_ROUNDS {
        let path = round_path(folder, phase, round);
        let bytes = match folder.read(&path, Envelope::MAX_BYTES) {
            Ok(bytes) => bytes,
            Err(error) => {
                let unread = error.is_environment() && !error.is_missing();
                return (begun, unread.then_some(error));
            }
        };
        // What does not hold is none.
        let said = CommitmentRound::read(&path, &bytes, config, roster, (phase, round));
        let Ok(said) = said else { break };
        begun.push(Begun { said, document: FileDigest::of(&bytes) });
    }
    (begun, None)
}

impl Ceremony {
    /// Begins another round of commitments to the open phase: those of this round are void.
    ///
    /// # Errors
    /// When the rules ask for none, there is a contribution, nobody has committed in this round,
    /// or the signer is not the coordinator's.
    pub fn begin_commitment_round(
        &self,
        reason: Label,
        signer: &mut dyn Signer,
    ) -> Result<CommitmentRound, Diagnostic> {
        if !self.config.asks_for_committed_secrets() {
            return Err(Diagnostic::environment("commitments", "the rules ask for no commitments")
                .expected("[commitments] with secrets = true in ceremony.toml")
                .hint("contributions are made without them"));
        }
        self.ensure_sound()?;
        self.ensure_coordinator(signer)?;
        let Stage::Contributions(phase) = self.stage() else {
            return Err(Diagnostic::environment(
                "commitments-not-open",
                "no phase is open for commitments",
            )
            .hint(crate::turns::next_command(self.folder.root())));
        };
        if let Some(chain) = self.contributed_to(phase) {
            return Err(Diagnostic::environment(
                "commitments-opened",
                "no round of commitments begins after a contribution",
            )
            .at(&chain.track)
            .found("contributions, rejected ones included, or a beacon that is due")
            .expected("a phase to which nobody has contributed: what others chose is public now")
            .hint(
                "the phase goes on with those whose processes are there; if they are too few for \
                 its minimum, begin a new ceremony",
            ));
        }
        if self.commitments.of_phase(phase).next().is_none() {
            return Err(Diagnostic::environment(
                "commitments-none",
                "nobody has committed in this round, so there is nothing to begin anew",
            )
            .hint("participants commit with `ceremony join`"));
        }
        let round = self.commitments.round(phase) + 1;
        if round > MAX_ROUNDS {
            return Err(Diagnostic::environment(
                "commitments-rounds",
                "there were too many rounds",
            )
            .found(format_args!("{} rounds", round - 1))
            .expected(format_args!("at most {MAX_ROUNDS}"))
            .hint("begin a new ceremony, with rules that ask for no commitments"));
        }
        let rules = self.config.document();
        let said = CommitmentRound {
            ceremony: rules.id.clone(),
            kind: rules.kind,
            ceremony_toml_sha256: self.config.digest(),
            phase,
            round,
            reason,
            time: Timestamp::now(),
        };
        let path = round_path(&self.folder, phase, round);
        let subject = Subject::new("ceremony.toml", said.ceremony_toml_sha256.as_bytes());
        let statement =
            Statement { subject: vec![subject.map_err(at(&path))?], predicate: said.clone() };
        let mut envelope = statement.to_envelope().map_err(at(&path))?;
        sign_envelope(signer, &mut envelope)?;
        // What stands there does not hold, or it would have been read.
        write_file(self, &path, &envelope.to_json(), true)?;
        Ok(said)
    }
}
