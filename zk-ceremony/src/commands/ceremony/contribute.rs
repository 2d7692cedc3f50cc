//! `ceremony contribute`: verify the step before, add a secret, attest it.

use ceremony_core::format::ptau::Ptau;
use ceremony_core::format::record::ContributorName;
use ceremony_core::format::zkey::Zkey;
use ceremony_core::{phase1, phase2};
use ceremony_folder::config::{Order, Participant};
use ceremony_folder::{Ceremony, Chain, Slot, Stage, Track};
use zk_attest::digest::ContributionHash;
use zk_attest::primitives::Label;
use zk_attest::statement::{Action, Phase};

use crate::cli::ceremony::ContributeStep;
use crate::commands::entropy::Added;
use crate::commands::zkey::contribute_error;
use crate::error::CliError;
use crate::folder::{
    AttestationDraft, FolderLock, NewStep, ensure_unchanged, input, open_ceremony_strict, text,
    this_tool, verify_last,
};
use crate::progress::Bars;
use crate::show::hex_groups;
use crate::signer::Signer;

impl ContributeStep {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let root = &self.folder.folder;
        let _lock = FolderLock::take(root)?;
        let ceremony = open_ceremony_strict(root)?;
        let mut signer = self.signer.open()?;
        let participant = participant(&ceremony, &self.name, signer.as_ref())?.clone();
        let tracks = turns(&ceremony, &participant, &self.skip)?;
        let destruction = text("--destruction", &self.destruction)?;
        for track in &tracks {
            verify_last(&ceremony, track)?;
        }
        let added = self.entropy.gather()?;
        for track in &tracks {
            contribute(&ceremony, track, &participant, &added, &destruction, signer.as_mut())?;
        }
        println!(
            "Keep the hashes: `cargo xtask ceremony find {} --participant \"{}\"` looks for them in the result.",
            root.display(),
            participant.name
        );
        Ok(())
    }
}

/// The participant of that name, if the signer has the key that the roster gives.
pub(super) fn participant<'a>(
    ceremony: &'a Ceremony,
    name: &str,
    signer: &dyn Signer,
) -> Result<&'a Participant, CliError> {
    let roster = &ceremony.config.document().participants;
    let Some(participant) = roster.iter().find(|participant| participant.name.as_str() == name)
    else {
        let names: Vec<&str> = roster.iter().map(|participant| participant.name.as_str()).collect();
        return Err(CliError::environment(format!(
            "--as: nobody of this name is in the roster\n  found     {}\n  expected  {}",
            name,
            names.join(", ")
        ))
        .hint("the roster stands in ceremony.toml; who is not in it cannot contribute to this ceremony"));
    };
    if participant.key == *signer.public_key() {
        return Ok(participant);
    }
    Err(CliError::environment(format!(
        "this is not the key that the roster gives {}\n  found     {} ({})\n  expected  {}",
        participant.name,
        signer.public_key(),
        signer.description(),
        participant.key
    ))
    .hint("sign with the key whose public half you gave to the coordinator"))
}

/// The chains to which it is this participant's turn to contribute.
pub(super) fn turns(
    ceremony: &Ceremony,
    participant: &Participant,
    skip: &[String],
) -> Result<Vec<Track>, CliError> {
    let root = ceremony.folder.root().display();
    let Stage::Contributions(phase) = ceremony.stage() else {
        let what = "no phase is open for contributions now";
        return Err(CliError::environment(what)
            .hint(format!("`cargo xtask ceremony status {root}` says what comes next")));
    };
    if !participant.phases.contains(&phase) {
        let what = format!("{} does not contribute to phase {}", participant.name, u8::from(phase));
        return Err(CliError::environment(what)
            .hint("the roster in ceremony.toml lists the phases of each participant"));
    }
    let open = ceremony.chains().filter(|chain| chain.track.phase() == phase && !chain.is_closed());
    let (mut tracks, mut refusal) = (Vec::new(), None);
    for chain in open {
        match ensure_turn(ceremony, chain, participant, skip) {
            Ok(()) => tracks.push(chain.track.clone()),
            Err(error) => refusal = Some(error),
        }
    }
    match refusal {
        Some(error) if tracks.is_empty() => Err(error),
        _ => Ok(tracks),
    }
}

fn ensure_turn(
    ceremony: &Ceremony,
    chain: &Chain,
    participant: &Participant,
    skip: &[String],
) -> Result<(), CliError> {
    let root = ceremony.folder.root().display();
    if let Some(done) = chain.contributions().find(|step| step.key == participant.key) {
        return Err(CliError::environment(format!(
            "{} has contributed already\n  found     {}, step {}",
            participant.name, chain.track, done.index
        ))
        .hint(format!(
            "nothing to do; `cargo xtask ceremony find {root} --participant \"{}\"` shows it",
            participant.name
        )));
    }
    if ceremony.config.document().order == Order::Any {
        return Ok(());
    }
    let waiting = chain.waiting(&ceremony.config);
    let before = waiting.iter().take_while(|other| other.key != participant.key);
    match before.into_iter().find(|other| !skip.iter().any(|name| name == other.name.as_str())) {
        None => Ok(()),
        Some(other) => Err(CliError::environment(format!(
            "{}: it is not your turn\n  found     {}\n  expected  {}",
            chain.track, participant.name, other.name
        ))
        .hint(format!(
            "wait for {}; or, agreed with the coordinator, add --skip \"{}\"",
            other.name, other.name
        ))),
    }
}

fn contribute(
    ceremony: &Ceremony,
    track: &Track,
    participant: &Participant,
    added: &Added,
    destruction: &Label,
    signer: &mut dyn Signer,
) -> Result<(), CliError> {
    let chain = ceremony.chains().find(|chain| chain.track == *track);
    let Some(before) = chain.and_then(|chain| chain.steps.last()) else {
        return Err(CliError::artefact(format!("{track}: the chain has no opening"))
            .hint("the coordinator opens it first"));
    };
    let number = before.index + 1;
    let mut step = NewStep::begin(ceremony, track, Slot::Number(number))?;
    let rng = added.rng()?;
    let name = ContributorName::new(participant.name.as_str());
    let hash = match track.phase() {
        Phase::One => {
            let mut input =
                Ptau::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
            let record = phase1::contribute::contribute(
                &mut input,
                &mut step.output,
                rng,
                Some(name),
                &Bars::default(),
            );
            let record = record.map_err(|e| CliError::step(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file)?;
            ContributionHash(record.response_hash().0)
        }
        Phase::Two => {
            let mut input =
                Zkey::open(input(&before.path)?).map_err(|e| CliError::format(&before.path, &e))?;
            let made = phase2::contribute::contribute(
                &mut input,
                &mut step.output,
                rng,
                Some(&name),
                &Bars::default(),
            );
            let made = made.map_err(|e| contribute_error(&before.path, &e))?;
            ensure_unchanged(&before.path, input.source(), &before.file)?;
            ContributionHash(made.hash.0)
        }
    };
    let path = step.path();
    let said = AttestationDraft {
        action: Action::Contribution,
        tool: this_tool()?,
        participant: participant.name.clone(),
        input: Some(before.file),
        contribution_hash: Some(hash),
        beacon: None,
        entropy: text("entropy", added.sources)?,
        destruction: destruction.clone(),
        reason: None,
    };
    let digests = step.commit(said, signer)?;
    println!(
        "{}: {track}, contribution {number}, attested by {}",
        path.display(),
        signer.public_key().fingerprint()
    );
    println!(
        "  sha256             {}\n  contribution hash (publish it)\n{}",
        digests.sha256,
        hex_groups(hash)
    );
    Ok(())
}
