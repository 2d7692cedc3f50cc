//! The signed result of an audit: who re-verified which ceremony, with what, and that everything
//! held, or what did not.
//!
//! A good result's subject is the transcript document. It is evidence next to the bundle: what a
//! policy counts is the auditor's signature on the bundle's statement. A failed audit has no
//! transcript: its subject is the rules, and it names the step that did not hold. Both carry the
//! key that they verify under, so that a reader can show whose word it is.

use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, TranscriptDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, Label, Timestamp};
use zk_attest::statement::{Predicate, Statement};

use crate::folder::MAX_ENTRIES;
use crate::store::EntryKind;
use crate::verdict::{StepVerdict, Verdict};
use crate::{Ceremony, CeremonyError};

/// The ending of a failed audit's name.
pub const FAILED: &str = ".failed.dsse.json";

/// What an auditor signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditResult {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The transcript that the auditor's own verification gave.
    pub transcript_sha256: TranscriptDigest,
    /// Data files that were verified.
    pub files: u32,
    /// Who.
    pub auditor: Label,
    /// The auditor's key, under which this verifies.
    pub key: PublicKey,
    /// Tool and version.
    pub tool: Label,
    /// What else was done, in the auditor's words.
    pub method: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for AuditResult {
    const TYPE: &'static str = "urn:zk-ceremony:audit:v2";
    const RENEW: &'static str = "audit the ceremony again";
}

/// What an auditor signs whose verification failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditFailure {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The step or document that did not hold.
    pub step: Label,
    /// What did not hold.
    pub failure: Label,
    /// Who.
    pub auditor: Label,
    /// The auditor's key, under which this verifies.
    pub key: PublicKey,
    /// Tool and version.
    pub tool: Label,
    /// What else was done, in the auditor's words.
    pub method: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for AuditFailure {
    const TYPE: &'static str = "urn:zk-ceremony:audit-failure:v1";
    const RENEW: &'static str = "audit the ceremony again";
}

impl Ceremony {
    /// The failed audits of this ceremony that verify under the keys they name, by file name.
    /// Anyone can sign one: a reader looks at the key.
    ///
    /// # Errors
    /// When the folder of audits cannot be listed, or has more files than are read.
    pub fn failed_audits(&self) -> Result<Vec<AuditFailure>, CeremonyError> {
        let is_ours =
            |said: &AuditFailure| (said.ceremony_toml_sha256 == self.config.digest(), said.key);
        self.results(|name| name.ends_with(FAILED), is_ours)
    }

    /// The good results of audits, likewise.
    ///
    /// # Errors
    /// As [`Self::failed_audits`].
    pub fn audits(&self) -> Result<Vec<AuditResult>, CeremonyError> {
        let is_ours =
            |said: &AuditResult| (said.ceremony_toml_sha256 == self.config.digest(), said.key);
        self.results(|name| name.ends_with(".dsse.json") && !name.ends_with(FAILED), is_ours)
    }

    fn results<P: Predicate>(
        &self,
        is_named: impl Fn(&str) -> bool,
        is_ours: impl Fn(&P) -> (bool, PublicKey),
    ) -> Result<Vec<P>, CeremonyError> {
        let folder = &self.folder;
        let audits = folder.audits();
        let names = folder.names(&audits, EntryKind::File, MAX_ENTRIES)?;
        let read = |name: &String| {
            let bytes = folder.read(&audits.join(name), Envelope::MAX_BYTES).ok()?;
            let envelope = Envelope::from_json(&bytes).ok()?;
            let said = Statement::<P>::from_payload(envelope.payload()).ok()?.predicate;
            let (ours, key) = is_ours(&said);
            (ours && !envelope.signers([&key]).is_empty()).then_some(said)
        };
        Ok(names.iter().filter(|name| is_named(name)).filter_map(read).collect())
    }
}

/// The auditor who signed something, of these keys.
///
/// # Errors
/// When none of them did.
pub fn signer(envelope: &Envelope, auditors: &[PublicKey]) -> Result<PublicKey, Diagnostic> {
    envelope.signers(auditors).first().copied().ok_or_else(|| {
        Diagnostic::artefact("not-an-auditor", "no auditor of this ceremony signed this")
            .expected("a key that the service was started with")
            .hint("give the coordinator your public key")
    })
}

/// The documents in the folder that these auditors signed about this ceremony, results and
/// verdicts, each with its signer, as they stand there.
///
/// # Errors
/// When a folder of verdicts cannot be listed, or has more files than a ceremony has steps.
pub fn documents(
    ceremony: &Ceremony,
    auditors: &[PublicKey],
) -> Result<Vec<(PublicKey, Vec<u8>)>, CeremonyError> {
    let folder = &ceremony.folder;
    let mut paths = Vec::new();
    for key in auditors {
        let own = key.fingerprint().replace(' ', "");
        paths.extend([format!("{own}.dsse.json"), format!("{own}{FAILED}")]);
        let verdicts = folder.audits().join(&own);
        let names = folder.names(&verdicts, EntryKind::File, MAX_ENTRIES)?;
        paths.extend(names.into_iter().map(|name| format!("{own}/{name}")));
    }
    paths.sort();
    paths.dedup();
    let read = |name: String| {
        let bytes = folder.read(&folder.audits().join(name), Envelope::MAX_BYTES).ok()?;
        let key = signer(&Envelope::from_json(&bytes).ok()?, auditors).ok()?;
        Some((key, bytes))
    };
    Ok(paths.into_iter().filter_map(read).collect())
}

/// Keeps the signed result of an audit in the folder, in place of an earlier one by the same key,
/// and says whose it is. `auditors` are the keys that may leave one.
///
/// # Errors
/// When no such key signed it, or it is not about this ceremony.
pub fn keep(
    ceremony: &Ceremony,
    envelope: &Envelope,
    auditors: &[PublicKey],
) -> Result<PublicKey, Diagnostic> {
    let key = signer(envelope, auditors)?;
    let envelope = &envelope.only_by(&key).map_err(|refusal| Diagnostic::from(&refusal))?;
    if let Some(kept) = ceremony.keep_verdict(envelope, &key) {
        return kept.map(|()| key);
    }
    let good = Statement::<AuditResult>::from_payload(envelope.payload());
    let failed = Statement::<AuditFailure>::from_payload(envelope.payload());
    let (rules, named, time, name) = match (&good, &failed) {
        (Ok(Statement { predicate: good, .. }), _) => {
            (good.ceremony_toml_sha256, good.key, &good.time, ".dsse.json")
        }
        (_, Ok(Statement { predicate: failed, .. })) => {
            (failed.ceremony_toml_sha256, failed.key, &failed.time, FAILED)
        }
        (Err(refusal), _) => return Err(Diagnostic::from(refusal)),
    };
    if named != key {
        return Err(Diagnostic::artefact(
            "another-key",
            "the audit names a key that did not sign it",
        )
        .found(named.fingerprint())
        .expected(key.fingerprint())
        .hint("sign it with the key that it names"));
    }
    if rules != ceremony.config.digest() {
        return Err(Diagnostic::artefact("another-ceremony", "the audit is of another ceremony")
            .found(rules)
            .expected(ceremony.config.digest()));
    }
    let own = key.fingerprint().replace(' ', "");
    let of_key = |said: &PublicKey| *said == key;
    let earlier = if name == FAILED {
        ceremony.failed_audits()?.into_iter().filter(|it| of_key(&it.key)).map(|it| it.time).max()
    } else {
        ceremony.audits()?.into_iter().filter(|it| of_key(&it.key)).map(|it| it.time).max()
    };
    ensure_newer(earlier.as_ref(), time)?;
    let path = ceremony.folder.audits().join(format!("{own}{name}"));
    crate::steps::write_file(ceremony, &path, &envelope.to_json(), true)?;
    Ok(key)
}

/// Refuses what was signed before what is here. Documents are public: anybody can send an old one
/// again.
///
/// # Errors
/// When it is older.
pub(crate) fn ensure_newer(kept: Option<&Timestamp>, sent: &Timestamp) -> Result<(), Diagnostic> {
    match kept {
        Some(kept) if sent.unix() < kept.unix() => Err(Diagnostic::artefact(
            "older-audit",
            "this auditor has signed something newer about the same",
        )
        .found(sent)
        .expected(format_args!("{kept}, or later"))
        .hint("verify again, and sign what you find now")),
        _ => Ok(()),
    }
}

/// Whether this says that a verification failed: of the whole ceremony, or of one step.
#[must_use]
pub fn is_failure(envelope: &Envelope) -> bool {
    let step = Statement::<StepVerdict>::from_payload(envelope.payload());
    step.is_ok_and(|step| step.predicate.verdict == Verdict::Bad)
        || Statement::<AuditFailure>::from_payload(envelope.payload()).is_ok()
}

/// A text of any length and form as one signed line.
#[must_use]
pub fn one_line(text: &str) -> Label {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut end = flat.len().min(Label::MAX_BYTES);
    loop {
        while !flat.is_char_boundary(end) {
            end -= 1;
        }
        // Escaped, some characters take more.
        match Label::new(flat[..end].trim()) {
            Ok(label) => return label,
            Err(_) if end > 40 => end -= 40,
            Err(_) => return Label::from_static("not printable"),
        }
    }
}

#[cfg(test)]
mod tests {
    use zk_attest::statement::{Phase, Subject};

    use super::*;

    const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

    #[test]
    fn a_bad_verdict_on_a_step_is_a_failure_and_a_good_one_is_not() {
        let label = Label::from_static;
        for (verdict, reason) in [(Verdict::Good, None), (Verdict::Bad, Some(label("no")))] {
            let predicate = StepVerdict {
                ceremony: CeremonyId::new("a").unwrap(),
                kind: CeremonyKind::Rehearsal,
                ceremony_toml_sha256: ConfigDigest::of(b"rules"),
                phase: Phase::One,
                circuit: None,
                index: 1,
                verdict,
                reason,
                auditor: label("dana"),
                key: PublicKey::from_hex(KEY).unwrap(),
                tool: label("test"),
                time: Timestamp::now(),
            };
            let subject = vec![Subject::new("0001.ptau", &[0; 32]).unwrap()];
            let envelope = Statement { subject, predicate }.to_envelope().unwrap();
            assert_eq!(is_failure(&envelope), verdict == Verdict::Bad);
        }
    }
}
