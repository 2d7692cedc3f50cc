//! The result of a verification as documents: `report.json` for programs, `report.html` for people, `SHA256SUMS` for standard tools.

mod html;
mod sums;

use ceremony_folder::{Ceremony, CeremonyError, PartReport, Track, VerifiedCeremony};
use serde::{Deserialize, Serialize};
use zk_attest::primitives::Timestamp;
use zk_attest::statement::Action;

pub(crate) use html::html;
pub(crate) use sums::sums;

use crate::error::CliError;

/// `report.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) format: String,
    /// "good": everything that is there holds, and the ceremony is finished. "unfinished": everything that is there holds. "bad": something does not.
    pub(crate) result: String,
    pub(crate) ceremony: String,
    pub(crate) kind: String,
    pub(crate) ceremony_toml_sha256: String,
    pub(crate) tool: String,
    pub(crate) arithmetic: String,
    pub(crate) time: String,
    pub(crate) seconds: f64,
    pub(crate) transcript_sha256: Option<String>,
    pub(crate) verifying_keys: Vec<ReportedKey>,
    pub(crate) files: Vec<ReportedFile>,
    pub(crate) failure: Option<ReportedFailure>,
    pub(crate) chains: Vec<ReportedChain>,
}

/// A verifying key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedKey {
    pub(crate) circuit: String,
    pub(crate) public_inputs: u32,
    pub(crate) vk_sha256: String,
}

/// A data file that was verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedFile {
    pub(crate) title: String,
    pub(crate) file: String,
    pub(crate) length: u64,
    pub(crate) sha256: String,
    pub(crate) blake2b: String,
    pub(crate) seconds: f64,
    pub(crate) checks: Vec<ReportedCheck>,
}

/// A check that passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedCheck {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) number: Option<u32>,
    pub(crate) statement: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) remark: Option<String>,
}

/// What stopped the verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedFailure {
    /// The step.
    pub(crate) title: String,
    pub(crate) error: String,
    pub(crate) hint: Option<String>,
}

/// Who did what and when, as it is attested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedChain {
    pub(crate) title: String,
    pub(crate) steps: Vec<ReportedStep>,
    pub(crate) rejected: Vec<ReportedRejection>,
}

/// An attested step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedStep {
    pub(crate) file: String,
    pub(crate) action: String,
    pub(crate) index: u32,
    pub(crate) participant: String,
    pub(crate) key: String,
    pub(crate) fingerprint: String,
    pub(crate) time: String,
    pub(crate) sha256: String,
    pub(crate) contribution_hash: Option<String>,
    pub(crate) entropy: String,
    pub(crate) destruction: String,
    pub(crate) beacon: Option<String>,
}

/// A file that was taken out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReportedRejection {
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) reason: String,
}

impl Report {
    /// Bytes of a report that is read again: what a folder of the largest size gives.
    pub(crate) const MAX_BYTES: usize = 16 << 20;

    /// The report of a verification that has not begun.
    pub(crate) fn begin(ceremony: &Ceremony) -> Self {
        let rules = ceremony.config.document();
        Self {
            format: "zk-ceremony-report/1".into(),
            result: "unfinished".into(),
            ceremony: rules.id.to_string(),
            kind: rules.kind.to_string(),
            ceremony_toml_sha256: ceremony.config.digest().to_string(),
            tool: concat!("zk-ceremony ", env!("CARGO_PKG_VERSION")).into(),
            arithmetic: bn254_batch::backend().to_string(),
            time: Timestamp::now().to_string(),
            seconds: 0.0,
            transcript_sha256: None,
            verifying_keys: Vec::new(),
            files: Vec::new(),
            failure: None,
            chains: chains(ceremony),
        }
    }

    /// A file verified.
    pub(crate) fn passed(&mut self, ceremony: &Ceremony, part: &PartReport, seconds: f64) {
        let check = |check: &ceremony_folder::verify::PassedCheck| ReportedCheck {
            number: check.number,
            statement: check.statement.into(),
            remark: check.remark.map(str::to_owned),
        };
        self.files.push(ReportedFile {
            title: part.title.clone(),
            file: relative(ceremony, &part.path),
            length: part.digests.length,
            sha256: part.digests.sha256.to_string(),
            blake2b: part.digests.blake2b.to_string(),
            seconds,
            checks: part.checks.iter().map(check).collect(),
        });
    }

    /// The verification stopped.
    pub(crate) fn failed(&mut self, title: String, error: &CeremonyError) {
        let shown = CliError::ceremony(error);
        let (result, message, hint) = shown.parts();
        self.result = result.into();
        self.failure =
            Some(ReportedFailure { title, error: message.into(), hint: hint.map(str::to_owned) });
    }

    /// Everything holds, and the ceremony is finished.
    pub(crate) fn finished(&mut self, done: &VerifiedCeremony) {
        self.result = "good".into();
        self.transcript_sha256 = Some(done.digest().to_string());
        let circuits = &done.transcript().transcript().circuits;
        self.verifying_keys = circuits
            .iter()
            .map(|circuit| ReportedKey {
                circuit: circuit.name.to_string(),
                public_inputs: circuit.public_inputs,
                vk_sha256: circuit.vk_sha256.to_string(),
            })
            .collect();
    }
}

fn chains(ceremony: &Ceremony) -> Vec<ReportedChain> {
    let chain = |chain: &ceremony_folder::Chain| ReportedChain {
        title: match &chain.track {
            Track::Phase1 => "Phase 1: powers of tau".into(),
            Track::Circuit(name) => format!("Phase 2: {name}"),
        },
        steps: chain
            .steps
            .iter()
            .chain(&chain.prepared)
            .map(|step| reported(ceremony, step))
            .collect(),
        rejected: chain
            .rejected
            .iter()
            .map(|rejected| ReportedRejection {
                file: relative(ceremony, &rejected.path),
                sha256: rejected.file.to_string(),
                reason: rejected.reason.to_string(),
            })
            .collect(),
    };
    ceremony.chains().map(chain).collect()
}

fn reported(ceremony: &Ceremony, step: &ceremony_folder::Step) -> ReportedStep {
    let words = &step.words;
    ReportedStep {
        file: relative(ceremony, &step.path),
        action: words.action.as_str().into(),
        index: step.index,
        participant: words.participant.to_string(),
        key: step.key.to_string(),
        fingerprint: step.key.fingerprint(),
        time: words.time.to_string(),
        sha256: step.file.to_string(),
        contribution_hash: words.contribution_hash.map(|hash| hash.to_string()),
        entropy: if words.action == Action::Contribution {
            words.entropy.to_string()
        } else {
            "none".into()
        },
        destruction: words.destruction.to_string(),
        beacon: words.beacon.as_ref().map(|beacon| {
            format!(
                "{}, round {}: {}, hashed 2^{} times",
                beacon.source,
                beacon.round,
                hex::encode(beacon.value.as_bytes()),
                beacon.exponent.get()
            )
        }),
    }
}

fn relative(ceremony: &Ceremony, path: &std::path::Path) -> String {
    path.strip_prefix(ceremony.folder.root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}
