//! What a service that holds a ceremony signs, and what lets it sign: the coordinator's appointment
//! of its key, and its receipts.
//!
//! A service cannot forge a step: participants sign those. Its key says what the service saw and
//! when, so that a participant can prove that a contribution was taken in.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, ContributionHash, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, CircuitName, Label, Timestamp};
use zk_attest::program::PROGRAM;
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Phase, Predicate, Statement, Subject};

use crate::error::{CeremonyError, at, broken};
use crate::journal::{Event, Recorded};
use crate::steps::write_file;
use crate::store::EntryKind;
use crate::{Ceremony, Chain, Step, Track};

/// The folder of appointments.
pub const SERVICES: &str = "services";
/// Appointments that are read at most: more services than any ceremony has.
const MAX_SERVICES: usize = 1 << 10;

/// What the coordinator signs to let a service hold the ceremony. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The key that the service signs with.
    pub service_key: PublicKey,
    /// The address that participants use, `https://HOST[:PORT]`.
    pub origin: Label,
    /// When.
    pub time: Timestamp,
}

impl Predicate for Appointment {
    const TYPE: &'static str = "urn:zk-ceremony:service:v1";
    const RENEW: &'static str = "have the coordinator appoint the service again";
}

/// What the service signs when a contribution is in the folder. The subject is its data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// The phase.
    pub phase: Phase,
    /// The circuit, in phase 2.
    pub circuit: Option<CircuitName>,
    /// The contribution's number in its chain.
    pub index: u32,
    /// Who made it.
    pub participant: Label,
    /// The key that attests it.
    pub key: PublicKey,
    /// SHA-256 of its file.
    pub file: FileDigest,
    /// The hash that tools show for it.
    pub contribution_hash: Option<ContributionHash>,
    /// The number of the journal's entry that tells of it.
    pub journal_entry: u64,
    /// SHA-256 of that entry.
    pub journal_sha256: FileDigest,
}

impl Predicate for Receipt {
    const TYPE: &'static str = "urn:zk-ceremony:receipt:v1";
    const RENEW: &'static str = "ask the service for the receipt again, with `ceremony join`";
}

impl Receipt {
    /// The chain.
    #[must_use]
    pub fn track(&self) -> Track {
        self.circuit.clone().map_or(Track::Phase1, Track::Circuit)
    }

    /// What a service says about a step of its journal.
    #[must_use]
    pub fn of(ceremony: &Ceremony, step: &Step, journal: &Recorded) -> Self {
        let circuit = step.words.circuit.as_ref().map(|circuit| circuit.name.clone());
        Self {
            ceremony: ceremony.config.document().id.clone(),
            ceremony_toml_sha256: ceremony.config.digest(),
            phase: step.words.phase,
            circuit,
            index: step.index,
            participant: step.words.participant.clone(),
            key: step.key,
            file: step.file,
            contribution_hash: step.words.contribution_hash,
            journal_entry: journal.entry.number,
            journal_sha256: journal.sha256,
        }
    }

    /// Signs it.
    ///
    /// # Errors
    /// The signer's.
    pub fn sign(self, name: &str, signer: &mut dyn Signer) -> Result<Envelope, Diagnostic> {
        let path = Path::new(name);
        let subject = Subject::new(name, self.file.as_bytes()).map_err(at(path))?;
        let statement = Statement { subject: vec![subject], predicate: self };
        let mut envelope = statement.to_envelope().map_err(at(path))?;
        sign_envelope(signer, &mut envelope)?;
        Ok(envelope)
    }

    /// Reads one that `service` signed, of this ceremony.
    ///
    /// # Errors
    /// When it is not signed by that key, or is of another ceremony. Messages name `path`.
    pub fn read(
        path: &Path,
        bytes: &[u8],
        rules: ConfigDigest,
        services: &[PublicKey],
    ) -> Result<Self, CeremonyError> {
        let envelope = Envelope::from_json(bytes).map_err(at(path))?;
        if envelope.signers(services).is_empty() {
            return Err(broken(
                path,
                "no service of this ceremony signed this receipt",
                "another key",
                "a key that the coordinator appointed",
            ));
        }
        let Statement { subject, predicate } =
            Statement::<Self>::from_payload(envelope.payload()).map_err(at(path))?;
        let is_subject =
            matches!(subject.as_slice(), [it] if it.digest.sha256.0 == predicate.file.0);
        if predicate.ceremony_toml_sha256 != rules || !is_subject {
            return Err(broken(
                path,
                "the receipt is of another ceremony",
                predicate.ceremony_toml_sha256,
                rules,
            ));
        }
        Ok(predicate)
    }

    /// Holds a folder against this receipt: the contribution is in its chain, with the hashes of
    /// the receipt, or the coordinator took it out with a signed reason.
    ///
    /// # Errors
    /// When it is not there: the receipt then proves that it was taken in and left out later.
    pub fn kept_by(&self, ceremony: &Ceremony, path: &Path) -> Result<Kept, CeremonyError> {
        let track = self.track();
        let Some(chain) = ceremony.chains().find(|chain| chain.track == track) else {
            return Err(broken(path, "the ceremony has no such chain", &track, "one of the rules"));
        };
        let of = |chain: &Chain| {
            chain.steps.iter().find(|step| step.file == self.file).map(|step| step.index)
        };
        if let Some(index) = of(chain) {
            return Ok(Kept::Step(index));
        }
        if let Some(gone) = chain.rejected.iter().find(|gone| gone.file == self.file) {
            return Ok(Kept::Rejected(gone.reason.clone()));
        }
        let found = chain.steps.iter().find(|step| step.index == self.index);
        Err(broken(
            path,
            format_args!(
                "{}'s contribution to {track} was taken in and is not in this folder: the receipt \
                 and the contribution's two files are the evidence",
                self.participant
            ),
            found.map_or("no step of that number".into(), |step| {
                format!("step {} by {}, {}", step.index, step.words.participant, step.file)
            }),
            self.file,
        ))
    }
}

impl Receipt {
    /// Holds a journal against this receipt: the entry that it names is there, with its digest, and
    /// tells of the contribution.
    ///
    /// # Errors
    /// When it is not: the service told another story to the one who got the receipt.
    pub fn told_by(&self, entries: &[Recorded], path: &Path) -> Result<(), CeremonyError> {
        let number = self.journal_entry;
        let entry = usize::try_from(number).ok().and_then(|index| entries.get(index));
        let tells = |event: &Event| {
            matches!(event, Event::Step { circuit, participant, file, .. }
                if (circuit, participant, file) == (&self.circuit, &self.participant, &self.file))
        };
        match entry {
            Some(found) if found.sha256 == self.journal_sha256 && tells(&found.entry.event) => {
                Ok(())
            }
            found => Err(broken(
                path,
                format_args!(
                    "the journal has not the entry {number} that the service signed in this \
                     receipt: keep both, `{PROGRAM} ceremony judge` holds them against each other"
                ),
                found.map_or("no such entry".into(), |found| found.sha256.to_string()),
                self.journal_sha256,
            )),
        }
    }
}

/// Where a contribution with a receipt is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the chain, with this number.
    Step(u32),
    /// Taken out by the coordinator, for this reason.
    Rejected(Label),
}

/// Whether an address's host is this very machine, so that what goes there needs no TLS.
#[must_use]
pub fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// The services that the coordinator appointed, as far as their documents hold.
///
/// # Errors
/// When the folder of appointments cannot be listed, or has more files than are read.
pub fn appointments(ceremony: &Ceremony) -> Result<Vec<Appointment>, CeremonyError> {
    let said = |envelope: &Envelope| {
        Statement::<Appointment>::from_payload(envelope.payload()).ok().map(|it| it.predicate)
    };
    Ok(appointed(ceremony)?.iter().filter_map(|(_, envelope)| said(envelope)).collect())
}

/// Whether these bytes are an appointment for these rules under its own name, signed with a key of
/// the roster or of a deputy. Asked before a copy keeps it, when the copy may not know yet who is
/// the coordinator now; only [`appointments`] decides whether it counts.
#[must_use]
pub fn may_appoint(ceremony: &Ceremony, name: &str, bytes: &[u8]) -> bool {
    let deputies = ceremony.config.deputies().into_iter().flat_map(|deputies| deputies.keys);
    let mut keys: Vec<PublicKey> = ceremony.roster.keys().map(|(_, key)| *key).collect();
    keys.extend(deputies);
    let Ok(envelope) = Envelope::from_json(bytes) else { return false };
    let said = Statement::<Appointment>::from_payload(envelope.payload());
    let is_it = |said: &Appointment| {
        said.ceremony_toml_sha256 == ceremony.config.digest()
            && name == format!("{SERVICES}/{}", file_name(&said.service_key))
    };
    said.is_ok_and(|it| is_it(&it.predicate)) && !envelope.signers(&keys).is_empty()
}

/// The name of a key's appointment.
fn file_name(service_key: &PublicKey) -> String {
    format!("{}.dsse.json", service_key.fingerprint().replace(' ', ""))
}

/// The appointments that hold, with their files.
pub(crate) fn appointed(ceremony: &Ceremony) -> Result<Vec<(PathBuf, Envelope)>, CeremonyError> {
    let folder = &ceremony.folder;
    let coordinator = &ceremony.roster.coordinator().key;
    let names = folder.names(Path::new(SERVICES), EntryKind::File, MAX_SERVICES)?;
    let read = |name: &String| {
        let path = folder.root().join(SERVICES).join(name);
        let bytes = folder.read(&path, Envelope::MAX_BYTES).ok()?;
        let envelope = Envelope::from_json(&bytes).ok()?;
        if envelope.signers([coordinator]).is_empty() {
            return None;
        }
        let said = Statement::<Appointment>::from_payload(envelope.payload()).ok()?.predicate;
        (said.ceremony_toml_sha256 == ceremony.config.digest()).then_some((path, envelope))
    };
    let documents = names.iter().filter(|name| name.ends_with(".dsse.json"));
    Ok(documents.filter_map(read).collect())
}

/// Signs an appointment and writes it to the folder, unless the same one is there.
///
/// # Errors
/// When the signer is not the coordinator's, or writing fails.
pub fn appoint(
    ceremony: &Ceremony,
    service_key: PublicKey,
    origin: &Label,
    coordinator: &mut dyn Signer,
) -> Result<(), Diagnostic> {
    ceremony.ensure_coordinator(coordinator)?;
    let is_it = |known: &Appointment| known.service_key == service_key && known.origin == *origin;
    if appointments(ceremony)?.iter().any(is_it) {
        return Ok(());
    }
    let rules = ceremony.config.document();
    let path = ceremony.folder.root().join(SERVICES).join(file_name(&service_key));
    let predicate = Appointment {
        ceremony: rules.id.clone(),
        kind: rules.kind,
        ceremony_toml_sha256: ceremony.config.digest(),
        service_key,
        origin: origin.clone(),
        time: Timestamp::now(),
    };
    let subject = Subject::new("ceremony.toml", ceremony.config.digest().as_bytes());
    let statement = Statement { subject: vec![subject.map_err(at(&path))?], predicate };
    let mut envelope = statement.to_envelope().map_err(at(&path))?;
    sign_envelope(coordinator, &mut envelope)?;
    Ok(write_file(ceremony, &path, &envelope.to_json(), true)?)
}

#[cfg(test)]
mod tests {
    use zk_attest::statement::Action;

    use super::*;
    use crate::fixture::{config, contribution, key, label, rejected, rules, signed};
    use crate::journal::Entry;

    fn receipt() -> Receipt {
        let config = config();
        Receipt {
            ceremony: config.document().id.clone(),
            ceremony_toml_sha256: config.digest(),
            phase: Phase::One,
            circuit: None,
            index: 1,
            participant: label("alice"),
            key: key("alice"),
            file: FileDigest::of(b"file"),
            contribution_hash: None,
            journal_entry: 0,
            journal_sha256: FileDigest::of(b"line"),
        }
    }

    #[test]
    fn a_receipt_is_one_that_an_appointed_service_signed_for_a_file_of_this_ceremony() {
        let read = |signer: &str, rules: ConfigDigest, subject: &[u8]| {
            let subject = Subject::new("0001.ptau", FileDigest::of(subject).as_bytes()).unwrap();
            let statement = Statement { subject: vec![subject], predicate: receipt() };
            let bytes = signed(&statement, &[signer]).to_json();
            let read = Receipt::read(Path::new("receipt"), &bytes, rules, &[key("service")]);
            read.map_err(|error| error.to_string())
        };
        let ours = config().digest();
        assert_eq!(read("service", ours, b"file"), Ok(receipt()));
        let stranger = read("another service", ours, b"file").unwrap_err();
        assert!(stranger.contains("no service of this ceremony signed"), "{stranger}");
        for (rules, subject) in
            [(ConfigDigest::of(b"others"), &b"file"[..]), (ours, b"another file")]
        {
            let other = read("service", rules, subject).unwrap_err();
            assert!(other.contains("of another ceremony"), "{other}");
        }
    }

    #[test]
    fn a_receipt_is_told_by_the_entry_that_was_signed_and_by_no_other() {
        let receipt = receipt();
        let told_of = |circuit: Option<&str>, line: &[u8], participant: &str, file: &[u8]| {
            let event = Event::Step {
                circuit: circuit.map(|name| CircuitName::new(name).unwrap()),
                step: "0001".into(),
                action: Action::Contribution,
                participant: label(participant),
                file: FileDigest::of(file),
                turn: None,
            };
            let previous = FileDigest::of(b"rules");
            let entry = Entry { number: 0, previous, time: Timestamp::now(), event };
            let entries = [Recorded { entry, sha256: FileDigest::of(line) }];
            receipt.told_by(&entries, Path::new("receipt")).is_ok()
        };
        let told =
            |line: &[u8], participant: &str, file: &[u8]| told_of(None, line, participant, file);
        assert!(told(b"line", "alice", b"file"));
        assert!(!told_of(Some("main"), b"line", "alice", b"file"), "it is of another chain");
        assert!(!told(b"another line", "alice", b"file"), "the service signed another line");
        assert!(!told(b"line", "bob", b"file") && !told(b"line", "alice", b"another file"));
        assert!(receipt.told_by(&[], Path::new("receipt")).is_err(), "the entry is gone");
    }

    #[test]
    fn a_contribution_with_a_receipt_is_in_its_chain_or_was_taken_out_for_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ceremony.toml"), rules()).unwrap();
        let mut ceremony = Ceremony::open(folder.path()).unwrap();
        let made = contribution(&ceremony, "alice");
        let receipt = Receipt { file: made.file, ..receipt() };
        let kept = |ceremony: &Ceremony, receipt: &Receipt| {
            receipt.kept_by(ceremony, Path::new("receipt")).map_err(|error| error.to_string())
        };
        let missing = kept(&ceremony, &receipt).unwrap_err();
        assert!(missing.contains("alice's contribution to phase 1 was taken in"), "{missing}");
        assert!(missing.contains("no step of that number"), "{missing}");
        // Another party's stands in its place.
        ceremony.phase1.steps = vec![contribution(&ceremony, "bob")];
        let missing = kept(&ceremony, &receipt).unwrap_err();
        assert!(missing.contains("step 1 by bob"), "{missing}");
        // Whose receipt it is says the file: a chain may have it under another number.
        ceremony.phase1.steps.push(Step { index: 2, ..made.clone() });
        assert_eq!(kept(&ceremony, &receipt), Ok(Kept::Step(2)));
        let of = |name: &str| {
            let circuit = Some(CircuitName::new(name).unwrap());
            Receipt { phase: Phase::Two, circuit, ..receipt.clone() }
        };
        let missing = kept(&ceremony, &of("main")).unwrap_err();
        assert!(missing.contains("is not in this folder"), "{missing}");
        let unknown = kept(&ceremony, &of("other")).unwrap_err();
        assert!(unknown.contains("the ceremony has no such chain"), "{unknown}");
        ceremony.phase1.steps.pop();
        ceremony.phase1.rejected = vec![rejected(contribution(&ceremony, "bob"))];
        assert!(kept(&ceremony, &receipt).is_err(), "another one was taken out");
        ceremony.phase1.rejected.push(rejected(made));
        assert_eq!(kept(&ceremony, &receipt), Ok(Kept::Rejected(label("a test"))));
    }
}
