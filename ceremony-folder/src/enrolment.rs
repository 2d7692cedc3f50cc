//! Enrolments: a person's own signed word, before the rounds, to take part in a ceremony.
//!
//! ```text
//! enrolments/KEY.dsse.json     KEY: the first 16 digits of the person's key id
//! ```
//!
//! It commits a person and not a secret: a key, a program, a machine and a time that can be held
//! against what the person did later. From somebody who is not in the roster it is a request, which
//! the coordinator answers with an amendment ([`crate::roster`]). Nothing is decided by it.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zk_attest::amendment::Change;
use zk_attest::diagnostic::Diagnostic;
use zk_attest::digest::{ConfigDigest, FileDigest};
use zk_attest::envelope::Envelope;
use zk_attest::key::PublicKey;
use zk_attest::primitives::{CeremonyId, CeremonyKind, Label, Timestamp};
use zk_attest::signer::{Signer, sign_envelope};
use zk_attest::statement::{Phase, Predicate, Statement, Subject};
use zk_vk_guard::limits::MAX_PARTICIPANTS;

use crate::Ceremony;
use crate::config::Config;
use crate::error::{CeremonyError, at, broken};
use crate::steps::write_file;
use crate::store::EntryKind;

/// The folder of enrolments.
pub const ENROLMENTS: &str = "enrolments";

/// Files of the folder that are looked at: everybody's enrolments, those that wait
/// ([`most_waiting`]), and as many as the ceremony can have people that somebody put there.
const MAX_FILES: usize = 4 * MAX_PARTICIPANTS;

/// How many requests of people who are not in the roster may wait for the coordinator.
///
/// Keys cost nothing, so whatever the number, somebody can reach it. Four for each place: those who
/// come in earnest can be chosen from more than there is room for, with some whose place somebody
/// else took or who lost their key, and a folder of this size can be looked through by hand. At
/// least 32, because rules for one person must not be filled up by a class that tries them; at most
/// twice the people of the largest ceremony, which the folder's limit leaves room for.
///
/// A service lets one network fill no more than a part of it in an hour: [`most_an_hour`].
#[must_use]
pub fn most_waiting(rules: &Config) -> usize {
    let places = rules.document().enrolment.as_ref().map_or(0, |rule| rule.maximum as usize);
    places.saturating_mul(4).clamp(32, 2 * MAX_PARTICIPANTS)
}

/// How many requests of people who are not in the roster a service takes from one network in an
/// hour: as many as there are places, because all of them may sit in one room, behind one address;
/// at least eight, for those who try. That is half of [`most_waiting`] at most.
#[must_use]
pub fn most_an_hour(rules: &Config) -> usize {
    let places = rules.document().enrolment.as_ref().map_or(0, |rule| rule.maximum as usize);
    places.clamp(8, most_waiting(rules) / 2)
}

/// What a person signs before the rounds. The subject is ceremony.toml.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolment {
    /// The ceremony.
    pub ceremony: CeremonyId,
    /// What it is for.
    pub kind: CeremonyKind,
    /// SHA-256 of its ceremony.toml.
    pub ceremony_toml_sha256: ConfigDigest,
    /// Who.
    pub participant: Label,
    /// The key, under which this verifies and the contributions will.
    pub key: PublicKey,
    /// In which phases.
    pub phases: Vec<Phase>,
    /// The program, with its version.
    pub tool: Label,
    /// SHA-256 of the program's file, where it is known.
    pub software_sha256: Option<FileDigest>,
    /// On which machine, in the person's words.
    pub machine: Label,
    /// When, in the person's words.
    pub window: Label,
    /// When this was signed.
    pub time: Timestamp,
}

impl Predicate for Enrolment {
    const TYPE: &'static str = "urn:zk-ceremony:enrolment:v1";
    const RENEW: &'static str = "enrol again, with this version of the program";
}

impl Enrolment {
    /// Signs it.
    ///
    /// # Errors
    /// When the signer has another key, the words do not fit a statement, or the signer's own.
    pub fn sign(self, signer: &mut dyn Signer) -> Result<Envelope, Diagnostic> {
        let path = Path::new(ENROLMENTS);
        let subject = Subject::new("ceremony.toml", self.ceremony_toml_sha256.as_bytes());
        let statement = Statement { subject: vec![subject.map_err(at(path))?], predicate: self };
        let mut envelope = statement.to_envelope().map_err(at(path))?;
        sign_envelope(signer, &mut envelope)?;
        Ok(envelope)
    }

    /// Reads one of this ceremony, which verifies under the key that it names.
    ///
    /// # Errors
    /// When it is of another ceremony, or is not signed with its key. Messages name `path`.
    pub fn read(path: &Path, bytes: &[u8], rules: &Config) -> Result<Self, CeremonyError> {
        let envelope = Envelope::from_json(bytes).map_err(at(path))?;
        let Statement { subject, predicate: said } =
            Statement::<Self>::from_payload(envelope.payload()).map_err(at(path))?;
        if envelope.signers([&said.key]).is_empty() {
            return Err(broken(
                path,
                "the enrolment is not signed with the key that it names",
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
                "the enrolment is of another ceremony",
                format_args!("{}, {}", said.ceremony, said.ceremony_toml_sha256),
                format_args!("{}, {}", document.id, rules.digest()),
            ));
        }
        if said.phases.is_empty() || !said.phases.is_sorted_by(|a, b| a < b) {
            let expected = "[1], [2] or [1, 2]";
            return Err(broken(path, "the enrolment names no phases", "another list", expected));
        }
        Ok(said)
    }
}

/// Keeps an enrolment that came from its maker, the first one of each key: what somebody said
/// before the rounds is not changed later. From somebody who is not in the roster, only as long as
/// the coordinator could add them.
///
/// # Errors
/// When it does not hold, another one of this key is there, nobody of this name and key could take
/// part, or there are too many.
pub fn keep(ceremony: &Ceremony, envelope: &Envelope) -> Result<Kept, Diagnostic> {
    let said = Enrolment::read(Path::new("enrolment"), &envelope.to_json(), &ceremony.config)?;
    let kept = envelope.only_by(&said.key).map_err(|refusal| Diagnostic::from(&refusal))?;
    let bytes = kept.to_json();
    if said.is_here(ceremony)? {
        return Ok(Kept::Already(said));
    }
    said.ensure_has_room(ceremony)?;
    write_file(ceremony, &ceremony.enrolment_path(&said.key), &bytes, false)?;
    Ok(Kept::New(said))
}

/// Whether an enrolment was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is there now.
    New(Enrolment),
    /// The same one was there.
    Already(Enrolment),
}

impl Enrolment {
    /// Whether the folder has this enrolment. Writes nothing and needs no lock: a service answers
    /// one that is sent again by what this says.
    ///
    /// # Errors
    /// When another one of this key is there, or it cannot be read.
    pub fn is_here(&self, ceremony: &Ceremony) -> Result<bool, Diagnostic> {
        let path = ceremony.enrolment_path(&self.key);
        if !ceremony.folder.is_present(&path) {
            return Ok(false);
        }
        let kept = ceremony.folder.read(&path, Envelope::MAX_BYTES)?;
        if Self::read(&path, &kept, &ceremony.config).is_ok_and(|kept| kept == *self) {
            return Ok(true);
        }
        // The document's fault, and not the folder's: what was said first stays so.
        Err(Diagnostic::artefact("enrolled-already", "this key has enrolled already")
            .at(path.display())
            .found(self.key.fingerprint())
            .expected("one enrolment of each key, as it was first signed")
            .hint("what was signed first counts: send nothing else, and wait for the coordinator"))
    }

    /// Refuses a request that the coordinator could not answer with an amendment, and one too many.
    /// Writes nothing and needs no lock.
    ///
    /// # Errors
    /// See above.
    pub fn ensure_has_room(&self, ceremony: &Ceremony) -> Result<(), Diagnostic> {
        // Those of people who are in the roster always have room.
        if self.is_of_the_roster(ceremony) {
            return Ok(());
        }
        ceremony.ensure_amendable(self.change(), Label::from_static("a request"))?;
        let (found, most) = (ceremony.waiting_enrolments()?, most_waiting(&ceremony.config));
        if found < most {
            return Ok(());
        }
        Err(Diagnostic::artefact("enrolments", "too many people ask to take part")
            .at(ENROLMENTS)
            .found(format_args!("{found} requests that wait for the coordinator"))
            .expected(format_args!("fewer than {most}"))
            .hint("ask the coordinator, who can move requests out of that folder"))
    }

    /// Whether the roster has this person, with this key.
    #[must_use]
    pub fn is_of_the_roster(&self, ceremony: &Ceremony) -> bool {
        let mut everybody = ceremony.roster.everybody().iter();
        everybody.any(|person| person.name == self.participant && person.key == self.key)
    }

    /// The amendment that it asks for.
    #[must_use]
    pub fn change(&self) -> Change {
        Change::Enrol {
            participant: self.participant.clone(),
            key: self.key,
            phases: self.phases.clone(),
        }
    }
}

impl Ceremony {
    /// Where the enrolment of a key is kept.
    #[must_use]
    pub fn enrolment_path(&self, key: &PublicKey) -> PathBuf {
        let name = format!("{}.dsse.json", key.fingerprint().replace(' ', ""));
        self.folder.root().join(ENROLMENTS).join(name)
    }

    /// How many files stand where the enrolments of people do who are not in the roster. By their
    /// names: what is written there was verified before, and to verify all of them for each one
    /// that comes would be the sender's work for free.
    ///
    /// # Errors
    /// When the folder of enrolments cannot be listed, or has more files than are read.
    pub fn waiting_enrolments(&self) -> Result<usize, CeremonyError> {
        let name = |key| self.enrolment_path(key).file_name().map(|it| it.to_os_string());
        let known: HashSet<OsString> =
            self.roster.keys().filter_map(|(_, key)| name(key)).collect();
        let is_request = |name: &&String| {
            let digits = name.strip_suffix(".dsse.json").unwrap_or_default();
            digits.len() == 16
                && digits.bytes().all(|it| it.is_ascii_hexdigit())
                && !known.contains(OsStr::new(name.as_str()))
        };
        let names = self.folder.names(Path::new(ENROLMENTS), EntryKind::File, MAX_FILES)?;
        Ok(names.iter().filter(is_request).count())
    }

    /// The enrolments of this ceremony that hold, each under its own name.
    ///
    /// # Errors
    /// As [`Self::waiting_enrolments`].
    pub fn enrolments(&self) -> Result<Vec<Enrolment>, CeremonyError> {
        let names = self.folder.names(Path::new(ENROLMENTS), EntryKind::File, MAX_FILES)?;
        let read = |name: String| {
            let path = self.folder.root().join(ENROLMENTS).join(name);
            let bytes = self.folder.read(&path, Envelope::MAX_BYTES).ok()?;
            let said = Enrolment::read(&path, &bytes, &self.config).ok()?;
            (self.enrolment_path(&said.key) == path).then_some(said)
        };
        Ok(names.into_iter().filter_map(read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{config, key, label, signed};

    fn enrolment() -> Enrolment {
        Enrolment {
            ceremony: config().document().id.clone(),
            kind: config().document().kind,
            ceremony_toml_sha256: config().digest(),
            participant: label("zoe"),
            key: key("zoe"),
            phases: vec![Phase::Two],
            tool: label("a tool"),
            software_sha256: None,
            machine: label("a machine"),
            window: label("a day"),
            time: Timestamp::from_unix(0),
        }
    }

    fn read(said: &Enrolment, subject: ConfigDigest, signer: &str) -> Result<Enrolment, String> {
        let subject = Subject::new("ceremony.toml", subject.as_bytes()).unwrap();
        let envelope =
            signed(&Statement { subject: vec![subject], predicate: said.clone() }, &[signer]);
        let read = Enrolment::read(Path::new("enrolment"), &envelope.to_json(), &config());
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn an_enrolment_is_of_these_rules_in_each_of_its_words_and_signed_by_its_maker() {
        let good = enrolment();
        let rules = config().digest();
        assert_eq!(read(&good, rules, "zoe").unwrap(), good);
        let other = ConfigDigest::of(b"x");
        let foreign = "the enrolment is of another ceremony";
        for (said, subject, signer, what) in [
            (good.clone(), rules, "alice", "not signed with the key that it names"),
            (good.clone(), other, "zoe", foreign),
            (Enrolment { ceremony_toml_sha256: other, ..good.clone() }, rules, "zoe", foreign),
            (
                Enrolment { ceremony: CeremonyId::new("x").unwrap(), ..good.clone() },
                rules,
                "zoe",
                foreign,
            ),
            (Enrolment { kind: CeremonyKind::Production, ..good.clone() }, rules, "zoe", foreign),
            (Enrolment { phases: vec![], ..good.clone() }, rules, "zoe", "names no phases"),
            (
                Enrolment { phases: vec![Phase::Two, Phase::One], ..good },
                rules,
                "zoe",
                "names no phases",
            ),
        ] {
            let error = read(&said, subject, signer).unwrap_err();
            assert!(error.contains(what), "{what}: {error}");
        }
    }
}
