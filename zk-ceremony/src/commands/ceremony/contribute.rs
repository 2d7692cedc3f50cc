//! `ceremony contribute`: verify the step before, add a secret, attest it.

use ceremony_core::entropy::ContributionRng;
use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::limits::MAX_NAME_UTF16;
use ceremony_core::{phase1, phase2};
use ceremony_folder::config::Participant;
use ceremony_folder::steps::{ensure_unchanged, open_input};
use ceremony_folder::{AttestationDraft, Ceremony, FolderLock, NewStep, Slot, Track};
use ceremony_net::metrics::{Measured, Of, Step as Work};
use zk_attest::PROGRAM;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::ContributionHash;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, Phase};

use super::reject::say_moved;
use super::{made_step, parse_label, say_halves, this_software};
use crate::cli::ceremony::ContributeStep;
use crate::failure;
use crate::outcome::note;
use crate::progress::Bars;
use crate::signer::Signer;
use crate::watching::say;

impl ContributeStep {
    pub(crate) fn run(self) -> Result<(), Diagnostic> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = Ceremony::open_sound(root)?;
        ensure_no_commitments(&ceremony, "a command that ends cannot keep them until its turn")?;
        let mut signer = self.signer.open()?;
        let participant = ceremony.participant(&self.name, signer.as_ref())?.clone();
        let tracks = ceremony.chains_open_to(&participant, &self.skip)?;
        let destruction = parse_label("--destruction", &self.destruction)?;
        if ContributorName::whole(participant.name.as_str()).is_none() {
            say!(
                "note: the data file carries the beginning of your name only, {MAX_NAME_UTF16} \
                 UTF-16 units; the attestation has all of it"
            );
        }
        // Asked for before the work, which nobody waits for.
        let added = self.entropy.gather()?;
        let verified = self.prepared.verify_last(&ceremony, &tracks)?;
        for track in &tracks {
            let words = (&destruction, &verified);
            let randomness = Randomness { rng: added.rng()?, words: added.words.clone() };
            let made =
                contribute(&ceremony, track, &participant, randomness, words, signer.as_mut())?;
            made.print(track, signer.as_ref());
        }
        say_halves(root, &participant.name);
        note!(
            "Keep the hashes: `{PROGRAM} ceremony find {} --participant \"{}\"` looks for them in \
             the result.",
            root.display(),
            participant.name
        );
        Ok(())
    }
}

/// What the secrets of one contribution are drawn from.
pub(super) struct Randomness {
    pub(super) rng: ContributionRng,
    /// Its sources, in words.
    pub(super) words: String,
}

/// Refuses contributions that are made in another way than the rules with commitments need.
pub(super) fn ensure_no_commitments(ceremony: &Ceremony, why: &str) -> Result<(), Diagnostic> {
    if !ceremony.config.asks_for_committed_secrets() {
        return Ok(());
    }
    Err(Diagnostic::environment(
        "commitments-need-join",
        format_args!("the rules ask for committed secrets, and {why}"),
    )
    .at(ceremony.folder.root().display())
    .found("[commitments] with secrets = true")
    .expected("a contribution by the process that committed to its secrets")
    .hint(format_args!(
        "the coordinator runs `{PROGRAM} ceremony serve`; `{PROGRAM} ceremony join URL --as NAME \
         --key KEY` commits, waits and contributes"
    )))
}

/// A contribution that was made.
pub(super) struct Made {
    pub(super) number: u32,
    pub(super) hash: ContributionHash,
    path: std::path::PathBuf,
    attestation: std::path::PathBuf,
    sha256: ceremony_core::hash::FileSha256,
}

impl Made {
    fn print(&self, track: &Track, signer: &dyn Signer) {
        made_step(
            (&self.path, &self.attestation),
            format_args!("{track}, contribution {}", self.number),
            (self.sha256, self.hash),
            signer,
        );
    }
}

pub(super) fn contribute(
    ceremony: &Ceremony,
    track: &Track,
    participant: &Participant,
    randomness: Randomness,
    (destruction, verified): (&Label, &Label),
    signer: &mut dyn Signer,
) -> Result<Made, Diagnostic> {
    let before = ceremony.head(track)?;
    let number = before.index + 1;
    let mut step = NewStep::begin(ceremony, track, Slot::Number(number))?;
    say_moved(&step.put_away);
    let _span = tracing::debug_span!("contribute").entered();
    let Randomness { rng, words } = randomness;
    let bars = Bars::default();
    let measured = Measured::begin(Work::Contribute(Of::chain(track.phase())), &bars);
    let name = ContributorName::new(participant.name.as_str());
    let hash = match track.phase() {
        Phase::One => {
            let mut input = Ptau::open(open_input(ceremony, &before.path)?)
                .map_err(|e| failure::format(&before.path, &e))?;
            let record = phase1::contribute::contribute(
                &mut input,
                &mut step.output,
                rng,
                Some(name),
                &measured,
            );
            let record = record.map_err(|e| failure::step(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file, &Bars::default())?;
            ContributionHash(record.response_hash().0)
        }
        Phase::Two => {
            let mut input = Zkey::open(open_input(ceremony, &before.path)?)
                .map_err(|e| failure::format(&before.path, &e))?;
            let made = phase2::contribute::contribute(
                &mut input,
                &mut step.output,
                rng,
                Some(&name),
                &measured,
            );
            let made = made.map_err(|e| failure::contribute_key(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file, &Bars::default())?;
            ContributionHash(made.hash.0)
        }
    };
    let (path, attestation) = (step.path(), step.attestation_path());
    let said = AttestationDraft {
        action: Action::Contribution,
        software: this_software(),
        participant: participant.name.clone(),
        input: Some(before.file),
        contribution_hash: Some(hash),
        beacon: None,
        entropy: parse_label("entropy", &words)?,
        destruction: destruction.clone(),
        verified: verified.clone(),
        reason: None,
    };
    let digests = step.commit(said, signer, &Bars::default())?;
    measured.done(digests.length);
    Ok(Made { number, hash, path, attestation, sha256: digests.sha256 })
}
