//! Commitments to secrets: what each participant publishes before the first contribution of a
//! phase, where the rules ask for it (`[commitments] secrets = true`).
//!
//! ```text
//! commitments/PHASE.KEY.dsse.json     KEY: the first 16 digits of the participant's key id
//! ```
//!
//! This is the first round of a phase; [`rounds`] has the others. Only those of the round that was
//! begun last are commitments, the others are void.
//!
//! It names, for each chain of the phase, SHA-256 of what the contribution will show of its secrets
//! ([`Opening`]). So nobody chooses a secret knowing another's contribution, if
//!
//! 1. each contribution opens the one commitment that its maker has for the phase
//!    (`Commitments::opened`, with the mathematics of the step);
//! 2. a journal has all commitments before the first contribution of the phase, one of each
//!    participant in a round (`Ceremony::ensure_committed_first`), and every contribution after it
//!    ([`Ceremony::ensure_all_recorded`]).
//!
//! Who did not commit in time does not contribute to the phase. Who does not contribute after
//! having committed may have disliked what they saw: reports name them. One whose contribution was
//! rejected does not come again: its secrets are gone ([`Ceremony::is_spent`]).

mod order;
pub mod rounds;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ceremony_core::commit::Opening;
use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{CommitmentDigest, ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Action, Phase, Predicate, Statement, Subject};
use zk_vk_guard::limits::MAX_PARTICIPANTS;

use crate::chain::{Chain, Step};
use crate::config::Config;
use crate::error::{CeremonyError, at, broken};
use crate::folder::{Folder, Track};
use crate::roster::Roster;
use crate::steps::write_file;
use crate::store::EntryKind;
use crate::verify::PassedCheck;
use crate::{Ceremony, Stage};
use rounds::Begun;

/// The folder of commitments.
pub const COMMITMENTS: &str = "commitments";

/// Files of the folder that are looked at: everybody's and the coordinator's for each round of both
/// phases, and as many as in a round that others put there.
const MAX_FILES: usize = 2 * (rounds::MAX_ROUNDS as usize + 1) * (MAX_PARTICIPANTS + 1);

/// Begins what is hashed, so that nothing else has the same hash.
const TAG: &[u8] = b"zk-ceremony commitment v1\0";

/// What a participant signs before the first contribution of a phase. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The phase.
    pub phase: Phase,
    /// Who.
    pub participant: Label,
    /// The key, under which this verifies.
    pub key: PublicKey,
    /// Each chain of the phase, in the order of the rules.
    pub chains: Vec<CommittedChain>,
    /// The program, with its version.
    pub tool: Label,
    /// When this was signed.
    pub time: Timestamp,
}

/// A commitment to the secrets of the contribution to one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CommittedChain {
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitName>,
    /// See [`digest`].
    pub commitment: CommitmentDigest,
}

impl Predicate for Commitment {
    const TYPE: &'static str = "urn:zk-ceremony:commitment:v1";
    const RENEW: &'static str = "commit again, with this version of the program";
}

/// SHA-256(tag | SHA-256 of ceremony.toml | phase | length and name of the circuit | key | s and s
/// x of each secret x).
#[must_use]
pub fn digest(
    rules: ConfigDigest,
    track: &Track,
    key: &PublicKey,
    opening: &Opening,
) -> CommitmentDigest {
    let name = match track {
        Track::Phase1 => "",
        Track::Circuit(name) => name.as_str(),
    };
    // A name has at most 48 bytes.
    let head = [u8::from(track.phase()), u8::try_from(name.len()).unwrap_or(u8::MAX)];
    let parts: [&[u8]; 6] =
        [TAG, &rules.0, &head, name.as_bytes(), key.as_bytes(), &opening.to_bytes()];
    CommitmentDigest::of(&parts.concat())
}

impl Commitment {
    /// A participant's commitment to a phase, not yet signed.
    #[must_use]
    pub fn new(
        ceremony: &Ceremony,
        phase: Phase,
        (participant, key): (&Label, &PublicKey),
        openings: &[(Track, Opening)],
        tool: Label,
    ) -> Self {
        let rules = ceremony.config.digest();
        let chains = openings.iter().map(|(track, opening)| CommittedChain {
            circuit: track.circuit().cloned(),
            commitment: digest(rules, track, key, opening),
        });
        Self {
            ceremony: ceremony.config.document().id.clone(),
            kind: ceremony.config.document().kind,
            ceremony_toml_sha256: rules,
            phase,
            participant: participant.clone(),
            key: *key,
            chains: chains.collect(),
            tool,
            time: Timestamp::now(),
        }
    }

    /// Signs it.
    ///
    /// # Errors
    /// When the words do not fit a statement, or the signer's own.
    pub fn sign(self, signer: &mut dyn Signer) -> Result<Envelope, Diagnostic> {
        let path = Path::new(COMMITMENTS);
        let subject = Subject::new("ceremony.toml", self.ceremony_toml_sha256.as_bytes());
        let statement = Statement { subject: vec![subject.map_err(at(path))?], predicate: self };
        let mut envelope = statement.to_envelope().map_err(at(path))?;
        sign_envelope(signer, &mut envelope)?;
        Ok(envelope)
    }

    /// Reads one of this ceremony, which verifies under the key that it names and is about every
    /// chain of its phase.
    ///
    /// # Errors
    /// When it is not. Messages name `path`.
    pub fn read(path: &Path, bytes: &[u8], rules: &Config) -> Result<Self, CeremonyError> {
        let envelope = Envelope::from_json(bytes).map_err(at(path))?;
        let Statement { subject, predicate: said } =
            Statement::<Self>::from_payload(envelope.payload()).map_err(at(path))?;
        if envelope.signers([&said.key]).is_empty() {
            return Err(broken(
                path,
                "the commitment is not signed with the key that it names",
                "another signature",
                said.key.fingerprint(),
            ));
        }
        let document = rules.document();
        let is_subject =
            matches!(subject.as_slice(), [it] if it.digest.sha256.0 == rules.digest().0);
        if said.ceremony_toml_sha256 != rules.digest()
            || said.ceremony != document.id
            || said.kind != document.kind
            || !is_subject
        {
            return Err(broken(
                path,
                "the commitment is of another ceremony",
                format_args!("{}, {}", said.ceremony, said.ceremony_toml_sha256),
                format_args!("{}, {}", document.id, rules.digest()),
            ));
        }
        let named: Vec<Option<&CircuitName>> =
            said.chains.iter().map(|chain| chain.circuit.as_ref()).collect();
        let expected: Vec<Option<&CircuitName>> = match said.phase {
            Phase::One => vec![None],
            Phase::Two => document.circuits.iter().map(|circuit| Some(&circuit.name)).collect(),
        };
        if named != expected {
            let shown = |names: &[Option<&CircuitName>]| {
                let name = |name: &Option<&CircuitName>| {
                    name.map_or("phase 1".to_owned(), ToString::to_string)
                };
                names.iter().map(name).collect::<Vec<_>>().join(", ")
            };
            return Err(broken(
                path,
                "the commitment does not name the chains of its phase",
                shown(&named),
                shown(&expected),
            ));
        }
        Ok(said)
    }
}

/// A commitment in the folder.
#[derive(Clone, Debug)]
pub struct Committed {
    /// What it says.
    pub said: Commitment,
    /// SHA-256 of the signed document.
    pub document: FileDigest,
    path: PathBuf,
}

/// The commitments of a ceremony that hold, each under its own name and of a key that its
/// participant has or had. None where the rules do not ask for them.
#[derive(Clone, Debug, Default)]
pub struct Commitments {
    /// Those of each phase's last round.
    kept: Vec<Committed>,
    /// The rounds after the first.
    begun: Vec<Begun>,
    /// Why some could not be read: they may be there.
    unread: Option<Arc<CeremonyError>>,
}

impl Commitments {
    pub(crate) fn read(folder: &Folder, config: &Config, roster: &Roster) -> Self {
        if !config.asks_for_committed_secrets() {
            return Self::default();
        }
        let (mut begun, mut unread) = (Vec::new(), None);
        for phase in [Phase::One, Phase::Two] {
            let (rounds, error) = rounds::read(folder, config, roster, phase);
            begun.extend(rounds);
            unread = unread.or(error);
        }
        let round = |phase| round_of(&begun, phase);
        let mut entries = match folder.store().entries(Path::new(COMMITMENTS), MAX_FILES) {
            Ok(entries) => entries,
            Err(error) => {
                let error = at(&folder.root().join(COMMITMENTS))(error);
                unread = unread.or((!error.is_missing()).then_some(error));
                Vec::new()
            }
        };
        // Those of earlier rounds are void, and not looked at.
        let now = [Phase::One, Phase::Two].map(|phase| rounds::prefix(phase, round(phase)));
        let is_now = |name: &str| now.iter().any(|prefix| name.starts_with(prefix));
        entries.retain(|entry| entry.kind == EntryKind::File && is_now(&entry.name));
        entries.sort();
        let mut read = |name: String| {
            let path = folder.root().join(COMMITMENTS).join(name);
            let bytes = match folder.read(&path, Envelope::MAX_BYTES) {
                Ok(bytes) => bytes,
                Err(error) => {
                    // One that is too large, or no regular file, is no commitment.
                    if error.is_environment() && !error.is_missing() {
                        unread = Some(error);
                    }
                    return None;
                }
            };
            let said = Commitment::read(&path, &bytes, config).ok()?;
            let is_theirs =
                roster.keys().any(|(name, key)| *name == said.participant && *key == said.key);
            let is_named = named(folder, (said.phase, round(said.phase)), &said.key) == path;
            let document = FileDigest::of(&bytes);
            (is_theirs && is_named).then_some(Committed { said, document, path })
        };
        let kept = entries.into_iter().filter_map(|entry| read(entry.name)).collect();
        Self { kept, unread: unread.map(Arc::new), begun }
    }

    /// The round of a phase that goes on, or the last one: 1 unless the coordinator began others.
    #[must_use]
    pub fn round(&self, phase: Phase) -> u32 {
        round_of(&self.begun, phase)
    }

    /// The rounds after the first, of both phases.
    #[must_use]
    pub fn rounds(&self) -> &[Begun] {
        &self.begun
    }

    /// The beginning of a round.
    #[must_use]
    pub fn begun(&self, phase: Phase, round: u32) -> Option<&Begun> {
        self.begun.iter().find(|it| (it.said.phase, it.said.round) == (phase, round))
    }

    /// Why some could not be read, if so: what is not here may be there.
    #[must_use]
    pub fn unread(&self) -> Option<&Arc<CeremonyError>> {
        self.unread.as_ref()
    }

    /// Those of a phase, of its last round.
    pub fn of_phase(&self, phase: Phase) -> impl Iterator<Item = &Committed> {
        self.kept.iter().filter(move |kept| kept.said.phase == phase)
    }

    /// The one commitment of a participant to a phase. With two, of which one could be opened as
    /// one likes, there is none.
    ///
    /// # Errors
    /// [`Uncommitted`].
    pub fn of(&self, participant: &Label, phase: Phase) -> Result<&Committed, Uncommitted> {
        let mut all = self.of_phase(phase).filter(|kept| kept.said.participant == *participant);
        match (all.next(), all.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Uncommitted::Twice),
            (None, _) => Err(Uncommitted::Missing),
        }
    }

    /// Check 12 of phase 1 and check 13 of phase 2: the contribution opens the commitment of its
    /// maker.
    ///
    /// # Errors
    /// When there is no commitment, more than one, or another one.
    fn opened(
        &self,
        rules: ConfigDigest,
        step: &Step,
        opening: &Opening,
    ) -> Result<PassedCheck, CeremonyError> {
        let words = &step.words;
        let track = words
            .circuit
            .as_ref()
            .map_or(Track::Phase1, |circuit| Track::Circuit(circuit.name.clone()));
        let kept = self.of(&words.participant, words.phase).map_err(|why| {
            broken(
                &step.path,
                format_args!(
                    "{} did not commit to the secrets of this contribution",
                    words.participant
                ),
                why,
                "one commitment, made before the first contribution of the phase",
            )
        })?;
        let found = digest(rules, &track, &kept.said.key, opening);
        let mut chains = kept.said.chains.iter();
        let of_chain = chains.find(|chain| chain.circuit.as_ref() == track.circuit());
        match of_chain {
            Some(expected) if expected.commitment == found => Ok(PassedCheck {
                number: Some(if words.phase == Phase::One { 12 } else { 13 }),
                statement: OPENED,
                remark: None,
            }),
            expected => Err(broken(
                &step.path,
                format_args!(
                    "the contribution does not open the commitment of {} ({})",
                    words.participant,
                    kept.path.file_name().unwrap_or_default().to_string_lossy()
                ),
                found,
                expected.map_or_else(String::new, |chain| chain.commitment.to_string()),
            )),
        }
    }
}

fn round_of(begun: &[Begun], phase: Phase) -> u32 {
    begun.iter().filter(|it| it.said.phase == phase).map(|it| it.said.round).max().unwrap_or(1)
}

/// What checks 12 and 13 establish.
const OPENED: &str = "the contribution has the secrets that its maker committed to";

/// What became of a commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The phase goes on, and its maker has not contributed to every chain.
    Waiting,
    /// Its maker contributed to every chain of the phase.
    Contributed,
    /// A contribution of its maker was rejected, and its secrets are gone: none comes again.
    Rejected,
    /// The phase was closed without a contribution of its maker to every chain.
    NotOpened,
}

/// Why a participant has no commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uncommitted {
    /// There is none.
    #[error("no commitment")]
    Missing,
    /// There are several, of which one could be opened as its maker likes.
    #[error("more than one commitment")]
    Twice,
}

/// Verifies that a contribution opens the commitment of its maker: its check, or none where the
/// rules do not ask for commitments or the step is no contribution.
///
/// # Errors
/// When it does not. Messages name the step's file.
pub fn verify(
    ceremony: &Ceremony,
    step: &Step,
    opening: Option<&Opening>,
) -> Result<Option<PassedCheck>, CeremonyError> {
    let asked = ceremony.config.asks_for_committed_secrets();
    if !asked || step.words.action != Action::Contribution {
        return Ok(None);
    }
    let Some(opening) = opening else {
        return Err(broken(&step.path, "the file has no record", "none", "a contribution"));
    };
    ceremony.commitments.opened(ceremony.config.digest(), step, opening).map(Some)
}

fn named(folder: &Folder, (phase, round): (Phase, u32), key: &PublicKey) -> PathBuf {
    let (prefix, key) = (rounds::prefix(phase, round), key.fingerprint().replace(' ', ""));
    folder.root().join(COMMITMENTS).join(format!("{prefix}{key}.dsse.json"))
}

/// Keeps a commitment that came from its maker.
///
/// # Errors
/// When it does not hold, comes too late, is somebody else's or is the second one of a participant.
pub fn keep(ceremony: &Ceremony, envelope: &Envelope) -> Result<Kept, Diagnostic> {
    let said = Commitment::read(Path::new("commitment"), &envelope.to_json(), &ceremony.config)?;
    let kept = envelope.only_by(&said.key).map_err(|refusal| Diagnostic::from(&refusal))?;
    let bytes = kept.to_json();
    if !ceremony.config.asks_for_committed_secrets() {
        return Err(Diagnostic::artefact("commitments", "the rules ask for no commitments")
            .hint("contribute without one"));
    }
    let document = FileDigest::of(&bytes);
    let phase = said.phase;
    match ceremony.commitments.of(&said.participant, phase) {
        Ok(kept) if kept.document == document => return Ok(Kept::Already(said)),
        Err(Uncommitted::Missing) => {}
        _ => return Err(twice(ceremony, &said.participant, phase)),
    }
    let mut roster = ceremony.roster.participants(phase);
    if !roster.any(|person| person.name == said.participant && person.key == said.key) {
        return Err(Diagnostic::artefact(
            "not-in-roster",
            "nobody of the roster contributes to this phase under this name and key",
        )
        .found(format_args!("{} ({})", said.participant, said.key.fingerprint())));
    }
    ceremony.ensure_takes_commitments(phase)?;
    let round = ceremony.commitments.round(phase);
    write_file(ceremony, &named(&ceremony.folder, (phase, round), &said.key), &bytes, false)?;
    Ok(Kept::New(said))
}

/// Whether a commitment was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is there now.
    New(Commitment),
    /// The same one was there.
    Already(Commitment),
}

fn twice(ceremony: &Ceremony, participant: &Label, phase: Phase) -> Diagnostic {
    let refused = Diagnostic::artefact(
        "committed-already",
        format_args!("{participant} has committed to phase {} already", u8::from(phase)),
    )
    .expected("one commitment of each participant, as it was first signed");
    if ceremony.contributed_to(phase).is_some() {
        return refused.hint(
            "only the process that made the commitment can open it: let it go on. If it has ended, \
             or its key was replaced, this phase goes on without you",
        );
    }
    refused.hint(format_args!(
        "only the process that made the commitment can open it: let it go on. If it has ended, or \
         its key was replaced, ask the coordinator for another round of commitments: `{PROGRAM} \
         ceremony recommit`"
    ))
}

/// The refusal of a commitment that comes after the round of commitments.
pub fn too_late(phase: Phase, why: &str) -> Diagnostic {
    Diagnostic::artefact(
        "commitments-closed",
        format_args!("phase {} takes no commitment any more", u8::from(phase)),
    )
    .found(why)
    .expected("a commitment before the first contribution")
    .hint("this phase goes on without you; tell the coordinator")
}

impl Ceremony {
    /// Refuses commitments to a phase that is not open, or that has contributions.
    ///
    /// # Errors
    /// Why it takes none.
    pub fn ensure_takes_commitments(&self, phase: Phase) -> Result<(), Diagnostic> {
        self.ensure_sound()?;
        if self.stage() != Stage::Contributions(phase) {
            let number = u8::from(phase);
            return Err(Diagnostic::artefact(
                "commitments-not-open",
                format_args!("phase {number} takes no commitments now"),
            )
            .hint(format_args!(
                "`{PROGRAM} ceremony status {}` says what comes next",
                self.folder.root().display()
            )));
        }
        match self.contributed_to(phase) {
            None => Ok(()),
            Some(chain) => {
                Err(too_late(phase, &format!("{} has contributions already", chain.track)))
            }
        }
    }

    /// Whether a participant's secrets for a chain are gone: a contribution with them was taken in,
    /// and rejected later. They ended when it was taken in.
    #[must_use]
    pub fn is_spent(&self, chain: &Chain, participant: &Label) -> bool {
        self.config.asks_for_committed_secrets()
            && chain.contribution_of(participant).is_none()
            && chain.rejected.iter().any(|gone| gone.contributor.as_ref() == Some(participant))
    }

    /// A chain of the phase with contributions, or ones that were rejected, or whose beacon is due.
    #[must_use]
    pub fn contributed_to(&self, phase: Phase) -> Option<&Chain> {
        let begun = |chain: &&Chain| {
            chain.contributions().next().is_some()
                || !chain.rejected.is_empty()
                || chain.awaits_beacon().is_some()
        };
        self.chains().filter(|chain| chain.track.phase() == phase).find(begun)
    }

    /// What became of a commitment. Whether a contribution has its secrets is for a verification to
    /// say.
    #[must_use]
    pub fn standing(&self, kept: &Committed) -> Standing {
        let of_phase = |chain: &&Chain| chain.track.phase() == kept.said.phase;
        let lacks = |chain: &&Chain| chain.contribution_of(&kept.said.participant).is_none();
        let lacking: Vec<&Chain> = self.chains().filter(of_phase).filter(lacks).collect();
        if lacking.is_empty() {
            Standing::Contributed
        } else if lacking.iter().any(|chain| self.is_spent(chain, &kept.said.participant)) {
            Standing::Rejected
        } else if lacking.iter().any(|chain| chain.is_closed()) {
            Standing::NotOpened
        } else {
            Standing::Waiting
        }
    }
}

#[cfg(test)]
mod tests;
