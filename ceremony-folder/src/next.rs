//! The rules of a ceremony's successor: the same people, circuits and powers, new beacons, and the
//! transcript that is replaced.

use std::collections::BTreeSet;

use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::TranscriptDigest;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::statement::Phase;
use zk_vk_guard::transcript::{CheckedTranscript, MAX_TRANSCRIPT_BYTES};

use crate::config::{
    Config, ConfigDocument, DeputyRule, ExternalStart, Participant, Person, PlannedBeacon,
    Predecessor,
};
use crate::error::at;
use crate::{Ceremony, Stage};

/// When a phase of the successor ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closing {
    /// With this round of the same source.
    Round(u64),
    /// With the first round that is published after this moment: for chains of drand, whose times
    /// are known.
    After(Timestamp),
}

/// What the successor does not take from its predecessor.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: CeremonyId,
    /// The end of phase 1; none where its powers are kept, or come from elsewhere.
    pub phase1: Option<Closing>,
    /// The end of phase 2.
    pub phase2: Closing,
    /// Whether it starts from the prepared powers of this ceremony.
    pub keep_phase1: bool,
    /// The serial of the predecessor's bundle.
    pub serial: u64,
    /// Keys that count no more.
    pub revoked: BTreeSet<PublicKey>,
}

/// The rules of a successor.
#[derive(Clone, Debug)]
pub struct Next {
    /// ceremony.toml.
    pub toml: String,
    /// The same, read.
    pub config: Config,
    /// Who is not in the roster any more.
    pub left_out: Vec<Label>,
}

impl Ceremony {
    /// The rules of this ceremony's successor, as sound ones.
    ///
    /// # Errors
    /// When this ceremony has no transcript, an end is missing or lies in the past, or the rules
    /// would not be sound: who is left may be too few.
    pub fn successor(&self, plan: &Plan) -> Result<Next, Diagnostic> {
        let transcript = self.own_transcript()?;
        let rules = self.config.document();
        let stays = |key: &PublicKey| !plan.revoked.contains(key);
        let mut left_out = Vec::new();
        let mut participants: Vec<Participant> = self.roster.everybody().to_vec();
        participants.retain(|person| {
            let stays = stays(&person.key);
            left_out.extend((!stays).then(|| person.name.clone()));
            stays
        });
        let coordinator = self.coordinator_of_next(&plan.revoked)?;
        let deputies = rules.deputies.as_ref().and_then(|DeputyRule { threshold, people }| {
            let people: Vec<Person> = people
                .iter()
                .filter(|person| stays(&person.key) && person.key != coordinator.key)
                .cloned()
                .collect();
            // A rule that nobody can meet is none.
            (people.len() >= threshold.get() as usize)
                .then_some(DeputyRule { threshold: *threshold, people })
        });
        let keeps_phase1 = plan.keep_phase1 || !self.config.has_own_phase1();
        let mut document: ConfigDocument = rules.clone();
        document.id = plan.id.clone();
        document.coordinator = coordinator;
        document.deputies = deputies;
        document.participants = participants;
        document.predecessor =
            Some(Predecessor { transcript_sha256: transcript, serial: plan.serial });
        if keeps_phase1 {
            document.minimum_contributions.phase1 = None;
            document.beacon.phase1 = None;
            for person in &mut document.participants {
                person.phases.retain(|phase| *phase == Phase::Two);
            }
            document.participants.retain(|person| !person.phases.is_empty());
            if let Some(enrolment) = &mut document.enrolment {
                enrolment.phases.retain(|phase| *phase == Phase::Two);
            }
            document.enrolment = document.enrolment.filter(|rule| !rule.phases.is_empty());
            if plan.keep_phase1 {
                document.phase1_start = Some(self.prepared_start()?);
            }
        } else {
            let beacon = document.beacon.phase1.take();
            document.beacon.phase1 =
                beacon.map(|it| closing(it, plan.phase1.as_ref(), 1)).transpose()?;
        }
        document.beacon.phase2 = closing(document.beacon.phase2, Some(&plan.phase2), 2)?;
        let refused = |error: String| {
            Diagnostic::environment("next-rules", format_args!("the rules are not sound: {error}"))
                .at(self.folder.root().display())
        };
        let toml = toml::to_string(&document).map_err(|error| refused(error.to_string()))?;
        let config =
            Config::from_toml(toml.as_bytes()).map_err(|error| refused(error.to_string()))?;
        config
            .ensure_rounds_to_come(&Timestamp::now())
            .map_err(|error| refused(error.to_string()))?;
        Ok(Next { toml, config, left_out })
    }

    /// SHA-256 of the transcript of this ceremony, which is finished.
    fn own_transcript(&self) -> Result<TranscriptDigest, Diagnostic> {
        let path = self.folder.transcript();
        let unfinished = |found: &str| {
            Diagnostic::environment(
                "not-finished",
                "a ceremony has a successor when it is finished",
            )
            .at(path.display())
            .found(found)
            .expected("the transcript of a finished ceremony")
            .hint(format_args!(
                "`{PROGRAM} ceremony verify {}` writes it",
                self.folder.root().display()
            ))
        };
        self.ensure_sound()?;
        if self.stage() != Stage::Closed {
            return Err(unfinished("an open phase"));
        }
        if !self.folder.is_present(&path) {
            return Err(unfinished("no transcript"));
        }
        let bytes = self.folder.read(&path, MAX_TRANSCRIPT_BYTES)?;
        let transcript = CheckedTranscript::from_json(&bytes).map_err(at(&path))?;
        if transcript.transcript().ceremony_toml_sha256 != self.config.digest() {
            return Err(unfinished("the transcript of another ceremony"));
        }
        Ok(transcript.digest())
    }

    /// Who acts now, or the coordinator of the rules.
    fn coordinator_of_next(&self, revoked: &BTreeSet<PublicKey>) -> Result<Person, Diagnostic> {
        let candidates = [self.roster.coordinator(), &self.config.document().coordinator];
        let person = candidates.into_iter().find(|person| !revoked.contains(&person.key));
        person.cloned().ok_or_else(|| {
            Diagnostic::environment("coordinator-revoked", "the coordinator's key is revoked")
                .found(candidates[0].key.fingerprint())
                .hint("write the rules by hand, with another coordinator")
        })
    }

    fn prepared_start(&self) -> Result<ExternalStart, Diagnostic> {
        let Some(prepared) = &self.phase1.prepared else {
            return Err(Diagnostic::environment("not-prepared", "phase 1 is not prepared")
                .at(self.folder.root().display()));
        };
        let id = &self.config.document().id;
        let description = Label::new(&format!("prepared powers of {id}"))
            .unwrap_or_else(|_| Label::from_static("prepared powers of the predecessor"));
        Ok(ExternalStart { sha256: prepared.file, description, extend: false })
    }
}

/// A beacon of the same source, later.
fn closing(
    beacon: PlannedBeacon,
    closing: Option<&Closing>,
    phase: u8,
) -> Result<PlannedBeacon, Diagnostic> {
    let flag = format!("--phase{phase}-round");
    let refused = |what: &str, expected: &str| {
        Err(Diagnostic::environment("beacon-round", format_args!("phase {phase}: {what}"))
            .at(&flag)
            .expected(expected))
    };
    let round = match (closing, beacon.drand) {
        (None, _) => {
            return refused(
                "the end is not named",
                "a round, or with --phase1-after the time after which a round of drand ends it",
            );
        }
        (Some(Closing::Round(round)), _) => *round,
        (Some(Closing::After(time)), Some(chain)) => chain.first_round_after(time),
        (Some(Closing::After(_)), None) => {
            return refused("nobody knows when its source publishes", "a round");
        }
    };
    if round <= beacon.round {
        return refused(
            "the round is not later than the predecessor's",
            &format!("more than {}", beacon.round),
        );
    }
    Ok(PlannedBeacon { round, ..beacon })
}
