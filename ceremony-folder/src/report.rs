//! The result of a verification: `report.json` for programs, `report.html` for people, `SHA256SUMS`
//! for standard tools.

mod builds;
mod meaning;
mod page;
pub mod parts;
mod people;

use std::collections::{BTreeMap, BTreeSet};

pub use builds::ReportedBuild;
use ceremony_core::format::bound_file::sha256_file;
use ceremony_core::progress::Progress;
pub use page::html;
pub use people::{
    ReportedAmendment, ReportedCommitment, ReportedEnrolment, ReportedPending, ReportedPeople,
    ReportedRound,
};
use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::{Blame, Diagnostic};
use zk_attest::key::PublicKey;
use zk_attest::primitives::{Beacon, Timestamp};
use zk_attest::statement::{Action, Phase};
use zk_vk_guard::bundle::{Bundle, MAX_BUNDLE_BYTES};

use crate::archive_set::archive_set;
use crate::audit::{AuditFailure, AuditResult};
use crate::beacon;
use crate::chain::{Chain, Step};
use crate::drand;
use crate::error::{CeremonyError, at};
use crate::evidence::ReportedEvidence;
use crate::folder::Track;
use crate::stray::Stray;
use crate::verify::{PartReport, PassedCheck};
use crate::{Ceremony, VerifiedCeremony};

/// `report.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Report {
    /// The version of this document.
    pub format: String,
    /// "good": everything that is there holds, and the ceremony is finished. "unfinished":
    /// everything that is there holds. "bad": something does not.
    pub result: String,
    /// The ceremony's id.
    pub ceremony: String,
    /// "rehearsal" or "production".
    pub kind: String,
    /// SHA-256 of the rules.
    pub ceremony_toml_sha256: String,
    /// Program and version that verified.
    pub tool: String,
    /// Instructions that it ran on.
    pub arithmetic: String,
    /// When, in UTC.
    pub time: String,
    /// How long it took.
    pub seconds: f64,
    /// The transcript hash of a finished ceremony.
    pub transcript_sha256: Option<String>,
    /// The keys of a finished ceremony.
    pub verifying_keys: Vec<ReportedKey>,
    /// The data files that were verified, in order.
    pub files: Vec<ReportedFile>,
    /// What stopped the verification.
    pub failure: Option<ReportedFailure>,
    /// Whether every chain is closed and verified. An unfinished ceremony can be good so far.
    #[serde(default)]
    pub finished: bool,
    /// Files that are no step of any chain.
    #[serde(default)]
    pub strays: Vec<ReportedStray>,
    /// Audits that failed, as their auditors signed.
    #[serde(default)]
    pub failed_audits: Vec<ReportedAudit>,
    /// Audits that found everything good, as their auditors signed.
    #[serde(default)]
    pub audits: Vec<ReportedGoodAudit>,
    /// Who verified which steps while the ceremony went on.
    #[serde(default)]
    pub verdicts: Vec<ReportedVerdicts>,
    /// Who approved the bundle.
    #[serde(default)]
    pub approvals: Vec<ReportedApproval>,
    /// With which builds the contributions were made, by their own word.
    #[serde(default)]
    pub builds: Vec<ReportedBuild>,
    /// What others made that says when something was there.
    #[serde(default)]
    pub evidence: Vec<ReportedEvidence>,
    /// Why evidence could not be listed, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_error: Option<String>,
    /// Who acts as coordinator, what changed in the roster, who enrolled.
    #[serde(default)]
    pub people: ReportedPeople,
    /// Who did what, chain by chain.
    pub chains: Vec<ReportedChain>,
}

/// A verifying key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedKey {
    /// Name of the circuit.
    pub circuit: String,
    /// Number of public inputs.
    pub public_inputs: u32,
    /// SHA-256 of the canonical compressed key.
    pub vk_sha256: String,
}

/// A data file that was verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedFile {
    /// What it is, for people.
    pub title: String,
    /// Path inside the folder.
    pub file: String,
    /// Bytes.
    pub length: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// BLAKE2b-512, in hex.
    pub blake2b: String,
    /// How long it took.
    pub seconds: f64,
    /// The checks that passed.
    pub checks: Vec<ReportedCheck>,
}

/// A check that passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedCheck {
    /// Number in the list of its phase.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<u32>,
    /// What holds.
    pub statement: String,
    /// What is unusual about it, where something is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub remark: Option<String>,
}

/// What stopped the verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedFailure {
    /// The step.
    pub title: String,
    /// The message, with its place.
    pub error: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Who did what and when, as it is attested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedChain {
    /// What it is, for people.
    pub title: String,
    /// Steps in order.
    pub steps: Vec<ReportedStep>,
    /// Files that were taken out.
    pub rejected: Vec<ReportedRejection>,
    /// Files that are no step of it.
    #[serde(default)]
    pub strays: Vec<ReportedStray>,
    /// Who of the roster has not contributed.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Whether contributions can still come.
    #[serde(default)]
    pub open: bool,
    /// Everything above, each in its place: steps, rejected files and strays by name.
    #[serde(default)]
    pub places: Vec<ReportedPlace>,
}

/// One name of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportedPlace {
    /// A step, by its place in the list of steps.
    Step(usize),
    /// A rejected file, by its place in the list of those.
    Rejected(usize),
    /// A stray, by its place in the list of those.
    Stray(usize),
}

/// A beacon, as it is attested.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedBeacon {
    /// Where its value was published.
    pub source: String,
    /// Under which number.
    pub round: u64,
    /// The value, in hex.
    pub value: String,
    /// It was hashed 2^exponent times.
    pub exponent: u8,
    /// The chain of drand whose key it was verified with.
    #[serde(default)]
    pub chain: Option<String>,
    /// The signature of the round, in hex.
    #[serde(default)]
    pub signature: Option<String>,
    /// When the round was published, in UTC.
    #[serde(default)]
    pub published: Option<String>,
    /// What is known of whether the contributions were made before.
    #[serde(default)]
    pub order: String,
    /// Whether the value was verified with the key of its source.
    pub verified_against_source: bool,
}

/// An attested step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedStep {
    /// Path inside the folder.
    pub file: String,
    /// What the step is.
    pub action: String,
    /// Its number.
    pub index: u32,
    /// Who made it.
    pub participant: String,
    /// The key that attests it.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When, in UTC.
    pub time: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Of a contribution or a beacon.
    pub contribution_hash: Option<String>,
    /// Program and version that made it, by their own word.
    #[serde(default)]
    pub tool: String,
    /// SHA-256 of that program's file, likewise.
    #[serde(default)]
    pub executable_sha256: Option<String>,
    /// The commit of its sources, likewise.
    #[serde(default)]
    pub commit: Option<String>,
    /// What it computed with, likewise.
    #[serde(default)]
    pub arithmetic: Option<String>,
    /// Sources of randomness, in words.
    pub entropy: String,
    /// How the secret was destroyed, in words.
    pub destruction: String,
    /// What its maker had verified before.
    #[serde(default)]
    pub verified: String,
    /// Source, round and value.
    pub beacon: Option<ReportedBeacon>,
}

/// A file that was taken out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedRejection {
    /// Path inside the folder.
    pub file: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Why.
    pub reason: String,
}

/// A file that is not a step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedStray {
    /// Path inside the folder.
    pub file: String,
    /// Its story, in one word.
    pub kind: String,
    /// Its story.
    pub story: String,
}

/// An audit that found everything good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedGoodAudit {
    /// Who.
    pub auditor: String,
    /// The key that signed it.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// The transcript that the auditor's own verification gave.
    pub transcript_sha256: String,
    /// What else the auditor did, in their words.
    pub method: String,
    /// Tool and version.
    pub tool: String,
    /// When, in UTC.
    pub time: String,
}

/// What one key said of single steps.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedVerdicts {
    /// Who.
    pub auditor: String,
    /// The key that signed them.
    pub key: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// Files that were found good.
    pub good: usize,
    /// What was found bad, and why.
    pub bad: Vec<String>,
}

/// A signature on the bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedApproval {
    /// Who, where the rules or an audit name the key.
    pub name: Option<String>,
    /// As what they are named.
    pub role: String,
    /// The key; none where nothing in this folder says which it is.
    pub key: Option<String>,
    /// Its fingerprint, or what the signature says of it, which is not verified.
    pub fingerprint: String,
}

/// An audit that failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportedAudit {
    /// Who.
    pub auditor: String,
    /// The key that signed it.
    pub fingerprint: String,
    /// What did not hold.
    pub step: String,
    /// Why not.
    pub failure: String,
    /// When, in UTC.
    pub time: String,
}

impl Report {
    /// Bytes of a report that is read again: what a folder of the largest size gives.
    pub const MAX_BYTES: usize = 16 << 20;

    /// The report of a verification that has not begun.
    ///
    /// # Errors
    /// When a folder of what people left cannot be listed, or has more files than are read.
    pub fn begin(ceremony: &Ceremony, tool: &str) -> Result<Self, CeremonyError> {
        let rules = ceremony.config.document();
        // Evidence proves nothing of the files that are verified; that it was not read is told.
        let (evidence, evidence_error) = match ceremony.evidence() {
            Ok(evidence) => (evidence, None),
            Err(error) => (Vec::new(), Some(Diagnostic::from(&error).to_string())),
        };
        Ok(Self {
            format: "zk-ceremony-report/1".into(),
            result: "unfinished".into(),
            ceremony: rules.id.to_string(),
            kind: rules.kind.to_string(),
            ceremony_toml_sha256: ceremony.config.digest().to_string(),
            tool: tool.into(),
            arithmetic: bn254_batch::backend().to_string(),
            time: Timestamp::now().to_string(),
            seconds: 0.0,
            transcript_sha256: None,
            verifying_keys: Vec::new(),
            files: Vec::new(),
            failure: None,
            finished: false,
            strays: strays(ceremony),
            failed_audits: failed_audits(ceremony)?,
            audits: audits(ceremony)?,
            verdicts: verdicts(ceremony)?,
            approvals: approvals(ceremony)?,
            builds: ReportedBuild::all(ceremony),
            evidence,
            evidence_error,
            people: ReportedPeople::of(ceremony)?,
            chains: chains(ceremony),
        })
    }

    /// A file verified.
    pub fn passed(&mut self, ceremony: &Ceremony, part: &PartReport, seconds: f64) {
        let check = |check: &PassedCheck| ReportedCheck {
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
    pub fn failed(&mut self, title: String, error: &CeremonyError) {
        let shown = Diagnostic::from(error);
        let result = if shown.blame == Blame::Artefact { "bad" } else { "error" };
        self.result = result.into();
        self.failure = Some(ReportedFailure { title, error: shown.to_string(), hint: shown.hint });
    }

    /// Everything holds, and the ceremony is finished.
    pub fn finished(&mut self, done: &VerifiedCeremony) {
        self.result = "good".into();
        self.finished = true;
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

/// The strays of a folder, with paths inside it.
#[must_use]
pub fn strays(ceremony: &Ceremony) -> Vec<ReportedStray> {
    ceremony.strays().map(|stray| reported_stray(ceremony, stray)).collect()
}

/// The failed audits of a folder.
///
/// # Errors
/// As [`Ceremony::failed_audits`].
pub fn failed_audits(ceremony: &Ceremony) -> Result<Vec<ReportedAudit>, CeremonyError> {
    let reported = |audit: AuditFailure| ReportedAudit {
        auditor: audit.auditor.to_string(),
        fingerprint: audit.key.fingerprint(),
        step: audit.step.to_string(),
        failure: audit.failure.to_string(),
        time: audit.time.to_string(),
    };
    Ok(ceremony.failed_audits()?.into_iter().map(reported).collect())
}

fn audits(ceremony: &Ceremony) -> Result<Vec<ReportedGoodAudit>, CeremonyError> {
    let reported = |audit: AuditResult| ReportedGoodAudit {
        auditor: audit.auditor.to_string(),
        key: audit.key.to_string(),
        fingerprint: audit.key.fingerprint(),
        transcript_sha256: audit.transcript_sha256.to_string(),
        method: audit.method.to_string(),
        tool: audit.tool.to_string(),
        time: audit.time.to_string(),
    };
    Ok(ceremony.audits()?.into_iter().map(reported).collect())
}

/// One entry for each key, in the order of their folders.
fn verdicts(ceremony: &Ceremony) -> Result<Vec<ReportedVerdicts>, CeremonyError> {
    let mut found: Vec<ReportedVerdicts> = Vec::new();
    for (said, _) in ceremony.verdicts()? {
        let key = said.key.to_string();
        if found.last().is_none_or(|last| last.key != key) {
            found.push(ReportedVerdicts {
                auditor: said.auditor.to_string(),
                key,
                fingerprint: said.key.fingerprint(),
                good: 0,
                bad: Vec::new(),
            });
        }
        let Some(last) = found.last_mut() else { continue };
        match said.reason {
            None => last.good += 1,
            Some(reason) => {
                let chain = said.circuit.map_or("phase 1".to_owned(), |c| c.name.to_string());
                last.bad.push(format!("{chain}, step {}: {reason}", said.index));
            }
        }
    }
    Ok(found)
}

/// The signatures on the bundle that verify under a key of the rules or of an audit, and how many
/// there are of others: release authorities are named in a policy, not in the folder.
fn approvals(ceremony: &Ceremony) -> Result<Vec<ReportedApproval>, CeremonyError> {
    let folder = &ceremony.folder;
    let bundle = folder.read(&folder.bundle(), MAX_BUNDLE_BYTES).ok();
    let Some(bundle) = bundle.and_then(|bytes| Bundle::from_json(&bytes).ok()) else {
        return Ok(Vec::new());
    };
    let coordinator = ceremony.roster.coordinator();
    let mut known: Vec<(PublicKey, String, &str)> =
        vec![(coordinator.key, coordinator.name.to_string(), "coordinator")];
    let roster = ceremony.roster.everybody().iter();
    known.extend(roster.map(|person| (person.key, person.name.to_string(), "participant")));
    for audit in ceremony.audits()? {
        if !known.iter().any(|(key, ..)| *key == audit.key) {
            known.push((audit.key, audit.auditor.to_string(), "auditor"));
        }
    }
    let envelope = bundle.envelope();
    let signers = envelope.signers(known.iter().map(|(key, ..)| key));
    let mut found: Vec<ReportedApproval> = known
        .iter()
        .filter(|(key, ..)| signers.contains(key))
        .map(|(key, name, role)| ReportedApproval {
            name: Some(name.clone()),
            role: (*role).into(),
            key: Some(key.to_string()),
            fingerprint: key.fingerprint(),
        })
        .collect();
    let ids: BTreeSet<String> = known.iter().map(|(key, ..)| key.key_id().to_string()).collect();
    let others: BTreeSet<&str> = envelope
        .signatures()
        .iter()
        .map(|s| s.keyid.as_str())
        .filter(|id| !ids.contains(*id))
        .collect();
    found.extend(others.into_iter().map(|id| ReportedApproval {
        name: None,
        role: "a key that nothing in this folder names".into(),
        key: None,
        fingerprint: if id.is_empty() { "no key id".into() } else { id.to_owned() },
    }));
    Ok(found)
}

fn reported_stray(ceremony: &Ceremony, stray: &Stray) -> ReportedStray {
    ReportedStray {
        file: stray.files.first().map_or_else(String::new, |file| relative(ceremony, file)),
        kind: stray.story.word().into(),
        story: stray.story.to_string(),
    }
}

/// Steps, rejected files and strays in the order of their names.
fn places(chain: &Chain) -> Vec<ReportedPlace> {
    let steps = chain.steps.iter().chain(&chain.prepared).enumerate();
    let steps = steps.map(|(i, step)| (step.name, ReportedPlace::Step(i)));
    let rejected = chain.rejected.iter().enumerate();
    let rejected = rejected.map(|(i, gone)| (gone.name, ReportedPlace::Rejected(i)));
    let strays = chain.strays.iter().enumerate();
    let strays = strays.map(|(i, stray)| (stray.name, ReportedPlace::Stray(i)));
    let mut all: Vec<_> = steps.chain(rejected).chain(strays).collect();
    all.sort_by_key(|(name, _)| *name);
    all.into_iter().map(|(_, place)| place).collect()
}

fn chains(ceremony: &Ceremony) -> Vec<ReportedChain> {
    let order = |phase| ceremony.order_known(phase);
    let whole = |chain| reported_chain(ceremony, chain, usize::MAX, &order).0;
    ceremony.chains().map(whole).collect()
}

/// A chain with its first place and its last ones, `at_most` in all, and how many are left out.
/// `order` says what is known of a phase's contributions and the publication of its beacon.
fn reported_chain(
    ceremony: &Ceremony,
    chain: &Chain,
    at_most: usize,
    order: &dyn Fn(Phase) -> &'static str,
) -> (ReportedChain, usize) {
    let mut shown = places(chain);
    let left_out = shown.len().saturating_sub(at_most.max(1));
    if left_out > 0 {
        shown.drain(1..=left_out);
    }
    let set: BTreeSet<ReportedPlace> = shown.iter().copied().collect();
    let kept = |place: ReportedPlace| set.contains(&place);
    let steps: Vec<(usize, &Step)> =
        chain.steps.iter().chain(&chain.prepared).enumerate().collect();
    let steps: Vec<_> = steps.into_iter().filter(|(i, _)| kept(ReportedPlace::Step(*i))).collect();
    let rejected = chain.rejected.iter().enumerate();
    let rejected: Vec<_> = rejected.filter(|(i, _)| kept(ReportedPlace::Rejected(*i))).collect();
    let strays = chain.strays.iter().enumerate();
    let strays: Vec<_> = strays.filter(|(i, _)| kept(ReportedPlace::Stray(*i))).collect();
    // The place of each in the shorter lists.
    let renumbered = |place: &ReportedPlace| match *place {
        ReportedPlace::Step(n) => ReportedPlace::Step(steps.partition_point(|(i, _)| *i < n)),
        ReportedPlace::Rejected(n) => {
            ReportedPlace::Rejected(rejected.partition_point(|(i, _)| *i < n))
        }
        ReportedPlace::Stray(n) => ReportedPlace::Stray(strays.partition_point(|(i, _)| *i < n)),
    };
    let chain = ReportedChain {
        title: match &chain.track {
            Track::Phase1 => "Phase 1: powers of tau".into(),
            Track::Circuit(name) => format!("Phase 2: {name}"),
        },
        places: shown.iter().map(renumbered).collect(),
        steps: steps.into_iter().map(|(_, step)| reported(ceremony, step, order)).collect(),
        rejected: rejected
            .into_iter()
            .map(|(_, rejected)| ReportedRejection {
                file: relative(ceremony, &rejected.path),
                sha256: rejected.file.to_string(),
                reason: rejected.reason.to_string(),
            })
            .collect(),
        strays: strays.into_iter().map(|(_, stray)| reported_stray(ceremony, stray)).collect(),
        absent: if chain.track == Track::Phase1 && !ceremony.config.has_own_phase1() {
            Vec::new()
        } else {
            chain.waiting(&ceremony.roster).iter().map(|absent| absent.name.to_string()).collect()
        },
        open: !chain.is_closed() && chain.awaits_beacon().is_none(),
    };
    (chain, left_out)
}

fn reported(
    ceremony: &Ceremony,
    step: &Step,
    order: &dyn Fn(Phase) -> &'static str,
) -> ReportedStep {
    let words = &step.words;
    let build = words.build.as_ref();
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
        tool: words.tool.to_string(),
        executable_sha256: build.and_then(|it| it.executable_sha256).map(|it| it.to_string()),
        commit: build.and_then(|it| it.commit).map(|it| it.to_string()),
        arithmetic: build.map(|it| it.arithmetic.to_string()),
        entropy: if words.action == Action::Contribution {
            words.entropy.to_string()
        } else {
            "none".into()
        },
        destruction: words.destruction.to_string(),
        verified: words.verified.to_string(),
        beacon: words.beacon.as_ref().map(|it| reported_beacon(ceremony, step, it, order)),
    }
}

fn reported_beacon(
    ceremony: &Ceremony,
    step: &Step,
    beacon: &Beacon,
    order: &dyn Fn(Phase) -> &'static str,
) -> ReportedBeacon {
    let verified = matches!(beacon::verify(&ceremony.config, step), Ok(Some(_)));
    let chain = drand::Chain::of_source(&beacon.source).filter(|_| verified);
    ReportedBeacon {
        source: beacon.source.to_string(),
        round: beacon.round,
        value: hex::encode(beacon.value.as_bytes()),
        exponent: beacon.exponent.get(),
        chain: chain.map(|chain| chain.name().into()),
        signature: beacon.signature.as_ref().map(ToString::to_string),
        published: chain.and_then(|chain| chain.time_of(beacon.round)).map(|it| it.to_string()),
        order: order(step.words.phase).into(),
        verified_against_source: verified,
    }
}

fn relative(ceremony: &Ceremony, path: &std::path::Path) -> String {
    path.strip_prefix(ceremony.folder.root()).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// `SHA256SUMS`: the digests of all public files but itself, sorted by name, for `sha256sum
/// --check`.
///
/// Of what was verified, these are the digests of the bytes that were verified: they come from the
/// report and from the rules, and the files are not read again.
///
/// # Errors
/// When a file that was not verified cannot be read.
pub fn sums(
    ceremony: &Ceremony,
    report: &Report,
    progress: &dyn Progress,
) -> Result<String, CeremonyError> {
    let mut known: BTreeMap<String, String> =
        report.files.iter().map(|file| (file.file.clone(), file.sha256.clone())).collect();
    if report.result == "good" {
        // Each circuit was held to the digest of the rules, twice.
        for circuit in &ceremony.config.document().circuits {
            let path = relative(ceremony, &ceremony.folder.r1cs(&circuit.name));
            known.insert(path, circuit.sha256.to_string());
        }
    }
    let mut lines = String::new();
    for file in archive_set(ceremony)?.files {
        if file.name == "SHA256SUMS" {
            continue;
        }
        let digest = match known.remove(&file.name) {
            Some(digest) => digest,
            None => {
                let mut source = ceremony.folder.open(&file.path)?;
                sha256_file(&mut source, progress).map_err(at(&file.path))?.to_string()
            }
        };
        lines += &format!("{digest}  {}\n", file.name);
    }
    Ok(lines)
}
