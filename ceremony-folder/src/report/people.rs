//! The people of a ceremony, as a report shows them: who acts as coordinator, what changed in the
//! roster and by whose signatures, and who enrolled.

use serde::{Deserialize, Serialize};
use zk_attest::key::PublicKey;
use zk_attest::statement::Phase;

use crate::amend::shown;
use crate::commitment::Standing;
use crate::commitment::rounds::Begun;
use crate::roster::Amended;
use crate::{Ceremony, CeremonyError};

/// Everything about people that is not about a step.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ReportedPeople {
    /// Who acts as coordinator now.
    pub coordinator: String,
    /// Amendments in force, in their order.
    pub amendments: Vec<ReportedAmendment>,
    /// The amendment that waits for signatures.
    pub pending: Option<ReportedPending>,
    /// Why the next file of the amendments' folder is not read.
    pub unread: Option<String>,
    /// Who signed before the rounds that they take part.
    pub enrolments: Vec<ReportedEnrolment>,
    /// Who committed to secrets, where the rules ask for it.
    #[serde(default)]
    pub commitments: Vec<ReportedCommitment>,
    /// Rounds of commitments after the first: those before are void.
    #[serde(default)]
    pub commitment_rounds: Vec<ReportedRound>,
}

/// An amendment in force.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedAmendment {
    /// 1, 2, ...
    pub number: u32,
    /// What changed, in words.
    pub change: String,
    /// Why, in the words of its makers.
    pub reason: String,
    /// Who signed it: names, or fingerprints of keys without one.
    pub signed_by: Vec<String>,
    /// When, in UTC.
    pub time: String,
}

/// An amendment that changes nothing yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedPending {
    /// What is to change, in words.
    pub change: String,
    /// Whose signatures are missing.
    pub missing: String,
}

/// Somebody's enrolment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedEnrolment {
    /// Who.
    pub participant: String,
    /// Fingerprint of the key.
    pub fingerprint: String,
    /// In which phases.
    pub phases: Vec<u8>,
    /// Program and version.
    pub tool: String,
    /// SHA-256 of the program's file, in hex.
    pub software_sha256: Option<String>,
    /// On which machine, in their words.
    pub machine: String,
    /// When, in their words.
    pub window: String,
    /// When it was signed, in UTC.
    pub time: String,
}

/// Somebody's commitment to the secrets of a phase.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedCommitment {
    /// Who.
    pub participant: String,
    /// Fingerprint of the key that signed it.
    pub fingerprint: String,
    /// To which phase.
    pub phase: u8,
    /// What became of it. Whether a contribution has these secrets is for a verification to say.
    pub standing: Standing,
    /// When it was signed, in UTC.
    pub time: String,
}

/// A round of commitments that the coordinator began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedRound {
    /// Of which phase.
    pub phase: u8,
    /// Which: 2 or more.
    pub round: u32,
    /// Why, in the coordinator's words.
    pub reason: String,
    /// When it was signed, in UTC.
    pub time: String,
}

impl ReportedCommitment {
    /// What became of it, in words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self.standing {
            Standing::Waiting => "no contribution yet",
            Standing::Contributed => "contributed",
            Standing::Rejected => "REJECTED: its secrets are gone, it cannot come again",
            Standing::NotOpened => "NOT OPENED: the phase was closed without it",
        }
    }
}

impl ReportedPeople {
    /// What a folder says of its people.
    ///
    /// # Errors
    /// When the folder of enrolments cannot be listed, or has more files than are read.
    pub fn of(ceremony: &Ceremony) -> Result<Self, CeremonyError> {
        let roster = &ceremony.roster;
        let pending = roster.pending().map(|pending| ReportedPending {
            change: shown(&pending.amended.said.change),
            missing: pending.missing.clone(),
        });
        Ok(Self {
            coordinator: roster.coordinator().name.to_string(),
            amendments: roster.amendments().iter().map(|it| amendment(ceremony, it)).collect(),
            pending,
            unread: roster.unread().map(ToString::to_string),
            enrolments: enrolments(ceremony)?,
            commitments: [Phase::One, Phase::Two]
                .into_iter()
                .flat_map(|phase| commitments(ceremony, phase))
                .collect(),
            commitment_rounds: ceremony.commitments.rounds().iter().map(round).collect(),
        })
    }
}

fn round(begun: &Begun) -> ReportedRound {
    ReportedRound {
        phase: u8::from(begun.said.phase),
        round: begun.said.round,
        reason: begun.said.reason.to_string(),
        time: begun.said.time.to_string(),
    }
}

fn amendment(ceremony: &Ceremony, amended: &Amended) -> ReportedAmendment {
    let said = &amended.said;
    ReportedAmendment {
        number: said.number,
        change: shown(&said.change),
        reason: said.reason.to_string(),
        signed_by: amended.signers.iter().map(|key| name(ceremony, key)).collect(),
        time: said.time.to_string(),
    }
}

/// Whose key it is or was, of the roster and the deputies.
fn name(ceremony: &Ceremony, key: &PublicKey) -> String {
    let rules = ceremony.config.document();
    let deputies = rules.deputies.iter().flat_map(|deputies| &deputies.people);
    let mut named =
        ceremony.roster.keys().chain(deputies.map(|person| (&person.name, &person.key)));
    let found = named.find(|(_, known)| *known == key);
    found.map_or_else(|| key.fingerprint(), |(name, _)| name.to_string())
}

fn enrolments(ceremony: &Ceremony) -> Result<Vec<ReportedEnrolment>, CeremonyError> {
    let all = ceremony.enrolments()?.into_iter();
    Ok(all
        .map(|said| ReportedEnrolment {
            participant: said.participant.to_string(),
            fingerprint: said.key.fingerprint(),
            phases: said.phases.iter().map(|phase: &Phase| u8::from(*phase)).collect(),
            tool: said.tool.to_string(),
            software_sha256: said.software_sha256.map(|digest| digest.to_string()),
            machine: said.machine.to_string(),
            window: said.window.to_string(),
            time: said.time.to_string(),
        })
        .collect())
}

fn commitments(ceremony: &Ceremony, phase: Phase) -> impl Iterator<Item = ReportedCommitment> + '_ {
    ceremony.commitments.of_phase(phase).map(move |kept| {
        let said = &kept.said;
        ReportedCommitment {
            participant: said.participant.to_string(),
            fingerprint: said.key.fingerprint(),
            phase: u8::from(phase),
            standing: ceremony.standing(kept),
            time: said.time.to_string(),
        }
    })
}
