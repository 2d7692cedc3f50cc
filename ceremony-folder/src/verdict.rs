//! Signed verdicts of single steps: who verified which file of a ceremony, and whether it holds.
//!
//! An auditor signs one for each step, while the ceremony goes on. Who trusts the auditor need not
//! verify that file again: the large prepared file, for example. Anyone can sign one; whose count
//! is for the reader to say, by key.
//!
//! ```text
//! audits/KEY/1.STEP.dsse.json            a step of phase 1, or its prepared file
//! audits/KEY/2.CIRCUIT.STEP.dsse.json    a step of a circuit
//! ```
//!
//! KEY are the first 16 digits of the auditor's key id, so that the verdicts of one auditor are
//! found whatever else lies in `audits/`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{CircuitReference, Phase, Predicate, Statement, Subject};

use crate::chain::Step;
use crate::error::at;
use crate::folder::{MAX_ENTRIES, Track};
use crate::steps::write_file;
use crate::store::EntryKind;
use crate::{Ceremony, CeremonyError};

/// What an auditor signs of a step. The subject is its data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepVerdict {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The phase.
    pub phase: Phase,
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitReference>,
    /// The step's number.
    pub index: u32,
    /// Whether the file and everything that it is built on hold.
    pub verdict: Verdict,
    /// What does not hold; none where everything does.
    pub reason: Option<Label>,
    /// Who.
    pub auditor: Label,
    /// The auditor's key, under which this verifies.
    pub key: PublicKey,
    /// Tool and version.
    pub tool: Label,
    /// When.
    pub time: Timestamp,
}

/// Whether a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It does.
    Good,
    /// It does not.
    Bad,
}

impl Predicate for StepVerdict {
    const TYPE: &'static str = "urn:zk-ceremony:step-verdict:v1";
    const RENEW: &'static str = "have the auditor verify the step again";
}

/// Who gives a verdict.
#[derive(Clone, Debug)]
pub struct Auditor {
    /// Name.
    pub name: Label,
    /// Tool and version.
    pub tool: Label,
}

impl Ceremony {
    /// Where the verdict of a key on a step is.
    #[must_use]
    pub fn verdict_path(&self, key: &PublicKey, track: &Track, step: &Step) -> PathBuf {
        let circuit = self.reference(track);
        self.verdicts_of(key).join(name(circuit.as_ref(), &step.name.to_string()))
    }

    fn verdicts_of(&self, key: &PublicKey) -> PathBuf {
        self.folder.audits().join(key.fingerprint().replace(' ', ""))
    }

    /// Signs and writes a verdict. `bad` is what does not hold. An earlier one of the same key on
    /// the same step is replaced.
    ///
    /// # Errors
    /// When the words do not fit a statement, or signing or writing fails.
    pub fn write_verdict(
        &self,
        track: &Track,
        step: &Step,
        bad: Option<Label>,
        auditor: &Auditor,
        signer: &mut dyn Signer,
    ) -> Result<PathBuf, Diagnostic> {
        let key = *signer.public_key();
        let path = self.verdict_path(&key, track, step);
        let rules = self.config.document();
        let predicate = StepVerdict {
            ceremony: rules.id.clone(),
            kind: rules.kind,
            ceremony_toml_sha256: self.config.digest(),
            phase: track.phase(),
            circuit: self.reference(track),
            index: step.index,
            verdict: if bad.is_some() { Verdict::Bad } else { Verdict::Good },
            reason: bad,
            auditor: auditor.name.clone(),
            key,
            tool: auditor.tool.clone(),
            time: Timestamp::now(),
        };
        let file = step.path.file_name().unwrap_or_default().to_string_lossy();
        let subject = Subject::new(&file, step.file.as_bytes()).map_err(at(&path))?;
        let statement = Statement { subject: vec![subject], predicate };
        let mut envelope = statement.to_envelope().map_err(at(&path))?;
        sign_envelope(signer, &mut envelope)?;
        write_file(self, &path, &envelope.to_json(), true)?;
        Ok(path)
    }

    /// The verdict of a key on a step, as the step is attested now. None where there is none, or
    /// what stands there is not one: of another ceremony, another file, or under another key.
    #[must_use]
    pub fn verdict(&self, key: &PublicKey, track: &Track, step: &Step) -> Option<StepVerdict> {
        let (said, subject) = self.read_verdict(&self.verdict_path(key, track, step))?;
        let is_of_the_step = said.key == *key
            && said.phase == track.phase()
            && said.circuit == self.reference(track)
            && said.index == step.index
            && subject.digest.sha256.0 == step.file.0;
        is_of_the_step.then_some(said)
    }

    /// All verdicts of this ceremony that verify under the keys they name, with the digests of the
    /// files that they are of. Anyone can sign one: a reader looks at the key.
    ///
    /// # Errors
    /// When a folder of verdicts cannot be listed, or there are more than are read.
    pub fn verdicts(&self) -> Result<Vec<(StepVerdict, FileDigest)>, CeremonyError> {
        let audits = self.folder.audits();
        let mut found = Vec::new();
        for name in self.folder.names(&audits, EntryKind::Folder, MAX_ENTRIES)? {
            let folder = audits.join(name);
            for file in self.folder.names(&folder, EntryKind::File, MAX_ENTRIES)? {
                found.extend(self.verdict_at(&folder.join(file)));
            }
        }
        Ok(found)
    }

    /// The verdict at a path, if it is one of those of [`Self::verdicts`].
    #[must_use]
    pub fn verdict_at(&self, path: &Path) -> Option<(StepVerdict, FileDigest)> {
        let (said, subject) = self.read_verdict(path)?;
        // Under its own name only: each key has one verdict on each step.
        let stem = subject.name.as_str().split('.').next().unwrap_or_default();
        let is_its_own =
            self.verdicts_of(&said.key).join(name(said.circuit.as_ref(), stem)) == path;
        is_its_own.then_some((said, FileDigest(subject.digest.sha256.0)))
    }

    /// Keeps a verdict that `key` signed. None where the envelope has something else.
    pub(crate) fn keep_verdict(
        &self,
        envelope: &Envelope,
        key: &PublicKey,
    ) -> Option<Result<(), Diagnostic>> {
        let Statement { subject, predicate: said } =
            Statement::<StepVerdict>::from_payload(envelope.payload()).ok()?;
        let of = |track: &Track, step: &Step| {
            said.circuit == self.reference(track)
                && said.phase == track.phase()
                && said.index == step.index
                && matches!(subject.as_slice(), [it] if it.digest.sha256.0 == step.file.0)
        };
        let is_ours = said.key == *key && said.ceremony_toml_sha256 == self.config.digest();
        let found = self.chains().find_map(|chain| {
            let mut steps = chain.steps.iter().chain(&chain.prepared);
            Some((&chain.track, steps.find(|step| of(&chain.track, step))?))
        });
        let Some((track, step)) = found.filter(|_| is_ours) else {
            return Some(Err(Diagnostic::artefact(
                "no-such-step",
                "the verdict is of a step that this ceremony does not have",
            )
            .hint("bring your copy up to date, and verify again")));
        };
        let path = self.verdict_path(key, track, step);
        let kept = self.verdict_at(&path).map(|(kept, _)| kept.time);
        if let Err(older) = crate::audit::ensure_newer(kept.as_ref(), &said.time) {
            return Some(Err(older));
        }
        Some(write_file(self, &path, &envelope.to_json(), true).map_err(Diagnostic::from))
    }

    fn read_verdict(&self, path: &Path) -> Option<(StepVerdict, Subject)> {
        let bytes = self.folder.read(path, Envelope::MAX_BYTES).ok()?;
        let envelope = Envelope::from_json(&bytes).ok()?;
        let Statement { subject, predicate: said } =
            Statement::<StepVerdict>::from_payload(envelope.payload()).ok()?;
        let [subject] = <[Subject; 1]>::try_from(subject).ok()?;
        let rules = self.config.document();
        let is_ours = said.ceremony_toml_sha256 == self.config.digest()
            && said.ceremony == rules.id
            && said.kind == rules.kind
            && (said.verdict == Verdict::Good) == said.reason.is_none();
        (is_ours && !envelope.signers([&said.key]).is_empty()).then_some((said, subject))
    }
}

/// The name of the verdict on a step.
fn name(circuit: Option<&CircuitReference>, step: &str) -> String {
    match circuit {
        None => format!("1.{step}.dsse.json"),
        Some(circuit) => format!("2.{}.{step}.dsse.json", circuit.name),
    }
}
